"""Smoothing: the numpy of the store against the definitions, point by point."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import median as middle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualdl.errors import BadRequest
from visualdl.store import smooth as module
from visualdl.store.question import Method, Smoothing
from visualdl.store.smooth import Ema, ema, gaussian, median, smooth

GOLDEN = Path(__file__).parents[1] / "golden" / "scalar" / "smooth.json"


def plain(value: list[float], method: Method, weight: float) -> list[float]:
    """The definition, point by point: what `smooth` and the browser must give."""
    finite = [v for v in value if math.isfinite(v)]
    if len(set(finite)) <= 1:
        return list(value)
    line = iter(PLAIN[method](finite, weight))
    return [next(line) if math.isfinite(v) else v for v in value]


def plain_ema(value: list[float], weight: float) -> list[float]:
    last, line = 0.0, []
    for count, v in enumerate(value, 1):
        last = last * weight + v * (1 - weight)
        line.append(last / (1 - weight**count))
    return line


def plain_gaussian(value: list[float], weight: float) -> list[float]:
    sigma = math.sqrt(weight) / (1 - weight)
    if sigma < 0.1:
        return list(value)
    radius = math.ceil(4 * sigma)
    line = []
    for i in range(len(value)):
        near = range(max(0, i - radius), min(len(value), i + radius + 1))
        weights = [math.exp(-0.5 * ((j - i) / sigma) ** 2) for j in near]
        line.append(math.fsum(w * value[j] for w, j in zip(weights, near, strict=True)) / math.fsum(weights))
    return line


def plain_median(value: list[float], weight: float) -> list[float]:
    half, count = round(weight / (1 - weight)), len(value)

    def mirrored(i: int) -> float:
        i %= 2 * count
        return value[i] if i < count else value[2 * count - 1 - i]

    return [middle(mirrored(j) for j in range(i - half, i + half + 1)) for i in range(count)]


PLAIN = {"ema": plain_ema, "gaussian": plain_gaussian, "median": plain_median}
METHODS: tuple[Method, ...] = ("ema", "gaussian", "median")
SPECIAL = [math.nan, math.inf, -math.inf]

series = st.lists(st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, *SPECIAL])), max_size=80)
weights = st.one_of(st.sampled_from([0.0, 0.3, 0.6, 0.9, 0.99, 0.999]), st.floats(0, 0.99))


def assert_same(found: np.ndarray[tuple[int], np.dtype[np.float64]], wanted: list[float], value: list[float]) -> None:
    """Equal to 1e-9 of the largest value around, and the very same where it is not finite."""
    assert len(found) == len(wanted)
    scale = max((abs(v) for v in value if math.isfinite(v)), default=0.0)
    for one, other in zip(found.tolist(), wanted, strict=True):
        if math.isfinite(other):
            assert abs(one - other) <= 1e-9 * scale
        else:
            assert repr(one) == repr(other)


@pytest.mark.parametrize("method", METHODS)
@given(value=series, weight=weights)
def test_smoothing_agrees_with_its_definition(method: Method, value: list[float], weight: float) -> None:
    assert_same(smooth(np.array(value, float), Smoothing(method, weight)), plain(value, method, weight), value)


@pytest.mark.parametrize("weight", [0.0, 1e-12, 0.01, 0.3, 0.6, 0.9, 0.999, 0.99999])
def test_the_ema_keeps_its_digits_over_many_blocks_and_six_hundred_decades(weight: float) -> None:
    random = np.random.default_rng(3)
    value = random.normal(size=20_000) * 10.0 ** random.integers(-300, 300, 20_000)
    found, wanted = ema(value, weight)[0], np.array(plain_ema(value.tolist(), weight))
    assert np.allclose(found, wanted, rtol=1e-9, atol=0)


@given(value=series, weight=weights, cut=st.integers(0, 80))
def test_an_ema_that_is_continued_is_the_ema_of_the_whole(value: list[float], weight: float, cut: int) -> None:
    whole = np.array(value, float)
    head, state = ema(whole[:cut], weight)
    tail, end = ema(whole[cut:], weight, state)
    assert_same(np.concatenate([head, tail]), plain(value, "ema", weight), value)
    assert end.count == sum(map(math.isfinite, value))


def test_the_past_of_an_ema_never_changes_as_the_run_grows() -> None:
    value = np.random.default_rng(1).normal(size=1000)
    assert np.allclose(ema(value[:400], 0.9)[0], ema(value, 0.9)[0][:400], rtol=1e-13)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("weight", [0.0, 0.6, 0.999])
def test_a_constant_stays_exactly_that_constant(method: Method, weight: float) -> None:
    value = np.full(500, 0.1)
    value[[0, 77]] = math.nan
    found = smooth(value, Smoothing(method, weight))
    assert found.tobytes() == value.tobytes()
    assert found is not value


def test_a_constant_that_arrives_in_pieces_stays_that_constant() -> None:
    state, lines = Ema(), []
    for _ in range(5):
        line, state = ema(np.full(3, 0.1), 0.7, state)
        lines += line.tolist()
    assert lines == [0.1] * 15
    assert not math.isnan(state.only)
    assert math.isnan(ema(np.array([0.2]), 0.7, state)[1].only)


@pytest.mark.parametrize("method", METHODS)
def test_one_huge_value_does_not_spoil_the_points_out_of_its_reach(method: Method) -> None:
    value = np.ones(30_000)
    value[3] = 1e30
    assert smooth(value, Smoothing(method, 0.9))[-1] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_largest_floats_do_not_overflow(method: Method) -> None:
    value = np.array([1.7e308, 1.6e308] * 40)
    found = smooth(value, Smoothing(method, 0.7))
    assert np.isfinite(found).all()
    assert found.min() >= 1.6e308 * (1 - 1e-12)


def test_a_wide_gaussian_over_many_points_is_nearly_the_exact_one() -> None:
    value = np.random.default_rng(5).normal(size=300_000)
    sigma = 40.0
    radius = math.ceil(4 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    exact = np.convolve(value, kernel, "same") / np.convolve(np.ones(len(value)), kernel, "same")
    found = gaussian(value, sigma)
    assert len(value) * 8 * sigma > module._GAUSSIAN_WORK
    assert np.abs(found - exact).max() < 0.01  # the noise has a deviation of 1, the exact line of 0.08
    assert np.abs(found - exact).mean() < 0.002


def test_a_weight_next_to_1_costs_no_more_than_the_points_that_there_are() -> None:
    value = np.random.default_rng(0).random(11)
    for method in ("ema", "gaussian", "median"):
        line = smooth(value, Smoothing(method, 0.9999999999999999))  # the window of this median has 2 * 10**16 points
        assert len(line) == 11
        assert line.min() >= value.min() and line.max() <= value.max()


def test_a_median_over_very_many_points_is_exact_where_it_is_taken() -> None:
    value = np.random.default_rng(5).normal(size=400_000)
    found = median(value, 200)
    stride = round(len(value) * (35 + 1.8 * 401) / module._MEDIAN_WORK)
    assert stride > 1
    for at in (200 * stride, 1000 * stride, 100_000 * stride):
        assert found[at] == np.median(value[at - 200 : at + 201])


def test_golden_smoothing_is_what_both_languages_give() -> None:
    for case in json.loads(GOLDEN.read_text("utf-8"))["cases"]:
        value, wanted = [float(v) for v in case["value"]], [float(v) for v in case["smooth"]]
        smoothing = Smoothing(case["method"], case["weight"])
        assert_same(np.array(plain(value, smoothing.method, smoothing.weight)), wanted, value)
        assert_same(smooth(np.array(value, float), smoothing), wanted, value)


@pytest.mark.parametrize("weight", [-0.1, 1.0, 2.0, math.nan])
def test_a_weight_outside_of_0_to_1_is_refused(weight: float) -> None:
    with pytest.raises(BadRequest, match="at least 0 and less than 1"):
        Smoothing("ema", weight)
