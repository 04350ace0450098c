"""Reading: what one file set holds, and what is new in it since last time. Never writes, tolerates everything.

log = FileSet(find_file_sets(Path("runs/one"))[0])
log.refresh()
step, time, value = log.rows(tag_id)
"""

from __future__ import annotations

import os
import re
import threading
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from visualdl.log import frame as frames
from visualdl.log.cache import FrameCache
from visualdl.log.columns import (
    RowColumns,
    decode_records,
    decode_records_index,
    decode_rows,
    decode_rows_index,
    microseconds,
    seconds,
)
from visualdl.log.frame import Closed, decode_closed, decode_json
from visualdl.log.head import HeadState
from visualdl.log.identity import seems_alive
from visualdl.log.scan import Frame, Gap, Scan, read_at
from visualdl.log.tail import ROW_DTYPE, OpenHead

__all__ = ["Closed", "FileSet", "FrameCache", "Gap", "Record", "Tag", "find_file_sets"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
_NAME = re.compile(r"(\d{8}T\d{6}\.\d{6})Z-.+\.vdl")
_TRIES = 20


@dataclass(frozen=True)
class Tag:
    """A declared tag: its id in this file set, its kind, its name, and what else was said about it."""

    id: int
    kind: str
    name: str
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """A payload record. time: seconds since 1970 UTC; blobs: content addresses, 16 bytes each, for `FileSet.blob`."""

    step: int
    time: float
    payload: bytes
    blobs: tuple[bytes, ...]


class _Series:
    """Where the rows and records of one tag are."""

    def __init__(self) -> None:
        self.frames: list[tuple[Frame, int, int]] = []  # frame, first row in it, rows
        self.sealed = 0  # rows in those
        self.step, self.time = array("q"), array("q")  # of records; time in microseconds
        self.frame, self.place = array("q"), array("q")  # of records: index in _records, position in that frame


class FileSet:
    """One .vdl file and its .head, read incrementally. Thread safe.

    path: of the .vdl. cache: for decoded frames, bounded in bytes; one for all file sets is best.
    """

    def __init__(self, path: Path, *, cache: FrameCache | None = None) -> None:
        self.path = Path(path)
        self.live = False
        self.closed: Closed | None = None
        self.bytes_read = 0
        self.bytes_total = 0
        self.dropped = 0
        self.started = _started(self.path)
        self._head_path = self.path.with_suffix(".head")
        self._cache = cache if cache is not None else FrameCache(32 << 20)
        self._lock = threading.RLock()
        self._scan = Scan()
        self._tags: dict[int, Tag] = {}
        self._meta: dict[str, Any] = {}
        self._series: dict[int, _Series] = {}
        self._records: list[Frame] = []
        self._blobs: dict[bytes, tuple[int, int, int]] = {}  # address -> body offset, length, crc
        self._covered = 0  # ring rows before it are in frames
        self._read_to = 0  # ring rows before it are in frames or in _tail
        self._tail = np.empty(0, ROW_DTYPE)
        self._numbers = np.empty(0, np.int64)
        self._tail_counts: dict[int, int] = {}
        self._dead_head: tuple[int, int] | None = None

    # -------------------------------------------------------------------------------------------- what there is

    @property
    def tags(self) -> Mapping[int, Tag]:
        """The declared tags by id."""
        with self._lock:
            return MappingProxyType(dict(self._tags))

    @property
    def meta(self) -> Mapping[str, Any]:
        """The run's metadata, merged."""
        with self._lock:
            return MappingProxyType(dict(self._meta))

    @property
    def gaps(self) -> Sequence[Gap]:
        """The damage found so far."""
        with self._lock:
            last = self._scan.open_gap(self.bytes_total)
            return (*self._scan.gaps, last) if last else tuple(self._scan.gaps)

    def count(self, tag_id: int) -> int:
        """Rows or records of a tag so far; 0 for a tag that is not known."""
        with self._lock:
            series = self._series.get(tag_id)
            found = series.sealed + len(series.step) if series else 0
            return found + self._tail_counts.get(tag_id, 0)

    # -------------------------------------------------------------------------------------------- what is new

    def refresh(self) -> frozenset[int]:
        """Reads what was written since last time; the ids of the tags that advanced or were declared.

        Decodes no body. A file that is gone or cannot be read keeps what was known of it; OSError is never raised.
        """
        with self._lock:
            touched: set[int] = set()
            if self.closed is not None and self.bytes_read == self.bytes_total == _size(self.path):
                return frozenset()
            for _ in range(_TRIES):
                if self._refresh_once(touched):
                    break
            return frozenset(touched)

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
            if state is None or self.closed is not None:
                self.live = False
                return True
            self.live = seems_alive(state.writer, state.beat)
            self.dropped = state.dropped
            first = max(self._read_to, self._covered, state.tail)
            new = head.rows(state.capacity, first, final=not self.live)
            after = head.state()
            if after is None or after.tail > max(self._covered, state.tail):
                return False  # slots may have been used again while they were copied
            self._add_tail(new.table, new.numbers, touched)
            self._read_to = max(self._read_to, new.stop)
            self._note_dead(state)
            return True
        except OSError:
            return True
        finally:
            head.close()

    def _open_head(self) -> OpenHead | None:
        if self._dead_head is not None and self._dead_head == _stamp(self._head_path):
            return None
        self._dead_head = None
        try:
            return OpenHead(self._head_path)
        except OSError:
            return None

    def _note_dead(self, state: HeadState) -> None:
        if not self.live and state.writer.start:
            self._dead_head = _stamp(self._head_path)  # certain, so it need not be read again unless it changes

    def _add_tail(self, table: npt.NDArray[Any], numbers: IntArray, touched: set[int]) -> None:
        if len(table):
            self._tail = np.concatenate([self._tail, table])
            self._numbers = np.concatenate([self._numbers, numbers])
            tags, counts = np.unique(table["tag"], return_counts=True)
            for tag, count in zip(tags.tolist(), counts.tolist(), strict=True):
                self._tail_counts[tag] = self._tail_counts.get(tag, 0) + count
                touched.add(tag)

    def _read_frames(self, touched: set[int]) -> None:
        try:
            size = os.stat(self.path).st_size
            self.bytes_total = size
            if size > self._scan.offset:
                file = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
                try:
                    for frame in self._scan.frames(file, size):
                        self._index(frame, file, touched)
                finally:
                    os.close(file)
        except OSError:
            return
        finally:
            self.bytes_read = self._scan.offset
        if len(self._numbers) and self._numbers[0] < self._covered:
            self._drop_covered()

    def _drop_covered(self) -> None:
        keep = self._numbers >= self._covered
        self._tail, self._numbers = self._tail[keep], self._numbers[keep]
        tags, counts = np.unique(self._tail["tag"], return_counts=True)
        self._tail_counts = dict(zip(tags.tolist(), counts.tolist(), strict=True))

    # -------------------------------------------------------------------------------------------- indexing

    def _index(self, frame: Frame, file: int, touched: set[int]) -> None:
        header = frame.header
        try:
            if header.type == frames.ROWS:
                self._index_rows(frame, touched)
            elif header.type == frames.RECORDS:
                self._index_records(frame, touched)
            elif header.type == frames.BLOB:
                if len(frame.directory) != frames.ADDRESS_BYTES:
                    raise ValueError("a BLOB frame's index is an address of 16 bytes")
                self._blobs[frame.directory] = (frame.body_at, header.body_bytes, header.body_crc)
            elif header.type in (frames.TAGS, frames.META, frames.CLOSE):
                if header.body_bytes > frames.MAX_DIRECTORY_BYTES:
                    raise ValueError(f"a directory of {header.body_bytes} bytes is over the limit")
                body = read_at(file, frame.body_at, header.body_bytes)
                self._index_words(header.type, frames.inflate(header.codec, body, header.body_bytes), touched)
        except ValueError as error:
            self._scan.reject(frame, str(error))

    def _index_rows(self, frame: Frame, touched: set[int]) -> None:
        index = decode_rows_index(frame.directory, frame.header.n)
        at = 0
        for tag, count in zip(index.tags, index.counts, strict=True):
            series = self._series.setdefault(tag, _Series())
            series.frames.append((frame, at, count))
            series.sealed += count
            at += count
            touched.add(tag)
        self._covered = max(self._covered, index.stop)
        self._read_to = max(self._read_to, index.stop)

    def _index_records(self, frame: Frame, touched: set[int]) -> None:
        index = decode_records_index(frame.directory, frame.header.n)
        self._records.append(frame)
        for i, tag in enumerate(index.tag):
            series = self._series.setdefault(tag, _Series())
            series.step.append(index.step[i])
            series.time.append(index.time[i])
            series.frame.append(len(self._records) - 1)
            series.place.append(i)
            touched.add(tag)

    def _index_words(self, type: int, body: bytes, touched: set[int]) -> None:
        if type == frames.CLOSE:
            self.closed = decode_closed(body)
            self.dropped = self.closed.dropped
            self.live = False
            return
        value = decode_json(body)
        if type == frames.META:
            if not isinstance(value, dict):
                raise ValueError("a META frame holds a JSON object")
            self._meta.update(value)
            return
        if not isinstance(value, list) or not all(map(_is_tag, value)):
            raise ValueError("a TAGS frame holds a JSON list of objects with id, kind and tag")
        for entry in value:
            meta = {name: said for name, said in entry.items() if name not in ("id", "kind", "tag")}
            tag = Tag(entry["id"], entry["kind"], entry["tag"], MappingProxyType(meta))
            if self._tags.get(tag.id) != tag:
                self._tags[tag.id] = tag
                touched.add(tag.id)

    # -------------------------------------------------------------------------------------------- rows

    def rows(self, tag_id: int, since: int = 0) -> tuple[IntArray, FloatArray, FloatArray]:
        """step int64, time float64 (seconds), value float64 of a tag's rows from the since-th on, in call order."""
        with self._lock:
            steps, times, values = [], [], []
            series = self._series.get(tag_id)
            seen = 0
            for frame, at, count in series.frames if series else ():
                seen += count
                if seen > since:
                    columns = self._columns(frame)
                    part = slice(at + max(0, count - (seen - since)), at + count)
                    steps.append(columns.step[part])
                    times.append(columns.time[part])
                    values.append(columns.value[part])
            if self._tail_counts.get(tag_id):
                rows = self._tail[self._tail["tag"] == tag_id][max(0, since - seen) :]
                steps.append(rows["step"])
                times.append(seconds(microseconds(rows["time"])))
                values.append(rows["value"])
            return (
                np.concatenate([np.empty(0, np.int64), *steps]),
                np.concatenate([np.empty(0, np.float64), *times]),
                np.concatenate([np.empty(0, np.float64), *values]),
            )

    def _columns(self, frame: Frame) -> RowColumns:
        def make() -> tuple[RowColumns, int]:
            header = frame.header
            try:
                body = self._body(frame.body_at, header.body_bytes, header.body_crc)
                columns = decode_rows(body, header.codec, header.flags, header.n)
            except ValueError as error:
                # Its checksum was right when it was indexed: the disk changed since, or a strange writer. The counts
                # that were given must stay true, so the rows are there, as NaN, and the gap says why.
                self._reject_once(frame, str(error))
                columns = RowColumns(np.zeros(header.n, np.int64), np.full(header.n, np.nan), np.full(header.n, np.nan))
            return columns, header.n * 24

        return self._cache.get((str(self.path), frame.offset), make)

    def _reject_once(self, frame: Frame, reason: str) -> None:
        if not any(gap.offset == frame.offset for gap in self._scan.gaps):
            self._scan.reject(frame, reason)

    def _body(self, at: int, length: int, crc: int) -> bytes:
        """A stored body, checked. ValueError when it is not what was written."""
        try:
            file = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise ValueError(f"the file cannot be opened any more: {error.strerror}") from error
        try:
            body = read_at(file, at, length)
        except OSError as error:
            raise ValueError(f"the file cannot be read any more: {error.strerror}") from error
        finally:
            os.close(file)
        if len(body) != length or frames.checksum(body) != crc:
            raise ValueError("the body does not fit its checksum")
        return body

    # -------------------------------------------------------------------------------------------- records

    def record_index(self, tag_id: int, since: int = 0) -> tuple[IntArray, FloatArray]:
        """step int64 and time float64 (seconds) of a tag's payload records from the since-th on; no payload is read."""
        with self._lock:
            series = self._series.get(tag_id) or _Series()
            step = np.array(series.step[since:], dtype=np.int64)
            return step, seconds(np.array(series.time[since:], dtype=np.int64))

    def records(self, tag_id: int, where: Sequence[int] | slice) -> list[Record]:
        """The payload records of a tag at `where`: positions in `record_index`, or a slice of them.

        IndexError for a position that is not there. A record whose bytes are damaged has an empty payload, and the
        damage is in `gaps`.
        """
        with self._lock:
            series = self._series.get(tag_id) or _Series()
            places = range(len(series.step))[where] if isinstance(where, slice) else where
            return [self._record(series, place) for place in places]

    def _record(self, series: _Series, place: int) -> Record:
        frame = self._records[series.frame[place]]
        bodies = self._cache.get((str(self.path), frame.offset), self._decode_records(frame))
        payload, blobs = bodies[series.place[place]]
        return Record(series.step[place], series.time[place] / 1e6, payload, blobs)

    def _decode_records(self, frame: Frame) -> Callable[[], tuple[list[tuple[bytes, tuple[bytes, ...]]], int]]:
        def make() -> tuple[list[tuple[bytes, tuple[bytes, ...]]], int]:
            header = frame.header
            try:
                body = self._body(frame.body_at, header.body_bytes, header.body_crc)
                found = decode_records(body, header.codec, decode_records_index(frame.directory, header.n))
            except ValueError as error:
                self._reject_once(frame, str(error))
                found = [(b"", ())] * header.n
            return found, sum(len(payload) + 200 for payload, _ in found)

        return make

    def blob(self, address: bytes) -> bytes | None:
        """The bytes of a blob, checked; None when this file set does not hold it, or only damaged."""
        with self._lock:
            found = self._blobs.get(address)
        if found is None:
            return None
        at, length, crc = found
        try:
            return self._body(at, length, crc)
        except ValueError as error:
            with self._lock:
                if not any(gap.offset == at for gap in self._scan.gaps):
                    self._scan.gaps.append(Gap(at, length, f"blob: {error}"))
            return None


def _is_tag(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and type(entry.get("id")) is int
        and isinstance(entry.get("kind"), str)
        and isinstance(entry.get("tag"), str)
    )


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _started(path: Path) -> float:
    found = _NAME.fullmatch(path.name)
    if found:
        try:
            time = datetime.strptime(found[1], "%Y%m%dT%H%M%S.%f").replace(tzinfo=timezone.utc)
        except ValueError:
            pass
        else:
            return time.timestamp()
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def find_file_sets(directory: Path) -> list[Path]:
    """The .vdl files directly in a folder, the earliest first; an empty list when it cannot be listed."""
    try:
        with os.scandir(directory) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(".vdl"))
    except OSError:
        return []
    return [Path(directory, name) for name in names]
