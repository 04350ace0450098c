"""Logs of other tools, built as bytes by numpy: a hundred times as fast as the tools write them, and read as theirs.

TensorBoard's event files hold one record a point, framed by its length and two masked CRC-32C sums; VisualDL 2's hold
one framed by its length. Both records are protobuf messages. Points of equal width are built as rows of one matrix.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from benches.peers.contract import Shape

Bytes = npt.NDArray[np.uint8]
START = 1_700_000_000.0  # of the logs, seconds since 1970
A_STEP = 0.1  # seconds


def write_events(folder: Path, shape: Shape) -> None:
    """One event file a run, as SummaryWriter leaves it."""
    for number, name in enumerate(shape.names):
        with _fresh(folder / name / "events.out.tfevents.1700000000.bench.1.0") as file:
            version = b"\x09" + struct.pack("<d", START) + b"\x1a\x0dbrain.Event:2"
            file.write(_checked(np.frombuffer(version, np.uint8)[None, :]).tobytes())
            for rows in _points(shape, number, _event):
                file.write(rows.tobytes())


def write_vdlrecords(folder: Path, shape: Shape) -> None:
    """One vdlrecords file a run, as LogWriter of VisualDL 2 leaves it."""
    for number, name in enumerate(shape.names):
        with _fresh(folder / name / "vdlrecords.1700000000.log") as file:
            meta = b"\x12\x0dmeta_data_tag\x18" + _varint(int(START * 1000)) + b"\x52\x00"
            meta = b"\x0a" + _varint(len(meta)) + meta
            file.write(struct.pack("<Q", len(meta)) + meta)
            for rows in _points(shape, number, _record):
                file.write(rows.tobytes())


def _fresh(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True)
    return path.open("wb")


Build = Callable[[npt.NDArray[np.int64], str, npt.NDArray[np.float32]], Bytes]


def _points(shape: Shape, run: int, build: Build) -> Iterator[Bytes]:
    """The records of a run in the order of their steps, many steps at a time: each row holds all tags of one step."""
    curves = [shape.curve(run, tag) for tag in range(shape.tags)]
    for low, high in _equally_wide(shape.steps):
        steps = np.arange(low, high)
        yield np.hstack([build(steps, f"t{tag}", curve[low:high]) for tag, curve in enumerate(curves)])


def _equally_wide(steps: int) -> Iterator[tuple[int, int]]:
    """Stretches of steps that are equally long as varints, none longer than half a million; step 0 has none."""
    edges = [0, 1, *(1 << 7 * width for width in range(1, 9))]
    for first, end in pairwise(edges):
        for low in range(first, min(end, steps), 500_000):
            yield low, min(end, steps, low + 500_000)


def _event(steps: npt.NDArray[np.int64], tag: str, values: npt.NDArray[np.float32]) -> Bytes:
    """Event {double wall_time = 1; int64 step = 2; Summary {Value {string tag = 1; float simple_value = 2}} = 5}."""
    name = b"\x0a" + _varint(len(tag)) + tag.encode() + b"\x15"
    value = b"\x0a" + _varint(len(name) + 4) + name
    summary = b"\x2a" + _varint(len(value) + 4) + value
    parts = [b"\x09", _raw(START + steps * A_STEP), _step(b"\x10", steps), summary, _raw(values)]
    return _checked(_joined(parts, len(steps)))


def _record(steps: npt.NDArray[np.int64], tag: str, values: npt.NDArray[np.float32]) -> Bytes:
    """Record {Value {int64 id = 1; string tag = 2; int64 timestamp = 3; float value = 4} = 1}."""
    name = b"\x12" + _varint(len(tag)) + tag.encode()
    times = _varints(((START + steps * A_STEP) * 1000).astype(np.int64))
    value = _joined([_step(b"\x08", steps), name, b"\x18", times, b"\x25", _raw(values)], len(steps))
    head = b"\x0a" + _varint(value.shape[1])
    return _joined([struct.pack("<Q", len(head) + value.shape[1]), head, value], len(steps))


def _joined(parts: Sequence[bytes | Bytes], rows: int) -> Bytes:
    """Columns beside each other; bytes are the same in every row."""
    same = (np.frombuffer(part, np.uint8) if isinstance(part, bytes) else part for part in parts)
    return np.hstack([np.broadcast_to(part, (rows, part.shape[-1])) for part in same])


def _raw(numbers: npt.NDArray[np.float64] | npt.NDArray[np.float32]) -> Bytes:
    return np.ascontiguousarray(numbers).view(np.uint8).reshape(len(numbers), -1)


def _step(key: bytes, steps: npt.NDArray[np.int64]) -> bytes | Bytes:
    """Protobuf leaves a zero out."""
    return b"" if steps[0] == 0 else _joined([key, _varints(steps)], len(steps))


def _varints(numbers: npt.NDArray[np.int64]) -> Bytes:
    """Numbers that are equally long as varints."""
    width = len(_varint(int(numbers[0])))
    septets = (numbers[:, None] >> (7 * np.arange(width))) & 0x7F
    septets[:, :-1] |= 0x80
    return septets.astype(np.uint8)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _checked(rows: Bytes) -> Bytes:
    """Each row framed as event files frame a record."""
    length = np.frombuffer(struct.pack("<Q", rows.shape[1]), np.uint8)[None, :]
    return _joined(
        [_joined([length[0].tobytes(), _masked(length)[0].tobytes()], 1)[0].tobytes(), rows, _masked(rows)], len(rows)
    )


def _masked(rows: Bytes) -> Bytes:
    """The masked CRC-32C of each row, little-endian."""
    crc = np.full(len(rows), 0xFFFFFFFF, np.uint32)
    for column in np.ascontiguousarray(rows.T):
        crc = _TABLE[(crc ^ column) & 0xFF] ^ (crc >> 8)
    crc = ~crc
    masked: npt.NDArray[np.uint32] = ((crc >> 15) | (crc << 17)) + np.uint32(0xA282EAD8)
    return np.ascontiguousarray(masked.astype("<u4")).view(np.uint8).reshape(-1, 4)


def _castagnoli() -> npt.NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ 0x82F63B78, table >> 1).astype(np.uint32)
    return table


_TABLE = _castagnoli()
