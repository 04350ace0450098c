"""One run read back: the file sets of one folder, joined tag by tag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from visualdl.errors import CorruptLog, CorruptRecord
from visualdl.kinds.all import KIND_BY_NAME
from visualdl.kinds.image import DecodedImage
from visualdl.kinds.kind import FloatArray, IntArray, Payload
from visualdl.log.reader import FileSet, FrameCache, find_file_sets

_CACHE_BYTES = 64 << 20  # decoded frames


@dataclass(frozen=True)
class Rows:
    """All records of a row kind: step int64 (n,), time float64 (n,) seconds since 1970, value float64 (n,)."""

    step: IntArray
    time: FloatArray
    value: FloatArray


@dataclass(frozen=True)
class Entry:
    """One payload record: its step, its time (seconds since 1970), what its kind decoded, and where its blobs are."""

    step: int
    time: float
    decoded: Any
    files: FileSet

    def blob(self, address: bytes) -> bytes:
        """A blob that the record refers to. Raises CorruptLog when the log has lost it."""
        found = self.files.blob(address)
        if found is None:
            raise CorruptLog(
                f"the log has lost the blob {address.hex()} of step {self.step}; the file is damaged or was cut"
            )
        return found


class KnownFiles:
    """The file sets that a reader has met: each question reads only what is new in them."""

    def __init__(self) -> None:
        self._cache = FrameCache(_CACHE_BYTES)
        self._sets: dict[Path, FileSet] = {}

    def run(self, files: list[Path]) -> RunFiles:
        """The run that these files are, as it is now."""
        for path in files:
            if path not in self._sets:
                self._sets[path] = FileSet(path, cache=self._cache)
        return RunFiles([self._sets[path] for path in files])


class RunFiles:
    """The files of one run as they are now; made anew for each question, so it always answers the newest."""

    def __init__(self, sets: list[FileSet]) -> None:
        self._sets = sets
        for one in self._sets:
            one.refresh()

    @property
    def captions(self) -> dict[str, str]:
        """The captions that were set, by tag; the newest file has the last word."""
        told = [one.meta.get("captions") for one in self._sets]
        all_told = (item for some in told if isinstance(some, dict) for item in some.items())
        return {tag: text for tag, text in all_told if isinstance(text, str)}

    def tags(self, kind: str | None = None) -> dict[tuple[str, str], dict[str, Any]]:
        """(kind, tag) -> what was said of the tag when it was declared, in the order of their first records."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for one in self._sets:
            for tag in one.tags.values():
                if kind is None or tag.kind == kind:
                    found.setdefault((tag.kind, tag.name), dict(tag.meta))
        return found

    def rows(self, kind: str, tag: str) -> Rows:
        """Every record of one tag of a row kind, file after file, each in the order of the calls."""
        parts = [one.rows(number) for one, number in self._places(kind, tag)]
        if not parts:
            return Rows(np.empty(0, np.int64), np.empty(0), np.empty(0))
        step, time, value = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Rows(step, time, value)

    def entries(self, kind: str, tag: str) -> list[Entry]:
        """Every record of one tag of a payload kind, decoded. Raises CorruptRecord for what its kind did not write."""
        decode = KIND_BY_NAME[kind].decode
        return [
            Entry(record.step, record.time, decode(Payload(record.payload, record.blobs)), one)
            for one, number in self._places(kind, tag)
            for record in one.records(number, slice(None))
        ]

    def _places(self, kind: str, tag: str) -> Iterator[tuple[FileSet, int]]:
        for one in self._sets:
            for number, declared in one.tags.items():
                if (declared.kind, declared.name) == (kind, tag):
                    yield one, number


class Slot(NamedTuple):
    """Where the images of a tag belong: to slot `number` of `samples` of the tag that was declared."""

    tag: str
    number: int
    samples: int


def slot_of(name: str, meta: dict[str, Any]) -> Slot:
    """The slot that a tag is, by what was said of it; the only one of its own where that is nothing, or nonsense."""
    slot = Slot(meta.get("sample_of", ""), meta.get("sample", 0), meta.get("samples", 0))
    if type(slot.tag) is str and type(slot.number) is type(slot.samples) is int and 0 <= slot.number < slot.samples:
        return slot
    return Slot(name, 0, 1)


def run_folders(logdir: Path) -> dict[str, list[Path]]:
    """The runs directly below a logdir, name -> files, in the order in which they were begun; not the logdir's own."""
    found: dict[str, list[Path]] = {}
    for folder in logdir.iterdir() if logdir.is_dir() else ():
        if folder.is_dir():
            files = find_file_sets(folder)
            if files:
                found[folder.name] = files
    # The name of a file begins with the time at which its writer began.
    return dict(sorted(found.items(), key=lambda item: item[1][0].name))


def pixels(entry: Entry) -> npt.NDArray[np.uint8]:
    """The bytes of an image record: uint8 (height, width, channels). CorruptRecord when they are no such picture."""
    from PIL import Image

    about: DecodedImage = entry.decoded
    blob = entry.blob(about.blob)
    try:
        with Image.open(BytesIO(blob), formats=("PNG",)) as picture:
            if picture.size != (about.width, about.height):  # before it is inflated: it may be a bomb
                raise ValueError(f"it has {picture.size[0]} × {picture.size[1]} pixels")
            array = np.asarray(picture, dtype=np.uint8)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        size = f"{about.width} × {about.height}"
        raise CorruptRecord(f"the picture of step {entry.step} is no PNG of {size} pixels: {error}") from error
    if array.ndim == 2:
        array = array[..., np.newaxis]
    return array[..., : about.channels]  # two channels are stored as three
