"""The contract that a kind signs, and the two values that cross it: points (read) and encoded records (written).

A kind is a narrow slice: `encode`, `decode`, `thin`, `columns`. It knows neither the log nor the store nor the server,
and no other kind. Row kinds (one number a record) are written as rows of the log and have no payload; payload kinds are
written as payload records that may refer to blobs, which the log stores once by content address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
AnyArray = npt.NDArray[Any]

SMALL_BYTES: Final = 1 << 16
"""Up to here the caller's thread copies an array as bytes, which touches less memory than a new array."""


class Encoded(NamedTuple):
    """A payload record on its way to the log: its own bytes, and the blobs that it refers to, in order."""

    payload: bytes
    blobs: tuple[bytes, ...] = ()


class Payload(NamedTuple):
    """A payload record read back: its own bytes, and the content addresses (16 bytes each) of its blobs, in order."""

    payload: bytes
    blobs: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Points:
    """The points of one series, in the order in which they were written within each segment.

    step: int64 (n,); time: float64 (n,), seconds since 1970 UTC.
    value: float64 (n,) for a row kind (NaN and ±inf are values like any other), None for a payload kind.
    decoded: what `Kind.decode` gave for each point of a payload kind, None for a row kind.
    """

    step: IntArray
    time: FloatArray
    value: FloatArray | None = None
    decoded: Sequence[Any] | None = None

    def __len__(self) -> int:
        return len(self.step)

    def take(self, where: IntArray | slice) -> Points:
        """The points at `where` (indices or a slice), in that order."""
        if self.decoded is None:
            decoded = None
        elif isinstance(where, slice):
            decoded = self.decoded[where]
        else:
            decoded = [self.decoded[int(i)] for i in where]
        return Points(self.step[where], self.time[where], None if self.value is None else self.value[where], decoded)


@dataclass(frozen=True)
class Kind:
    """One kind of thing that can be logged.

    name: the one word: file, folder, URL, docs page.
    rows: True when its records are rows of the log (one float64), False when they are payload records.
    encode: the kind's own value (already checked and copied by its `accept…` function on the caller's thread) ->
        Encoded; for a row kind, the user's value -> float. Runs on the pump thread for payload kinds.
    decode: Payload -> the stored value; raises CorruptRecord when the bytes are not what this kind writes.
        Cheap: blobs stay addresses. A value that may be large tells its bytes as `nbytes`.
    thin: (x, points, n) -> sorted int64 indices of the points to keep, about n of them. x: float64 (len(points),), the
        finite horizontal position of each point. Keeps the first, the last, and whatever the kind must not hide.
    columns: points -> named numpy columns for the browser (float64, float32, uint8, uint32), first axis not
        necessarily the points. `step` and `time` are added by the server and must not be among them.
    """

    name: str
    rows: bool
    encode: Callable[[Any], Any]
    decode: Callable[[Payload], Any]
    thin: Callable[[FloatArray, Points, int], IntArray]
    columns: Callable[[Points], Mapping[str, AnyArray]]
