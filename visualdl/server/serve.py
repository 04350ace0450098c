"""A listening socket, the address that people open, and the server that runs until it is told to end."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from urllib.parse import quote

import uvicorn
from starlette.types import ASGIApp

from visualdl.server.connections import Connection, most_connections
from visualdl.server.guard import is_address
from visualdl.server.protocol import BoundedWebSocket, worth_a_line

DEFAULT_PORT = 8040
TRIES = 100
LIVE_PING_SECONDS = 20.0


class CannotListen(OSError):
    """No socket could be had. reason: taken, forbidden, address or other."""

    def __init__(self, reason: str, host: str, port: int, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.host = host
        self.port = port


@dataclass(frozen=True)
class Listening:
    """A socket that listens already: connections wait in its queue until the server runs.

    host: as it was given. What a name means is asked once, for binding: the next answer may be another one.
    """

    socket: socket.socket
    host: str
    port: int

    @property
    def address(self) -> str:
        """The IP address that it is bound to."""
        return str(self.socket.getsockname()[0])

    @property
    def only_here(self) -> bool:
        """Whether it can be reached from this machine alone."""
        return self.address == "::1" or self.address.startswith("127.")


def listen(host: str, port: int | None) -> Listening:
    """Listen on a port, or with None on 8040 or the next free one. 0 takes any. CannotListen says why not."""
    family, address = _resolved(host, port or 0)
    first = DEFAULT_PORT if port is None else port
    for candidate in range(first, first + (TRIES if port is None else 1)):
        try:
            bound = _bound(family, address, candidate)
        except OSError as trouble:
            reason = _REASONS.get(trouble.errno or 0, "other")
            if port is None and reason == "taken" and candidate < first + TRIES - 1:
                continue
            raise CannotListen(reason, host, candidate, trouble.strerror or str(trouble)) from trouble
        return Listening(bound, host, int(bound.getsockname()[1]))
    raise AssertionError("the last candidate either listens or raises")


_REASONS = {
    errno.EADDRINUSE: "taken",
    10048: "taken",  # Windows: WSAEADDRINUSE
    errno.EACCES: "forbidden",
    10013: "forbidden",  # Windows: WSAEACCES
    errno.EADDRNOTAVAIL: "address",
    10049: "address",  # Windows: WSAEADDRNOTAVAIL
}


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as trouble:
        raise CannotListen("address", host, port, str(trouble)) from trouble
    # IPv4 first: it is what a name such as localhost means to most tools.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, str(address[0])


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.listen(2048)
    except BaseException:
        made.close()
        raise
    return made


def own_names(listening: Listening) -> frozenset[str]:
    """Names that the board answers to, beside localhost and IP addresses."""
    names = set() if is_address(listening.host) else {listening.host.lower()}
    if not listening.only_here:
        own = socket.gethostname().lower()
        names |= {own, own.partition(".")[0], socket.getfqdn().lower()}
    return frozenset(names - {""})


def url(listening: Listening, token: str | None, prefix: str = "") -> str:
    """The address to open, with the token in it when there is one."""
    host = _outer_address() if listening.address in ("0.0.0.0", "::") else listening.host  # noqa: S104 - compared
    shown = f"[{host}]" if ":" in host else host
    query = f"?token={quote(token, safe='')}" if token else ""
    return f"http://{shown}:{listening.port}{prefix}/{query}"


def _outer_address() -> str:
    """The address of this machine as others see it. Connecting a datagram socket sends nothing."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("10.255.255.255", 1))
        return str(probe.getsockname()[0])
    return socket.gethostname()


class BoardServer(uvicorn.Server):
    """Uvicorn, with a word when it really listens, and an end that waits for nobody."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws=BoundedWebSocket,
                lifespan="on",
                log_level="warning",
                access_log=False,  # addresses may hold a token
                proxy_headers=False,
                server_header=False,
                limit_concurrency=most_connections(),
                ws_max_size=4096,
                ws_max_queue=4,
                ws_ping_interval=LIVE_PING_SECONDS,
                ws_ping_timeout=LIVE_PING_SECONDS,
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=0,
            )
        )
        logging.getLogger("uvicorn.error").addFilter(worth_a_line)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End now, because of a signal."""
        _hush()
        super().handle_exit(sig, frame)

    def end(self) -> None:
        """End now. Safe from any thread."""
        _hush()
        self.should_exit = True


def _hush() -> None:
    # Downloads and live connections that an end cuts off are no errors to be told.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)


def serve(app: ASGIApp, listening: Listening, ready: Callable[[], None]) -> None:
    """Answer until SIGINT or SIGTERM. KeyboardInterrupt comes out after SIGINT, as from any Python program."""
    _allow_many_files()
    BoardServer(app, ready).run(sockets=[listening.socket])


def _allow_many_files() -> None:
    """As many open files as the system grants: each tab holds a connection, each live log a file or two."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Background:
    """The same server on a thread of its own, for tests and notebooks: open it, ask, close it."""

    def __init__(self, app: ASGIApp, listening: Listening) -> None:
        self._started = threading.Event()
        self._server = BoardServer(app, self._started.set)
        self._thread = threading.Thread(
            target=self._server.run, args=([listening.socket],), name="visualdl-server", daemon=True
        )

    def start(self) -> None:
        """Return when the server answers."""
        self._thread.start()
        if not self._started.wait(30):
            raise TimeoutError("the server did not start within 30 s")

    def stop(self) -> None:
        """End it, and wait for its thread."""
        self._server.end()
        self._thread.join(30)
