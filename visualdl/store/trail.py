"""One part of a long series: digests of all its points, and its newest points, which have none yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from visualdl.kinds.kind import AnyArray, FloatArray, IntArray, Points
from visualdl.log import digest as log_digest
from visualdl.log.digest import BLOCK_ROWS, STEPS_ASCEND, TIMES_ASCEND
from visualdl.sources.source import BLOCK, Outline

AT_ONCE: Final = 1 << 16
"""Points decoded at a time where all of them have to be seen."""

Fetch = Callable[[int, int], Points]
"""The points [start, stop) of one part."""


def values(points: Points) -> FloatArray:
    """The values of points of a row kind."""
    if points.value is None:
        raise TypeError("points of a row kind have values, and these have none")
    return points.value


@dataclass(frozen=True)
class Trace:
    """A part of a row kind at one moment; its arrays never change.

    blocks: BLOCKs of its points from the first on. start: (n + 1,), where each begins, and where the last ends.
    steps, times: (n, 2), the least and the greatest in each. tail: the points after the last block.
    """

    part: str
    blocks: AnyArray
    start: IntArray
    steps: IntArray
    times: FloatArray
    tail: Points

    @property
    def blocked(self) -> int:
        """How many points have digests."""
        return int(self.start[-1])

    def __len__(self) -> int:
        return self.blocked + len(self.tail)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        tail = self.tail
        mine = self.blocks.nbytes + self.start.nbytes + self.steps.nbytes + self.times.nbytes
        return mine + tail.step.nbytes + tail.time.nbytes + values(tail).nbytes

    def span(self, name: str) -> tuple[float, float]:
        """The least and the greatest "steps" or "times" of all; it must have points."""
        known: AnyArray = getattr(self, name)
        newest: AnyArray = self.tail.step if name == "steps" else self.tail.time
        least = [known[:, 0].min()] if len(known) else []
        greatest = [known[:, 1].max()] if len(known) else []
        if len(newest):
            least, greatest = [*least, newest.min()], [*greatest, newest.max()]
        return min(least).item(), max(greatest).item()


def nothing(part: str) -> Trace:
    """A trace without any point."""
    none = Points(np.empty(0, np.int64), np.empty(0), np.empty(0))
    return Trace(
        part, np.empty(0, BLOCK), np.zeros(1, np.int64), np.empty((0, 2), np.int64), np.empty((0, 2), np.float64), none
    )


def followed(trace: Trace, outline: list[Outline], count: int, fetch: Fetch) -> Trace:
    """The trace of a part that has grown to `count` points since; `outline`: what is known from its blocks on."""
    at = trace.blocked
    found: list[AnyArray] = []
    plain = at  # from here on nothing is known
    for one in outline:
        if one.blocks is None or one.start < plain:
            continue
        found += _digested(fetch, plain, one.start, whole=True)
        found.append(one.blocks)
        plain = one.stop
    found += _digested(fetch, plain, count, whole=False)
    new = np.concatenate([np.empty(0, BLOCK), *found])
    blocks = np.concatenate([trace.blocks, new]) if len(new) else trace.blocks
    start = np.concatenate([trace.start, at + np.cumsum(new["rows"], dtype=np.int64)])
    steps, times = _spans(new, start[len(trace.blocks) :], fetch)
    steps, times = np.concatenate([trace.steps, steps]), np.concatenate([trace.times, times])
    return Trace(trace.part, blocks, start, steps, times, fetch(int(start[-1]), count))


def _digested(fetch: Fetch, start: int, stop: int, *, whole: bool) -> list[AnyArray]:
    """The digests of the points [start, stop), decoded a few at a time. whole: the last block may be a short one."""
    found = []
    if not whole:
        stop -= (stop - start) % BLOCK_ROWS
    for at in range(start, stop, AT_ONCE):
        found.append(digest(fetch(at, min(at + AT_ONCE, stop))))
    return found


def digest(points: Points) -> AnyArray:
    """BLOCKs of points of a row kind; the last has what is left."""
    whole = len(points) // BLOCK_ROWS * BLOCK_ROWS
    step, time, value = points.step, points.time, values(points)
    found = [np.empty(0, BLOCK)]
    if whole:
        rows = (-1, BLOCK_ROWS)
        columns = step[:whole].reshape(rows), time[:whole].reshape(rows), value[:whole].reshape(rows)
        found.append(log_digest.digest(*columns, BLOCK))
        found[-1]["rows"] = BLOCK_ROWS
    if whole < len(points):
        found.append(log_digest.digest(step[None, whole:], time[None, whole:], value[None, whole:], BLOCK))
        found[-1]["rows"] = len(points) - whole
    return np.concatenate(found)


def _spans(blocks: AnyArray, start: IntArray, fetch: Fetch) -> tuple[IntArray, FloatArray]:
    """The least and the greatest step and time of each block; those that do not ascend have to be looked at."""
    steps, times = blocks["step"][:, :2].copy(), blocks["time"][:, :2].copy()
    both = STEPS_ASCEND | TIMES_ASCEND
    for i in np.flatnonzero(blocks["ascends"] & both != both).tolist():
        points = fetch(int(start[i]), int(start[i + 1]))
        steps[i] = points.step.min(), points.step.max()
        times[i] = points.time.min(), points.time.max()
    return steps, times
