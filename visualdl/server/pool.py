"""Threads for the work that would hold up the event loop, in two lanes. Work whose client has left is dropped."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar("T")

QUICK_THREADS = 4
LARGE_THREADS = 2
MORE_THREADS = 16
"""How many threads a lane gets beside its own, at most, while all that it has are held up (by a disk that hangs)."""
HELD_UP_SECONDS = 1.0
IDLE_SECONDS = 5.0


class Dropped(Exception):
    """The client left before its answer was ready."""


class Job:
    """One piece of work; when it is long it looks at `dropped` between its steps."""

    def __init__(self) -> None:
        self.begun = False
        self.dropped = False

    def check(self) -> None:
        """Dropped when nobody waits for this any more."""
        if self.dropped:
            raise Dropped


class _Lane:
    """Daemon threads and one queue, first come, first served.

    Not `concurrent.futures`: its threads are joined when the interpreter ends, and one long read would hold up Ctrl-C.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._took_at = time.monotonic()
        self._more = 0
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def put(self, work: Callable[[], None]) -> None:
        """Have this done."""
        self._queue.put(work)

    def relieve(self) -> None:
        """Take in more threads, for a while, when work waits and none was begun lately. From the event loop only."""
        if time.monotonic() - self._took_at > HELD_UP_SECONDS / 2:
            self._took_at = time.monotonic()
            for _ in range(min(self._queue.qsize(), MORE_THREADS - self._more)):
                self._more += 1
                threading.Thread(target=self._help, name=f"{self._name}-more", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._do(self._queue.get())

    def _help(self) -> None:
        try:
            while True:
                self._do(self._queue.get(timeout=IDLE_SECONDS))
        except Empty:
            self._more -= 1

    def _do(self, work: Callable[[], None]) -> None:
        self._took_at = time.monotonic()
        work()


class Pool:
    """Two lanes, so that a small question never waits behind large ones."""

    def __init__(self, quick: int = QUICK_THREADS, large: int = LARGE_THREADS) -> None:
        self._quick = _Lane("visualdl-reader", quick)
        self._large = _Lane("visualdl-large", large)

    async def run(self, work: Callable[[Job], T], receive: Receive | None = None, *, large: bool = False) -> T:
        """What `work` returns or raises, computed on a thread. large: it takes long, and may wait behind its like.

        With `receive`, the client's leaving is noticed: work that has not begun is never begun, work under way
        is told by its Job, and Dropped is raised here.
        """
        lane = self._large if large else self._quick
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        job = Job()

        def settle(result: T | None, error: BaseException | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(result)  # type: ignore[arg-type]  # T may be None itself
            else:
                done.set_exception(error)

        def on_thread() -> None:
            result, error = None, None
            job.begun = True
            try:
                job.check()
                result = work(job)
            except BaseException as caught:
                error = caught
            # A loop that was closed meanwhile has nobody left who waits.
            if not loop.is_closed():
                try:
                    loop.call_soon_threadsafe(settle, result, error)
                except RuntimeError:
                    return

        lane.put(on_thread)
        try:
            await _settled(done, job, lane, receive)
            return done.result()
        finally:
            done.cancel()
            job.dropped = True  # whichever way this ends, nobody waits any longer


async def _settled(done: asyncio.Future[Any], job: Job, lane: _Lane, receive: Receive | None) -> None:
    """Return when it is done; Dropped when the client leaves before."""
    gone = None if receive is None else asyncio.ensure_future(_gone(receive))
    waiting: set[asyncio.Future[Any]] = {done} if gone is None else {done, gone}
    try:
        while not done.done():
            if gone is not None and gone.done():
                raise Dropped
            patience = None if job.begun else HELD_UP_SECONDS
            await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if not job.begun:
                lane.relieve()
    finally:
        if gone is not None:
            gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
