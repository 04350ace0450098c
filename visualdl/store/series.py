"""One series in memory: its segments as columns, kept up with the source; its smoothed lines; its decoded records."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol

import numpy as np

from visualdl.errors import CorruptRecord
from visualdl.kinds.kind import AnyArray, FloatArray, IntArray, Kind, Payload, Points
from visualdl.sources.source import Outline, Part, SeriesKey
from visualdl.store.decoded import Damaged, Decoded
from visualdl.store.long import LongSegment, Reader
from visualdl.store.long_line import LongLine
from visualdl.store.long_series import LongSeries
from visualdl.store.question import Smoothing
from visualdl.store.segments import arrange
from visualdl.store.smooth import Ema, ema, smooth
from visualdl.store.snapshot import Columns, Snapshot, cursor_base
from visualdl.store.tail import Tail
from visualdl.store.tally import Tally

_SMOOTHINGS: Final = 3
"""Smoothed lines kept of one series: the slider's place, the one before, and another reader's."""
LONG_FROM: Final = 1 << 21
"""A series of a row kind with more points is not held in memory, but told by digests."""
_KEPT_BYTES: Final = 64 << 20
"""Decoded records that a series keeps, for the next question."""
_SERIES_BYTES: Final = 2000
"""What a series costs beside its points, roughly: some objects, locks and array headers."""
_OBJECT_BYTES: Final = 400
"""What a decoded record costs beside its bytes, roughly: a small object with an array or two."""


class Origin(Protocol):
    """Where a series gets its points: what a source offers of one series, already behind its run's lock."""

    @property
    def started(self) -> float | None: ...

    @property
    def number(self) -> int: ...

    def parts(self, key: SeriesKey) -> tuple[Part, ...]: ...

    def points(self, key: SeriesKey, part: str, start: int = 0, stop: int | None = None) -> Points: ...

    def outline(self, key: SeriesKey, part: str, start: int) -> list[Outline]: ...

    def payloads(self, key: SeriesKey, part: str, where: IntArray) -> list[Payload]: ...


