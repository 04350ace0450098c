"""Rows and payload records <-> the columns of a frame: sort by tag, delta, byte shuffle, compress.

Encoding has two ways that give the same bytes: numpy when the training script has loaded it anyway (80 ns a row), the
standard library when not (a script that logs only scalars never loads numpy). Decoding is the reader's and uses numpy.
"""

from __future__ import annotations

import contextlib
import struct
import sys
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from visualdl.log import digest
from visualdl.log.frame import ADDRESS_BYTES, MAX_INFLATED_BYTES, RAW, compress, inflate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float64]

ROW = struct.Struct("<qddII")  # step, time, value, tag, sequence mark
ROW_BYTES = ROW.size
VOID = 0xFFFF_FFFF  # the tag of a row whose call failed: it says "nothing here, go on"
ROWS_INDEX = struct.Struct("<QQI")  # first ring row covered, the one after the last, number of tags
# Flags of a ROWS frame.
FLOAT32 = 1  # values are stored as float32, and no bit is lost by it
APART = 2  # the differences begin anew with each tag, so that one tag is decoded without those before it
DIGESTS = 4  # the index ends with the digests of the tags that have enough rows for any
MAX_ROWS = 1 << 20
ROW_NUMBERS = 1 << 62  # no writer counts so far
_WORD = 0xFFFF_FFFF_FFFF_FFFF
_NOT_A_TIME = -(1 << 63)


class EncodedRows(NamedTuple):
    """The parts of a ROWS frame; `n` rows in it (void rows are left out)."""

    n: int
    directory: bytes
    body: bytes
    codec: int
    flags: int


def encode_rows(rows: bytes, first: int, stop: int, *, use_numpy: bool | None = None) -> EncodedRows:
    """`rows`: committed ring rows first … stop-1, 32 bytes each, as in the ring. Never fails on any bits in them."""
    if use_numpy is None:
        use_numpy = "numpy" in sys.modules
    columns: _Columns | None = None
    if use_numpy:
        with contextlib.suppress(ImportError):  # a numpy that is half imported, or broken
            columns = _columns_numpy(rows)
    tags, counts, data, digests, flags = columns or _columns_plain(rows)
    k = len(tags)
    index = ROWS_INDEX.pack(first, stop, k) + struct.pack(f"<{k}I{k}I", *tags, *counts) + digests
    codec, body = compress(data)
    return EncodedRows(sum(counts), index, body, codec, flags | APART | (DIGESTS if digests else 0))


class _Columns(NamedTuple):
    tags: Sequence[int]
    counts: Sequence[int]
    data: bytes
    digests: bytes
    flags: int


def _columns_numpy(rows: bytes) -> _Columns:
    import numpy as np

    table = np.frombuffer(rows, dtype=_row_dtype())
    if (table["tag"] == VOID).any():
        table = table[table["tag"] != VOID]
    tag = np.ascontiguousarray(table["tag"])
    # numpy sorts 16-bit numbers by radix, several times as fast
    order = np.argsort(tag.astype(np.uint16) if tag.max(initial=0) < 1 << 16 else tag, kind="stable")
    tag, value = tag[order], table["value"][order]
    starts = np.flatnonzero(np.diff(tag, prepend=~tag[:1]))  # the first of each tag; none when there is no row
    counts = np.diff(starts, append=len(tag))
    with np.errstate(all="ignore"):
        small = value.astype("<f4")
        exact = np.array_equal(small.astype("<f8").view("<u8"), value.view("<u8"))
    step, time = table["step"][order], microseconds(table["time"][order])
    columns = [_shuffle(_delta_numpy(step, starts)), _shuffle(_delta_numpy(time, starts))]
    columns.append(_shuffle(small.tobytes(), 4) if exact else _shuffle(value.tobytes()))
    rows_of = counts.tolist()
    digests = digest.encode_numpy(rows_of, step, time, value)
    return _Columns(tag[starts].tolist(), rows_of, b"".join(columns), digests, FLOAT32 if exact else 0)


def _columns_plain(rows: bytes) -> _Columns:
    table = sorted((row for row in ROW.iter_unpack(rows) if row[3] != VOID), key=lambda row: row[3])
    counts: dict[int, int] = {}
    for row in table:
        counts[row[3]] = counts.get(row[3], 0) + 1
    value = array("d", [row[2] for row in table])
    small = array("f", value)
    exact = array("d", small).tobytes() == value.tobytes()
    step, time, rows_of = [row[0] for row in table], [_microsecond(row[1]) for row in table], list(counts.values())
    columns = [
        _shuffle(_delta_plain(step, rows_of)),
        _shuffle(_delta_plain(time, rows_of)),
        _shuffle(_little(small), 4) if exact else _shuffle(_little(value)),
    ]
    digests = digest.encode_plain(rows_of, step, time, value)
    return _Columns(list(counts), rows_of, b"".join(columns), digests, FLOAT32 if exact else 0)


