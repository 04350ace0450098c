"""What a training process does until it is killed: one function a mode, run in a child that was forked for it.

Each takes the run's folder, its ledger and its chance, and never has to return. A *line* mode kills itself, at a line
of `visualdl/log` that chance chose: so every place there gets its turn, as no clock outside could see to it.
"""

from __future__ import annotations

import ctypes
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Literal, NamedTuple

import visualdl.log.frame_file as frame_file
from torture.children.ledger import BURST, Ledger, blobs_of, payload_of, value_of
from visualdl import LogWriter
from visualdl.log.writer import Log

Victim = Callable[[Path, Ledger, random.Random], None]
PAYLOAD_SECONDS = 1.0  # docs/safety.md: so much of images and histograms may be lost
PWRITE_SECONDS = 0.25  # … and of rows where they are not mapped
_OURS = os.path.dirname(frame_file.__file__)


class Mode(NamedTuple):
    """One way of being killed.

    weight: how often, among the others. rows, records: seconds of rows or payloads that may be lost. lives: writers of
    the run, one after the other; the last one is of this mode, the others log a little and end well or badly.
    at: when it is killed from outside: soon after its first record, soon after it begins to end, or (itself) never.
    seconds: how soon, at most.
    """

    victim: Victim
    weight: int
    rows: float = 0.0
    records: float = PAYLOAD_SECONDS
    lives: int = 1
    at: Literal["first", "ending", "itself"] = "first"
    seconds: float = 0.25


def forget_numpy(chance: random.Random) -> None:
    """Half of the children encode their rows as a script does that never loaded numpy."""
    if chance.random() < 0.5:
        sys.modules.pop("numpy", None)


def log_rows(log: Log, ledger: Ledger, *, thread: int = 0, count: int = 1 << 62, nap: float = 0.0) -> None:
    """Rows 0, 1, 2, … of a thread's tag; tells the ledger after each call."""
    append = log.row_appender(log.tag("scalar", f"loss/{thread}"))
    returned = ledger.returned
    step = 0
    while step < count:
        for _ in range(BURST):
            append(step, value_of(step, thread))
            step += 1
            returned[thread] = step
        if thread == 0:
            ledger.burst(step)
        if nap:
            time.sleep(nap)


def log_record(log: Log, ledger: Ledger, tag: int) -> None:
    """The next raw record."""
    step = ledger.records
    payload, blobs = payload_of(step), blobs_of(step)
    log.append(tag, step, None, lambda: (payload, blobs), len(payload) + sum(map(len, blobs)))
    ledger.record()


# ------------------------------------------------------------------------------------------------ killed from outside


