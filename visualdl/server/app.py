"""The board's server as one ASGI application: every route in one list, behind the guard."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from visualdl.errors import BadRequest, UnknownSeries, UnreadableModel
from visualdl.server.api import About, Api, travels
from visualdl.server.guard import Guard, Policy, fence, refusal
from visualdl.server.live import Live
from visualdl.server.model import ModelFile
from visualdl.server.news import News
from visualdl.server.pages import MISSING, PageFile, Pages
from visualdl.server.pool import Dropped
from visualdl.server.refresh import Refresher
from visualdl.store.store import Store

log = logging.getLogger("visualdl.server")


@dataclass(frozen=True)
class Board:
    """All that one server shows, and to whom.

    prefix: a path such as "/team/board" that a proxy leaves in front of every address; "" when there is none. A proxy
        that takes its prefix away itself needs nothing: all addresses are relative.
    """

    store: Store
    about: About
    policy: Policy
    model: ModelFile | None = None
    prefix: str = ""
    pages: Pages = field(default_factory=Pages)


def create_app(board: Board) -> ASGIApp:
    """The application that answers for this board. It begins to read when the server starts it (ASGI lifespan)."""
    news = News()
    live = Live(news)
    refresher = Refresher(board.store, board.model, news, live.tell)
    api = Api(board.store, board.model, news, board.about)

    async def follow(websocket: WebSocket) -> None:
        await live.serve(websocket, refresher)

    routes: list[BaseRoute] = [
        Route("/", _page(board.pages)),
        Route("/assets/{name}", _file(board.pages.asset, "public, max-age=31536000, immutable")),
        Route("/api/board", api.board),
        Route("/api/series", api.series),
        Route("/api/csv", api.csv),
        Route("/api/blob/{run}/{address}", api.blob),
        Route("/api/graph", api.graph),
        Route("/api/graph", api.read_graph, methods=["POST"]),
        WebSocketRoute("/api/live", follow),
        Route("/{name}", _file(board.pages.beside, "no-cache")),
    ]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        live.open()
        refresher.start()
        yield
        refresher.stop()

    inner = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(_Asked, told=refresher.asked)],
        exception_handlers=_ANSWERS,
    )
    inner.router.redirect_slashes = False  # it would say the whole address, and a proxy may be in front of this one
    return _Below(Guard(inner, board.policy), board.prefix)


def _page(pages: Pages) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        index = pages.index()
        if index is None:
            return HTMLResponse(MISSING, 503, {"cache-control": "no-store"})
        return _whole(request, index, "no-cache")

    return page


def _file(found: Callable[[str], PageFile | None], cache: str) -> Callable[[Request], Awaitable[Response]]:
    async def file(request: Request) -> Response:
        content = found(request.path_params["name"])
        if content is None:
            raise HTTPException(404)
        return _whole(request, content, cache)

    return file


def _whole(request: Request, file: PageFile, cache: str) -> Response:
    headers = {"cache-control": cache, "vary": "accept-encoding"}
    if file.squeezed is not None and travels(request) and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.squeezed, media_type=file.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker: _ANSWERS maps only these here
    sentence = {404: "There is nothing at this address", 405: "This address does not take this method"}
    answer = refusal(error.status_code, sentence.get(error.status_code, error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _bad_request(request: Request, error: Exception) -> Response:
    return refusal(400, str(error))


async def _unknown(request: Request, error: Exception) -> Response:
    return refusal(404, str(error))


async def _no_model(request: Request, error: Exception) -> Response:
    return refusal(422, str(error))


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it


async def _broken(request: Request, error: Exception) -> Response:
    # The path, never the query: it may hold a token.
    log.error("%s %r failed", request.method, request.url.path, exc_info=error)  # %r: it may hold escape sequences
    return refusal(500, "The server failed at this question; its log says why")


_ANSWERS: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    HTTPException: _http_error,
    BadRequest: _bad_request,
    UnknownSeries: _unknown,
    UnreadableModel: _no_model,
    Dropped: _gone,
    ClientDisconnect: _gone,
    Exception: _broken,
}


class _Asked:
    """Middleware that tells the refresher that somebody is there."""

    def __init__(self, app: ASGIApp, told: Callable[[], None]) -> None:
        self._app = app
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._told()
        await self._app(scope, receive, send)


class _Below:
    """Takes a prefix off every path. Without the prefix the board answers as well: the proxy may have taken it off."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if self._prefix and path == self._prefix and scope["type"] == "http":
            # Relative addresses on the page need the final slash; so does the cookie.
            last = self._prefix.rpartition("/")[2]
            query = scope["query_string"].decode("latin-1")
            answer = RedirectResponse(f"{last}/" + ("?" + query if query else ""), 307, {"cache-control": "no-store"})
            fence(answer.headers)
            await answer(scope, receive, send)
        elif self._prefix and path.startswith(self._prefix + "/"):
            await self._app({**scope, "path": path[len(self._prefix) :]}, receive, send)
        else:
            await self._app(scope, receive, send)
