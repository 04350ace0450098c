"""The same runs for both boards: logs of ours, and event files for TensorBoard. Losses that fall, with noise.

Event files are packed column by column, because their usual writers take longer for the two million points of a
bench than the bench itself. All that a record holds has a fixed width here, so that the records of a tag are one array.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from visualdl.log.writer import Log

BEGAN: Final = 1_767_225_600.0
"""The moment of the first point, seconds since 1970."""
STEP_BYTES: Final = 4
"""Of a step as a varint: steps below 2²⁸."""


class Size(NamedTuple):
    """So many runs, each with so many tags of so many points."""

    runs: int
    tags: int
    points: int

    def __str__(self) -> str:
        return f"{self.runs:,} runs × {self.tags:,} tags × {self.points:,} points"


class Column(NamedTuple):
    """The points of one tag of one run."""

    run: str
    tag: str
    values: npt.NDArray[np.float32]


def columns(size: Size, groups: int) -> Iterator[Column]:
    """Every tag of every run, run by run; the tags stand in so many groups (the text before the slash)."""
    share = np.arange(size.points) / max(1, size.points)
    for run in range(size.runs):
        noise = np.random.default_rng(run).normal(0, 0.08, size.points)
        for tag in range(size.tags):
            falling = (2 + run / size.runs) * np.exp(-share * (3 + tag % 20)) + 0.3
            values = (falling + np.roll(noise, 7 * tag)).astype(np.float32)
            yield Column(f"run{run}", tag_name(tag, size.tags, groups), values)


def moments(first: int, count: int) -> npt.NDArray[np.float64]:
    """When the points from `first` on were logged: ever slower, so that time is another axis than the step."""
    steps = np.arange(first, first + count)
    return BEGAN + steps + steps * steps / 2000


def tag_name(tag: int, tags: int, groups: int) -> str:
    """`part03/loss017`: each group holds tags that follow each other."""
    return f"part{tag * groups // tags:02}/loss{tag:04}"


def write(size: Size, groups: int, ours: Path, events: Path) -> None:
    """Write the runs for both boards."""
    for column in columns(size, groups):
        with (events_file(events / column.run)).open("ab") as file:
            append_events(file, column.tag, 0, column.values)
    write_ours(size, groups, ours)


def write_ours(size: Size, groups: int, folder: Path) -> None:
    """Write the runs for our board alone."""
    log, run, times = None, "", moments(0, size.points).tolist()
    for column in columns(size, groups):
        if column.run != run:
            if log is not None:
                log.close()
            log, run = Log(folder / column.run), column.run
        assert log is not None
        append = log.row_appender(log.tag("scalar", column.tag))
        for step, (value, time) in enumerate(zip(column.values.tolist(), times, strict=True)):
            append(step, value, time)
    if log is not None:
        log.close()


def events_file(folder: Path) -> Path:
    """The event file of a run; begun where there is none."""
    path = folder / "events.out.tfevents.1767225600.bench"
    if not path.exists():
        folder.mkdir(parents=True)
        version = b"\x09" + struct.pack("<d", BEGAN) + b"\x1a\x0dbrain.Event:2"
        path.write_bytes(_records(np.frombuffer(version, np.uint8).reshape(1, -1)))
    return path


def append_events(file: BinaryIO, tag: str, first: int, values: npt.NDArray[np.float32]) -> None:
    """Append points whose steps count from `first`, as TensorFlow's event records."""
    name = tag.encode()
    value = b"\x0a" + bytes([len(name)]) + name + b"\x15" + bytes(4)
    summary = b"\x0a" + bytes([len(value)]) + value
    shape = b"\x09" + bytes(8) + b"\x10" + bytes(STEP_BYTES) + b"\x2a" + bytes([len(summary)]) + summary
    rows = np.tile(np.frombuffer(shape, np.uint8), (len(values), 1))
    steps = np.arange(first, first + len(values))
    rows[:, 1:9] = moments(first, len(values)).astype("<f8").view(np.uint8).reshape(-1, 8)
    for place in range(STEP_BYTES):
        more = 0x80 if place < STEP_BYTES - 1 else 0
        rows[:, 10 + place] = (steps >> (7 * place) & 0x7F) | more
    rows[:, -4:] = values.astype("<f4").view(np.uint8).reshape(-1, 4)
    file.write(_records(rows))


def _records(rows: npt.NDArray[np.uint8]) -> bytes:
    """Every row between its length and its checksum."""
    count, length = rows.shape
    head = np.frombuffer(struct.pack("<Q", length), np.uint8)
    heads = np.tile(np.concatenate([head, _checksums(head.reshape(1, -1))[0]]), (count, 1))
    return np.hstack([heads, rows, _checksums(rows)]).tobytes()


def _table() -> npt.NDArray[np.uint32]:
    """What each byte does to a CRC-32C."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> np.uint32(1)) ^ np.uint32(0x82F63B78), table >> np.uint32(1))
    return table.astype(np.uint32)


_TABLE: Final = _table()


def _checksums(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The masked CRC-32C of each row, four bytes each."""
    crc = np.full(len(rows), 0xFFFFFFFF, np.uint32)
    for column in rows.T:
        crc = _TABLE[(crc ^ column) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    crc = ~crc
    masked = ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)
    four: npt.NDArray[np.uint8] = masked.astype("<u4").view(np.uint8).reshape(-1, 4)
    return four
