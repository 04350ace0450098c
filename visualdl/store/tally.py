"""How many NaN and infinities any stretch of a long column holds, told without looking at all of it again."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from visualdl.kinds.kind import FloatArray, IntArray

_BLOCK: Final = 4096
"""Points between two running counts: a stretch is told by two of them and at most so many points at either end."""


class NonFinite(NamedTuple):
    """How many values are NaN, +inf and -inf."""

    nan: int = 0
    inf: int = 0
    ninf: int = 0


ALL_FINITE: Final = NonFinite()


def count_non_finite(value: FloatArray) -> NonFinite:
    """Those of `value`, float64 (n,), looked at one by one."""
    apart = value[~np.isfinite(value)]
    if not len(apart):
        return ALL_FINITE
    nan, inf = int(np.isnan(apart).sum()), int((apart == np.inf).sum())
    return NonFinite(nan, inf, len(apart) - nan - inf)


def add_up(counts: list[NonFinite]) -> NonFinite:
    """All of them together."""
    return NonFinite(*(sum(column) for column in zip(*counts, strict=True))) if counts else ALL_FINITE


class Tally:
    """Running counts over a column that only grows at its end. Never changes: `grown` gives the next one."""

    def __init__(self, before: IntArray | None = None) -> None:
        # (blocks + 1, 3): the nan, inf and ninf before each whole block, and before what comes after the last.
        self._before: IntArray = np.zeros((1, 3), np.int64) if before is None else before

    def grown(self, value: FloatArray) -> Tally:
        """The tally of `value`, whose beginning is the column so far. Looks at the blocks that became whole since."""
        known, whole = len(self._before) - 1, len(value) // _BLOCK
        if whole <= known:
            return self
        new = value[known * _BLOCK : whole * _BLOCK]
        counts = np.zeros((whole - known, 3), np.int64)
        if not np.isfinite(new).all():
            blocks = new.reshape(-1, _BLOCK)
            for sort, has in enumerate((np.isnan(blocks), blocks == np.inf, blocks == -np.inf)):
                counts[:, sort] = np.count_nonzero(has, axis=1)
        return Tally(np.concatenate([self._before, self._before[-1] + np.cumsum(counts, axis=0)]))

    def between(self, value: FloatArray, start: int, stop: int) -> NonFinite:
        """Those among the points [start, stop) of `value`, which `grown` has seen."""
        first, last = -(-start // _BLOCK), min(stop // _BLOCK, len(self._before) - 1)
        if first >= last:
            return count_non_finite(value[start:stop])
        ends = count_non_finite(value[start : first * _BLOCK]), count_non_finite(value[last * _BLOCK : stop])
        middle = NonFinite(*(self._before[last] - self._before[first]).tolist())
        return add_up([middle, *ends])
