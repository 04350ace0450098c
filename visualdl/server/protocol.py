"""HTTP as it comes over a socket: heads are bounded and come in time, and what is no request is refused like the rest.

Uvicorn sets no bound to how long the head of a request is or how long it takes to come, nor to how many requests
wait on one connection. All of that is before the guard, so it is open to whoever can reach the port, token or not.
"""

from __future__ import annotations

import asyncio
import http
import logging
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol
from uvicorn.server import ServerState
from websockets.datastructures import Headers as WebSocketHeaders
from websockets.http11 import Request
from websockets.server import ServerProtocol

from visualdl.server.guard import MAX_ADDRESS, address_too_long, fence, refusal

MAX_HEAD = 96 << 10  # an address of MAX_ADDRESS, and the headers of a browser behind three proxies
MAX_HEADERS = 100
MAX_WAITING = 64  # requests on one connection; no browser sends a second before the first is answered
HEAD_SECONDS = 20.0
MAX_UNREAD = 4 << 20  # bytes; the longest hint is a twentieth of that
_MAX_LINE = 8 << 10  # of a WebSocket's handshake, which is parsed a second time, by a stricter parser

# What Uvicorn writes to the log whenever a stranger wishes it to. (The first is a handshake that the guard refused.)
_NOT_WORTH_A_LINE = {
    "ASGI callable returned without completing handshake.",
    "Invalid UTF-8 sequence received from client.",
}


def worth_a_line(record: logging.LogRecord) -> bool:
    """A filter for the log of Uvicorn: strangers must not fill it."""
    return record.msg not in _NOT_WORTH_A_LINE


class _Refused(Exception):
    """Ends the parsing of a request. answer: what the client gets."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class BoundedHttp(HttpToolsProtocol):
    """Uvicorn's protocol for one connection, with bounds."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._heads = 0  # how many have begun
        self._in_head = True
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None  # the request that is answered just now
        self._answers = self.app
        self._places, self.limit_concurrency = self.limit_concurrency, None  # Uvicorn would refuse in its own words

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there; it has HEAD_SECONDS to ask something."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._settle()
        self.pipeline.clear()
        running = self._running  # Uvicorn tells only the request that came last, and this may be one before it
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, perhaps of several."""
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        if self._in_head:
            self._expect()
        before = self._heads
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self._settle()
                self.handle_websocket_upgrade()
        except httptools.HttpParserError as trouble:
            cause = trouble.__context__
            self._refuse(cause.answer if isinstance(cause, _Refused) else refusal(400, "This is not an HTTP request"))
        else:
            # A piece in which a head begins is not counted: before the head it may have the rest of a body.
            if self._in_head and self._heads == before:
                self._head_bytes += len(data)
                if self._head_bytes > MAX_HEAD:
                    self._refuse(refusal(431, f"The head of a request is at most {MAX_HEAD} bytes"))

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._heads += 1
        self._in_head, self._head_bytes = True, 0
        if len(self.pipeline) >= MAX_WAITING:
            raise _Refused(refusal(503, f"At most {MAX_WAITING} requests may wait on one connection"))
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        if len(self.url) + len(url) > MAX_ADDRESS:
            raise _Refused(address_too_long())
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        if len(self.headers) >= MAX_HEADERS:
            raise _Refused(refusal(431, f"A request has at most {MAX_HEADERS} headers"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The end of a head: the request goes on to the application."""
        self._in_head = False
        self._settle()
        if not self.url.startswith(b"/") and b"://" in self.url:
            # RFC 9112, 3.2.2: what such an address names takes the place of the header Host. The guard judges it.
            host = urlsplit(self.url.split(b"?")[0]).netloc
            self.headers[:] = [(name, value) for name, value in self.headers if name != b"host"]
            self.headers.append((b"host", host))
        if self.parser.should_upgrade() and self._should_upgrade():
            self._check_handshake()
        before = self.cycle
        self.app = cast(Any, _too_many) if self.is_full else self._answers
        super().on_headers_complete()
        if before is None or before.response_complete:
            self._running = self.cycle  # else it waits

    def on_message_complete(self) -> None:
        """The end of a request; another may follow."""
        self._in_head, self._head_bytes = True, 0
        self._settle()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The end of an answer. Whoever still sends the body of what was answered has to come to an end as well."""
        if self.pipeline and not self.transport.is_closing():
            self._running = self.pipeline[-1][0]  # it is begun now
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self._expect()

    @property
    def is_full(self) -> bool:
        """Whether there are as many connections, or answers under way, as there may be."""
        most = self._places
        return most is not None and (len(self.connections) >= most or len(self.tasks) >= most)

    def _unsupported_upgrade_warning(self) -> None:
        """Another protocol is offered (h2c): it is answered in this one, and the log is not for strangers to fill."""

    def _check_handshake(self) -> None:
        """What the WebSocket library would refuse in words of its own, or not answer at all."""
        lines = [len(self.url), *(len(name) + len(value) for name, value in self.headers)]
        if max(lines) > _MAX_LINE - 32:
            raise _Refused(refusal(431, f"A line of a WebSocket's handshake is at most {_MAX_LINE} bytes"))
        given = dict(self.headers)
        right = self.parser.get_method() == b"GET" and self.parser.get_http_version() == "1.1"
        right = right and given.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in given
        if right:
            headers = WebSocketHeaders([(name.decode(), value.decode("latin-1")) for name, value in self.headers])
            right = ServerProtocol().accept(Request(self.url.decode("latin-1"), headers)).status_code == 101
        if not right:
            raise _Refused(refusal(400, "A WebSocket begins with GET, version 13, one key and no body (RFC 6455)"))

    def _expect(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _settle(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if self._in_head and self._heads and not self.transport.is_closing():
            self._refuse(refusal(408, f"The head of a request did not come within {HEAD_SECONDS:.0f} s"))
        else:  # a connection that was opened in advance and never used, or a body that nobody waits for
            self.transport.close()

    def _refuse(self, answer: Response) -> None:
        """Answer what never becomes a whole request, and end the connection."""
        self._settle()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.response_started and not self.pipeline:
            cycle.disconnected = True  # its body was no HTTP: whatever the application would say, this comes first
            cycle.message_event.set()
        if cycle is None or cycle.response_complete or cycle.disconnected:  # never in the middle of another answer
            fence(answer.headers)
            answer.headers["connection"] = "close"
            status = http.HTTPStatus(answer.status_code)
            lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
            headers = [*self.server_state.default_headers, *answer.raw_headers]
            lines += [name + b": " + value for name, value in headers]
            self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        self.transport.close()


async def _too_many(scope: Scope, receive: Receive, send: Send) -> None:
    answer = refusal(503, "Too many connections at once: try again in a moment")
    fence(answer.headers)
    answer.headers["connection"] = "close"
    await answer(scope, receive, send)


class BoundedWebSocket(AutoWebSocketsProtocol):  # type: ignore[misc, valid-type]  # whichever of its own Uvicorn takes
    """Uvicorn's protocol for one WebSocket, which ends when its client asks and asks (by pings) and takes no answer."""

    def data_received(self, data: bytes) -> None:
        """Bytes of frames."""
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MAX_UNREAD:
            self.transport.abort()
