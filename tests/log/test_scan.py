"""Walking damaged files: only what was hit is lost, nothing comes twice, all of it is told, and nothing takes long."""

from __future__ import annotations

import os
import random
import socket
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from visualdl.log.columns import ROW, encode_rows
from visualdl.log.frame import HEADER_BYTES, ROWS, pack_frame
from visualdl.log.head import Ring, pack_header
from visualdl.log.identity import this_process
from visualdl.log.reader import FileSet
from visualdl.log.scan import MAX_GAPS
from visualdl.log.tail import OpenHead

NAME = "20260102T030405.678901Z-host-1-00c0ffee.vdl"


def frame(seq: int, rows: int = 20) -> bytes:
    """A frame of rows whose values are its number."""
    packed = b"".join(ROW.pack(seq * rows + i, 100.0, float(seq), 0, 1) for i in range(rows))
    part = encode_rows(packed, seq * rows, (seq + 1) * rows)
    head = pack_frame(ROWS, seq, n=part.n, index=part.directory, body=part.body, codec=part.codec, flags=part.flags)
    return head + part.body


def opened(folder: Path, data: bytes) -> FileSet:
    (folder / NAME).write_bytes(data)
    log = FileSet(folder / NAME)
    log.refresh()
    return log


def frames_read(log: FileSet) -> list[int]:
    return sorted({int(value) for value in log.rows(0)[2]})


def told(log: FileSet) -> list[tuple[int, int, str]]:
    return [(gap.offset, gap.length, gap.reason) for gap in log.gaps]


def test_a_frame_that_stands_in_the_file_twice_is_given_once(tmp_path: Path) -> None:
    one = frame(0)
    log = opened(tmp_path, one + frame(1) + one + frame(2))
    assert log.count(0) == 60
    assert frames_read(log) == [0, 1, 2]
    assert told(log) == [(len(one + frame(1)), len(one), "a frame that was read before, or one of another log")]


def test_frames_that_are_missing_are_told(tmp_path: Path) -> None:
    log = opened(tmp_path, frame(0) + frame(3) + frame(4))
    assert frames_read(log) == [0, 3, 4]
    assert told(log) == [(len(frame(0)), 0, "2 frames are missing before this byte")]


def test_the_missing_beginning_of_a_file_is_told(tmp_path: Path) -> None:
    log = opened(tmp_path, frame(5) + frame(6))
    assert frames_read(log) == [5, 6]
    assert told(log) == [(0, 0, "5 frames are missing before this byte")]


def test_frames_in_another_order_are_all_read(tmp_path: Path) -> None:
    order = list(range(12))
    random.Random(4).shuffle(order)
    log = opened(tmp_path, b"".join(frame(seq) for seq in order))
    assert log.count(0) == 12 * 20
    assert log.gaps


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=25))
def test_frames_in_any_order_however_often_are_each_given_once(tmp_path: Path, order: list[int]) -> None:
    log = opened(tmp_path, b"".join(frame(seq) for seq in order))
    assert frames_read(log) == sorted(set(order))
    assert log.count(0) == 20 * len(set(order))
    assert bool(log.gaps) == (order != list(range(len(order))))


def test_a_damaged_frame_is_told_once_and_not_as_missing_too(tmp_path: Path) -> None:
    damaged = bytearray(frame(1))
    damaged[-1] ^= 1
    log = opened(tmp_path, frame(0) + bytes(damaged) + frame(2))
    assert told(log) == [(len(frame(0)), len(damaged), "the body does not fit its checksum")]


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_bytes_cut_out_of_a_frame_cost_only_that_frame(tmp_path: Path, cut: int) -> None:
    short = frame(1)[: HEADER_BYTES + 5] + frame(1)[HEADER_BYTES + 5 + cut :]
    log = opened(tmp_path, frame(0) + short + frame(2) + frame(3))
    assert frames_read(log) == [0, 2, 3]
    assert [(offset, length) for offset, length, _ in told(log)] == [(len(frame(0)), len(short))]


def test_damage_without_end_is_told_in_bounded_space(tmp_path: Path) -> None:
    bad = bytearray(pack_frame(ROWS, 1, body=b"x") + b"y")
    count = 5 * MAX_GAPS
    log = opened(tmp_path, frame(0) + bytes(bad) * count + frame(2))
    assert frames_read(log) == [0, 2]
    assert len(log.gaps) == MAX_GAPS + 1
    last = log.gaps[-1]
    assert last.offset + last.length == len(frame(0)) + count * len(bad)
    assert "told as one" in last.reason


