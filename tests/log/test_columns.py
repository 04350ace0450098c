"""Rows and records as columns: every bit comes back, and both encoders agree on every byte."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visualdl.log import digest
from visualdl.log.columns import (
    FLOAT32,
    ROW,
    ROWS_INDEX,
    VOID,
    Entry,
    RowColumns,
    RowsBody,
    decode_records,
    decode_records_index,
    decode_rows_index,
    encode_records,
    encode_rows,
    microseconds,
)
from visualdl.log.digest import digest_dtype
from visualdl.log.frame import RAW

BITS = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
SMALL = st.floats(width=32)
STEPS = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 100)
TIMES = st.floats(0, 4e9) | st.floats()
TAGS = st.integers(0, 3) | st.just(VOID) | st.integers(0, 2**32 - 1)
ROWS = st.lists(st.tuples(STEPS, TIMES, BITS | SMALL, TAGS), max_size=40)


def pack(rows: list[tuple[int, float, float, int]]) -> bytes:
    return b"".join(ROW.pack(*row, i + 1) for i, row in enumerate(rows))


def decoded(body: bytes, codec: int, flags: int, counts: Sequence[int]) -> RowColumns:
    """The rows of a frame, tag by tag."""
    found, starts = RowsBody(body, codec, flags, sum(counts)), np.cumsum([0, *counts]).tolist()
    parts = [found.rows(start, stop, start) for start, stop in pairwise(starts)] or [found.rows(0, 0)]
    return RowColumns(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@given(ROWS)
def test_numpy_and_the_standard_library_give_the_same_bytes(rows: list[tuple[int, float, float, int]]) -> None:
    packed = pack(rows)
    assert encode_rows(packed, 0, len(rows), use_numpy=True) == encode_rows(packed, 0, len(rows), use_numpy=False)


@given(ROWS)
def test_rows_come_back_by_tag_in_the_order_of_their_calls(rows: list[tuple[int, float, float, int]]) -> None:
    part = encode_rows(pack(rows), 5, 5 + len(rows))
    index = decode_rows_index(part.directory, part.n, part.flags)
    columns = decoded(part.body, part.codec, part.flags, index.counts)
    expected = sorted((row for row in rows if row[3] != VOID), key=lambda row: row[3])
    assert (index.first, index.stop) == (5, 5 + len(rows))
    assert np.repeat(np.array(index.tags, np.int64), index.counts).tolist() == [row[3] for row in expected]
    assert columns.step.tolist() == [row[0] for row in expected]
    assert columns.value.tobytes() == struct.pack(f"<{len(expected)}d", *(row[2] for row in expected))
    for time, row in zip(columns.time, expected, strict=True):
        if 0 <= row[1] <= 4e9:
            assert abs(time - row[1]) <= 0.5e-6 + 1e-9 * abs(row[1]) * 1e-3


def test_float32_is_chosen_only_when_no_bit_is_lost() -> None:
    quiet_nan = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_2000_0000))[0]
    long_nan = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0001))[0]
    exact = [0.0, -0.0, 1.5, float("inf"), -float("inf"), quiet_nan, 2.0**-149]
    for value in exact:
        assert encode_rows(ROW.pack(1, 1.0, value, 0, 1), 0, 1).flags & FLOAT32
    for value in [0.1, 1e300, 2.0**-150, long_nan, 1 + 2.0**-30]:
        assert encode_rows(ROW.pack(1, 1.0, value, 0, 1), 0, 1).flags & FLOAT32 == 0


def test_ordinary_rows_cost_about_four_bytes() -> None:
    noise = np.random.default_rng(0).standard_normal(16384).astype(np.float32).astype(float)
    rows = b"".join(ROW.pack(i // 20, 1.7e9 + i * 1e-3, noise[i], i % 20, i + 1) for i in range(16384))
    part = encode_rows(rows, 0, 16384)
    assert len(part.body) + len(part.directory) < 5 * 16384


@settings(max_examples=200)
@given(st.binary(max_size=120), st.integers(0, 2**32 - 1), st.integers(0, 7), st.integers(0, 2))
def test_noise_is_refused_with_a_value_error(noise: bytes, n: int, flags: int, codec: int) -> None:
    for decode in (
        lambda: decode_rows_index(noise, n, flags),
        lambda: decode_records_index(noise, n),
        lambda: RowsBody(noise, codec, flags, n),
    ):
        with contextlib.suppress(ValueError):
            decode()


def long_rows(seed: int, counts: list[int], *, holes: float) -> list[tuple[int, float, float, int]]:
    """Rows of several tags by turns: steps that sometimes go back, a share of values that are not finite."""
    random = np.random.default_rng(seed)
    tags = np.repeat(np.arange(len(counts)), counts)
    random.shuffle(tags)
    steps = np.cumsum(random.choice([1, 1, 1, 2, 0, -5], len(tags), p=[0.4, 0.3, 0.2, 0.05, 0.049, 0.001]))
    values = np.round(random.normal(size=len(tags)), 1)
    odd = random.random(len(tags)) < holes
    values[odd] = random.choice([np.nan, np.inf, -np.inf], int(odd.sum()))
    return list(zip(steps.tolist(), (1e9 + steps / 7).tolist(), values.tolist(), tags.tolist(), strict=True))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32),
    st.lists(st.sampled_from([1, 30, 1023, 1024, 1025, 2048, 3000]), min_size=1, max_size=3),
    st.sampled_from([0.0, 0.01, 1.0]),
)
def test_digests_say_of_every_block_what_its_rows_say(seed: int, counts: list[int], holes: float) -> None:
    packed = pack(long_rows(seed, counts, holes=holes))
    part = encode_rows(packed, 0, sum(counts), use_numpy=True)
    assert part == encode_rows(packed, 0, sum(counts), use_numpy=False)
    index = decode_rows_index(part.directory, part.n, part.flags)
    columns = decoded(part.body, part.codec, part.flags, index.counts)
    found = np.frombuffer(index.digests, digest_dtype())
    blocks = list(digest.blocks(index.counts))
    assert len(blocks) == len(found) == digest.digests(index.counts)
    assert sum(stop - start for start, stop in blocks) == sum(count for count in counts if count >= 1024)
    for told, (start, stop) in zip(found, blocks, strict=True):
        step, time, value = (column[start:stop] for column in columns)
        finite = value[np.isfinite(value)]
        assert told["apart"].tolist() == [np.isnan(value).sum(), (value == np.inf).sum(), (value == -np.inf).sum()]
        assert (told["ascends"] & digest.STEPS_ASCEND > 0) == bool((np.diff(step) >= 0).all())
        shown = [0, stop - start - 1]
        if len(finite):
            shown += told["at"].tolist()
            assert (told["value"][2], told["value"][3]) == (finite.min(), finite.max())
        else:
            assert told["at"].tolist() == [digest.NONE] * 2
        for name, column in (("step", step), ("value", value), ("time", microseconds(time))):
            np.testing.assert_array_equal(told[name][: len(shown)], column[shown])
    for tag_start in np.cumsum([0, *index.counts])[:-1].tolist():
        of_tag = [told for told, (start, _) in zip(found, blocks, strict=True) if start == tag_start]
        assert index.digests_of(tag_start)[: digest.DIGEST_BYTES] == b"".join(told.tobytes() for told in of_tag)


def test_a_frame_of_the_first_version_is_read_tag_by_tag() -> None:
    """Its differences run on from one tag to the next, and its index has no digests."""
    tags, step, time, value = [3, 9], [5, 6, 1, 2, 3], [10, 11, 10, 12, 14], [1.0, 2.0, 3.0, 4.0, 5.0]
    deltas = [struct.pack("<5q", *np.diff(column, prepend=0).tolist()) for column in (step, time)]
    body = b"".join(bytes(data[i::8][j] for i in range(8) for j in range(5)) for data in deltas)
    body += bytes(struct.pack("<5d", *value)[i::8][j] for i in range(8) for j in range(5))
    index = decode_rows_index(ROWS_INDEX.pack(0, 5, 2) + struct.pack("<4I", *tags, 2, 3), 5, 0)
    found = RowsBody(body, RAW, 0, 5)
    assert index.digests == b""
    assert [column.tolist() for column in found.rows(3, 5, 2)] == [[2, 3], [12e-6, 14e-6], [4.0, 5.0]]
    assert [column.tolist() for column in found.rows(0, 2, 0)] == [[5, 6], [10e-6, 11e-6], [1.0, 2.0]]


RECORDS = st.lists(
    st.tuples(
        st.integers(0, 2**32 - 1),
        STEPS,
        st.integers(0, 4 * 10**15),
        st.binary(max_size=80),
        st.lists(st.binary(min_size=16, max_size=16), max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=8,
)


@given(RECORDS)
def test_records_come_back(records: list[tuple[int, int, int, bytes, tuple[bytes, ...]]]) -> None:
    entries = [Entry(tag, step, time / 1e6, payload, blobs) for tag, step, time, payload, blobs in records]
    part = encode_records(entries)
    index = decode_records_index(part.directory, part.n)
    assert list(zip(index.tag, index.step, index.time, strict=True)) == [record[:3] for record in records]
    assert decode_records(part.body, part.codec, index) == [(record[3], record[4]) for record in records]


def test_a_records_index_that_promises_too_much_is_refused() -> None:
    part = encode_records([Entry(1, 1, 1.0, b"payload" * 100, ())])
    index = decode_records_index(part.directory, 1)
    for size in (699, 701, 2**32 - 1):
        with pytest.raises(ValueError, match=r"expected|limit"):
            decode_records(part.body, part.codec, index._replace(size=(size,)))
