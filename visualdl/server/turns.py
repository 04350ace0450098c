"""Turns: how much may be under way at once. Whoever does not fit waits, first come, first served, for a while."""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

TURN_SECONDS = 30.0
PIECE = 256 << 10


class Turn:
    """What one question has taken of the room; given back once."""

    def __init__(self, turns: Turns, weight: int) -> None:
        self._turns = turns
        self._weight = weight

    def end(self) -> None:
        """Make room for the next."""
        weight, self._weight = self._weight, 0
        self._turns.release(weight)


class Turns:
    """Room for so much at once. From one event loop only."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._taken = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, weight: int) -> Turn:
        """Wait for a turn; one that is heavier than the room has it alone. asyncio.TimeoutError when none comes."""
        if self._waiting or not self._fits(weight):
            await self._come(weight)
        else:
            self._taken += weight
        return Turn(self, weight)

    async def _come(self, weight: int) -> None:
        loop = asyncio.get_running_loop()
        come = loop.create_future()
        self._waiting.append((weight, come))
        # Not wait_for: before Python 3.12 it keeps quiet about being cancelled when the turn comes at that moment.
        late = loop.call_later(TURN_SECONDS, _too_late, come)
        try:
            await come
        except BaseException:
            came = not come.cancelled() and come.exception() is None
            self.release(weight if came else 0)  # it came just as we left; or whoever is behind us may fit
            raise
        finally:
            late.cancel()

    def release(self, weight: int) -> None:
        """So much is over."""
        self._taken -= weight
        while self._waiting and (self._waiting[0][1].done() or self._fits(self._waiting[0][0])):
            wanted, come = self._waiting.popleft()
            if not come.done():  # else whoever waited has given up
                self._taken += wanted
                come.set_result(None)

    def _fits(self, weight: int) -> bool:
        return not self._taken or self._taken + weight <= self._room


def _too_late(come: asyncio.Future[None]) -> None:
    if not come.done():
        come.set_exception(asyncio.TimeoutError())


class Pieces(Response):
    """A response that is sent as fast as its client takes it: of what it does not take, only a piece more is copied."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = memoryview(self.body)
        for at in range(0, max(1, len(body)), PIECE):
            piece = bytes(body[at : at + PIECE])
            await send({"type": "http.response.body", "body": piece, "more_body": at + PIECE < len(body)})


class Held(Response):
    """A response whose turn ends when it was sent, or could not be."""

    def __init__(self, answer: Response, turn: Turn) -> None:
        super().__init__()
        self._answer = answer
        self._turn = turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await self._answer(scope, receive, send)
        finally:
            self._turn.end()
