"""Clients that mean no good or know no better: silent, slow, greedy, or gone before their answer came."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import time
from collections.abc import Sequence

from torture.flood.listeners import asks_for_live
from torture.flood.served import PATIENCE

_LINGER_ZERO = struct.pack("ii", 1, 0)


def request(path: str) -> bytes:
    """One GET, its connection kept."""
    return f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def connected(port: int, first: bytes = b"", room: int = 0) -> socket.socket:
    """A plain connection that has said `first`. room: bytes of its receive buffer."""
    made = socket.socket()
    made.settimeout(PATIENCE)
    if room:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    made.connect(("127.0.0.1", port))
    if first:
        with contextlib.suppress(OSError):
            made.sendall(first)
    return made


def hanging(port: int, count: int) -> list[socket.socket]:
    """Connections that hold a place and do nothing: silent ones, half requests, answered ones, live ones half made."""
    says = (b"", b"GET / HT", request("api/board")[:-2] + b"X-Slow: a", request("icon.svg"), asks_for_live(port)[:-2])
    made = []
    for number in range(count):
        with contextlib.suppress(OSError):
            made.append(connected(port, says[number % len(says)]))
    return made


def drip(sockets: Sequence[socket.socket]) -> None:
    """One byte more of a header on each, which never ends."""
    for one in sockets:
        with contextlib.suppress(OSError):
            one.send(b"a")


def vanish(one: socket.socket) -> None:
    """Leave with a reset, as a machine that lost its power does after its return."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    one.close()


async def small_questions(port: int, path: str, clients: int, until: float) -> tuple[list[float], list[int]]:
    """So many clients that ask one thing again and again: seconds of each answer, and every status but 200."""
    seconds: list[float] = []
    others: list[int] = []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while time.monotonic() < until:
                began = time.monotonic()
                writer.write(request(path))
                status, _ = await asyncio.wait_for(answered(reader), PATIENCE)
                seconds.append(time.monotonic() - began)
                if status != 200:
                    others.append(status)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            others.append(0)
        finally:
            writer.close()

    await asyncio.gather(*(ask() for _ in range(clients)))
    return seconds, others


async def answered(reader: asyncio.StreamReader) -> tuple[int, int]:
    """The status and the length of one answer that is read to its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    _, told, rest = head.partition(b"content-length: ")
    if told:
        length = int(rest.split(b"\r\n")[0])
        left = length
        while left:
            left -= len(piece := await reader.read(min(left, 1 << 20)))
            if not piece:
                raise asyncio.IncompleteReadError(b"", left)
        return status, length
    length = 0
    while size := int(await reader.readline(), 16):
        length += len(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return status, length


async def ask_for(port: int, path: str) -> tuple[int, int]:
    """The status and length of one large answer; (0, 0) when the connection broke."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        writer.write(request(path))
        return await answered(reader)
    except (OSError, asyncio.IncompleteReadError):
        return 0, 0
    finally:
        writer.close()


def leave_midway(port: int, paths: Sequence[str], count: int, chance: random.Random) -> None:
    """Ask for much, and leave: at once, after a moment, or with some of the answer read."""
    for _ in range(count):
        with contextlib.suppress(OSError):
            one = connected(port, request(chance.choice(paths)))
            if chance.random() < 0.5:
                time.sleep(chance.random() * 0.01)
            if chance.random() < 0.3:
                one.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    one.recv(4096)
            vanish(one) if chance.random() < 0.5 else one.close()
