"""Logs and folders made to exhaust whoever reads them: each is written, then asked for as a board does."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import zstandard

from torture.children.examine import Desk
from torture.children.mutate import frame_of
from torture.children.specimens import NAME
from visualdl.kinds import histogram, image
from visualdl.log.frame import BLOB, MAX_BODY_BYTES, META, RAW, RECORDS, ROWS, TAGS, ZLIB, ZSTD
from visualdl.log.payloads import address
from visualdl.log.writer import Log

PIECE = 1 << 20


class Bomb(NamedTuple):
    """title: what it is. megabytes, seconds: what reading it may take. build: makes it in a folder, of this size
    (1.0: the whole of it); says how large it became. check: reads it; what broke."""

    title: str
    megabytes: float
    seconds: float
    build: Callable[[Path, float], str]
    check: Callable[[Path], list[str]]


def board(folder: Path) -> list[str]:
    """Ask a board about all there is below the folder, twice: the second look must be as good."""
    desk = Desk(folder)
    return desk.everything() + desk.everything()


def told(folder: Path) -> list[str]:
    """The same, of runs each of which must tell its damage."""
    desk = Desk(folder)
    found = desk.everything()
    runs = json.loads(desk.ask("/api/board")[1])["runs"]
    return found + [f"the run {run['name']} tells no damage" for run in runs if not (run["gaps"] or run["skipped"])]


def write(folder: Path, run: str, frames: Iterable[bytes], *, size: int | None = None) -> None:
    """One run's log; with a size, stretched by a hole to it."""
    (folder / run).mkdir(parents=True, exist_ok=True)
    with (folder / run / f"{NAME}.vdl").open("wb") as file:
        for frame in frames:
            file.write(frame)
        if size is not None:
            file.truncate(size)


def tag(id: int, kind: str, name: str, seq: int = 0) -> bytes:
    """A frame that declares one tag."""
    return frame_of((TAGS, RAW, 0, 1, seq), b"", json.dumps([{"id": id, "kind": kind, "tag": name}]).encode())


def rows_index(tags: list[int], counts: list[int], stop: int) -> bytes:
    """The index of a ROWS frame."""
    return struct.pack(f"<QQI{2 * len(tags)}I", 0, stop, len(tags), *tags, *counts)


# ------------------------------------------------------------------------------------------------ lengths


def lengths(folder: Path, scale: float) -> str:
    """Every length and count at its most, in files that a hole makes long enough for it."""
    least, most = int((64 + 200 * scale) * PIECE), MAX_BODY_BYTES
    sums = {size: _sum_of_zeros(size) for size in (least, most)}
    number = 0
    for type in (ROWS, TAGS, BLOB, RECORDS, META, 6, 200):
        for n in (1, 1 << 20, 0xFFFF_FFFF):
            for index in (b"", rows_index([0], [n], 1), struct.pack("<qqIII", 0, 0, 0, most, 0), bytes(16)):
                for codec in (RAW, ZSTD, ZLIB):
                    asked = type in (RECORDS, BLOB) and n == 1 and codec == RAW
                    size = most if asked else least  # what is read is as long as can be
                    checked = struct.pack(
                        "<IBBHIIQII", len(index) + size, type, codec, 0, n, sums[size], 1, len(index), zlib.crc32(index)
                    )
                    header = b"VLF1" + struct.pack("<I", zlib.crc32(checked)) + checked
                    if number % 29 == 0 or asked:  # each takes the time of reading so many zeros
                        first = tag(0, "scalar" if type == ROWS else "image", "t")
                        write(folder, f"run{number}", [first, header, index], size=len(first) + 40 + len(index) + size)
                    number += 1
    return f"{len(list(folder.iterdir()))} files of {least >> 20} and {most >> 20} MiB"


def _sum_of_zeros(size: int) -> int:
    checksum = 0
    for at in range(0, size, PIECE):
        checksum = zlib.crc32(bytes(min(PIECE, size - at)), checksum)
    return checksum


