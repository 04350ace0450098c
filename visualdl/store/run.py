"""One run: its source behind a lock, its series, and what is known of it."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from itertools import count
from typing import Final

from visualdl.errors import UnknownSeries
from visualdl.kinds.all import KIND_BY_NAME
from visualdl.kinds.kind import IntArray, Payload, Points
from visualdl.sources.source import Outline, Part, RunNotes, RunSource, SeriesKey
from visualdl.store.names import natural
from visualdl.store.question import RunInfo
from visualdl.store.series import Series

_NUMBERS: Final = count()


def run_id(root: str, path: str) -> str:
    """12 hex digits that stay the same as long as root and path do."""
    relative = os.fsencode(os.path.relpath(path, root))
    return hashlib.sha256(os.fsencode(root) + b"\0" + relative).hexdigest()[:12]


class Run:
    """One run of the store. Thread safe: everything that touches its source waits for its lock."""

    def __init__(self, path: str, source: RunSource, *, run: str, name: str, root: str) -> None:
        self.id = run
        self.path = path
        self.order = natural(name)
        self.number = next(_NUMBERS)
        self._name = name
        self._root = root
        self._source = source
        self._lock = threading.Lock()
        self._series: dict[SeriesKey, Series] = {}
        self._keys: frozenset[SeriesKey] = frozenset()
        self._notes = RunNotes()
        self._trouble = ""
        self._names: Sequence[str] | None = None  # the files of its folder, where they are others than the source knows
        self._at_rest = False
        self._looked_into = False  # since the last refresh: damage may show only when points are read
        self.opened = False

    @property
    def rests(self) -> bool:
        """Whether there is nothing that a refresh could find."""
        return self._at_rest and self._names is None and not self._looked_into

    def discover(self, names: Sequence[str]) -> None:
        """The files of the run's folder are now these; they are looked at by the next refresh."""
        self._names = names

    def refresh(self, *, wait: bool = True) -> tuple[frozenset[SeriesKey], bool]:
        """Read what is new: the series that advanced, and whether the run has other series or notes than before.

        Never raises: whatever goes wrong with this run is told among its gaps, and the other runs are read. Without
        `wait`, nothing is new in a run that somebody is reading just now.
        """
        if not self._lock.acquire(blocking=wait):
            return frozenset(), False
        try:
            return self._refresh()
        finally:
            self._lock.release()

    def _refresh(self) -> tuple[frozenset[SeriesKey], bool]:
        advanced: frozenset[SeriesKey] = frozenset()
        trouble = ""
        names, self._names = self._names, None
        self._looked_into = False
        try:
            if names is not None:
                self._source.discover(names)
            advanced = self._source.refresh()
            notes = self._source.notes()
            self._at_rest = self._source.at_rest
        except Exception as error:  # the border between one run's bytes and everybody else's board
            trouble, notes = f"the run could not be read: {type(error).__name__}: {error}", self._notes
            self._at_rest = False
        same = not advanced and notes == self._notes and trouble == self._trouble
        if self.opened and same and names is None:
            return advanced, False
        keys = frozenset(self._source.series())
        changed = not self.opened or keys != self._keys or _lasting(notes) != _lasting(self._notes)
        changed |= trouble != self._trouble
        self._keys, self._notes, self._trouble, self.opened = keys, notes, trouble, True
        return advanced, changed

    @property
    def keys(self) -> frozenset[SeriesKey]:
        """The run's series as of the last refresh."""
        return self._keys

    @property
    def live(self) -> bool:
        """Whether somebody was writing at the last refresh."""
        return self._notes.live

    @property
    def started(self) -> float | None:
        """When its first writer began, seconds since 1970 UTC."""
        return self._notes.started

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read, and bytes found."""
        return self._source.progress

    def info(self) -> RunInfo:
        """What is known of the run as of the last refresh."""
        notes = self._notes
        skipped = dict(notes.skipped)
        for series in list(self._series.values()):
            if series.broken:
                skipped[f"damaged {series.key.kind}"] = skipped.get(f"damaged {series.key.kind}", 0) + series.broken
        return RunInfo(
            self.id,
            self._name,
            self._root,
            started=notes.started,
            updated=notes.updated,
            live=notes.live,
            dropped=notes.dropped,
            gaps=(*notes.gaps, *([self._trouble] if self._trouble else [])),
            skipped=skipped,
            display_name=notes.display_name,
            captions=notes.captions,
        )

    def series(self, key: SeriesKey) -> Series:
        """One series; UnknownSeries when the run has no such kind and tag."""
        with self._lock:
            if key not in self._keys:
                raise UnknownSeries(f"the run {self._name!r} has no {key.kind} with the tag {key.tag!r}")
            if key not in self._series:
                self._series[key] = Series(KIND_BY_NAME[key.kind], key, self, self._let_go)
            return self._series[key]

    def _let_go(self, series: Series) -> None:
        """A series holds nothing any more, and can be made again; but not what it found to be damaged."""
        if not series.broken and self._series.get(series.key) is series:
            self._series.pop(series.key, None)

    def held(self) -> tuple[Series, ...]:
        """The series that may be in memory."""
        return (*self._series.values(),)  # not locked: whoever forgets a run does not wait for its readers

    def blob(self, address: bytes) -> bytes:
        """The bytes of one blob; UnknownSeries when it is not there."""
        self._looked_into = True
        found = self._source.blob(address)  # not locked: a page of images is read by several threads at once
        if found is None:
            raise UnknownSeries(f"the run {self._name!r} has no blob {address.hex()}")
        return found

    def parts(self, key: SeriesKey) -> tuple[Part, ...]:
        """The parts of a series."""
        with self._lock:
            return self._source.parts(key)

    def points(self, key: SeriesKey, part: str, start: int = 0, stop: int | None = None) -> Points:
        """The points [start, stop) of one part."""
        with self._lock:
            self._looked_into = True
            return self._source.points(key, part, start, stop)

    def outline(self, key: SeriesKey, part: str, start: int) -> list[Outline]:
        """What is known without decoding of one part from the point `start` on."""
        with self._lock:
            self._looked_into = True
            return self._source.outline(key, part, start)

    def payloads(self, key: SeriesKey, part: str, where: IntArray) -> list[Payload]:
        """The payloads at these places of a part."""
        with self._lock:
            self._looked_into = True
            return self._source.payloads(key, part, where)


def _lasting(notes: RunNotes) -> tuple[object, ...]:
    """What of the notes the board must be told about at once: everything but the time of the last record."""
    counts = dict(notes.skipped), dict(notes.captions)
    return notes.display_name, notes.live, notes.dropped, notes.gaps, notes.started, *counts
