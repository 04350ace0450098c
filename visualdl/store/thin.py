"""From a series and a question to an answer: the range and its neighbours, each segment's share, the smoothed line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from visualdl.kinds.kind import FloatArray, IntArray, Kind, Points
from visualdl.store import overview
from visualdl.store.decoded import Decoded
from visualdl.store.long_series import chunks as long_chunks
from visualdl.store.question import FIRST_STEP, LAST_STEP, Answer, Axis, Question, Segment, whole_step
from visualdl.store.rows import concatenated
from visualdl.store.series import Series
from visualdl.store.snapshot import Columns, Snapshot
from visualdl.store.tally import ALL_FINITE, NonFinite, Tally, add_up, count_non_finite

ANSWER_BYTES: Final = 64 << 20
"""Decoded records that one answer holds at most."""


@dataclass(frozen=True)
class _Range:
    """The points of one segment that are in the question's range.

    points: some neighbouring points of the segment. inside: which of them are in the range. outside: which are just
    outside, so that lines leave the picture in the right direction. nonfinite: how many of those inside are.
    """

    columns: Columns
    points: Points
    smooth: FloatArray | None
    inside: slice | IntArray
    outside: IntArray
    nonfinite: NonFinite

    def __len__(self) -> int:
        return self.inside.stop - self.inside.start if isinstance(self.inside, slice) else len(self.inside)


class _TooMuch(Exception):
    """The records of an answer would take more than ANSWER_BYTES. fits: how many of them do, about."""

    def __init__(self, fits: int) -> None:
        super().__init__(fits)
        self.fits = fits


def answer(series: Series, snapshot: Snapshot, question: Question) -> Answer:
    """The answer to one question, from one snapshot. May raise `Damaged` (see `Series.points`).

    Records of a payload kind that are so large that those asked for take more than ANSWER_BYTES are thinned further.
    """
    while True:
        try:
            return _answer(series, snapshot, question, ANSWER_BYTES if question.n > 1 else None)
        except _TooMuch as much:
            question = replace(question, n=max(1, min(much.fits, question.n // 2)))


def _answer(series: Series, snapshot: Snapshot, question: Question, most: int | None) -> Answer:
    if snapshot.long:
        told = None if question.smoothing is None else series.long_lines(snapshot, question.smoothing)
        base, origin = snapshot.base, snapshot.origin
        return overview.answer(series.kind, snapshot.long, told, series.reader, question, base=base, origin=origin)
    count = snapshot.count
    seen = (question.since or 0) - snapshot.base
    if not 0 < seen <= count:
        seen = 0  # nothing, or points that have moved since
    lines = None
    if question.smoothing is not None and series.kind.rows:
        lines = series.smoothed(snapshot, question.smoothing)
    tallies = series.tallies(snapshot) if series.kind.rows else None
    ranges = []
    before = 0
    for i, columns in enumerate(snapshot.segments):
        begin = min(len(columns), max(0, seen - before))
        before += len(columns)
        if seen and begin == len(columns):
            continue
        line = None if lines is None else lines[i]
        tally = None if tallies is None else tallies[i]
        ranges.append(_in_range(series, snapshot, columns, line, tally, question, begin))
    total = sum(map(len, ranges))
    kept = [_kept(series.kind, one, question, total, snapshot.origin) for one in ranges]
    chosen = [np.sort(np.concatenate([where, one.outside])) for one, where in zip(ranges, kept, strict=True)]
    return replace(
        _joined(series.kind, ranges, chosen, most, smoothed=lines is not None),
        total=total,
        exact=sum(map(len, kept)) == total,
        cursor=snapshot.base + count,
        since=snapshot.base + seen if seen else 0,
        origin=snapshot.origin,
        nonfinite=add_up([one.nonfinite for one in ranges]),
    )


def chunks(series: Series, snapshot: Snapshot) -> Iterator[Points]:
    """All points, segment after segment; of a series too long to be held, some at a time."""
    if snapshot.long:
        yield from long_chunks(snapshot.long, series.reader)
    else:
        yield everything(series, snapshot)


def everything(series: Series, snapshot: Snapshot) -> Points:
    """All points, segment after segment."""
    if snapshot.long:
        return concatenated(list(long_chunks(snapshot.long, series.reader)))
    parts = [series.points(snapshot, columns, slice(0, len(columns))) for columns in snapshot.segments]
    if len(parts) == 1:
        return parts[0]
    return _concatenated(series.kind, parts)


def _in_range(
    series: Series,
    snapshot: Snapshot,
    columns: Columns,
    line: FloatArray | None,
    tally: Tally | None,
    question: Question,
    begin: int,
) -> _Range:
    """What one segment has from its point `begin` on in the range of the question, and the neighbours just outside."""
    count = len(columns) - begin
    where = slice(begin, len(columns))
    inside: slice | IntArray = slice(0, count)
    outside: IntArray = np.empty(0, np.int64)
    if question.start is not None or question.stop is not None:
        bounds = _bounds(columns, question, begin, snapshot.origin)
        if isinstance(bounds, slice):
            first, last = max(0, bounds.start - 1), min(count, bounds.stop + 1)
            where = slice(begin + first, begin + last)
            inside = slice(bounds.start - first, bounds.stop - first)
            outside = np.array([i for i in (inside.start - 1, inside.stop) if 0 <= i < last - first], np.int64)
        else:
            inside, outside = bounds
    points = series.points(snapshot, columns, where)
    nonfinite = ALL_FINITE
    if tally is not None and columns.value is not None and isinstance(inside, slice):
        nonfinite = tally.between(columns.value, where.start + inside.start, where.start + inside.stop)
    elif points.value is not None:
        nonfinite = count_non_finite(points.value[inside])
    return _Range(columns, points, None if line is None else line[where], inside, outside, nonfinite)


def _bounds(columns: Columns, question: Question, begin: int, origin: float) -> slice | tuple[IntArray, IntArray]:
    """The points from `begin` on in the question's range: a slice where x ascends, else those inside and outside."""
    start = -math.inf if question.start is None else question.start
    stop = math.inf if question.stop is None else question.stop
    if question.axis == "step":  # ascending; compared as integers, which converts nothing and rounds nothing
        step = columns.step[begin:]
        low = len(step) if start > LAST_STEP else int(np.searchsorted(step, whole_step(math.ceil, start), "left"))
        high = 0 if stop < FIRST_STEP else int(np.searchsorted(step, whole_step(math.floor, stop), "right"))
        return slice(low, max(low, high))
    x = _axis(columns.step[begin:], columns.time[begin:], question.axis, origin)
    if bool((x[1:] >= x[:-1]).all()):
        return slice(int(np.searchsorted(x, start, "left")), int(np.searchsorted(x, stop, "right")))
    return _inside(x, start, stop)


