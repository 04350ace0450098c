"""Smoothing of whole series, before thinning: debiased EMA, Gaussian, median; numpy, no loop over points.

A NaN or ±inf passes through as it is and does not count: the line is what it would be without it. A constant stays
exactly that constant. One value cannot spoil another that is outside of its method's reach: no running sums, no
Fourier transform, so that a loss of 1e30 at step 3 costs the later points no digit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from visualdl.kinds.kind import FloatArray, IntArray
from visualdl.store.question import Smoothing

_DECADES: Final = 30
"""A block of the EMA ends where a value's weight has fallen by so many powers of ten: far from float64's limits."""
_LARGEST_BLOCK: Final = 1 << 14
_CHUNK: Final = 1 << 16
"""Values handled at a time: an array of so many stays in the processor's cache between the passes over it."""
_COARSE_SIGMA: Final = 24.0
_GAUSSIAN_WORK: Final = 1 << 24
"""Points times taps, about 5 ms. Beyond, from _COARSE_SIGMA on, the Gaussian is of means of `sigma // 12` points."""
_MEDIAN_WORK: Final = 1.6e8
"""About 0.16 s in nanoseconds, as measured; beyond, medians are taken at every few points only."""
_MEDIAN_REACH: Final = 10_000


@dataclass(frozen=True)
class Ema:
    """Where an exponential moving average stands, so that a growing series is not averaged anew.

    last: the biased average. count: finite values so far. only: the one value that all of them had, NaN if several.
    """

    last: float = 0.0
    count: int = 0
    only: float = math.nan


def gaussian_sigma(weight: float) -> float:
    """The standard deviation of the Gaussian of a weight, in points."""
    return math.sqrt(weight) / (1.0 - weight)


def median_half(weight: float) -> int:
    """How many points on either side the median of a weight is of."""
    return round(weight / (1.0 - weight))


def smooth(value: FloatArray, smoothing: Smoothing, of: int = 0) -> FloatArray:
    """`value` (float64 (n,), the points of one segment in order) smoothed: a new array of the same shape.

    of: how many points the segment has, where these are a stretch of it.
    """
    if smoothing.method == "ema":
        return ema(value, smoothing.weight)[0]
    finite = np.isfinite(value)
    whole = bool(finite.all())
    shown = value if whole else value[finite]
    if not len(shown) or shown.min() == shown.max():
        return np.array(value)
    if smoothing.method == "gaussian":
        line = gaussian(shown, gaussian_sigma(smoothing.weight), of)
    else:
        line = median(shown, median_half(smoothing.weight), of)
    if whole:
        return line
    smoothed: FloatArray = value.copy()
    smoothed[finite] = line
    return smoothed


def ema(value: FloatArray, weight: float, state: Ema | None = None) -> tuple[FloatArray, Ema]:
    """The debiased exponential moving average of `value`, going on from `state`; and where it stands afterwards.

    The definition, as in TensorBoard and VisualDL: last = last * weight + value * (1 - weight), shown as
    last / (1 - weight ** count), where only finite values count; while all are equal, they are shown as they are.
    """
    state = state or Ema()
    finite = np.isfinite(value)
    whole = bool(finite.all())
    shown = value if whole else value[finite]
    if not len(shown):
        return np.array(value), state
    count = state.count + len(shown)
    averaged, last = _average(shown, weight, state.last)
    only = float(shown[0])
    if shown.min() != shown.max() or (state.count and state.only != only):
        only = math.nan
    if math.isnan(only):
        line = averaged
        _debias(line, weight, state.count)
    else:
        line = shown.copy()
    end = Ema(last, count, only)
    if whole:
        return line, end
    smoothed: FloatArray = value.copy()
    smoothed[finite] = line
    return smoothed, end


