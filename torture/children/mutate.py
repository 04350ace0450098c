"""Every way a log is damaged: cut, flipped, shuffled, made to lie with good checksums; all of it made from chance."""

from __future__ import annotations

import json
import math
import random
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from torture.children.specimens import HEADER_BYTES, Piece, Specimen, foreign, long_log, specimens
from visualdl.log.frame import META, RECORDS, ROWS, TAGS, ZLIB, ZSTD

NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    40,
    255,
    1 << 16,
    (1 << 20) - 1,
    1 << 20,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 2,
    (1 << 32) - 1,
)
WIDE = (*NUMBERS, (1 << 53) + 1, (1 << 62) - 1, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
REALS = (0.0, -0.0, 5e-324, 1e-310, 1e308, -1e308, math.inf, -math.inf, math.nan, 9.3e12, 1e18)


class Attempt(NamedTuple):
    """One damaged log. kept: the frames that must still be read in full; None when the checksums lie too.

    damaged: it must be told. wrong_rows: so many rows of the head, which has no checksums, may be other than logged.
    mutations: how many changes were made.
    """

    specimen: Specimen
    vdl: bytes
    head: bytes | None
    kept: Sequence[Piece] | None
    damaged: bool = True
    wrong_rows: int = 0
    mutations: int = 1


@cache
def subjects() -> tuple[Specimen, ...]:
    """The logs that are damaged, the same in every attack."""
    return specimens()


# ------------------------------------------------------------------------------------------------ one thing at a time


def cuts(chance: random.Random) -> Iterator[Attempt]:
    """Each log ends at each of its bytes; of a long log each byte around each frame's borders, and some between."""
    del chance
    for log in subjects():
        for size in range(len(log.vdl)):
            yield Attempt(log, log.vdl[:size], log.head, [p for p in log.pieces if p.stop <= size], damaged=False)
    long = long_log()
    borders = {at + near for p in long.pieces for at in (p.start, p.stop) for near in range(-2, HEADER_BYTES + 3)}
    for size in sorted(borders | set(range(0, len(long.vdl), 997))):
        if 0 <= size < len(long.vdl):
            yield Attempt(long, long.vdl[:size], None, [p for p in long.pieces if p.stop <= size], damaged=False)


def head_cuts(chance: random.Random) -> Iterator[Attempt]:
    """The ring of each open log ends at each of its bytes."""
    del chance
    for log in subjects():
        for size in range(len(log.head or b"")):
            yield Attempt(log, log.vdl, (log.head or b"")[:size], log.pieces, damaged=size > 0)


def flips(chance: random.Random) -> Iterator[Attempt]:
    """Each bit of each log, one at a time."""
    del chance
    for bit in (0, 7, 3, 1, 6, 2, 5, 4):
        for log in subjects():
            for at in range(len(log.vdl)):
                changed = bytearray(log.vdl)
                changed[at] ^= 1 << bit
                kept = [p for p in log.pieces if not p.start <= at < p.stop]
                yield Attempt(log, bytes(changed), log.head, kept)


def head_flips(chance: random.Random) -> Iterator[Attempt]:
    """Each bit of each ring; slots have no checksum, so one row may come out changed."""
    del chance
    for bit in (7, 0, 3, 1, 6, 2, 5, 4):
        for log in subjects():
            for at in (*range(224), *range(1024, 1048), *range(4096, len(log.head or b""))):
                changed = bytearray(log.head or b"")
                if changed:
                    changed[at] ^= 1 << bit
                    yield Attempt(log, log.vdl, bytes(changed), log.pieces, damaged=at < 224, wrong_rows=1)


# ------------------------------------------------------------------------------------------------ shuffled


def shuffled(chance: random.Random) -> Iterator[Attempt]:
    """Frames dropped, repeated, moved, run over by garbage and zeros, cut out, mixed with those of another run."""
    other = foreign()
    while True:
        log = chance.choice(subjects())
        parts: list[tuple[bytes, Piece | None]] = [(log.vdl[p.start : p.stop], p) for p in log.pieces]
        whole = dict(parts)
        count = chance.choice((1, 1, 1, 2, 3, 5))
        for _ in range(count):
            chance.choice(SHUFFLES)(parts, chance, other)
        parts = [(part, piece or whole.get(part)) for part, piece in parts]  # two changes may undo each other
        data = b"".join(part for part, _ in parts)
        kept: dict[Piece, None] = dict.fromkeys(piece for _, piece in parts if piece is not None)
        # Garbage shorter than a header at the very end may be the beginning of a frame: that is waited for.
        torn = len(data) < HEADER_BYTES or _only_torn(parts)
        yield Attempt(log, data, log.head, list(kept), damaged=data != log.vdl and not torn, mutations=count)


Parts = list[tuple[bytes, Piece | None]]


def _only_torn(parts: Parts) -> bool:
    """Whether all that is wrong may be a frame that is not finished, or frames that never were."""
    seqs = [piece.header[4] if piece is not None else None for _, piece in parts]
    while seqs and seqs[-1] is None and len(parts[len(seqs) - 1][0]) < HEADER_BYTES:
        seqs.pop()
    return seqs == list(range(len(seqs)))


def _drop(parts: Parts, chance: random.Random, other: Specimen) -> None:
    if parts:
        del parts[chance.randrange(len(parts))]


def _repeat(parts: Parts, chance: random.Random, other: Specimen) -> None:
    if parts:
        parts.insert(chance.randrange(len(parts) + 1), chance.choice(parts))


def _move(parts: Parts, chance: random.Random, other: Specimen) -> None:
    if parts:
        parts.insert(chance.randrange(len(parts)), parts.pop(chance.randrange(len(parts))))


def _garbage(parts: Parts, chance: random.Random, other: Specimen) -> None:
    noise = chance.choice((chance.randbytes, bytes, lambda n: (b"VLF1" * n)[:n]))(
        chance.choice((1, 39, 40, 41, 500, 9000))
    )
    parts.insert(chance.randrange(len(parts) + 1), (noise, None))


def _hit(parts: Parts, chance: random.Random, other: Specimen) -> None:
    """Some bytes of one frame become zeros or noise."""
    at = chance.randrange(len(parts)) if parts else 0
    if not parts or not parts[at][0]:
        return
    data = bytearray(parts[at][0])
    start = chance.randrange(len(data))
    stop = min(len(data), start + chance.choice((1, 4, 40, 4096)))
    changed = bytes(data[:start]) + chance.choice((bytes, chance.randbytes))(stop - start) + bytes(data[stop:])
    if changed != parts[at][0]:
        parts[at] = (changed, None)


def _insert(parts: Parts, chance: random.Random, other: Specimen) -> None:
    """Bytes come into the middle of a frame."""
    if parts:
        at = chance.randrange(len(parts))
        data, _ = parts[at]
        place = chance.randrange(len(data) + 1)
        if 0 < place < len(data):
            parts[at] = (data[:place] + chance.randbytes(chance.choice((1, 8, 100))) + data[place:], None)


def _foreign(parts: Parts, chance: random.Random, other: Specimen) -> None:
    """A frame of another run's log, changed so that its checksum shows: whole ones are another attack."""
    piece = chance.choice(other.pieces)
    data = bytearray(other.vdl[piece.start : piece.stop])
    data[chance.randrange(len(data))] ^= 0x10
    parts.insert(chance.randrange(len(parts) + 1), (bytes(data), None))


SHUFFLES: tuple[Callable[[Parts, random.Random, Specimen], None], ...] = (
    _drop,
    _repeat,
    _move,
    _garbage,
    _hit,
    _insert,
    _foreign,
)


# ------------------------------------------------------------------------------------------------ lies


def lies(chance: random.Random) -> Iterator[Attempt]:
    """Headers, indices, bodies and JSON that say something else, with checksums that are right for it."""
    other = foreign()
    while True:
        log = chance.choice(subjects())
        frames = [_Frame.of(piece) for piece in log.pieces]
        count = chance.choice((1, 1, 2, 4))
        for _ in range(count):
            chance.choice(frames).lie(chance)
        if chance.random() < 0.2:
            frames.insert(chance.randrange(len(frames)), _Frame.of(chance.choice(other.pieces)))
        data = b"".join(frame.packed() for frame in frames)
        yield Attempt(log, data, _lying_head(log, chance) if chance.random() < 0.4 else log.head, None, mutations=count)


class _Frame:
    """A frame in parts, each of which may be made to lie."""

    def __init__(self, header: tuple[int, int, int, int, int], index: bytes, body: bytes) -> None:
        self.type, self.codec, self.flags, self.n, self.seq = header
        self.index, self.body = index, body
        self.length: int | None = None
        self.index_bytes: int | None = None

    @classmethod
    def of(cls, piece: Piece) -> _Frame:
        return cls(piece.header, piece.directory, piece.body)

    def packed(self) -> bytes:
        index, body = self.index, self.body
        length = len(index) + len(body) if self.length is None else self.length
        index_bytes = len(index) if self.index_bytes is None else self.index_bytes
        whole = index + body
        crcs = zlib.crc32(whole[index_bytes:length]), zlib.crc32(whole[:index_bytes])
        checked = struct.pack(
            "<IBBHIIQII", length, self.type, self.codec, self.flags, self.n, crcs[0], self.seq, index_bytes, crcs[1]
        )
        return b"VLF1" + struct.pack("<I", zlib.crc32(checked)) + checked + whole

    def lie(self, chance: random.Random) -> None:
        chance.choice((self._header, self._header, self._words, self._words, self._content, self._content, self._size))(
            chance
        )

    def _header(self, chance: random.Random) -> None:
        field = chance.choice(("type", "codec", "flags", "n", "seq"))
        most = {"type": 8, "codec": 8, "flags": 16, "n": 32, "seq": 64}[field]
        value = chance.choice((*range(8), *WIDE)) if chance.random() < 0.9 else chance.getrandbits(64)
        setattr(self, field, value % (1 << most))

    def _size(self, chance: random.Random) -> None:
        if chance.random() < 0.5:
            self.length = chance.choice(
                (*NUMBERS[:-1], max(0, len(self.index) + len(self.body) - chance.randrange(60)))
            )
            self.index_bytes = min(self.length, len(self.index))
        else:
            self.index_bytes = min(len(self.index) + len(self.body), chance.choice(NUMBERS))

    def _words(self, chance: random.Random) -> None:
        """A number somewhere in the index."""
        width, code = chance.choice(((4, "<I"), (8, "<Q")))
        if len(self.index) >= width:
            at = chance.randrange((len(self.index) - width) // 4 + 1) * 4
            value = struct.pack(code, chance.choice(WIDE if width == 8 else NUMBERS))
            self.index = self.index[:at] + value + self.index[at + width :]
        elif chance.random() < 0.5:
            self.index += chance.randbytes(chance.randrange(1, 60))

    def _content(self, chance: random.Random) -> None:
        if self.type in (TAGS, META) or chance.random() < 0.1:
            self.body, self.index = hostile_json(chance, self.type), b""
        elif self.type in (ROWS, RECORDS) and self.codec in (ZSTD, ZLIB) and chance.random() < 0.5:
            self.body = _another_body(self.body, self.codec, chance)
        elif self.body:
            data = bytearray(self.body)
            for _ in range(chance.choice((1, 3, 20))):
                data[chance.randrange(len(data))] = chance.getrandbits(8)
            self.body = bytes(data)


def frame_of(header: tuple[int, int, int, int, int], index: bytes, body: bytes) -> bytes:
    """A frame with this (type, codec, flags, n, seq), with right lengths and checksums."""
    return _Frame(header, index, body).packed()


def _another_body(body: bytes, codec: int, chance: random.Random) -> bytes:
    """The same codec with other content inside: noise, extreme numbers, more or less of it."""
    import zstandard

    try:
        plain = zlib.decompress(body) if codec == ZLIB else zstandard.decompress(body)
    except (zlib.error, zstandard.ZstdError):
        return body
    data = bytearray(plain)
    for _ in range(chance.randrange(1, 8)):
        value = (
            struct.pack("<d", chance.choice(REALS)) if chance.random() < 0.5 else struct.pack("<Q", chance.choice(WIDE))
        )
        at = chance.randrange(max(1, len(data) - 7))
        data[at : at + 8] = value
    plain = bytes(data)[: len(data) + chance.choice((0, 0, 0, -1, -8))]
    return zlib.compress(plain) if codec == ZLIB else zstandard.compress(plain)


def _lying_head(log: Specimen, chance: random.Random) -> bytes | None:
    """A ring whose header and slots say something else, with a good checksum."""
    if log.head is None:
        return None
    data = bytearray(log.head)
    for _ in range(chance.choice((1, 2, 5))):
        where = chance.random()
        if where < 0.2:
            struct.pack_into("<I", data, chance.choice((8, 12)), chance.choice((1, 2, 32, 33, 63, 64, 128, *NUMBERS)))
        elif where < 0.4:
            struct.pack_into("<Q", data, chance.choice((16, 24, 1024, 1032, 1040)), chance.choice(WIDE))
        elif where < 0.5:
            at = chance.choice((32, 96, 160))
            data[at : at + 64] = chance.choice((bytes(64), b"\xff" * 64, chance.randbytes(64)))
        else:
            at = 4096 + 32 * chance.randrange(64)
            place, value = chance.choice(((0, WIDE), (8, WIDE), (16, WIDE), (24, NUMBERS), (28, NUMBERS)))
            struct.pack_into("<Q" if value is WIDE else "<I", data, at + place, chance.choice(value))
    data[4:8] = struct.pack("<I", zlib.crc32(data[8:224]))
    return bytes(data)[: chance.choice((len(data),) * 5 + (4096, 4097, 5000))]


def hostile_json(chance: random.Random, type: int) -> bytes:
    """JSON, or nearly, of other types than the reader hopes for."""
    odd: list[Any] = [
        None,
        True,
        -1,
        1 << 32,
        1 << 70,
        0.5,
        "",
        "x" * 5000,
        "\ud800",
        "a\0b",
        [],
        {},
        [[[[]]]],
        {"a": {"b": 1}},
    ]
    if type == TAGS:
        entry = {
            "id": chance.randrange(5),
            "kind": chance.choice(("scalar", "image", "histogram", "text")),
            "tag": "loss",
        }
        for _ in range(chance.randrange(3)):
            entry[chance.choice(("id", "kind", "tag", "more"))] = chance.choice(odd)
        value: Any = chance.choice(([entry], [entry] * 3, entry, [entry, chance.choice(odd)]))
    else:
        value = {chance.choice(("display_name", "captions", "rows", "dropped", "reasons", "x")): chance.choice(odd)}
    text = json.dumps(value)
    strange = (
        "NaN",
        "[" * 3000,
        "[" * 400 + "]" * 400,
        "9" * 5000,
        '{"dropped":' + "9" * 400 + "}",
        "1e999",
        text[:-1],
        text * 2,
    )
    return (chance.choice(strange) if chance.random() < 0.2 else text).encode("ascii", "replace")


ATTACKS: dict[str, Callable[[random.Random], Iterator[Attempt]]] = {
    "cuts": cuts,
    "head cuts": head_cuts,
    "flips": flips,
    "head flips": head_flips,
    "shuffled": shuffled,
    "lies": lies,
}
