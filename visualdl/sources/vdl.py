"""Our own log: all file sets of one folder are one run, whoever wrote them and whenever."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from visualdl.errors import LogUnreadable
from visualdl.kinds.all import KIND_BY_NAME
from visualdl.kinds.kind import AnyArray, IntArray, Payload, Points
from visualdl.log.columns import seconds
from visualdl.log.digest import BLOCK_ROWS, digest_dtype, is_sound
from visualdl.log.reader import Digested, FileSet, FrameCache
from visualdl.log.scan import open_to_read
from visualdl.sources.source import BLOCK, Outline, Part, RunNotes, SeriesKey

SUFFIX: Final = ".vdl"
_SHOWN_GAPS: Final = 20
"""Gaps told one by one for one file; a file with more of them gets a count for the rest."""
_LONGEST_NAME: Final = 1000
"""Characters of a name that are shown; a question about a longer one would fit into no address."""
_LONGEST_CAPTION: Final = 10_000
_SHARED_TAGS: Final = 1000
"""File sets with at most so many tags share what they have in common with others."""
_MOST_CAPTIONS: Final = 10_000
_MOST_KINDS: Final = 20
_MOST_DROPPED: Final = (1 << 53) - 1  # a browser counts no further


def match(names: Sequence[str]) -> tuple[str, ...]:
    """Those of a folder's file names that are frames of our log."""
    return tuple(name for name in names if name.endswith(SUFFIX))


def open(path: Path, cache: FrameCache) -> VdlRun:
    """The run in a folder. Reads nothing yet."""
    return VdlRun(path, cache)