@pytest.mark.skipif(not hasattr(os, "SEEK_DATA"), reason="this system does not tell where the holes of a file are")
def test_a_hole_of_a_terabyte_is_jumped_over(tmp_path: Path) -> None:
    path = tmp_path / NAME
    hole = 1 << 40
    with path.open("wb") as file:
        file.write(frame(0))
        try:
            file.seek(hole)
            file.write(frame(1))
        except OSError as error:
            pytest.skip(f"no file of that size here: {error}")
    log = FileSet(path)
    log.refresh()
    assert frames_read(log) == [0, 1]
    assert told(log) == [(len(frame(0)), hole - len(frame(0)), "a damaged frame header")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
@pytest.mark.parametrize("suffix", [".vdl", ".head"])
def test_a_pipe_with_the_name_of_a_log_keeps_nobody_waiting(tmp_path: Path, suffix: str) -> None:
    (tmp_path / NAME).write_bytes(frame(0))
    path = (tmp_path / NAME).with_suffix(suffix)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    log = FileSet(tmp_path / NAME)
    log.refresh()
    assert log.count(0) == (0 if suffix == ".vdl" else 20)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets with names on this system")
def test_a_socket_with_the_name_of_a_log_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(NAME)
        log = FileSet(tmp_path / NAME)
        log.refresh()
        assert (log.count(0), log.gaps) == (0, ())


def lying_head(folder: Path, *, tail: int = 0, cut: int | None = None) -> FileSet:
    """One sealed frame, and a head of 64 rows with rows 20 … 29 whose writer is dead."""
    (folder / NAME).write_bytes(frame(0))
    path = (folder / NAME).with_suffix(".head")
    ring = Ring(str(path), capacity=64, mode="pwrite", first=tail)
    for number in range(20, 30):
        ROW.pack_into(ring.buffer, 4096 + number * 32, number, 1.0, 7.0, 0, number + 1)
    ring.written = 0
    ring.write_out(64)
    ring.release()
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 24, 1)  # a start that no process has
    struct.pack_into("<I", data, 4, zlib.crc32(data[8:224]))
    path.write_bytes(data[:cut])
    log = FileSet(folder / NAME)
    log.refresh()
    return log


def test_a_head_that_was_cut_gives_the_rows_that_are_there_and_says_so(tmp_path: Path) -> None:
    log = lying_head(tmp_path, cut=4096 + 25 * 32 + 3)
    assert log.rows(0)[2].tolist() == [0.0] * 20 + [7.0] * 5
    assert [gap.reason for gap in log.gaps] == ["the head ends before its ring does: newest rows may be missing"]


def test_a_head_that_is_made_just_while_it_is_read_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.head"
    path.write_bytes(bytes(4096 + 64 * 32))
    head = OpenHead(str(path))
    state = head.state()
    assert (state, head.fault(state)) == (None, "")
    with path.open("r+b") as file:
        file.write(pack_header(this_process(), 64, 0))
    assert head.fault(state) == ""
    head.close()


def test_a_head_whose_header_is_damaged_is_told(tmp_path: Path) -> None:
    log = lying_head(tmp_path)
    assert log.gaps == ()
    path = (tmp_path / NAME).with_suffix(".head")
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    log = FileSet(tmp_path / NAME)
    log.refresh()
    assert log.count(0) == 20
    assert [gap.reason for gap in log.gaps] == ["the head's header is damaged: rows in no frame yet cannot be read"]


@pytest.mark.parametrize("size", [0, 5, 4096, 4200])
def test_a_head_that_is_only_being_made_is_no_damage(tmp_path: Path, size: int) -> None:
    (tmp_path / NAME).write_bytes(frame(0))
    (tmp_path / NAME).with_suffix(".head").write_bytes(bytes(size))
    log = FileSet(tmp_path / NAME)
    log.refresh()
    assert (log.count(0), log.gaps) == (20, ())


@pytest.mark.parametrize("stop", [1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_a_frame_that_covers_rows_past_all_counting_is_a_gap(tmp_path: Path, stop: int) -> None:
    part = encode_rows(ROW.pack(1, 1.0, 1.0, 0, 1), 0, 1)
    index = struct.pack("<Q", 0) + struct.pack("<Q", stop) + part.directory[16:]
    lying_head(tmp_path)
    data = frame(0) + pack_frame(ROWS, 1, n=1, index=index, body=part.body, codec=part.codec, flags=part.flags)
    log = opened(tmp_path, data + part.body)
    assert log.rows(0)[2].tolist() == [0.0] * 20 + [7.0] * 10
    assert len(log.gaps) == 1
