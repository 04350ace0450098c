"""Connections that hold a place: whoever asks nothing, or takes no answer, gives way to those who do."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from visualdl.server.protocol import BoundedHttp

MAX_CONNECTIONS = 900
FILES_FOR_LOGS = 96
"""Open files that are left for the logs, the model and the interpreter itself, where the system grants few."""
STALLED_SECONDS = 30.0
"""How long a client may take nothing at all of its answer."""
ROOM = 20
"""How many give way at once when all places are taken: those that have asked nothing for the longest time."""


def most_connections() -> int:
    """How many connections fit, with the open files that this process may have."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(ROOM, min(MAX_CONNECTIONS, files - FILES_FOR_LOGS))


class Connection(BoundedHttp):
    """One HTTP connection that ends when its place is needed and it asks nothing, or when its client takes nothing.

    waits_since: when it last had nothing to do but wait for a request, by the loop's clock; None while one is answered.
    """

    waits_since: float | None = None
    _unsent = 0
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there. Where all places are taken, others make room."""
        super().connection_made(transport)
        if self.is_full:
            self._make_room()
        self.waits_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._unwatch()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """The end of a head: there is something to do."""
        self.waits_since = None
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The end of an answer."""
        super().on_response_complete()
        if self.cycle.response_complete:  # else the next request waited already
            self.waits_since = self.loop.time()

    def pause_writing(self) -> None:
        """There is more to send than the client takes just now."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        super().resume_writing()
        self._unwatch()

    def _watch(self) -> None:
        self._unsent = self._left()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self._look)

    def _unwatch(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _look(self) -> None:
        if self._left() < self._unsent:
            self._watch()
        else:
            self.transport.abort()

    def _left(self) -> int:
        """Bytes that the client has not taken yet: ours, and those that the system holds, which may be megabytes."""
        left = self.transport.get_write_buffer_size()
        if sys.platform == "linux":
            import fcntl
            import termios

            with contextlib.suppress(OSError):
                queue = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
                left += int.from_bytes(queue, sys.byteorder)
        return left

    def _make_room(self) -> None:
        waiting = [
            # Those last that have not taken all of their answer: it is written, and they may be on a slow line.
            (other.transport.get_write_buffer_size() > 0, other.waits_since, number, other)
            for number, other in enumerate(self.connections)
            if isinstance(other, Connection) and other.waits_since is not None
        ]
        for *_, other in sorted(waiting)[:ROOM]:
            self.connections.discard(other)  # at once: its transport tells it only in the loop's next turn
            other.transport.abort()