def inflating(folder: Path, scale: float) -> str:
    """Bodies that inflate a thousandfold or claim to, for each codec, and records that decode to far more."""
    buckets = 65_536
    one = histogram.to_payload(histogram.count_values(np.zeros(3), buckets))
    each = 900
    data = one * each
    body = zstandard.ZstdCompressor(level=3).compress(data)
    index = b"".join(
        [
            struct.pack(f"<{2 * each}q", *range(each), *range(each)),
            struct.pack(f"<{3 * each}I", *[0] * each, *[len(one)] * each, *[0] * each),
        ]
    )
    count = max(1, int(5 * scale))
    frames = (frame_of((RECORDS, ZSTD, 0, each, 1 + at), index, body) for at in range(count))
    write(folder, "histograms", [tag(0, "histogram", "weights"), *frames])
    huge = zstandard.ZstdCompressor(level=1).compress(bytes(1 << 28))
    squeezed = zlib.compress(bytes(1 << 28), 1)
    for codec, bomb in ((ZSTD, huge), (ZLIB, squeezed)):
        for n in (1, 1 << 20):
            frame = frame_of((ROWS, codec, 0, n, 1), rows_index([0], [n], n), bomb)
            write(folder, f"rows{codec}.{n}", [tag(0, "scalar", "loss"), frame])
        sizes = struct.pack("<qqIII", 0, 0, 0, 1 << 28, 0)
        write(folder, f"record{codec}", [tag(0, "image", "p"), frame_of((RECORDS, codec, 0, 1, 1), sizes, bomb)])
    return f"{count * each:,} histograms of {buckets:,} buckets in {count * len(body) >> 10} KiB"


def pictures(folder: Path, scale: float) -> str:
    """PNGs of 65,535 × 65,535 pixels, with text and profiles that inflate; records that say another size."""
    del scale
    header = struct.Struct("<BBHIIIIdd")
    blobs = [
        _png(65_535, 65_535, zlib.compress(bytes(1 << 26), 9)),
        _png(32_767, 32_767, zlib.compress(bytes(1 << 20), 9)),
        _png(4, 4, zlib.compress(bytes(1 << 20), 9), (b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 26), 9))),
        _png(4, 4, zlib.compress(bytes(68), 9), (b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 26), 9))),
        b"\x89PNG\r\n\x1a\n",
        b"<svg onload='alert(1)'/>",
    ]
    frames = [tag(0, "image", "photo")]
    sides = [(4, 4), (32_767, 2048), (65_535, 65_535), (0xFFFF_FFFF, 0xFFFF_FFFF)]
    for blob in blobs:
        frames.append(frame_of((BLOB, RAW, 0, 1, len(frames)), address(blob), blob))
        for height, width in sides:
            payload = header.pack(1, 3, 0, height, width, 0, 0, 0.0, 255.0)
            body = address(blob) + payload
            index = struct.pack("<qqIII", len(frames), 0, 0, len(payload), 1)
            frames.append(frame_of((RECORDS, RAW, 0, 1, len(frames)), index, body))
    write(folder, "run", frames)
    return f"{len(blobs)} files in {len(blobs) * len(sides)} records"


def ask_pictures(folder: Path) -> list[str]:
    """As `board`; then each picture: none that no browser should decode is given as one."""
    desk = Desk(folder)
    found = desk.everything()
    run = json.loads(desk.ask("/api/board")[1])["runs"][0]["id"]
    data = (folder / "run" / f"{NAME}.vdl").read_bytes()
    at = 0
    while (at := data.find(b"VLF1", at)) >= 0:
        if data[at + 12] == BLOB:
            status, body = desk.ask(f"/api/blob/{run}/{data[at + 40 : at + 56].hex()}")
            if status == 200 and body[12:16] == b"IHDR":
                width, height = struct.unpack(">II", body[16:24])
                if width * height > image.MAX_PIXELS:
                    found.append(f"a picture of {width} × {height} pixels is given to the browser")
            elif status not in (200, 404, 422):
                found.append(f"api/blob answers {status}")
        at += 4
    return found


def _png(width: int, height: int, data: bytes, *more: tuple[bytes, bytes]) -> bytes:
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), *more, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


# ------------------------------------------------------------------------------------------------ words