def _average(value: FloatArray, weight: float, last: float) -> tuple[FloatArray, float]:
    """last = last * weight + value * (1 - weight) after each of the finite values, and at the end.

    Within a block the recurrence is a sum of value[j] * weight ** -j, times weight ** i; from block to block the last
    average is carried on. The terms of a block differ by 30 decades at most, so no digit is lost.
    """
    count = len(value)
    if weight == 0.0:
        return value.copy(), float(value[-1])
    size = min(count, _LARGEST_BLOCK, max(1, int(_DECADES * math.log(10) / -math.log(weight))))
    powers = np.arange(size, dtype=np.float64)
    up = (1.0 - weight) * weight**-powers
    down = weight**powers
    carry = down * weight
    scale = 2.0**-200 if float(np.abs(value).max()) > 1e240 else 1.0  # room for `up`; a power of two changes no digit
    averaged = np.empty(count)
    last *= scale
    rows = max(1, _CHUNK // size)
    for start in range(0, count, rows * size):
        part = value[start : start + rows * size]
        blocks = -(-len(part) // size)
        grid = np.zeros((blocks, size))
        grid.reshape(-1)[: len(part)] = part
        if scale != 1.0:
            grid *= scale
        grid *= up
        np.cumsum(grid, axis=1, out=grid)
        grid *= down
        before = []
        for end in grid[:, -1].tolist():
            before.append(last)
            last = last * float(carry[-1]) + end
        grid += np.multiply.outer(before, carry)
        averaged[start : start + len(part)] = grid.reshape(-1)[: len(part)]
    if scale != 1.0:
        with np.errstate(over="ignore"):  # the average of the largest numbers, rounded up
            averaged /= scale
    return averaged, float(averaged[-1])


def _debias(averaged: FloatArray, weight: float, before: int) -> None:
    """Divide each average, in place, by 1 - weight ** count, until that is 1; `before` values came before."""
    if weight == 0.0:
        return
    needed = math.ceil(math.log(2.0**-54) / math.log(weight)) - before
    if needed > 0:
        counts = np.arange(before + 1, before + 1 + min(needed, len(averaged)), dtype=np.float64)
        averaged[: len(counts)] /= 1.0 - weight**counts


def gaussian(value: FloatArray, sigma: float, of: int = 0) -> FloatArray:
    """Finite `value` under a Gaussian of `sigma` points, cut at 4 sigma; at the ends, of the points that there are.

    Exact for 2,000 points, and for any number up to a sigma of 24. Beyond, blocks of sigma / 12 points are averaged
    first and the line between them is straight, with sigma corrected for both: that differs from the exact one by
    about a thousandth of the noise that is smoothed away, nowhere by a hundredth.
    """
    if sigma < 0.1:  # a neighbour weighs less than 1e-21
        return np.array(value)
    if sigma < _COARSE_SIGMA or max(of, len(value)) * 8 * sigma <= _GAUSSIAN_WORK:
        return _convolve(value, np.ones(len(value)), sigma)
    size = int(sigma // 12)
    whole = len(value) // size * size
    means = value[:whole].reshape(-1, size).mean(axis=1)
    centres = np.arange(len(means)) * float(size) + (size - 1) / 2
    counts = np.full(len(means), float(size))
    if whole < len(value):
        means = np.append(means, value[whole:].mean())
        centres = np.append(centres, (whole + len(value) - 1) / 2)
        counts = np.append(counts, float(len(value) - whole))
    # A block widens by (size² - 1) / 12, straight lines by size² / 6: take both from the variance.
    narrower = math.sqrt(sigma**2 - (size**2 - 1) / 12 - size**2 / 6) / size
    return np.interp(np.arange(len(value), dtype=np.float64), centres, _convolve(means, counts, narrower))


def _convolve(value: FloatArray, counts: FloatArray, sigma: float) -> FloatArray:
    """The mean of `value` around each place, weighted by a Gaussian and by `counts`."""
    radius = math.ceil(4 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    middle = slice(radius, radius + len(value))
    largest = float(np.abs(value).max())
    scale = 2.0**-64 if largest > 1e280 else 1.0  # so that value times count does not overflow
    above = np.convolve(value * counts * scale, kernel)[middle]
    below = np.convolve(counts, kernel)[middle]
    mean: FloatArray = above / below
    return mean / scale if scale != 1.0 else mean


def median(value: FloatArray, half: int, of: int = 0) -> FloatArray:
    """The median of finite `value` over the `half` points on either side, and itself; mirrored at the ends.

    When a window for every point would take too long (from 3 million points with 21 a window), it is taken at every
    few points, always more than ten a window, with straight lines between. A window reaches as far as there are points,
    or _MEDIAN_REACH: a weight next to 1 must not ask for the memory of 10^15 of them.
    """
    count = len(value)
    half = min(half, max(count, _MEDIAN_REACH))
    if half == 0:
        return np.array(value)
    windows = sliding_window_view(np.pad(value, half, mode="symmetric"), 2 * half + 1)
    cost = 35 + 1.8 * (2 * half + 1)
    stride = max(1, min(round(max(of, count) * cost / _MEDIAN_WORK), (half + 1) // 5))
    if stride == 1:
        return _medians(windows, half)
    places: IntArray = np.append(np.arange(0, count - 1, stride), count - 1)
    rows = windows[:-1:stride]
    line = np.append(_medians(rows, half), _medians(windows[-1:], half))
    return np.interp(np.arange(count, dtype=np.float64), places.astype(np.float64), line)


def _medians(windows: FloatArray, half: int) -> FloatArray:
    """The middle of each row of 2 * half + 1 values."""
    rows = max(1, 4 * _CHUNK // (2 * half + 1))
    found = np.empty(len(windows))
    for start in range(0, len(windows), rows):
        part = windows[start : start + rows]
        found[start : start + len(part)] = np.partition(part, half, axis=1)[:, half]
    return found
