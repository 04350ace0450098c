"""Pictures of what the example's network does: filters, drawings below their originals, mistakes. uint8 RGB."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.floating[Any]]

# Four stops each, from low to high: paper to ink for amounts, blue over paper to red for signs.
_AMOUNT = np.array([[250, 250, 247], [150, 190, 215], [55, 110, 180], [20, 35, 90]], float)
_SIGN = np.array([[25, 70, 150], [130, 175, 220], [248, 248, 246], [230, 150, 120], [165, 30, 45]], float)
_GAP = 1
_PAPER = 232


def filters(weight: Numbers, side: int, columns: int) -> Picture:
    """The filters of a layer (side * side, n), each with a scale of its own, on a grid."""
    tiles = weight.T.reshape(-1, side, side)
    reach = np.abs(tiles).max(axis=(1, 2), keepdims=True)
    return _enlarged(_grid(_coloured(0.5 + 0.5 * tiles / np.maximum(reach, 1e-12), _SIGN), columns), 3)


def drawings(originals: Numbers, drawn: Numbers, columns: int) -> Picture:
    """Rows of originals (n, side, side), n a multiple of `columns`, each with what the network drew below it."""
    rows = (-1, 1, columns, *originals.shape[1:])
    tiles = np.concatenate([originals.reshape(rows), drawn.reshape(rows)], axis=1)
    return _enlarged(_grid(_coloured(tiles.reshape(-1, *originals.shape[1:]), _AMOUNT), columns), 3)


def mistakes(shown: npt.NDArray[np.int64], named: npt.NDArray[np.int64], classes: int) -> Picture:
    """The confusion matrix: a row for each shape that was shown, a column for each name that was given."""
    counts = np.bincount(shown * classes + named, minlength=classes**2).reshape(classes, classes)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    return _enlarged(
        _grid(_coloured(np.broadcast_to(share.reshape(-1, 1, 1), (classes**2, 9, 9)), _AMOUNT), classes), 2
    )


def _coloured(values: Numbers, stops: Numbers) -> Picture:
    """Values in [0, 1] of any shape -> colours, with one more axis."""
    at = np.linspace(0.0, 1.0, len(stops))
    clipped = np.clip(values, 0.0, 1.0)
    return np.stack([np.interp(clipped, at, stops[:, c]) for c in range(3)], axis=-1).astype(np.uint8)


def _grid(tiles: Picture, columns: int) -> Picture:
    count, height, width, _ = tiles.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3), _PAPER, np.uint8)
    for index, tile in enumerate(tiles):
        top = _GAP + index // columns * (height + _GAP)
        left = _GAP + index % columns * (width + _GAP)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def _enlarged(picture: Picture, times: int) -> Picture:
    return picture.repeat(times, axis=0).repeat(times, axis=1)
