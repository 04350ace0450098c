"""The smoothed line of a segment too long to be held: computed once from all its points, told by digests.

Points that are in order of step are one line, however many parts they come from. Where several writers were side by
side, or the steps are in no order, the points of each part are smoothed by themselves, in the order of writing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from visualdl.kinds.kind import AnyArray, FloatArray, IntArray, Points
from visualdl.log.digest import BLOCK_ROWS, NONE
from visualdl.store.long import LongSegment, Piece, Reader
from visualdl.store.question import Smoothing
from visualdl.store.rows import Rows
from visualdl.store.smooth import Ema, ema, gaussian_sigma, median_half, smooth
from visualdl.store.trail import AT_ONCE, values

_LARGEST_SIGMA: Final = float(1 << 14)
_LARGEST_HALF: Final = 1 << 16
_LINE: Final = np.dtype(
    [
        ("told", "f8", 4),
        ("low", "f8"),
        ("high", "f8"),
        ("at", "u2", 2),
        ("step", "i8", 2),
        ("time", "f8", 2),
        ("value", "f8", 2),
        ("last", "f8"),
        ("count", "i8"),
        ("only", "f8"),
    ]
)
"""Of one block. told: the line at the four points of its digest. low, high: its least and greatest finite value; at,
step, time, value: of those two points. last, count, only: the average as it stood before the block."""


@dataclass
class _Track:
    """Pieces that have one line. before: points in the pieces before each. blocks: of each piece the first, the end."""

    pieces: list[Piece]
    before: list[int]
    blocks: list[tuple[int, int]]
    lines: list[AnyArray]
    loose: dict[tuple[int, int], Ema] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.before[-1]

    def fetch(self, start: int, stop: int, reader: Reader) -> FloatArray:
        """The values of its points [start, stop)."""
        found = []
        for piece, before in zip(self.pieces, self.before, strict=False):
            a, b = max(start, before), min(stop, before + len(piece))
            trace, blocked = piece.trace, piece.trace.blocked
            a, b = a - before + piece.start, b - before + piece.start
            for low, high in ((a, min(b, blocked)), (max(a, blocked), b)):
                if low < high:
                    found.append(values(reader.fetch(trace, low, high)))
        return np.concatenate([np.empty(0), *found])


class LongLine:
    """The smoothed line of one segment. Never changes once it is made."""

    def __init__(self, segment: LongSegment, smoothing: Smoothing, reader: Reader, held: LongLine | None) -> None:
        """held: the line of this segment when it was shorter; only what has changed since is computed."""
        self._smoothing = _bounded(smoothing)
        self._halo = _halo(self._smoothing)
        self._tracks = _tracks(segment)
        self._of = [(track, i) for track in self._tracks for i in range(len(track.pieces))]
        for number, track in enumerate(self._tracks):
            old = held._tracks[number] if held is not None and number < len(held._tracks) else None
            self._compute(track, old, reader)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return sum(lines.nbytes for track in self._tracks for lines in track.lines)

    # ------------------------------------------------------------------------------------------------ what it tells

    def told(self, number: int, blocks: IntArray, slot: IntArray) -> FloatArray:
        """The line at one point of each of some blocks of a piece: that of the digest's slot 0 … 3."""
        track, piece = self._of[number]
        found: FloatArray = track.lines[piece]["told"][blocks - track.blocks[piece][0], slot]
        return found

    def extremes(self, number: int, blocks: IntArray) -> tuple[FloatArray, FloatArray]:
        """The least and the greatest finite value of the line in each of some blocks."""
        track, piece = self._of[number]
        found = track.lines[piece][blocks - track.blocks[piece][0]]
        return found["low"], found["high"]

    def told_extremes(self, number: int, blocks: IntArray, which: IntArray) -> Rows:
        """The points of the least (0) or greatest (1) value of the line in each of some blocks."""
        track, piece = self._of[number]
        found = track.lines[piece][blocks - track.blocks[piece][0]]
        each = np.arange(len(found))
        line = np.where(which == 0, found["low"], found["high"])
        points = Points(found["step"][each, which], found["time"][each, which], found["value"][each, which])
        at = track.pieces[piece].trace.start[blocks] + found["at"][each, which]
        return Rows(np.full(len(at), number), at, points, line)

    def ranges(self, number: int, ranges: list[tuple[int, int]], reader: Reader) -> FloatArray:
        """The line at the points of some ranges of a piece's part, as `Reader.ranges` takes them, one after another."""
        track, piece = self._of[number]
        return np.concatenate(
            [np.empty(0), *(self._range(track, piece, start, stop, reader) for start, stop in ranges)]
        )

    def _range(self, track: _Track, number: int, start: int, stop: int, reader: Reader) -> FloatArray:
        piece = track.pieces[number]
        at = track.before[number] - piece.start
        if self._smoothing.method != "ema":
            low, high = max(0, start + at - self._halo), min(len(track), stop + at + self._halo)
            line = smooth(track.fetch(low, high, reader), self._smoothing, of=len(track))
            return line[start + at - low : stop + at - low]
        begin, state = self._state(track, number, start)
        if stop - begin <= BLOCK_ROWS:  # a block that was looked at for its points is at hand
            value = values(reader.ranges(piece.trace, [(begin, stop)])[0])
        else:
            value = track.fetch(begin + at, stop + at, reader)
        return ema(value, self._smoothing.weight, state)[0][start - begin :]

    def _state(self, track: _Track, number: int, start: int) -> tuple[int, Ema]:
        """A point at or before `start` where the average is known, and how it stood before that."""
        piece, (first, end) = track.pieces[number], track.blocks[number]
        block = int(np.searchsorted(piece.trace.start, start, "right")) - 1
        if first <= block < end:
            line = track.lines[number][block - first]
            return int(piece.trace.start[block]), Ema(float(line["last"]), int(line["count"]), float(line["only"]))
        begin = max(at for of, at in track.loose if of == number and at <= start)
        return begin, track.loose[number, begin]

    # ------------------------------------------------------------------------------------------------ making it

    def _compute(self, track: _Track, old: _Track | None, reader: Reader) -> None:
        done = _same(track, old)
        state = Ema()
        for number, piece in enumerate(track.pieces):
            first, end = track.blocks[number]
            known = done[number]
            if known and old is not None:
                if self._smoothing.method != "ema":  # what comes after them has changed the line of the last
                    final = track.before[number] + piece.trace.start[first : first + known + 1] - piece.start
                    known = max(0, int(np.searchsorted(final, len(old) - self._halo, "right")) - 1)
                track.lines[number] = np.concatenate([old.lines[number][:known], np.zeros(end - first - known, _LINE)])
            if self._smoothing.method == "ema":
                state = self._average(track, number, known, state, old, reader)
            else:
                for low, high in _batches(piece, first + known, end, max(AT_ONCE, 4 * self._halo)):
                    start = int(piece.trace.start[low])
                    line = self._range(track, number, start, int(piece.trace.start[high]), reader)
                    points = reader.fetch(piece.trace, start, int(piece.trace.start[high]))
                    _tell(track.lines[number][low - first : high - first], piece, low, points, line)

    def _average(self, track: _Track, number: int, known: int, state: Ema, old: _Track | None, reader: Reader) -> Ema:
        """Go on with the average over one piece, of which so many blocks are known; where it stands afterwards."""
        piece, (first, end), weight = track.pieces[number], track.blocks[number], self._smoothing.weight
        trace, lines = piece.trace, track.lines[number]
        head = int(trace.start[first]) if first < end else piece.stop
        if piece.start < head:
            track.loose[number, piece.start] = state
            at = track.before[number]
            state = ema(track.fetch(at, at + head - piece.start, reader), weight, state)[1]
        if known:  # the state before the last known block is kept: it is gone over once more
            known -= 1
            state = Ema(*(lines[known][name].item() for name in ("last", "count", "only")))
        for low, high in _batches(piece, first + known, end, AT_ONCE):
            points = reader.fetch(trace, int(trace.start[low]), int(trace.start[high]))
            line, after = ema(values(points), weight, state)
            _tell(lines[low - first : high - first], piece, low, points, line)
            _carry(lines[low - first : high - first], piece, low, values(points), line, weight, state)
            state = after
        if first < end and int(trace.start[end]) < piece.stop:
            start = int(trace.start[end])
            track.loose[number, start] = state
            at = track.before[number] - piece.start
            state = ema(track.fetch(start + at, piece.stop + at, reader), weight, state)[1]
        return state


