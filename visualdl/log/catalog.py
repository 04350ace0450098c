"""What the frames of one .vdl file say: tags, metadata, blobs, and where the rows and records of each tag are."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from visualdl.log import frame as frames
from visualdl.log.columns import decode_records_index, decode_rows_index
from visualdl.log.frame import Closed, decode_closed, decode_json
from visualdl.log.scan import Frame, read_at

IntArray = npt.NDArray[np.int64]


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


MAX_TAGS: Final = 1 << 17
"""Tags of one file that are read; a writer numbers them from 0. Each takes up to 2 kB up to the board."""
_TOO_MANY: Final = f"only the first {MAX_TAGS} tags of a file are read, and this one has more"
_MAX_WORDS: Final = 32 << 20
"""Bytes of tags that are kept of one file."""
_MAX_META: Final = 4 << 20
"""Bytes of metadata that are kept of one file."""
_MAX_SAID: Final = 64
"""Things that may be said of a tag beside its name."""
_MAX_LISTS: Final = 10_000
_TAG_BYTES: Final = 64
_MOST_ASKED: Final = 8
"""Tags of which it is remembered where their rows are, in a log that names more than _LONG_TABLE tags in its frames."""
_LONG_TABLE: Final = 4096
_SHARED_BYTES: Final = 1 << 13
"""Up to so many bytes of tags are remembered, for the next file that declares the same."""


class RowPlaces(NamedTuple):
    """Where the rows of one tag are, frame by frame: the frame's index, the first row there, and how many."""

    frame: IntArray
    at: IntArray
    ends: IntArray  # rows of the tag up to the end of each

    def parts(self, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """(index of the frame, first row, row after the last, where the tag begins there) of the rows [start, stop)."""
        if start >= stop:
            return
        first = int(np.searchsorted(self.ends, start, "right"))
        last = int(np.searchsorted(self.ends, stop, "left")) + 1
        before = int(self.ends[first - 1]) if first else 0
        part = slice(first, last)
        for frame, at, end in zip(
            self.frame[part].tolist(), self.at[part].tolist(), self.ends[part].tolist(), strict=True
        ):
            yield frame, at + max(0, start - before), at + min(end, stop) - before, at
            before = end


class RecordPlaces:
    """Where the payload records of one tag are: a few bytes for each of them."""

    __slots__ = ("frame", "place", "step", "time")

    def __init__(self) -> None:
        self.step, self.time = array("q"), array("q")  # time in microseconds
        self.frame, self.place = array("L"), array("L")  # index in Catalog.records, position there


_NO_RECORDS = RecordPlaces()


class Catalog:
    """Grows frame by frame, in the order of the file. Not thread safe."""

    def __init__(self) -> None:
        self.tags: dict[int, Tag] = {}
        self.meta: dict[str, Any] = {}
        self.rows: dict[int, int] = {}  # tag -> rows in frames
        self.row_frames: list[Frame] = []  # without their directories
        self._in_frames = array("I")  # (index of the frame, tag, first row, rows) of every tag in every frame
        self._asked: dict[int, RowPlaces] = {}  # those of the tags asked for last, as of _asked_at
        self._asked_at = 0  # length of _in_frames then
        self.record_places: dict[int, RecordPlaces] = {}
        self.records: list[Frame] = []
        self.blobs: dict[bytes, tuple[int, int, int]] = {}  # address -> where the body is, its length, its checksum
        self.closed: Closed | None = None
        self.covered = 0  # ring rows with a smaller number are in frames
        self.left_out = ""  # what is too much to be read, if anything is
        self._words = _Kept(_MAX_WORDS)
        self._said = _Kept(_MAX_META)
        self._parsed = 0  # bytes of TAGS frames

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
            try:
                self._add_words(header.type, frames.inflate(header.codec, body, header.body_bytes), touched)
            except RecursionError as error:  # two equal tags, both nested, are compared
                raise ValueError("JSON nested too deeply") from error

    def _add_rows(self, frame: Frame, touched: set[int]) -> None:
        index = decode_rows_index(frame.directory, frame.header.n, frame.header.flags)
        at = 0
        for tag, count in zip(index.tags, index.counts, strict=True):
            if self._takes(tag):
                self.rows[tag] = self.rows.get(tag, 0) + count
                self._in_frames.extend((len(self.row_frames), tag, at, count))
                touched.add(tag)
            at += count
        self.row_frames.append(frame._replace(directory=b""))
        self.covered = max(self.covered, index.stop)

    def _add_records(self, frame: Frame, touched: set[int]) -> None:
        index = decode_records_index(frame.directory, frame.header.n)
        self.records.append(frame)
        for i, tag in enumerate(index.tag):
            if not self._takes(tag):
                continue
            places = self.record_places.setdefault(tag, RecordPlaces())
            places.step.append(index.step[i])
            places.time.append(index.time[i])
            places.frame.append(len(self.records) - 1)
            places.place.append(i)
            touched.add(tag)

    def _takes(self, tag: int) -> bool:
        """Whether this many tags are read at all."""
        if tag < MAX_TAGS:
            return True
        self.left_out = _TOO_MANY
        return False

    def among(self, tags: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_] | None:
        """Which of these tags are read; None when all are."""
        if not len(tags) or int(tags.max()) < MAX_TAGS:
            return None
        self.left_out = _TOO_MANY
        return tags < MAX_TAGS

    def count(self, tag: int) -> int:
        """Rows and records of a tag in frames."""
        return self.rows.get(tag, 0) + len(self.records_of(tag).step)

    def records_of(self, tag: int) -> RecordPlaces:
        """Where a tag's payload records are."""
        return self.record_places.get(tag, _NO_RECORDS)

    def rows_of(self, tag: int) -> RowPlaces:
        """Where a tag's rows are. Looked up, not kept for each: most of ten thousand runs' tags are never asked for."""
        if self._asked_at != len(self._in_frames):
            self._asked_at = len(self._in_frames)
            self._asked.clear()
        held = self._asked.get(tag)
        if held is None:
            table = np.array(self._in_frames, np.uint32).reshape(-1, 4)
            frame, _, at, count = table[table[:, 1] == tag].astype(np.int64).T
            # Of a long log more than one: its cards are read in turns, a thousand rows at a time.
            if len(self._asked) >= (_MOST_ASKED if len(table) > _LONG_TABLE else 1):
                self._asked.pop(next(iter(self._asked)))
            held = self._asked[tag] = RowPlaces(frame, at, np.cumsum(count))
        return held

    def _add_words(self, type: int, body: bytes, touched: set[int]) -> None:
        if type == frames.CLOSE:
            self.closed = decode_closed(body)
            self._words.settle()
            self._said.settle()
            return
        if type == frames.META:
            value = decode_json(body)
            if not isinstance(value, dict):
                raise ValueError("a META frame holds a JSON object")
            for name, said in value.items():
                self._said.keep(name, len(body) // len(value))
                self.meta[name] = said
            return
        self._parsed += len(body)
        if self.left_out and self._parsed > 2 * _MAX_WORDS:
            return  # millions of tags that are not read take minutes to parse
        for tag in _shared_tags(body) if len(body) <= _SHARED_BYTES else _tags(body):
            if self._takes(tag.id) and self.tags.get(tag.id) != tag:
                self._words.keep(tag.id, len(tag.name) + len(tag.kind) + _TAG_BYTES * (1 + len(tag.meta)))
                self.tags[tag.id] = tag
                touched.add(tag.id)

    def counted_frames(self) -> list[int]:
        """The indices in row_frames of those whose rows count."""
        found: list[int] = np.unique(np.array(self._in_frames, np.uint32)[::4]).tolist()
        return found

    def forget_rows(self, bad: Sequence[int]) -> None:
        """ROWS frames turned out unreadable after they were taken in: their rows count no more."""
        table = np.array(self._in_frames, np.uint32).reshape(-1, 4)
        gone = np.isin(table[:, 0], bad)
        for _, tag, _, count in table[gone].tolist():
            self.rows[tag] -= count
        self._in_frames = array("I", table[~gone].reshape(-1).tolist())
        self._asked.clear()


class _Kept:
    """How many bytes are kept under which names; what replaces something takes its place."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._most = most
        self._sizes: dict[object, int] = {}

    def keep(self, name: object, size: int) -> None:
        """ValueError when that is too much."""
        more = size - self._sizes.get(name, 0)
        if more > self._left:
            raise ValueError(f"names and metadata beyond the {self._most} bytes of them that are read of one file")
        self._left -= more
        self._sizes[name] = size

    def settle(self) -> None:
        """Nothing is likely to be replaced any more: forget the names."""
        self._sizes = {}


def _tags(body: bytes) -> tuple[Tag, ...]:
    """The tags in a TAGS frame."""
    if body.count(b"[") + body.count(b"{") > _MAX_LISTS + 2 * body.count(b'"tag"'):
        raise ValueError("a TAGS frame of little but lists")  # each takes twenty times its bytes
    value = decode_json(body)
    if not isinstance(value, list) or not all(map(_is_tag, value)):
        raise ValueError("a TAGS frame holds a JSON list of objects with id, kind and tag")
    return tuple(
        Tag(
            entry["id"],
            entry["kind"],
            entry["tag"],
            MappingProxyType({name: said for name, said in entry.items() if name not in ("id", "kind", "tag")}),
        )
        for entry in value
    )


_shared_tags = lru_cache(maxsize=512)(_tags)
"""Thousands of runs declare the same tags: they are parsed once, and shared."""


def _is_tag(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and type(entry.get("id")) is int
        and entry["id"] >= 0
        and len(entry) <= _MAX_SAID
        and isinstance(entry.get("kind"), str)
        and isinstance(entry.get("tag"), str)
    )
