"""What a source of series offers the store: the parts written of each series, and where their bytes are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from visualdl.kinds.kind import AnyArray, IntArray, Payload, Points

BLOCK: Final[np.dtype[Any]] = np.dtype(
    [
        ("step", "i8", 4),
        ("time", "f8", 4),
        ("value", "f8", 4),
        ("at", "u2", 2),
        ("apart", "u2", 3),
        ("ascends", "u1"),
        ("rows", "u2"),
    ]
)
"""The digest of a block of at most 1,024 rows that follow each other.

step, time, value: of its first row, its last, the one with the least finite value and the one with the greatest (the
    first of equals; of its first row where no value is finite).
at: where in the block the least and the greatest are; `visualdl.log.digest.NONE` where no value is finite.
apart: how many values are NaN, +inf, -inf. ascends: STEPS_ASCEND, no step goes back; TIMES_ASCEND, no time does.
"""


class SeriesKey(NamedTuple):
    """The name of one series within its run: the kind's name, and the tag."""

    kind: str
    tag: str


@dataclass(frozen=True, slots=True)
class Part:
    """What one origin (a file set, an event file) holds of one series; it only ever grows at its end.

    id: the same for the same origin, whatever comes beside it. count: points so far. started: when its writer began,
    seconds since 1970 UTC by the writer's clock; None if unknown.
    """

    id: str
    count: int
    started: float | None = None


class Outline(NamedTuple):
    """The points [start, stop) of a part, and what is known of them without decoding: BLOCKs in order, or None."""

    start: int
    stop: int
    blocks: AnyArray | None


@dataclass(frozen=True)
class RunNotes:
    """What a source says about its run beside the points; the fields of `visualdl.store.question.RunInfo`."""

    display_name: str | None = None
    live: bool = False
    dropped: int = 0
    gaps: tuple[str, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)
    started: float | None = None
    updated: float | None = None


class RunSource(Protocol):
    """One run's data from one folder: read-only and incremental.

    Not thread safe: whoever holds one locks it, except for `blob`, which may be called at any time. A torn, damaged,
    vanished or foreign file is never an error: it is told in `notes`.
    """

    def discover(self, names: Sequence[str]) -> None:
        """The files of the folder are now these. Called before the first `refresh`, and when files came or went."""

    def refresh(self) -> frozenset[SeriesKey]:
        """Read what is new, without decoding it; the series that have new points, are new, or lost a file."""

    def series(self) -> Collection[SeriesKey]:
        """Every series so far."""

    def parts(self, key: SeriesKey) -> tuple[Part, ...]:
        """The parts of a series, in the order in which their writers began. Empty when there is no such series."""

    def points(self, key: SeriesKey, part: str, start: int = 0, stop: int | None = None) -> Points:
        """The points [start, stop) of one part, in the order of their writing; `decoded` is always None.

        LogUnreadable when they were there but cannot be read just now.
        """

    def outline(self, key: SeriesKey, part: str, start: int) -> list[Outline]:
        """What is known without decoding of a part of a row kind from the point `start` on, stretch after stretch.

        It need not reach the end. Empty for a source that knows nothing.
        """

    def payloads(self, key: SeriesKey, part: str, where: IntArray) -> list[Payload]:
        """The payloads at these ascending places of a part of a payload kind. LogUnreadable as for `points`."""

    def blob(self, address: bytes) -> bytes | None:
        """The bytes stored under a 16-byte content address, or None."""

    @property
    def at_rest(self) -> bool:
        """Whether nothing more comes while the files of the folder are these."""

    def notes(self) -> RunNotes:
        """What there is to say about the run as of the last refresh."""

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read, and bytes found."""
