"""Counts of NaN and ±inf: exact for every stretch, of a column that grows, and as the store answers them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visualdl.store.question import Question, Smoothing
from visualdl.store.store import Store
from visualdl.store.tally import NonFinite, Tally, add_up, count_non_finite

Live = Callable[[Path], Any]


def plainly(value: Any) -> NonFinite:
    return NonFinite(
        sum(1 for v in value if v != v), sum(1 for v in value if v == np.inf), sum(1 for v in value if v == -np.inf)
    )


def spoilt(count: int, share: float) -> Any:
    random = np.random.default_rng(count)
    value = random.normal(size=count)
    for sort in (np.nan, np.inf, -np.inf):
        value[random.random(count) < share] = sort
    return value


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.6])
def test_every_stretch_of_a_column_that_grows_is_counted_exactly(share: float) -> None:
    value = spoilt(30_000, share)
    random = np.random.default_rng(1)
    tally = Tally()
    for length in (0, 1, 4096, 4097, 20_000, 30_000):
        tally = tally.grown(value[:length])
        ends = [0, length, *random.integers(0, length + 1, 40).tolist()]
        for start, stop in zip(ends, reversed(ends), strict=True):
            if start <= stop:
                assert tally.between(value[:length], start, stop) == plainly(value[start:stop])


def test_an_earlier_tally_stays_right_for_who_still_holds_it() -> None:
    value = spoilt(20_000, 0.1)
    early = Tally().grown(value[:9_000])
    early.grown(value)
    assert early.between(value[:9_000], 100, 9_000) == plainly(value[100:9_000])


def test_counts_add_up() -> None:
    assert add_up([]) == NonFinite()
    assert add_up([NonFinite(1, 2, 3), NonFinite(10, 0, 0)]) == NonFinite(11, 2, 3)
    assert count_non_finite(np.array([np.nan, 1.0, -np.inf, np.inf, np.inf])) == NonFinite(1, 2, 1)


@pytest.mark.parametrize("axis", ["step", "time"])
@pytest.mark.parametrize("smoothing", [None, Smoothing("ema", 0.9)])
def test_a_thinned_answer_tells_all_that_the_range_holds(
    tmp_path: Path, live: Live, axis: Any, smoothing: Smoothing | None
) -> None:
    value = spoilt(20_000, 0.2)
    live(tmp_path).rows(value.tolist(), time=1000.0)
    store = Store([tmp_path])
    store.refresh()
    (run,) = store.tags()["scalar"]["loss"]

    def ask(start: int, stop: int) -> NonFinite:
        shift = 1000 if axis == "time" else 0
        question = Question(
            kind="scalar", tag="loss", run=run, axis=axis, n=100, smoothing=smoothing, start=start + shift,
            stop=stop + shift,
        )  # fmt: skip
        answer = store.read(question)
        assert answer.total == stop - start + 1
        return answer.nonfinite

    assert ask(0, 19_999) == plainly(value)
    assert ask(5_001, 14_998) == plainly(value[5_001:14_999])


def test_what_came_later_is_counted_by_itself_and_segments_together(tmp_path: Path, live: Live) -> None:
    writer = live(tmp_path).rows([1.0, np.nan, np.inf])
    store = Store([tmp_path])
    store.refresh()
    (run,) = store.tags()["scalar"]["loss"]
    first = store.read(Question(kind="scalar", tag="loss", run=run))
    assert first.nonfinite == NonFinite(1, 1, 0)
    writer.rows([np.nan, 2.0, -np.inf], steps=[3, 4, 5])
    store.refresh()
    more = store.read(Question(kind="scalar", tag="loss", run=run, since=first.cursor))
    assert (more.total, more.nonfinite) == (3, NonFinite(1, 0, 1))
    writer.rows([np.inf] * 6, steps=range(6))  # a start anew
    store.refresh()
    again = store.read(Question(kind="scalar", tag="loss", run=run))
    assert (len(again.segments), again.nonfinite) == (2, NonFinite(2, 7, 1))


def test_points_that_do_not_ascend_in_time_are_counted_in_their_range_alone(tmp_path: Path, live: Live) -> None:
    append = (log := live(tmp_path).log).row_appender(log.tag("scalar", "loss"))
    for step, (time, value) in enumerate([(50.0, np.nan), (10.0, np.inf), (60.0, 1.0), (20.0, np.nan)]):
        append(step, value, time)
    log.flush()
    store = Store([tmp_path])
    store.refresh()
    (run,) = store.tags()["scalar"]["loss"]
    answer = store.read(Question(kind="scalar", tag="loss", run=run, axis="time", start=15.0, stop=55.0))
    assert (answer.total, answer.nonfinite) == (2, NonFinite(2, 0, 0))
