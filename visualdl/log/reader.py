"""Reading: what one file set holds, and what is new in it since last time. Never writes, tolerates everything.

log = FileSet(find_file_sets(Path("runs/one"))[0])
log.refresh()
step, time, value = log.rows(tag_id)
"""

from __future__ import annotations

import contextlib
import os
import threading
import time as clock
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from visualdl.errors import LogUnreadable
from visualdl.log import frame as frames
from visualdl.log.cache import FrameCache
from visualdl.log.catalog import Catalog, Record, Tag
from visualdl.log.columns import (
    DIGESTS,
    RowColumns,
    RowsBody,
    decode_records,
    decode_records_index,
    decode_rows_index,
    microseconds,
    seconds,
)
from visualdl.log.folder import find_file_sets, started
from visualdl.log.frame import Closed
from visualdl.log.head import HeadState
from visualdl.log.identity import Life, life
from visualdl.log.scan import Frame, Gap, Scan, file_size, file_stamp, is_whole, open_to_read, read_at
from visualdl.log.tail import ROW_DTYPE, OpenHead

__all__ = ["Closed", "Digested", "FileSet", "FrameCache", "Gap", "Record", "Tag", "find_file_sets"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
_TRIES = 20
_LIFE_SECONDS = 1.0  # a writer that died is noticed so late at most


class Digested(NamedTuple):
    """The rows [start, stop) of a tag, those of one frame, and their digests as docs/log_format.md has them; or b""."""

    start: int
    stop: int
    blocks: bytes


class FileSet:
    """One .vdl file and its .head, read incrementally. Thread safe.

    path: of the .vdl. cache: for decoded frames, bounded in bytes; one for all file sets is best.
    """

    def __init__(self, path: Path, *, cache: FrameCache | None = None) -> None:
        self.path = Path(path)
        self.live = False
        self.bytes_read = 0
        self.bytes_total = 0
        self.dropped = 0
        self.lost = 0  # how often frames of rows turned out damaged after they were counted: others' positions changed
        self.started = started(self.path)
        self._vdl = str(self.path)
        self._head = str(self.path.with_suffix(".head"))
        self._cache = cache if cache is not None else FrameCache(32 << 20)
        self._lock = threading.RLock()
        self._scan = Scan()
        self._catalog = Catalog()
        self._read_to = 0  # ring rows before it are in frames or in _tail
        self._tail = np.empty(0, ROW_DTYPE)
        self._numbers = np.empty(0, np.int64)
        self._tail_counts: Counter[int] = Counter()
        self._head_state: HeadState | None = None
        self._lived_at = 0.0  # when the writer was last looked for
        self._dead_head: tuple[int, int] | None = None
        self._head_fault = ""  # what is wrong with the head, if anything is

    # -------------------------------------------------------------------------------------------- what there is

    @property
    def tags(self) -> Mapping[int, Tag]:
        """The declared tags by id."""
        with self._lock:
            return MappingProxyType(dict(self._catalog.tags))

    @property
    def closed(self) -> Closed | None:
        """What the writer told when it closed the log; None while it is open, or was cut off."""
        return self._catalog.closed

    @property
    def meta(self) -> Mapping[str, Any]:
        """The run's metadata, merged."""
        with self._lock:
            return MappingProxyType(dict(self._catalog.meta))

    @property
    def gaps(self) -> Sequence[Gap]:
        """The damage found so far."""
        with self._lock:
            others = [Gap(self.bytes_total, 0, told) for told in (self._head_fault, self._catalog.left_out) if told]
            return (*self._scan.gaps, *self._scan.open_gap(self.bytes_total), *others)

    def count(self, tag_id: int) -> int:
        """Rows or records of a tag so far; 0 for a tag that is not known."""
        with self._lock:
            return self._catalog.count(tag_id) + self._tail_counts.get(tag_id, 0)

    # -------------------------------------------------------------------------------------------- what is new

    def refresh(self) -> frozenset[int]:
        """Reads what was written since last time; the ids of the tags that advanced or were declared.

        Decodes no body. A file that is gone or cannot be read keeps what was known of it; OSError is never raised.
        """
        with self._lock:
            touched: set[int] = set()
            closed = self.closed is not None and self.bytes_read == self.bytes_total == file_size(self._vdl)
            if closed or self._idle():
                return frozenset()
            for _ in range(_TRIES):
                if self._refresh_once(touched):
                    break
            return frozenset(touched)

    def _idle(self) -> bool:
        """A quick look at a living writer's files: nothing new? Most runs of a board are idle at most times."""
        state = self._head_state
        if state is None or not self.live or clock.monotonic() - self._lived_at > _LIFE_SECONDS:
            return False
        if file_size(self._vdl) != self.bytes_total or self.bytes_read != self.bytes_total:
            return False
        try:
            head = OpenHead(self._head)
        except OSError:
            return False
        try:
            return head.glance(state.capacity, self._read_to).idle(state.tail, self._read_to)
        except OSError:
            return False
        finally:
            head.close()

    def _refresh_once(self, touched: set[int]) -> bool:
        """One look at head and frames; False when the writer sealed rows while we looked."""
        head = self._open_head()
        if head is None:
            self.live = False
            self._read_frames(touched)
            return True
        try:
            # The order matters. A writer puts rows into a frame before it moves the tail past them: so all rows before
            # a tail that was read *before* the frames are in those frames (or were dropped).
            state = head.state()
            self._read_frames(touched)
            self._head_fault = "" if self.closed is not None else head.fault(state)
            if state is None or self.closed is not None:
                self.live = False
                return True
            seen = self._life(state)
            self._head_state = state
            self.live = seen is Life.LIVES
            self.dropped = state.dropped
            first = max(self._read_to, self._catalog.covered, state.tail)
            new = head.rows(state.capacity, first, final=seen is Life.DEAD)
            if head.tail() > max(self._catalog.covered, state.tail):
                return False  # slots may have been used again while they were copied
            self._add_tail(new.table, new.numbers, touched)
            self._read_to = max(self._read_to, new.stop)
            if seen is Life.DEAD and state.writer.start:  # certain: it need not be read again unless it changes
                self._dead_head = file_stamp(self._head)
            return True
        except OSError:
            return True
        finally:
            head.close()

    def _life(self, state: HeadState) -> Life:
        """What is known of the writer; one that lived a moment ago is not looked for again."""
        now = clock.monotonic()
        before = self._head_state
        if self.live and before is not None and before.writer == state.writer and now - self._lived_at < _LIFE_SECONDS:
            return Life.LIVES
        self._lived_at = now
        return life(state.writer, state.beat)

    def _open_head(self) -> OpenHead | None:
        if self._dead_head is not None and self._dead_head == file_stamp(self._head):
            return None
        self._dead_head = None
        try:
            return OpenHead(self._head)
        except OSError:
            return None

    def _add_tail(self, table: npt.NDArray[Any], numbers: IntArray, touched: set[int]) -> None:
        read = self._catalog.among(table["tag"])
        if read is not None:
            table, numbers = table[read], numbers[read]
        if len(table):
            self._tail = np.concatenate([self._tail, table], dtype=ROW_DTYPE)
            self._numbers = np.concatenate([self._numbers, numbers])
            counts = Counter(table["tag"].tolist())
            self._tail_counts.update(counts)
            touched.update(counts)

    def _read_frames(self, touched: set[int]) -> None:
        try:
            size = os.stat(self.path).st_size
            self.bytes_total = size
            if size > self._scan.offset:
                with open_to_read(self._vdl) as file:
                    for frame in self._scan.frames(file, size):
                        try:
                            self._catalog.add(frame, file, touched)
                        except ValueError as error:
                            self._scan.reject(frame, str(error))
        except OSError:
            return  # what is known stays known
        finally:
            self.bytes_read = self._scan.offset
        self._read_to = max(self._read_to, self._catalog.covered)
        if self._catalog.closed is not None:
            self.live = False
            self.dropped = self._catalog.closed.dropped
        if len(self._numbers) and self._numbers[0] < self._catalog.covered:
            self._drop_covered()

    def _drop_covered(self) -> None:
        keep = self._numbers >= self._catalog.covered
        self._tail, self._numbers = self._tail[keep], self._numbers[keep]
        self._tail_counts = Counter(self._tail["tag"].tolist())

    # -------------------------------------------------------------------------------------------- rows

    def rows(self, tag_id: int, start: int = 0, stop: int | None = None) -> tuple[IntArray, FloatArray, FloatArray]:
        """step int64, time float64 (seconds), value float64 of a tag's rows [start, stop), in call order.

        Rows whose bytes are damaged are left out, and the damage is in `gaps`. LogUnreadable when the file is gone.
        """
        with self._lock:
            sealed = self._catalog.rows.get(tag_id, 0)
            end = sealed + self._tail_counts.get(tag_id, 0) if stop is None else stop
            parts: list[RowColumns] = []
            bad = []
            for frame, first, last, tag_start in self._catalog.rows_of(tag_id).parts(start, min(end, sealed)):
                body = self._rows_body(self._catalog.row_frames[frame])
                if body is None:
                    bad.append(frame)
                else:
                    parts.append(body.rows(first, last, tag_start))
            if end > sealed:
                rows = self._tail[self._tail["tag"] == tag_id][max(0, start - sealed) : end - sealed]
                parts.append(RowColumns(rows["step"], seconds(microseconds(rows["time"])), rows["value"]))
            if bad:
                self._forget_damaged(bad)
            if not parts:
                return np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.float64)
            step, time, value = (np.concatenate(column) for column in zip(*parts, strict=True))
            return step, time, value

    def _forget_damaged(self, bad: list[int]) -> None:
        """The disk has changed: look for all that is damaged now, not at each question for what it happens to need."""
        with contextlib.suppress(OSError), open_to_read(self._vdl) as file:
            for number in self._catalog.counted_frames():
                if not is_whole(file, frame := self._catalog.row_frames[number]):
                    self._reject_once(frame, "the body does not fit its checksum")
                    bad.append(number)
        self._catalog.forget_rows(bad)
        self.lost += 1

    def digests(self, tag_id: int, start: int = 0) -> list[Digested]:
        """What is known without decoding of a tag's rows in frames, from row `start` on, which begins a frame's rows.

        Stretch after stretch, in order; those of frames without digests, or with damaged ones, have none.
        """
        with self._lock:
            found = []
            at = start
            sealed = self._catalog.rows.get(tag_id, 0)
            for frame, first, last, tag_start in self._catalog.rows_of(tag_id).parts(start, sealed):
                blocks = self._digests_of(self._catalog.row_frames[frame], tag_start) if first == tag_start else b""
                found.append(Digested(at, at + last - first, blocks))
                at += last - first
            return found

    def _digests_of(self, frame: Frame, tag_start: int) -> bytes:
        """Those of the tag whose rows begin at `tag_start` in the frame."""
        header = frame.header
        if not header.flags & DIGESTS:
            return b""
        try:
            index = self._stored(frame.offset + frames.HEADER_BYTES, header.index_bytes, header.index_crc)
            return decode_rows_index(index, header.n, header.flags).digests_of(tag_start)
        except ValueError:  # what they tell can be had from the rows
            return b""

    def _rows_body(self, frame: Frame) -> RowsBody | None:
        """A frame's rows; None, and a gap, when the disk has changed since it was checked."""

        def make() -> tuple[RowsBody, int]:
            header = frame.header
            stored = self._stored(frame.body_at, header.body_bytes, header.body_crc)
            body = RowsBody(stored, header.codec, header.flags, header.n)
            return body, body.nbytes

        try:
            return self._cache.get((self._vdl, frame.offset), make)
        except ValueError as error:
            self._reject_once(frame, str(error))
            return None

    def _reject_once(self, frame: Frame, reason: str) -> None:
        if not any(gap.offset == frame.offset for gap in self._scan.gaps):
            self._scan.reject(frame, reason)

    def _stored(self, at: int, length: int, crc: int) -> bytes:
        """Stored bytes, checked. ValueError when they are not what was written, LogUnreadable when the file is gone."""
        if length > frames.MAX_BODY_BYTES:
            raise ValueError(f"a body of {length} bytes is over the limit of {frames.MAX_BODY_BYTES}")
        try:
            with open_to_read(self._vdl) as file:
                body = read_at(file, at, length)
        except OSError as error:
            raise LogUnreadable(f"{self._vdl} cannot be read just now: {error.strerror}") from error
        if len(body) != length or frames.checksum(body) != crc:
            raise ValueError("the body does not fit its checksum")
        return body

    # -------------------------------------------------------------------------------------------- records

    def record_index(self, tag_id: int, since: int = 0) -> tuple[IntArray, FloatArray]:
        """step int64 and time float64 (seconds) of a tag's payload records from the since-th on; no payload is read."""
        with self._lock:
            places = self._catalog.records_of(tag_id)
            return np.array(places.step[since:], np.int64), seconds(np.array(places.time[since:], np.int64))

    def records(self, tag_id: int, where: Sequence[int] | slice) -> list[Record]:
        """The payload records of a tag at `where`: positions in `record_index`, or a slice of them.

        IndexError for a position that is not there. A record whose bytes are damaged has an empty payload, and the
        damage is in `gaps`. LogUnreadable when the file is gone.
        """
        with self._lock:
            places = self._catalog.records_of(tag_id)
            found: list[Record] = []
            number, bodies = -1, list[tuple[bytes, tuple[bytes, ...]]]()
            for place in range(len(places.step))[where] if isinstance(where, slice) else where:
                if number != places.frame[place]:  # decoded once for all its records: it may not fit into the cache
                    frame = self._catalog.records[number := places.frame[place]]
                    bodies = self._cache.get((self._vdl, frame.offset), self._decode_records(frame))
                payload, blobs = bodies[places.place[place]]
                found.append(Record(places.step[place], places.time[place] / 1e6, payload, blobs))
            return found

    def _decode_records(self, frame: Frame) -> Callable[[], tuple[list[tuple[bytes, tuple[bytes, ...]]], int]]:
        def make() -> tuple[list[tuple[bytes, tuple[bytes, ...]]], int]:
            header = frame.header
            try:
                body = self._stored(frame.body_at, header.body_bytes, header.body_crc)
                found = decode_records(body, header.codec, decode_records_index(frame.directory, header.n))
            except ValueError as error:
                self._reject_once(frame, str(error))
                found = [(b"", ())] * header.n
            return found, sum(len(payload) + 200 for payload, _ in found)

        return make

    def blob(self, address: bytes) -> bytes | None:
        """The bytes of a blob, checked; None when this file set does not hold it, or only damaged."""
        with self._lock:
            found = self._catalog.blobs.get(address)
        if found is None:
            return None
        at, length, crc = found
        try:
            return self._stored(at, length, crc)
        except LogUnreadable:
            return None
        except ValueError as error:
            with self._lock:
                if not any(gap.offset == at for gap in self._scan.gaps):
                    self._scan.gaps.append(Gap(at, length, f"blob: {error}"))
            return None
