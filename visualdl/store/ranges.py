"""The range of a question on its axis, and the points of a long series just outside of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from visualdl.kinds.kind import AnyArray, IntArray
from visualdl.log.digest import STEPS_ASCEND, TIMES_ASCEND
from visualdl.store.long import Piece
from visualdl.store.question import FIRST_STEP, LAST_STEP, Axis, Question, whole_step
from visualdl.store.rows import Rows


@dataclass(frozen=True)
class Range:
    """The axis of a question, and its range there, both ends included."""

    name: Axis
    origin: float
    low: float
    high: float

    @property
    def bit(self) -> int:
        """The bit of `ascends` that speaks of this axis."""
        return STEPS_ASCEND if self.name == "step" else TIMES_ASCEND

    def keys(self, step: AnyArray, time: AnyArray) -> AnyArray:
        """Where points are on the axis."""
        return step if self.name == "step" else time - self.origin if self.name == "relative" else time

    def spans(self, piece: Piece) -> AnyArray:
        """The least and the greatest of each of its blocks."""
        return self.keys(piece.trace.steps, piece.trace.times)

    def inside(self, keys: AnyArray) -> AnyArray:
        """Which of them are in the range."""
        return (keys >= self.low) & (keys <= self.high)


def asked_range(question: Question, origin: float) -> Range:
    """The range that a question is about."""
    start = -math.inf if question.start is None else question.start
    stop = math.inf if question.stop is None else question.stop
    if question.axis != "step":
        return Range(question.axis, origin, start, stop)
    low, high = whole_step(math.ceil, start), whole_step(math.floor, stop)
    if start > LAST_STEP:
        low = high = LAST_STEP + 1
    elif stop < FIRST_STEP:
        low = high = FIRST_STEP - 1
    return Range("step", origin, low, high)


class Neighbours:
    """The points next to a range, on either side: the last of the nearest before it, the first of those after it."""

    def __init__(self, axis: Range) -> None:
        self._axis = axis
        self._before: tuple[tuple[float, int, int], Rows] | None = None
        self._after: tuple[tuple[float, int, int], Rows] | None = None

    @property
    def found(self) -> list[Rows]:
        """At most one on either side."""
        return [one[1] for one in (self._before, self._after) if one is not None]

    def _told(self, keys: AnyArray, rows: Rows, at: int) -> tuple[tuple[float, int, int], Rows]:
        return (keys[at].item(), int(rows.piece[at]), int(rows.at[at])), rows.take(np.array([at]))

    def look(self, keys: AnyArray, rows: Rows) -> None:
        """See whether any of these is nearer than those seen so far."""
        before, after = np.flatnonzero(keys < self._axis.low), np.flatnonzero(keys > self._axis.high)
        if len(before):
            at = before[len(before) - 1 - int(np.argmax(keys[before][::-1]))]
            told = self._told(keys, rows, at)
            self._before = told if self._before is None else max(self._before, told, key=_place)
        if len(after):
            at = after[int(np.argmin(keys[after]))]
            told = self._told(keys, rows, at)
            self._after = told if self._after is None else min(self._after, told, key=_place)


def _place(told: tuple[tuple[float, int, int], Rows]) -> tuple[float, int, int]:
    return told[0]


def next_to(spans: AnyArray, blocks: IntArray, axis: Range) -> list[int]:
    """Of blocks outside of a range, those with its nearest neighbours."""
    found = []
    before, after = np.flatnonzero(spans[:, 1] < axis.low), np.flatnonzero(spans[:, 0] > axis.high)
    if len(before):
        found.append(int(blocks[before[len(before) - 1 - int(np.argmax(spans[before, 1][::-1]))]]))
    if len(after):
        found.append(int(blocks[after[int(np.argmin(spans[after, 0]))]]))
    return found
