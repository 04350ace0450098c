"""A series at one moment: its segments as columns, or as digests; and where its cursors begin."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from visualdl.kinds.kind import FloatArray, IntArray
from visualdl.sources.source import Part
from visualdl.store.long import LongSegment
from visualdl.store.long_series import pieces_of

_BASE: Final = 10**9
_BASES: Final = 10**6 - 2
"""Cursors begin at a multiple of _BASE: 15 digits, which a browser's numbers hold, the last 9 a count."""
_SECRET: Final = secrets.token_bytes(16)
"""Another in every process: a cursor means nothing to a server that did not give it."""


@dataclass(frozen=True, slots=True)
class Columns:
    """One segment: points in order of step. value: None for a payload kind.

    where: indices into the points of all parts; None while they are just those from `first` on.
    """

    step: IntArray
    time: FloatArray
    value: FloatArray | None
    first: int
    where: IntArray | None
    ghost_from: int | None

    def __len__(self) -> int:
        return len(self.step)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return sum(array.nbytes for array in (self.step, self.time, self.value, self.where) if array is not None)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A series at one moment; its arrays never change.

    parts: what it was made from. origin: the time that is 0 on the relative axis.
    long: its segments when it is too long to be held; `segments` is empty then.
    base: where cursors begin. Another number whenever points that were there have moved or gone, so that a cursor from
        before is told from one of this arrangement, also by a run in the place of one that was deleted.
    """

    parts: tuple[Part, ...]
    segments: tuple[Columns, ...]
    origin: float
    base: int
    long: tuple[LongSegment, ...] = ()

    @property
    def count(self) -> int:
        """How many points there are."""
        return sum(map(len, self.long or self.segments))

    @property
    def as_written(self) -> bool:
        """Whether the points are just those of the parts, one part after the other."""
        whole = self.count == sum(part.count for part in self.parts)
        if self.long:
            order = [piece.trace.part for piece in pieces_of(self.long)]
            parts = [part.id for part in self.parts if part.count]
            return len(self.long) == 1 and self.long[0].ordered and order == parts
        return whole and len(self.segments) <= 1 and all(segment.where is None for segment in self.segments)

    @property
    def settled(self) -> list[object]:
        """What of the arrangement stays as it is while points are only added at the end."""
        if self.as_written:
            return [part.count for part in self.parts[:-1]]
        if not self.long or not all(segment.ordered for segment in self.long):
            return [part.count for part in self.parts]
        pieces = [(piece.trace.part, piece.start, piece.stop) for piece in pieces_of(self.long)]
        return [*pieces[:-1], pieces[-1][:2]]


def cursor_base(run: int, snapshot: Snapshot, *, left_out: int) -> int:
    """Where the cursors of a series begin: told by its arrangement alone, so that nothing need be remembered for it.

    run: a number that no other run of this process has, or had. left_out: records that do not decode.
    It is the same as long as points are only added at the end: of the last part, where the points are as written, or of
    the last of a long series' segments.
    """
    told = repr((run, [part.id for part in snapshot.parts], snapshot.settled, snapshot.as_written, left_out))
    digest = hashlib.blake2b(told.encode("utf-8", "surrogatepass"), key=_SECRET, digest_size=8).digest()
    return (1 + int.from_bytes(digest, "little") % _BASES) * _BASE
