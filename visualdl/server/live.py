"""`api/live`: one WebSocket a tab saying what advanced. A slow client is told less often, and holds up nobody."""

from __future__ import annotations

import asyncio
import contextlib
import json

from starlette.websockets import WebSocket, WebSocketDisconnect

from visualdl.server.guard import refusal
from visualdl.server.news import News
from visualdl.server.refresh import Refresher

MAX_LISTENERS = 500


class Live:
    """All live connections of one server. They share the news; each remembers only how far it was told."""

    def __init__(self, news: News) -> None:
        self._news = news
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._listeners = 0

    def open(self) -> None:
        """From now on, on this event loop."""
        self._loop = asyncio.get_running_loop()

    def tell(self) -> None:
        """Something is new. Safe from any thread."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody listens any more
                loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        # One event for each change: whoever waits on the old one is woken, and comes back for the new one.
        self._changed.set()
        self._changed = asyncio.Event()

    async def serve(self, websocket: WebSocket, refresher: Refresher) -> None:
        """One connection, until the client leaves or says what it must not."""
        if self._listeners >= MAX_LISTENERS:
            await websocket.send_denial_response(refusal(503, f"At most {MAX_LISTENERS} live connections at once"))
            return
        await websocket.accept()
        self._listeners += 1
        refresher.listening(+1)
        awake = asyncio.Event()
        awake.set()
        teller = asyncio.create_task(self._keep_telling(websocket, awake))
        try:
            await _obey(websocket, awake)
        finally:
            self._listeners -= 1
            refresher.listening(-1)
            teller.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError, OSError):
                await teller

    async def _keep_telling(self, websocket: WebSocket, awake: asyncio.Event) -> None:
        told: int | None = None
        while True:
            changed = self._changed
            if told != self._news.moment.revision:
                text, told = self._news.hint(told)
                await websocket.send_text(text)  # waits while the client's buffers are full
            await changed.wait()
            await awake.wait()


async def _obey(websocket: WebSocket, awake: asyncio.Event) -> None:
    """Pause and go on as the client says; returns when it left. Anything else that it says ends the connection."""
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        try:
            pause = json.loads(message.get("text") or "")["pause"]
        except (ValueError, TypeError, KeyError, RecursionError):
            pause = None
        if pause is True:
            awake.clear()
        elif pause is False:
            awake.set()
        else:
            await websocket.close(1003, 'only {"pause": true} and {"pause": false} are understood')
            return
