"""All runs below some folders: found, refreshed, asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from visualdl.kinds.kind import Points
from visualdl.store.question import Answer, Axis, Changes, Method, Question, RunInfo, Segment, Smoothing

__all__ = ["Answer", "Axis", "Changes", "Method", "Question", "RunInfo", "Segment", "Smoothing", "Store"]


class Store:
    """All runs below the roots. Thread safe; memory is bounded by `memory_bytes`, not by the size of the logs.

    Nothing is read before the first `refresh`. A root need not exist yet.
    """

    revision: int
    structure: int

    def __init__(self, roots: Sequence[Path], *, memory_bytes: int = 256 << 20) -> None:
        raise NotImplementedError("the store is being built")

    @property
    def progress(self) -> tuple[int, int] | None:
        """Bytes read and bytes found while the logs are being opened for the first time; None afterwards."""
        raise NotImplementedError

    def refresh(self, *, seconds: float | None = None) -> Changes:
        """Read what is new. With `seconds`, stop about then and go on at the next call (`Changes.complete` says)."""
        raise NotImplementedError

    def runs(self) -> tuple[RunInfo, ...]:
        """Every run, in natural order of their names."""
        raise NotImplementedError

    def tags(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """kind -> tag -> ids of the runs that have it; kinds in the order of KINDS, tags in natural order."""
        raise NotImplementedError

    def read(self, question: Question) -> Answer:
        """The answer to one question. UnknownSeries when there is no such run, kind or tag."""
        raise NotImplementedError

    def raw(self, run: str, kind: str, tag: str) -> Points:
        """Every point of one series, segment after segment."""
        raise NotImplementedError

    def blob(self, run: str, address: bytes) -> bytes:
        """The bytes of one blob of a run; UnknownSeries when it is not there."""
        raise NotImplementedError
