"""Digests of rows: what a long series looks like, 1,024 rows at a time, without decoding them.

The pump writes them into the index of a ROWS frame. As with columns there are two ways that give the same bytes: numpy
where a training script has loaded it anyway, the standard library where not. Reading is numpy's.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BLOCK_ROWS: Final = 1024
"""Rows a digest tells of, and the fewest of a tag in a frame that get any; the last of a tag's tells of the rest."""
NONE: Final = 0xFFFF
"""The place of the least and the greatest value where no value is finite."""
STEPS_ASCEND: Final = 1
TIMES_ASCEND: Final = 2

# Of the rows with the first, the last, the least and the greatest value: step, time (microseconds), value. Then where
# the least and the greatest are; how many values are NaN, +inf, -inf; what ascends; nothing.
_DIGEST = struct.Struct("<4q4q4d2H3HBx")
DIGEST_BYTES: Final = _DIGEST.size


def digests(counts: Sequence[int]) -> int:
    """How many digests a frame with so many rows of each of its tags holds."""
    return sum(-(-count // BLOCK_ROWS) for count in counts if count >= BLOCK_ROWS)


def blocks(counts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The rows (start, stop) in the frame that each of them tells of."""
    at = 0
    for count in counts:
        if count >= BLOCK_ROWS:
            for start in range(at, at + count, BLOCK_ROWS):
                yield start, min(start + BLOCK_ROWS, at + count)
        at += count


def encode_plain(counts: Sequence[int], step: Sequence[int], time: Sequence[int], value: Sequence[float]) -> bytes:
    """The digests of a frame's rows, sorted by tag. time: whole microseconds."""
    return b"".join(_block(step[a:b], time[a:b], value[a:b]) for a, b in blocks(counts))


def _block(step: Sequence[int], time: Sequence[int], value: Sequence[float]) -> bytes:
    finite = [i for i, one in enumerate(value) if math.isfinite(one)]
    least = min(finite, key=value.__getitem__, default=NONE)
    greatest = max(finite, key=value.__getitem__, default=NONE)
    shown = [0, len(value) - 1, 0 if least == NONE else least, 0 if greatest == NONE else greatest]
    nan = sum(one != one for one in value)
    inf = sum(one == math.inf for one in value)
    ascends = STEPS_ASCEND * _ascends(step) + TIMES_ASCEND * _ascends(time)
    return _DIGEST.pack(
        *(step[i] for i in shown),
        *(time[i] for i in shown),
        *(value[i] for i in shown),
        least,
        greatest,
        nan,
        inf,
        len(value) - len(finite) - nan - inf,
        ascends,
    )


def _ascends(column: Sequence[int]) -> bool:
    return all(before <= now for before, now in pairwise(column))


def digest_dtype() -> np.dtype[Any]:
    """A digest as numpy reads it."""
    import numpy as np

    return np.dtype(
        [
            ("step", "<i8", 4),
            ("time", "<i8", 4),
            ("value", "<f8", 4),
            ("at", "<u2", 2),
            ("apart", "<u2", 3),
            ("ascends", "u1"),
            ("spare", "u1"),
        ]
    )


def encode_numpy(counts: Sequence[int], step: Any, time: Any, value: Any) -> bytes:
    """What `encode_plain` gives, from arrays."""
    import numpy as np

    where = list(blocks(counts))
    if not where:
        return b""
    found = np.zeros(len(where), digest_dtype())
    whole = [i for i, (a, b) in enumerate(where) if b - a == BLOCK_ROWS]
    if len(whole):
        rows = np.add.outer(np.array([where[i][0] for i in whole]), np.arange(BLOCK_ROWS))
        found[whole] = digest(step[rows], time[rows], value[rows])
    for i, (a, b) in enumerate(where):
        if b - a != BLOCK_ROWS:
            found[i] = digest(step[None, a:b], time[None, a:b], value[None, a:b])[0]
    return found.tobytes()


def digest(step: Any, time: Any, value: Any, dtype: np.dtype[Any] | None = None) -> npt.NDArray[Any]:
    """The digests of arrays (blocks, rows), one each; of the dtype of the format, or one with its fields."""
    import numpy as np

    count = value.shape[1]
    finite = np.isfinite(value)
    found = np.zeros(len(value), dtype or digest_dtype())
    if finite.all():
        least, greatest = value.argmin(axis=1), value.argmax(axis=1)
        found["at"] = np.stack([least, greatest], axis=1)
    else:
        least = np.where(finite, value, np.inf).argmin(axis=1)
        greatest = np.where(finite, value, -np.inf).argmax(axis=1)
        some = finite.any(axis=1)
        found["at"] = np.where(some[:, None], np.stack([least, greatest], axis=1), NONE)
        least, greatest = np.where(some, least, 0), np.where(some, greatest, 0)
        nan, inf = np.isnan(value).sum(axis=1), (value == np.inf).sum(axis=1)
        found["apart"] = np.stack([nan, inf, count - finite.sum(axis=1) - nan - inf], axis=1)
    shown = np.stack([np.zeros_like(least), np.full_like(least, count - 1), least, greatest], axis=1)
    for name, column in (("step", step), ("time", time), ("value", value)):
        found[name] = np.take_along_axis(column, shown, axis=1)
    steps, times = (step[:, 1:] >= step[:, :-1]).all(axis=1), (time[:, 1:] >= time[:, :-1]).all(axis=1)
    found["ascends"] = STEPS_ASCEND * steps + TIMES_ASCEND * times
    return found


def is_sound(told: npt.NDArray[Any], rows: npt.NDArray[Any]) -> bool:
    """Whether digests of so many rows each do not contradict themselves. What they tell may be wrong all the same."""
    import numpy as np

    least, greatest, apart = told["at"][:, 0], told["at"][:, 1], told["apart"].sum(axis=1, dtype=np.int64)
    some = apart < rows
    placed = np.where(some, (least < rows) & (greatest < rows), (apart == rows) & (least == NONE) & (greatest == NONE))
    low, high = told["value"][:, 2], told["value"][:, 3]
    good = placed & (~some | (np.isfinite(low) & np.isfinite(high) & (low <= high)))
    for name, bit in (("step", STEPS_ASCEND), ("time", TIMES_ASCEND)):
        column = told[name]
        inside = (column.min(axis=1) == column[:, 0]) & (column.max(axis=1) == column[:, 1])
        good &= inside | (told["ascends"] & bit == 0)
    return bool(good.all())
