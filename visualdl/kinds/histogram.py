"""The kind "histogram": how the values of one tensor are spread, as counts between edges.

The caller's thread checks and copies (`accept`); the pump thread counts (`encode`). Values that are not finite have no
place between edges and are counted apart, so that nothing is hidden and nothing fails.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from visualdl.errors import CorruptRecord
from visualdl.kinds.kind import SMALL_BYTES, AnyArray, Encoded, FloatArray, IntArray, Kind, Payload, Points

MAX_BUCKETS: Final = 65_536
"""The most buckets in one record; more than any screen has columns."""
MAX_POINTS: Final = 400
"""About the most histograms of one series in one answer; a ridge plot shows 60 of them, a band plot one a pixel."""

# version u8 | bytes a count u8 | reserved u16 | buckets u32 | left f64 | right f64 | NaN u64 | +inf u64 | -inf u64
# then the counts
_HEADER: Final = struct.Struct("<BBHIddQQQ")
_VERSION: Final = 1
_COUNT_TYPES: Final[dict[int, np.dtype[Any]]] = {
    1: np.dtype("<u1"),
    2: np.dtype("<u2"),
    4: np.dtype("<u4"),
    8: np.dtype("<u8"),
}
_CHUNK: Final = 1 << 14  # values counted at once: they stay in the cache, and numpy lets go of the interpreter
_HUGE: Final = 1e300  # beyond it, differences of two values may overflow
_TINY: Final = 1e-290  # below it, buckets divided by a range may overflow


class Histogram(NamedTuple):
    """Accepted values that wait for the pump thread, of any real dtype, at least one; nobody else can change them.

    held: the values as an array, or the bytes of a small one: after a training step nothing is in the processor's
    caches, and to copy into bytes touches the least of numpy.
    """

    held: AnyArray | bytes
    dtype: np.dtype[Any]
    buckets: int
    nbytes: int

    @property
    def values(self) -> AnyArray:
        """The values, in no particular shape."""
        return np.frombuffer(self.held, self.dtype) if isinstance(self.held, bytes) else self.held


@dataclass(frozen=True, eq=False)
class DecodedHistogram:
    """A stored histogram.

    edges: float64 (k + 1,), finite and rising. counts: int64 or float64 (k,), at least 0; bucket i holds the values v
    with edges[i] ≤ v < edges[i + 1], the last one also its right edge. Both are empty when no value was finite.
    nan, positive_inf, negative_inf: how many values were that. uniform: all buckets are equally wide.
    """

    edges: FloatArray
    counts: AnyArray
    nan: int = 0
    positive_inf: int = 0
    negative_inf: int = 0
    uniform: bool = False

    @property
    def nbytes(self) -> int:
        """The bytes of its arrays."""
        return int(self.edges.nbytes + self.counts.nbytes)


def check_buckets(buckets: object) -> int:
    """`buckets` as an int; TypeError when it is not an integer, ValueError when it is not within 1…MAX_BUCKETS."""
    try:
        count = operator.index(buckets)  # type: ignore[arg-type]  # that it may not be one is what is being asked
    except TypeError:
        raise TypeError(f"the number of buckets is an integer, not {buckets!r} ({type(buckets).__name__})") from None
    if not 1 <= count <= MAX_BUCKETS:
        raise ValueError(f"a histogram has 1 to {MAX_BUCKETS} buckets, not {count}")
    return count


def accept(values: object, buckets: int = 10, *, owned: bool = False) -> Histogram:
    """Check and copy `values`; counting them is left to the pump thread. The argument is never changed.

    values: real numbers (booleans count as 0 and 1), in an array of any shape or anything numpy makes one of; fewer
    values than buckets, equal values, NaN and ±inf are all fine.
    owned: True when nobody else will ever write to `values`, so that no copy is needed.

    Raises TypeError for values that are not real numbers, ValueError when there are none, and as `check_buckets`.
    """
    if type(buckets) is not int or not 1 <= buckets <= MAX_BUCKETS:
        buckets = check_buckets(buckets)
    try:
        array: AnyArray = values if type(values) is np.ndarray else np.asarray(values)
    except ValueError as error:
        raise TypeError(f"a histogram's values form one array of numbers; numpy says: {error}") from error
    size = array.nbytes
    if size == 0:
        raise ValueError(f"a histogram needs at least one value, got an empty array of shape {list(array.shape)}")
    dtype = array.dtype
    if dtype.kind not in "biuf":
        raise TypeError(f"a histogram's values are real numbers, not {dtype} (from {type(values).__name__})")
    if dtype.itemsize > 8:  # a long double beyond float64 becomes ±inf, and is counted as that
        with np.errstate(over="ignore"):
            array, dtype, owned = array.astype(np.float64), np.dtype(np.float64), True
    held = array if owned else array.tobytes() if size <= SMALL_BYTES else np.array(array, order="K")
    return Histogram(held, dtype, buckets, size)


def count_values(values: AnyArray, buckets: int) -> DecodedHistogram:
    """Spread `values` (real, any shape) over `buckets` equal buckets from the least to the greatest finite one."""
    flat = values.ravel(order="K").view(np.uint8 if values.dtype == np.bool_ else values.dtype)
    nan = positive = negative = 0
    left, right = float(flat.min()), float(flat.max())
    if not (math.isfinite(left) and math.isfinite(right)):  # NaN is contagious: one look tells for the whole array
        nan = int(np.count_nonzero(np.isnan(flat)))
        positive = int(np.count_nonzero(flat == np.inf))
        negative = int(np.count_nonzero(flat == -np.inf))
        flat = flat[np.isfinite(flat)]
        if not flat.size:
            return DecodedHistogram(np.empty(0), np.empty(0, np.int64), nan, positive, negative, uniform=True)
        left, right = float(flat.min()), float(flat.max())
    left, right = _widened(left, right, buckets)
    counts = _counted(flat, left, right, buckets)
    return DecodedHistogram(_uniform_edges(left, right, buckets), counts, nan, positive, negative, uniform=True)


def _counted(flat: AnyArray, left: float, right: float, buckets: int) -> IntArray:
    """How many of the finite values fall into each of the equal buckets from `left` to `right`, to the last bit.

    numpy.histogram counts the same, in four times the time for a few values and twice the time for many.
    """
    scale = _scale(left, right)
    edges = _rising(left * scale, right * scale, buckets)
    start, per_unit = edges[0], buckets / (edges[-1] - edges[0])
    edges[-1] = np.inf  # the last bucket holds its right edge too
    counts = np.zeros(buckets, np.int64)
    for at in range(0, flat.size, _CHUNK):
        chunk = flat[at : at + _CHUNK].astype(np.float64)
        if scale != 1.0:
            chunk *= scale
        bucket = ((chunk - start) * per_unit).astype(np.intp)
        np.minimum(bucket, buckets - 1, out=bucket)
        bucket -= chunk < edges.take(bucket)  # rounding misses by one bucket at most, as numpy.histogram knows
        bucket += chunk >= edges[1:].take(bucket)
        counts += np.bincount(bucket, minlength=buckets)
    return counts


def encode(histogram: Histogram) -> Encoded:
    """Count the values and write the result: the heavy half, for the pump thread."""
    with np.errstate(all="ignore"):  # the tiniest numbers and signalling NaN are no reason to warn
        return Encoded(to_payload(count_values(histogram.values, histogram.buckets)))


def to_payload(histogram: DecodedHistogram) -> bytes:
    """The bytes of an equally spaced histogram with whole counts: 48, and 1, 2, 4 or 8 for each bucket."""
    buckets = len(histogram.counts)
    left, right = (float(histogram.edges[0]), float(histogram.edges[-1])) if buckets else (0.0, 0.0)
    most = int(histogram.counts.max()) if buckets else 0
    width = next(width for width in (1, 2, 4, 8) if most < 1 << 8 * width)
    apart = (histogram.nan, histogram.positive_inf, histogram.negative_inf)
    header = _HEADER.pack(_VERSION, width, 0, buckets, left, right, *apart)
    counts: bytes = histogram.counts.astype(_COUNT_TYPES[width]).tobytes()
    return bytes(header) + counts


def decode(payload: Payload) -> DecodedHistogram:
    """Read a record back. Raises CorruptRecord unless every byte is one that `encode` could have written."""
    raw = payload.payload
    if payload.blobs:
        raise CorruptRecord(f"a histogram record refers to no blob, this one to {len(payload.blobs)}")
    if len(raw) < _HEADER.size:
        raise CorruptRecord(f"a histogram record has at least {_HEADER.size} bytes, this one {len(raw)}")
    version, width, reserved, buckets, left, right, nan, positive, negative = _HEADER.unpack_from(raw)
    if version != _VERSION or reserved or width not in _COUNT_TYPES:
        raise CorruptRecord(f"a histogram record of version {version}, {width} bytes a count; wanted version 1")
    if buckets > MAX_BUCKETS or len(raw) != _HEADER.size + buckets * width:
        raise CorruptRecord(f"a histogram record of {buckets} buckets, {width} bytes each, in {len(raw)} bytes")
    stored = np.frombuffer(raw, _COUNT_TYPES[width], offset=_HEADER.size)
    if width == 8 and buckets and int(stored.max()) > np.iinfo(np.int64).max:
        raise CorruptRecord(f"a histogram record with a count of {int(stored.max())}")
    if not buckets:
        edges = np.empty(0)
    else:
        if not (math.isfinite(left) and math.isfinite(right) and left < right):
            raise CorruptRecord(f"a histogram record from {left} to {right}; wanted two finite numbers, rising")
        edges = _uniform_edges(left, right, buckets)
        if not (edges[1:] > edges[:-1]).all():
            raise CorruptRecord(f"a histogram record whose {buckets} buckets from {left} to {right} have no width")
    return DecodedHistogram(edges, stored.astype(np.int64), nan, positive, negative, uniform=True)


def thin(x: FloatArray, points: Points, n: int) -> IntArray:
    """About min(n, MAX_POINTS) points, evenly over `x`; all of them when there are no more than that.

    Half of them are evenly spaced over `x`. The others are, in each of n / 8 stretches, those with the least value, the
    greatest value and the most non-finite ones: the range of the series and a lone NaN never disappear.
    """
    count = len(points)
    n = max(1, min(n, MAX_POINTS))
    if count <= n:
        return np.arange(count, dtype=np.int64)
    spread: Sequence[DecodedHistogram] = points.decoded or ()
    # One pass, which keeps none of them: together they may be larger than the memory.
    told = [(*_ends(one), float(one.nan + one.positive_inf + one.negative_inf)) for one in spread]
    least, greatest, apart = np.array(told).T
    order = np.argsort(x, kind="stable")
    even = np.searchsorted(x[order], np.linspace(x[order[0]], x[order[-1]], max(2, n // 2)))
    kept: set[int] = {0, count - 1, *order[np.minimum(even, count - 1)].tolist()}
    for stretch in np.array_split(order, max(1, n // 8)):
        kept.update((int(stretch[least[stretch].argmin()]), int(stretch[greatest[stretch].argmax()])))
        if apart[stretch].any():
            kept.add(int(stretch[apart[stretch].argmax()]))
    return np.array(sorted(kept), np.int64)


def columns(points: Points) -> Mapping[str, AnyArray]:
    """The histograms of n points, one after the other.

    counts (all buckets,): uint32, or float64 where a count is not a whole number below 2³²; offsets uint32 (n + 1,)
    into it. edges float64: left and right edge of an equally spaced histogram, all k + 1 edges of another, none of an
    empty one; edge_offsets uint32 (n + 1,) into it. nonfinite float64 (n, 3): NaN, +inf, -inf.
    """
    spread: Sequence[DecodedHistogram] = points.decoded or ()
    edges = [one.edges[[0, -1]] if one.uniform and len(one.edges) else one.edges for one in spread]
    counts = np.concatenate([np.empty(0, np.float64), *(one.counts for one in spread)])
    whole = not counts.size or bool((counts == np.floor(counts)).all() and counts.max() < 1 << 32)
    nonfinite = np.array([(one.nan, one.positive_inf, one.negative_inf) for one in spread], np.float64)
    return {
        "counts": counts.astype(np.uint32) if whole else counts,
        "offsets": _offsets([len(one.counts) for one in spread]),
        "edges": np.concatenate([np.empty(0, np.float64), *edges]),
        "edge_offsets": _offsets([len(some) for some in edges]),
        "nonfinite": nonfinite.reshape(len(spread), 3),
    }


HISTOGRAM: Final = Kind("histogram", rows=False, encode=encode, decode=decode, thin=thin, columns=columns)


def _ends(one: DecodedHistogram) -> tuple[float, float]:
    """The least and the greatest value of a histogram, as far as its buckets tell; (inf, -inf) of an empty one."""
    filled = np.flatnonzero(one.counts)
    if not filled.size:
        return math.inf, -math.inf
    first, last = int(filled[0]), int(filled[-1])
    if one.uniform and first == last and len(one.counts) > 1:  # a constant, widened evenly to both sides
        return (float(one.edges[0] / 2 + one.edges[-1] / 2),) * 2
    return float(one.edges[first]), float(one.edges[last + 1])


def _offsets(lengths: Sequence[int]) -> AnyArray:
    """Where each of the runs of `lengths` begins, and where the last one ends, as uint32."""
    return np.cumsum([0, *lengths]).astype(np.uint32)


def _widened(left: float, right: float, buckets: int) -> tuple[float, float]:
    """The range to bucket: as it is, or wide enough that every bucket has a width that float64 can tell from none."""
    if left == right and abs(left) < 2.0**40:
        return left - 0.5, right + 0.5  # numpy.histogram's way with a constant
    limit = float(np.finfo(np.float64).max)
    need = 16.0 * buckets * float(np.spacing(min(max(-left, right), limit / 2)))
    if right / 4 - left / 4 >= need / 4:
        return left, right
    return max(left - need / 2, -limit), min(right + need / 2, limit)


def _uniform_edges(left: float, right: float, buckets: int) -> FloatArray:
    """buckets + 1 rising edges from `left` to `right`, both exact, without overflow for any two finite numbers."""
    scale = _scale(left, right)
    edges = _rising(left * scale, right * scale, buckets)
    return edges if scale == 1.0 else edges / scale


def _rising(start: float, stop: float, buckets: int) -> FloatArray:
    """What numpy.linspace does, without its overhead: a page of histograms has tens of thousands of these."""
    edges: FloatArray = _whole_numbers(buckets + 1) * ((stop - start) / buckets)
    edges += start
    edges[-1] = stop
    return edges


@lru_cache(maxsize=8)
def _whole_numbers(count: int) -> FloatArray:
    return np.arange(count, dtype=np.float64)


def _scale(left: float, right: float) -> float:
    """What to multiply values with so that neither a difference of two nor its inverse overflows: a power of two."""
    largest = max(-left, right)
    return 2.0**-8 if largest > _HUGE else 2.0**64 if largest < _TINY else 1.0
