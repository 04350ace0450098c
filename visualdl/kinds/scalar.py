"""The kind "scalar": one float64 a record, a row of the log; thinned so that no extreme, NaN or infinity is hidden."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from visualdl.errors import CorruptRecord
from visualdl.kinds.kind import AnyArray, FloatArray, IntArray, Kind, Payload, Points

POINTS_A_BUCKET: Final = 4  # first, last, least, greatest
_LONG: Final = 128
"""From so many points a bucket on, one argmin each is faster than reduceat over all (measured: equal at 100–150)."""


def number(value: Any) -> float:
    """`value` as the float64 that is logged: NaN and ±inf as they are, an integer beyond float64 as ±inf.

    Takes Python and numpy numbers, anything with `__float__` or `__index__`, and arrays and tensors of one element of
    any shape; what numpy has masked is NaN. Raises TypeError for text, complex numbers and everything that is not one
    number.
    """
    if isinstance(value, (str, bytes, bytearray)):
        raise TypeError(f"a scalar is a number, not the text {value[:40]!r}; log float(...) of it if that is meant")
    try:
        if hasattr(value, "item") and hasattr(value, "shape"):  # not float(): torch warns of grad, numpy of a dimension
            value = _only_element(value)
        if isinstance(value, (complex, np.complexfloating)):
            raise TypeError("a scalar is a real number, not a complex one; log its .real, .imag or abs()")
        return float(value)
    except OverflowError:  # an int beyond float64: infinity says so, and a training run does not stop for it
        return float("inf") if value > 0 else float("-inf")
    except ValueError as error:
        raise TypeError(f"a scalar is one number, not {type(value).__name__}: {error}") from error
    except TypeError as error:
        if str(error).startswith("a scalar is"):
            raise
        name = type(value).__name__
        raise TypeError(f"a scalar is one number, not {name}; log one element, or its mean()") from error


def thin(x: FloatArray, points: Points, n: int) -> IntArray:
    """Sorted indices of at most about n points that draw the same picture as all of them, and hide nothing.

    `x` (finite, in any order) is cut into n / 4 equal buckets. Of each bucket are kept: the first and the last point in
    order of x, the least and the greatest finite value (the first of equals), and every NaN and ±inf. Where more than n
    values are not finite, as in a run that diverged: of each bucket the first and the last NaN, +inf and -inf. The
    first and last point of the series are kept too. No more than n points: all of them.
    """
    count = len(x)
    if count <= n:
        return np.arange(count, dtype=np.int64)
    value = points.value
    if value is None:
        raise ValueError("the points of a scalar have values; these have none")
    order: IntArray | None = None
    if not bool((x[1:] >= x[:-1]).all()):
        order = np.argsort(x, kind="stable")
        x, value = x[order], value[order]
    starts = bucket_starts(x, max(1, n // POINTS_A_BUCKET))
    stops = np.append(starts[1:], count)
    apart = np.flatnonzero(~np.isfinite(value))
    shown = apart if len(apart) <= n else outermost(value, starts, apart)
    kept = np.concatenate([starts, stops - 1, extremes(value, starts, apart), shown])
    if order is not None:
        kept = np.concatenate([order[kept], [0, count - 1]])
    chosen: IntArray = np.unique(kept).astype(np.int64, copy=False)
    return chosen


def bucket_starts(x: FloatArray, buckets: int) -> IntArray:
    """Where each non-empty bucket begins when ascending `x` is cut into `buckets` equal widths; the first is 0."""
    least, greatest = x[0], x[-1]
    # Halves, so that the width of a range from -1e308 to 1e308 does not overflow.
    edges = (least / 2 + (greatest / 2 - least / 2) * (np.arange(1, buckets) / buckets)) * 2
    starts = np.concatenate([[0], np.searchsorted(x, edges, side="left")])
    starts = starts[starts < len(x)]
    distinct: IntArray = starts[np.concatenate([[True], np.diff(starts) > 0])]
    return distinct


def extremes(value: FloatArray, starts: IntArray, apart: IntArray) -> IntArray:
    """Where the least and the greatest finite value of each bucket are, the first of equals; two indices a bucket.

    starts: as `bucket_starts` gives them. apart: sorted indices of the non-finite values. A bucket without a finite
    value gives none.
    """
    if len(value) < _LONG * len(starts):
        return _extremes_of_short(value, starts, apart)
    found: list[int] = []
    stops = np.append(starts[1:], len(value))
    has_apart = np.searchsorted(apart, starts) < np.searchsorted(apart, stops)
    for start, stop, holed in zip(starts.tolist(), stops.tolist(), has_apart.tolist(), strict=True):
        part = value[start:stop]
        if not holed:
            found += (start + int(part.argmin()), start + int(part.argmax()))
            continue
        where = np.flatnonzero(np.isfinite(part))
        if len(where):
            part = part[where]
            found += (start + int(where[part.argmin()]), start + int(where[part.argmax()]))
    return np.array(found, np.int64)


def _extremes_of_short(value: FloatArray, starts: IntArray, apart: IntArray) -> IntArray:
    """`extremes` for many buckets of few points: no loop, a few passes over all values."""
    counts = np.diff(np.append(starts, len(value)))
    found: list[IntArray] = []
    for reduce, hidden in ((np.minimum, np.inf), (np.maximum, -np.inf)):
        shown = value
        if len(apart):
            shown = value.copy()
            shown[apart] = hidden
        best = reduce.reduceat(shown, starts)
        hits = np.flatnonzero(shown == np.repeat(best, counts))
        first = hits[np.searchsorted(hits, starts)]  # every bucket has a hit: its own best
        found.append(first[np.isfinite(value[first])])
    return np.concatenate(found)


def outermost(value: FloatArray, starts: IntArray, apart: IntArray) -> IntArray:
    """Of the non-finite values (`apart`, as for `extremes`), where the first and the last of each sort in each bucket
    are; an index may come twice."""
    found: list[IntArray] = [apart[:0]]
    for sort in (np.isnan(value[apart]), value[apart] == np.inf, value[apart] == -np.inf):
        where = apart[sort]
        if len(where):
            bucket = np.searchsorted(starts, where, side="right")
            border = np.flatnonzero(bucket[1:] != bucket[:-1])
            found += [where[:1], where[border], where[border + 1], where[-1:]]
    return np.concatenate(found)


def decode(payload: Payload) -> float:
    """Always CorruptRecord: a scalar is a row, and has no payload."""
    raise CorruptRecord(f"a scalar is a row of the log; here is a payload of {len(payload.payload)} bytes")


def columns(points: Points) -> Mapping[str, AnyArray]:
    """value: float64 (n,), NaN and ±inf as they are."""
    return {"value": np.empty(0, np.float64) if points.value is None else points.value}


SCALAR: Final = Kind("scalar", rows=True, encode=number, decode=decode, thin=thin, columns=columns)


def _only_element(value: Any) -> Any:
    """The one element of an array or tensor of any shape; TypeError when it has several or none."""
    shape = tuple(int(side) for side in value.shape)
    if any(side != 1 for side in shape):
        raise TypeError(f"a scalar is one number, not an array of shape {shape}; log one element, or its mean()")
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).all():
        return math.nan  # item() would tell what lies under the mask
    return value.item()
