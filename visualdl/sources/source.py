"""What a source of series offers the store: the parts written of each series, and where their bytes are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from visualdl.kinds.kind import IntArray, Payload, Points


@dataclass(frozen=True, order=True)
class SeriesKey:
    """The name of one series within its run: the kind's name, and the tag."""

    kind: str
    tag: str


@dataclass(frozen=True)
class Part:
    """What one origin (a file set, an event file) holds of one series; it only ever grows at its end.

    id: the same for the same origin, whatever comes beside it. count: points so far. started: when its writer began,
    seconds since 1970 UTC by the writer's clock; None if unknown.
    """

    id: str
    count: int
    started: float | None = None


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

    def points(self, key: SeriesKey, part: str, since: int = 0) -> Points:
        """The points of one part from the `since`-th on, in the order of their writing; `decoded` is always None."""

    def payloads(self, key: SeriesKey, part: str, where: IntArray) -> list[Payload]:
        """The payloads at these ascending places of a part of a payload kind."""

    def blob(self, address: bytes) -> bytes | None:
        """The bytes stored under a 16-byte content address, or None."""

    def notes(self) -> RunNotes:
        """What there is to say about the run as of the last refresh."""

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read, and bytes found."""
