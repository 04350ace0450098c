"""A series too long to be held answers as if all its points were looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.conftest import LiveRun
from visualdl.errors import UnknownSeries
from visualdl.log import digest
from visualdl.log.writer import Log
from visualdl.store import series
from visualdl.store.store import Answer, Axis, Method, Question, Smoothing, Store

Live = Callable[[Path], LiveRun]
ROWS = 25_000


@pytest.fixture(autouse=True)
def every_series_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "LONG_FROM", 100)


def opened(folder: Path, *, long: bool = True) -> Store:
    store = Store([folder])
    store.refresh()
    limit = series.LONG_FROM
    try:
        if not long:
            series.LONG_FROM = 1 << 30  # type: ignore[misc]
        for tag, runs in store.tags()["scalar"].items():
            for run in runs:
                store.read(Question(kind="scalar", tag=tag, run=run, n=1))
    finally:
        series.LONG_FROM = limit  # type: ignore[misc]
    return store


def ask(store: Store, **more: Any) -> Answer:
    (run,) = store.tags()["scalar"]["loss"]
    return store.read(Question(kind="scalar", tag="loss", run=run, **more))


def write(folder: Path, steps: Any, times: Any, values: Any, *, beside: int = 0) -> Log:
    """One writer's rows of "loss", and of `beside` other tags after each."""
    log = Log(folder)
    appends = [log.row_appender(log.tag("scalar", tag)) for tag in ["loss", *(f"other{i}" for i in range(beside))]]
    for row in zip(
        np.asarray(steps).tolist(), np.asarray(values, float).tolist(), np.asarray(times).tolist(), strict=True
    ):
        for append in appends:
            append(*row)
    log.close()
    return log


