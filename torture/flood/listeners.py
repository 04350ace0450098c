"""Hundreds of live connections in one process: each hears the hints of `api/live` and remembers when it heard what."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import struct
import time

PULSE = re.compile(rb'"pulse/(\d+)"')
_PONG = 0x8A


def asks_for_live(port: int) -> bytes:
    """The handshake of one tab."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


class Listener(asyncio.Protocol):
    """One tab. heard: number of a pulse -> when it was first heard of. all_heard: when "everything advanced" came."""

    def __init__(self, port: int) -> None:
        self.heard: dict[int, float] = {}
        self.all_heard: list[float] = []
        self.hints = 0
        self.open = asyncio.get_running_loop().create_future()
        self.lost = False
        self._left = False
        self._port = port
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to be upgraded."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(asks_for_live(self._port))

    def data_received(self, data: bytes) -> None:
        """First the answer to the handshake, then frames."""
        self._held += data
        if not self.open.done():
            head, end, rest = self._held.partition(b"\r\n\r\n")
            if not end:
                return
            self._held = rest
            self.open.set_result(b" 101 " in head.split(b"\r\n")[0])
        while self._frame():
            pass

    def connection_lost(self, error: Exception | None) -> None:
        """The server, or the end of the scene, hung up."""
        self.lost = not self._left
        if not self.open.done():
            self.open.set_result(False)

    def close(self) -> None:
        """Leave without a word."""
        self._left = True
        if self._transport is not None:
            self._transport.abort()

    def _frame(self) -> bool:
        """Take one frame from what is held; False when none is whole."""
        held = self._held
        if len(held) < 2:
            return False
        length, at = held[1] & 127, 2
        if length >= 126:
            wide = 2 if length == 126 else 8
            if len(held) < 2 + wide:
                return False
            length, at = int.from_bytes(held[2 : 2 + wide], "big"), 2 + wide
        if len(held) < at + length:
            return False
        self._take(held[0] & 15, held[at : at + length])
        self._held = held[at + length :]
        return True

    def _take(self, opcode: int, content: bytes) -> None:
        if opcode == 9 and self._transport is not None:  # a ping; the mask of the answer is zeros
            self._transport.write(struct.pack("!BB4x", _PONG, 0x80 | len(content)) + content)
        elif opcode == 1:
            now = time.monotonic()
            self.hints += 1
            for pulse in PULSE.findall(content):
                self.heard.setdefault(int(pulse), now)
            if b'"all":true' in content:
                self.all_heard.append(now)

    def waited(self, pulse: int, sent: float) -> float | None:
        """Seconds from a pulse to the first hint of it; None when there was none."""
        heard = [at for at in (self.heard.get(pulse), *self.all_heard) if at is not None and at >= sent]
        return min(heard) - sent if heard else None


async def listen(port: int, count: int) -> list[Listener]:
    """So many open connections, made some dozens at a time."""
    loop = asyncio.get_running_loop()
    made: list[Listener] = []
    for _ in range(0, count, 50):
        group = [
            loop.create_connection(lambda: Listener(port), "127.0.0.1", port) for _ in range(min(50, count - len(made)))
        ]
        made += [listener for _, listener in await asyncio.gather(*group)]
        await asyncio.gather(*(listener.open for listener in made[-len(group) :]))
    return made
