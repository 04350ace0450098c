"""Pictures that a log says it holds: those that no browser should decode are refused, with a sentence."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from tests.server.boards import serving
from visualdl.kinds import image
from visualdl.log.frame import BLOB, TAGS, pack_frame
from visualdl.log.payloads import address
from visualdl.server.api import MAX_PIXELS, MAX_SIDE, picture_problem


def png(width: int, height: int) -> bytes:
    """A PNG that says it is so large; its pixels inflate to some megabytes of zeros."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(1 << 22))),
        (b"IEND", b""),
    ]
    parts = [struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("width", "height", "fine"),
    [
        (4, 4, True),
        (MAX_SIDE, MAX_PIXELS // MAX_SIDE, True),
        (65_535, 65_535, False),
        (MAX_SIDE, MAX_SIDE, False),
        (MAX_SIDE + 1, 1, False),
        (0, 5, False),
        (0xFFFF_FFFF, 1, False),
    ],
)
def test_a_png_larger_than_any_that_can_be_logged_has_a_problem(width: int, height: int, fine: bool) -> None:
    assert (picture_problem(png(width, height)) is None) == fine


def test_every_picture_that_can_be_logged_is_shown() -> None:
    assert (MAX_SIDE, MAX_PIXELS) == (image.MAX_SIDE, image.MAX_PIXELS)


def test_other_bytes_have_no_problem_that_we_know() -> None:
    for content in (b"", b"GIF89a", b"\xff\xd8\xff", b"<svg/>"):
        assert picture_problem(content) is None
    assert picture_problem(b"\x89PNG\r\n\x1a\n") is not None


def test_the_server_gives_no_browser_a_picture_bomb(tmp_path: Path) -> None:
    body = b'[{"id":0,"kind":"image","tag":"photo"}]'
    frames = pack_frame(TAGS, 0, body=body) + body
    blobs = [png(4, 4), png(65_535, 65_535)]
    for seq, blob in enumerate(blobs, 1):
        frames += pack_frame(BLOB, seq, index=address(blob), body=blob) + blob
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a.vdl").write_bytes(frames)
    with serving(tmp_path) as board:
        run = board.run("run")
        found = [board.client.get(f"api/blob/{run}/{address(blob).hex()}") for blob in blobs]
    assert [answer.status_code for answer in found] == [200, 422]
    assert found[0].headers["content-type"] == "image/png"
    assert "65535" in found[1].json()["error"]