def _row_dtype() -> np.dtype[Any]:
    import numpy as np

    return np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8"), ("tag", "<u4"), ("seq", "<u4")])


def _shuffle(data: bytes, width: int = 8) -> bytes:
    """Byte 0 of each element, then byte 1 of each, …: what varies little stands together, and compresses."""
    return b"".join(data[i::width] for i in range(width))


def _delta_numpy(column: npt.NDArray[Any], starts: IntArray) -> bytes:
    import numpy as np

    deltas = np.diff(column.astype("<i8"), prepend=np.int64(0)).astype("<i8")
    deltas[starts] = column[starts]
    return deltas.tobytes()


def _delta_plain(column: list[int], counts: Sequence[int]) -> bytes:
    deltas = [(now - before) & _WORD for before, now in zip([0, *column], column, strict=False)]
    at = 0
    for count in counts:
        deltas[at] = column[at] & _WORD
        at += count
    return struct.pack(f"<{len(deltas)}Q", *deltas)


def _little(values: array[float]) -> bytes:
    if sys.byteorder == "big":
        values = array(values.typecode, values)
        values.byteswap()
    return values.tobytes()


def microseconds(time: npt.NDArray[Any]) -> IntArray:
    """Seconds (float64) to whole microseconds, as the disk stores them; what is no time becomes int64's minimum."""
    import numpy as np

    with np.errstate(all="ignore"):
        scaled = np.rint(np.asarray(time, dtype=np.float64) * 1e6)
        good = np.abs(scaled) < 9.2e18
        return np.where(good, np.where(good, scaled, 0.0).astype(np.int64), np.int64(_NOT_A_TIME))


def _microsecond(time: float) -> int:
    scaled = time * 1e6
    return round(scaled) if -9.2e18 < scaled < 9.2e18 else _NOT_A_TIME


def seconds(time: IntArray) -> FloatArray:
    """Whole microseconds to seconds (float64)."""
    return time / 1e6


class RowsIndex(NamedTuple):
    """The clear part of a ROWS frame: which ring rows it covers, and how many rows of which tag it holds, in order.

    digests: as the format has them, of the tags that have any.
    """

    first: int
    stop: int
    tags: tuple[int, ...]
    counts: tuple[int, ...]
    digests: bytes = b""

    def digests_of(self, start: int) -> bytes:
        """The digests of the tag whose rows begin at `start`."""
        at = rows = 0
        for count in self.counts:
            end = at + digest.DIGEST_BYTES * digest.digests((count,))
            if rows == start and count:
                return self.digests[at:end]
            at, rows = end, rows + count
        return b""


def decode_rows_index(index: bytes, n: int, flags: int = 0) -> RowsIndex:
    """A ROWS frame's index; ValueError when it contradicts itself."""
    if len(index) < ROWS_INDEX.size:
        raise ValueError(f"an index of at least {ROWS_INDEX.size} bytes was expected, but {len(index)} came")
    first, stop, k = ROWS_INDEX.unpack_from(index)
    end = ROWS_INDEX.size + 8 * k
    if n > MAX_ROWS or k > n or not first <= stop < ROW_NUMBERS:
        raise ValueError(f"{n} rows of {k} tags in {first}…{stop} are no frame that a writer makes")
    if len(index) != end and (len(index) < end or not flags & DIGESTS):
        raise ValueError(f"an index of {k} tags does not fit in {len(index)} bytes")
    numbers = struct.unpack_from(f"<{2 * k}I", index, ROWS_INDEX.size)
    found = RowsIndex(first, stop, numbers[:k], numbers[k:], index[end:])
    if sum(found.counts) != n:
        raise ValueError(f"{n} rows were announced, but the index counts {sum(found.counts)} in {first}…{stop}")
    if flags & DIGESTS and len(found.digests) != digest.DIGEST_BYTES * digest.digests(found.counts):
        raise ValueError(f"{len(found.digests)} bytes of digests do not fit the {k} tags of the index")
    return found


class RowColumns(NamedTuple):
    """Columns of rows: step int64 (n,), time float64 (n,) in seconds, value float64 (n,)."""

    step: IntArray
    time: FloatArray
    value: FloatArray


