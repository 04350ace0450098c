"""Frames, the unit of a .vdl file: a 40-byte checked header, a clear index, a body that may be compressed.

Each structure's writing and reading side stand next to each other. No numpy here: a training script imports this file.
The byte layout, and why it is so, is docs/log_format.md.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from visualdl.errors import LogError

Buffer: TypeAlias = bytes | bytearray | memoryview
JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

MAGIC = b"VLF1"
HEADER = struct.Struct("<4sIIBBHIIQII")
HEADER_BYTES = HEADER.size
_CHECKED = struct.Struct("<IBBHIIQII")  # the header without magic and its own checksum
_PREFIX = struct.Struct("<4sI")

# Frame types. A reader skips a type that it does not know.
ROWS, TAGS, BLOB, RECORDS, META, CLOSE = 1, 2, 3, 4, 5, 6

# Codecs of a body.
RAW, ZSTD, ZLIB = 0, 1, 2

ADDRESS_BYTES = 16
MAX_PAYLOAD_BYTES = 0xFFFF_FFFF - 1
MAX_BODY_BYTES = 272 << 20  # of a stored body: more than the largest picture that can be logged, as a PNG
MAX_INFLATED_BYTES = 64 << 20  # a compressed body never inflates to more: a small bad file cannot fill the memory
MAX_DIRECTORY_BYTES = 4 << 20  # TAGS, META and CLOSE are parsed whole, and JSON may take twenty times its length
_TAGS_BYTES = 1 << 20  # a writer begins a new TAGS frame after so many
_MAX_COUNT = 1 << 53  # counts that every reader of JSON holds exactly


class Header(NamedTuple):
    """A frame's header, checked. `length` counts the payload: index (clear) and then body (as stored)."""

    length: int
    type: int
    codec: int
    flags: int
    n: int
    body_crc: int
    seq: int
    index_bytes: int
    index_crc: int

    @property
    def body_bytes(self) -> int:
        """Length of the stored body."""
        return self.length - self.index_bytes


def pack_frame(
    type: int, seq: int, *, n: int = 1, index: bytes = b"", body: Buffer = b"", codec: int = RAW, flags: int = 0
) -> bytes:
    """Header and index of a frame whose body is `body`. The body itself goes to the file right after them."""
    length = len(index) + len(body)
    if length > MAX_PAYLOAD_BYTES:
        raise LogError(f"a frame holds at most {MAX_PAYLOAD_BYTES} bytes, but {length} came: log smaller pieces")
    checked = _CHECKED.pack(length, type, codec, flags, n, zlib.crc32(body), seq, len(index), zlib.crc32(index))
    return _PREFIX.pack(MAGIC, zlib.crc32(checked)) + checked + index


def unpack_header(buffer: Buffer, offset: int = 0) -> Header | None:
    """The header at `offset`, or None when the 40 bytes there are not a good one."""
    magic, crc = _PREFIX.unpack_from(buffer, offset)
    if magic != MAGIC or zlib.crc32(memoryview(buffer)[offset + 8 : offset + HEADER_BYTES]) != crc:
        return None
    header = Header(*_CHECKED.unpack_from(buffer, offset + 8))
    return header if header.index_bytes <= header.length else None


def find_header(buffer: bytes, start: int = 0) -> int:
    """Position of the first good header at or after `start`, or -1."""
    while (start := buffer.find(MAGIC, start)) >= 0:
        if start + HEADER_BYTES > len(buffer):
            return -1
        if unpack_header(buffer, start) is not None:
            return start
        start += 1
    return -1


def checksum(data: Buffer) -> int:
    """The checksum of the format: zlib's crc32."""
    return zlib.crc32(data)


def compress(data: bytes) -> tuple[int, bytes]:
    """(codec, stored bytes): zstd, zlib where zstandard is missing, or raw when nothing is gained."""
    if not 64 <= len(data) <= MAX_INFLATED_BYTES:
        return RAW, data
    try:
        import zstandard
    except ImportError:
        codec, small = ZLIB, zlib.compress(data, 1)
    else:
        codec, small = ZSTD, zstandard.ZstdCompressor(level=3).compress(data)
    return (codec, small) if len(small) < len(data) else (RAW, data)