def hot(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Rows as fast as they go; the ring is small or large."""
    forget_numpy(chance)
    log_rows(Log(run, durability="mmap", ring_rows=chance.choice([256, 1024, 65536])), ledger)


def paced(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Rows in bursts, as a training logs them."""
    forget_numpy(chance)
    log_rows(Log(run, durability="mmap"), ledger, nap=0.001)


def in_c(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """A C call keeps the GIL: no other thread of the process moves any more."""
    log = Log(run, durability="mmap", ring_rows=chance.choice([1024, 65536]))
    log_rows(log, ledger, count=BURST * chance.randrange(1, 2000))
    ctypes.PyDLL(None).sleep(60)


def pwrite(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Where a map is not safe: rows are written each quarter of a second."""
    log_rows(Log(run, durability="pwrite"), ledger, nap=chance.choice([0.001, 0.005]))


def threads(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Four threads and one log."""
    log = Log(run, durability="mmap", ring_rows=chance.choice([1024, 65536]))
    for thread in range(1, 4):
        threading.Thread(target=log_rows, args=(log, ledger), kwargs={"thread": thread}, daemon=True).start()
    log_rows(log, ledger)


def records(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Payload records with shared blobs."""
    log = Log(run, durability="mmap")
    tag = log.tag("raw", "record")
    nap = chance.choice([0.0, 0.0005, 0.005])
    ledger.returned[0] = 0
    while True:
        log_record(log, ledger, tag)
        time.sleep(nap)


def pictures(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Images and histograms through the public calls."""
    writer = LogWriter(str(run))
    nap = chance.choice([0.0, 0.002, 0.01])
    while True:
        _log_picture(writer, ledger)
        time.sleep(nap)


def mixed(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Scalars, images and histograms of one training loop."""
    writer = LogWriter(str(run))
    step = 0
    while True:
        for _ in range(BURST):
            writer.add_scalar("loss/0", value_of(step), step)
            step += 1
            ledger.returned[0] = step
        ledger.burst(step)
        _log_picture(writer, ledger)
        time.sleep(0.001)


def _log_picture(writer: LogWriter, ledger: Ledger) -> None:
    from torture.children.truth import picture_of, weights_of  # numpy and Pillow, which not every child should wait for

    step = ledger.records
    if step % 3:
        writer.add_histogram("weights", weights_of(step), step)
    else:
        writer.add_image("picture", picture_of(step), step)
    ledger.record()


# ------------------------------------------------------------------------------------------------ killed at a line


class Gallows:
    """Kills this process at the `lines`-th line of visualdl/log that it runs after `ready()`."""

    def __init__(self, lines: int, *, where: Literal["pump", "everywhere"]) -> None:
        self._left = lines
        self._ready = False
        threading.settrace(self._trace)
        if where == "everywhere":
            sys.settrace(self._trace)

    def ready(self) -> None:
        """From now on lines count."""
        self._ready = True

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(_OURS):
            return None
        if event == "line" and self._ready:
            self._left -= 1
            if self._left <= 0:
                die()
        return self._trace


def die() -> None:
    """SIGKILL, here and now."""
    os.kill(os.getpid(), signal.SIGKILL)


def tear(frames: int, chance: random.Random) -> None:
    """Kills this process in the middle of writing its `frames`-th frame: part of the bytes are in the file."""
    whole = frame_file.FrameFile._write
    left = frames

    def torn(self: frame_file.FrameFile, data: Any) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            whole(self, bytes(data)[: chance.randrange(len(data) + 1)])
            die()
        whole(self, data)

    setattr(frame_file.FrameFile, "_write", torn)  # noqa: B010 - mypy forbids the assignment


def opening(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Killed while the files are made, or by the first rows."""
    gallows = Gallows(chance.randrange(1, chance.choice([340, 900])), where="everywhere")
    gallows.ready()
    log = Log(run, durability="mmap", ring_rows=1024)
    log.meta(writer=ledger.path.name)
    log_rows(log, ledger, count=5 * BURST)
    die()


def sealing(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Killed at a line of the pump, which seals 64 rows at a time."""
    forget_numpy(chance)
    Gallows(chance.randrange(1, 3000), where="pump").ready()
    log_rows(Log(run, durability="mmap", ring_rows=256), ledger, nap=0.0002)


def torn_frame(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Killed in the middle of a write: rows, records and blobs are on their way."""
    tear(chance.randrange(1, 30), chance)
    log = Log(run, durability="mmap", ring_rows=256)
    tag = log.tag("raw", "record")
    thread = threading.Thread(target=log_rows, args=(log, ledger), kwargs={"nap": 0.0005}, daemon=True)
    thread.start()
    while True:
        log_record(log, ledger, tag)
        time.sleep(0.002)


def closing(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Killed at a line of close(), on either side of it."""
    gallows = Gallows(chance.randrange(1, 1000), where="everywhere")
    sys.settrace(None)
    log = _something(run, ledger, chance)
    sys.settrace(gallows._trace)
    gallows.ready()
    log.close()
    die()


def torn_close(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Killed in the middle of the last frames' bytes."""
    log = _something(run, ledger, chance)
    tear(chance.randrange(1, 8), chance)
    log.close()
    die()


def timed_close(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """Killed from outside somewhere in close()."""
    log = Log(run, durability="mmap")
    log_rows(log, ledger, count=BURST * chance.randrange(1, 2500))
    ledger.ending = 1
    log.close()
    time.sleep(60)


def _something(run: Path, ledger: Ledger, chance: random.Random) -> Log:
    log = Log(run, durability="mmap", ring_rows=1024)
    log_rows(log, ledger, count=BURST * chance.randrange(1, 100))
    tag = log.tag("raw", "record")
    for _ in range(chance.randrange(20)):
        log_record(log, ledger, tag)
    return log


def earlier_life(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """A writer before the one that counts: it closes, or is killed."""
    log = Log(run, durability="mmap", ring_rows=256)
    log.meta(writer=ledger.path.name)
    log_rows(log, ledger, count=BURST * chance.randrange(1, 50))
    if chance.random() < 0.5:
        log.close()
    die()


def named(run: Path, ledger: Ledger, chance: random.Random) -> None:
    """A writer that says who it is, and logs until it is killed."""
    log = Log(run, durability="mmap", ring_rows=256)
    log.meta(writer=ledger.path.name)
    log_rows(log, ledger, nap=0.0005)


MODES = {
    "hot": Mode(hot, 3),
    "paced": Mode(paced, 3),
    "in a C call that holds the GIL": Mode(in_c, 2),
    "four threads": Mode(threads, 1),
    "rows written each 0.25 s": Mode(pwrite, 2, rows=PWRITE_SECONDS, seconds=1.0),
    "payloads": Mode(records, 2, seconds=1.0),
    "images and histograms": Mode(pictures, 2, seconds=0.6),
    "scalars, images, histograms": Mode(mixed, 2, seconds=0.6),
    "at a line of sealing": Mode(sealing, 3, at="itself"),
    "in the middle of a write": Mode(torn_frame, 2, at="itself"),
    "at a line of close()": Mode(closing, 3, at="itself"),
    "in the middle of the last write": Mode(torn_close, 1, at="itself"),
    "some time in close()": Mode(timed_close, 2, at="ending", seconds=0.03),
    "at a line of opening": Mode(opening, 3, at="itself"),
    "while the sixth writer resumes": Mode(opening, 2, at="itself", lives=6),
}