class Series:
    """One series of one run. Thread safe. Holds nothing until asked, and nothing after `drop`."""

    def __init__(
        self, kind: Kind, key: SeriesKey, origin: Origin, forgotten: Callable[[Series], None] = lambda _: None
    ) -> None:
        """forgotten: called when the series was dropped."""
        self._forgotten = forgotten
        self.kind = kind
        self.key = key
        self._origin = origin
        self._lock = threading.Lock()
        self._base = 0
        self._snapshot: Snapshot | None = None
        self._tail: Tail | None = None
        self._smooth: OrderedDict[Smoothing, list[_Line]] = OrderedDict()
        self._tallies: list[Tally] = []
        self._long: LongSeries | None = None
        self._decoded: dict[tuple[str, int], Any] = {}
        self._decoded_bytes = 0
        self._broken: set[tuple[str, int]] = set()

    def snapshot(self) -> Snapshot:
        """The series as it is in the source now; reads only what is new since the last time."""
        with self._lock:
            parts = self._origin.parts(self.key)
            held = self._snapshot
            if held is None or parts != held.parts:
                if self.kind.rows and sum(part.count for part in parts) > LONG_FROM:
                    held = self._follow(parts)
                else:
                    held = (held and self._grown(held, parts)) or self._build(parts)
                self._snapshot = held
            return held

    def _follow(self, parts: tuple[Part, ...]) -> Snapshot:
        """A series that is too long to be held, from its digests."""
        if self._long is None:
            self._forget()
            origin, key = self._origin, self.key
            self._long = LongSeries(partial(origin.points, key), partial(origin.outline, key))
        self._long.follow(parts)
        return self._based(parts, (), self._long.earliest, self._long.segments)

    def long_lines(self, snapshot: Snapshot, smoothing: Smoothing) -> list[LongLine]:
        """The smoothed line of each segment of a long snapshot."""
        with self._lock:
            return self._followed().lines(snapshot.long, smoothing)

    @property
    def reader(self) -> Reader:
        """Reads the points of a long snapshot."""
        with self._lock:
            return self._followed().reader

    def _followed(self) -> LongSeries:
        if self._long is None:
            raise Damaged  # forgotten meanwhile
        return self._long

    def smoothed(self, snapshot: Snapshot, smoothing: Smoothing) -> list[FloatArray]:
        """The smoothed line of each segment of a row kind's snapshot; computed once, an EMA's tail added to."""
        with self._lock:
            held = self._smooth.get(smoothing, []) if snapshot.base == self._base else []
            lines = [
                _line(segment, smoothing, held[i] if i < len(held) else None)
                for i, segment in enumerate(snapshot.segments)
            ]
            if snapshot is self._snapshot:  # not one that another thread has left behind meanwhile
                self._smooth[smoothing] = lines
                self._smooth.move_to_end(smoothing)
                while len(self._smooth) > _SMOOTHINGS:
                    self._smooth.popitem(last=False)
            return [line.values for line in lines]

    def tallies(self, snapshot: Snapshot) -> list[Tally]:
        """The tally of each segment of a row kind's snapshot; of a series that grows, only what is new is counted."""
        with self._lock:
            held = self._tallies if snapshot.base == self._base else []
            tallies = [
                (held[i] if i < len(held) else Tally()).grown(segment.value)
                for i, segment in enumerate(snapshot.segments)
                if segment.value is not None
            ]
            if snapshot is self._snapshot:  # not one that another thread has left behind meanwhile
                self._tallies = tallies
            return tallies

    def points(self, snapshot: Snapshot, segment: Columns, where: slice) -> Points:
        """Some neighbouring points of one segment. Raises Damaged, later, where `decoded` is first looked at."""
        points = Points(
            segment.step[where], segment.time[where], None if segment.value is None else segment.value[where]
        )
        if self.kind.rows:
            return points
        at = np.arange(segment.first, segment.first + len(segment)) if segment.where is None else segment.where
        return replace(points, decoded=Decoded(lambda some: self._decode(snapshot, some), at[where]))

    @property
    def nbytes(self) -> int:
        """Bytes held in memory, about."""
        with self._lock:
            held = 0 if self._snapshot is None else sum(segment.nbytes for segment in self._snapshot.segments)
            spare = 0 if self._tail is None else self._tail.spare
            lines = sum(line.values.nbytes for lines in self._smooth.values() for line in lines)
            lines += 0 if self._long is None else self._long.nbytes
            return _SERIES_BYTES + held + spare + lines + self._decoded_bytes

    def drop(self) -> None:
        """Forget everything that can be read again; not while somebody reads it, who will tell how much it holds."""
        if self._lock.acquire(blocking=False):
            try:
                self._forget()
                self._long = None
            finally:
                self._lock.release()
            self._forgotten(self)

    def _forget(self) -> None:
        self._snapshot = self._tail = None
        self._smooth.clear()
        self._tallies = []
        self._decoded.clear()
        self._decoded_bytes = 0

    @property
    def broken(self) -> int:
        """How many records could not be decoded so far."""
        return len(self._broken)

    def _build(self, parts: tuple[Part, ...]) -> Snapshot:
        """The whole series anew."""
        read = [self._origin.points(self.key, part.id) for part in parts]
        parts = tuple(replace(part, count=len(points)) for part, points in zip(parts, read, strict=True))
        if self.kind.rows:  # rows whose frame is damaged are there for the count, with a time of NaN
            read = [points if np.isfinite(points.time).all() else _timed(points) for points in read]
        offsets = [0, *np.cumsum([len(points) for points in read]).tolist()]
        step = _joined([points.step for points in read], np.int64)
        time = _joined([points.time for points in read], np.float64)
        value = _joined([p.value for p in read if p.value is not None], np.float64) if self.kind.rows else None
        stretches = arrange(step, time, offsets=offsets, started=[part.started for part in parts])
        segments = []
        for stretch in stretches:
            at = stretch.where
            first, where = (at.start, None) if isinstance(at, slice) else (0, at)
            values = None if value is None else value[at]
            columns = Columns(step[at], time[at], values, first, where, stretch.ghost_from)
            segments.append(self._without_broken(columns, parts, offsets))
        self._tail = None
        self._smooth.clear()
        self._tallies = []
        self._long = None
        return self._based(parts, tuple(segments), float(time.min()) if len(time) else None)

    def _based(
        self,
        parts: tuple[Part, ...],
        segments: tuple[Columns, ...],
        earliest: float | None,
        long: tuple[LongSegment, ...] = (),
    ) -> Snapshot:
        """The snapshot of these segments."""
        beginnings = [one for one in (self._origin.started, earliest) if one is not None]
        snapshot = Snapshot(parts, segments, min(beginnings, default=0.0), 0, long)
        self._base = cursor_base(self._origin.number, snapshot, left_out=len(self._broken))
        return replace(snapshot, base=self._base)

    def _grown(self, held: Snapshot, parts: tuple[Part, ...]) -> Snapshot | None:
        """`held` with what its last part has got since, if that only adds points at the end of the last segment."""
        ids = [(part.id, part.started) for part in parts]
        if not held.segments or ids != [(part.id, part.started) for part in held.parts]:
            return None
        before, now, last = held.parts[-1].count, parts[-1].count, held.segments[-1]
        if now < before or parts[:-1] != held.parts[:-1] or last.where is not None or self._broken:
            return None
        if last.first + len(last) != sum(part.count for part in held.parts):
            return None  # the last segment does not end with the last part; one that merges parts has a `where`
        new = self._origin.points(self.key, parts[-1].id, before)
        steps = new.step
        if not np.isfinite(new.time).all():
            return None
        if len(steps) and (int(steps[0]) < int(last.step[-1]) or not bool((steps[1:] >= steps[:-1]).all())):
            return None
        if self._tail is None:
            self._tail = Tail(last)
        tail = self._tail.append(new)
        grown = (*parts[:-1], replace(parts[-1], count=before + len(new)))
        return replace(held, parts=grown, segments=(*held.segments[:-1], tail))

    def _without_broken(self, columns: Columns, parts: tuple[Part, ...], offsets: Sequence[int]) -> Columns:
        """The segment without the records that are known not to decode."""
        places = {part.id: offset for part, offset in zip(parts, offsets, strict=False)}
        broken = [places[part] + place for part, place in self._broken if part in places]
        if not broken:
            return columns
        at = np.arange(columns.first, columns.first + len(columns)) if columns.where is None else columns.where
        good = ~np.isin(at, np.array(broken))
        return replace(
            columns,
            step=columns.step[good],
            time=columns.time[good],
            value=None if columns.value is None else columns.value[good],
            where=at[good],
        )

    def _decode(self, snapshot: Snapshot, where: IntArray) -> list[Any]:
        """The decoded records at indices into the points of all parts. Damaged when some do not decode."""
        offsets = np.cumsum([0, *(part.count for part in snapshot.parts)])
        owner = np.searchsorted(offsets, where, side="right") - 1
        with self._lock:
            places = (where - offsets[owner]).tolist()
            names = [(snapshot.parts[part].id, place) for part, place in zip(owner.tolist(), places, strict=True)]
            new = self._load([name for name in names if name not in self._decoded])
            found = [new[name] if name in new else self._decoded[name] for name in names]
            size = sum(getattr(one, "nbytes", 0) + _OBJECT_BYTES for one in new.values())
            if self._decoded_bytes + size <= _KEPT_BYTES:
                self._decoded |= new
                self._decoded_bytes += size
            return found

    def _load(self, missing: list[tuple[str, int]]) -> dict[tuple[str, int], Any]:
        """These (part, place)s, decoded."""
        by_part: dict[str, list[int]] = {}
        for part, place in missing:
            by_part.setdefault(part, []).append(place)
        broken = []
        found: dict[tuple[str, int], Any] = {}
        for part, places in by_part.items():
            ordered = sorted(set(places))
            for place, payload in zip(ordered, self._origin.payloads(self.key, part, np.array(ordered)), strict=True):
                try:
                    found[part, place] = self.kind.decode(payload)
                except CorruptRecord:
                    broken.append((part, place))
        if broken:
            self._broken.update(broken)
            self._snapshot = None
            raise Damaged
        return found


@dataclass
class _Line:
    """A smoothed segment, and the state of its EMA at the end."""

    values: FloatArray
    state: Ema | None


def _line(segment: Columns, smoothing: Smoothing, held: _Line | None) -> _Line:
    """The smoothed line of one segment, from what is held of it where that helps."""
    value = segment.value
    assert value is not None  # noqa: S101 - for the type checker: only row kinds are smoothed
    if held is not None and len(held.values) == len(value):
        return held
    if smoothing.method != "ema":
        return _Line(smooth(value, smoothing), None)
    if held is None or held.state is None or len(held.values) > len(value):
        return _Line(*ema(value, smoothing.weight))
    more, state = ema(value[len(held.values) :], smoothing.weight, held.state)
    return _Line(np.concatenate([held.values, more]), state)


def _timed(points: Points) -> Points:
    """The points that have a time."""
    return points.take(np.flatnonzero(np.isfinite(points.time)))


def _joined(arrays: list[AnyArray], dtype: type[np.generic]) -> AnyArray:
    """The arrays one after the other; the array itself when it is alone."""
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.empty(0, dtype), *arrays])
