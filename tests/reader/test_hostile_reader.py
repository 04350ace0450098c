"""LogReader of logs that mean harm: one of our own errors, or an answer; never Pillow's, never gigabytes."""

from __future__ import annotations

import json
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from visualdl import LogReader, LogWriter
from visualdl.errors import CorruptRecord
from visualdl.log.frame import BLOB, META, RECORDS, TAGS, pack_frame
from visualdl.log.payloads import address


def png(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and holds some zeros."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1 << 16))), (b"IEND", b"")]
    parts = [struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gif() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "GIF")
    return buffer.getvalue()


def log_with(folder: Path, blob: bytes) -> LogReader:
    """A log whose one image is said to have 4 × 4 pixels."""
    record = address(blob) + struct.pack("<BBHIIIIdd", 1, 3, 0, 4, 4, 0, 0, 0.0, 255.0)
    index = struct.pack("<qqIII", 0, 0, 0, len(record) - 16, 1)
    tags = b'[{"id":0,"kind":"image","tag":"photo"}]'
    frames = pack_frame(TAGS, 0, body=tags) + tags
    frames += pack_frame(BLOB, 1, index=address(blob), body=blob) + blob
    frames += pack_frame(RECORDS, 2, n=1, index=index, body=record) + record
    (folder / "a.vdl").write_bytes(frames)
    return LogReader(folder)


@pytest.mark.parametrize(
    "blob",
    [b"", b"\x89PNG\r\n\x1a\n", png(4, 4)[:45], png(9000, 9000), png(65_535, 65_535), png(3, 4), gif(), b"no picture"],
    ids=["nothing", "a signature", "cut", "large", "a bomb", "another size", "a GIF", "noise"],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_that_is_not_the_one_that_was_logged_is_a_corrupt_record(tmp_path: Path, blob: bytes) -> None:
    picture = log_with(tmp_path, blob).image("photo").record(0, 0)
    with pytest.raises(CorruptRecord):
        picture.data()


@pytest.mark.parametrize("captions", [[], "loss", 3, None, {"loss": "good"}])
def test_captions_that_are_none_are_passed_over(tmp_path: Path, captions: object) -> None:
    with LogWriter(tmp_path) as writer:
        writer.add_scalar("loss", 1.0, 0)
    body = json.dumps({"captions": captions}).encode()
    (tmp_path / "20990101T000000.000000Z-a-1-00000000.vdl").write_bytes(pack_frame(META, 0, body=body) + body)
    told = LogReader(tmp_path).scalar("loss").caption()
    assert (told == "good") == (captions == {"loss": "good"})