def _inside(x: FloatArray, start: float, stop: float) -> tuple[IntArray, IntArray]:
    """The points of unordered `x` in the range, and those at the other end of every line that enters or crosses it."""
    side = (x > stop).astype(np.int8) - (x < start).astype(np.int8)
    inside = side == 0
    crossing = side[1:] != side[:-1]
    ends = np.flatnonzero(crossing)
    touched = np.unique(np.concatenate([ends, ends + 1]))
    return np.flatnonzero(inside), touched[~inside[touched]]


def _axis(step: IntArray, time: FloatArray, axis: Axis, origin: float) -> FloatArray:
    """Where points are on an axis, as float64."""
    if axis == "step":
        return step.astype(np.float64)
    return time if axis == "time" else time - origin


def _kept(kind: Kind, one: _Range, question: Question, total: int, origin: float) -> IntArray:
    """Sorted indices into `one.points` of the points inside the range that the answer holds."""
    if total <= question.n:
        return np.arange(one.inside.start, one.inside.stop) if isinstance(one.inside, slice) else one.inside
    points = _taken(one.points, one.inside)
    x = _axis(points.step, points.time, question.axis, origin)
    share = max(1, question.n * len(one) // total)
    kept = kind.thin(x, points, share)
    if one.smooth is not None:
        smooth = replace(points, value=one.smooth[one.inside])
        kept = np.union1d(kept, kind.thin(x, smooth, max(1, share // 2)))
    return kept + one.inside.start if isinstance(one.inside, slice) else one.inside[kept]


def _taken(points: Points, where: slice | IntArray) -> Points:
    """The points at `where`, as `Points.take`, but not decoded before somebody looks."""
    decoded = points.decoded
    if isinstance(decoded, Decoded):
        decoded = decoded.part(where)
    value = None if points.value is None else points.value[where]
    return Points(points.step[where], points.time[where], value, decoded)


def _joined(kind: Kind, ranges: list[_Range], chosen: list[IntArray], most: int | None, *, smoothed: bool) -> Answer:
    """The chosen points of all segments, one after the other, with the segments' places. May raise _TooMuch."""
    segments = []
    at = 0
    for one, where in zip(ranges, chosen, strict=True):
        if len(where):
            segments.append(Segment(at, at + len(where), one.columns.ghost_from))
            at += len(where)
    parts = [_taken(one.points, where) for one, where in zip(ranges, chosen, strict=True)]
    points = _concatenated(kind, parts, most)
    smooth = None
    if smoothed:
        lines = [one.smooth[where] for one, where in zip(ranges, chosen, strict=True) if one.smooth is not None]
        smooth = np.concatenate([np.empty(0), *lines])
    return Answer(points, smooth, total=0, exact=True, cursor=0, segments=tuple(segments))


def _concatenated(kind: Kind, parts: list[Points], most: int | None = None) -> Points:
    """The points of several segments, one after the other; records of a payload kind are decoded now.

    _TooMuch when they take more than `most` bytes.
    """
    step: IntArray = np.concatenate([np.empty(0, np.int64), *(points.step for points in parts)])
    time: FloatArray = np.concatenate([np.empty(0), *(points.time for points in parts)])
    if kind.rows:
        values = [points.value for points in parts if points.value is not None]
        return Points(step, time, np.concatenate([np.empty(0), *values]))
    decoded: list[Any] = []
    size = 0
    for one in (one for points in parts for one in points.decoded or ()):
        decoded.append(one)
        size += getattr(one, "nbytes", 0)
        if most is not None and size > most:
            raise _TooMuch(len(decoded) - 1)
    return Points(step, time, None, decoded)
