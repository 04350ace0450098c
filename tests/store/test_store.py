"""The store over real directory trees: what it finds, keeps, forgets, and tells."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visualdl.errors import UnknownSeries
from visualdl.kinds import histogram, image
from visualdl.log.reader import FileSet
from visualdl.store.question import Changes, Question, Smoothing
from visualdl.store.store import Store

Live = Callable[[Path], Any]


def only_run(store: Store) -> str:
    (run,) = store.runs()
    return run.id


def test_an_empty_or_missing_root_is_no_error(tmp_path: Path) -> None:
    store = Store([tmp_path, tmp_path / "missing"])
    before = store.progress
    assert store.refresh() == Changes(0, structure=False)
    assert (before, store.progress) == ((0, 0), None)
    assert store.runs() == ()
    assert {kind: dict(tags) for kind, tags in store.tags().items()} == {"scalar": {}, "image": {}, "histogram": {}}


def test_runs_are_found_at_any_depth_in_natural_order(tmp_path: Path, live: Live) -> None:
    for name in ("b10/train", "b2/train", "b2/test", "a"):
        live(tmp_path / name).rows([1.0])
    live(tmp_path).rows([1.0], tag="top")
    (tmp_path / "unrelated").mkdir()
    (tmp_path / "unrelated" / "weights.bin").write_bytes(b"\0" * 100)
    store = Store([tmp_path])
    changes = store.refresh()
    names = [run.name for run in store.runs()]
    assert names == ["a", "b2/test", "b2/train", "b10/train", tmp_path.name]
    assert changes.structure
    assert len(changes.advanced) == 5
    ids = {run.name: run.id for run in store.runs()}
    assert store.tags()["scalar"]["top"] == (ids[tmp_path.name],)
    assert store.tags()["scalar"]["loss"] == tuple(ids[name] for name in names[:4])


def test_ids_stay_the_same_and_are_no_paths(tmp_path: Path, live: Live) -> None:
    live(tmp_path / "run").rows([1.0])
    one, other = Store([tmp_path]), Store([tmp_path / "x" / ".."])
    one.refresh()
    other.refresh()
    assert only_run(one) == only_run(other)
    assert len(only_run(one)) == 12
    assert int(only_run(one), 16) >= 0


def test_several_roots_are_told_apart_by_name(tmp_path: Path, live: Live) -> None:
    live(tmp_path / "a" / "logs" / "run").rows([1.0])
    live(tmp_path / "b" / "logs" / "run").rows([1.0])
    store = Store([tmp_path / "a" / "logs", tmp_path / "b" / "logs", tmp_path / "a" / "logs"])
    store.refresh()
    assert [run.name for run in store.runs()] == ["a/logs/run", "b/logs/run"]


def test_runs_that_call_themselves_the_same_are_told_apart(tmp_path: Path, live: Live) -> None:
    for seed in ("seed1", "seed2"):
        live(tmp_path / seed).rows([1.0]).log.meta(display_name="baseline")
    store = Store([tmp_path])
    store.refresh()
    assert [run.display_name for run in store.runs()] == ["baseline (seed1)", "baseline (seed2)"]
    shutil.rmtree(tmp_path / "seed1")
    store.refresh()
    assert [run.display_name for run in store.runs()] == ["baseline"]


def test_a_refresh_tells_what_advanced_and_nothing_when_nothing_did(tmp_path: Path, live: Live) -> None:
    run = live(tmp_path / "run").rows([1.0])
    store = Store([tmp_path])
    assert store.refresh().revision == 1
    assert store.refresh() == Changes(1, structure=False)
    run.rows([2.0], steps=[1])
    assert store.refresh() == Changes(2, structure=False, advanced=(("scalar", "loss", only_run(store)),))
    run.rows([2.0], tag="accuracy")
    changes = store.refresh()
    assert changes.structure
    assert changes.advanced == (("scalar", "accuracy", only_run(store)),)
    assert list(store.tags()["scalar"]) == ["accuracy", "loss"]
    assert (store.revision, store.structure) == (3, 2)


def test_a_glance_reads_the_runs_that_grew_lately_and_leaves_the_rest_to_a_refresh(tmp_path: Path, live: Live) -> None:
    awake, asleep = live(tmp_path / "awake").rows([1.0]), live(tmp_path / "asleep").rows([1.0])
    store = Store([tmp_path], awake_seconds=60.0)
    store.refresh()
    ids = {run.name: run.id for run in store.runs()}
    assert store.glance().advanced == ()
    awake.rows([2.0], steps=[1])
    assert store.refresh().advanced == (("scalar", "loss", ids["awake"]),)
    awake.rows([3.0], steps=[2])
    asleep.rows([4.0], steps=[1])
    live(tmp_path / "new").rows([1.0])
    changes = store.glance()
    assert (changes.advanced, changes.structure) == ((("scalar", "loss", ids["awake"]),), False)
    assert store.glance() == Changes(changes.revision, structure=False)
    rest = store.refresh()
    assert {run for _, _, run in rest.advanced} == {run.id for run in store.runs()} - {ids["awake"]}
    shutil.rmtree(tmp_path / "awake")
    assert store.refresh().structure
    assert store.glance().advanced == ()


def test_a_run_that_rests_is_not_glanced_at(tmp_path: Path, live: Live) -> None:
    run = live(tmp_path).rows([1.0])
    store = Store([tmp_path], awake_seconds=0.0)
    store.refresh()
    run.rows([2.0], steps=[1])
    store.refresh()
    run.rows([3.0], steps=[2])
    assert store.glance().advanced == ()
    assert len(store.refresh().advanced) == 1


def test_the_end_of_a_writer_is_told_as_structure_alone(tmp_path: Path, live: Live) -> None:
    run = live(tmp_path / "run").rows([1.0])
    store = Store([tmp_path])
    store.refresh()
    assert store.runs()[0].live
    assert store.live
    run.close()
    assert store.refresh() == Changes(2, structure=True)
    assert not store.runs()[0].live
    assert not store.live


def test_a_run_whose_folder_is_gone_goes_and_a_new_one_in_its_place_comes(tmp_path: Path, live: Live) -> None:
    live(tmp_path / "run").rows([1.0] * 3).close()
    store = Store([tmp_path])
    store.refresh()
    run = only_run(store)
    question = Question(kind="scalar", tag="loss", run=run)
    assert len(store.read(question).points) == 3
    shutil.rmtree(tmp_path / "run")
    assert store.refresh().structure
    assert store.runs() == ()
    with pytest.raises(UnknownSeries, match=run):
        store.read(question)
    live(tmp_path / "run").rows([1.0, 1.0])
    store.refresh()
    assert len(store.read(question).points) == 2


def test_a_series_that_lost_a_file_is_told_and_a_tag_that_lost_its_only_one_goes(tmp_path: Path, live: Live) -> None:
    live(tmp_path).rows([1.0, 2.0]).close()
    gone = live(tmp_path).rows([3.0], steps=[2]).rows([1.0], tag="lr")
    gone.close()
    store = Store([tmp_path])
    store.refresh()
    run = only_run(store)
    gone.log.path.unlink()
    changes = store.refresh()
    assert changes == Changes(2, structure=True, advanced=(("scalar", "loss", run),))
    assert store.raw(run, "scalar", "loss").step.tolist() == [0, 1]
    assert list(store.tags()["scalar"]) == ["loss"]
    assert store.refresh() == Changes(2, structure=False)


def test_a_reading_in_small_steps_finds_the_same_and_shows_how_far_it_is(tmp_path: Path, live: Live) -> None:
    for i in range(12):
        live(tmp_path / f"r{i}").rows([1.0] * 100).close()
    store = Store([tmp_path])
    progress: list[tuple[int, int]] = []
    advanced: list[tuple[str, str, str]] = []
    passes = 0
    while store.progress is not None:
        progress.append(store.progress)
        changes = store.refresh(seconds=0.0)
        advanced += changes.advanced
        passes += 1
    assert passes > 12
    assert progress == sorted(progress)
    assert progress[-1][0] > 0
    assert progress[-1][1] == sum(path.stat().st_size for path in tmp_path.rglob("*.vdl"))
    assert len(store.runs()) == 12
    assert len(advanced) == len(set(advanced)) == 12


def test_a_refresh_without_a_limit_knows_all_that_was_written_before_it(tmp_path: Path, live: Live) -> None:
    runs = [live(tmp_path / f"r{i}").rows([1.0]) for i in range(5)]
    store = Store([tmp_path])
    store.refresh()
    for _ in range(12):
        for run in runs:
            run.rows([1.0])
        store.refresh(seconds=0.0)  # stops anywhere in the middle of everything
        for run in runs:
            run.rows([1.0])
        store.refresh()
        counts = {len(store.raw(info.id, "scalar", "loss")) for info in store.runs()}
        assert len(counts) == 1


def test_unknown_runs_kinds_tags_and_blobs_are_told_apart_from_errors(tmp_path: Path, live: Live) -> None:
    live(tmp_path).rows([1.0])
    store = Store([tmp_path])
    store.refresh()
    run = only_run(store)
    for wrong in (
        Question(kind="scalar", tag="loss", run="../../etc"),
        Question(kind="scalar", tag="nothing", run=run),
        Question(kind="image", tag="loss", run=run),
        Question(kind="hologram", tag="loss", run=run),
    ):
        with pytest.raises(UnknownSeries):
            store.read(wrong)
    with pytest.raises(UnknownSeries, match="00" * 16):
        store.blob(run, b"\0" * 16)


def test_raw_is_every_point_segment_after_segment(tmp_path: Path, live: Live) -> None:
    live(tmp_path).rows(range(5000), time=1000.0).close()
    live(tmp_path).rows(range(10), steps=range(100, 110), time=9000.0)
    store = Store([tmp_path])
    store.refresh()
    points = store.raw(only_run(store), "scalar", "loss")
    assert points.step.tolist() == [*range(5000), *range(100, 110)]
    assert points.value is not None
    assert points.value.tolist() == [*map(float, range(5000)), *map(float, range(10))]


def test_images_and_histograms_come_back_as_they_were_encoded(tmp_path: Path, live: Live) -> None:
    run = live(tmp_path)
    picture = image.encode(image.accept(np.full((4, 6, 3), 7, np.uint8), "HWC"))
    for step in range(3):
        run.record("image", "photo", step, picture.payload, *picture.blobs)
        spread = histogram.encode(histogram.accept(np.arange(100.0) * (step + 1), 10))
        run.record("histogram", "weights", step, spread.payload)
    store = Store([tmp_path])
    store.refresh()
    photos = store.read(Question(kind="image", tag="photo", run=only_run(store)))
    assert photos.points.value is None
    assert [(one.height, one.width, one.channels) for one in photos.points.decoded or ()] == [(4, 6, 3)] * 3
    assert store.blob(only_run(store), photos.points.decoded[0].blob) == picture.blobs[0]  # type: ignore[index]
    weights = store.read(Question(kind="histogram", tag="weights", run=only_run(store), start=1, stop=1))
    assert [int(one.counts.sum()) for one in weights.points.decoded or ()] == [100] * 3
    assert weights.total == 1
    assert histogram.columns(weights.points)["offsets"].tolist() == [0, 10, 20, 30]


def test_a_record_that_does_not_decode_is_left_out_and_counted(tmp_path: Path, live: Live) -> None:
    run = live(tmp_path)
    spread = histogram.encode(histogram.accept(np.arange(100.0), 10))
    for step in range(5):
        run.record("histogram", "weights", step, b"broken" if step in (1, 3) else spread.payload)
    store = Store([tmp_path])
    store.refresh()
    question = Question(kind="histogram", tag="weights", run=only_run(store))
    answer = store.read(question)
    assert answer.points.step.tolist() == [0, 2, 4]
    assert answer.total == answer.cursor % 10**9 == 3
    assert dict(store.runs()[0].skipped) == {"damaged histogram": 2}
    run.record("histogram", "weights", 5, spread.payload)
    store.refresh()
    assert store.read(question).points.step.tolist() == [0, 2, 4, 5]


def test_rows_that_turn_out_damaged_when_they_are_read_are_left_out_and_told(tmp_path: Path, live: Live) -> None:
    run = live(tmp_path).rows(range(40_000))
    run.close()
    store = Store([tmp_path])
    store.refresh()
    data = bytearray(run.log.path.read_bytes())
    data[2000:2064] = b"\xff" * 64  # inside the body of the first frame, which was good when it was found
    run.log.path.write_bytes(data)
    answer = store.read(Question(kind="scalar", tag="loss", run=only_run(store), n=10))
    assert 0 < answer.total < 40_000
    assert answer.points.step[-1] == 39_999
    assert np.isfinite(answer.points.time).all()
    assert store.refresh().structure
    assert len(store.runs()[0].gaps) == 1


def test_a_run_that_cannot_be_read_says_so_and_holds_up_no_other(
    tmp_path: Path, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [live(tmp_path / name).rows([1.0]) for name in ("a", "b", "c")]
    store = Store([tmp_path])
    store.refresh()
    read = FileSet.refresh

    def failing(self: FileSet) -> frozenset[int]:
        if self.path.parent.name == "b":
            raise RuntimeError("a fault of ours")
        return read(self)

    monkeypatch.setattr(FileSet, "refresh", failing)
    for run in runs:
        run.rows([2.0])
    changes = store.refresh()
    assert changes.structure
    assert len(changes.advanced) == 2
    assert store.runs()[1].gaps == ("the run could not be read: RuntimeError: a fault of ours",)
    assert not store.refresh().structure
    monkeypatch.undo()
    assert len(store.refresh().advanced) == 1
    assert store.runs()[1].gaps == ()


def test_memory_stays_within_its_bound_and_answers_stay_right(tmp_path: Path, live: Live) -> None:
    for i in range(8):
        live(tmp_path / f"r{i}").rows(np.arange(20_000.0) + i).close()
    store = Store([tmp_path], memory_bytes=4 << 20)
    store.refresh()
    for _ in range(2):
        for i, run in enumerate(store.tags()["scalar"]["loss"]):
            answer = store.read(Question(kind="scalar", tag="loss", run=run, smoothing=Smoothing("ema", 0.5)))
            assert answer.points.value is not None
            assert (answer.points.value[0], answer.points.value[-1]) == (float(i), 19_999.0 + i)
            assert store._memory.nbytes <= 4 << 20
            assert store._frames.used_bytes <= 2 << 20


def test_a_live_series_grows_without_being_read_again(tmp_path: Path, live: Live) -> None:
    run = live(tmp_path).rows(range(1000))
    store = Store([tmp_path])
    store.refresh()
    question = Question(kind="scalar", tag="loss", run=only_run(store), smoothing=Smoothing("ema", 0.5))
    store.read(question)
    (series,) = store._by_id[only_run(store)].held()
    first = series.snapshot()
    for i in range(1000, 3000, 100):
        run.rows(range(i, i + 100), steps=range(i, i + 100))
        store.refresh()
        answer = store.read(question)
        assert answer.cursor % 10**9 == i + 100
        assert answer.points.step[-1] == i + 99
    assert series.snapshot().base == first.base
    assert first.segments[0].step.tolist() == list(range(1000))  # an answer that somebody still reads has not changed
    assert store.raw(only_run(store), "scalar", "loss").step.tolist() == list(range(3000))


def test_many_threads_may_ask_while_the_logs_grow(tmp_path: Path, live: Live) -> None:
    runs = [live(tmp_path / f"r{i}").rows([0.0]) for i in range(3)]
    store = Store([tmp_path], memory_bytes=1 << 20)
    store.refresh()
    stop, failures = threading.Event(), []

    def ask(smoothing: Smoothing | None) -> None:
        try:
            while not stop.is_set():
                for run in store.tags()["scalar"]["loss"]:
                    answer = store.read(Question(kind="scalar", tag="loss", run=run, n=50, smoothing=smoothing))
                    assert answer.points.value is not None
                    assert (answer.points.value == answer.points.step).all()
                    assert answer.points.step[-1] == answer.cursor % 10**9 - 1
        except BaseException as error:
            failures.append(error)
            raise

    def refresh() -> None:
        while not stop.is_set():
            store.refresh(seconds=0.001)

    threads = [threading.Thread(target=ask, args=(s,)) for s in (None, Smoothing("ema", 0.9), Smoothing("median", 0.5))]
    threads.append(threading.Thread(target=refresh))
    for thread in threads:
        thread.start()
    for i in range(1, 1500, 30):
        for run in runs:
            run.rows(range(i, i + 30), steps=range(i, i + 30))
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    store.refresh()
    run = store.tags()["scalar"]["loss"][0]
    assert store.read(Question(kind="scalar", tag="loss", run=run)).cursor % 10**9 == 1501
