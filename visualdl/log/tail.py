"""Reading a .head file: the rows of a writer, living or dead, that no frame holds yet. Never writes, never waits."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from visualdl.log.columns import ROW_BYTES, VOID
from visualdl.log.head import HEAD_BYTES, MARKS, STATE_AT, STATE_BYTES, HeadState, mark, unpack_header
from visualdl.log.scan import open_regular, read_at

MARK_AT = ROW_BYTES - 4
_FIRST_SLOTS = 64  # looked at in one go: most looks find a few new rows
_MOST_SLOTS = 1 << 16  # of a large ring, most of which may be empty, as much is in memory at once
ROW_DTYPE = np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8"), ("tag", "<u4"), ("mark", "<u4")])
Table = npt.NDArray[Any]


class OpenHead:
    """A .head file, open for one refresh."""

    def __init__(self, path: str) -> None:
        """OSError when it cannot be opened (FileNotFoundError: its log is closed, or never began)."""
        self._file = open_regular(path)

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)

    def state(self) -> HeadState | None:
        """The header now; None when it is not (yet) a good one."""
        return unpack_header(read_at(self._file, 0, HEAD_BYTES))

    def fault(self, state: HeadState | None) -> str:
        """What is wrong with this head, whose header was read as `state`; "" when nothing is, or it is being made."""
        if state is not None:
            whole = os.fstat(self._file).st_size >= HEAD_BYTES + state.capacity * ROW_BYTES
            return "" if whole else "the head ends before its ring does: newest rows may be missing"
        header = read_at(self._file, 0, HEAD_BYTES)  # once more: it may have been written this moment
        good = not any(header) or unpack_header(header) is not None
        return "" if good else "the head's header is damaged: rows in no frame yet cannot be read"

    def tail(self) -> int:
        """The number of the first row that the ring still holds, now; more than any when it cannot be read."""
        found = read_at(self._file, STATE_AT, 8)
        return int.from_bytes(found, "little") if len(found) == 8 else 1 << 64

    def glance(self, capacity: int, number: int) -> Glance:
        """The three numbers that change, and the mark in the slot of row `number`: two small reads."""
        slot = HEAD_BYTES + number % capacity * ROW_BYTES
        return Glance(read_at(self._file, STATE_AT, STATE_BYTES), read_at(self._file, slot + MARK_AT, 4))

    def rows(self, capacity: int, first: int, *, final: bool) -> NewRows:
        """The committed rows from number `first` on, up to the first that is not.

        final: the writer is dead, so rows after one that was never committed are given too.
        The marks are read first and the rows a moment later: a processor that reorders stores has by then made
        visible all that came before a mark.
        """
        found: list[tuple[Table, npt.NDArray[np.int64]]] = []
        at = stop = first
        size = _FIRST_SLOTS
        while at < first + capacity:
            n = min(size, first + capacity - at)
            numbers = at + np.arange(n, dtype=np.int64)
            marks = self._slots(capacity, at, n)["mark"]
            good = marks == numbers % MARKS + 1
            ends = not final and not good.all()
            if ends:
                good[int(np.argmin(good)) :] = False
            if good.any():
                table = self._slots(capacity, at, n)
                stop = at + int(np.flatnonzero(good)[-1]) + 1
                good &= (table["mark"] == marks) & (table["tag"] != VOID)
                found.append((table[good], numbers[good]))
            if ends:
                break
            at, size = at + n, min(16 * size, _MOST_SLOTS)
        if len(found) == 1:
            return NewRows(*found[0], stop)
        tables, each = [one for one, _ in found], [numbers for _, numbers in found]
        return NewRows(
            np.concatenate([np.empty(0, ROW_DTYPE), *tables]), np.concatenate([np.empty(0, np.int64), *each]), stop
        )

    def _slots(self, capacity: int, first: int, n: int) -> Table:
        at, end = first % capacity, min(first % capacity + n, capacity)
        data = self._read(at, end - at)
        if at + n > end:
            data += self._read(0, at + n - end)
        return np.frombuffer(data, dtype=ROW_DTYPE)

    def _read(self, slot: int, n: int) -> bytes:
        return read_at(self._file, HEAD_BYTES + slot * ROW_BYTES, n * ROW_BYTES).ljust(n * ROW_BYTES, b"\0")


class Glance(NamedTuple):
    """A quick look at a head: whether anything is new."""

    state: bytes
    mark: bytes

    def idle(self, tail: int, number: int) -> bool:
        """Has the tail not moved, and is row `number` not committed?"""
        return self.state[:8] == tail.to_bytes(8, "little") and self.mark != mark(number).to_bytes(4, "little")


class NewRows(NamedTuple):
    """Rows read from a head: the table, each one's number, and the number up to which the ring is known."""

    table: Table
    numbers: npt.NDArray[np.int64]
    stop: int
