"""Answers: range, neighbours, budget, cursor, segments, the smoothed line; on real logs."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from visualdl.errors import BadRequest
from visualdl.kinds.kind import FloatArray
from visualdl.store.question import Answer, Question, Segment, Smoothing
from visualdl.store.smooth import ema
from visualdl.store.store import Store

Live = Callable[[Path], Any]
EMA = Smoothing("ema", 0.9)


def opened(*roots: Path) -> Store:
    store = Store(roots)
    assert store.refresh().complete
    return store


def ask(store: Store, tag: str = "loss", **question: Any) -> Answer:
    (run,) = store.tags()["scalar"][tag]
    return store.read(Question(kind="scalar", tag=tag, run=run, **question))


def values_of(answer: Answer) -> FloatArray:
    assert answer.points.value is not None
    return answer.points.value


def test_few_points_are_answered_as_they_are(tmp_path: Path, live: Live) -> None:
    live(tmp_path).rows([1.0, math.nan, -math.inf], time=1000.0)
    answer = ask(opened(tmp_path))
    assert answer.points.step.tolist() == [0, 1, 2]
    assert answer.points.time.tolist() == [1000.0, 1001.0, 1002.0]
    assert repr(values_of(answer).tolist()) == "[1.0, nan, -inf]"
    assert (answer.total, answer.exact, answer.cursor % 10**9, answer.since) == (3, True, 3, 0)
    assert answer.segments == (Segment(0, 3, None),)
    assert answer.smooth is None
    assert answer.origin == 1000.0


def test_many_points_are_thinned_and_nothing_is_hidden(tmp_path: Path, live: Live) -> None:
    values = np.sin(np.arange(20_000) / 500)
    values[[77, 9_999]] = [50.0, -50.0]
    values[[5, 19_998]] = [math.nan, math.inf]
    live(tmp_path).rows(values.tolist())
    answer = ask(opened(tmp_path), n=200)
    assert {0, 5, 77, 9_999, 19_998, 19_999} <= set(answer.points.step.tolist())
    assert len(answer.points) <= 202
    assert (answer.total, answer.exact, answer.cursor % 10**9) == (20_000, False, 20_000)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.one_of(st.none(), st.integers(-5, 310)), width=st.integers(0, 400), n=st.integers(4, 400))
def test_a_range_holds_its_extremes_and_one_neighbour_on_either_side(
    sawtooth: Store, start: int | None, width: int, n: int
) -> None:
    stop = None if start is None else start + width
    answer = ask(sawtooth, start=start, stop=stop, n=n)
    steps = answer.points.step
    low, high = -1 if start is None else start, 300 if stop is None else stop
    inside = (steps >= low) & (steps <= high)
    every = np.arange(0, 300, 3)
    wanted = every[(every >= low) & (every <= high)]
    assert answer.total == len(wanted)
    assert answer.exact == (inside.sum() == len(wanted))
    assert steps[steps < low].tolist() == every[every < low][-1:].tolist()
    assert steps[steps > high].tolist() == every[every > high][:1].tolist()
    if len(wanted):
        assert values_of(answer)[inside].max() == (wanted % 7).max()
        assert values_of(answer)[inside].min() == (wanted % 7).min()


@pytest.fixture(scope="module")
def sawtooth(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One hundred points at every third step, each its step modulo 7."""
    from visualdl.log.writer import Log

    folder = tmp_path_factory.mktemp("sawtooth")
    log = Log(folder)
    append = log.row_appender(log.tag("scalar", "loss"))
    for step in range(0, 300, 3):
        append(step, float(step % 7), 1000.0 + step)
    log.close()
    return opened(folder)


def test_between_two_points_a_range_still_has_the_line_that_crosses_it(sawtooth: Store) -> None:
    answer = ask(sawtooth, start=4, stop=5)
    assert answer.points.step.tolist() == [3, 6]
    assert (answer.total, answer.exact) == (0, True)


