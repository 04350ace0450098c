"""The reading threads: answers and errors come back, no lane holds up the other, unwanted work is dropped."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from starlette.types import Message

from tests.server.boards import PATIENCE
from visualdl.server import pool as pool_module
from visualdl.server.pool import Dropped, Job, Pool


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def gone() -> Message:
    return {"type": "http.disconnect"}


def test_results_and_errors_come_back() -> None:
    def fail(job: Job) -> None:
        raise KeyError("x")

    async def both() -> int:
        pool = Pool(1)
        with pytest.raises(KeyError):
            await pool.run(fail, never)
        return await pool.run(lambda job: 7, never)

    assert asyncio.run(both()) == 7


def test_work_whose_client_has_left_is_never_begun() -> None:
    begun = []

    async def ask() -> None:
        pool, busy = Pool(1), threading.Event()
        first = asyncio.ensure_future(pool.run(lambda job: busy.wait(10)))
        await asyncio.sleep(0)
        with pytest.raises(Dropped):
            await pool.run(lambda job: begun.append("left"), gone)
        busy.set()
        await first
        await pool.run(lambda job: begun.append("stayed"))

    asyncio.run(ask())
    assert begun == ["stayed"]


def test_work_under_way_is_told_that_its_client_has_left() -> None:
    begun, told = threading.Event(), threading.Event()

    async def gone_later() -> Message:
        await asyncio.to_thread(begun.wait, 10)
        return {"type": "http.disconnect"}

    def work(job: Job) -> None:
        begun.set()
        while True:
            try:
                job.check()
            except Dropped:
                told.set()
                raise

    async def ask() -> None:
        with pytest.raises(Dropped):
            await Pool(1).run(work, gone_later)
        await asyncio.to_thread(told.wait, 10)

    asyncio.run(ask())
    assert told.is_set()


def test_a_cancelled_wait_drops_the_work_too() -> None:
    dropped = []

    async def ask() -> None:
        pool, busy = Pool(1), threading.Event()

        def work(job: Job) -> None:
            busy.wait(10)
            dropped.append(job.dropped)

        waiting = asyncio.ensure_future(pool.run(work, never))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        busy.set()
        await pool.run(lambda job: None)

    asyncio.run(ask())
    assert dropped == [True]


def test_a_small_question_does_not_wait_behind_large_ones() -> None:
    async def play() -> str:
        pool, busy = Pool(1, 1), threading.Event()
        large = [asyncio.ensure_future(pool.run(lambda job: busy.wait(60), large=True)) for _ in range(5)]
        answer = await pool.run(lambda job: "small")
        busy.set()
        await asyncio.gather(*large)
        return answer

    assert asyncio.run(play()) == "small"


def test_threads_that_are_all_held_up_get_help_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "HELD_UP_SECONDS", 0.02)
    monkeypatch.setattr(pool_module, "IDLE_SECONDS", 0.02)

    async def play() -> list[str]:
        pool, disk = Pool(2, 1), threading.Event()
        held_up = [asyncio.ensure_future(pool.run(lambda job: disk.wait(60))) for _ in range(6)]
        answer = await asyncio.wait_for(pool.run(lambda job: "answered"), 60)
        disk.set()
        await asyncio.gather(*held_up)
        return [answer]

    before = threading.active_count()
    assert asyncio.run(play()) == ["answered"]
    limit = time.monotonic() + PATIENCE
    while threading.active_count() > before + 3:  # its own threads are the pool's as long as the program runs
        assert time.monotonic() < limit
        time.sleep(0.01)
