"""A few threads for the work that would hold up the event loop. Work whose client has left is dropped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar("T")


class Dropped(Exception):
    """The client left before its answer was ready."""


class Job:
    """One piece of work under way; long work looks at `dropped` between its steps."""

    def __init__(self) -> None:
        self.dropped = False

    def check(self) -> None:
        """Dropped when nobody waits for this any more."""
        if self.dropped:
            raise Dropped


class Pool:
    """Daemon threads and one queue, first come, first served.

    Not `concurrent.futures`: its threads are joined when the interpreter ends, and one long read would hold up Ctrl-C.
    """

    def __init__(self, threads: int = 4) -> None:
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        for number in range(threads):
            threading.Thread(target=self._work, name=f"visualdl-reader-{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._queue.get()()

    async def run(self, work: Callable[[Job], T], receive: Receive | None = None) -> T:
        """What `work` returns or raises, computed on a thread.

        With `receive`, the client's leaving is noticed: work that has not begun is never begun, work under way
        is told by its Job, and Dropped is raised here.
        """
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

        self._queue.put(on_thread)
        try:
            if receive is None:
                return await done
            return await _unless_gone(done, receive)
        finally:
            job.dropped = True  # whichever way this ends, nobody waits any longer


async def _unless_gone(done: asyncio.Future[T], receive: Receive) -> T:
    gone = asyncio.ensure_future(_gone(receive))
    try:
        waiting: set[asyncio.Future[Any]] = {done, gone}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if done.done():
            return done.result()
        raise Dropped
    finally:
        gone.cancel()
        done.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
