"""Reads a log that was damaged as everybody reads one, and judges: nothing raised, lost, invented or left untold."""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt
import zstandard

from torture.children.specimens import Piece, Record, Row, Truth
from visualdl.errors import CorruptRecord
from visualdl.kinds.all import KIND_BY_NAME
from visualdl.kinds.kind import Payload
from visualdl.log.frame import RAW, RECORDS, ROWS, TAGS, ZLIB
from visualdl.log.reader import FileSet
from visualdl.server.api import About
from visualdl.server.app import Board, create_app
from visualdl.server.guard import Policy
from visualdl.store.store import Store

STORE_BYTES = 256 << 20
"""What the store may hold; what an answer takes comes on top of it."""
MOST_POINTS = 3 << 20
"""More than that no small log may ever hold, whatever it says of itself."""


@dataclass
class Seen:
    """What a reader was given."""

    rows: Counter[Row] = field(default_factory=Counter)
    records: Counter[Record] = field(default_factory=Counter)
    told: bool = False  # there is a gap, or the reader still waits for more
    breaches: list[str] = field(default_factory=list)


def read(log: FileSet, truth: Truth | None) -> Seen:
    """Everything in a file set, asked for as the board does. truth: None when the checksums lie too."""
    seen = Seen()
    for id, tag in log.tags.items():
        step, time, value = log.rows(id)
        if len(step) + len(log.record_index(id)[0]) != log.count(id):
            seen.breaches.append(f"{log.count(id)} points of a tag are counted, {len(step)} rows given")
        if truth is not None:
            bits = value.astype("<f8").tobytes()
            cells = [bits[i : i + 8] for i in range(0, len(bits), 8)]
            times = np.rint(time * 1e6).astype(np.int64).tolist()
            seen.rows.update(zip([tag.name] * len(cells), step.tolist(), times, cells))  # noqa: B905
        _read_records(log, id, tag.kind, tag.name, truth, seen)
        if len(step) > MOST_POINTS:
            seen.breaches.append(f"{len(step)} rows came of a log of {log.bytes_total} bytes")
    seen.told = bool(log.gaps) or log.bytes_read < log.bytes_total
    json.dumps([dict(log.meta), log.closed, [gap.reason for gap in log.gaps]])
    return seen


def _read_records(log: FileSet, id: int, kind: str, name: str, truth: Truth | None, seen: Seen) -> None:
    index = log.record_index(id)[0]
    for record in log.records(id, slice(None)) if len(index) else ():
        if truth is not None and record.payload:
            stored = b"".join(record.blobs) + record.payload
            seen.records[name, record.step, round(record.time * 1e6), stored] += 1
        for address in record.blobs[:100]:
            blob = log.blob(address)
            if truth is not None and blob is not None and truth.blobs.get(address) != blob:
                seen.breaches.append(f"the blob {address.hex()} holds {len(blob)} bytes that were never logged")
        if kind in KIND_BY_NAME:
            try:
                KIND_BY_NAME[kind].decode(Payload(record.payload, record.blobs))
            except CorruptRecord:
                continue


def judge(seen: Seen, truth: Truth, kept: Iterable[Piece], *, damaged: bool) -> list[str]:
    """What is wrong with an answer about a log whose checksums are honest. kept: the frames that nothing happened to.

    damaged: something must be told.
    """
    found = list(seen.breaches)
    kept = list(kept)
    if invented := seen.rows - truth.rows:
        found.append(f"{invented.total()} rows came that were never logged, or twice: {next(iter(invented))}")
    if invented := seen.records - truth.records:
        found.append(f"{invented.total()} records came that were never logged, or twice: {next(iter(invented))}")
    rows, records = contents(kept)
    if lost := rows - seen.rows:
        found.append(f"{lost.total()} rows of whole frames did not come: {next(iter(lost))}")
    if lost := records - seen.records:
        found.append(f"{lost.total()} records of whole frames did not come: {next(iter(lost))}")
    if damaged and not seen.told:
        found.append(f"the damage was told nowhere; kept are {[(piece.header[4], piece.type) for piece in kept]}")
    return found


_CONTENTS: dict[Piece, tuple[list[tuple[int, int, int, bytes]], list[tuple[int, int, int, bytes]]]] = {}


def contents(pieces: Iterable[Piece]) -> tuple[Counter[Row], Counter[Record]]:
    """The rows and records in these whole frames of one log, as far as its tags are declared in them too."""
    pieces = list(pieces)
    names = {entry["id"]: entry["tag"] for piece in pieces if piece.type == TAGS for entry in json.loads(piece.body)}
    rows: Counter[Row] = Counter()
    records: Counter[Record] = Counter()
    for piece in pieces:
        if piece not in _CONTENTS:
            _CONTENTS[piece] = _rows_in(piece), _records_in(piece)
        for into, some in zip((rows, records), _CONTENTS[piece], strict=True):
            into.update((names[one[0]], *one[1:]) for one in some if one[0] in names)
    return rows, records


