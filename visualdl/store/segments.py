"""The parts of a series, put in order: what was written side by side is merged, what was written again is history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from visualdl.kinds.kind import FloatArray, IntArray

MAX_RESTARTS: Final = 64
"""With more returns to earlier steps than this in one part, its steps are no restarts but simply in no order."""


@dataclass(frozen=True)
class Stretch:
    """One segment: which points, in ascending order of step, and from which step on a later segment wrote again.

    where: indices into the points of all parts, one part after the other; a slice when they are in order already.
    """

    where: slice | IntArray
    ghost_from: int | None

    def __len__(self) -> int:
        return self.where.stop - self.where.start if isinstance(self.where, slice) else len(self.where)


def arrange(
    step: IntArray, time: FloatArray, *, offsets: Sequence[int], started: Sequence[float | None]
) -> tuple[Stretch, ...]:
    """The segments of a series. Every point is in exactly one of them; nothing is dropped.

    step, time: the points of all parts, one part after the other; part i is [offsets[i], offsets[i + 1]), and its
    writer began at started[i]. The rules:

    - Parts whose times overlap were written side by side: they are merged by step (equal steps in order of the parts).
    - Parts whose times do not overlap follow each other. One that begins after the last step so far continues the
      segment; one that begins at that step or before it is the run started again: a new segment.
    - Within one part, a step that goes back is a late point, sorted in by its step, unless the stretch that goes back
      holds a step that this segment has already: then the writer started again, and a new segment begins. More than
      MAX_RESTARTS of those in one part are taken for no order at all.
    - A segment is history (`ghost_from`) from the least step on with which any later segment begins.
    """
    strands: list[slice | IntArray] = []
    times = [
        (float(time[begin:end].min()), float(time[begin:end].max())) if begin < end else None
        for begin, end in pairwise(offsets)
    ]
    for group in written_side_by_side(times, started):
        if len(group) == 1:
            strands += _strands(step, offsets[group[0]], offsets[group[0] + 1])
        else:
            where = np.concatenate([np.arange(offsets[part], offsets[part + 1]) for part in group])
            strands.append(where[np.argsort(step[where], kind="stable")])
    segments: list[slice | IntArray] = []
    for strand in strands:
        if segments and _end(step, segments[-1]) < _begin(step, strand):
            segments[-1] = _joined(segments[-1], strand)
        else:
            segments.append(strand)
    stretches: list[Stretch] = []
    later: int | None = None
    for segment in reversed(segments):
        overtaken = later is not None and later <= _end(step, segment)
        stretches.append(Stretch(segment, later if overtaken else None))
        later = _begin(step, segment) if later is None else min(later, _begin(step, segment))
    return tuple(reversed(stretches))


def written_side_by_side(
    times: Sequence[tuple[float, float] | None], started: Sequence[float | None]
) -> list[list[int]]:
    """The parts that have points, in order of time, those whose times overlap together and in their own order.

    times: of each part the first and the last time; None for one without points. A part's time goes from the start of
    its writer, so that two processes that log one point each are still seen to be side by side, to its last point;
    times before that start were given by hand, and then only the points count.
    """
    spans: list[tuple[float, float, int]] = []
    for part, (time, start) in enumerate(zip(times, started, strict=True)):
        if time is not None:
            spans.append((time[0] if start is None else min(start, time[0]), time[1], part))
    spans.sort()
    groups: list[list[int]] = []
    latest = 0.0
    for first, last, part in spans:
        if groups and first < latest:
            groups[-1].append(part)
            latest = max(latest, last)
        else:
            groups.append([part])
            latest = last
    return [sorted(group) for group in groups]


def _strands(step: IntArray, begin: int, end: int) -> list[slice | IntArray]:
    """The points [begin, end) of one part, cut where its writer started again, each piece in order of step."""
    steps = step[begin:end]
    back = np.flatnonzero(steps[1:] < steps[:-1]) + 1
    if not len(back):
        return [slice(begin, end)]
    starts = np.concatenate([[0], back])
    cuts = [0]
    for start, written in zip(starts.tolist(), _last_written(steps, starts).tolist(), strict=True):
        if written >= cuts[-1]:
            cuts.append(start)
    if len(cuts) > MAX_RESTARTS:
        cuts = [0]
    return [_in_order(steps, low, high, begin) for low, high in pairwise([*cuts, len(steps)])]


def _last_written(steps: IntArray, starts: IntArray) -> IntArray:
    """For each ascending stretch of `steps`, the last point before it with a step that it holds too; -1 for none."""
    order = np.argsort(steps, kind="stable")
    arranged = steps[order]
    before = np.full(len(steps), -1)
    before[order[1:]] = np.where(arranged[1:] == arranged[:-1], order[:-1], -1)
    before[before >= np.repeat(starts, np.diff(np.append(starts, len(steps))))] = -1  # twice in this stretch
    last: IntArray = np.maximum.reduceat(before, starts)
    return last


def _in_order(steps: IntArray, low: int, high: int, begin: int) -> slice | IntArray:
    """Where the points [low, high) are, by step; `begin` is added to each index."""
    part = steps[low:high]
    if bool((part[1:] >= part[:-1]).all()):
        return slice(begin + low, begin + high)
    order: IntArray = np.argsort(part, kind="stable") + (begin + low)
    return order


def _begin(step: IntArray, where: slice | IntArray) -> int:
    return int(step[where.start if isinstance(where, slice) else where[0]])


def _end(step: IntArray, where: slice | IntArray) -> int:
    return int(step[where.stop - 1 if isinstance(where, slice) else where[-1]])


def _joined(one: slice | IntArray, other: slice | IntArray) -> slice | IntArray:
    if isinstance(one, slice) and isinstance(other, slice) and one.stop == other.start:
        return slice(one.start, other.stop)
    both: list[IntArray] = [np.arange(w.start, w.stop) if isinstance(w, slice) else w for w in (one, other)]
    return np.concatenate(both)