class VdlRun:
    """The `RunSource` over the file sets of one folder."""

    def __init__(self, path: Path, cache: FrameCache) -> None:
        self._path = path
        self._cache = cache
        self._sets: dict[str, FileSet] = {}
        self._unread: dict[str, str] = {}  # file name -> why
        self._keys: dict[str, _Keys] = {}  # file name -> its series
        self._states: dict[str, tuple[object, ...]] = {}  # file name -> what the notes were made of
        self._counts: dict[str, dict[int, int]] = {}  # file name, while it is open -> tag id -> points so far
        self._sizes: dict[str, int] = {}  # file name -> bytes when it was found
        self._shortened: set[SeriesKey] = set()  # what had points in a file that is gone, until the next refresh
        self._updated: float | None = None
        self._notes: RunNotes | None = None

    def discover(self, names: Sequence[str]) -> None:
        """The file sets of the folder are now these; one whose file is gone is gone with its points."""
        wanted = sorted(match(names))  # names begin with the time: this is the order in which the writers began
        for name in [name for name in self._sets if name not in set(wanted)]:
            self._shortened.update(self._keys[name].of)
            for kept in (self._sets, self._keys, self._unread, self._states, self._counts, self._sizes):
                kept.pop(name, None)
        for name in wanted:
            if name not in self._sets:
                self._sets[name] = FileSet(self._path / name, cache=self._cache)
                self._keys[name] = _NO_KEYS
                self._sizes[name] = _size(self._path / name)
        self._sets = {name: self._sets[name] for name in wanted}
        self._notes = None

    def refresh(self) -> frozenset[SeriesKey]:
        """Read what is new in every file set that is still open; the series that advanced, or are new or shorter."""
        advanced = self._shortened & self.series() if self._shortened else set()
        self._shortened.clear()
        for name, file_set in self._sets.items():
            ids: frozenset[int] = frozenset()
            if file_set.closed is None:  # otherwise its writer has said that nothing follows
                ids = file_set.refresh()
                if not file_set.bytes_read or name in self._unread:
                    self._note_unread(name)
            state = _state(file_set)  # compared also when closed: damage may show only when points are read
            if self._states.get(name) != state:
                self._states[name] = state
                self._notes = None
            if ids:
                self._notes = None
                self._touch(name)
                self._learn(name, file_set)
                advanced.update(self._advanced(name, file_set, ids))
                if file_set.closed is not None:
                    self._counts.pop(name, None)
        return frozenset(advanced)

    @property
    def at_rest(self) -> bool:
        """Whether every file set was closed by its writer."""
        return all(one.closed is not None for one in self._sets.values())

    def series(self) -> frozenset[SeriesKey]:
        """Every series that has a point or was declared."""
        found = [keys.series for keys in self._keys.values()]
        return found[0] if len(found) == 1 else frozenset().union(*found)

    def parts(self, key: SeriesKey) -> tuple[Part, ...]:
        """One part a file set."""
        return tuple(
            Part(f"{name}:{tag_id}.{self._sets[name].lost}", self._sets[name].count(tag_id), self._sets[name].started)
            for name in self._sets
            for tag_id in self._keys[name].of.get(key, ())
        )

    def points(self, key: SeriesKey, part: str, start: int = 0, stop: int | None = None) -> Points:
        """The points [start, stop) that one file set has of a series; none when they are no longer the ones meant."""
        file_set, tag_id = self._part(part)
        if file_set is None or (self._has_lost(part) and (start, stop) != (0, None)):
            return Points(np.empty(0, np.int64), np.empty(0), np.empty(0) if KIND_BY_NAME[key.kind].rows else None)
        if KIND_BY_NAME[key.kind].rows:
            return Points(*file_set.rows(tag_id, start, stop))
        step, time = file_set.record_index(tag_id, start)
        return Points(step[: stop and stop - start], time[: stop and stop - start])

    def outline(self, key: SeriesKey, part: str, start: int) -> list[Outline]:
        """The digests in the frames of one file set; one stretch a frame."""
        file_set, tag_id = self._part(part)
        return [
            Outline(one.start, one.stop, _blocks(one))
            for one in (file_set.digests(tag_id, start) if file_set is not None and not self._has_lost(part) else ())
        ]

    def payloads(self, key: SeriesKey, part: str, where: IntArray) -> list[Payload]:
        """The payloads of some records of one file set."""
        file_set, tag_id = self._part(part)
        if file_set is None:
            raise LogUnreadable(f"{self._path / part.rpartition(':')[0]} is not there any more")
        return [Payload(record.payload, record.blobs) for record in file_set.records(tag_id, where.tolist())]

    def blob(self, address: bytes) -> bytes | None:
        """A blob, from whichever file set has it."""
        for file_set in list(self._sets.values()):
            found = file_set.blob(address)
            if found is not None:
                return found
        return None

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read, and bytes found."""
        sets = list(self._sets.items())
        found = sum(max(one.bytes_total, self._sizes.get(name, 0)) for name, one in sets)
        return sum(one.bytes_read for _, one in sets), found

    def notes(self) -> RunNotes:
        """What the metadata, the ends and the damage of all file sets come to."""
        if self._notes is None:
            self._notes = self._noted()
        return self._notes

    def _noted(self) -> RunNotes:
        sets = list(self._sets.values())
        meta: dict[str, Any] = {}
        captions: dict[str, str] = {}
        for one in sets:
            meta.update(one.meta)
            captions.update(_texts(one.meta.get("captions")))
        name = meta.get("display_name")
        unknown = {key for keys in self._keys.values() for key in keys.unknown.values()}
        return RunNotes(
            display_name=_name(name) if isinstance(name, str) and name else None,
            live=any(one.live for one in sets),
            dropped=min(sum(one.dropped for one in sets), _MOST_DROPPED),
            gaps=self._gaps(),
            skipped=_counted(key.kind for key in unknown),
            captions=captions,
            started=min((one.started for one in sets), default=None),
            updated=self._updated,
        )

    def _gaps(self) -> tuple[str, ...]:
        """One sentence a gap."""
        told = [f"{name} cannot be read: {reason}" for name, reason in self._unread.items()]
        for name, one in self._sets.items():
            gaps = list(one.gaps)
            told += [f"{name}: {gap.length} bytes from byte {gap.offset}: {gap.reason}" for gap in gaps[:_SHOWN_GAPS]]
            if len(gaps) > _SHOWN_GAPS:
                told.append(f"{name}: and {len(gaps) - _SHOWN_GAPS} more damaged places")
            left = one.bytes_total - one.bytes_read
            seen = name in self._unread or any(gap.offset + gap.length >= one.bytes_total for gap in gaps)
            if left > 0 and not one.live and not seen:
                told.append(f"{name}: the last {left} bytes are the beginning of a frame that was never finished")
        return tuple(_text(sentence) for sentence in told)

    def _note_unread(self, name: str) -> None:
        """Note whether the file can be opened, and why not."""
        try:
            with open_to_read(str(self._path / name)):
                reason = ""
        except OSError as error:
            reason = error.strerror or type(error).__name__
        if self._unread.get(name, "") != reason:
            self._unread[name] = reason
            self._notes = None
        if not reason:
            self._unread.pop(name, None)

    def _advanced(self, name: str, file_set: FileSet, ids: Iterable[int]) -> Iterator[SeriesKey]:
        """Which of the series that were touched are new or longer: rows put into a frame are touched, but not new."""
        counts, known = self._counts.setdefault(name, {}), self._keys[name].known
        for tag_id in ids:
            key, count = known.get(tag_id), file_set.count(tag_id)
            if key is not None and counts.get(tag_id) != count:
                counts[tag_id] = count
                yield key

    def _learn(self, name: str, file_set: FileSet) -> None:
        """Note the series that a file set has declared since the last look."""
        keys, tags = self._keys[name], file_set.tags
        if len(keys.known) + len(keys.unknown) < len(tags):
            told = tuple((tag_id, tag.kind, tag.name) for tag_id, tag in tags.items())
            self._keys[name] = _shared_keys(told) if len(told) <= _SHARED_TAGS else _Keys(told)

    def _part(self, part: str) -> tuple[FileSet | None, int]:
        name, _, tag_id = part.rpartition(":")
        return self._sets.get(name), int(tag_id.partition(".")[0])

    def _has_lost(self, part: str) -> bool:
        """Whether damage was found since this part was named: what comes after it has other places now."""
        name, _, tag_id = part.rpartition(":")
        return int(tag_id.partition(".")[2]) != self._sets[name].lost

    def _touch(self, name: str) -> None:
        """Note when the file set was last written to."""
        path = os.path.join(self._path, name)
        for file in (path, f"{path.removesuffix(SUFFIX)}.head"):
            try:
                changed = os.stat(file).st_mtime
            except OSError:
                continue
            self._updated = changed if self._updated is None else max(self._updated, changed)


class _Keys:
    """The series of one file set, by tag id; never changed, so that the runs that have the same ones share them.

    known, unknown: those whose kind this version knows, and the others. of: the tag ids of each that is known.
    """

    __slots__ = ("known", "of", "series", "unknown")

    def __init__(self, tags: tuple[tuple[int, str, str], ...]) -> None:
        self.known: dict[int, SeriesKey] = {}
        self.unknown: dict[int, SeriesKey] = {}
        self.of: dict[SeriesKey, list[int]] = {}
        for tag_id, kind, name in tags:
            key = SeriesKey(_name(kind), _name(name))
            if kind in KIND_BY_NAME:
                self.known[tag_id] = key
                self.of.setdefault(key, []).append(tag_id)
            else:
                self.unknown[tag_id] = key
        self.series = frozenset(self.of)


_NO_KEYS: Final = _Keys(())
_shared_keys = lru_cache(maxsize=256)(_Keys)


def _blocks(one: Digested) -> AnyArray | None:
    """Digests as the log has them, as `source.BLOCK` has them; None when there are none, or they make no sense."""
    if not one.blocks:
        return None
    told = np.frombuffer(one.blocks, digest_dtype())
    blocks = np.zeros(len(told), BLOCK)
    for name in ("step", "value", "at", "apart", "ascends"):
        blocks[name] = told[name]
    blocks["time"] = seconds(told["time"])
    blocks["rows"] = BLOCK_ROWS
    blocks["rows"][-1] = one.stop - one.start - BLOCK_ROWS * (len(told) - 1)
    return blocks if is_sound(told, blocks["rows"]) else None


def _state(file_set: FileSet) -> tuple[object, ...]:
    """What of a file set the notes depend on, beside its points."""
    read, found = file_set.bytes_read, file_set.bytes_total
    return file_set.live, file_set.closed, file_set.dropped, read, found, len(file_set.gaps)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _text(text: str) -> str:
    """`text` as UTF-8 can carry it: half a surrogate pair, from a strange log or file name, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _name(text: str) -> str:
    """`text` as `_text`, at a length that can be shown and asked for; what is cut stays different where it was."""
    text = _text(text)
    if len(text) <= _LONGEST_NAME:
        return text
    sign = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[:_LONGEST_NAME]}… ({len(text)} characters, {sign})"


def _counted(kinds: Iterable[str]) -> Mapping[str, int]:
    """How many of each kind; of too many sorts of kinds the rarest together."""
    counts = Counter(kind[:100] for kind in kinds)
    told = dict(counts.most_common(_MOST_KINDS))
    others = counts.total() - sum(told.values())
    return {**told, "other kinds": others} if others else told


def _texts(captions: object) -> Mapping[str, str]:
    """What of a metadata value is captions: anything else in a log is passed over."""
    if not isinstance(captions, dict):
        return {}
    return {
        _name(tag): _text(text[:_LONGEST_CAPTION])
        for tag, text in islice(captions.items(), _MOST_CAPTIONS)
        if isinstance(text, str)
    }
