"""The kind histogram: counting, the record's bytes, thinning and columns."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from visualdl.errors import CorruptRecord
from visualdl.kinds import histogram
from visualdl.kinds.kind import AnyArray, Payload, Points

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "histogram" / "histograms.json").read_text(encoding="utf-8")
)
CASES = pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])


def values_of(case: dict[str, Any]) -> list[float]:
    values = case["values"]
    if isinstance(values, dict):
        return [value for value, times in values["repeat"] for _ in range(times)]
    return [float(value) for value in values]


def counted(values: Any, buckets: int = 10) -> histogram.DecodedHistogram:
    """What a reader gets for `values`, by way of the record."""
    encoded = histogram.encode(histogram.accept(values, buckets))
    assert encoded.blobs == ()
    return histogram.decode(Payload(encoded.payload))


def apart(one: histogram.DecodedHistogram) -> list[int]:
    return [one.nan, one.positive_inf, one.negative_inf]


def points_of(spread: list[histogram.DecodedHistogram]) -> Points:
    step = np.arange(len(spread))
    return Points(step, step.astype(np.float64), None, spread)


@CASES
def test_golden_values_give_the_counts_that_the_file_says(case: dict[str, Any]) -> None:
    one = counted(values_of(case), case["buckets"])
    assert one.counts.tolist() == case["counts"]
    assert one.edges.tolist() == pytest.approx(case["edges"], rel=1e-15)
    assert apart(one) == case["nonfinite"]


@CASES
def test_golden_records_have_the_bytes_that_the_file_says(case: dict[str, Any]) -> None:
    assert histogram.encode(histogram.accept(values_of(case), case["buckets"])).payload.hex() == case["payload"]


def test_the_columns_are_those_of_the_golden_file() -> None:
    spread = [histogram.decode(Payload(bytes.fromhex(case["payload"]))) for case in GOLDEN["cases"]]
    columns = histogram.columns(points_of(spread))
    assert {name: column.tolist() for name, column in columns.items()} == GOLDEN["columns"]
    types = {name: column.dtype.str for name, column in columns.items()}
    assert types == {"counts": "<u4", "offsets": "<u4", "edge_offsets": "<u4", "edges": "<f8", "nonfinite": "<f8"}


def test_the_columns_of_no_points_are_empty_and_keep_their_shape() -> None:
    columns = histogram.columns(points_of([]))
    assert columns["nonfinite"].shape == (0, 3)
    assert columns["offsets"].tolist() == columns["edge_offsets"].tolist() == [0]


def test_uneven_edges_and_broken_counts_travel_in_full() -> None:
    uneven = histogram.DecodedHistogram(np.array([0.0, 1.0, 10.0]), np.array([0.5, 2.25]))
    many = histogram.DecodedHistogram(np.array([0.0, 1.0]), np.array([1 << 33]), uniform=True)
    columns = histogram.columns(points_of([uneven, many]))
    assert columns["edges"].tolist() == [0.0, 1.0, 10.0, 0.0, 1.0]
    assert columns["counts"].tolist() == [0.5, 2.25, float(1 << 33)]
    assert columns["counts"].dtype == np.float64


# ------------------------------------------------------------------------------------------------- counting


@given(hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e3, 1e3)), st.integers(1, 40))
def test_counts_are_those_of_numpy(values: AnyArray, buckets: int) -> None:
    one = counted(values, buckets)
    if values.max() - values.min() > 1e-9 or values.min() == values.max():
        counts, edges = np.histogram(values, bins=buckets)
        assert one.counts.tolist() == counts.tolist()
        assert one.edges == pytest.approx(edges, rel=1e-12, abs=1e-12)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(1, 500), st.integers(0, 2**32 - 1))
def test_values_on_and_beside_the_edges_fall_where_the_edges_say(
    left: float, width: float, buckets: int, seed: int
) -> None:
    edges = counted([left, left + width], buckets).edges
    beside = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    inside = beside[(beside >= edges[0]) & (beside <= edges[-1])]
    values = np.append(np.random.default_rng(seed).choice(inside, 300), edges[[0, -1]])
    wanted = np.minimum(np.searchsorted(edges, values, side="right") - 1, buckets - 1)
    assert counted(values, buckets).counts.tolist() == np.bincount(wanted, minlength=buckets).tolist()


@given(hnp.arrays(st.sampled_from([np.float16, np.float32, np.float64]), st.integers(1, 40)), st.integers(1, 300))
def test_every_value_is_counted_once_whatever_it_is(values: AnyArray, buckets: int) -> None:
    one = counted(values, buckets)
    finite = values[np.isfinite(values)].astype(np.float64)
    assert one.counts.sum() == len(finite)
    assert apart(one) == [np.isnan(values).sum(), (values == np.inf).sum(), (values == -np.inf).sum()]
    assert len(one.edges) == (buckets + 1 if len(finite) else 0)
    if len(finite):
        assert np.isfinite(one.edges).all()
        assert (one.edges[1:] > one.edges[:-1]).all()
        assert one.edges[0] <= finite.min()
        assert finite.max() <= one.edges[-1]


@given(hnp.arrays(st.sampled_from([np.int8, np.int64, np.uint64, np.uint8, np.bool_]), st.integers(1, 40)))
def test_whole_numbers_and_booleans_are_counted(values: AnyArray) -> None:
    assert counted(values, 7).counts.sum() == len(values)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=30), st.integers(1, 30))
def test_each_bucket_holds_its_left_edge_and_the_last_one_both(numbers: list[int], buckets: int) -> None:
    left, right = min(numbers), max(numbers)
    if left == right:
        return
    width = Fraction(right - left, buckets)
    wanted = [0] * buckets
    for number in numbers:
        wanted[min(int((number - left) / width), buckets - 1)] += 1
    one = counted(np.array(numbers, np.float64), buckets)
    exact = all((Fraction(float(edge)) - left) % width == 0 for edge in one.edges)
    assert one.counts.tolist() == wanted or not exact


@pytest.mark.parametrize(
    "values",
    [
        [5e-324, 0.0],
        [-3e-308, 2e-308],
        [1e-291, 2e-291],
        [1.0, math.nextafter(1.0, 2.0)],
        [1e308, -1e308],
        [1.7976931348623157e308, -1.7976931348623157e308],
        [1.7976931348623157e308] * 3,
        [-1.7976931348623157e308, math.nextafter(-1.7976931348623157e308, 0.0)],
        [1e300, 2e300],
        [1e18] * 2,
    ],
)
def test_ranges_at_the_ends_of_the_floats_are_safe(values: list[float]) -> None:
    for buckets in (1, 3, 100, histogram.MAX_BUCKETS):
        one = counted(values, buckets)
        assert one.counts.sum() == len(values)
        assert (one.edges[1:] > one.edges[:-1]).all()


def test_values_of_any_shape_and_order_in_memory_are_counted() -> None:
    values = np.random.default_rng(0).normal(size=(6, 5, 4))
    flat = counted(values.reshape(-1)).counts.tolist()
    assert counted(values).counts.tolist() == flat
    assert counted(values.T).counts.tolist() == flat
    assert counted(np.asfortranarray(values)[::1]).counts.tolist() == flat
    assert counted(values[::2]).counts.sum() == 60
    assert counted(3.5).counts.sum() == 1


def test_a_long_array_is_counted_in_chunks_without_a_seam() -> None:
    values = np.random.default_rng(0).normal(size=200_001).astype(np.float32)
    wanted = np.histogram(values.astype(np.float64), bins=100)[0]
    assert counted(values, 100).counts.tolist() == wanted.tolist()


@pytest.mark.parametrize("values", [[5e-324, 0.0], [1e-310, -1e-310], [1.7e308, -1.7e308], [math.nan, math.inf]])
@pytest.mark.parametrize("how", ["raise", "warn"])
def test_what_the_script_asks_numpy_to_do_about_errors_does_not_matter(values: list[float], how: Any) -> None:
    with np.errstate(all=how):
        record = histogram.encode(histogram.accept(values, 4))
    read = histogram.decode(Payload(record.payload))
    assert read.counts.sum() + sum(apart(read)) == 2


def test_a_long_double_beyond_float64_is_infinite() -> None:
    values = np.array([1.0, 2.0], np.longdouble)
    values[1] = np.longdouble(1e308) * 10
    assert counted(values).counts.sum() + counted(values).positive_inf == 2


def test_the_argument_is_copied_unless_it_is_owned() -> None:
    values = np.zeros(5)
    kept = histogram.accept(values)
    values[:] = 7
    assert histogram.count_values(kept.values, 10).edges[0] == -0.5
    assert histogram.accept(values, owned=True).values is values
    large = np.zeros(100_000)
    kept = histogram.accept(large)
    large[:] = 7
    assert not kept.values.any()
    assert kept.nbytes == 800_000
    assert histogram.accept(np.zeros(5)).nbytes == 40


@pytest.mark.parametrize("values", [["a"], [1j], [None], [[1.0], [1.0, 2.0]]])
def test_values_that_are_not_real_numbers_are_a_type_error(values: Any) -> None:
    with pytest.raises(TypeError, match="histogram's values"):
        histogram.accept(values)


def test_no_values_at_all_are_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"at least one value.*\[0, 3\]"):
        histogram.accept(np.empty((0, 3)))


@pytest.mark.parametrize(("buckets", "error"), [(0, ValueError), (-1, ValueError), (1 << 17, ValueError), (2.5, TypeError), ("9", TypeError)])  # fmt: skip # noqa: E501
def test_a_number_of_buckets_that_makes_no_sense_is_refused_at_the_call(buckets: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="buckets"):
        histogram.accept([1.0], buckets)
    with pytest.raises(error, match="buckets"):
        histogram.check_buckets(buckets)


# ------------------------------------------------------------------------------ what VisualDL 1.x got wrong


def test_all_negative_data_do_not_reach_zero() -> None:
    assert counted([-4.0, -3.0, -2.0], 4).edges[-1] == -2.0


def test_rising_data_are_spread_and_not_put_into_the_last_bucket() -> None:
    assert counted(np.arange(100.0), 10).counts.tolist() == [10] * 10


def test_constant_data_are_widened() -> None:
    one = counted([3.0] * 4, 2)
    assert one.edges.tolist() == [2.5, 3.0, 3.5]
    assert one.counts.tolist() == [0, 4]


def test_fewer_values_than_buckets_are_fine() -> None:
    assert counted([1.0, 2.0], 100).counts.sum() == 2


def test_a_narrow_range_keeps_its_digits() -> None:
    assert counted([1e-9, 3e-9], 2).edges == pytest.approx([1e-9, 2e-9, 3e-9], rel=1e-12)


# ------------------------------------------------------------------------------------------------ the record

GOOD = bytes.fromhex(GOLDEN["cases"][0]["payload"])


def with_field(at: int, raw: bytes) -> bytes:
    return GOOD[:at] + raw + GOOD[at + len(raw) :]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        GOOD[:-1],
        GOOD + b"\0",
        with_field(0, b"\x02"),
        with_field(1, b"\x03"),
        with_field(2, b"\x01"),
        with_field(4, b"\xff\xff\xff\xff"),
        with_field(8, np.float64(np.nan).tobytes()),
        with_field(8, np.float64(1e9).tobytes()),
        with_field(8, np.float64(np.nextafter(4.0, 0.0)).tobytes()),
        GOOD[:1] + b"\x08" + GOOD[2:48] + b"\xff" * 32,
    ],
)
def test_a_record_that_encode_never_wrote_is_corrupt(raw: bytes) -> None:
    with pytest.raises(CorruptRecord, match="histogram record"):
        histogram.decode(Payload(raw))


def test_a_record_with_a_blob_is_corrupt() -> None:
    with pytest.raises(CorruptRecord, match="no blob"):
        histogram.decode(Payload(GOOD, (bytes(16),)))


@settings(max_examples=300)
@given(st.binary(max_size=80))
def test_any_bytes_decode_or_are_corrupt_and_nothing_else(raw: bytes) -> None:
    for record in (raw, GOOD[:8] + raw, GOOD[:24] + raw):
        try:
            one = histogram.decode(Payload(record))
        except CorruptRecord:
            continue
        assert histogram.to_payload(one)[4:8] == record[4:8]


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=20), st.floats(-1e6, 0), st.floats(1, 1e6))
def test_counts_of_any_size_survive_the_record(counts: list[int], left: float, right: float) -> None:
    edges = np.linspace(left, right, len(counts) + 1)
    raw = histogram.to_payload(histogram.DecodedHistogram(edges, np.array(counts), 1, 2, 3, uniform=True))
    one = histogram.decode(Payload(raw))
    assert one.counts.tolist() == counts
    assert one.edges.tolist() == edges.tolist()
    assert apart(one) == [1, 2, 3]


# ------------------------------------------------------------------------------------------------ thinning


@settings(max_examples=40)
@given(st.integers(1, 2000), st.integers(2, 600), st.randoms(use_true_random=False))
def test_thinning_keeps_the_ends_the_range_and_a_lone_nan(count: int, n: int, random: Any) -> None:
    spread = [
        histogram.DecodedHistogram(np.array([-random.random(), random.random()]), np.array([1]), uniform=True)
        for _ in range(count)
    ]
    lone = random.randrange(count)
    spread[lone] = histogram.DecodedHistogram(np.empty(0), np.empty(0, np.int64), 5)
    points = points_of(spread)
    kept = histogram.thin(points.step.astype(np.float64), points, n).tolist()
    assert kept == sorted(set(kept))
    assert {0, count - 1, lone} <= set(kept)
    assert len(kept) <= min(n, histogram.MAX_POINTS) * 1.25 + 10
    for edge, pick in ((0, min), (-1, max)):
        every = [one.edges[edge] for one in spread if len(one.edges)]
        some = [spread[i].edges[edge] for i in kept if len(spread[i].edges)]
        assert not every or pick(some) == pick(every)
    if count <= min(n, histogram.MAX_POINTS):
        assert kept == list(range(count))


def test_thinning_follows_the_axis_when_steps_go_back() -> None:
    spread = [counted([float(i), i + 1.0], 4) for i in range(300)]
    x = np.concatenate([np.arange(200.0), np.arange(100.0)])
    kept = histogram.thin(x, points_of(spread), 40)
    assert (np.diff(kept) > 0).all()
    assert {0, 299} <= set(kept.tolist())


def test_a_widened_constant_does_not_hide_the_range_of_the_others_when_thinning() -> None:
    spread = [counted([0.0] * 4 if i % 2 else [-0.001 * i, 0.001 * i + 1e-9], 10) for i in range(2000)]
    kept = histogram.thin(np.arange(2000.0), points_of(spread), 100)
    assert 1998 in kept, "the widest spread, beside constants whose buckets reach further"


@given(st.floats(-1e300, 0, exclude_max=True), st.floats(1e-280, 1e300), st.integers(1, 500))
def test_the_edges_are_those_of_numpy_to_the_last_bit(left: float, right: float, buckets: int) -> None:
    record = histogram.to_payload(
        histogram.DecodedHistogram(np.array([left, right]), np.zeros(buckets, np.int64), uniform=True)
    )
    assert histogram.decode(Payload(record)).edges.tolist() == np.linspace(left, right, buckets + 1).tolist()
