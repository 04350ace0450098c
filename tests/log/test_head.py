"""The ring and its hot path: misuse raises at the call and leaves nothing that stops a reader."""

from __future__ import annotations

import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from visualdl.log.columns import ROW, VOID
from visualdl.log.filesystem import Mode
from visualdl.log.head import (
    HEAD_BYTES,
    MARKS,
    HotPath,
    Ring,
    committed,
    hot_path,
    mark,
    pack_header,
    unpack_header,
)
from visualdl.log.identity import Identity, this_process


def ready(ring: Ring) -> HotPath:
    def stuck(number: int, tag: int, step: int, value: float, time: float) -> None:
        raise AssertionError(f"row {number} has no slot")

    hot = hot_path(stuck)
    hot.numbering.use(ring.buffer, ring.capacity)
    hot.numbering.limit(ring.capacity)
    return hot


@pytest.fixture(params=["mmap", "pwrite"])
def ring(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    mode: Mode = request.param
    made = Ring(str(tmp_path / "x.head"), capacity=16, mode=mode, first=0)
    yield made
    made.close(remove=True)
    assert not (tmp_path / "x.head").exists()


def test_a_row_is_packed_as_documented(ring: Ring) -> None:
    append = ready(ring).appender(7)
    append(3, 0.5, 12.25)
    append(-(2**63), float("nan"))
    rows = list(ROW.iter_unpack(ring.rows(0, 2)))
    assert rows[0] == (3, 12.25, 0.5, 7, 1)
    assert rows[1][0] == -(2**63)
    assert rows[1][4] == 2


@pytest.mark.parametrize(
    ("step", "value", "error"),
    [
        ("3", 1.0, TypeError),
        (1.5, 1.0, TypeError),
        (None, 1.0, TypeError),
        (2**63, 1.0, OverflowError),
        (-(2**63) - 1, 1.0, OverflowError),
        (1, "x", TypeError),
        (1, "1.5", TypeError),
        (1, None, TypeError),
        (1, [1.0], TypeError),
        (1, 10**400, OverflowError),
    ],
)
def test_a_row_that_cannot_be_packed_raises_and_leaves_a_void_row(
    ring: Ring, step: Any, value: Any, error: type[Exception]
) -> None:
    append = ready(ring).appender(1)
    append(1, 1.0)
    with pytest.raises(error):
        append(step, value)
    append(2, 2.0)
    rows = ring.rows(0, 3)
    assert committed(rows, 0) == 3
    assert [row[3] for row in ROW.iter_unpack(rows)] == [1, VOID, 1]


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -float("inf"), 1e13])
def test_a_time_that_is_none_raises_and_takes_no_row(ring: Ring, time: float) -> None:
    hot = ready(ring)
    with pytest.raises(ValueError, match="time must be"):
        hot.appender(1)(1, 1.0, time)
    assert hot.numbering.taken() == 0


def test_a_value_whose_float_raises_leaves_a_void_row(ring: Ring) -> None:
    class Broken:
        def __float__(self) -> float:
            raise KeyboardInterrupt

    hot = ready(ring)
    with pytest.raises(KeyboardInterrupt):
        hot.appender(1)(1, Broken())
    assert committed(ring.rows(0, 1), 0) == 1


def test_a_value_that_logs_another_value_keeps_both(ring: Ring) -> None:
    hot = ready(ring)
    append = hot.appender(1)

    class Chatty:
        def __float__(self) -> float:
            append(10, 10.0)
            return 5.0

    append(5, Chatty())
    assert [row[2] for row in ROW.iter_unpack(ring.rows(0, 2))] == [5.0, 10.0]


def test_a_half_written_row_stops_the_reader_there(ring: Ring) -> None:
    append = ready(ring).appender(1)
    for i in range(5):
        append(i, 1.0)
    struct.pack_into("<I", ring.buffer, HEAD_BYTES + 2 * 32 + 28, 0)
    assert committed(ring.rows(0, 5), 0) == 2
    ring.void(2)
    assert committed(ring.rows(0, 5), 0) == 5


def test_marks_are_never_zero_and_differ_one_turn_of_the_ring_apart() -> None:
    for number in (0, 1, MARKS - 1, MARKS, MARKS + 1, 10 * MARKS):
        assert 1 <= mark(number) <= MARKS
        assert mark(number) != mark(number + 65536)
    rows = b"".join(ROW.pack(0, 0.0, 0.0, 0, mark(i)) for i in range(MARKS - 3, MARKS + 3))
    assert committed(rows, MARKS - 3) == 6


def test_numbers_are_given_once_to_many_threads(tmp_path: Path) -> None:
    ring = Ring(str(tmp_path / "x.head"), capacity=65536, mode="mmap", first=0)
    append = ready(ring).appender(1)
    threads = [threading.Thread(target=lambda k=k: [append(k * 4000 + i, 0.0) for i in range(4000)]) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = ring.rows(0, 32000)
    assert committed(rows, 0) == 32000
    assert sorted(row[0] for row in ROW.iter_unpack(rows)) == list(range(32000))
    ring.close(remove=True)


def test_a_header_comes_back_and_no_flipped_bit_of_it_goes_unseen() -> None:
    header = pack_header(this_process(), 1024, 77)
    state = unpack_header(header)
    assert state is not None
    assert (state.writer, state.capacity, state.tail, state.dropped) == (this_process(), 1024, 77, 0)
    for bit in range(8 * 224):
        flipped = bytearray(header)
        flipped[bit // 8] ^= 1 << bit % 8
        assert unpack_header(bytes(flipped)) is None
    assert unpack_header(header[:-1]) is None


@pytest.mark.parametrize("capacity", [0, 1 << 23])
def test_a_capacity_that_no_writer_uses_is_refused(capacity: int) -> None:
    assert unpack_header(pack_header(Identity(1, 2, "", "", ""), capacity, 0)) is None
