"""The end of a series that grows: arrays with room, so that a few points more cost no copy of all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from visualdl.kinds.kind import AnyArray, Points
from visualdl.store.snapshot import Columns


class Tail:
    """The last segment with room to grow: arrays that earlier snapshots share are never written again."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._room: Columns = columns

    @property
    def spare(self) -> int:
        """Bytes of room not used yet."""
        return self._room.nbytes - self._columns.nbytes

    def append(self, points: Points) -> Columns:
        """The segment with these points at its end."""
        count, more = len(self._columns), len(points)
        if count + more > len(self._room):
            capacity = max(1024, (count + more) * 3 // 2)
            self._room = replace(
                self._room,
                step=_widened(self._columns.step, capacity),
                time=_widened(self._columns.time, capacity),
                value=None if self._columns.value is None else _widened(self._columns.value, capacity),
            )
        for name in ("step", "time", "value"):
            room = getattr(self._room, name)
            if room is not None:
                room[count : count + more] = getattr(points, name)
        part = slice(0, count + more)
        value = None if self._room.value is None else self._room.value[part]
        self._columns = replace(self._columns, step=self._room.step[part], time=self._room.time[part], value=value)
        return self._columns


def _widened(array: AnyArray, capacity: int) -> AnyArray:
    """A copy with room for `capacity` values."""
    wide = np.empty(capacity, array.dtype)
    wide[: len(array)] = array
    return wide