def inflate(codec: int, stored: bytes, size: int) -> bytes:
    """The `size` bytes that `stored` holds; ValueError when it is not exactly that many, before they are allocated."""
    if codec == RAW:
        data = stored
    elif size > MAX_INFLATED_BYTES:
        raise ValueError(f"a compressed body of {size} bytes is over the limit of {MAX_INFLATED_BYTES}")
    elif codec == ZLIB:
        data = _inflate_zlib(stored, size)
    elif codec == ZSTD:
        data = _inflate_zstd(stored, size)
    else:
        raise ValueError(f"codec {codec} is not one of 0 (raw), 1 (zstd), 2 (zlib)")
    if len(data) != size:
        raise ValueError(f"a body of {size} bytes was expected, but {len(data)} came")
    return data


def _inflate_zlib(stored: bytes, size: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(stored, size + 1)
    except zlib.error as error:
        raise ValueError(f"a zlib body could not be inflated: {error}") from error


def _inflate_zstd(stored: bytes, size: int) -> bytes:
    try:
        import zstandard
    except ImportError as error:
        raise LogError("this log was written with zstd: install the package `zstandard` to read it") from error
    try:
        # zstandard allocates what the bytes claim, whatever limit it is given: look at the claim first.
        claimed = zstandard.frame_content_size(stored)
        if claimed != size:
            raise ValueError(f"a zstd body claims {claimed} bytes, but {size} were expected")
        return zstandard.ZstdDecompressor().decompress(stored, max_output_size=size)
    except zstandard.ZstdError as error:
        raise ValueError(f"a zstd body could not be inflated: {error}") from error


class Closed(NamedTuple):
    """What a log held when it was closed: rows and records written, records dropped, and why, one sentence a reason."""

    rows: int
    records: int
    dropped: int
    reasons: tuple[str, ...] = ()


def encode_closed(closed: Closed) -> bytes:
    """The body of a CLOSE frame."""
    return encode_json(
        {
            "rows": closed.rows,
            "records": closed.records,
            "dropped": closed.dropped,
            "reasons": list(closed.reasons),
        }
    )


def decode_closed(body: bytes) -> Closed:
    """A CLOSE frame's body; ValueError when it is not one."""
    value = decode_json(body)
    if not isinstance(value, dict):
        raise ValueError("a CLOSE frame holds a JSON object")
    rows, records, dropped = (value.get(name, 0) for name in ("rows", "records", "dropped"))
    reasons = value.get("reasons", [])
    if not all(type(count) is int and 0 <= count < _MAX_COUNT for count in (rows, records, dropped)):
        raise ValueError(f"a CLOSE frame holds three counts, each below {_MAX_COUNT}")
    if not isinstance(reasons, list) or not all(isinstance(reason, str) for reason in reasons):
        raise ValueError("a CLOSE frame holds a list of reasons, one sentence each")
    return Closed(rows, records, dropped, tuple(reasons))


def encode_tags(tags: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, bytes]]:
    """(n, body) of as many TAGS frames as these tags need: a reader takes only so many bytes of one."""
    part: list[bytes] = []
    size = 0
    for tag in tags:
        entry = encode_json(tag)
        if part and size + len(entry) > _TAGS_BYTES:
            yield len(part), b"[" + b",".join(part) + b"]"
            part, size = [], 0
        part.append(entry)
        size += len(entry) + 1
    if part:
        yield len(part), b"[" + b",".join(part) + b"]"


def encode_json(value: Any) -> bytes:
    """JSON as the log stores it: ASCII, strict. TypeError or ValueError (NaN, infinity) when it is not JSON."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def decode_json(body: bytes) -> Any:
    """The value that `encode_json` wrote; ValueError when the bytes are not JSON."""
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