@pytest.mark.parametrize(
    ("start", "stop", "steps"),
    [
        (-math.inf, math.inf, [-(2**63), 0, 2**63 - 1]),
        (-0.5, 0.5, [-(2**63), 0, 2**63 - 1]),
        (0.5, 1e300, [0, 2**63 - 1]),
        (1e300, None, [2**63 - 1]),
        (None, -1e300, [-(2**63)]),
    ],
)
def test_the_farthest_steps_and_bounds_are_no_problem(
    tmp_path: Path, live: Live, start: float | None, stop: float | None, steps: list[int]
) -> None:
    live(tmp_path).rows([1.0, 2.0, 3.0], steps=[-(2**63), 0, 2**63 - 1])
    assert ask(opened(tmp_path), start=start, stop=stop).points.step.tolist() == steps


def test_ranges_are_measured_on_the_axis_that_is_asked_for(sawtooth: Store) -> None:
    origin = ask(sawtooth).origin
    by_time = ask(sawtooth, axis="time", start=1030.0, stop=1060.0)
    relative = ask(sawtooth, axis="relative", start=1030.0 - origin, stop=1060.0 - origin)
    assert by_time.points.step.tolist() == relative.points.step.tolist() == list(range(27, 64, 3))


def test_on_an_axis_of_time_that_goes_back_the_lines_that_enter_the_range_are_kept(tmp_path: Path, live: Live) -> None:
    run = live(tmp_path)
    run.rows([1.0] * 4, steps=[0, 2, 4, 6], time=1000.0)
    run.rows([2.0, 2.0], steps=[1, 3], time=2000.0)  # late points: by step, their times go back and forth
    answer = ask(opened(tmp_path), axis="time", start=1500.0, stop=2000.5)
    assert answer.total == 1
    assert answer.points.step.tolist() == [0, 1, 2, 3, 4]


def test_a_restarted_run_has_segments_and_each_gets_its_share(tmp_path: Path, live: Live) -> None:
    live(tmp_path).rows(range(3000), time=1000.0).close()
    live(tmp_path).rows(range(1000), steps=range(2000, 3000), time=9000.0)
    store = opened(tmp_path)
    whole = ask(store, n=4000)
    assert whole.segments == (Segment(0, 3000, 2000), Segment(3000, 4000, None))
    assert whole.exact
    thinned = ask(store, n=400)
    older, newer = thinned.segments
    assert thinned.total == 4000
    assert 2 * (newer.stop - newer.start) < older.stop - older.start
    assert (np.diff(thinned.points.step[: older.stop]) > 0).all()
    assert thinned.points.step[newer.start] == 2000
    zoomed = ask(store, start=2500, stop=2510)
    assert [(s.stop - s.start, s.ghost_from) for s in zoomed.segments] == [(13, 2000), (13, None)]


def test_the_smoothed_line_is_that_of_the_whole_series_and_keeps_its_own_extremes(tmp_path: Path, live: Live) -> None:
    values = np.random.default_rng(2).normal(size=30_000)
    live(tmp_path).rows(values.tolist())
    store, line = opened(tmp_path), ema(values, 0.9)[0]
    answer = ask(store, n=300, smoothing=EMA)
    assert answer.smooth is not None
    assert np.allclose(answer.smooth, line[answer.points.step], rtol=1e-12)
    assert answer.smooth.max() == pytest.approx(line.max())
    assert answer.smooth.min() == pytest.approx(line.min())
    assert values_of(answer).max() == values.max()
    zoomed = ask(store, start=20_000, stop=20_010, smoothing=EMA)
    assert zoomed.smooth is not None
    assert np.allclose(zoomed.smooth, line[19_999:20_012], rtol=1e-12)


def test_each_segment_is_smoothed_by_itself(tmp_path: Path, live: Live) -> None:
    live(tmp_path).rows([100.0, 90.0, 80.0], time=1000.0).close()
    live(tmp_path).rows([1.0, 2.0], time=2000.0)
    answer = ask(opened(tmp_path), smoothing=EMA)
    assert answer.smooth is not None
    assert answer.smooth[3] == pytest.approx(1.0)


