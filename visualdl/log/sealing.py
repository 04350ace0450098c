"""Rows on their way to the file: who may use which slot of the ring, and what is sealed into frames when."""

from __future__ import annotations

import threading
import time as clock
from enum import Enum, auto
from typing import Literal

from visualdl.log.columns import ROW_BYTES, encode_rows
from visualdl.log.frame import ROWS
from visualdl.log.frame_file import FrameFile
from visualdl.log.head import Numbering, Ring, committed
from visualdl.log.trouble import Trouble

SEAL_ROWS = 16384
LOOK_SECONDS = 0.02
HOLE_LOOKS = 100  # a row still not committed after so many looks, so far apart, was interrupted for good
_CLOSING_LOOKS = 5  # … and 10 ms apart when the log is being closed


class Fate(Enum):
    """What becomes of a row whose number was at or past the limit."""

    FREE = auto()  # its slot is free
    FULL = auto()  # its slot will be free later
    STALE = auto()  # its number counts no more: take another
    DROP = auto()
    CLOSED = auto()


class Rows:
    """The ring of one open log, its numbering, and the sealing of its rows. One thread at a time seals.

    The limit of the hot path is a doorbell: a call whose number reaches it comes to `place`. It stands where the next
    frame can be sealed, or at the end of the free slots, or (pwrite mode, nothing to do) at the very next row.
    """

    def __init__(
        self, ring: Ring, file: FrameFile, numbering: Numbering, trouble: Trouble, *, when_full: Literal["wait", "drop"]
    ) -> None:
        self.ring = ring
        self.sealed = 0  # rows in frames
        self.overflow = False  # rows are dropped until the ring is empty
        self._file = file
        self._numbering = numbering
        self._trouble = trouble
        self._drops = when_full == "drop"
        self._seal_rows = max(1, min(SEAL_ROWS, ring.capacity // 4))
        self._lock = threading.RLock()  # a signal or the collector may make the thread that holds it log something
        self._first = ring.tail  # a smaller number counts no more
        self._end = ring.tail + ring.capacity  # a number at or past it has no slot yet
        self._last: int | None = None  # closing: no number at or past it will be committed
        self._hole, self._looks, self._looked_at = -1, 0, 0.0
        self._seen = ring.tail
        numbering.use(ring.buffer, ring.capacity)  # and set_limit() opens it to callers

    # -------------------------------------------------------------------------------------------- numbering

    def place(self, number: int) -> Fate:
        """What becomes of row `number`. Free: the limit is out of the way, and the pump must be woken."""
        with self._lock:
            if self._last is not None:
                return Fate.CLOSED
            if self._trouble.gone:
                return Fate.DROP
            if number < self._first:
                return Fate.STALE
            if number < self._end:
                self._numbering.limit(self._end)
                return Fate.FREE
            if self._trouble.error is not None or self._drops:
                self.overflow = True
            return Fate.DROP if self.overflow else Fate.FULL

    def set_limit(self) -> bool:
        """Puts the doorbell where the next frame can be sealed; False when that many rows are there already."""
        with self._lock:
            if self._last is None:
                self._set_limit()
                return self._numbering.taken() < self.ring.tail + self._seal_rows
            return True

    def _set_limit(self) -> None:
        mark = self.ring.tail + self._seal_rows
        self._numbering.limit(min(self._end, mark) if self._numbering.taken() < mark else self._end)

    def doze(self) -> bool:
        """Was there no new row since the last call? Then the next one rings the bell."""
        with self._lock:
            taken = self._numbering.taken()
            quiet = taken == self._seen
            if quiet and self._last is None:
                self._numbering.limit(min(self._end, taken))
                quiet = self._numbering.taken() == taken
            self._seen = taken
        if not quiet:
            self.set_limit()
        return quiet

    def shut(self) -> None:
        """From now on no row is accepted."""
        with self._lock:
            if self._last is None:
                self._numbering.limit(-1)
                self._last = self._numbering.taken()

    def taken(self) -> int:
        """The number after the last that may be in the ring."""
        return min(self._numbering.taken() if self._last is None else self._last, self._end)

    def left(self) -> int:
        """Rows in the ring that no frame holds yet."""
        return max(0, self.taken() - self.ring.tail)

    def interrupted(self) -> bool:
        """Does a row that is not committed hold up the others?"""
        return self._looks > 0

    # -------------------------------------------------------------------------------------------- sealing

    def seal(self, *, everything: bool) -> None:
        """Seals whole frames' worth of the rows there are, or all. OSError when the file cannot be written; they stay.

        What comes meanwhile is for the next turn: callers as fast as we are must not keep payload records waiting. In
        the last turn nothing comes, but what waits for room in the ring gets there only now.
        """
        everything = everything or self.overflow
        looks, now = 0, self.taken()
        while (left := self._until(now) - self.ring.tail) > 0 and (everything or left >= self._seal_rows):
            if self._seal_some(self.ring.tail + min(left, self._seal_rows)):
                continue
            if self._last is None:
                break  # the call that owns this row is at work, or was interrupted: look again later
            looks += 1
            if looks > _CLOSING_LOOKS:
                self._fill(self.ring.tail, self._last)
            else:
                clock.sleep(0.01)
        if self.overflow and self.ring.tail >= self._end:
            self._recover()

    def _until(self, now: int) -> int:
        return now if self._last is None else self.taken()

    def _seal_some(self, stop: int) -> bool:
        """Seals rows from the tail on, at most up to `stop`; False when the first is not committed yet."""
        start = self.ring.tail
        rows = self.ring.rows(start, stop)
        n = committed(rows, start)
        if n == 0:
            self._look(start)
            return False
        self._hole, self._looks = -1, 0
        part = encode_rows(rows[: n * ROW_BYTES], start, start + n)
        # First the frame, then the tail: a process killed in between leaves rows that are in both, and readers know.
        self._file.append(ROWS, n=part.n, index=part.directory, body=part.body, codec=part.codec, flags=part.flags)
        self.ring.advance(start + n)
        with self._lock:
            self.sealed += part.n
            if not self.overflow:
                self._end = self.ring.tail + self.ring.capacity
                if self._last is None:
                    self._set_limit()
        return True

    def heal(self) -> None:
        """Looks for a row that was interrupted for good; readers of a living log wait for it."""
        start, stop = self.ring.tail, self.taken()
        n = committed(self.ring.rows(start, stop), start)
        if n < stop - start:
            self._look(start + n)
        elif self._looks:
            self._hole, self._looks = -1, 0

    def _look(self, number: int) -> None:
        now = clock.monotonic()
        if self._hole != number:
            self._hole, self._looks, self._looked_at = number, 1, now
        elif now - self._looked_at > LOOK_SECONDS:
            self._looks, self._looked_at = self._looks + 1, now
        if self._looks > HOLE_LOOKS:
            # KeyboardInterrupt can hit a call after it took its number and before it could say so.
            self.ring.void(number)
            self._looks = 0

    def _fill(self, start: int, stop: int) -> None:
        rows = self.ring.rows(start, min(stop, self._end))
        for i in range(len(rows) // ROW_BYTES):
            if not committed(rows[i * ROW_BYTES : (i + 1) * ROW_BYTES], start + i):
                self.ring.void(start + i)

    def _recover(self) -> None:
        """The ring is empty after rows had to be dropped: goes on with a number that nobody has taken."""
        with self._lock:
            self._first = self._numbering.skip() + 1
            self.ring.advance(self._first)
            self._end = self._first + self.ring.capacity
            self.overflow = False
            if self._last is None:
                self._set_limit()

    def write_out(self) -> None:
        """pwrite mode: brings the committed rows into the .head file. OSError when that fails."""
        start, stop = max(self.ring.tail, self.ring.written), self.taken()
        if self.ring.mode == "pwrite" and stop > start:
            self.ring.write_out(start + committed(self.ring.rows(start, stop), start))