def _bounded(smoothing: Smoothing) -> Smoothing:
    """The smoothing, no wider than what can be computed from a stretch of a long series."""
    weight = smoothing.weight
    if smoothing.method == "gaussian" and gaussian_sigma(weight) > _LARGEST_SIGMA:
        sigma = _LARGEST_SIGMA  # sqrt(w) / (1 - w) = sigma
        root = (math.sqrt(1 + 4 * sigma * sigma) - 1) / (2 * sigma)
        return Smoothing("gaussian", root * root)
    if smoothing.method == "median" and median_half(weight) > _LARGEST_HALF:
        return Smoothing("median", _LARGEST_HALF / (1 + _LARGEST_HALF))
    return smoothing


def _halo(smoothing: Smoothing) -> int:
    """How many points on either side have a say in one of the line."""
    if smoothing.method == "ema":
        return 0
    if smoothing.method == "gaussian":
        return math.ceil(4.5 * gaussian_sigma(smoothing.weight)) + 1
    return 2 * median_half(smoothing.weight) + 1


def _tracks(segment: LongSegment) -> list[_Track]:
    groups = [list(segment.pieces)] if segment.ordered else [[piece] for piece in segment.pieces]
    tracks = []
    for pieces in groups:
        before = [0, *np.cumsum([len(piece) for piece in pieces]).tolist()]
        blocks = [_whole(piece) for piece in pieces]
        tracks.append(_Track(pieces, before, blocks, [np.zeros(end - first, _LINE) for first, end in blocks]))
    return tracks


