"""Points of a long series that were decoded or told of, with their places: put together, each once, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from visualdl.kinds.kind import AnyArray, FloatArray, IntArray, Points
from visualdl.store.trail import values

_PIECE_BITS: Final = 40
"""Points of one part are fewer than 2 to this."""


@dataclass(frozen=True)
class Rows:
    """Points of a segment with their places: piece, and point within its part. smooth: the line there, if asked for."""

    piece: IntArray
    at: IntArray
    points: Points
    smooth: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.at)

    def take(self, where: AnyArray | slice) -> Rows:
        """Those at `where`."""
        smooth = None if self.smooth is None else self.smooth[where]
        return Rows(self.piece[where], self.at[where], self.points.take(where), smooth)


def joined(parts: list[Rows]) -> Rows:
    """All of them, one after the other; there must be some."""
    lines = [part.smooth for part in parts if part.smooth is not None]
    return Rows(
        np.concatenate([part.piece for part in parts]),
        np.concatenate([part.at for part in parts]),
        concatenated([part.points for part in parts]),
        np.concatenate(lines) if lines else None,
    )


def distinct(parts: list[Rows]) -> Rows:
    """All of them, in order of piece and place, each once."""
    rows = joined(parts)
    place = (rows.piece << _PIECE_BITS) + rows.at
    order = np.argsort(place, kind="stable")  # a merge of a few runs that are in order already
    place = place[order]
    first = np.ones(len(order), bool)
    first[1:] = place[1:] != place[:-1]
    return rows.take(order[first])


def concatenated(parts: list[Points]) -> Points:
    """The points of a row kind, one after the other; there must be some parts."""
    return Points(
        np.concatenate([points.step for points in parts]),
        np.concatenate([points.time for points in parts]),
        np.concatenate([values(points) for points in parts]),
    )
