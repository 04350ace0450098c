"""The ring of rows, the only hot path: 32-byte slots in a file that is memory-mapped (or written each 0.25 s).

A .head file is a 4096-byte header, then `capacity` slots. Row number i (from 0) lives in slot i mod capacity; its
sequence mark, stored last, says that the row is whole. Byte layout: docs/log_format.md.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import struct
import sys
import threading
import time as clock
import zlib
from array import array
from collections.abc import Callable
from operator import length_hint
from typing import Any, BinaryIO, NamedTuple, Protocol

from visualdl.log.columns import ROW_BYTES, VOID
from visualdl.log.filesystem import Mode
from visualdl.log.identity import Identity, this_process

HEAD_MAGIC = b"VLHD"
HEAD_BYTES = 4096
MARKS = 0xFFFF_FFFF  # sequence marks run 1 … MARKS and start again: 0 is an empty or half-written slot
MAX_CAPACITY = 1 << 22
_IDENTITY = struct.Struct("<IIqQ64s64s64s")  # row bytes, capacity, pid, process start, host, boot id, pid namespace
_PREFIX = struct.Struct("<4sI")
STATE_AT = 1024
_STATE = struct.Struct("<QdQ")  # tail: rows before it are in the .vdl; beat: when the writer last showed life; dropped
STATE_BYTES = _STATE.size
_TAIL = struct.Struct("<Q")
_LIFE = struct.Struct("<dQ")
# Native packing stores each field whole (one 8- or 4-byte move), so a reader never sees half a mark.
_NATIVE_ROW = struct.Struct("@qddII" if sys.byteorder == "little" else "<qddII")
LATEST = 9.2e12  # seconds; later does not fit in int64 microseconds
assert _NATIVE_ROW.size == ROW_BYTES == 32  # noqa: S101 - two constants of this page, compared where they are read

Append = Callable[..., None]


def free_threaded() -> bool:
    """Does this interpreter run threads in parallel, without a GIL?"""
    return not getattr(sys, "_is_gil_enabled", lambda: True)()


def mark(number: int) -> int:
    """The sequence mark of row `number`."""
    return number % MARKS + 1


# ------------------------------------------------------------------------------------------------ the file


class HeadState(NamedTuple):
    """A head's header as read: who writes, how many slots, and the three numbers that change."""

    writer: Identity
    capacity: int
    tail: int
    beat: float
    dropped: int


def pack_header(writer: Identity, capacity: int, tail: int) -> bytes:
    """The 4096 bytes before the first slot."""
    texts = (text.encode("utf-8", "replace")[:64] for text in writer[2:])
    identity = _IDENTITY.pack(ROW_BYTES, capacity, writer.pid, writer.start, *texts)
    header = bytearray(HEAD_BYTES)
    _PREFIX.pack_into(header, 0, HEAD_MAGIC, zlib.crc32(identity))
    header[_PREFIX.size : _PREFIX.size + len(identity)] = identity
    _STATE.pack_into(header, STATE_AT, tail, clock.time(), 0)
    return bytes(header)


def unpack_header(header: bytes) -> HeadState | None:
    """A head's header; None when these bytes are not (yet) one."""
    if len(header) < HEAD_BYTES:
        return None
    magic, crc = _PREFIX.unpack_from(header)
    identity = header[_PREFIX.size : _PREFIX.size + _IDENTITY.size]
    if magic != HEAD_MAGIC or crc != zlib.crc32(identity):
        return None
    width, capacity, pid, start, *texts = _IDENTITY.unpack(identity)
    if width != ROW_BYTES or not 0 < capacity <= MAX_CAPACITY:
        return None
    host, boot, namespace = (text.rstrip(b"\0").decode("utf-8", "replace") for text in texts)
    tail, beat, dropped = _STATE.unpack_from(header, STATE_AT)
    if tail >= 1 << 62 or dropped >= 1 << 62:
        return None  # no writer counts so far
    return HeadState(Identity(pid, start, host, boot, namespace), capacity, tail, beat, dropped)


