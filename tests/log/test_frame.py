"""Frames: what was packed comes back, and nothing else does."""

from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from visualdl.log.frame import (
    HEADER_BYTES,
    MAX_INFLATED_BYTES,
    RAW,
    ZLIB,
    ZSTD,
    Closed,
    compress,
    decode_closed,
    decode_json,
    encode_closed,
    encode_json,
    find_header,
    inflate,
    pack_frame,
    unpack_header,
)


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(0, 255), st.integers(0, 2**64 - 1))
def test_a_header_comes_back_as_it_was_packed(index: bytes, body: bytes, kind: int, seq: int) -> None:
    packed = pack_frame(kind, seq, n=7, index=index, body=body, codec=ZSTD, flags=3)
    header = unpack_header(packed)
    assert header is not None
    assert packed[HEADER_BYTES:] == index
    assert (header.type, header.seq, header.n, header.codec, header.flags) == (kind, seq, 7, ZSTD, 3)
    assert (header.index_bytes, header.body_bytes) == (len(index), len(body))
    assert (header.index_crc, header.body_crc) == (zlib.crc32(index), zlib.crc32(body))


def test_no_flipped_bit_of_a_header_goes_unseen() -> None:
    packed = pack_frame(1, 5, n=2, index=b"index", body=b"body")[:HEADER_BYTES]
    for bit in range(8 * HEADER_BYTES):
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << bit % 8
        assert unpack_header(flipped) is None, f"bit {bit}"


def test_the_layout_is_the_documented_one() -> None:
    packed = pack_frame(6, 9, n=1, index=b"ab", body=b"xyz", flags=0x0102)
    assert packed[:4] == b"VLF1"
    assert struct.unpack_from("<I", packed, 4)[0] == zlib.crc32(packed[8:40])
    assert struct.unpack_from("<IBBHIIQII", packed, 8) == (
        5, 6, 0, 0x0102, 1, zlib.crc32(b"xyz"), 9, 2, zlib.crc32(b"ab"),
    )  # fmt: skip


@given(st.binary(max_size=100).filter(lambda noise: b"V" not in noise), st.binary(max_size=50))
def test_the_next_good_header_is_found_behind_noise(noise: bytes, body: bytes) -> None:
    frame = pack_frame(1, 0, body=body)
    assert find_header(noise + b"VLF1" + noise + frame + body) == 2 * len(noise) + 4
    assert find_header(noise + frame[:-1]) == -1


@given(st.binary(max_size=5000))
def test_what_was_compressed_is_inflated_again(data: bytes) -> None:
    codec, stored = compress(data)
    assert len(stored) <= len(data)
    assert inflate(codec, stored, len(data)) == data


@pytest.mark.parametrize("codec", [RAW, ZSTD, ZLIB, 9])
@given(data=st.binary(max_size=200), size=st.integers(0, 1000))
def test_noise_is_refused_or_has_the_size_that_was_asked_for(codec: int, data: bytes, size: int) -> None:
    with contextlib.suppress(ValueError):
        assert len(inflate(codec, data, size)) == size


def test_a_bomb_is_refused_before_memory_is_taken() -> None:
    zeros = bytes(MAX_INFLATED_BYTES * 2)
    for codec, stored in ((ZSTD, zstandard.compress(zeros)), (ZLIB, zlib.compress(zeros))):
        with pytest.raises(ValueError, match="expected"):
            inflate(codec, stored, 1000)
        with pytest.raises(ValueError, match="limit"):
            inflate(codec, stored, len(zeros))
    without_size = zstandard.ZstdCompressor(write_content_size=False).compress(zeros)
    with pytest.raises(ValueError, match="claims"):
        inflate(ZSTD, without_size, 1000)


def test_closing_words_come_back() -> None:
    closed = Closed(1, 2, 3, ("the disk was full", "日志"))
    assert decode_closed(encode_closed(closed)) == closed


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"rows": "many"}', b'{"reasons": 1}', b"[" * 100_000, b"\xff"])
def test_closing_words_that_are_none_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        decode_closed(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_json_comes_back_whatever_the_text(value: object) -> None:
    assert decode_json(encode_json(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1, 2}])
def test_what_is_not_json_is_refused_at_the_call(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_json(value)
