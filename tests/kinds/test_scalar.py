"""The kind scalar: what is a number, and what a thinned picture must contain."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from visualdl.errors import CorruptRecord
from visualdl.kinds import scalar
from visualdl.kinds.kind import FloatArray, IntArray, Payload, Points
from visualdl.kinds.scalar import SCALAR, bucket_starts, columns, decode, extremes, number, thin

GOLDEN = Path(__file__).parents[1] / "golden" / "scalar" / "thin.json"


def points_of(value: FloatArray) -> Points:
    return Points(np.arange(len(value)), np.zeros(len(value)), value)


def plain_thin(x: list[float], value: list[float], n: int) -> list[int]:
    """The definition, point by point: what `thin` and the browser must give."""
    if len(x) <= n:
        return list(range(len(x)))
    buckets = max(1, n // 4)
    least, greatest = min(x), max(x)
    edges = [(least / 2 + (greatest / 2 - least / 2) * (k / buckets)) * 2 for k in range(1, buckets)]
    members: dict[int, list[int]] = {}
    for i in sorted(range(len(x)), key=lambda i: x[i]):
        members.setdefault(sum(edge <= x[i] for edge in edges), []).append(i)
    apart = [i for i in range(len(x)) if not math.isfinite(value[i])]
    kept = set(apart) if len(apart) <= n else set()
    if any(later < earlier for earlier, later in pairwise(x)):
        kept |= {0, len(x) - 1}
    for some in members.values():
        kept |= {some[0], some[-1]}
        finite = [i for i in some if math.isfinite(value[i])]
        if finite:
            kept |= {min(finite, key=lambda i: value[i]), max(finite, key=lambda i: value[i])}
        for sort in ("nan", "inf", "-inf"):
            alike = [i for i in some if str(value[i]) == sort]
            kept |= set(alike[:1] + alike[-1:])
    return sorted(kept)


# ------------------------------------------------------------------------------------------------------------- number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        (True, 1.0),
        (2.5, 2.5),
        (Fraction(1, 4), 0.25),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.int64(-3), -3.0),
        (np.array(4.0), 4.0),
        (np.array([[5]]), 5.0),
        (torch.tensor(1.5, requires_grad=True), 1.5),
        (torch.tensor([[2]], dtype=torch.int8), 2.0),
        (torch.tensor(3.0, dtype=torch.bfloat16), 3.0),
        (math.inf, math.inf),
        (10**400, math.inf),
        (-(10**400), -math.inf),
    ],
)
def test_whatever_is_one_number_is_logged_as_that_number(value: Any, expected: float) -> None:
    assert number(value) == expected
    assert type(number(value)) is float


def test_nan_stays_nan() -> None:
    assert math.isnan(number(math.nan))
    assert math.isnan(number(torch.tensor(math.nan)))


def test_what_is_masked_is_nan_and_not_what_lies_under_the_mask() -> None:
    assert math.isnan(number(np.ma.masked))
    assert math.isnan(number(np.ma.array([3.0], mask=[True])))
    assert math.isnan(number(np.ma.array([3.0, 4.0], mask=True).mean()))
    assert number(np.ma.array([3.0], mask=[False])) == 3.0


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("0.5", "text '0.5'"),
        (b"0.5", "text"),
        (1j, "complex"),
        (np.array([1j]), "complex"),
        (None, "NoneType"),
        ([1.0], "list"),
        (np.zeros(3), r"shape \(3,\)"),
        (np.zeros(0), r"shape \(0,\)"),
        (torch.zeros(2, 2), r"shape \(2, 2\)"),
        (np.array("x"), "str"),
        (object(), "object"),
    ],
)
def test_what_is_not_one_number_is_refused_with_its_name(value: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        number(value)


def test_a_scalar_has_no_payload() -> None:
    with pytest.raises(CorruptRecord, match="3 bytes"):
        decode(Payload(b"abc"))


def test_the_columns_are_the_values_bit_by_bit() -> None:
    value = np.array([1.0, math.nan, -0.0, math.inf])
    assert columns(points_of(value))["value"].tobytes() == value.tobytes()
    assert len(columns(Points(np.empty(0, np.int64), np.empty(0)))["value"]) == 0
    assert SCALAR.rows


# --------------------------------------------------------------------------------------------------------------- thin

values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1.0, 1.0]),
)
places = st.one_of(st.integers(-50, 50).map(float), st.floats(-1e300, 1e300))


@given(st.lists(st.tuples(places, values), min_size=1, max_size=200), st.integers(1, 60))
def test_thinning_agrees_with_its_definition_for_any_order_of_x(pairs: list[tuple[float, float]], n: int) -> None:
    x, value = [x for x, _ in pairs], [value for _, value in pairs]
    kept = thin(np.array(x), points_of(np.array(value)), n)
    assert kept.tolist() == plain_thin(x, value, n)


@given(st.lists(values, min_size=1, max_size=300), st.integers(1, 40))
def test_a_thinned_picture_holds_every_extreme_and_everything_that_is_not_finite(some: list[float], n: int) -> None:
    value = np.array(some)
    kept = thin(np.arange(len(value), dtype=float), points_of(value), n)
    apart = np.flatnonzero(~np.isfinite(value))
    assert len(apart) > n or set(apart) <= set(kept)
    finite = value[np.isfinite(value)]
    if len(finite):
        assert finite.min() == value[kept][np.isfinite(value[kept])].min()
        assert finite.max() == value[kept][np.isfinite(value[kept])].max()
    assert kept[0] == 0
    assert kept[-1] == len(value) - 1
    assert (np.diff(kept) > 0).all()


@given(st.lists(values, min_size=1, max_size=400), st.integers(1, 30))
def test_short_and_long_buckets_give_the_same_extremes(some: list[float], buckets: int) -> None:
    value = np.array(some)
    starts = bucket_starts(np.arange(len(value), dtype=float), buckets)
    apart = np.flatnonzero(~np.isfinite(value))
    stops = np.append(starts[1:], len(value))
    found = set(extremes(value, starts, apart).tolist())
    stretched = stretch(value, starts, stops)  # the same buckets, long enough for the other way
    long_starts = np.arange(len(starts)) * 256
    long = extremes(stretched, long_starts, np.flatnonzero(~np.isfinite(stretched)))
    assert {int(starts[i // 256]) + i % 256 for i in long.tolist()} == found


def stretch(value: FloatArray, starts: IntArray, stops: IntArray) -> FloatArray:
    """Every bucket filled up to 256 values with NaN."""
    rows = np.full((len(starts), 256), math.nan)
    for row, start, stop in zip(rows, starts, stops, strict=True):
        part = value[start : min(stop, start + 256)]
        row[: len(part)] = part
    return rows.reshape(-1)


def test_at_most_n_points_are_all_kept() -> None:
    value = np.array([3.0, 1.0, 2.0])
    assert thin(np.array([5.0, 5.0, 1.0]), points_of(value), 3).tolist() == [0, 1, 2]
    assert thin(np.empty(0), points_of(np.empty(0)), 1).tolist() == []


def test_a_million_points_become_about_n_and_lose_no_spike() -> None:
    value = np.sin(np.arange(1_000_000) / 1e4)
    value[[123_456, 777_777]] = [50.0, -50.0]
    value[[5, 500_000, 999_990]] = [math.nan, math.inf, -math.inf]
    kept = thin(np.arange(1_000_000, dtype=float), points_of(value), 1600)
    assert {5, 123_456, 500_000, 777_777, 999_990} <= set(kept.tolist())
    assert 800 < len(kept) <= 1603


def test_a_run_that_diverged_is_drawn_to_its_end_with_few_points() -> None:
    value = np.sin(np.arange(1_000_000) / 1e4)
    value[300_001:] = math.nan
    value[[1_234, 800_000]] = [math.inf, -math.inf]
    kept = thin(np.arange(1_000_000.0), points_of(value), 1600)
    assert {1_234, 300_000, 300_001, 800_000, 999_999} <= set(kept.tolist())
    assert len(kept) <= 1602
    assert np.diff(kept[kept > 300_000]).max() <= 2_500  # no bucket is without its NaN


@given(st.lists(values, min_size=1, max_size=400), st.integers(4, 40))
def test_however_many_values_are_not_finite_the_answer_is_bounded(some: list[float], n: int) -> None:
    value = np.array(some)
    assert len(thin(np.arange(float(len(value))), points_of(value), n)) <= n + 6 * (n // 4)


def test_each_sort_of_what_is_not_finite_is_shown_in_every_bucket_that_has_it() -> None:
    value = np.tile([math.nan, math.inf, math.nan, -math.inf, 1.0], 2_000)
    kept = thin(np.arange(10_000.0), points_of(value), 40)
    for bucket in range(10):
        shown = value[kept[(kept >= 1000 * bucket) & (kept < 1000 * (bucket + 1))]]
        assert [int(np.sum(some)) for some in (np.isnan(shown), shown == math.inf, shown == -math.inf)] == [2, 2, 2]


def test_only_values_that_are_not_finite_is_no_problem() -> None:
    value = np.full(5000, math.nan)
    assert thin(np.arange(5000.0), points_of(value), 8).tolist() == [0, 2499, 2500, 4999]


def test_all_points_at_one_place_are_one_bucket() -> None:
    value = np.array([2.0, 9.0, 5.0, -1.0, 4.0, 5.0])
    assert thin(np.full(6, 7.0), points_of(value), 4).tolist() == [0, 1, 3, 5]


def test_the_range_may_be_as_wide_as_float64() -> None:
    x = np.array([-1.7e308, -1.0, 0.0, 1.0, 1.7e308] * 2)
    kept = thin(np.sort(x), points_of(np.arange(10.0)), 8)
    assert kept[0] == 0
    assert kept[-1] == 9


def test_golden_thinning_is_what_both_languages_give() -> None:
    def real(value: float | str) -> float:
        return float(value)

    for case in json.loads(GOLDEN.read_text("utf-8"))["cases"]:
        x, value = [real(v) for v in case["x"]], [real(v) for v in case["value"]]
        assert plain_thin(x, value, case["n"]) == case["kept"], case["name"]
        assert thin(np.array(x), points_of(np.array(value)), case["n"]).tolist() == case["kept"], case["name"]


def test_the_border_between_short_and_long_buckets_is_crossed_by_these_tests() -> None:
    assert scalar._LONG <= 256