class RowsBody:
    """The body of a ROWS frame, inflated; decoded tag by tag, as far as its codec allows. Never changes."""

    def __init__(self, body: bytes, codec: int, flags: int, n: int) -> None:
        """ValueError when the body is not `n` rows."""
        import numpy as np

        width = 4 if flags & FLOAT32 else 8
        data = np.frombuffer(inflate(codec, body, n * (16 + width)), dtype=np.uint8)
        self._step = data[: 8 * n].reshape(8, n)
        self._time = data[8 * n : 16 * n].reshape(8, n)
        self._value = data[16 * n :].reshape(width, n)
        self._apart = bool(flags & APART)
        self._summed: tuple[IntArray, IntArray] | None = None
        self.nbytes = data.nbytes if self._apart else data.nbytes + 16 * n

    def rows(self, start: int, stop: int, tag_start: int = 0) -> RowColumns:
        """The rows [start, stop), all of one tag, whose rows begin at `tag_start`; NaNs keep their bits."""
        import numpy as np

        if self._apart:
            skip = slice(start - tag_start, None)
            step = np.cumsum(_unshuffled(self._step[:, tag_start:stop], "<i8"), dtype=np.int64)[skip]
            time = np.cumsum(_unshuffled(self._time[:, tag_start:stop], "<i8"), dtype=np.int64)[skip]
        else:
            if self._summed is None:
                both = (self._step, self._time)
                first, second = (np.cumsum(_unshuffled(one, "<i8"), dtype=np.int64) for one in both)
                self._summed = first, second
            step, time = (column[start:stop] for column in self._summed)
        with np.errstate(all="ignore"):
            value = _unshuffled(self._value[:, start:stop], f"<f{len(self._value)}").astype(np.float64, copy=False)
        return RowColumns(step, seconds(time), value)


def _unshuffled(planes: npt.NDArray[np.uint8], dtype: str) -> npt.NDArray[Any]:
    """The numbers whose first bytes are in the first row, the second ones in the second, …"""
    import numpy as np

    return np.ascontiguousarray(planes.T).view(dtype).reshape(-1)


class Entry(NamedTuple):
    """A payload record on its way into a RECORDS frame. `blobs`: content addresses; time in seconds."""

    tag: int
    step: int
    time: float
    payload: bytes
    blobs: tuple[bytes, ...]


class EncodedRecords(NamedTuple):
    """The parts of a RECORDS frame."""

    n: int
    directory: bytes
    body: bytes
    codec: int


def encode_records(entries: Sequence[Entry]) -> EncodedRecords:
    """The parts of a RECORDS frame of these entries."""
    n = len(entries)
    index = struct.pack(f"<{2 * n}q", *(e.step for e in entries), *(_microsecond(e.time) for e in entries))
    sizes = [len(e.payload) for e in entries]
    index += struct.pack(f"<{3 * n}I", *(e.tag for e in entries), *sizes, *(len(e.blobs) for e in entries))
    data = b"".join(piece for e in entries for piece in (*e.blobs, e.payload))
    codec, body = compress(data)
    return EncodedRecords(n, index, body, codec)


class RecordsIndex(NamedTuple):
    """The clear part of a RECORDS frame; time in whole microseconds."""

    step: tuple[int, ...]
    time: tuple[int, ...]
    tag: tuple[int, ...]
    size: tuple[int, ...]
    blobs: tuple[int, ...]


def decode_records_index(index: bytes, n: int) -> RecordsIndex:
    """A RECORDS frame's index; ValueError when it contradicts itself."""
    if len(index) != 28 * n:
        raise ValueError(f"an index of {28 * n} bytes was expected for {n} records, but {len(index)} came")
    words = struct.unpack_from(f"<{2 * n}q", index)
    halves = struct.unpack_from(f"<{3 * n}I", index, 16 * n)
    return RecordsIndex(words[:n], words[n:], halves[:n], halves[n : 2 * n], halves[2 * n :])


def decode_records(body: bytes, codec: int, index: RecordsIndex) -> list[tuple[bytes, tuple[bytes, ...]]]:
    """(payload, addresses) of each record of a frame; ValueError when the body is not what the index says."""
    total = sum(index.size) + ADDRESS_BYTES * sum(index.blobs)
    if (codec == RAW and total != len(body)) or total > max(MAX_INFLATED_BYTES, len(body)):
        raise ValueError(f"a body of {total} bytes was expected, but {len(body)} came")
    data = inflate(codec, body, total)
    found = []
    at = 0
    for size, blobs in zip(index.size, index.blobs, strict=True):
        start = at + ADDRESS_BYTES * blobs
        addresses = tuple(data[i : i + ADDRESS_BYTES] for i in range(at, start, ADDRESS_BYTES))
        at = start + size
        found.append((data[start:at], addresses))
    return found
