"""The benches measure what they say: logs that are built for other tools are read by them, and every tool is pinned."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from benches.peers import catalog, records
from benches.peers.contract import RUN, Shape
from benches.peers.table import Row, markdown
from benches.peers.wandb import journal
from visualdl import LogReader

SHAPE = Shape(runs=2, tags=12, steps=300)  # tags of two and three letters, steps of one and two bytes


def crc32c(data: bytes) -> int:
    """The checksum of event files, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_the_checksum_of_many_records_at_once_is_that_of_each() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (50, 37), dtype=np.uint8)
    expected = [crc32c(row.tobytes()) for row in rows]
    assert records._masked(rows).view("<u4").reshape(-1).tolist() == expected


def test_the_event_files_that_are_built_are_whole_records_in_the_order_of_their_steps(tmp_path: Path) -> None:
    records.write_events(tmp_path, SHAPE)
    (path,) = (tmp_path / "run1").iterdir()
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        length = int.from_bytes(data[at : at + 8], "little")
        record = data[at + 12 : at + 12 + length]
        assert int.from_bytes(data[at + 12 + length : at + 16 + length], "little") == crc32c(record)
        found.append(record)
        at += 16 + length
    assert len(found) == 1 + SHAPE.tags * SHAPE.steps
    values = np.array([np.frombuffer(record[-4:], "<f4")[0] for record in found[1:]]).reshape(SHAPE.steps, SHAPE.tags)
    assert all(np.array_equal(values[:, tag], SHAPE.curve(1, tag)) for tag in range(SHAPE.tags))


def test_the_vdlrecords_that_are_built_hold_a_record_a_point(tmp_path: Path) -> None:
    records.write_vdlrecords(tmp_path, SHAPE)
    (path,) = (tmp_path / "run0").iterdir()
    data, at, found = path.read_bytes(), 0, 0
    while at < len(data):
        at += 8 + int.from_bytes(data[at : at + 8], "little")
        found += 1
    assert (at, found) == (len(data), 1 + SHAPE.tags * SHAPE.steps)


def test_our_own_logs_hold_every_point_of_the_curves(tmp_path: Path) -> None:
    ours = catalog.tool_of(catalog.OURS)
    ours.generate(tmp_path, SHAPE)
    assert ours.count(tmp_path) == SHAPE.tags * SHAPE.steps
    logged = [record.value for record in LogReader(str(tmp_path / RUN)).get_scalar("t3")]
    assert np.array_equal(logged, SHAPE.curve(0, 3))


def test_an_entry_of_a_journal_is_put_together_from_its_pieces() -> None:
    def piece(kind: int, data: bytes) -> bytes:
        return bytes(4) + len(data).to_bytes(2, "little") + bytes([kind]) + data

    head = bytes(7)
    full = piece(1, b"whole") + piece(2, b"in") + piece(3, b" three") + piece(4, b" parts")
    assert list(journal(head + full)) == [b"whole", b"in three parts"]
    assert list(journal(head + full[:-1])) == [b"whole"]


def test_every_tool_with_an_environment_of_its_own_is_pinned() -> None:
    pinned = catalog.versions()
    assert set(pinned) == {name for name in catalog.PEERS if catalog.tool_of(name).environment is None}
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", package) for packages in pinned.values() for package in packages)


def test_every_tool_is_read_back_by_a_tool_that_counts() -> None:
    for name in (catalog.OURS, *catalog.PEERS):
        tool = catalog.tool_of(name)
        reader = catalog.tool_of(tool.reader) if tool.reader else tool
        assert "count" in vars(type(reader)), name
        assert tool.name == name


def test_the_best_peer_is_told_as_a_multiple_of_our_figure() -> None:
    rows = [Row("µs", [0.5, 4.0, "cannot", 2.0], goal=1), Row("%", [50.0, 100.0, None, 25.0], goal=100, best="most")]
    first, second = markdown("call", ["VisualDL", "a", "b", "c"], rows).splitlines()[2:]
    assert first == "| µs | 0.5 | 4 | cannot | 2 | 4× | ≤ 1 |"
    assert second == "| % | 50 | 100 | – | 25 | 0.5× | ≥ 100, **missed** |"
