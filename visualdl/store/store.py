"""All runs below some folders: found, refreshed, asked."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from visualdl.errors import LogUnreadable, UnknownSeries
from visualdl.kinds.all import KINDS
from visualdl.kinds.kind import Points
from visualdl.log.reader import FrameCache
from visualdl.sources.all import match, open_run
from visualdl.sources.source import SeriesKey
from visualdl.store.decoded import Damaged
from visualdl.store.memory import Memory, sensible_bytes
from visualdl.store.names import natural, readable, root_names, run_name, told_apart
from visualdl.store.question import Answer, Axis, Changes, Method, Question, RunInfo, Segment, Smoothing
from visualdl.store.run import Run, run_id
from visualdl.store.series import Series
from visualdl.store.thin import answer, chunks, everything
from visualdl.store.tree import Found, Identity, Tree

__all__ = ["Answer", "Axis", "Changes", "Method", "Question", "RunInfo", "Segment", "Smoothing", "Store"]

_ATTEMPTS = 8
"""How often a read starts again because records turned out to be damaged; each time at least one more is known."""

_AWAKE_SECONDS = 10.0


class Store:
    """All runs below the roots. Thread safe; memory is bounded by `memory_bytes`, not by the size of the logs.

    memory_bytes: what decoded points may take; by default an eighth of what there is, 192 MiB at most.
    awake_seconds: how long after its last new point a run is still looked at by `glance`.

    Nothing is read before the first `refresh`. A root need not exist yet. Runs stay while their folders do.
    """

    def __init__(
        self, roots: Sequence[Path], *, memory_bytes: int | None = None, awake_seconds: float = _AWAKE_SECONDS
    ) -> None:
        paths = list(dict.fromkeys(os.path.abspath(root) for root in roots))
        known: dict[Identity, str] = {}
        self._trees = [Tree(path, match, known) for path in paths]
        self._root_names = dict(zip(paths, root_names(paths), strict=True)) if paths else {}
        # A frame holds rows of all tags: while the cards of a few runs are opened one after the other, it is needed
        # once for each. Those of many runs never fit, however large a share this gets.
        memory_bytes = sensible_bytes() if memory_bytes is None else memory_bytes
        self._frames = FrameCache(memory_bytes // 8)
        self._memory = Memory(memory_bytes - memory_bytes // 8)
        self._runs: dict[str, Run] = {}  # by path; read through list(), which other threads cannot interrupt
        self._by_id: dict[str, Run] = {}
        self._awake: dict[Run, float] = {}  # when each run that grew lately did so, by the monotonic clock
        self._awake_seconds = awake_seconds
        self._refreshing = threading.Lock()
        self._patient = True
        self._pass: Iterator[None] | None = None
        self._advanced: set[tuple[str, str, str]] = set()
        self._changed = False
        self._loading = True
        self._tags: tuple[int, Mapping[str, Mapping[str, tuple[str, ...]]]] | None = None
        self.revision = 0
        """Grows with whatever is new."""
        self.structure = 0
        """Grows when a run or a tag came or went, or a run's notes changed."""

    @property
    def progress(self) -> tuple[int, int] | None:
        """Bytes read and bytes found while the logs are being opened for the first time; None afterwards."""
        if not self._loading:
            return None
        amounts = [run.progress for run in list(self._runs.values())]
        return sum(read for read, _ in amounts), sum(found for _, found in amounts)

    @property
    def live(self) -> bool:
        """Whether any run was being written at the last refresh."""
        return any(run.live for run in list(self._runs.values()))

    def refresh(self, *, seconds: float | None = None) -> Changes:
        """Read what is new: of a log only its new bytes, of a folder only whether it changed.

        With `seconds`, stop about then; the next call goes on where this one stopped. `Changes.complete` says whether
        everything was looked at once. Without, everything that was written before the call is known after it. Safe to
        call from several threads; they take turns. With `seconds`, a run that somebody else is reading is left for
        the next look: a file on a slow disk must not hold up the news of all others.
        """
        with self._refreshing:
            self._patient = seconds is None
            if seconds is None and self._pass is not None:
                deque(self._pass, maxlen=0)  # what it has looked at may have grown since: look at everything again
                self._pass = None
            if self._pass is None:
                self._pass = self._look_at_everything()
            deadline = math.inf if seconds is None else time.monotonic() + seconds
            for _ in self._pass:
                if time.monotonic() >= deadline:
                    break
            else:
                self._pass = None
                self._loading = False
            return self._changes()

    def glance(self) -> Changes:
        """Read what is new in the runs that grew lately, and in no others: what a `refresh` costs no longer counts.

        Nothing is found that is new: runs and files are found by `refresh`. Safe as that is.
        """
        with self._refreshing:
            self._patient = False
            tired = time.monotonic() - self._awake_seconds
            for run in [run for run, grew in self._awake.items() if grew <= tired]:
                del self._awake[run]
            for run in list(self._awake):
                self._read(run)
            return self._changes()

    def runs(self) -> tuple[RunInfo, ...]:
        """Every run that has been opened, in natural order of their names. Their display names are all different."""
        found = [run.info() for run in self._in_order()]
        labels = told_apart([run.name for run in found], [run.display_name for run in found])
        return tuple(
            run if run.display_name == label else replace(run, display_name=label)
            for run, label in zip(found, labels, strict=True)
        )

    def tags(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """kind -> tag -> ids of the runs that have it.

        Kinds in the order of KINDS, all of them; tags in natural order; runs in the order of `runs()`.
        """
        structure, held = self.structure, self._tags
        if held is not None and held[0] == structure:
            return held[1]
        found: dict[str, dict[str, list[str]]] = {kind.name: {} for kind in KINDS}
        for run in self._in_order():
            for key in run.keys:
                found[key.kind].setdefault(key.tag, []).append(run.id)
        tags = {
            kind: {tag: tuple(by_tag[tag]) for tag in sorted(by_tag, key=natural)} for kind, by_tag in found.items()
        }
        self._tags = structure, tags
        return tags

    def read(self, question: Question) -> Answer:
        """The answer to one question. UnknownSeries when there is no such run, kind or tag."""
        series = self._series(question.run, question.kind, question.tag)
        for _ in range(_ATTEMPTS):
            try:
                return answer(series, series.snapshot(), question)
            except Damaged:
                continue
            except LogUnreadable as error:
                raise UnknownSeries(f"{question.kind} {question.tag!r} of run {question.run}: {error}") from error
            finally:
                self._memory.used(series)
        raise UnknownSeries(f"{question.kind} {question.tag!r} of run {question.run} is damaged wherever it is read")

    def raw(self, run: str, kind: str, tag: str) -> Points:
        """Every point of one series, segment after segment. UnknownSeries as in `read`."""
        series = self._series(run, kind, tag)
        for _ in range(_ATTEMPTS):
            try:
                return everything(series, series.snapshot())
            except Damaged:
                continue
            finally:
                self._memory.used(series)
        raise UnknownSeries(f"{kind} {tag!r} of run {run} is damaged wherever it is read")

    def chunks(self, run: str, kind: str, tag: str) -> Iterator[Points]:
        """The points of `raw`, some at a time: of a series that is too long to be held, never all of them at once.

        UnknownSeries as in `read`, before the first; also later, when the log has become unreadable.
        """
        series = self._series(run, kind, tag)
        given = 0
        for _ in range(_ATTEMPTS):
            try:
                for points in chunks(series, series.snapshot()):
                    self._memory.used(series)  # now: whoever leaves in the middle must wait for nobody
                    yield points
                    given += len(points)
                return
            except Damaged as error:
                if given:
                    raise UnknownSeries(f"{kind} {tag!r} of run {run} has changed while it was read") from error
            except LogUnreadable as error:
                raise UnknownSeries(f"{kind} {tag!r} of run {run}: {error}") from error
        raise UnknownSeries(f"{kind} {tag!r} of run {run} is damaged wherever it is read")

    def blob(self, run: str, address: bytes) -> bytes:
        """The bytes of one blob of a run, by its 16-byte content address; UnknownSeries when it is not there."""
        return self._run(run).blob(address)

    def _in_order(self) -> list[Run]:
        return sorted((run for run in list(self._runs.values()) if run.opened), key=lambda run: run.order)

    def _run(self, run: str) -> Run:
        found = self._by_id.get(run)
        if found is None:
            raise UnknownSeries(f"there is no run {run!r}")
        return found

    def _series(self, run: str, kind: str, tag: str) -> Series:
        return self._run(run).series(SeriesKey(kind, tag))

    def _look_at_everything(self) -> Iterator[None]:
        """One pass over all folders and then all runs, in small steps."""
        for tree in self._trees:
            for found in tree.scan():
                if found is not None:
                    self._found(tree.root, found)
                yield
        # A run with a writer first: what happens now matters more than what is over.
        awake = [run for run in self._runs.values() if not run.rests]
        for run in sorted(awake, key=lambda run: (not run.live, run.order)):
            self._read(run)
            yield

    def _read(self, run: Run) -> None:
        """Read what is new in one run."""
        known = run.opened
        advanced, changed = run.refresh(wait=self._patient)
        self._advanced.update((key.kind, key.tag, run.id) for key in advanced)
        self._changed |= changed
        if known and advanced:
            self._awake[run] = time.monotonic()

    def _changes(self) -> Changes:
        """What was found since this was asked last."""
        advanced, changed = tuple(sorted(self._advanced)), self._changed
        self._advanced.clear()
        self._changed = False
        self.structure += changed
        self.revision += changed or bool(advanced)
        return Changes(self.revision, changed, advanced, complete=self._pass is None)

    def _found(self, root: str, found: Found) -> None:
        """A folder's files changed: a new run, new files of a run, or the end of one."""
        run = self._runs.get(found.path)
        if run is not None and found.names:
            run.discover(found.names)
        elif run is not None:
            del self._runs[found.path], self._by_id[run.id]
            self._awake.pop(run, None)
            for series in run.held():
                self._memory.forget(series)
            self._changed |= run.opened
        elif found.names:
            source = open_run(Path(found.path), found.names, self._frames)
            name = run_name(root, found.path, self._root_names[root])
            new = Run(found.path, source, run=run_id(root, found.path), name=name, root=readable(root))
            self._runs[found.path] = self._by_id[new.id] = new
