"""What the frames of one .vdl file say: tags, metadata, blobs, and where the rows and records of each tag are."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from visualdl.log import frame as frames
from visualdl.log.columns import decode_records_index, decode_rows_index
from visualdl.log.frame import Closed, decode_closed, decode_json
from visualdl.log.scan import Frame, read_at


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


class Series:
    """Where the rows and records of one tag are: a few bytes for each of its frames and records."""

    def __init__(self) -> None:
        self.row_frame = array("L")  # index in Catalog.row_frames
        self.row_at = array("L")  # its first row there
        self.row_end = array("q")  # rows of the tag up to the end of that frame
        self.step, self.time = array("q"), array("q")  # of records; time in microseconds
        self.frame, self.place = array("L"), array("L")  # of records: index in Catalog.records, position there

    @property
    def sealed(self) -> int:
        """Rows in frames."""
        return self.row_end[-1] if self.row_end else 0

    def parts(self, since: int) -> Iterator[tuple[int, int, int]]:
        """(index of the frame, first row, row after the last) of each part of the rows from the since-th on."""
        for i in range(bisect_right(self.row_end, since), len(self.row_end)):
            start = self.row_end[i - 1] if i else 0
            at = self.row_at[i]
            yield self.row_frame[i], at + max(0, since - start), at + self.row_end[i] - start

    def add(self, frame: int, at: int, count: int) -> None:
        """So many rows, from row `at` on, are in this frame."""
        self.row_frame.append(frame)
        self.row_at.append(at)
        self.row_end.append(self.sealed + count)

    def forget(self, bad: int) -> None:
        """The rows in that frame count no more."""
        kept = [(frame, at, stop - at) for frame, at, stop in self.parts(0) if frame != bad]
        self.row_frame, self.row_at, self.row_end = array("L"), array("L"), array("q")
        for place in kept:
            self.add(*place)


class Catalog:
    """Grows frame by frame, in the order of the file. Not thread safe."""

    def __init__(self) -> None:
        self.tags: dict[int, Tag] = {}
        self.meta: dict[str, Any] = {}
        self.series: dict[int, Series] = {}
        self.row_frames: list[Frame] = []  # without their directories
        self.records: list[Frame] = []
        self.blobs: dict[bytes, tuple[int, int, int]] = {}  # address -> where the body is, its length, its checksum
        self.closed: Closed | None = None
        self.covered = 0  # ring rows with a smaller number are in frames

    def add(self, frame: Frame, file: int, touched: set[int]) -> None:
        """Takes in one checked frame of the open `file`; adds the ids of the tags that advanced to `touched`.

        ValueError when the frame contradicts itself; nothing is taken in then.
        """
        header = frame.header
        if header.type == frames.ROWS:
            self._add_rows(frame, touched)
        elif header.type == frames.RECORDS:
            self._add_records(frame, touched)
        elif header.type == frames.BLOB:
            if len(frame.directory) != frames.ADDRESS_BYTES:
                raise ValueError("the index of a BLOB frame is an address of 16 bytes")
            self.blobs[frame.directory] = (frame.body_at, header.body_bytes, header.body_crc)
        elif header.type in (frames.TAGS, frames.META, frames.CLOSE):
            if header.body_bytes > frames.MAX_DIRECTORY_BYTES:
                raise ValueError(f"a directory of {header.body_bytes} bytes is over the limit")
            body = read_at(file, frame.body_at, header.body_bytes)
            self._add_words(header.type, frames.inflate(header.codec, body, header.body_bytes), touched)

    def _add_rows(self, frame: Frame, touched: set[int]) -> None:
        index = decode_rows_index(frame.directory, frame.header.n)
        at = 0
        for tag, count in zip(index.tags, index.counts, strict=True):
            series = self.series.setdefault(tag, Series())
            series.add(len(self.row_frames), at, count)
            at += count
            touched.add(tag)
        self.row_frames.append(frame._replace(directory=b""))
        self.covered = max(self.covered, index.stop)

    def _add_records(self, frame: Frame, touched: set[int]) -> None:
        index = decode_records_index(frame.directory, frame.header.n)
        self.records.append(frame)
        for i, tag in enumerate(index.tag):
            series = self.series.setdefault(tag, Series())
            series.step.append(index.step[i])
            series.time.append(index.time[i])
            series.frame.append(len(self.records) - 1)
            series.place.append(i)
            touched.add(tag)

    def _add_words(self, type: int, body: bytes, touched: set[int]) -> None:
        if type == frames.CLOSE:
            self.closed = decode_closed(body)
            return
        value = decode_json(body)
        if type == frames.META:
            if not isinstance(value, dict):
                raise ValueError("a META frame holds a JSON object")
            self.meta.update(value)
            return
        if not isinstance(value, list) or not all(map(_is_tag, value)):
            raise ValueError("a TAGS frame holds a JSON list of objects with id, kind and tag")
        for entry in value:
            meta = {name: said for name, said in entry.items() if name not in ("id", "kind", "tag")}
            tag = Tag(entry["id"], entry["kind"], entry["tag"], MappingProxyType(meta))
            if self.tags.get(tag.id) != tag:
                self.tags[tag.id] = tag
                touched.add(tag.id)

    def forget_rows(self, bad: int) -> None:
        """A ROWS frame turned out unreadable after it was taken in: its rows count no more."""
        for series in self.series.values():
            series.forget(bad)


def _is_tag(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and type(entry.get("id")) is int
        and isinstance(entry.get("kind"), str)
        and isinstance(entry.get("tag"), str)
    )
