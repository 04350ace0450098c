"""Rows and records as columns: every bit comes back, and both encoders agree on every byte."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visualdl.log.columns import (
    FLOAT32,
    ROW,
    VOID,
    Entry,
    decode_records,
    decode_records_index,
    decode_rows,
    decode_rows_index,
    encode_records,
    encode_rows,
)

BITS = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
SMALL = st.floats(width=32)
STEPS = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 100)
TIMES = st.floats(0, 4e9) | st.floats()
TAGS = st.integers(0, 3) | st.just(VOID) | st.integers(0, 2**32 - 1)
ROWS = st.lists(st.tuples(STEPS, TIMES, BITS | SMALL, TAGS), max_size=40)


def pack(rows: list[tuple[int, float, float, int]]) -> bytes:
    return b"".join(ROW.pack(*row, i + 1) for i, row in enumerate(rows))


@given(ROWS)
def test_numpy_and_the_standard_library_give_the_same_bytes(rows: list[tuple[int, float, float, int]]) -> None:
    packed = pack(rows)
    assert encode_rows(packed, 0, len(rows), use_numpy=True) == encode_rows(packed, 0, len(rows), use_numpy=False)


@given(ROWS)
def test_rows_come_back_by_tag_in_the_order_of_their_calls(rows: list[tuple[int, float, float, int]]) -> None:
    part = encode_rows(pack(rows), 5, 5 + len(rows))
    index = decode_rows_index(part.directory, part.n)
    columns = decode_rows(part.body, part.codec, part.flags, part.n)
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
        assert encode_rows(ROW.pack(1, 1.0, value, 0, 1), 0, 1).flags == FLOAT32
    for value in [0.1, 1e300, 2.0**-150, long_nan, 1 + 2.0**-30]:
        assert encode_rows(ROW.pack(1, 1.0, value, 0, 1), 0, 1).flags == 0


def test_ordinary_rows_cost_about_four_bytes() -> None:
    noise = np.random.default_rng(0).standard_normal(16384).astype(np.float32).astype(float)
    rows = b"".join(ROW.pack(i // 20, 1.7e9 + i * 1e-3, noise[i], i % 20, i + 1) for i in range(16384))
    part = encode_rows(rows, 0, 16384)
    assert len(part.body) + len(part.directory) < 5 * 16384


@settings(max_examples=200)
@given(st.binary(max_size=120), st.integers(0, 2**32 - 1), st.integers(0, 3), st.integers(0, 2))
def test_noise_is_refused_with_a_value_error(noise: bytes, n: int, flags: int, codec: int) -> None:
    for decode in (
        lambda: decode_rows_index(noise, n),
        lambda: decode_records_index(noise, n),
        lambda: decode_rows(noise, codec, flags, n),
    ):
        with contextlib.suppress(ValueError):
            decode()


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
