"""What a run says of itself is cut to a length that a board can show; what cannot be read is told and waited for by
nobody."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from visualdl.log.frame import CLOSE, META, TAGS, pack_frame
from visualdl.log.reader import FrameCache
from visualdl.log.writer import Log
from visualdl.sources import vdl
from visualdl.sources.source import SeriesKey
from visualdl.sources.vdl import VdlRun


def opened(folder: Path) -> VdlRun:
    run = vdl.open(folder, FrameCache(1 << 20))
    run.discover([path.name for path in folder.iterdir()])
    run.refresh()
    return run


def write(path: Path, *frames: tuple[int, object]) -> None:
    bodies = [(type, json.dumps(said).encode()) for type, said in frames]
    path.write_bytes(b"".join(pack_frame(type, seq, body=body) + body for seq, (type, body) in enumerate(bodies)))


def test_names_without_end_are_cut_and_still_told_apart(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.meta(display_name="d" * 100_000, captions={"loss": "c" * 1_000_000})
    names = ["loss" * 100_000 + end for end in ("a", "b")]
    for at, name in enumerate(names):
        log.row_appender(log.tag("scalar", name))(0, float(at), None)
    log.close()
    run = opened(tmp_path)
    keys = sorted(run.series())
    assert len(keys) == 2
    assert max(len(key.tag) for key in keys) < 2000
    values = {run.points(key, run.parts(key)[0].id).value[0] for key in keys}  # type: ignore[index]
    assert values == {0.0, 1.0}
    notes = run.notes()
    assert notes.display_name is not None
    assert len(notes.display_name) < 2000
    assert len(notes.captions["loss"]) < 20_000


def test_kinds_that_nobody_knows_are_told_in_few_words(tmp_path: Path) -> None:
    tags = [{"id": i, "kind": f"k{i}" + "x" * 2000, "tag": "t"} for i in range(1000)]
    write(tmp_path / "a.vdl", (TAGS, tags))
    skipped = opened(tmp_path).notes().skipped
    assert sum(skipped.values()) == 1000
    assert len(skipped) < 30
    assert max(map(len, skipped)) < 200


def test_more_was_dropped_than_any_browser_counts(tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path / f"{name}.vdl", (CLOSE, {"dropped": (1 << 53) - 1}))
    assert opened(tmp_path).notes().dropped == (1 << 53) - 1


def test_captions_by_the_thousand_are_cut_off(tmp_path: Path) -> None:
    write(tmp_path / "a.vdl", (META, {"captions": {f"t{i}": "x" for i in range(100_000)}}))
    assert len(opened(tmp_path).notes().captions) <= 10_000


def test_a_frame_that_was_never_finished_is_told_once_nobody_writes(tmp_path: Path) -> None:
    log = Log(tmp_path)
    append = log.row_appender(log.tag("scalar", "loss"))
    for step in range(100):
        append(step, 1.0, None)
    log.close()
    data = log.path.read_bytes()
    log.path.write_bytes(data[:-10])
    (gap,) = opened(tmp_path).notes().gaps
    assert "never finished" in gap


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_among_the_logs_is_told_and_waited_for_by_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.vdl")
    write(tmp_path / "b.vdl", (TAGS, [{"id": 0, "kind": "scalar", "tag": "loss"}]))
    os.mkfifo(tmp_path / "b.head")
    run = opened(tmp_path)
    assert list(run.series()) == [SeriesKey("scalar", "loss")]
    assert run.notes().gaps == ("a.vdl cannot be read: it is no regular file",)
