"""LogReader of logs that mean harm: one of our own errors, or an answer; never Pillow's, never gigabytes."""

from __future__ import annotations

import json
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

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


def log_with(folder: Path, blob: bytes, **said: object) -> LogReader:
    """A log whose one image is said to have 4 × 4 pixels. said: what else is said of its tag."""
    record = address(blob) + struct.pack("<BBHIIIIdd", 1, 3, 0, 4, 4, 0, 0, 0.0, 255.0)
    index = struct.pack("<qqIII", 0, 0, 0, len(record) - 16, 1)
    tags = json.dumps([{"id": 0, "kind": "image", "tag": "photo", **said}]).encode()
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


@pytest.mark.parametrize(
    "said",
    [
        {"sample_of": "photo"},
        {"sample_of": ["photo"], "sample": 0, "samples": 2},
        {"sample_of": "photo", "sample": 2, "samples": 2},
        {"sample_of": "photo", "sample": -1, "samples": 2},
        {"sample_of": "photo", "sample": "0", "samples": 2},
        {"sample_of": "photo", "sample": 0, "samples": 2.5},
    ],
)
def test_an_image_that_is_said_to_be_a_sample_that_cannot_be_is_one_of_its_own(tmp_path: Path, said: Any) -> None:
    reader = log_with(tmp_path, png(4, 4), **said)
    assert reader.tags("image") == ["photo"]
    photo = reader.image("photo")
    assert (photo.num_samples(), photo.num_records()) == (1, 1)


def test_a_tag_that_is_said_to_have_more_samples_than_memory_holds_takes_no_room_for_them(tmp_path: Path) -> None:
    photo = log_with(tmp_path, png(4, 4), sample_of="photo", sample=5, samples=10**15).image("photo")
    assert photo.num_samples() == 10**15
    assert photo.record(0, 5).shape() == [4, 4, 3]
    assert photo.record(0, 6).shape() == []


@pytest.mark.parametrize("captions", [[], "loss", 3, None, {"loss": ["good"]}, {"loss": "good"}])
def test_captions_that_are_none_are_passed_over(tmp_path: Path, captions: object) -> None:
    with LogWriter(tmp_path) as writer:
        writer.add_scalar("loss", 1.0, 0)
    body = json.dumps({"captions": captions}).encode()
    (tmp_path / "20990101T000000.000000Z-a-1-00000000.vdl").write_bytes(pack_frame(META, 0, body=body) + body)
    told = LogReader(tmp_path).scalar("loss").caption()
    assert (told == "good") == (captions == {"loss": "good"})
