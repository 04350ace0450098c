"""Logs of many small things, rings, extreme numbers and strange folders, made to exhaust whoever reads them."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import random
import socket
import struct
import zlib
from pathlib import Path

import numpy as np

from torture.children.bomb_logs import Bomb, board, rows_index, tag, write
from torture.children.examine import Desk
from torture.children.mutate import NUMBERS, WIDE, frame_of
from torture.children.specimens import NAME
from visualdl.kinds import histogram, image
from visualdl.log.frame import BLOB, RAW, RECORDS, ROWS
from visualdl.log.writer import Log

# ------------------------------------------------------------------------------------------------ many small things


def small_frames(folder: Path, scale: float) -> str:
    """Frames of one row and of none, blobs of no bytes: a file of nothing but headers."""
    count = int(200_000 * scale)
    index, body = rows_index([0], [1], 1), bytes(20)
    write(folder, "rows", [tag(0, "scalar", "loss")])
    with (folder / "rows" / f"{NAME}.vdl").open("ab") as file:
        for seq in range(1, count):
            file.write(frame_of((ROWS, RAW, 1, 1, seq), index, body))
    write(folder, "none", (frame_of((ROWS, RAW, 1, 0, seq), rows_index([], [], 1), b"") for seq in range(count)))
    blobs = (frame_of((BLOB, RAW, 0, 1, seq), struct.pack("<QQ", seq, 0), b"") for seq in range(count))
    write(folder, "blobs", blobs)
    return f"3 files of {count:,} frames"


def gaps(folder: Path, scale: float) -> str:
    """Nothing but damaged frames; a hole of a terabyte; noise with a million marks of a frame."""
    count = int(1_000_000 * scale)
    bad = bytearray(frame_of((ROWS, RAW, 0, 0, 1), b"", b"xy"))
    bad[-1] ^= 1
    write(folder, "damaged", [tag(0, "scalar", "a"), *(bytes(bad) * 1000 for _ in range(count // 1000))])
    swapped = [frame_of((200, RAW, 0, 0, seq), b"", b"") for seq in range(1, min(count, 40_000))]
    random.Random(1).shuffle(swapped)
    write(folder, "shuffled", [tag(0, "scalar", "a"), *swapped])
    write(folder, "marks", [tag(0, "scalar", "a"), *(b"VLF1" * 1000 for _ in range(count // 1000))])
    with contextlib.suppress(OSError):  # not every filesystem has such files
        write(folder, "hole", [tag(0, "scalar", "a")], size=1 << 40)
    return f"{count:,} damaged frames, {count:,} marks, a hole of 1 TiB"


def rings(folder: Path, scale: float) -> str:
    """Heads of four million slots: empty, and full of rows of as many tags; heads that are pipes and folders."""
    for name, full in (("empty", False), ("full", True)):
        write(folder, name, [tag(0, "scalar", "a")])
        slots = 1 << 22
        identity = struct.pack("<IIqQ64s64s64s", 32, slots, 1, 1, b"elsewhere", b"", b"")
        with (folder / name / f"{NAME}.head").open("wb") as file:
            file.write((b"VLHD" + struct.pack("<I", zlib.crc32(identity)) + identity).ljust(4096, b"\0"))
            count = int(slots * scale) if full else 0
            for at in range(0, count, 1 << 16):
                number = np.arange(at, min(count, at + (1 << 16)))
                rows = np.zeros(len(number), [("step", "<i8"), ("f", "<f8", 2), ("tag", "<u4"), ("mark", "<u4")])
                rows["step"], rows["tag"], rows["mark"] = number, number, number + 1
                file.write(rows.tobytes())
            file.truncate(4096 + 32 * slots)
    return f"rings of {1 << 22:,} slots"


# ------------------------------------------------------------------------------------------------ numbers


EXTREMES = (0.0, -0.0, 5e-324, -5e-324, 2.2e-308, 1e-40, 3.5e38, 1e308, -1.7976931348623157e308, math.inf, -math.inf)
STEPS = (0, -1, 1, (1 << 31) - 1, 1 << 32, (1 << 53) + 1, (1 << 63) - 1, -(1 << 63), -(1 << 53) - 1)


def numbers(folder: Path, scale: float) -> str:
    """The most extreme steps, times and values there are, of every kind."""
    del scale
    log = Log(folder / "run")
    values = (*EXTREMES, math.nan)
    for name, steps in (("extreme steps", STEPS), ("plain steps", tuple(range(len(values))))):
        append = log.row_appender(log.tag("scalar", name))
        for turn in range(400):
            for at, value in enumerate(values):
                append(steps[at % len(steps)], value, (-9.1e12, 0.0, 9.1e12)[turn % 3] if name[0] == "e" else None)
    spread = log.tag("histogram", "weights")
    for at, few in enumerate(([1e308, -1e308], [5e-324, 0.0], [math.nan], [math.inf, 1.0], [-0.0], [1e16, 1e16 + 2])):
        encoded = histogram.encode(histogram.accept(few, 30))
        log.append(spread, STEPS[at], None, lambda encoded=encoded: encoded, 100)  # type: ignore[misc]
    shown = log.tag("image", "photo")
    for at, pixels in enumerate((np.full((2, 2), math.nan), np.full((1, 3), 1e308), np.array([[-1e308, 1e308]]))):
        picture = image.encode(image.accept(pixels, "HW"))
        log.append(shown, STEPS[-at], None, lambda picture=picture: picture, 100)  # type: ignore[misc]
    log.close()
    _lying_numbers(folder)
    return f"{len(STEPS)} steps, {len(values)} values, {len(WIDE) ** 2} histograms"


def _lying_numbers(folder: Path) -> None:
    """Payloads with every extreme in every field, and rows with times that are none."""
    frames = [tag(0, "histogram", "lies"), tag(1, "image", "lies", 1), tag(2, "scalar", "lies", 2)]
    reals = (*EXTREMES, math.nan)
    for a in reals:
        for b in reals:
            for payload, id, blobs in (
                (struct.pack("<BBHIddQQQ", 1, 8, 0, 1, a, b, WIDE[-1], WIDE[-2], 0) + b"\xff" * 7 + b"\x7f", 0, 0),
                (struct.pack("<BBHIIIIdd", 1, 3, 0, 5, 5, NUMBERS[-1], 0, a, b), 1, 1),
            ):
                index = struct.pack("<qqIII", WIDE[-3], -(1 << 63), id, len(payload), blobs)
                frames.append(frame_of((RECORDS, RAW, 0, 1, len(frames)), index, bytes(16 * blobs) + payload))
    deltas = np.array([-(1 << 63), 1, (1 << 63) - 1, -1, 5], "<i8").view(np.uint8).reshape(-1, 8).T.tobytes()
    body = deltas * 2 + np.array(reals[-5:], "<f8").view(np.uint8).reshape(-1, 8).T.tobytes()
    frames.append(frame_of((ROWS, RAW, 0, 5, len(frames)), rows_index([2], [5], 5), body))
    write(folder, "lies", frames)


def ask_numbers(folder: Path) -> list[str]:
    """As `board`; then the CSV: it must read back as exactly what was logged."""
    desk = Desk(folder)
    found = desk.everything()
    runs = {run["name"]: run["id"] for run in json.loads(desk.ask("/api/board")[1])["runs"]}
    status, text = desk.ask("/api/csv", kind="scalar", tag="plain steps", runs=runs["run"])
    read = [float(row["value"]) for row in csv.DictReader(io.StringIO(text.decode()))]
    wanted = [*EXTREMES, math.nan] * 400
    if status != 200 or sorted(map(repr, read)) != sorted(map(repr, wanted)):
        found.append(f"the CSV of extreme values says other values: status {status}, {len(read)} rows")
    return found


# ------------------------------------------------------------------------------------------------ folders


def trees(folder: Path, scale: float) -> str:
    """Ten thousand empty folders, links in circles, folders without a bottom, and logs that are no files at all."""
    count = int(10_000 * scale)
    for at in range(count):
        (folder / "many" / f"{at}").mkdir(parents=True)
    deep = folder / "deep"
    deep.mkdir()
    with contextlib.suppress(OSError):
        for at in range(300):
            deep = deep / f"deeper{at}"
            deep.mkdir()
        write(deep, "bottom", [tag(0, "scalar", "a")])
    loop = folder / "loop"
    loop.mkdir()
    for name, target in (
        ("self", "self"),
        ("up", ".."),
        ("root", "/"),
        ("nowhere", "/nowhere/at/all"),
        ("a", "b"),
        ("b", "a"),
    ):
        if name != "root":
            os.symlink(target, loop / name)
    odd = folder / "odd"
    for number, special in enumerate(("pipe", "socket", "folder", "zero", "null", "random", "self", "tty", "denied")):
        place = odd / special
        place.mkdir(parents=True)
        for suffix in (".vdl", ".head"):
            _special(place / f"{NAME}{suffix}", special)
        if number % 2:
            write(odd, special + " head", [tag(0, "scalar", "a")])
            _special(odd / f"{special} head" / f"{NAME}.head", special)
    write(folder, "good", [tag(0, "scalar", "a")])
    return f"{count:,} empty folders, 300 levels, 6 links in circles, {2 * 9} odd files"


def _special(path: Path, what: str) -> None:
    devices = {
        "zero": "/dev/zero",
        "null": "/dev/null",
        "random": "/dev/urandom",
        "self": "/proc/self/mem",
        "tty": "/dev/tty",
    }
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "denied":
        path.write_bytes(b"VLF1")
        path.chmod(0)
    elif what in devices:
        os.symlink(devices[what], path)
    else:
        here = os.getcwd()
        os.chdir(path.parent)  # the name of a socket is short
        try:
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(path.name)
        finally:
            os.chdir(here)


def ask_trees(folder: Path) -> list[str]:
    """As `board`; the good run is among those found, and the other ways to it are not."""
    desk = Desk(folder)
    found = desk.everything() + desk.everything()
    names = [run["name"] for run in json.loads(desk.ask("/api/board")[1])["runs"]]
    if names.count("good") != 1 or len(names) > 40:
        found.append(f"{len(names)} runs were found, 'good' {names.count('good')} times")
    return found


BOMBS: dict[str, Bomb] = {
    "numbers": Bomb("the most extreme numbers, to the CSV", 200, 10, numbers, ask_numbers),
    "trees": Bomb("folders, links, pipes and devices", 200, 15, trees, ask_trees),
    "gaps": Bomb("nothing but damage", 200, 30, gaps, board),
    "rings": Bomb("rings of four million slots", 700, 20, rings, board),
    "small frames": Bomb("nothing but headers", 900, 30, small_frames, board),
}
