"""Damage further up: logs that change while they are read or served, payloads of kinds, model files."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from torture.children.examine import Desk, Seen, read
from torture.children.mutate import ATTACKS, NUMBERS, REALS, WIDE, subjects
from torture.children.specimens import NAME, Row, Truth, foreign
from visualdl import LogReader
from visualdl.demo import onnx_file
from visualdl.demo.network import fresh
from visualdl.errors import CorruptRecord, LogUnreadable, UnreadableModel, VisualDLError
from visualdl.graph import load
from visualdl.kinds import histogram, image
from visualdl.kinds.kind import Kind, Payload, Points
from visualdl.log.reader import FileSet

Finding = tuple[int, list[str]]
_MODELS = Path(__file__).parents[2] / "tests" / "graph" / "models"


def live(folder: Path, chance: random.Random, worker: int, workers: int) -> Iterator[Finding]:
    """A log that grows, shrinks, is replaced or vanishes between two looks, and between a look and a question."""
    del worker, workers
    place = folder / "live"
    place.mkdir(exist_ok=True)
    while True:
        logs = [*subjects(), foreign()]
        shown = chance.choice(logs)
        rows: Counter[Row] = Counter()
        for log in logs:
            rows |= log.truth.rows
        blobs = {address: blob for log in logs for address, blob in log.truth.blobs.items()}
        vdl, head = place / f"{NAME}.vdl", place / f"{NAME}.head"
        vdl.write_bytes(shown.vdl[: chance.randrange(len(shown.vdl))])
        reader = FileSet(vdl)
        for _ in range(chance.randrange(2, 8)):
            shown = chance.choice((shown, shown, shown, *logs))
            size = chance.randrange(len(shown.vdl) + 1) if chance.random() < 0.6 else len(shown.vdl)
            vdl.write_bytes(shown.vdl[:size] + chance.choice((b"", b"", bytes(99), b"VLF1")))
            if shown.head is not None and chance.random() < 0.5:
                head.write_bytes(shown.head)
            elif chance.random() < 0.3:
                head.unlink(missing_ok=True)
            if chance.random() < 0.9:
                reader.refresh()
            if chance.random() < 0.1:
                vdl.unlink()
            yield 1, _still_true(reader, rows, blobs)


def _still_true(reader: FileSet, rows: Counter[Row], blobs: dict[bytes, bytes]) -> list[str]:
    """A file that was replaced may give old tags to new rows, but each row must have been in one of the files."""
    try:
        seen: Seen = read(reader, Truth(rows, Counter(), blobs))
    except LogUnreadable:
        return []
    known = {row[1:] for row in rows}
    breaches = [one for one in seen.breaches if "are counted" not in one]
    return breaches + [f"a row came that no file held: {row}" for row in seen.rows if row[1:] not in known][:1]


def served(folder: Path, chance: random.Random, worker: int, workers: int) -> Iterator[Finding]:
    """Damaged runs on a board: everything that a browser asks is answered."""
    del worker, workers
    root = folder / "board"
    root.mkdir(exist_ok=True)
    desk = Desk(root)
    sources = [
        (ATTACKS[name](random.Random(chance.random())), weight) for name, weight in (("lies", 5), ("shuffled", 1))
    ]
    number = 0
    while True:
        [source] = chance.choices([one for one, _ in sources], [weight for _, weight in sources])
        attempt = next(source)
        run = root / f"run{number}"
        run.mkdir()
        (run / f"{NAME}.vdl").write_bytes(attempt.vdl)
        if attempt.head is not None:
            (run / f"{NAME}.head").write_bytes(attempt.head)
        try:
            yield attempt.mutations, desk.everything()
        finally:
            shutil.rmtree(run, ignore_errors=True)
        number += 1


def library(folder: Path, chance: random.Random, worker: int, workers: int) -> Iterator[Finding]:
    """Damaged logs read by `LogReader`, as a script does: its answers, or our own errors."""
    del worker, workers
    place = folder / "library"
    place.mkdir(exist_ok=True)
    source = ATTACKS["lies"](chance)
    while True:
        attempt = next(source)
        (place / f"{NAME}.vdl").write_bytes(attempt.vdl)
        reader = LogReader(place)
        for kind in ("scalar", "image", "histogram"):
            with contextlib.suppress(VisualDLError, RuntimeError):
                for tag in reader.tags(kind):
                    _read_tag(reader, kind, tag)
        yield attempt.mutations, []


def _read_tag(reader: LogReader, kind: str, tag: str) -> None:
    if kind == "scalar":
        scalar = reader.scalar(tag)
        assert len(scalar.records()) == len(scalar.ids()) == len(scalar.timestamps())
        scalar.caption()
    elif kind == "histogram":
        spread = reader.histogram(tag)
        for at in range(spread.num_records()):
            spread.record(at)
    else:
        shown = reader.image(tag)
        for at in range(shown.num_records()):
            for sample in range(shown.num_samples()):
                shown.record(at, sample).data()


def payloads(folder: Path, chance: random.Random, worker: int, workers: int) -> Iterator[Finding]:
    """Records of each kind with changed bytes, then all that the server does with those that decode."""
    del folder, worker, workers
    seeds: list[tuple[Kind, bytes, tuple[bytes, ...]]] = [
        (histogram.HISTOGRAM, histogram.encode(histogram.accept([0.0, 1.0, 5.0], 8)).payload, ()),
        (histogram.HISTOGRAM, histogram.encode(histogram.accept([np.nan, np.inf], 3)).payload, ()),
        (image.IMAGE, image.encode(image.accept(np.zeros((3, 4, 1), np.uint8))).payload, (bytes(16),)),
    ]
    while True:
        kind, raw, blobs = chance.choice(seeds)
        changed = 0
        decoded = []
        for _ in range(20):
            data = bytearray(raw)
            for _ in range(chance.choice((1, 2, 4))):
                changed += 1
                code, values = chance.choice((("<B", range(256)), ("<I", NUMBERS), ("<Q", WIDE), ("<d", REALS)))
                width = struct.calcsize(code)
                if len(data) >= width:
                    struct.pack_into(code, data, chance.randrange(len(data) - width + 1), chance.choice(values))
                if chance.random() < 0.1:
                    del data[chance.randrange(len(data) + 1) :]
            try:
                decoded.append(kind.decode(Payload(bytes(data), chance.choice((blobs, blobs, blobs, (), blobs * 2)))))
            except CorruptRecord:
                continue
        yield changed, _answered(kind, decoded)


def _answered(kind: Kind, decoded: list[object]) -> list[str]:
    """The columns of these records, thinned and not."""
    n = len(decoded)
    points = Points(np.arange(n), np.arange(n, dtype=np.float64), None, decoded)
    for most in (1, 3, 1000) if n else ():
        where = kind.thin(points.time, points, most)
        columns = kind.columns(points.take(where))
        if any(column.dtype == object for column in columns.values()):
            return [f"a column of {kind.name} holds objects"]
    return []


def models(folder: Path, chance: random.Random, worker: int, workers: int) -> Iterator[Finding]:
    """ONNX files with changed bytes, cut, with parts repeated and numbers blown up."""
    del worker, workers
    seeds = model_seeds()
    path = folder / "model.onnx"
    while True:
        data = bytearray(chance.choice(seeds))
        count = chance.choice((1, 1, 2, 4, 16))
        for _ in range(count):
            _change_model(data, chance)
        path.write_bytes(data)
        try:
            graph = load(path)
        except UnreadableModel:
            yield count, []
            continue
        json.dumps(graph.to_json(), allow_nan=False).encode("utf-8")
        yield count, []


def model_seeds() -> list[bytes]:
    """Small sound models, and one that was cut off among its weights."""
    found = [path.read_bytes() for path in sorted(_MODELS.glob("*.onnx")) if path.stat().st_size < 20_000]
    return [*found, onnx_file.model(fresh(64, 4, seed=0), 4, 64)[:6000]]


def _change_model(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    how = chance.randrange(6)
    if how == 0:
        data[at : at + 1] = bytes([chance.getrandbits(8)])
    elif how == 1:
        del data[at : at + chance.choice((1, 8, 200, 1 << 20))]
    elif how == 2:
        start = chance.randrange(len(data) + 1)
        data[at:at] = data[start : start + chance.choice((1, 20, 400))]
    elif how == 3:
        data[at : at + chance.choice((0, 1, 9))] = b"\xff" * 9 + b"\x01"
    elif how == 4:
        data[at : at + 4] = chance.randbytes(4)
    else:
        data[at : at + 1] = bytes([data[at] ^ 1 << chance.randrange(8)]) if at < len(data) else b""
