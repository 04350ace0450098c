"""The example's data: six shapes, drawn anti-aliased at any place and size. float64 pictures (n, 16, 16) in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SIDE = 16
NAMES = ("disc", "ring", "square", "cross", "triangle", "stripes")


def draw(count: int, seed: int) -> tuple[FloatArray, IntArray]:
    """`count` pictures (count, 16, 16), and which shape each shows (count,), an index into NAMES."""
    random = np.random.default_rng(seed)
    shown = random.permutation(np.arange(count) % len(NAMES))
    centre = random.uniform(-0.22, 0.22, (2, count, 1, 1))
    radius = random.uniform(0.42, 0.72, (count, 1, 1))
    line = np.linspace(-1.0, 1.0, SIDE)
    x = (line[None, None, :] - centre[0]) / radius
    y = (line[None, :, None] - centre[1]) / radius
    # Where the distance to the outline is half a pixel, a pixel is half covered.
    pixel = 2.0 / (SIDE - 1) / radius
    pictures = np.zeros((count, SIDE, SIDE))
    for index, distance in enumerate(_DISTANCES):
        mine = shown == index
        pictures[mine] = np.clip(0.5 - distance(x[mine], y[mine]) / pixel[mine], 0.0, 1.0)
    return pictures, shown


def _disc(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.hypot(x, y) - 1.0


def _ring(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.abs(np.hypot(x, y) - 0.78) - 0.2


def _square(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.maximum(np.abs(x), np.abs(y)) - 0.86


def _cross(x: FloatArray, y: FloatArray) -> FloatArray:
    bar = np.maximum(np.abs(x) - 1.0, np.abs(y) - 0.24)
    return np.minimum(bar, np.maximum(np.abs(y) - 1.0, np.abs(x) - 0.24))


def _triangle(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.maximum(y - 0.7, np.abs(x) * 0.87 - y * 0.5 - 0.45)


def _stripes(x: FloatArray, y: FloatArray) -> FloatArray:
    bars = np.minimum(np.abs(y), np.abs(np.abs(y) - 0.72))
    return np.maximum(np.abs(x) - 0.95, bars - 0.2)


_DISTANCES: tuple[Callable[[FloatArray, FloatArray], FloatArray], ...] = (
    _disc,
    _ring,
    _square,
    _cross,
    _triangle,
    _stripes,
)