def shape(name: str) -> tuple[Any, Any, Any]:
    """Steps, times and values of some kind of run."""
    random = np.random.default_rng(len(name))
    steps, times = np.arange(ROWS), 1e9 + np.arange(ROWS) * 0.5
    values = np.round(random.normal(size=ROWS), 2)
    if name == "some that are not finite":
        values[random.integers(0, ROWS, 40)] = random.choice([np.nan, np.inf, -np.inf], 40)
    elif name == "diverged":
        values[9000:] = np.nan
        values[8000:9000:7] = np.inf
        values[20_000] = -np.inf
    elif name == "gaps and equal steps":
        steps = np.sort(
            np.concatenate([random.integers(0, 10**6, ROWS // 2), random.integers(0, 50, ROWS - ROWS // 2)])
        )
    elif name == "steps far apart":
        steps[-1], steps[0] = 2**63 - 1, -(2**63)
    elif name == "restarted":
        steps = np.concatenate([np.arange(15_000), np.arange(12_345, 12_345 + ROWS - 15_000)])
    elif name == "late points":
        steps = np.concatenate(
            [np.arange(15_000) * 2, np.arange(3001, 3001 + 200, 2), np.arange(30_000, 30_000 + ROWS - 15_100)]
        )
    elif name == "racing threads":
        steps = np.arange(ROWS) * 4 + random.integers(-6, 7, ROWS) * 4 + random.integers(0, 3, ROWS)
        steps = steps[np.sort(np.unique(steps, return_index=True)[1])]
        values, times = values[: len(steps)], times[: len(steps)]
    elif name == "no order":
        steps = random.permutation(ROWS)
    elif name == "a clock that goes back":
        times[7000:9000] -= 4000.0
        times[15_555] = 1e9
    return steps, times, values


SHAPES = [
    "plain",
    "some that are not finite",
    "diverged",
    "gaps and equal steps",
    "steps far apart",
    "restarted",
    "late points",
    "racing threads",
    "no order",
    "a clock that goes back",
]


@pytest.fixture(scope="module", params=SHAPES)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    """The same log, held as a whole and told by digests."""
    folder = tmp_path_factory.mktemp("run")
    write(folder, *shape(request.param))
    limit, series.LONG_FROM = series.LONG_FROM, 100  # type: ignore[misc]
    try:
        yield opened(folder, long=False), opened(folder)
    finally:
        series.LONG_FROM = limit  # type: ignore[misc]


def same(raw: Answer, long: Answer, n: int, inside: Callable[[Answer], Any] | None = None) -> None:
    """Both tell the same of the range, and hold the same points of it; the long one may hold more, but not over n."""
    assert (long.total, long.exact, long.nonfinite) == (raw.total, raw.exact, raw.nonfinite)
    assert (long.cursor % 10**9, long.origin) == (raw.cursor % 10**9, raw.origin)
    if raw.total:  # otherwise there are just neighbours
        assert [one.ghost_from for one in long.segments] == [one.ghost_from for one in raw.segments]
    wanted, found = table(raw), table(long)
    if inside is not None:
        wanted, found = wanted[inside(raw)], found[inside(long)]
    if len(found) <= n and len(found) > len(wanted):
        found = found[np.isin(found, wanted)]
    elif inside is None:
        assert long.segments == raw.segments
    np.testing.assert_array_equal(found, wanted)


def table(answer: Answer) -> Any:
    """Its points, each as one thing that can be compared."""
    value = answer.points.value
    assert value is not None
    columns = np.stack([answer.points.step, answer.points.time.view(np.int64), value.view(np.int64)], axis=1)
    return np.ascontiguousarray(columns).view("V24").reshape(-1)


@settings(max_examples=25, deadline=None)
@given(
    axis=st.sampled_from(["step", "time", "relative"]),
    ends=st.tuples(st.floats(-0.1, 1.1), st.floats(-0.1, 1.1)).map(sorted),
    n=st.sampled_from([1, 3, 4, 100, 1600, 7000, 30_000]),
    open_ended=st.booleans(),
)
def test_a_long_series_answers_as_one_that_is_held(
    both: tuple[Store, Store], axis: Axis, ends: list[float], n: int, open_ended: bool
) -> None:
    raw, long = both
    whole = ask(raw, axis=axis, n=100_000)
    x = whole.points.step if axis == "step" else whole.points.time - (whole.origin if axis == "relative" else 0)
    low, high = float(x.min()), float(x.max())
    start, stop = (low + (high - low) * end for end in ends)
    question: dict[str, Any] = {"axis": axis, "n": n}
    if not open_ended:
        question |= {"start": start, "stop": stop}
    found, told = ask(raw, **question), ask(long, **question)
    if axis == "step" or bool((np.diff(whole.points.time) >= 0).all()):
        same(found, told, n)
        return

    # Where time goes back the line may cross the range more than once: what is held tells all its crossings.
    def inside(one: Answer) -> Any:
        at = one.points.time - (one.origin if axis == "relative" else 0)
        return slice(None) if open_ended else (at >= start) & (at <= stop)

    same(found, told, n, inside)


@pytest.mark.parametrize("name", ["plain", "some that are not finite", "diverged", "restarted", "late points"])
@pytest.mark.parametrize("method", ["ema", "gaussian", "median"])
def test_the_line_of_a_long_series_is_that_of_all_its_points(tmp_path: Path, name: str, method: Method) -> None:
    write(tmp_path, *shape(name))
    raw, long = opened(tmp_path, long=False), opened(tmp_path)
    for question in ({}, {"n": 100}, {"start": 9000, "stop": 9100}, {"start": 8500, "stop": 21_000, "n": 400}):
        smoothing = Smoothing(method, 0.8)
        found, told = (ask(store, smoothing=smoothing, **question) for store in (raw, long))
        if name == "late points":  # each writer's points are smoothed in the order of writing
            assert told.smooth is not None
            assert len(told.smooth) == len(told.points)
            continue
        assert found.smooth is not None
        assert told.smooth is not None
        both, mine, its = np.intersect1d(table(found), table(told), return_indices=True)
        assert len(both) >= 0.95 * len(found.points)
        np.testing.assert_allclose(told.smooth[its], found.smooth[mine], rtol=1e-9, atol=1e-9)
        if name != "diverged":
            assert set(np.round(found.smooth, 9)) >= {
                np.round(np.nanmin(told.smooth), 9),
                np.round(np.nanmax(told.smooth), 9),
            }


@pytest.mark.parametrize("gap", [1e5, -5000.0])
@pytest.mark.parametrize("first", [0, 9_000, 12_000])
def test_several_writers_of_a_long_series_make_the_segments_of_one_that_is_held(
    tmp_path: Path, gap: float, first: int
) -> None:
    random = np.random.default_rng(first)
    write(tmp_path, np.arange(10_000), 1e9 + np.arange(10_000), random.normal(size=10_000))
    write(tmp_path, np.arange(first, first + 9_000), 1e9 + 10_000 + gap + np.arange(9_000), random.normal(size=9_000))
    raw, long = opened(tmp_path, long=False), opened(tmp_path)
    for question in ({}, {"n": 40}, {"start": 8_000, "stop": 9_500, "n": 100}, {"start": 50, "stop": 60}):
        same(ask(raw, **question), ask(long, **question), question.get("n", 1600))
    both = [np.concatenate([one.step for one in store.chunks(only(store), "scalar", "loss")]) for store in (raw, long)]
    assert sorted(both[0].tolist()) == sorted(both[1].tolist())


def only(store: Store) -> str:
    (info,) = store.runs()
    return info.id


def test_a_series_becomes_long_while_somebody_follows_it(
    tmp_path: Path, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "LONG_FROM", 30_000)
    run = live(tmp_path).rows(np.arange(29_000.0))
    store = Store([tmp_path])
    store.refresh()
    smoothing = Smoothing("ema", 0.9)
    answer = ask(store, smoothing=smoothing)
    held = list(answer.points.step.tolist())
    for at in range(29_000, 70_000, 3_000):
        run.rows(np.arange(3_000.0), steps=range(at, at + 3_000))
        store.refresh()
        before, answer = answer, ask(store, since=answer.cursor, smoothing=smoothing, n=10_000)
        assert answer.since == before.cursor
        assert (answer.total, answer.exact) == (3_000, True)
        held += answer.points.step.tolist()
        assert answer.smooth is not None
        whole = ask(store, smoothing=smoothing)
        assert whole.total == at + 3_000
        assert whole.points.step[-1] == at + 2_999
    assert held[-41_000:] == list(range(29_000, 71_000))[-41_000:]
    run.close()
    store.refresh()
    assert ask(store).cursor == answer.cursor


@pytest.mark.parametrize("first", [3_000, 7_000], ids=["over old steps", "after a break"])
def test_of_a_long_run_that_was_started_again_only_what_is_new_is_told(tmp_path: Path, live: Live, first: int) -> None:
    live(tmp_path).rows(np.arange(5_000.0)).close()
    again = live(tmp_path).rows(np.arange(3_000.0), steps=range(first, first + 3_000))
    store = Store([tmp_path])
    store.refresh()
    smoothing = Smoothing("ema", 0.9)
    answer = ask(store, n=100, smoothing=smoothing)
    for at in range(first + 3_000, first + 9_000, 2_000):
        again.rows(np.arange(2_000.0), steps=range(at, at + 2_000))
        store.refresh()
        before, answer = answer, ask(store, since=answer.cursor, smoothing=smoothing, n=5_000)
        assert answer.since == before.cursor
        assert answer.points.step.tolist() == list(range(at, at + 2_000))
        whole = ask(store, smoothing=smoothing, start=at + 1_900, stop=at + 2_000)
        assert answer.smooth is not None
        assert whole.smooth is not None
        np.testing.assert_allclose(answer.smooth[-50:], whole.smooth[-50:])
    again.rows([0.0], steps=[first + 5])  # a restart, or a late point: other points are the last ones now
    store.refresh()
    assert ask(store, since=answer.cursor, n=5_000).since == 0


def test_one_long_tag_among_others_is_told_by_blocks_that_it_was_decoded_for(tmp_path: Path) -> None:
    steps, times, values = shape("some that are not finite")
    write(tmp_path, steps, times, values, beside=30)  # about 500 rows a frame: too few for a digest
    raw, long = opened(tmp_path, long=False), opened(tmp_path)
    for question in ({}, {"n": 40}, {"start": 8_000, "stop": 9_500, "n": 100}):
        same(ask(raw, **question), ask(long, **question), 1600)


def test_a_long_series_holds_a_small_part_of_what_its_points_would_take(tmp_path: Path) -> None:
    steps = np.arange(200_000)
    write(tmp_path, steps, 1e9 + steps, np.sin(steps / 1000))
    store = opened(tmp_path)
    ask(store, n=40, smoothing=Smoothing("ema", 0.5))
    assert store._memory.nbytes < 200_000 * 24 / 2
    values = np.concatenate([one.value for one in store.chunks(only(store), "scalar", "loss") if one.value is not None])
    assert values.tolist() == np.sin(steps / 1000).tolist()


def test_damage_found_in_a_long_series_costs_its_points_and_no_others(tmp_path: Path) -> None:
    steps = np.arange(80_000)
    log = write(tmp_path, steps, 1e9 + steps, np.random.default_rng(0).normal(size=80_000))
    store = Store([tmp_path])
    store.refresh()
    data = bytearray(log.path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = b"\xff" * 64
    log.path.write_bytes(data)
    found = [ask(store, n=100).total for _ in range(2)]
    whole = sum(len(one) for one in store.chunks(only(store), "scalar", "loss"))
    assert 0 < whole < 80_000
    assert ask(store, n=100).total == whole <= found[0]
    assert store.refresh().structure
    assert len(store.runs()[0].gaps) == 1


def test_points_of_a_writer_from_before_another_are_no_news_at_the_end(tmp_path: Path, live: Live) -> None:
    live(tmp_path).rows(np.arange(5_000.0), steps=range(10_000, 15_000), time=2e9)
    earlier = live(tmp_path).rows(np.arange(3_000.0), time=1e9)  # by its times, which were given by hand
    store = Store([tmp_path])
    store.refresh()
    before = ask(store, n=100)
    earlier.rows(np.arange(10.0), steps=range(3_000, 3_010), time=1e9 + 3_000)
    store.refresh()
    after = ask(store, n=100, since=before.cursor)
    assert (after.since, after.total) == (0, 8_010)


def test_however_much_of_a_long_series_is_damaged_the_rest_is_shown_at_once(tmp_path: Path) -> None:
    steps = np.arange(400_000)
    log = write(tmp_path, steps, 1e9 + steps, np.random.default_rng(0).normal(size=400_000))
    store = Store([tmp_path])
    store.refresh()
    data = bytearray(log.path.read_bytes())
    for at in range(len(data) // 8, len(data) * 7 // 8, 100_000):  # in most frames
        data[at : at + 8] = b"\xff" * 8
    log.path.write_bytes(data)
    assert 0 < ask(store).total < 200_000
    assert ask(store).total == sum(len(one) for one in store.chunks(only(store), "scalar", "loss"))


def test_a_download_ends_with_an_error_when_damage_is_found_meanwhile(tmp_path: Path) -> None:
    steps = np.arange(300_000)
    log = write(tmp_path, steps, 1e9 + steps, steps)
    store = Store([tmp_path])
    store.refresh()
    data = bytearray(log.path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    download = store.chunks(only(store), "scalar", "loss")
    received = [next(download).step]
    log.path.write_bytes(data)
    assert ask(store).total < 300_000
    with pytest.raises(UnknownSeries, match="changed while it was read"):
        received.extend(one.step for one in download)  # all that come before the error
    assert np.concatenate(received).tolist() == list(range(sum(map(len, received))))


LIES = [
    ("at", 0, 60_000),
    ("apart", 1, 60_000),
    ("value", 2, np.nan),
    ("value", 3, -1e9),
    ("step", 1, -5),
    ("time", 1, 0),
]


@pytest.mark.parametrize(("field", "slot", "said"), LIES)
def test_digests_that_contradict_themselves_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, slot: int, said: float
) -> None:
    honest = digest.encode_numpy

    def lie(*rows: Any) -> bytes:
        told = np.frombuffer(honest(*rows), digest.digest_dtype()).copy()
        told[field][::3, slot] = said
        said_instead: bytes = told.tobytes()
        return said_instead

    monkeypatch.setattr(digest, "encode_numpy", lie)
    write(tmp_path, *shape("some that are not finite"))
    raw, long = opened(tmp_path, long=False), opened(tmp_path)
    for question in ({}, {"n": 40}, {"start": 8_000, "stop": 9_500, "n": 100}):
        same(ask(raw, **question), ask(long, **question), 1600)
    assert ask(long, smoothing=Smoothing("ema", 0.5)).smooth is not None


def test_a_least_value_where_there_is_none_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = digest.encode_numpy

    def lie(*rows: Any) -> bytes:
        told = np.frombuffer(honest(*rows), digest.digest_dtype()).copy()
        told["at"], told["apart"], told["value"][:, 2:] = 0, 0, 5.0
        said_instead: bytes = told.tobytes()
        return said_instead

    monkeypatch.setattr(digest, "encode_numpy", lie)
    steps, times, values = shape("plain")
    write(tmp_path, steps, times, np.full(len(values), np.nan))
    assert ask(opened(tmp_path), n=20, smoothing=Smoothing("ema", 0.5)).total == ROWS
