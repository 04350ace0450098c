"""Every source there is: which files of a folder make it a run, and what then reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from visualdl.log.reader import FrameCache
from visualdl.sources import vdl
from visualdl.sources.source import RunSource


class SourceKind(NamedTuple):
    """One origin of runs. match: which of a folder's file names are its own. open: the run in that folder."""

    match: Callable[[Sequence[str]], tuple[str, ...]]
    open: Callable[[Path, FrameCache], RunSource]


SOURCES: Final[tuple[SourceKind, ...]] = (SourceKind(vdl.match, vdl.open),)


def match(names: Sequence[str]) -> tuple[str, ...]:
    """The file names that some source reads; a folder without any is no run."""
    return tuple(name for source in SOURCES for name in source.match(names))


def open_run(path: Path, names: Sequence[str], cache: FrameCache) -> RunSource:
    """The run in a folder of which `match` found these names. Reads nothing yet."""
    source = next(source for source in SOURCES if source.match(names))
    run = source.open(path, cache)
    run.discover(names)
    return run
