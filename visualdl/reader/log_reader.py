"""LogReader: logs read back in Python, with the calls of VisualDL 1.x and 2.x."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, overload

from visualdl.kinds.all import KINDS
from visualdl.log.reader import find_file_sets
from visualdl.reader.records_1x import HistogramReader, ImageReader, ScalarReader
from visualdl.reader.records_2x import (
    HistogramRecord,
    ImageRecord,
    Record,
    ScalarRecord,
    read_histograms,
    read_images,
    read_scalars,
)
from visualdl.reader.run import Entry, KnownFiles, RunFiles, run_folders, slot_of

if TYPE_CHECKING:
    from typing_extensions import Self

DEFAULT_MODE = "default"
_TYPES = ("float", "double", "int")
_READERS_2X: dict[str, Callable[[RunFiles, str], Sequence[Record]]] = {
    "scalar": read_scalars,
    "image": read_images,
    "histogram": read_histograms,
}


class LogReader:
    """Reads what a LogWriter wrote, also while it is still writing. Each call reads the newest; it never writes.

    As in 1.x, a mode at a time::

        reader = LogReader("logs")
        with reader.mode("train"):
            reader.scalar("loss").records()

    As in 2.x, from a folder or from one file::

        LogReader(file_path=writer.file_name).get_data("scalar", "loss")[0].value

    It reads the logs of this version. The board also opens those of VisualDL 1.x and 2.x and of TensorBoard.
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str] = "",
        file_path: str | os.PathLike[str] = "",
        *,
        dir: str | os.PathLike[str] = "",
    ) -> None:
        """logdir: a folder (1.x calls it `dir`). file_path: one .vdl file. One of them; nothing is opened yet.

        Raises TypeError unless exactly one is given.
        """
        given = [os.fspath(path) for path in (logdir, file_path, dir) if path]
        if len(given) != 1:
            raise TypeError(f"wanted a logdir (1.x: dir) or a file_path, got {len(given)} of them; give one")
        self._file = Path(file_path) if file_path else None
        self._logdir = Path(given[0])
        self._mode = DEFAULT_MODE
        self._known = KnownFiles()

    def __reduce__(self) -> tuple[Callable[..., LogReader], tuple[Any, ...]]:
        return _reopened, (type(self), self._file, self._logdir, self._mode)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {str(self._logdir)!r}, mode {self._mode!r}>"

    @property
    def dir(self) -> str:
        """The folder or file that this reader reads."""
        return str(self._logdir)

    logdir = dir

    # ------------------------------------------------------------------------------------------------------------ 1.x

    def mode(self, mode: str) -> Self:
        """Switch to a mode, and return this reader. After `with reader.mode("train"):` it is in mode `default`.

        `default` is the logdir itself. Raises AssertionError (as 1.x) for `%` or `/` in the name.
        """
        for character in "%/":
            if character in mode:
                raise AssertionError(
                    f"the character {character!r} is reserved, it cannot be in a mode, and is in {mode!r}"
                )
        self._mode = mode
        return self

    def as_mode(self, mode: str) -> Self:
        """Another reader of the same logs, in this mode."""
        reader = type(self)(file_path=self._file) if self._file else type(self)(self._logdir)
        return reader.mode(mode)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._mode = DEFAULT_MODE

    def modes(self) -> list[str]:
        """The modes that have a record, in the order of their first; not `default`, which is the logdir itself."""
        return [] if self._file else list(run_folders(self._logdir))

    def tags(self, component: str) -> list[str]:
        """The tags of a component ("scalar", "image", "histogram") in the current mode, in the order of first records.

        [] when only other modes have such tags; RuntimeError (as 1.x) when no mode has, or the component is unknown.
        """
        found = self._tags_1x(self._run(), component)
        if not found and not any(self._tags_1x(run, component) for run in self._every_run()):
            names = ", ".join(kind.name for kind in KINDS)
            raise RuntimeError(f"no {component!r} was logged in {self.dir!r}; the components are {names}")
        return found

    def scalar(self, tag: str, type: str = "float") -> ScalarReader:
        """The records of a scalar tag so far. RuntimeError (as 1.x) without such a tag, KeyError for the type."""
        if type not in _TYPES:
            raise KeyError(f"wanted a type out of {', '.join(map(repr, _TYPES))}, got {type!r}")
        run = self._run_with("scalar", tag)
        return ScalarReader(run.rows("scalar", tag), run.captions.get(tag, self._mode), type == "int")

    def histogram(self, tag: str, type: str = "float") -> HistogramReader:
        """The records of a histogram tag so far. Errors as scalar()."""
        if type not in _TYPES:
            raise KeyError(f"wanted a type out of {', '.join(map(repr, _TYPES))}, got {type!r}")
        return HistogramReader(self._run_with("histogram", tag).entries("histogram", tag))

    def image(self, tag: str) -> ImageReader:
        """The phases of an image tag so far. Raises RuntimeError (as 1.x) when the mode has no such tag."""
        run = self._run_with("image", tag)
        samples, slots = 1, dict[int, list[Entry]]()
        for (_, name), meta in run.tags("image").items():  # a resumed run may have logged one a phase, and several
            slot = slot_of(name, meta)
            if slot.tag == tag:
                samples = max(samples, slot.samples)
                slots.setdefault(slot.number, []).extend(run.entries("image", name))
        return ImageReader(slots, samples, run.captions.get(tag, tag))

    # ------------------------------------------------------------------------------------------------------------ 2.x

    def get_tags(self) -> dict[str, list[str]]:
        """Component -> the tags of the current mode; components without a tag are left out."""
        found: dict[str, list[str]] = {}
        for kind, tag in self._run().tags():
            found.setdefault(kind, []).append(tag)
        return found

    @overload
    def get_data(self, component: Literal["scalar"], tag: str) -> list[ScalarRecord]: ...
    @overload
    def get_data(self, component: Literal["image"], tag: str) -> list[ImageRecord]: ...
    @overload
    def get_data(self, component: Literal["histogram"], tag: str) -> list[HistogramRecord]: ...
    @overload
    def get_data(self, component: str, tag: str) -> Sequence[Record]: ...
    def get_data(self, component: str, tag: str) -> Sequence[Record]:
        """Every record of a tag, with .id (the step), .tag, .timestamp (ms) and .value, .image or .histogram.

        [] (as 2.x) for an unknown tag or component.
        """
        read = _READERS_2X.get(component)
        return read(self._run(), tag) if read else []

    def get_scalar(self, tag: str) -> list[ScalarRecord]:
        """get_data("scalar", tag)."""
        return self.get_data("scalar", tag)

    def get_image(self, tag: str) -> list[ImageRecord]:
        """get_data("image", tag)."""
        return self.get_data("image", tag)

    def get_histogram(self, tag: str) -> list[HistogramRecord]:
        """get_data("histogram", tag)."""
        return self.get_data("histogram", tag)

    # ---------------------------------------------------------------------------------------------------------- inside

    def _run(self) -> RunFiles:
        """The run of the current mode. Raises FileNotFoundError or NotADirectoryError for a path that is not there."""
        if self._file:
            if not self._file.is_file():
                raise FileNotFoundError(f"wanted a file of a log, and there is none at {self.dir!r}")
            if self._file.suffix != ".vdl":
                raise ValueError(f"wanted a .vdl file, got {self.dir!r}; LogReader reads the logs of this version")
            return self._known.run([self._file])
        if not self._logdir.is_dir():
            what = "is a file; give it as file_path" if self._logdir.exists() else "does not exist"
            raise FileNotFoundError(f"wanted a folder of logs, and {self.dir!r} {what}")
        folder = self._logdir if self._mode == DEFAULT_MODE else self._logdir / self._mode
        return self._known.run(find_file_sets(folder) if folder.is_dir() else [])

    def _every_run(self) -> list[RunFiles]:
        folders = {} if self._file else run_folders(self._logdir)
        return [*map(self._known.run, folders.values()), self.as_mode(DEFAULT_MODE)._run()]

    def _tags_1x(self, run: RunFiles, component: str) -> list[str]:
        """Tags as they were declared: the slots of a sampled image are one tag."""
        return list(dict.fromkeys(slot_of(name, meta).tag for (_, name), meta in run.tags(component).items()))

    def _run_with(self, component: str, tag: str) -> RunFiles:
        run = self._run()
        if tag not in self._tags_1x(run, component):
            there = ", ".join(map(repr, self._tags_1x(run, component))) or "none"
            raise RuntimeError(f"no {component} {tag!r} in the mode {self._mode!r} of {self.dir!r}; there: {there}")
        return run


def _reopened(kind: type[LogReader], file: Path | None, logdir: Path, mode: str) -> LogReader:
    """A copy of a reader, in this process or another; what had been read stays behind."""
    return (kind(file_path=file) if file else kind(logdir)).mode(mode)
