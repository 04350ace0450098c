"""Writers that share a run, a clock that lies, a place that is odd: what the children of `torture.crowds` do."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from torture.children.ledger import BURST, Ledger, value_of
from torture.children.victims import forget_numpy
from visualdl import LogWriter
from visualdl.log.writer import Log

DAY = 86400.0
JUMPS = (-3600.0, 7200.0, -400 * DAY, 30 * DAY, 40 * 365 * DAY, -50 * 365 * DAY, 10_000 * 365 * DAY, -0.5)
FORKS = 40
HANG_SECONDS = 20.0
SHARED = 16  # threads that share a tag: thread t logs the steps t, t + 16, t + 32, …


def writer(run: Path, ledger: Ledger, chance: random.Random, *, nap: float) -> None:
    """One of many on a run: logs until its ledger says "end", then closes. They nap, or the reader would not get on."""
    forget_numpy(chance)
    log = Log(run, ring_rows=chance.choice([256, 1024, 65536]))
    log.meta(writer=ledger.path.name)
    while not ledger.ending:
        _some(log, ledger, 0)
        time.sleep(nap)
    log.close()


def threads(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Ten threads on one LogWriter, each with a tag of its own and with one that they share."""
    writer = LogWriter(str(run))

    def work(thread: int) -> None:
        step = 0
        while not ledger.ending:
            for _ in range(BURST):
                writer.add_scalar(f"loss/{thread}", value_of(step, thread), step)
                ledger.returned[thread] = step + 1
                writer.add_scalar("shared", step, thread + SHARED * step)
                step += 1
            if step % 200 == 0:
                writer.add_histogram(f"weights/{thread}", [1.0, 2.0], step)
            time.sleep(0.0005)

    started = [threading.Thread(target=work, args=(thread,)) for thread in range(10)]
    for one in started:
        one.start()
    for one in started:
        one.join()
    writer.close()


def forks(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Forks child after child while four threads log: no lock that one of them holds may hang a child."""
    writer = LogWriter(str(run))

    def work(thread: int) -> None:
        for step in itertools.count():
            if ledger.ending:
                return
            writer.add_scalar(f"loss/{thread}", value_of(step, thread), step)
            ledger.returned[thread] = step + 1
            if step % 50 == 0:
                writer.add_histogram(f"weights/{thread}", [1.0, 2.0], step)

    started = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for one in started:
        one.start()
    try:
        for number in range(FORKS):
            time.sleep(chance.uniform(0, 0.01))
            _forked(writer, number)
    finally:
        ledger.ending = 1
        for one in started:
            one.join()
    writer.close()


def _forked(writer: LogWriter, number: int) -> None:
    pid = os.fork()
    if not pid:
        status = 1
        try:
            for step in range(BURST):
                writer.add_scalar(f"child/{number}", float(step), step)
                writer.add_histogram("weights of children", [1.0, 2.0], number)
            writer.close()
            status = 0
        finally:
            os._exit(status)
    deadline = time.monotonic() + HANG_SECONDS
    while not (done := os.waitpid(pid, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise RuntimeError(f"forked child {number} hung")
        time.sleep(0.001)
    if done[1]:
        raise RuntimeError(f"forked child {number} ended with {done[1]}")


def liar(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """The clock jumps by hours, years and ages while a run is logged."""
    offset, real = 0.0, time.time

    def clock() -> float:
        return real() + offset

    setattr(time, "time", clock)  # noqa: B010 - mypy forbids the assignment
    setattr(time, "time_ns", lambda: int(clock() * 1e9))  # noqa: B010
    offset = chance.choice(JUMPS)
    log = Log(run, ring_rows=256)
    log.meta(writer=ledger.path.name)
    for _ in range(12):
        _some(log, ledger, 0)
        offset = chance.choice(JUMPS)
    log.close()


def twin(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Another process with the same pid, name and clock, as containers have them; only the last eight digits differ."""
    setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)  # noqa: B010 - mypy forbids the assignment
    setattr(os, "getpid", lambda: 7)  # noqa: B010
    log = Log(run)
    log.meta(writer=ledger.path.name)
    for _ in range(20):
        _some(log, ledger, 0)
    log.close()


def odd_place(run: Path, ledger: Ledger, chance: random.Random, *, at: Path | None = None) -> None:
    """Logs for a moment, in another folder if one is given: the folder is what is odd."""
    writer = LogWriter(str(at or run))
    for step in range(200):
        writer.add_scalar("loss/0", value_of(step), step)
        ledger.returned[0] = step + 1
    writer.close()


def no_home(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """No home, no folder to be in, files that are nobody's to read by default, and a user without a name."""
    os.environ.update(HOME="/nonexistent", XDG_CACHE_HOME="/nonexistent", TMPDIR="/nonexistent")
    os.umask(chance.choice([0o777, 0o277, 0o077, 0]))
    here = run.parent / "here"
    here.mkdir()
    os.chdir(here)
    here.rmdir()
    if os.getuid() == 0:
        os.setgid(65533)
        os.setuid(65533)
    odd_place(run, ledger, chance)


def _some(log: Log, ledger: Ledger, thread: int) -> None:
    append = log.row_appender(log.tag("scalar", f"loss/{thread}"))
    for step in range(ledger.returned[thread], ledger.returned[thread] + BURST):
        append(step, value_of(step, thread))
        ledger.returned[thread] = step + 1
    ledger.burst(ledger.returned[thread])


# ------------------------------------------------------------------------------------------------ workers of others


def pooled(context: BaseContext, run: Path, ledger: Ledger) -> None:
    """A multiprocessing pool whose workers log, while its parent logs too; it is terminated, not closed."""
    writer = LogWriter(str(run))
    writer.add_scalar("parent", 0.0, 0)
    with context.Pool(3) as pool:
        for step, _ in enumerate(pool.imap_unordered(_pool_work, [(writer, item) for item in range(200)]), 1):
            writer.add_scalar("parent", float(step), step)
    writer.close()


def _pool_work(asked: tuple[LogWriter, int]) -> int:
    """One item: logged by whichever worker gets it."""
    key = str(asked[0].logdir)
    kept = _pool_writers.setdefault(key, asked[0])  # a pickled writer is a new one: a worker keeps its first
    kept.add_scalar("item", float(asked[1]), asked[1])
    return asked[1]


_pool_writers: dict[str, LogWriter] = {}


def loaded(context: str, run: Path, ledger: Ledger) -> None:
    """torch's DataLoader with persistent workers that log each item, for two epochs, beside the training loop."""
    import torch.utils.data as data

    from torture.children.items import Items

    writer = LogWriter(str(run))
    writer.add_scalar("parent", 0.0, 0)
    items = Items(writer)
    loader: data.DataLoader[Any] = data.DataLoader(
        items, batch_size=4, num_workers=2, persistent_workers=True, multiprocessing_context=context
    )
    step = 0
    for _ in range(2):
        for _ in loader:
            step += 1
            writer.add_scalar("parent", float(step), step)
    del loader
    writer.close()


def main() -> None:
    """`python -m torture.children.crowd pool|loader METHOD RUN`."""
    what, method, run = sys.argv[1:]
    ledger = Ledger(Path(run).with_suffix(".ledger"))
    if what == "pool":
        pooled(multiprocessing.get_context(method), Path(run), ledger)
    else:
        loaded(method, Path(run), ledger)


if __name__ == "__main__":
    from torture.children import crowd  # so that what is pickled here is found by its name in another process

    crowd.main()
