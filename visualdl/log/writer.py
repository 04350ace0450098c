"""Writing: one log is one file set, written by one process. Loads no numpy.

log = Log("runs/one")
append = log.row_appender(log.tag("scalar", "loss"))
append(0, 2.3)
log.close()
"""

from __future__ import annotations

import contextlib
import operator
import os
import threading
import time as clock
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from visualdl.errors import LogClosed
from visualdl.log import lifetime
from visualdl.log.filesystem import Mode, ring_mode
from visualdl.log.frame import JSON, META, TAGS, Closed, encode_json, encode_tags
from visualdl.log.frame_file import FrameFile
from visualdl.log.head import MAX_CAPACITY, Append, Ring, check_row, hot_path
from visualdl.log.identity import host_name
from visualdl.log.payloads import AppendRecord, Item, Queue, appender
from visualdl.log.pump import Pump
from visualdl.log.trouble import Trouble

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Closed", "Log"]


class Log:
    """A log being written. Thread safe; a forked child gets a new file set in the same folder with its first record.

    directory: the run's folder. It and the files are created with the first record or metadata, not before.
    durability: "mmap" loses no row whose call returned, however the process dies; "pwrite" loses at most 0.25 s, and
        is what "mmap" becomes where files cannot be mapped; "auto" takes mmap where the filesystem is known to be
        right for it.
    queue_bytes: memory that payload records may hold until they are encoded and written.
    when_full: what a call does when the disk is slower than the training: "wait", or "drop" and count.
    ring_rows: rows that wait for sealing, a power of two.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        durability: Literal["auto", "mmap", "pwrite"] = "auto",
        queue_bytes: int = 64 << 20,
        when_full: Literal["wait", "drop"] = "wait",
        ring_rows: int = 65536,
    ) -> None:
        if durability not in ("auto", "mmap", "pwrite"):
            raise ValueError(f"durability must be 'auto', 'mmap' or 'pwrite', but {durability!r} came")
        if when_full not in ("wait", "drop"):
            raise ValueError(f"when_full must be 'wait' or 'drop', but {when_full!r} came")
        if not 1 <= ring_rows <= MAX_CAPACITY or ring_rows & (ring_rows - 1):
            raise ValueError(f"ring_rows must be a power of two up to {MAX_CAPACITY}, but {ring_rows!r} came")
        if queue_bytes < 0:
            raise ValueError(f"queue_bytes must not be negative, but {queue_bytes!r} came")
        self._directory = os.path.abspath(os.fsdecode(directory))
        self._durability = durability
        self._queue_bytes = queue_bytes
        self._when_full = when_full
        self._ring_rows = ring_rows
        self._ids: dict[tuple[str, str], int] = {}
        self._tags: list[dict[str, Any]] = []
        self._meta: dict[str, Any] = {}
        self._hot = hot_path(self._stuck)
        self._queue = Queue()
        self._begin()
        lifetime.born(self)

    def _begin(self) -> None:
        self._path = os.path.join(self._directory, _file_name())
        self._lock = threading.RLock()
        self._trouble = Trouble(self._path)
        self._pump: Pump | None = None
        self._closed: Closed | None = None  # closed without ever having had files
        self._skipped = False  # numbers were given to rows that were dropped

    def forked(self) -> None:
        """In a forked child: the files are the parent's; the next record opens new ones. What is closed stays so."""
        closed = self.closed
        if self._pump is not None:
            self._pump.release()
        self._hot.restart()
        self._queue.restart()
        self._begin()
        if closed:
            self._hot.numbering.limit(-1)
            self._closed = Closed(0, 0, 0)

    @property
    def path(self) -> Path:
        """The .vdl file. Known before it exists; a forked child has its own."""
        from pathlib import Path  # 3 ms that a training script need not spend

        return Path(self._path)

    @property
    def closed(self) -> bool:
        """Is it closed, or being closed?"""
        return self._closed is not None or (self._pump is not None and self._pump.closing)

    @property
    def dropped(self) -> int:
        """Rows and records that could not be kept so far."""
        return self._trouble.dropped

    # -------------------------------------------------------------------------------------------- opening

    def _opened(self) -> Pump | None:
        """Under the lock: the pump of the open files; None when there are none and there cannot be, for now."""
        if self._pump is None and not self._trouble.waiting():
            try:
                self._pump = self._open()
            except OSError as error:
                self._trouble.note(error)
            except BaseException:  # Ctrl-C: the number of this row is nobody's
                self._skipped = True
                raise
            else:
                self._trouble.over()
        if self._pump is not None and not self._pump.started:
            self._pump.start()
        return self._pump

    def _open(self) -> Pump:
        lifetime.load("zstandard", "hashlib")  # for the pump
        os.makedirs(self._directory, exist_ok=True)
        mode: Mode = ring_mode(self._directory) if self._durability == "auto" else self._durability
        first = self._hot.numbering.skip() + 1 if self._skipped else 0
        # A signal or the collector may make this thread log meanwhile, and so open the log: then there is a pump.
        try:
            file, ring = self._files(mode, first)
        except FileExistsError:  # another writer's, of the same microsecond; or ours, when a call was interrupted here
            if self._pump is not None:
                return self._pump
            self._path = self._trouble.path = os.path.join(self._directory, _file_name())
            file, ring = self._files(mode, first)
        if self._pump is not None:
            ring.close(remove=True)
            _discard(file)
            return self._pump
        try:
            pump = Pump(
                file,
                ring,
                self._hot.numbering,
                self._trouble,
                self._tags,
                self._queue,
                queue_bytes=self._queue_bytes,
                when_full=self._when_full,
            )
            # The collector calls this anywhere, also where our locks are held: it sets a flag and rings the bell.
            weakref.finalize(self, pump.abandon).atexit = False
        except BaseException:
            ring.close(remove=True)
            _discard(file)
            raise
        return pump

    def _files(self, mode: Mode, first: int) -> tuple[FrameFile, Ring]:
        file = FrameFile(self._path)
        try:
            for n, tags in encode_tags(self._tags):
                file.owe(TAGS, tags, n=n)
            if self._meta:
                file.owe(META, encode_json(self._meta))
            head = os.path.splitext(self._path)[0] + ".head"
            return file, Ring(head, capacity=self._ring_rows, mode=mode, first=first)
        except BaseException:
            _discard(file)
            raise

    def _stuck(self, number: int, tag: int, step: int, value: float, time: float) -> None:
        """A row that cannot go the fast way: the first of all, or one that has to wait."""
        with self._lock:
            if self._closed is not None:
                raise LogClosed(f"a row came after close(): {self._path}")
            pump = self._opened()
            self._skipped = self._skipped or pump is None
        place = pump.place(number) if pump is not None else None
        if place is not None:
            self._hot.put(place, tag, step, value, time)
            return
        check_row(step, value)
        self._trouble.drop(1)

    # -------------------------------------------------------------------------------------------- logging

    def tag(self, kind: str, tag: str, **meta: JSON) -> int:
        """The id of a tag; the first call declares it. `meta` is JSON about the series; a later call may add to it."""
        with self._lock:
            known = self._ids.get((kind, tag))
            if known is None:
                known = len(self._tags)
            elif not meta:
                return known
            entry = {**(self._tags[known] if known < len(self._tags) else {}), **meta}
            entry.update(id=known, kind=kind, tag=tag)
            body = encode_json([entry])
            if known == len(self._tags):
                self._tags.append(entry)
                self._ids[kind, tag] = known
            elif entry == self._tags[known]:
                return known
            self._tags[known] = entry
            self._say(TAGS, body)
            return known

    def _say(self, type: int, body: bytes) -> None:
        if self._pump is not None and self._pump.closed is None:
            try:
                self._pump.file.owe(type, body)
            except (OSError, ValueError) as error:  # ValueError: closed this moment
                self._trouble.note(error)

    def row_appender(self, tag_id: int) -> Append:
        """append(step, value, time=None): logs one number. The hot path, well under 1 µs.

        step: an integer in 64 bits; value: anything with __float__, kept as float64 (NaN and ±inf are values like any
        other); time: seconds since 1970 UTC, None for now. TypeError, OverflowError, ValueError at the call for
        anything else; LogClosed after close().
        """
        self._known(tag_id)
        return self._hot.appender(tag_id)

    def append(
        self, tag_id: int, step: int, time: float | None, encode: Callable[[], tuple[bytes, Sequence[bytes]]], size: int
    ) -> None:
        """Logs one payload record: `record_appender` for a single one, with an `encode` that takes nothing."""
        append = self.record_appender(tag_id)
        append(operator.index(step), None if time is None else float(time), _call, encode, max(1, size))

    def record_appender(self, tag_id: int) -> AppendRecord:
        """append(step, time, encode, value, size): logs one payload record; time None: now.

        `encode(value)` runs later, on the pump's thread, and gives (payload, blobs); when it raises, the record is
        dropped, counted, and told. size: bytes that `value` holds on to until then, at least 1; they count against
        queue_bytes.
        """
        self._known(tag_id)
        return appender(self._queue, tag_id, self._stuck_record)

    def _stuck_record(self, item: Item) -> None:
        """A record that cannot go the fast way: the first of all, or one for which there is no room."""
        with self._lock:
            if self._closed is not None:
                raise LogClosed(f"a record came after close(): {self._path}")
            pump = self._opened()
        if pump is not None:
            pump.put(item)
        else:
            self._trouble.drop(1)

    def _known(self, tag_id: int) -> None:
        if not 0 <= operator.index(tag_id) < len(self._tags):
            raise KeyError(f"tag id {tag_id!r} was never given by tag()")

    def meta(self, **values: JSON) -> None:
        """Merges JSON values into the run's metadata; creates the files."""
        body = encode_json(values)
        with self._lock:
            if self.closed:
                raise LogClosed(f"metadata came after close(): {self._path}")
            self._meta.update(values)
            if self._pump is None:
                self._opened()
            else:
                self._say(META, body)

    # -------------------------------------------------------------------------------------------- ending

    def flush(self) -> None:
        """When this returns, every call that returned before is in the files, and visible to a reader."""
        if self._pump is not None:
            self._pump.flush()

    def close(self) -> Closed:
        """Seals and closes the files, quickly; tells what they hold and what was dropped. Again: the same answer."""
        with self._lock:
            if self._pump is None and self._closed is None:
                self._hot.numbering.limit(-1)
                self._closed = Closed(0, 0, self._trouble.dropped, self._trouble.reasons())
            pump = self._pump
        if pump is not None:
            return pump.close()
        assert self._closed is not None  # noqa: S101 - for the type checker: without a pump it was closed
        return self._closed


def _call(encode: Callable[[], tuple[bytes, Sequence[bytes]]]) -> tuple[bytes, Sequence[bytes]]:
    return encode()


def _discard(file: FrameFile) -> None:
    """Deletes a file that holds nothing yet."""
    with contextlib.suppress(OSError):
        file.close()
    os.unlink(file.path)


def _file_name() -> str:
    microseconds = clock.time_ns() // 1000
    start = clock.strftime("%Y%m%dT%H%M%S", clock.gmtime(microseconds // 1_000_000))
    host = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in host_name())[:64] or "host"
    return f"{start}.{microseconds % 1_000_000:06}Z-{host}-{os.getpid()}-{os.urandom(4).hex()}.vdl"