def _whole(piece: Piece) -> tuple[int, int]:
    """Its whole blocks."""
    start = piece.trace.start
    first = int(np.searchsorted(start, piece.start, "left"))
    return first, max(first, min(int(np.searchsorted(start, piece.stop, "right")) - 1, len(start) - 1))


def _same(track: _Track, old: _Track | None) -> list[int]:
    """Of each piece, how many blocks are as they were in `old`, whose points were the first of these."""
    done = [0] * len(track.pieces)
    for number, piece in enumerate(track.pieces):
        if old is None or number >= len(old.pieces):
            break
        before = old.pieces[number]
        if (before.trace.part, before.start, old.blocks[number][0]) != (
            piece.trace.part,
            piece.start,
            track.blocks[number][0],
        ):
            break
        done[number] = min(len(old.lines[number]), len(track.lines[number]))
        if before.stop != piece.stop:
            break
    return done


def _batches(piece: Piece, first: int, end: int, points: int) -> Iterator[tuple[int, int]]:
    """Blocks [low, high) of at most about so many points, at least one."""
    start = piece.trace.start
    while first < end:
        high = max(first + 1, min(end, int(np.searchsorted(start, int(start[first]) + points, "right")) - 1))
        yield first, high
        first = high


def _tell(lines: AnyArray, piece: Piece, first: int, points: Points, line: FloatArray) -> None:
    """Fill in what the blocks from `first` on tell of the line: `points` are theirs, `line` is there."""
    trace = piece.trace
    count = len(lines)
    starts = trace.start[first : first + count] - trace.start[first]
    blocks = trace.blocks[first : first + count]
    finite = np.isfinite(line)
    for side, sign in ((0, 1.0), (1, -1.0)):
        shown = np.where(finite, line * sign, np.inf)
        best = np.minimum.reduceat(shown, starts)
        hits = np.flatnonzero(shown == np.repeat(best, blocks["rows"]))
        where = hits[np.searchsorted(hits, starts)]
        lines["low" if side == 0 else "high"] = line[where]
        lines["at"][:, side] = where - starts
        for name, column in (("step", points.step), ("time", points.time), ("value", values(points))):
            lines[name][:, side] = column[where]
    at = blocks["at"].astype(np.int64)
    at[blocks["at"][:, 0] == NONE] = 0
    places = np.stack([np.zeros(count, np.int64), blocks["rows"].astype(np.int64) - 1, at[:, 0], at[:, 1]], axis=1)
    lines["told"] = line[places + starts[:, None]]


def _carry(
    lines: AnyArray, piece: Piece, first: int, value: FloatArray, line: FloatArray, weight: float, state: Ema
) -> None:
    """Fill in how the average stood before each of the blocks from `first` on; `state`: before the first of them."""
    trace = piece.trace
    starts = (trace.start[first : first + len(lines)] - trace.start[first]).astype(np.int64)
    finite = np.isfinite(value)
    counts = np.concatenate([[0], np.cumsum(finite)])[starts] + state.count
    latest = np.maximum.accumulate(np.where(finite, np.arange(len(value)), -1))
    before = np.concatenate([[-1], latest])[starts]
    last = np.where(before < 0, state.last, line[before])
    biased = before >= 0
    if weight > 0.0:
        last[biased] *= 1.0 - weight ** counts[biased].astype(np.float64)
    else:
        last[biased] = line[before[biased]]
    shown = np.where(finite, value, np.inf), np.where(finite, value, -np.inf)
    low = np.concatenate([[np.inf], np.minimum.accumulate(shown[0])])[starts]
    high = np.concatenate([[-np.inf], np.maximum.accumulate(shown[1])])[starts]
    only = np.where(low == high, low, np.nan)
    if state.count:
        only = np.where(before < 0, state.only, np.where(only == state.only, only, np.nan))
    lines["last"], lines["count"], lines["only"] = last, counts, only
