"""Turns: what is under way at once is bounded, in the order in which it was asked, and no turn is ever lost."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Scope

from visualdl.server import turns
from visualdl.server.turns import PIECE, Held, Pieces, Turns

SCOPE: Scope = {"type": "http"}


async def receive() -> Message:
    raise AssertionError("nobody asks for what the client says")


def test_what_does_not_fit_waits_in_its_order() -> None:
    async def play() -> list[str]:
        room, told = Turns(10), []

        async def ask(name: str, weight: int) -> None:
            turn = await room.take(weight)
            told.append(name)
            await asyncio.sleep(0)
            turn.end()

        first = await room.take(8)
        others = [asyncio.ensure_future(ask(name, weight)) for name, weight in [("heavy", 9), ("light", 1)]]
        await asyncio.sleep(0.01)
        assert told == []  # the light one would fit, but then the heavy one might wait for ever
        first.end()
        await asyncio.gather(*others)
        return told

    assert asyncio.run(play()) == ["heavy", "light"]


def test_what_is_heavier_than_the_room_has_it_alone() -> None:
    async def play() -> None:
        room = Turns(10)
        alone = await room.take(99)
        second = asyncio.ensure_future(room.take(1))
        await asyncio.sleep(0)
        assert not second.done()
        alone.end()
        (await second).end()

    asyncio.run(play())


def test_whoever_gives_up_takes_no_room_and_leaves_the_next_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        room = Turns(1)
        first = await room.take(1)
        gone, late = asyncio.ensure_future(room.take(1)), asyncio.ensure_future(room.take(1))
        await asyncio.sleep(0)
        gone.cancel()
        first.end()
        (await late).end()
        granted = await room.take(1)
        waiting = asyncio.ensure_future(room.take(1))
        await asyncio.sleep(0)
        granted.end()  # gives it to the one that waits, which is cancelled before it hears of it
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        (await room.take(1)).end()
        monkeypatch.setattr(turns, "TURN_SECONDS", 0.01)
        held = await room.take(1)
        with pytest.raises(asyncio.TimeoutError):
            await room.take(1)
        held.end()
        (await room.take(1)).end()

    asyncio.run(play())


def test_an_answer_gives_its_turn_back_also_when_its_client_is_gone() -> None:
    async def play() -> None:
        room = Turns(1)

        async def broken(message: Message) -> None:
            raise OSError("the client is gone")

        with pytest.raises(OSError, match="gone"):
            await Held(Pieces(b"x"), await room.take(1))(SCOPE, receive, broken)
        (await room.take(1)).end()

    asyncio.run(play())


@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_an_answer_in_pieces_is_the_whole_answer(length: int) -> None:
    body = bytes(range(251)) * (length // 251 + 1)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(Pieces(body[:length])(SCOPE, receive, send))
    pieces = sent[1:]
    assert dict(sent[0]["headers"])[b"content-length"] == str(length).encode()
    assert b"".join(piece["body"] for piece in pieces) == body[:length]
    assert [piece["more_body"] for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    assert max(len(piece["body"]) for piece in pieces) <= PIECE
