"""The small log of the first format version opens forever, with every bit that was in it."""

from __future__ import annotations

import math
import struct
from pathlib import Path

from visualdl.log.payloads import address
from visualdl.log.reader import Closed, FileSet, find_file_sets

FOLDER = Path(__file__).resolve().parents[1] / "logs" / "ours-1"


def test_the_closed_file_set_of_version_1_opens() -> None:
    log = FileSet(find_file_sets(FOLDER)[0])
    log.refresh()
    assert {(tag.kind, tag.name): dict(tag.meta) for tag in log.tags.values()} == {
        ("scalar", "train/loss"): {"unit": "nats"},
        ("scalar", "准确率"): {},
        ("image", "photo"): {},
    }
    assert dict(log.meta) == {"display_name": "frozen", "dialect": "1.x"}
    assert (log.closed, log.gaps, log.live, log.dropped) == (Closed(206, 3, 0), (), False, 0)
    step, time, value = log.rows(0)
    assert step.tolist() == list(range(106))
    assert time[:100].tolist() == [1767322800.25 + i for i in range(100)]
    assert value[:100].tolist() == [1 / (i + 1) for i in range(100)]
    bits = [struct.unpack("<Q", struct.pack("<d", x))[0] for x in (math.nan, math.inf, -math.inf, -0.0, 5e-324)]
    assert [int(x) for x in value[100:].view("u8")] == [bits[0], 0x7FF8_0000_0000_BEEF, *bits[1:]]
    step, _, value = log.rows(1)
    assert step.tolist() == [-i for i in range(100)]
    assert value.tolist() == [float(i) for i in range(100)]
    for i, record in enumerate(log.records(2, slice(None))):
        assert (record.step, record.time, record.payload) == (i, 1767322800.0 + i, b"payload %d " % i * 20)
        assert record.blobs == (address(b"blob"), address(b"payload %d" % i))
        assert [log.blob(where) for where in record.blobs] == [b"blob", b"payload %d" % i]


def test_the_file_set_of_version_1_that_was_cut_off_opens() -> None:
    log = FileSet(find_file_sets(FOLDER)[1])
    log.refresh()
    assert log.rows(0)[0].tolist() == list(range(200, 210))
    assert log.rows(0)[1].tolist() == [1767323000.0 + i for i in range(200, 210)]
    assert (log.closed, log.gaps, log.live) == (None, (), False)