def test_after_a_cursor_only_what_is_new_is_answered_with_its_smoothed_line(tmp_path: Path, live: Live) -> None:
    run = live(tmp_path).rows([5.0, 1.0, 3.0])
    store = opened(tmp_path)
    first = ask(store, smoothing=EMA)
    run.rows([7.0, 8.0], steps=[3, 4])
    store.refresh()
    more = ask(store, smoothing=EMA, since=first.cursor)
    assert more.points.step.tolist() == [3, 4]
    assert (more.total, more.cursor, more.since) == (2, first.cursor + 2, first.cursor)
    assert more.segments == (Segment(0, 2, None),)
    assert more.smooth is not None
    assert np.allclose(more.smooth, ema(np.array([5.0, 1.0, 3.0, 7.0, 8.0]), 0.9)[0][3:])
    nothing = ask(store, since=more.cursor)
    assert (len(nothing.points), nothing.since, nothing.segments, nothing.exact) == (0, more.cursor, (), True)


def test_a_cursor_is_answered_whole_when_older_points_have_moved(tmp_path: Path, live: Live) -> None:
    run = live(tmp_path).rows([1.0, 1.0, 1.0], steps=[0, 2, 4])
    store = opened(tmp_path)
    cursor = ask(store).cursor
    run.rows([9.0], steps=[1])
    store.refresh()
    late = ask(store, since=cursor)
    assert (late.since, late.points.step.tolist()) == (0, [0, 1, 2, 4])
    run.rows([9.0], steps=[6])
    store.refresh()
    assert ask(store, since=late.cursor).points.step.tolist()[-1] == 6


def test_a_cursor_is_answered_whole_when_the_run_was_started_again(tmp_path: Path, live: Live) -> None:
    live(tmp_path).rows([1.0, 1.0, 1.0], time=1000.0).close()
    store = opened(tmp_path)
    cursor = ask(store).cursor
    again = live(tmp_path).rows([2.0], steps=[1], time=2000.0)
    store.refresh()
    whole = ask(store, since=cursor)
    assert (whole.since, whole.segments) == (0, (Segment(0, 3, 1), Segment(3, 4, None)))
    again.rows([2.0], steps=[2], time=2001.0)
    store.refresh()
    more = ask(store, since=whole.cursor)
    assert (more.since, more.points.step.tolist(), more.segments) == (whole.cursor, [2], (Segment(0, 1, None),))


def test_a_cursor_of_a_run_that_was_deleted_means_nothing_to_the_one_in_its_place(tmp_path: Path, live: Live) -> None:
    live(tmp_path / "run").rows([1.0] * 10).close()
    store = opened(tmp_path)
    cursor = ask(store).cursor
    shutil.rmtree(tmp_path / "run")
    store.refresh()
    live(tmp_path / "run").rows([2.0] * 15)
    store.refresh()
    other = ask(store, since=cursor)
    assert (other.since, len(other.points)) == (0, 15)


def test_a_cursor_outlives_what_memory_forgets_but_not_points_that_moved_meanwhile(tmp_path: Path, live: Live) -> None:
    first = live(tmp_path).rows([1.0] * 10, time=1e3)
    second = live(tmp_path).rows([2.0] * 5, steps=range(100, 105), time=2e3)
    store = opened(tmp_path)
    cursor = ask(store).cursor
    (series,) = store._by_id[store.runs()[0].id].held()
    second.rows([2.0], steps=[105], time=2.1e3)
    store.refresh()
    series.drop()
    more = ask(store, since=cursor)
    assert (more.since, more.points.step.tolist()) == (cursor, [105])
    first.rows([1.0], steps=[10], time=1.1e3)
    store.refresh()
    series.drop()
    whole = ask(store, since=more.cursor)
    assert (whole.since, len(whole.points)) == (0, 17)


