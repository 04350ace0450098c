"""Bytes to a server, as they are, and what it says to them: no client tidies either up."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from tests.server.boards import PATIENCE, Served
from visualdl.server.guard import FENCES

TOKEN = "correct-horse-battery-staple-0123456789"
HANDSHAKE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@dataclass(frozen=True)
class Said:
    """One answer. headers: names in lower case; all: every byte that came."""

    status: int
    headers: dict[str, str]
    body: bytes
    all: bytes

    @property
    def fenced(self) -> bool:
        """Whether every fence is there, or another policy that is at least as strict."""
        policy = self.headers.get("content-security-policy", "")
        strict = {**self.headers, "content-security-policy": FENCES["content-security-policy"]}
        return policy.startswith("default-src 'none'") and all(strict.get(name) == FENCES[name] for name in FENCES)


def say(served: Served, request: bytes) -> Said:
    """The first answer to these very bytes. Status 0 when the connection ends without one."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as connection:
        came = b""
        try:
            connection.sendall(request)
            while chunk := connection.recv(65536):
                came += chunk
                if b"101 Switching" in came:
                    break
        except ConnectionError:  # refused while there was still more to be sent
            pass
    head, _, body = came.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Said(int(first.split(" ")[1]) if first.startswith("HTTP/1.1 ") else 0, headers, body, came)


def get(served: Served, target: str | bytes, *headers: str, host: str = "localhost") -> Said:
    """The answer to GET of this very target."""
    aim = target if isinstance(target, bytes) else target.encode()
    lines = [b"GET " + aim + b" HTTP/1.1", f"Host: {host}".encode(), b"Connection: close"]
    return say(served, b"\r\n".join([*lines, *(header.encode("latin-1") for header in headers), b"", b""]))


def handshake(served: Served, *headers: str, target: str = "/api/live", host: str = "localhost") -> Said:
    """The answer to the handshake of a WebSocket."""
    first = f"GET {target} HTTP/1.1\r\nHost: {host}\r\n".encode()
    return say(served, first + HANDSHAKE + "".join(f"{header}\r\n" for header in headers).encode("latin-1") + b"\r\n")