class Ring:
    """The writing side of a .head file. Only the pump calls it, except for the slots, which callers fill."""

    def __init__(self, path: str, *, capacity: int, mode: Mode, first: int) -> None:
        """Creates the file and reserves its blocks. OSError when that cannot be done; nothing is left behind then.

        first: the number of the first row that will be in it.
        """
        self.path = path
        self.capacity = capacity
        self.mode: Mode = mode
        self.tail = first  # rows before it are sealed
        self.written = first  # pwrite mode: rows before it are in the file
        size = HEAD_BYTES + capacity * ROW_BYTES
        self._file: BinaryIO = open(path, "x+b", buffering=0)  # noqa: SIM115 - lives as long as the log
        try:
            if not _reserve(self._file, size):
                self.mode = "pwrite"
            self._put(0, pack_header(this_process(), capacity, first))
            self.buffer: Any = self._map(size)
            if self.buffer is None:
                self.mode, self.buffer = "pwrite", bytearray(size)
        except BaseException:
            self._file.close()
            os.unlink(path)
            raise

    def _map(self, size: int) -> mmap.mmap | None:
        if self.mode == "pwrite":
            return None
        try:
            return mmap.mmap(self._file.fileno(), size)
        except OSError:  # no such thing here, or no address space left for it
            return None

    def _put(self, at: int, data: bytes | memoryview) -> None:
        view = memoryview(data)
        self._file.seek(at)
        while view:
            view = view[self._file.write(view) :]

    def rows(self, start: int, stop: int) -> bytes:
        """A copy of slots start … stop-1, by row number."""
        return b"".join(self.buffer[at:end] for at, end in self._spans(start, stop))

    def _spans(self, start: int, stop: int) -> list[tuple[int, int]]:
        a, b = start % self.capacity, start % self.capacity + stop - start
        pieces = [(a, min(b, self.capacity)), (0, b - self.capacity)]
        return [(HEAD_BYTES + x * ROW_BYTES, HEAD_BYTES + y * ROW_BYTES) for x, y in pieces if x < y]

    def void(self, number: int) -> None:
        """Fills slot `number` with "nothing here, go on"."""
        at = HEAD_BYTES + number % self.capacity * ROW_BYTES
        _NATIVE_ROW.pack_into(self.buffer, at, 0, 0.0, 0.0, VOID, mark(number))

    def write_out(self, stop: int) -> int:
        """pwrite mode: brings rows before `stop` into the file; the number of new ones. OSError when that fails."""
        new = max(0, stop - max(self.written, self.tail))
        if self.mode == "pwrite" and new:
            with memoryview(self.buffer) as view:
                for at, end in self._spans(stop - new, stop):
                    self._put(at, view[at:end])
        self.written = max(self.written, stop)
        return new

    def advance(self, tail: int) -> None:
        """Rows before `tail` are in the .vdl now; their slots may be used again once this returns."""
        self._set(STATE_AT, _TAIL.pack(tail))
        self.tail = tail

    def beat(self, dropped: int) -> None:
        """Shows life, and the count of what was dropped. OSError in pwrite mode when the file cannot be written."""
        self._set(STATE_AT + _TAIL.size, _LIFE.pack(clock.time(), dropped))

    def _set(self, at: int, data: bytes) -> None:
        if self.mode == "pwrite":
            self._put(at, data)
        else:
            self.buffer[at : at + len(data)] = data  # one move for each 8 bytes: a reader sees the old or the new

    def gone(self) -> bool:
        """Was the file deleted under us?"""
        return os.fstat(self._file.fileno()).st_nlink == 0

    def close(self, *, remove: bool) -> None:
        """Lets go of the file; `remove` deletes it (all its rows are in the .vdl)."""
        try:
            self.release()
        finally:
            if remove:
                with contextlib.suppress(OSError):  # the head of a closed log is harmless: its rows are in the frames
                    os.unlink(self.path)

    def release(self) -> None:
        """Closes map and file in this process only, as a forked child must."""
        if isinstance(self.buffer, mmap.mmap):
            with contextlib.suppress(BufferError):  # another thread is packing this moment; the collector closes it
                self.buffer.close()
        self._file.close()


def _reserve(file: BinaryIO, size: int) -> bool:
    """Gives the file real blocks, so that a store into its map cannot meet a full disk (SIGBUS). False: not sure."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise
            file.truncate(size)
            return False
        return True
    for at in range(0, size, 1 << 16):
        data = bytes(min(1 << 16, size - at))
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, "no space left for the ring of rows")
    return True


# ------------------------------------------------------------------------------------------------ the hot path


class Stuck(Protocol):
    """What a call does when its row number is at or past the limit: open, wait, drop or raise."""

    def __call__(self, number: int, tag: int, step: int, value: float, time: float) -> None: ...


class Numbering(NamedTuple):
    """What the pump may do with a hot path. None of these closures refers to the log (see `Pump`)."""

    taken: Callable[[], int]  # row numbers handed out so far
    skip: Callable[[], int]  # takes a number
    limit: Callable[[int], None]  # a call whose number is at or past this goes the slow way
    use: Callable[[Any, int], None]  # buffer, capacity: the ring is open


class HotPath(NamedTuple):
    """The closures around one log's ring. They share its buffer, its numbering and the limit."""

    appender: Callable[[int], Append]
    put: Stuck  # the fast way for a call that was stuck and no longer is
    restart: Callable[[], None]  # a forked child: number from 0 again, with no ring
    numbering: Numbering


