"""One run out of the file sets of one folder, written by the real log."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from visualdl.errors import LogUnreadable
from visualdl.log.reader import FrameCache
from visualdl.log.writer import Log
from visualdl.sources import vdl
from visualdl.sources.source import SeriesKey
from visualdl.sources.vdl import VdlRun

LOSS = SeriesKey("scalar", "loss")


def encoded(step: int) -> tuple[bytes, list[bytes]]:
    return b"record %d" % step, [b"blob %d" % step]


def opened(folder: Path) -> VdlRun:
    run = vdl.open(folder, FrameCache(1 << 20))
    run.discover([path.name for path in folder.iterdir()])
    return run


def test_only_frames_of_our_log_are_its_files() -> None:
    assert vdl.match(["a.vdl", "a.head", "b.txt", "vdl"]) == ("a.vdl",)


def test_every_file_set_is_a_part_in_the_order_in_which_their_writers_began(tmp_path: Path) -> None:
    logs = [Log(tmp_path), Log(tmp_path)]
    for i, log in enumerate(logs):
        append = log.row_appender(log.tag("scalar", "loss"))
        for step in range(3):
            append(step, step + 10.0 * i, 100.0 * i + step)
        log.close()
    run = opened(tmp_path)
    assert run.series() == set()
    assert run.refresh() == {LOSS}
    first, second = run.parts(LOSS)
    assert (first.count, second.count) == (3, 3)
    assert (first.started or 0) <= (second.started or 0)
    points = run.points(LOSS, second.id, 1)
    assert points.step.tolist() == [1, 2]
    assert points.time.tolist() == [101.0, 102.0]
    assert points.value is not None
    assert points.value.tolist() == [11.0, 12.0]


def test_a_refresh_tells_only_what_is_longer_than_before(tmp_path: Path) -> None:
    log = Log(tmp_path)
    append = log.row_appender(log.tag("scalar", "loss"))
    append(0, 1.0, None)
    log.flush()
    run = opened(tmp_path)
    assert run.refresh() == {LOSS}
    assert run.refresh() == frozenset()
    append(1, 1.0, None)
    assert run.refresh() == {LOSS}
    log.close()  # the rows move from the head into a frame: nothing new
    assert run.refresh() == frozenset()
    assert not run.notes().live


def test_payload_records_come_with_their_blobs(tmp_path: Path) -> None:
    log = Log(tmp_path)
    tag = log.tag("image", "photo")
    for step in range(3):
        log.append(tag, step, None, partial(encoded, step), 10)
    log.close()
    run = opened(tmp_path)
    key = SeriesKey("image", "photo")
    assert run.refresh() == {key}
    (part,) = run.parts(key)
    assert run.points(key, part.id).value is None
    assert run.points(key, part.id).step.tolist() == [0, 1, 2]
    (found,) = run.payloads(key, part.id, np.array([2]))
    assert found.payload == b"record 2"
    assert run.blob(found.blobs[0]) == b"blob 2"
    assert run.blob(b"\0" * 16) is None


def test_the_notes_tell_names_captions_and_kinds_of_a_later_version(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.meta(display_name="the good one", captions={"loss": "how bad it is", "broken": 3})
    for tag in ("cube", "ball"):
        log.append(log.tag("hologram", tag), 0, None, lambda: (b"", []), 0)
    log.row_appender(log.tag("scalar", "loss"))(0, 1.0, None)
    log.flush()
    run = opened(tmp_path)
    assert run.refresh() == {LOSS}
    notes = run.notes()
    assert notes.display_name == "the good one"
    assert dict(notes.captions) == {"loss": "how bad it is"}
    assert dict(notes.skipped) == {"hologram": 2}
    assert notes.live
    assert notes.started is not None
    assert notes.updated is not None
    assert abs(notes.updated - notes.started) < 60
    log.close()


def test_names_that_utf_8_cannot_carry_are_made_into_names_that_it_can(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.meta(display_name="run \ud800", captions={"loss": "\udfff"})
    log.row_appender(log.tag("scalar", "loss \ud800"))(0, 1.0, None)
    log.append(log.tag("holo\ud800gram", "x"), 0, None, lambda: (b"", []), 0)
    log.close()
    log.path.rename(tmp_path / "caf\udce9.vdl")
    (tmp_path / "d\udce9sordre.vdl").mkdir()
    run = opened(tmp_path)
    run.refresh()
    assert run.series() == {SeriesKey("scalar", "loss ?")}
    notes = run.notes()
    assert (notes.display_name, dict(notes.captions), dict(notes.skipped)) == ("run ?", {"loss": "?"}, {"holo?gram": 1})
    assert notes.gaps == ("d?sordre.vdl cannot be read: Is a directory",)


def test_damage_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    log = Log(tmp_path)
    append = log.row_appender(log.tag("scalar", "loss"))
    for step in range(20_000):
        append(step, 1.0, None)
    log.close()
    data = bytearray(log.path.read_bytes())
    middle = len(data) // 3
    data[middle : middle + 64] = b"\xff" * 64
    log.path.write_bytes(data)
    run = opened(tmp_path)
    run.refresh()
    (gap,) = run.notes().gaps
    assert gap.startswith(f"{log.path.name}: ")
    assert sum(part.count for part in run.parts(LOSS)) < 20_000


def test_a_part_named_before_damage_was_found_has_no_points_at_places_that_others_have_now(tmp_path: Path) -> None:
    log = Log(tmp_path)
    append = log.row_appender(log.tag("scalar", "loss"))
    for step in range(60_000):
        append(step, float(step % 1000), None)
    log.close()
    run = opened(tmp_path)
    run.refresh()
    (before,) = run.parts(LOSS)
    data = bytearray(log.path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    log.path.write_bytes(data)
    assert len(run.points(LOSS, before.id)) < 60_000
    (now,) = run.parts(LOSS)
    assert now.id != before.id
    assert len(run.points(LOSS, before.id, 40_000, 40_010)) == 0
    assert run.outline(LOSS, before.id, 0) == []
    assert len(run.points(LOSS, now.id, 20_000, 20_010)) == 10


def test_a_file_that_is_no_log_is_told_as_damage_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "x.vdl").write_bytes(b"something else entirely " * 100)
    (tmp_path / "empty.vdl").touch()
    run = opened(tmp_path)
    assert run.refresh() == frozenset()
    assert len(run.notes().gaps) == 1


def test_a_file_that_cannot_be_opened_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "x.vdl").mkdir()  # what root cannot open either
    run = opened(tmp_path)
    assert run.refresh() == frozenset()
    assert run.notes().gaps == ("x.vdl cannot be read: Is a directory",)
    (tmp_path / "x.vdl").rmdir()
    (tmp_path / "x.vdl").touch()
    run.refresh()
    assert run.notes().gaps == ()


def test_a_file_set_that_is_gone_is_gone_with_its_points_and_no_error(tmp_path: Path) -> None:
    logs = [Log(tmp_path), Log(tmp_path)]
    for log in logs:
        log.row_appender(log.tag("scalar", "loss"))(0, 1.0, None)
        log.append(log.tag("image", "photo"), 0, None, lambda: (b"record", []), 10)
        log.close()
    run = opened(tmp_path)
    run.refresh()
    gone = run.parts(LOSS)[0]
    photo = run.parts(SeriesKey("image", "photo"))[0]
    run.discover([logs[1].path.name])
    assert len(run.parts(LOSS)) == 1
    assert len(run.points(LOSS, gone.id)) == 0
    with pytest.raises(LogUnreadable, match="not there any more"):
        run.payloads(SeriesKey("image", "photo"), photo.id, np.array([0]))


def test_progress_knows_the_size_of_files_before_they_are_read(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.row_appender(log.tag("scalar", "loss"))(0, 1.0, None)
    log.close()
    run = opened(tmp_path)
    size = log.path.stat().st_size
    assert run.progress == (0, size)
    run.refresh()
    assert run.progress == (size, size)