def _rows_in(piece: Piece) -> list[tuple[int, int, int, bytes]]:
    """The rows of a ROWS frame by the words of docs/log_format.md alone."""
    if piece.type != ROWS:
        return []
    _, codec, flags, n, _ = piece.header
    (k,) = struct.unpack_from("<I", piece.directory, 16)
    tags, counts = np.frombuffer(piece.directory, "<u4", 2 * k, 20).astype(np.int64).reshape(2, k)
    data = np.frombuffer(_plain(piece.body, codec), np.uint8)
    apart = np.split(np.arange(n), np.cumsum(counts)[:-1]) if flags & 2 else [np.arange(n)]
    step, time = (
        np.concatenate([np.cumsum(column[part], dtype=np.int64) for part in apart])
        for column in (_unshuffled(data[8 * n * at : 8 * n * (at + 1)], "<i8") for at in (0, 1))
    )
    value = _unshuffled(data[16 * n :], "<f4" if flags & 1 else "<f8").astype("<f8")
    bits = [struct.pack("<d", one) for one in value.tolist()]
    return list(zip(np.repeat(tags, counts).tolist(), step.tolist(), time.tolist(), bits, strict=True))


def _records_in(piece: Piece) -> list[tuple[int, int, int, bytes]]:
    """The records of a RECORDS frame, likewise."""
    if piece.type != RECORDS:
        return []
    _, codec, _, n, _ = piece.header
    step, time = np.frombuffer(piece.directory, "<i8", 2 * n).reshape(2, n).tolist()
    tag, size, blobs = np.frombuffer(piece.directory, "<u4", 3 * n, 16 * n).reshape(3, n).tolist()
    data = _plain(piece.body, codec)
    ends = np.cumsum([16 * blobs[i] + size[i] for i in range(n)]).tolist()
    return [(tag[i], step[i], time[i], data[ends[i] - 16 * blobs[i] - size[i] : ends[i]]) for i in range(n)]


def _plain(body: bytes, codec: int) -> bytes:
    return body if codec == RAW else zlib.decompress(body) if codec == ZLIB else zstandard.decompress(body)


def _unshuffled(data: npt.NDArray[Any], dtype: str) -> npt.NDArray[Any]:
    return np.ascontiguousarray(data.reshape(np.dtype(dtype).itemsize, -1).T).view(dtype).reshape(-1)


class Desk:
    """A whole board over one folder, asked without a socket: what a browser asks of a run, and what comes back."""

    def __init__(self, root: Path) -> None:
        self._store = Store([root], memory_bytes=STORE_BYTES)
        self._app = create_app(Board(self._store, About("0", "en", (root.name,)), Policy()))
        self._loop = asyncio.new_event_loop()
        self.asked = 0
        self.bytes = 0

    def ask(self, path: str, **query: str | int) -> tuple[int, bytes]:
        """Status and body of one GET."""
        status, body = self._loop.run_until_complete(self._ask(path, urlencode(query).encode()))
        self.asked += 1
        self.bytes += len(body)
        return status, body

    def everything(self) -> list[str]:
        """Ask about all there is; what was answered that may not be."""
        self._store.refresh()
        status, body = self.ask("/api/board")
        if status != 200:
            return [f"api/board answers {status}: {body[:200]!r}"]
        board = json.loads(body, parse_constant=_no_constant)
        found: list[str] = []
        for kind, tags in board["tags"].items():
            for one in tags[:20]:
                runs = ",".join(board["runs"][at]["id"] for at in one["runs"][:20])
                found += self._series(kind, one["tag"], runs)
        return found

    def _series(self, kind: str, tag: str, runs: str) -> list[str]:
        questions: list[dict[str, str | int]] = [{}, {"n": 2}]
        if kind == "scalar":
            questions += [{"axis": "relative", "smooth": "ema:0.9"}, {"axis": "time", "n": 3, "smooth": "median:0.5"}]
        found = []
        for question in questions:
            status, body = self.ask("/api/series", kind=kind, tag=tag, runs=runs, **question)
            if status not in (200, 400, 404, 414):
                found.append(f"api/series of {kind} {tag[:40]!r} {question} answers {status}: {body[:200]!r}")
            elif status == 200 and (fault := answer_fault(body)):
                found.append(f"api/series of {kind} {tag[:40]!r} {question}: {fault}")
        if kind == "scalar":
            status, body = self.ask("/api/csv", kind=kind, tag=tag, runs=runs)
            if status not in (200, 400, 404, 414):
                found.append(f"api/csv of {tag[:40]!r} answers {status}: {body[:200]!r}")
        return found

    async def _ask(self, path: str, query: bytes) -> tuple[int, bytes]:
        status, parts, asked = 0, [], False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                await asyncio.sleep(3600)
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            parts.append(message.get("body", b""))

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1:8040")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8040),
        }
        await self._app(scope, receive, send)
        return status, b"".join(parts)


def answer_fault(answer: bytes) -> str:
    """What is wrong with an answer of api/series by the words of docs/http_api.md; nothing: ""."""
    if answer[:4] != b"VDC1":
        return "it does not begin with VDC1"
    (length,) = struct.unpack_from("<I", answer, 4)
    header = json.loads(answer[8 : 8 + length], parse_constant=_no_constant)
    for series in header["series"]:
        for name, place in series["columns"].items():
            count = int(np.prod(place["shape"], dtype=object)) if place["shape"] else 1
            stop = 8 + length + place["at"] + count * int(place["type"][1:])
            if place["at"] % 8 or stop > len(answer):
                return f"the column {name} of {place} is not in {len(answer)} bytes"
        step, time = series["columns"]["step"]["shape"], series["columns"]["time"]["shape"]
        if step != time:
            return f"{step} steps and {time} times"
    return ""


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
