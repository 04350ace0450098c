"""From a long series and a question to an answer: the same as from all its points, but few of them are decoded.

A row kind thins to n // 4 stretches of equal width and keeps of each the first, the last, the least and the greatest
point and what is not finite (docs/kinds/scalar.md). A block that lies in one stretch as a whole is known well enough by
its digest; decoded are only the blocks on the borders of stretches and of the range, and those with a NaN or infinity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from visualdl.kinds.kind import AnyArray, FloatArray, IntArray, Kind, Points
from visualdl.log.digest import NONE
from visualdl.store.long import LongSegment, Piece, Reader
from visualdl.store.long_line import LongLine
from visualdl.store.question import Answer, Question, Segment
from visualdl.store.ranges import Neighbours, Range, asked_range, next_to
from visualdl.store.rows import Rows, concatenated, distinct, joined
from visualdl.store.tally import NonFinite, add_up, count_non_finite
from visualdl.store.trail import values

_AT_ONCE: Final = 256
"""Blocks decoded at a time."""
_MANY: Final = 1 << 19
"""Points gathered before they are thinned in between."""


def answer(
    kind: Kind,
    segments: tuple[LongSegment, ...],
    lines: list[LongLine] | None,
    reader: Reader,
    question: Question,
    *,
    base: int,
    origin: float,
) -> Answer:
    """The answer to one question about a long series."""
    count = sum(map(len, segments))
    seen = (question.since or 0) - base
    if not 0 < seen <= count or (seen < count and not all(segment.ordered for segment in segments)):
        seen = 0  # nothing, or points that have moved since
    axis = asked_range(question, origin)
    shares = []
    before = 0
    for i, segment in enumerate(segments):
        begin = min(len(segment), max(0, seen - before))
        before += len(segment)
        if not seen or begin < len(segment):
            line = None if lines is None else lines[i]
            shares.append(_Share(kind, segment, _from(segment, begin), reader, axis, line))
    total = sum(share.total for share in shares)
    chosen = []
    exact = total <= question.n
    for share in shares:
        rows = share.everything() if exact else share.thinned(max(1, question.n * share.total // total))
        chosen.append(share.in_order([*rows, *share.outside()]))
    exact = exact or sum(share.kept for share in shares) == total
    placed = []
    at = 0
    for share, rows_of in zip(shares, chosen, strict=True):
        if rows_of is not None:
            placed.append(Segment(at, at + len(rows_of), share.segment.ghost_from))
            at += len(rows_of)
    points, smooth = _columns([rows_of for rows_of in chosen if rows_of is not None])
    return Answer(
        points,
        None if lines is None else smooth,
        total=total,
        exact=exact,
        cursor=base + count,
        segments=tuple(placed),
        since=base + seen if seen else 0,
        origin=origin,
        nonfinite=add_up([share.nonfinite for share in shares]),
    )


def _columns(parts: list[Rows]) -> tuple[Points, FloatArray | None]:
    """The points of all, and their line."""
    if not parts:
        return Points(np.empty(0, np.int64), np.empty(0), np.empty(0)), np.empty(0)
    rows = joined(parts)
    return rows.points, rows.smooth


def _from(segment: LongSegment, begin: int) -> list[Piece]:
    """Its pieces without the first `begin` points."""
    pieces = []
    for piece in segment.pieces:
        skipped = min(begin, len(piece))
        begin -= skipped
        pieces.append(replace(piece, start=piece.start + skipped))
    return pieces


class _Share:
    """What one segment has to say to a question. First it counts; then it gives its points, all or thinned."""

    def __init__(
        self,
        kind: Kind,
        segment: LongSegment,
        pieces: list[Piece],
        reader: Reader,
        axis: Range,
        line: LongLine | None,
    ) -> None:
        self.segment = segment
        self.kept = 0
        self._kind = kind
        self._pieces = pieces
        self._reader = reader
        self._axis = axis
        self._line = line
        self._inside: list[IntArray] = []  # of each piece: the blocks that are in the range as a whole
        self._partly: list[list[tuple[int, int]]] = []  # … and what has to be decoded to see what of it is
        self._ends: tuple[float, float] = math.inf, -math.inf
        self._neighbours = Neighbours(axis)
        self.total = 0
        counts = [self._look(i) for i in range(len(pieces))]
        self.nonfinite = add_up(counts)

    def _look(self, number: int) -> NonFinite:
        """Take in one piece; what of it in the range is not finite."""
        piece, axis = self._pieces[number], self._axis
        trace = piece.trace
        first = int(np.searchsorted(trace.start, piece.start, "left"))
        last = max(first, min(int(np.searchsorted(trace.start, piece.stop, "right")) - 1, len(trace.blocks)))
        blocks = np.arange(first, last)
        spans = axis.spans(piece)[first:last]
        apart = (spans[:, 1] < axis.low) | (spans[:, 0] > axis.high)
        whole = (spans[:, 0] >= axis.low) & (spans[:, 1] <= axis.high)
        inside = blocks[whole]
        self._inside.append(inside)
        partly = [(int(trace.start[i]), int(trace.start[i + 1])) for i in blocks[~apart & ~whole].tolist()]
        self._partly.append(sorted([*_loose(piece, first, last), *partly]))
        found = trace.blocks[inside]
        self.total += int(found["rows"].sum(dtype=np.int64))
        if len(inside):
            self._widen(float(spans[whole, 0].min()), float(spans[whole, 1].max()))
        counts = [NonFinite(*found["apart"].sum(axis=0, dtype=np.int64).tolist())]
        for rows in self._decoded(number, self._partly[-1]):
            keys = axis.keys(rows.points.step, rows.points.time)
            wanted = axis.inside(keys)
            self._neighbours.look(keys, rows)
            self.total += int(np.count_nonzero(wanted))
            if wanted.any():
                self._widen(float(keys[wanted].min()), float(keys[wanted].max()))
                counts.append(count_non_finite(values(rows.points)[wanted]))
        for block in next_to(spans[apart], blocks[apart], axis):
            part = (int(trace.start[block]), int(trace.start[block + 1]))
            for rows in self._decoded(number, [part]):
                self._neighbours.look(axis.keys(rows.points.step, rows.points.time), rows)
        return add_up(counts)

    def _widen(self, low: float, high: float) -> None:
        self._ends = min(self._ends[0], low), max(self._ends[1], high)

    def _decoded(self, number: int, ranges: list[tuple[int, int]]) -> Iterator[Rows]:
        """The points of some ranges of one piece, a bounded number at a time."""
        trace = self._pieces[number].trace
        for i in range(0, len(ranges), _AT_ONCE):
            part = ranges[i : i + _AT_ONCE]
            points = concatenated(self._reader.ranges(trace, part))
            at = np.concatenate([np.arange(start, stop) for start, stop in part])
            smooth = None if self._line is None else self._line.ranges(number, part, self._reader)
            yield Rows(np.broadcast_to(np.int64(number), len(at)), at, points, smooth)

    def outside(self) -> list[Rows]:
        """The neighbours just outside of the range, so that lines leave the picture in the right direction."""
        return self._neighbours.found

    def everything(self) -> list[Rows]:
        """Every point in the range."""
        found = []
        for number, (inside, partly) in enumerate(zip(self._inside, self._partly, strict=True)):
            start = self._pieces[number].trace.start
            ranges = sorted([*partly, *zip(start[inside].tolist(), start[inside + 1].tolist(), strict=True)])
            found += [self._within(rows) for rows in self._decoded(number, ranges)]
        self.kept = self.total
        return found

    def _within(self, rows: Rows) -> Rows:
        inside = self._axis.inside(self._axis.keys(rows.points.step, rows.points.time))
        return rows if inside.all() else rows.take(inside)

    def thinned(self, share: int) -> list[Rows]:
        """The points that `Kind.thin` keeps of all those in the range, and those that it keeps of their line."""
        if not self.total:
            return []
        kept = self._kept(share, smooth=False)
        if self._line is not None:
            kept = distinct([kept, self._kept(max(1, share // 2), smooth=True)])
        self.kept = len(kept)
        return [kept]

    def _kept(self, share: int, *, smooth: bool) -> Rows:
        low, high = self._ends
        parts = max(1, share // 4)
        # As the kind cuts it: halves, so that the width of a range from -1e308 to 1e308 does not overflow.
        edges = (low / 2 + (high / 2 - low / 2) * (np.arange(1, parts) / parts)) * 2
        gathered: list[Rows] = []
        size = 0
        for candidates in self._candidates(edges, share, smooth=smooth):
            many = len(candidates) > 4 * share
            rows = self._thin(candidates, share, smooth=smooth) if many else candidates
            gathered.append(rows)
            size += len(rows)
            if size > max(_MANY, 4 * share):
                gathered = [self._thin(distinct(gathered), share, smooth=smooth)]
                size = len(gathered[0])
        return self._thin(distinct(gathered), share, smooth=smooth)

    def _thin(self, rows: Rows, share: int, *, smooth: bool) -> Rows:
        """What the kind keeps of these, cut as the whole range is: where they do not reach its ends, ends are added."""
        rows = self._sorted(rows)
        keys = self._axis.keys(rows.points.step, rows.points.time).astype(np.float64)
        low, high = self._ends
        before, after = int(keys.min(initial=math.inf) > low), int(keys.max(initial=-math.inf) < high)
        value = rows.smooth if smooth and rows.smooth is not None else values(rows.points)
        end = np.full(1, math.nan)
        value = np.concatenate([end[:before], value, end[:after]])
        nowhere = np.broadcast_to(np.int64(0), len(value))  # a kind thins by x and value
        points = Points(nowhere, nowhere.view(np.float64), value)
        x = np.concatenate([np.full(before, low), keys, np.full(after, high)])
        kept = self._kind.thin(x, points, share) - before
        kept = kept[(kept >= 0) & (kept < len(rows))]
        if len(rows) and (before or after):  # what an added end may have taken the place of
            nan = np.flatnonzero(np.isnan(value[before : len(value) - after]))
            ends = [0, len(rows) - 1]
            if len(nan):
                ends += [nan[np.argmin(keys[nan])], nan[len(nan) - 1 - np.argmax(keys[nan][::-1])]]
            kept = np.union1d(kept, ends)
        return rows.take(kept)

    def _candidates(self, edges: FloatArray, share: int, *, smooth: bool) -> Iterator[Rows]:
        """Points among which are all that thinning keeps."""
        many = sum(self.nonfinite) > share
        for number, (piece, inside) in enumerate(zip(self._pieces, self._inside, strict=True)):
            blocks = piece.trace.blocks[inside]
            spans = self._axis.spans(piece)[inside].astype(np.float64)
            bucket, end = (np.searchsorted(edges, spans[:, side], "right") for side in (0, 1))
            chain = bool((blocks["ascends"] & self._axis.bit != 0).all() and (spans[1:, 0] >= spans[:-1, 1]).all())
            opened = (bucket != end) | (blocks["ascends"] & self._axis.bit == 0)
            if not self.segment.ordered and self._axis.name != "step" and len(inside):
                steps = piece.trace.steps[inside]  # the first and the last point of all, in order of step, are kept too
                opened[[int(np.argmin(steps[:, 0])), len(inside) - 1 - int(np.argmax(steps[::-1, 1]))]] = True
            full = (blocks["apart"] == blocks["rows"][:, None]).any(axis=1)
            if chain and many:
                outermost = _outermost(bucket, blocks["apart"] > 0)
                opened |= outermost & ~full
            else:
                outermost = full if many else np.zeros(len(inside), bool)
                opened |= blocks["apart"].any(axis=1) & ~outermost
            start = piece.trace.start
            ranges = zip(start[inside[opened]].tolist(), start[inside[opened] + 1].tolist(), strict=True)
            for rows in self._decoded(number, sorted([*self._partly[number], *ranges])):
                yield self._within(rows)
            if len(inside):
                yield self._told(number, inside, ~opened, bucket if chain else np.arange(len(inside)), smooth=smooth)
                yield self._told_ends(number, inside[outermost & ~opened])

    def _told(self, number: int, inside: IntArray, closed: AnyArray, bucket: IntArray, *, smooth: bool) -> Rows:
        """Of the blocks that were not opened: in each bucket the first, the last, the least and the greatest point."""
        inside, bucket = inside[closed], bucket[closed]
        blocks = self._pieces[number].trace.blocks[inside]
        if not len(inside):
            return self._told_at(number, inside, np.empty(0, np.int64))
        starts = np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))
        least, greatest = (
            (blocks["value"][:, 2], blocks["value"][:, 3])
            if not smooth or self._line is None
            else self._line.extremes(number, inside)
        )
        some = (blocks["at"][:, 0] != NONE) & np.isfinite(least) & np.isfinite(greatest)  # a log may say what is not so
        lows = _firsts(np.where(some, least, np.inf), starts, np.minimum)
        highs = _firsts(np.where(some, -greatest, np.inf), starts, np.minimum)
        lows, highs = lows[some[lows]], highs[some[highs]]
        ends = np.append(starts[1:], len(inside)) - 1
        extremes = np.concatenate([lows, highs])
        which = np.repeat([0, 1], [len(lows), len(highs)])
        border = self._told_at(number, inside[np.concatenate([starts, ends])], np.repeat([0, 1], len(starts)))
        if smooth and self._line is not None:
            return joined([border, self._line.told_extremes(number, inside[extremes], which)])
        return joined([border, self._told_at(number, inside[extremes], which + 2)])

    def _told_ends(self, number: int, blocks: IntArray) -> Rows:
        """The first and the last point of some blocks."""
        return self._told_at(number, np.repeat(blocks, 2), np.tile([0, 1], len(blocks)))

    def _told_at(self, number: int, blocks: IntArray, slot: IntArray) -> Rows:
        """One point of each of some blocks: the first (0), the last, the least or the greatest."""
        trace = self._pieces[number].trace
        found = trace.blocks[blocks]
        each = np.arange(len(blocks))
        places = np.stack([np.zeros(len(blocks), np.int64), found["rows"].astype(np.int64) - 1, *found["at"].T], axis=1)
        places[:, 2:][found["at"] == NONE] = 0
        at = trace.start[blocks] + places[each, slot]
        points = Points(found["step"][each, slot], found["time"][each, slot], found["value"][each, slot])
        smooth = None if self._line is None else self._line.told(number, blocks, slot)
        return Rows(np.full(len(at), number), at, points, smooth)

    def _sorted(self, rows: Rows) -> Rows:
        """In the order of the segment."""
        return rows if self.segment.ordered else rows.take(np.argsort(rows.points.step, kind="stable"))

    def in_order(self, parts: list[Rows]) -> Rows | None:
        """All of them, each once, in the order of the segment; None for none."""
        rows = distinct(parts) if parts else None
        return self._sorted(rows) if rows is not None and len(rows) else None


def _loose(piece: Piece, first: int, last: int) -> list[tuple[int, int]]:
    """The points of a piece that are in none of its whole blocks [first, last): parts of blocks, and of the tail."""
    start, blocked = piece.trace.start, piece.trace.blocked
    head = min(piece.stop, int(start[first])) if first < len(start) else piece.stop
    end = max(head, int(start[last])) if last < len(start) else piece.stop
    inner = max(end, min(piece.stop, blocked))
    return [(a, b) for a, b in ((piece.start, head), (end, inner), (inner, piece.stop)) if a < b]


def _outermost(bucket: IntArray, has: AnyArray) -> AnyArray:
    """Which blocks are the first or the last in their bucket (ascending) that have some of a sort."""
    found = np.zeros(len(bucket), bool)
    for sort in range(has.shape[1]):
        where = np.flatnonzero(has[:, sort])
        if len(where):
            border = np.flatnonzero(bucket[where][1:] != bucket[where][:-1])
            found[where[np.concatenate([[0], border, border + 1, [len(where) - 1]])]] = True
    return found


def _firsts(values: FloatArray, starts: IntArray, reduce: np.ufunc) -> IntArray:
    """Where the first of the least (reduce: minimum) of each stretch of `values` is."""
    best = reduce.reduceat(values, starts)
    hits = np.flatnonzero(values == np.repeat(best, np.diff(np.append(starts, len(values)))))
    found: IntArray = hits[np.searchsorted(hits, starts)]
    return found