def hot_path(stuck: Stuck) -> HotPath:  # noqa: C901 - the closures count as one function
    """A new hot path, with no ring yet: the limit is 0, so the first call gets stuck and opens one."""
    buffer: Any = None
    mask = 0
    limit = 0
    # A range iterator hands out numbers atomically under the GIL, and (unlike count()) tells how many it has given.
    every = range(1 << 62)
    numbers = iter(every)
    take = numbers.__next__
    now = clock.time
    pack_into = _NATIVE_ROW.pack_into
    lock = threading.RLock()  # a signal or the collector may make the thread that holds it log something

    def appender(tag: int) -> Append:
        def append(step: int, value: float, time: float | None = None) -> None:
            if time is None:
                time = now()
            elif not -LATEST < time < LATEST:
                raise ValueError(f"time must be finite seconds since 1970 UTC, but {time!r} came")
            number = take()
            if number >= limit:
                return stuck(number, tag, step, value, time)
            try:  # the mark is packed last: it commits the row
                pack_into(buffer, 4096 + (number & mask) * 32, step, time, value, tag, number % 0xFFFFFFFF + 1)
            except BaseException as error:
                failed(number, tag, step, value, time, error)

        def append_locked(step: int, value: float, time: float | None = None) -> None:
            if time is None:
                time = now()
            elif not -LATEST < time < LATEST:
                raise ValueError(f"time must be finite seconds since 1970 UTC, but {time!r} came")
            step, value = int(_whole(step)), _number(value)  # user code runs before the lock, not under it
            with lock:
                number = take()
                if number < limit:
                    put(number, tag, step, value, time)
                    return
            stuck(number, tag, step, value, time)

        return append_locked if free_threaded() else append

    def put(number: int, tag: int, step: int, value: float, time: float) -> None:
        try:
            at = HEAD_BYTES + (number & mask) * ROW_BYTES
            pack_into(buffer, at, step, time, value, tag, mark(number))
        except BaseException as error:
            failed(number, tag, step, value, time, error)

    def failed(number: int, tag: int, step: int, value: float, time: float, error: BaseException) -> None:
        """Leaves a void row, so that readers go on, and raises what the caller should see."""
        if isinstance(error, (TypeError, ValueError)) and number >= limit and limit < 0:
            stuck(number, tag, step, value, time)  # closed between the look at the limit and the packing
            return
        at = HEAD_BYTES + (number & mask) * ROW_BYTES
        pack_into(buffer, at, 0, 0.0, 0.0, VOID, mark(number))
        if isinstance(error, struct.error):
            check_row(step, value)
        raise error

    def taken() -> int:
        with lock:
            return len(every) - length_hint(numbers)

    def skip() -> int:
        with lock:
            return take()

    def set_limit(number: int) -> None:
        nonlocal limit
        limit = number

    def use(ring_buffer: Any, capacity: int) -> None:
        nonlocal buffer, mask
        buffer, mask = ring_buffer, capacity - 1

    def restart() -> None:
        nonlocal buffer, numbers, take, limit, lock
        lock = threading.RLock()
        buffer, limit = None, 0
        numbers = iter(every)
        take = numbers.__next__

    return HotPath(appender, put, restart, Numbering(taken, skip, set_limit, use))


def committed(rows: bytes, start: int) -> int:
    """How many of these ring rows, numbered from `start` on, are committed before the first that is not."""
    words = array("I", rows)
    if sys.byteorder == "big":
        words.byteswap()
    marks = words[7::8]
    n = len(marks)
    if start % MARKS + n <= MARKS and marks == array("I", range(mark(start), mark(start) + n)):
        return n
    return next((i for i, found in enumerate(marks) if found != mark(start + i)), n)


def _whole(step: Any) -> Any:
    try:
        return step.__index__()
    except AttributeError:
        raise TypeError(f"step must be a whole number, but {step!r} of type {type(step).__name__} came") from None


def _number(value: Any) -> float:
    try:
        if not isinstance(value, (str, bytes, bytearray)):  # float() would read "1.5"; a row does not
            return float(value)
    except (TypeError, ValueError):
        pass
    raise TypeError(f"value must be a number, but {value!r} of type {type(value).__name__} came")


def check_row(step: Any, value: Any) -> None:
    """Raises the TypeError or OverflowError that says what is wrong with a row, if anything is."""
    whole = _whole(step)
    if not -(1 << 63) <= whole < 1 << 63:
        raise OverflowError(f"step must fit in 64 bits, but {whole} came")
    _number(value)
