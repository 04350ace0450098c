"""A series too long to be held: how its parts make segments, told by digests; points are decoded where they matter.

The rules are those of `segments.arrange`, on which this relies for what is written side by side. Where many points go
back, or it would take too long to see whether a step was written twice, the steps of a part count as in no order.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from visualdl.kinds.kind import IntArray, Points
from visualdl.log.digest import BLOCK_ROWS, STEPS_ASCEND
from visualdl.store.decoded import Damaged
from visualdl.store.segments import MAX_RESTARTS, written_side_by_side
from visualdl.store.trail import Trace

MAX_RETURNS: Final = 4096
"""With more returns to earlier steps than this in one part of a long series, its steps are in no order."""
_MAX_BLOCKS: Final = 1024
"""Decoded blocks kept of one series: the edges of an overview, where its picture is cut into columns."""
_BLOCK_BYTES: Final = 24 * BLOCK_ROWS
_MAX_LOOKS: Final = 20_000
"""Blocks looked at, at most, to tell a start anew from late points in one part."""


@dataclass(frozen=True)
class Piece:
    """The points [start, stop) of one part. ascends: no step among them goes back."""

    trace: Trace
    start: int
    stop: int
    ascends: bool

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class LongSegment:
    """One segment: pieces that together, by step, are its points.

    ordered: piece after piece its points are in order of step already. ghost_from: as in `Segment`.
    """

    pieces: tuple[Piece, ...]
    ordered: bool
    ghost_from: int | None

    def __len__(self) -> int:
        return sum(len(piece) for piece in self.pieces)


class Reader:
    """Decodes points of the parts of one series, and keeps the blocks that were looked at last. Thread safe."""

    def __init__(self, fetch: Callable[[str, int, int], Points]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[str, int], Points] = OrderedDict()

    @property
    def nbytes(self) -> int:
        """Bytes kept, about."""
        return len(self._blocks) * _BLOCK_BYTES

    def fetch(self, trace: Trace, start: int, stop: int) -> Points:
        """The points [start, stop) of a part. Raises Damaged when they are not all there any more."""
        if start >= trace.blocked:
            return trace.tail.take(slice(start - trace.blocked, stop - trace.blocked))
        points = self._fetch(trace.part, start, stop)
        if len(points) != stop - start:
            raise Damaged
        return points

    def block(self, trace: Trace, block: int) -> Points:
        """The points of one block, or of the tail, which is the one after the last."""
        return self.ranges(trace, [_range(trace, block)])[0]

    def ranges(self, trace: Trace, ranges: Sequence[tuple[int, int]]) -> list[Points]:
        """The points of each of some ranges, in ascending order, that begin at blocks and are none longer than one."""
        keys = [(trace.part, start) for start, _ in ranges]
        with self._lock:
            held = [self._blocks.get(key) for key in keys]
            for key, points in zip(keys, held, strict=True):
                if points is not None:
                    self._blocks.move_to_end(key)
        found = []
        for i, ((start, stop), points) in enumerate(zip(ranges, held, strict=True)):
            if points is None or len(points) < stop - start:
                points = self.fetch(trace, start, stop)
                if stop <= trace.blocked:
                    with self._lock:
                        self._blocks[keys[i]] = points
                        while len(self._blocks) > _MAX_BLOCKS:
                            self._blocks.popitem(last=False)
            found.append(points.take(slice(0, stop - start)))
        return found


def _range(trace: Trace, block: int) -> tuple[int, int]:
    start = int(trace.start[block])
    return start, int(trace.start[block + 1]) if block < len(trace.blocks) else len(trace)


def arranged(traces: Sequence[Trace], started: Sequence[float | None], reader: Reader) -> tuple[LongSegment, ...]:
    """The segments of a series of these parts."""
    strands: list[_Strand] = []
    spans = [trace.span("times") if len(trace) else None for trace in traces]
    for group in written_side_by_side(spans, started):
        if len(group) == 1:
            strands += _strands(traces[group[0]], reader)
        else:
            whole = [Piece(traces[part], 0, len(traces[part]), _ascends(traces[part])) for part in group]
            steps = [one.trace.span("steps") for one in whole]
            strands.append(_Strand(whole, False, int(min(a for a, _ in steps)), int(max(b for _, b in steps))))
    segments: list[_Strand] = []
    for strand in strands:
        if segments and segments[-1].last < strand.first:
            segments[-1] = segments[-1].joined(strand)
        else:
            segments.append(strand)
    found: list[LongSegment] = []
    later: int | None = None
    for segment in reversed(segments):
        ghost = later if later is not None and later <= segment.last else None
        found.append(LongSegment(tuple(segment.pieces), segment.ordered, ghost))
        later = segment.first if later is None else min(later, segment.first)
    return tuple(reversed(found))


@dataclass
class _Strand:
    """What one writer, or several side by side, wrote; with its least and greatest step."""

    pieces: list[Piece]
    ordered: bool
    first: int
    last: int

    def joined(self, after: _Strand) -> _Strand:
        """This one, and one whose steps are all greater."""
        pieces = [*self.pieces, *after.pieces]
        one, other = self.pieces[-1], after.pieces[0]
        if one.trace is other.trace and one.stop == other.start and one.ascends and other.ascends:
            whole = Piece(one.trace, one.start, other.stop, True)
            pieces = [*self.pieces[:-1], whole, *after.pieces[1:]]
        return _Strand(pieces, self.ordered and after.ordered, self.first, after.last)


def _ascends(trace: Trace) -> bool:
    """Whether no step of a part goes back."""
    steps, tail = trace.blocks["step"], trace.tail.step
    if not bool((trace.blocks["ascends"] & STEPS_ASCEND).all()) or not bool((steps[1:, 0] >= steps[:-1, 1]).all()):
        return False
    if not bool((tail[1:] >= tail[:-1]).all()):
        return False
    return not (len(tail) and len(steps)) or bool(tail[0] >= steps[-1, 1])


def _strands(trace: Trace, reader: Reader) -> list[_Strand]:
    """The points of one part, cut where its writer started again."""
    returns = [] if _ascends(trace) else _returns(trace, reader)
    cuts = [0]
    if returns is not None:
        looks = _Looks(trace, reader)
        for start, stop in pairwise([*returns, len(trace)]):
            if looks.repeats(start, stop, cuts[-1]):
                cuts.append(start)
        if looks.left < 0 or len(cuts) > MAX_RESTARTS:
            cuts = [0]
    strands = []
    for start, stop in pairwise([*cuts, len(trace)]):
        inner = returns is None or any(start < one < stop for one in returns)
        first, last = _extent(trace, start, stop, reader)
        strands.append(_Strand([Piece(trace, start, stop, not inner)], not inner, first, last))
    return strands


def _returns(trace: Trace, reader: Reader) -> list[int] | None:
    """The points whose step is less than that of the one before; None when they are too many."""
    steps, tail = trace.blocks["step"], trace.tail.step
    found = trace.start[1:-1][steps[1:, 0] < steps[:-1, 1]].tolist()
    uneven = np.flatnonzero(trace.blocks["ascends"] & STEPS_ASCEND == 0).tolist()
    if len(found) + len(uneven) > MAX_RETURNS:
        return None
    for block in uneven:
        step = reader.block(trace, block).step
        found += (np.flatnonzero(step[1:] < step[:-1]) + 1 + trace.start[block]).tolist()
        if len(found) > MAX_RETURNS:
            return None
    found += (np.flatnonzero(tail[1:] < tail[:-1]) + 1 + trace.blocked).tolist()
    if len(tail) and len(steps) and tail[0] < steps[-1, 1]:
        found.append(trace.blocked)
    return sorted(found) if len(found) <= MAX_RETURNS else None


class _Looks:
    """Looks for steps that were written twice."""

    def __init__(self, trace: Trace, reader: Reader) -> None:
        self.left = _MAX_LOOKS
        self._trace = trace
        self._reader = reader

    def repeats(self, start: int, stop: int, since: int) -> bool:
        """Whether the ascending points [start, stop) hold a step that those of [since, start) do."""
        trace = self._trace
        for here in _stretches(trace, start, stop):
            steps = self._steps(here, start, stop)
            low, high = int(steps[0]), int(steps[-1])
            for before in _stretches(trace, since, start, low, high):
                if self.left < 0:
                    return False
                if np.isin(steps, self._steps(before, since, start)).any():
                    return True
        return False

    def _steps(self, block: int, start: int, stop: int) -> IntArray:
        """The steps of those points of a block (or of the tail, after the last) that are among [start, stop)."""
        self.left -= 1
        trace = self._trace
        begin = int(trace.start[block])
        return self._reader.block(trace, block).step[max(0, start - begin) : max(0, stop - begin)]


def _stretches(trace: Trace, start: int, stop: int, low: int | None = None, high: int | None = None) -> list[int]:
    """The blocks with some of the points [start, stop), and the tail (a number past the last) if it has; of those
    only the ones that may hold a step from `low` to `high`."""
    first = int(np.searchsorted(trace.start, start, "right")) - 1
    blocks = np.arange(first, min(int(np.searchsorted(trace.start, stop, "left")), len(trace.blocks)))
    if low is not None and high is not None:
        spans = trace.steps[blocks]
        blocks = blocks[(spans[:, 0] <= high) & (spans[:, 1] >= low)]
    tail = [len(trace.blocks)] if stop > trace.blocked else []
    return [*blocks.tolist(), *tail]


def _extent(trace: Trace, start: int, stop: int, reader: Reader) -> tuple[int, int]:
    """The least and the greatest step of the points [start, stop)."""
    places = np.array(_stretches(trace, start, stop))
    blocks = places[places < len(trace.blocks)]
    whole = blocks[(trace.start[blocks] >= start) & (trace.start[blocks + 1] <= stop)]
    steps = [trace.steps[whole].reshape(-1)]
    for place in np.setdiff1d(places, whole).tolist():
        begin = int(trace.start[place])
        steps.append(reader.block(trace, place).step[max(0, start - begin) : stop - begin])
    found = np.concatenate(steps)
    return int(found.min()), int(found.max())
