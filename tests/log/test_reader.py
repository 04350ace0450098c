"""Reading: a log cut anywhere is read as far as it goes, damage costs only what it hit, nothing is given twice."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from visualdl.errors import LogUnreadable
from visualdl.log.columns import ROW, Entry, encode_records, encode_rows
from visualdl.log.frame import (
    BLOB,
    CLOSE,
    HEADER_BYTES,
    META,
    RECORDS,
    ROWS,
    TAGS,
    ZSTD,
    Closed,
    encode_closed,
    encode_json,
    pack_frame,
    unpack_header,
)
from visualdl.log.head import HEAD_BYTES, Ring
from visualdl.log.payloads import address
from visualdl.log.reader import FileSet, FrameCache, Gap, Record, find_file_sets
from visualdl.log.writer import Log

NAME = "20260102T030405.678901Z-host-1-00c0ffee.vdl"


class Frames:
    """A .vdl file made by hand, frame by frame."""

    def __init__(self, first: int = 0) -> None:
        self.bytes = b""
        self.starts: list[int] = []
        self.first = first  # the number of the first frame

    def add(self, type: int, *, body: bytes = b"", index: bytes = b"", **more: int) -> Frames:
        self.starts.append(len(self.bytes))
        self.bytes += pack_frame(type, self.first + len(self.starts) - 1, index=index, body=body, **more) + body
        return self

    def rows(self, first: int, values: list[float], tag: int = 0) -> Frames:
        packed = b"".join(ROW.pack(first + i, 100.0 + i, value, tag, 1) for i, value in enumerate(values))
        part = encode_rows(packed, first, first + len(values))
        return self.add(ROWS, n=part.n, index=part.directory, body=part.body, codec=part.codec, flags=part.flags)


def small_log() -> Frames:
    blob = b"picture" * 30
    part = encode_records([Entry(1, 5, 50.0, b"payload" * 20, (address(blob),))])
    made = Frames().add(TAGS, body=encode_json([{"id": 0, "kind": "scalar", "tag": "loss"}]))
    made.add(META, body=encode_json({"display_name": "one"}))
    made.rows(0, [1.0, 2.0, 3.0])
    made.add(TAGS, body=encode_json([{"id": 1, "kind": "image", "tag": "photo", "samples": 2}]))
    made.add(BLOB, index=address(blob), body=blob)
    made.add(RECORDS, n=part.n, index=part.directory, body=part.body, codec=part.codec)
    made.rows(3, [0.1] * 40)
    return made.add(CLOSE, body=encode_closed(Closed(43, 1, 0)))


def opened(directory: Path, data: bytes) -> FileSet:
    path = directory / NAME
    path.write_bytes(data)
    log = FileSet(path)
    log.refresh()
    return log


def test_a_whole_log_is_read(tmp_path: Path) -> None:
    made = small_log()
    log = opened(tmp_path, made.bytes)
    assert {tag.id: (tag.kind, tag.name, dict(tag.meta)) for tag in log.tags.values()} == {
        0: ("scalar", "loss", {}),
        1: ("image", "photo", {"samples": 2}),
    }
    assert dict(log.meta) == {"display_name": "one"}
    assert (log.count(0), log.count(1), log.count(2)) == (43, 1, 0)
    step, time, value = log.rows(0)
    assert step.tolist() == list(range(43))
    assert time[:4].tolist() == [100.0, 101.0, 102.0, 100.0]
    assert value.tolist() == [1.0, 2.0, 3.0] + [0.1] * 40
    [record] = log.records(1, [0])
    assert record == Record(5, 50.0, b"payload" * 20, record.blobs)
    assert log.blob(record.blobs[0]) == b"picture" * 30
    assert log.blob(bytes(16)) is None
    assert (log.closed, log.gaps, log.live) == (Closed(43, 1, 0), (), False)
    assert log.bytes_read == log.bytes_total == len(made.bytes)
    assert log.started == pytest.approx(1767323045.678901)


def test_rows_and_records_are_given_from_any_position(tmp_path: Path) -> None:
    log = opened(tmp_path, small_log().bytes)
    everything = log.rows(0)
    for since in range(45):
        for part, whole in zip(log.rows(0, since), everything, strict=True):
            assert part.tolist() == whole[since:].tolist()
    assert [len(column) for column in log.record_index(1, 1)] == [0, 0]
    assert log.records(1, slice(1, None)) == []
    with pytest.raises(IndexError):
        log.records(1, [1])


def test_a_log_that_grows_byte_by_byte_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    made = small_log()
    path = tmp_path / NAME
    path.write_bytes(b"")
    log = FileSet(path)
    ends = [*made.starts[1:], len(made.bytes)]
    counts = [0, 0, 3, 3, 3, 3, 43, 43]
    with path.open("ab", buffering=0) as file:
        for size in range(1, len(made.bytes) + 1):
            file.write(made.bytes[size - 1 : size])
            log.refresh()
            whole = sum(end <= size for end in ends)
            assert log.count(0) == (counts[whole - 1] if whole else 0), f"after {size} bytes"
            assert len(log.rows(0)[0]) == log.count(0)
            assert log.gaps == ()
    assert log.closed == Closed(43, 1, 0)


def test_refresh_names_the_tags_that_advanced(tmp_path: Path) -> None:
    made = small_log()
    path = tmp_path / NAME
    path.write_bytes(b"")
    log = FileSet(path)
    seen = []
    for end in [*made.starts[1:], len(made.bytes)]:
        path.write_bytes(made.bytes[:end])
        seen.append(set(log.refresh()))
    assert seen == [{0}, set(), {0}, {1}, set(), {1}, {0}, set()]
    assert log.refresh() == frozenset()


def test_a_log_cut_anywhere_keeps_what_was_whole(tmp_path: Path) -> None:
    made = small_log()
    ends = [*made.starts[1:], len(made.bytes)]
    for size in range(len(made.bytes)):
        log = opened(tmp_path, made.bytes[:size])
        assert log.count(0) == 3 * (size >= ends[2]) + 40 * (size >= ends[6])
        assert log.gaps == ()


def test_a_flipped_bit_costs_at_most_the_frame_that_it_hit(tmp_path: Path) -> None:
    made = small_log()
    spans = list(zip(made.starts, [*made.starts[1:], len(made.bytes)], strict=True))
    whole = opened(tmp_path, made.bytes)
    values = whole.rows(0)[2].tolist()
    for at in range(len(made.bytes)):
        damaged = bytearray(made.bytes)
        damaged[at] ^= 1 << at % 8
        log = opened(tmp_path, bytes(damaged))
        hit = next(i for i, (start, end) in enumerate(spans) if start <= at < end)
        got = log.rows(0)[2].tolist()
        assert got == {2: values[3:], 6: values[:3]}.get(hit, values), f"byte {at} of frame {hit}"
        record = whole.records(1, [0])[0]
        assert log.records(1, slice(None)) == ([] if hit == 5 else [record])
        blob = log.blob(record.blobs[0])
        assert blob == (None if hit == 4 else b"picture" * 30)
        assert [(gap.offset, gap.offset + gap.length) for gap in log.gaps if gap.reason[:4] != "blob"] in (
            [spans[hit]],
            [],
        )
        assert log.gaps, f"byte {at} of frame {hit} was damaged in silence"


def test_damage_at_the_end_is_told_and_healed_by_what_comes_after(tmp_path: Path) -> None:
    made = small_log()
    path = tmp_path / NAME
    cut = made.starts[6]
    path.write_bytes(made.bytes[:cut] + bytes(1000))
    log = FileSet(path)
    log.refresh()
    assert [(gap.offset, gap.length) for gap in log.gaps] == [(cut, 1000)]
    with path.open("ab") as file:
        file.write(made.bytes[cut:])
    log.refresh()
    assert [(gap.offset, gap.length) for gap in log.gaps] == [(cut, 1000)]
    assert log.count(0) == 43
    assert log.closed is not None


def test_a_good_frame_is_found_behind_megabytes_of_noise(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).bytes(3 << 20) + b"VLF1" * 1000
    made = Frames().rows(0, [1.0])
    log = opened(tmp_path, made.bytes + noise + Frames(1).rows(1, [2.0]).bytes)
    assert log.rows(0)[2].tolist() == [1.0, 2.0]
    assert log.gaps == (Gap(len(made.bytes), len(noise), "a damaged frame header"),)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(1, 9), st.integers(0, 5), st.integers(0, 3), st.binary(max_size=80), st.binary(max_size=80))
def test_a_frame_that_says_nonsense_is_a_gap_or_is_skipped(
    tmp_path: Path, type: int, n: int, codec: int, index: bytes, body: bytes
) -> None:
    strange = Frames().add(type, n=n, codec=codec, index=index, body=body)
    log = opened(tmp_path, strange.bytes + Frames(1).rows(0, [7.0], tag=100_000).bytes)
    assert log.rows(100_000)[2].tolist() == [7.0]
    for tag in (0, *log.tags):
        log.rows(tag)
        log.records(tag, slice(None))


def test_a_type_from_the_future_is_skipped_without_a_word(tmp_path: Path) -> None:
    log = opened(tmp_path, Frames().add(200, body=b"?" * 100).rows(0, [7.0]).bytes)
    assert log.rows(0)[2].tolist() == [7.0]
    assert log.gaps == ()


def test_a_body_that_inflates_to_too_much_is_refused_when_asked_for(tmp_path: Path) -> None:
    import zstandard

    bomb = zstandard.compress(bytes(1 << 28))
    part = encode_rows(ROW.pack(1, 1.0, 1.0, 0, 1), 0, 1)
    made = Frames().add(ROWS, n=1, index=part.directory, body=bomb, codec=ZSTD)
    log = opened(tmp_path, made.bytes)
    assert log.count(0) == 1
    assert len(log.rows(0)[0]) == 0
    assert log.count(0) == 0
    assert "claims" in log.gaps[0].reason


def test_a_body_larger_than_any_record_is_refused_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualdl.log.frame.MAX_BODY_BYTES", 1000)
    blob = bytes(1001)
    index = struct.pack("<qqIII", 1, 1, 0, 1001, 0)
    made = Frames().add(BLOB, index=address(blob), body=blob).add(RECORDS, n=1, index=index, body=blob)
    log = opened(tmp_path, made.bytes)
    assert log.blob(address(blob)) is None
    assert log.records(0, [0])[0].payload == b""
    assert [gap.reason for gap in log.gaps if "over the limit of 1000" in gap.reason] == [
        "blob: a body of 1001 bytes is over the limit of 1000",
        "a body of 1001 bytes is over the limit of 1000",
    ]


def test_a_length_past_the_end_is_waited_for_and_costs_no_memory(tmp_path: Path) -> None:
    frame = bytearray(pack_frame(ROWS, 0, body=b""))
    struct.pack_into("<I", frame, 8, 0xFFFF_FFFE)
    import zlib

    struct.pack_into("<I", frame, 4, zlib.crc32(frame[8:40]))
    assert unpack_header(frame) is not None
    log = opened(tmp_path, bytes(frame) + bytes(1000))
    assert (log.gaps, log.bytes_read) == ((), 0)


def test_a_disk_that_changes_after_the_look_loses_the_frame_and_says_so(tmp_path: Path) -> None:
    made = small_log()
    log = opened(tmp_path, made.bytes)
    damaged = bytearray(made.bytes)
    damaged[made.starts[3] - 1] ^= 1
    (tmp_path / NAME).write_bytes(damaged)
    assert log.rows(0)[2].tolist() == [0.1] * 40
    assert log.count(0) == 40
    assert [gap.offset for gap in log.gaps] == [made.starts[2]]


def test_a_file_that_vanishes_keeps_what_was_read(tmp_path: Path) -> None:
    log = opened(tmp_path, small_log().bytes)
    log.rows(0)
    (tmp_path / NAME).unlink()
    log.refresh()
    assert log.count(0) == 43
    assert len(log.rows(0)[0]) == 43  # from the cache
    with pytest.raises(LogUnreadable, match=r"cannot be read just now: No such file"):
        log.records(1, [0])
    assert log.blob(address(b"picture" * 30)) is None
    assert not log.gaps


def test_what_could_not_be_read_for_a_moment_is_not_taken_for_damaged(tmp_path: Path) -> None:
    log = opened(tmp_path, small_log().bytes)
    (tmp_path / NAME).rename(tmp_path / "away")
    for read in (lambda: log.rows(0), lambda: log.records(1, [0])):
        with pytest.raises(LogUnreadable):
            read()
    (tmp_path / "away").rename(tmp_path / NAME)
    assert len(log.rows(0)[0]) == log.count(0) == 43
    assert log.records(1, [0])[0].payload == b"payload" * 20
    assert not log.gaps


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    log = FileSet(tmp_path / NAME)
    assert log.refresh() == frozenset()
    assert (dict(log.tags), log.closed, log.live) == ({}, None, False)


# ---------------------------------------------------------------------------------------------------- the head


def with_head(directory: Path, frames: Frames, *, first: int, capacity: int = 64) -> Ring:
    (directory / NAME).write_bytes(frames.bytes)
    return Ring(str(directory / NAME.replace(".vdl", ".head")), capacity=capacity, mode="mmap", first=first)


def put(ring: Ring, number: int, value: float, tag: int = 0) -> None:
    at = HEAD_BYTES + number % ring.capacity * 32
    ROW.pack_into(ring.buffer, at, number, 1.0, value, tag, number + 1)


def test_rows_in_frames_are_not_given_again_from_the_head(tmp_path: Path) -> None:
    frames = Frames().rows(0, [0.0, 1.0, 2.0])
    ring = with_head(tmp_path, frames, first=0)  # killed after the frame, before the tail moved
    for number in range(5):
        put(ring, number, float(number))
    log = FileSet(tmp_path / NAME)
    log.refresh()
    assert log.rows(0)[2].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    ring.advance(3)
    put(ring, 5, 5.0)
    log.refresh()
    assert log.rows(0)[2].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    ring.close(remove=True)


def test_positions_stay_when_rows_move_from_head_to_frame(tmp_path: Path) -> None:
    frames = Frames()
    ring = with_head(tmp_path, frames, first=0)
    for number in range(6):
        put(ring, number, float(number), tag=number % 2)
    log = FileSet(tmp_path / NAME)
    log.refresh()
    before = log.rows(1, 1)
    packed = ring.rows(0, 4)
    part = encode_rows(packed, 0, 4)
    frames.add(ROWS, n=part.n, index=part.directory, body=part.body, codec=part.codec, flags=part.flags)
    (tmp_path / NAME).write_bytes(frames.bytes)
    ring.advance(4)
    log.refresh()
    after = log.rows(1, 1)
    assert [column.tolist() for column in after] == [column.tolist() for column in before]
    assert (log.count(0), log.count(1)) == (3, 3)
    ring.close(remove=True)


def test_a_living_writer_is_read_up_to_the_first_uncommitted_row_and_a_dead_one_past_it(tmp_path: Path) -> None:
    ring = with_head(tmp_path, Frames(), first=0)
    for number in (0, 1, 3, 4):
        put(ring, number, float(number))
    log = FileSet(tmp_path / NAME)
    log.refresh()
    assert log.live
    assert log.rows(0)[2].tolist() == [0.0, 1.0]
    ring.void(2)
    log.refresh()
    assert log.rows(0)[2].tolist() == [0.0, 1.0, 3.0, 4.0]
    ring.close(remove=True)

    identity = 24  # a start time that no process has: the writer is dead
    ring = Ring(str(tmp_path / NAME.replace(".vdl", ".head")), capacity=64, mode="pwrite", first=0)
    for number in (0, 1, 3, 4):
        put(ring, number, float(number))
    ring.written = 0
    ring.write_out(5)
    ring.release()
    head = tmp_path / NAME.replace(".vdl", ".head")
    data = bytearray(head.read_bytes())
    struct.pack_into("<Q", data, identity, 1)
    import zlib

    struct.pack_into("<I", data, 4, zlib.crc32(data[8:224]))
    head.write_bytes(data)
    log = FileSet(tmp_path / NAME)
    log.refresh()
    assert not log.live
    assert log.rows(0)[2].tolist() == [0.0, 1.0, 3.0, 4.0]


def test_rows_that_were_dropped_between_frames_and_tail_do_not_stop_the_reader(tmp_path: Path) -> None:
    ring = with_head(tmp_path, Frames().rows(0, [0.0, 1.0]), first=0)
    ring.advance(1000)
    put(ring, 1000, 9.0)
    log = FileSet(tmp_path / NAME)
    log.refresh()
    assert log.rows(0)[2].tolist() == [0.0, 1.0, 9.0]
    ring.close(remove=True)


def test_a_ring_is_read_round_its_end(tmp_path: Path) -> None:
    ring = with_head(tmp_path, Frames(), first=1000, capacity=16)
    log = FileSet(tmp_path / NAME)
    for number in range(1000, 1016):
        put(ring, number, float(number))
        log.refresh()
        assert log.rows(0)[2].tolist() == [float(i) for i in range(1000, number + 1)]
    ring.close(remove=True)


@pytest.mark.parametrize("size", [0, 10, 4095, 4096, 5000])
def test_a_head_that_is_cut_or_noise_is_no_error(tmp_path: Path, size: int) -> None:
    ring = with_head(tmp_path, Frames().rows(0, [0.0]), first=0)
    put(ring, 0, 0.0)
    put(ring, 1, 1.0)
    ring.close(remove=False)
    head = tmp_path / NAME.replace(".vdl", ".head")
    data = head.read_bytes()
    for content in (data[:size], np.random.default_rng(2).bytes(size)):
        head.write_bytes(content)
        log = FileSet(tmp_path / NAME)
        log.refresh()
        assert log.rows(0)[2].tolist()[:1] == [0.0]


def test_no_flipped_bit_of_a_head_header_breaks_the_reader(tmp_path: Path) -> None:
    ring = with_head(tmp_path, Frames().rows(0, [0.0]), first=0)
    put(ring, 1, 1.0)
    ring.close(remove=False)
    head = tmp_path / NAME.replace(".vdl", ".head")
    data = head.read_bytes()
    for at in [*range(224), *range(1024, 1048)]:
        head.write_bytes(data[:at] + bytes([data[at] ^ 0x80]) + data[at + 1 :])
        log = FileSet(tmp_path / NAME)
        log.refresh()
        assert log.rows(0)[2].tolist()[:1] == [0.0]


# ---------------------------------------------------------------------------------------------------- around


def test_a_reader_never_writes(tmp_path: Path) -> None:
    log = Log(tmp_path / "run")
    log.row_appender(log.tag("scalar", "loss"))(0, 1.0)
    frozen = tmp_path / "frozen"
    shutil.copytree(tmp_path / "run", frozen)
    log.close()
    before = {path.name: path.read_bytes() for path in frozen.iterdir()}
    for path in frozen.iterdir():
        path.chmod(0o444)
    os.chmod(frozen, 0o555)
    reader = FileSet(find_file_sets(frozen)[0])
    reader.refresh()
    reader.rows(0)
    assert {path.name: path.read_bytes() for path in frozen.iterdir()} == before
    os.chmod(frozen, 0o755)


def test_file_sets_are_found_by_their_time(tmp_path: Path) -> None:
    for name in ("20260102T0.vdl", "20250102T0.vdl", "20260102T0.head", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in find_file_sets(tmp_path)] == ["20250102T0.vdl", "20260102T0.vdl"]
    assert find_file_sets(tmp_path / "nowhere") == []


def test_the_cache_holds_what_was_used_last_within_its_bound() -> None:
    cache = FrameCache(100)
    made: list[Any] = []

    def make(name: str, size: int) -> Any:
        return cache.get(name, lambda: (made.append(name) or name, size))  # type: ignore[func-returns-value]

    for name in ("a", "b", "a", "c", "a", "b"):
        make(name, 40)
        assert cache.used_bytes <= 100
    assert made == ["a", "b", "c", "b"]
    make("huge", 101)
    assert cache.used_bytes <= 100


def test_a_frame_that_does_not_fit_into_the_cache_is_decoded_once_for_all_its_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = encode_records([Entry(0, step, 1.0, b"x" * 100, ()) for step in range(50)])
    frames = Frames().add(RECORDS, n=part.n, index=part.directory, body=part.body, codec=part.codec)
    (tmp_path / NAME).write_bytes(frames.bytes)
    log = FileSet(tmp_path / NAME, cache=FrameCache(1000))
    log.refresh()
    decoded = []
    whole = FileSet._decode_records
    monkeypatch.setattr(FileSet, "_decode_records", lambda log, frame: decoded.append(frame) or whole(log, frame))  # type: ignore[func-returns-value]
    assert [record.step for record in log.records(0, slice(None))] == list(range(50))
    assert len(decoded) == 1


def test_frames_are_decoded_once_however_often_rows_are_asked_for(tmp_path: Path) -> None:
    cache = FrameCache(1 << 20)
    (tmp_path / NAME).write_bytes(small_log().bytes)
    log = FileSet(tmp_path / NAME, cache=cache)
    log.refresh()
    assert cache.used_bytes == 0
    log.rows(0)
    used = cache.used_bytes
    log.rows(0, 2)
    assert cache.used_bytes == used > 0
    step, _, _ = log.rows(0)
    step[:] = -1  # a caller may do with its answer what it likes
    assert log.rows(0)[0][0] == 0
    assert HEADER_BYTES == 40