def test_the_relative_axis_of_every_tag_begins_when_the_run_did(tmp_path: Path, live: Live) -> None:
    live(tmp_path).rows([1.0], tag="early").close()
    live(tmp_path).rows([1.0], tag="later")
    store = opened(tmp_path)
    assert ask(store, "early").origin == ask(store, "later").origin == store.runs()[0].started


def test_a_cursor_beyond_the_series_is_answered_whole(sawtooth: Store) -> None:
    beyond = ask(sawtooth).cursor + 1
    for cursor in (1, 50, 10_000, beyond, 10**15):
        assert ask(sawtooth, since=cursor).since == 0
        assert len(ask(sawtooth, since=cursor).points) == 100


writing = st.lists(
    st.tuples(st.sampled_from(["on", "on", "on", "late", "beside", "again"]), st.integers(1, 4)),
    min_size=1,
    max_size=10,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writing=writing)
def test_a_client_that_follows_the_cursor_always_holds_what_a_new_one_gets(
    tmp_path_factory: pytest.TempPathFactory, live: Live, writing: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    run, beside = live(folder).rows([0.0], time=1e3), None
    step, now, written, held, cursor = 0, 1e3, 1, np.empty(0), 0
    store = opened(folder)
    for turn, (what, count) in enumerate(writing, 1):
        now += 10
        if what == "again":
            run, beside, step, now = live(folder), None, step // 2, now + 1e6
        steps = [step - 1] * count if what == "late" else range(step + 1, step + 1 + count)
        if what == "beside":
            beside = beside or live(folder)
        (beside if what == "beside" and beside else run).rows([float(turn)] * count, steps=steps, time=now)
        step, written = max(step, *steps), written + count
        store.refresh()
        answer, fresh = ask(store, since=cursor), ask(store)
        more = np.stack([answer.points.step, values_of(answer)])
        held = np.concatenate([held, more], axis=1) if answer.since else more
        cursor = answer.cursor
        assert cursor == fresh.cursor
        assert cursor % 10**9 == written
        assert held.tolist() == np.stack([fresh.points.step, values_of(fresh)]).tolist()
        again = opened(folder)  # and a store that was not there from the start agrees
        assert ask(again).segments == fresh.segments
        assert values_of(ask(again)).tolist() == values_of(fresh).tolist()


def test_two_writers_at_once_are_one_line_by_step(tmp_path: Path, live: Live) -> None:
    one, other = live(tmp_path), live(tmp_path)
    one.rows([0.0, 0.0], steps=[0, 2], time=1e9)
    other.rows([1.0, 1.0], steps=[1, 3], time=1e9)
    store = opened(tmp_path)
    assert ask(store).points.step.tolist() == [0, 1, 2, 3]
    one.rows([0.0], steps=[4], time=1e9 + 1)
    store.refresh()
    assert values_of(ask(store)).tolist() == [0.0, 1.0, 0.0, 1.0, 0.0]


def test_a_long_tail_after_a_cursor_is_thinned_like_any_range(tmp_path: Path, live: Live) -> None:
    run = live(tmp_path).rows([0.0])
    store = opened(tmp_path)
    cursor = ask(store).cursor
    run.rows(range(5000), steps=range(1, 5001))
    store.refresh()
    more = ask(store, since=cursor, n=100)
    assert more.since == cursor
    assert len(more.points) <= 100
    assert values_of(more).max() == 4999


@pytest.mark.parametrize(
    "wrong",
    [{"axis": "epoch"}, {"n": 0}, {"n": 10**9}, {"start": math.nan}, {"start": 2, "stop": 1}, {"since": -1}],
)
def test_a_question_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        Question(kind="scalar", tag="loss", run="0", **wrong)


def test_a_method_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(BadRequest, match="ema, gaussian, median"):
        Smoothing("mean", 0.5)  # type: ignore[arg-type]
