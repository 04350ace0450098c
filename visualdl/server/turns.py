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
            come = asyncio.get_running_loop().create_future()
            self._waiting.append((weight, come))
            try:
                await asyncio.wait_for(come, TURN_SECONDS)
            except BaseException:
                if come.done() and not come.cancelled():
                    self.release(weight)  # it came just as we left
                come.cancel()
                raise
        else:
            self._taken += weight
        return Turn(self, weight)

    def release(self, weight: int) -> None:
        """So much is over."""
        self._taken -= weight
        while self._waiting and (self._waiting[0][1].cancelled() or self._fits(self._waiting[0][0])):
            wanted, come = self._waiting.popleft()
            if not come.cancelled():  # else whoever waited has given up
                self._taken += wanted
                come.set_result(None)

    def _fits(self, weight: int) -> bool:
        return not self._taken or self._taken + weight <= self._room


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