def many_tags(folder: Path, scale: float) -> str:
    """Ten million tags, each with a row."""
    count = int(10_000_000 * scale)
    each = 10_000

    def frames() -> Iterator[bytes]:
        for part in range(count // each):
            ids = range(part * each, (part + 1) * each)
            words = json.dumps(
                [{"id": id, "kind": "scalar", "tag": f"layer/{id}"} for id in ids], separators=(",", ":")
            )
            yield frame_of((TAGS, RAW, 0, each, 2 * part), b"", words.encode())
            index = rows_index(list(ids), [1] * each, (part + 1) * each)
            yield frame_of((ROWS, RAW, 1, each, 2 * part + 1), index, bytes(20 * each))

    write(folder, "run", frames())
    return f"{count:,} tags"


def tag_a_step(folder: Path, scale: float) -> str:
    """A training program that makes a new tag at each step."""
    count = int(200_000 * scale)
    log = Log(folder / "run")
    for step in range(count):
        log.row_appender(log.tag("scalar", f"loss at step {step}"))(step, 1.0)
    log.close()
    return f"{count:,} tags by a writer of ours"


def long_names(folder: Path, scale: float) -> str:
    """Names of a megabyte: of tags, of the run, of captions."""
    count = max(20, int(200 * scale))
    log = Log(folder / "run")
    log.meta(display_name="run " * PIECE, captions={"photo": "x" * PIECE})
    for at in range(count):
        log.row_appender(log.tag("scalar", f"{at} " + "<b>长" * (PIECE // 8)))(0, 1.0)
    log.close()
    return f"{count} names of 1 MB"


def hostile_words(folder: Path, scale: float) -> str:
    """JSON nested without end, of a million keys, of nothing but empty lists, of a number with millions of digits."""
    size = int(max(PIECE, scale * (60 << 20)))
    deep = size // 2
    words = {
        "nested": b'{"a":' + b"[" * deep + b"]" * deep + b"}",
        "keys": b"{" + b",".join(b'"%d":0' % i for i in range(size // 10)) + b"}",
        "lists": b'{"a":[' + b",".join([b"[]"] * (size // 3)) + b"]}",
        "digits": b'{"a":' + b"9" * size + b"}",
        "text": b'{"display_name":"' + b"\\ud800" * (size // 6) + b'"}',
        "captions": b'{"captions":{' + b",".join(b'"%d":"<b>"' % i for i in range(size // 16)) + b"}}",
    }
    for name, said in words.items():
        for part in (1, 8):
            cut = said if part == 1 else _shorter(said, size // 8)
            frames = (frame_of((META, RAW, 0, 1, at), b"", cut.replace(b'"a"', b'"a%d"' % at, 1)) for at in range(part))
            write(folder, f"{name}{part}", [*frames, tag(0, "scalar", "loss", part)])
        tags = b'[{"id":0,"kind":"scalar","tag":"t","more":' + said + b"}]"
        write(folder, f"{name} in tags", [frame_of((TAGS, RAW, 0, 1, at), b"", tags) for at in (0, 1)])
    return f"{3 * len(words)} logs of {size >> 20} MiB"


def _shorter(said: bytes, size: int) -> bytes:
    """About the first `size` bytes of a JSON text, as JSON of the same kind where that is easily had."""
    if said.startswith(b'{"a":[['):
        return b'{"a":' + b"[" * 400 + b"]" * 400 + b"}"
    end = said.rfind(b",", 0, size)
    if end < 0:
        return b'{"a":"' + b"x" * size + b'"}'
    return said[:end] + (b"]}" if said.startswith(b'{"a":[') else b"}}" if b"captions" in said[:20] else b"}")


BOMBS: dict[str, Bomb] = {
    "pictures": Bomb("PNG bombs", 200, 10, pictures, ask_pictures),
    "long names": Bomb("names of a megabyte", 300, 20, long_names, board),
    "words": Bomb("JSON bombs", 400, 30, hostile_words, board),
    "lengths": Bomb("lengths and counts at their most", 700, 20, lengths, board),
    "tag a step": Bomb("a program with a new tag at each step", 600, 40, tag_a_step, board),
    "inflating": Bomb("bodies that inflate a thousandfold", 1000, 60, inflating, board),
    "many tags": Bomb("ten million tags", 600, 60, many_tags, told),
}
