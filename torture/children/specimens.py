"""Small real logs to be damaged, each with all that was ever logged into it, so that nothing invented goes unseen."""

from __future__ import annotations

import math
import shutil
import struct
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from visualdl.kinds import histogram, image
from visualdl.log.payloads import address
from visualdl.log.writer import Log

HEADER = struct.Struct("<4sIIBBHIIQII")  # docs/log_format.md; on purpose not the package's own
HEADER_BYTES = 40
NAME = "20260102T030405.678901Z-host-1-00c0ffee"
EPOCH = 1_767_323_000.0

Row: TypeAlias = "tuple[str, int, int, bytes]"  # tag, step, time in microseconds, the value's bits
Record: TypeAlias = "tuple[str, int, int, bytes]"  # tag, step, time in microseconds, payload


class Piece(NamedTuple):
    """One frame of a specimen: where it is, its header's (type, codec, flags, n, seq), index and stored body."""

    start: int
    stop: int
    header: tuple[int, int, int, int, int]
    directory: bytes
    body: bytes

    @property
    def type(self) -> int:
        """What kind of frame it is."""
        return self.header[0]


@dataclass
class Truth:
    """Everything that was ever logged."""

    rows: Counter[Row] = field(default_factory=Counter)
    records: Counter[Record] = field(default_factory=Counter)
    blobs: dict[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Specimen:
    """A log as bytes: its frames, its head where it was still open, and what is true of it."""

    name: str
    vdl: bytes
    head: bytes | None
    truth: Truth

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Its frames, in order."""
        return tuple(_pieces(self.vdl))


def _pieces(data: bytes) -> Iterator[Piece]:
    at = 0
    while at < len(data):
        magic, _, length, type, codec, flags, n, _, seq, index, _ = HEADER.unpack_from(data, at)
        assert magic == b"VLF1", "a specimen is whole"
        body = at + HEADER_BYTES + index
        stop = at + HEADER_BYTES + length
        yield Piece(at, stop, (type, codec, flags, n, seq), data[at + HEADER_BYTES : body], data[body:stop])
        at = stop


class _Diary:
    """Logs, and keeps what it logged."""

    def __init__(self, folder: Path, *, ring_rows: int = 64) -> None:
        self.log = Log(folder, durability="mmap", ring_rows=ring_rows)
        self.truth = Truth()
        self._made = 0

    def rows(self, tag: str, values: Sequence[float]) -> None:
        append = self.log.row_appender(self.log.tag("scalar", tag))
        for value in values:
            time = EPOCH + self._made / 2  # halves: exact in a float64, and in microseconds
            append(self._made, value, time)
            self.truth.rows[tag, self._made, round(time * 1e6), struct.pack("<d", value)] += 1
            self._made += 1

    def record(self, kind: str, tag: str, payload: bytes, blobs: tuple[bytes, ...] = ()) -> None:
        time = EPOCH + self._made / 2
        self.log.append(self.log.tag(kind, tag), self._made, time, lambda: (payload, blobs), len(payload))
        stored = b"".join(address(blob) for blob in blobs) + payload
        self.truth.records[tag, self._made, round(time * 1e6), stored] += 1
        self.truth.blobs |= {address(blob): blob for blob in blobs}
        self._made += 1

    def picture(self, tag: str, seed: int) -> None:
        pixels = np.random.default_rng(seed).integers(0, 255, (5, 7, 3), np.uint8)
        encoded = image.encode(image.accept(pixels))
        self.record("image", tag, encoded.payload, encoded.blobs)

    def histogram(self, tag: str, values: Sequence[float]) -> None:
        self.record("histogram", tag, histogram.encode(histogram.accept(values, 8)).payload)


def specimens() -> tuple[Specimen, ...]:
    """A closed log, one whose writer was cut off with rows in its head, and one that has only a head's rows."""
    return (
        _made("closed", _closed, close=True),
        _made("open", _closed, close=False),
        _made("fresh", _fresh, close=False),
    )


def long_log() -> Specimen:
    """A closed log of some 100 kB with full frames of rows."""
    return _made("long", _long, close=True)


def foreign() -> Specimen:
    """A log of another run, with the same ids for other tags."""
    return _made("foreign", _foreign, close=True)


def _made(name: str, fill: Callable[[_Diary], None], *, close: bool) -> Specimen:
    folder = Path(tempfile.mkdtemp(prefix="vdl-specimen-"))
    try:
        diary = _Diary(folder, ring_rows=1 << 15 if name == "long" else 64)
        fill(diary)
        diary.log.flush()
        if close:
            diary.log.close()
        head = diary.log.path.with_suffix(".head")
        vdl, ring = diary.log.path.read_bytes(), None if close else head.read_bytes()
        diary.log.close()
        return Specimen(name, vdl, _of_dead_writer(ring), diary.truth)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _of_dead_writer(head: bytes | None) -> bytes | None:
    """The head as if its writer had died on another machine: it does not change any more."""
    if head is None:
        return None
    changed = bytearray(head)
    changed[32:96] = b"elsewhere".ljust(64, b"\0")
    changed[1032:1040] = struct.pack("<d", EPOCH)
    changed[4:8] = struct.pack("<I", zlib.crc32(changed[8:224]))
    return bytes(changed)


def _closed(diary: _Diary) -> None:
    diary.log.meta(display_name="one", captions={"photo": "a caption"})
    diary.rows("loss", [1.0 / (i + 1) for i in range(20)])
    diary.rows("accuracy/测试", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308, 0.1])
    diary.log.flush()
    diary.picture("photo", 1)
    diary.histogram("weights", [0.0, 1.0, 2.0, math.nan])
    diary.log.flush()
    diary.rows("loss", [0.5] * 25)
    diary.picture("photo", 2)
    diary.picture("photo", 1)
    diary.histogram("weights", [-1e300, 1e300])
    diary.log.flush()
    diary.rows("accuracy/测试", [0.25] * 14)


def _fresh(diary: _Diary) -> None:
    diary.rows("loss", [float(i) for i in range(9)])


def _foreign(diary: _Diary) -> None:
    diary.rows("temperature", [300.0 + i for i in range(30)])
    diary.log.flush()
    diary.histogram("depth", [1.0, 2.0])
    diary.rows("pressure", [1.0] * 30)


def _long(diary: _Diary) -> None:
    chance = np.random.default_rng(5)
    for at in range(6):
        diary.rows(f"loss/{at % 3}", chance.normal(size=3_000).tolist())
        diary.picture("photo", at)
