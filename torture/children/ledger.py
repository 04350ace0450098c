"""What a child has logged, told in shared memory as it goes: its parent knows it however the child ends.

Loads no numpy, because a training script that logs scalars only does not either.
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import random
import time
from pathlib import Path

THREADS = 16
STAMPS = 1 << 16
BURST = 20  # rows between two stamps
SKIPPED = 1 << 12
IMAGES = 8  # pixels a side, times 1 … 8


class Shared(ctypes.Structure):
    """The bytes of a ledger. Each number is stored whole, in one move."""

    _fields_ = [
        ("started", ctypes.c_uint64 * THREADS),
        ("returned", ctypes.c_uint64 * THREADS),
        ("records", ctypes.c_uint64),
        ("ending", ctypes.c_uint64),
        ("skipped", ctypes.c_uint64),
        ("skips", ctypes.c_uint64 * SKIPPED),
        ("row_stamps", ctypes.c_double * STAMPS),
        ("record_stamps", ctypes.c_double * STAMPS),
    ]


class Ledger:
    """One writer's ledger: a small file, mapped by the child, which writes, and by its parent, which reads.

    Thread t logs the rows 0, 1, 2, … of its own tag; one thread logs the records 0, 1, 2, …
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            path.write_bytes(bytes(ctypes.sizeof(Shared)))
        with path.open("r+b") as file:
            self._shared = Shared.from_buffer(mmap.mmap(file.fileno(), ctypes.sizeof(Shared)))
        self.started = self._shared.started
        self.returned = self._shared.returned  # of each thread: rows whose call has returned
        self.row_stamps = self._shared.row_stamps  # when the first thread's bursts of 20 were through
        self.record_stamps = self._shared.record_stamps

    @property
    def records(self) -> int:
        """Payload records whose call has returned."""
        return int(self._shared.records)

    @property
    def ending(self) -> int:
        """Rows of thread 0 whose call had returned before the interpreter began to end; 0 when it never told."""
        return int(self._shared.ending)

    @ending.setter
    def ending(self, rows: int) -> None:
        self._shared.ending = rows

    @property
    def skips(self) -> set[int]:
        """Rows whose call was interrupted by an exception: they may be there, or not."""
        return set(self._shared.skips[: self._shared.skipped])

    def skip(self, step: int) -> None:
        """Row `step` was interrupted."""
        self._shared.skips[self._shared.skipped] = step
        self._shared.skipped += 1

    def burst(self, step: int) -> None:
        """So many rows of thread 0 have returned now."""
        if step < STAMPS * BURST:
            self.row_stamps[step // BURST] = time.monotonic()

    def record(self) -> None:
        """One more payload record has returned."""
        self.record_stamps[self._shared.records % STAMPS] = time.monotonic()
        self._shared.records += 1


def value_of(step: int, thread: int = 0) -> float:
    """The value of a thread's row, as child and parent both know it."""
    return (step * 2654435761 + thread * 40503) % 4294967296 / 7.0


def payload_of(step: int) -> bytes:
    """The payload of raw record `step`: 0 to 30 000 bytes."""
    return random.Random(step).randbytes((step * 7919) % 30_000)


def blobs_of(step: int) -> list[bytes]:
    """The blobs of raw record `step`: every third has one that it shares, every seventh one of its own."""
    blobs = []
    if step % 3 == 0:
        blobs.append(hashlib.sha256(bytes([step % 5])).digest() * 2000)
    if step % 7 == 0:
        blobs.append(random.Random(-step).randbytes(50_000))
    return blobs
