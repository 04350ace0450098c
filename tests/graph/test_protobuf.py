"""The wire-format reader: what it takes, what it refuses, and how little of a file it reads."""

from __future__ import annotations

import io
import struct

import pytest

from tests.graph import wire
from visualdl.errors import UnreadableModel
from visualdl.graph.protobuf import BYTES, Field, Malformed, WireFile, signed


class CountingFile(io.BytesIO):
    """A file that counts the bytes that were read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def opened(content: bytes, **bounds: int) -> WireFile:
    return WireFile(io.BytesIO(content), len(content), **bounds)


def fields(content: bytes) -> list[Field]:
    return list(opened(content).fields(0, len(content)))


def test_fields_of_every_wire_type_come_in_order() -> None:
    content = wire.number(1, 300) + b"\x11" + struct.pack("<d", 0.5) + wire.block(3, "abc") + b"\x25" + b"\x01\0\0\0"
    one, two, three, four = fields(content)
    assert (one.number, one.start) == (1, 300)
    assert struct.unpack("<d", two.start.to_bytes(8, "little")) == (0.5,)
    assert content[three.start : three.stop] == b"abc"
    assert (four.number, four.start) == (4, 1)


def test_a_negative_number_is_ten_bytes_and_signed() -> None:
    [field] = fields(wire.number(1, -5))
    assert signed(field.start) == -5


def test_packed_and_single_numbers_read_the_same_and_stop_at_the_limit() -> None:
    packed = wire.block(1, b"".join(wire.varint(i * 1000) for i in range(50)))
    file = opened(packed)
    [field] = file.fields(0, len(packed))
    assert file.varints(field, 3) == [0, 1000, 2000]
    assert file.varints(Field(1, 0, 7, 0), 3) == [7]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x0a\xff\xff\xff\xff\x0f", "cut short or damaged"),
        (b"\x0a\x05ab", "cut short or damaged"),
        (b"\x08", "inside a number"),
        (b"\x08\xff", "inside a number"),
        (b"\x08" + b"\xff" * 11, "longer than ten bytes"),
        (b"\x00\x01", "field number 0"),
        (b"\x0b", "wire type 3"),
        (b"\x0d\x01", "ends after its message"),
    ],
)
def test_wrong_bytes_are_refused_with_their_place(content: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        fields(content)


def test_a_message_may_not_reach_past_the_one_around_it() -> None:
    content = wire.block(1, b"\x0a\x09ab") + b"x" * 20
    file = opened(content)
    outer = next(file.fields(0, len(content)))
    with pytest.raises(Malformed):
        list(file.fields(outer.start, outer.stop))


def test_what_nobody_asks_for_is_not_read() -> None:
    large = 64 << 20
    content = wire.block(9, bytes(large)) + wire.block(1, "name")
    file = CountingFile(content)
    [data, name] = WireFile(file, len(content)).fields(0, len(content))
    assert data.stop - data.start == large
    assert file.taken < 1 << 18
    assert name.number == 1


def test_children_may_be_read_while_their_parents_fields_are_walked() -> None:
    parts = [wire.block(1, wire.block(2, f"{i}" * 50)) for i in range(5000)]
    content = b"".join(parts)
    file = opened(content)
    texts = [file.text(child) for part in file.fields(0, len(content)) for child in file.fields(part.start, part.stop)]
    assert texts == [f"{i}" * 50 for i in range(5000)]


def test_text_is_cut_and_wrong_utf8_is_marked() -> None:
    content = wire.block(1, "x" * 5000) + wire.block(2, b"a\xff")
    file = opened(content)
    long, wrong = file.fields(0, len(content))
    assert file.text(long) == "x" * 2000 + "… (5000 bytes)"
    assert file.text(wrong) == "a\N{REPLACEMENT CHARACTER}"
    with pytest.raises(Malformed):
        file.text(Field(1, 0, 5, 0))


def test_reading_ends_when_there_are_too_many_fields_or_texts() -> None:
    with pytest.raises(UnreadableModel, match="more fields"):
        list(opened(wire.number(1, 1) * 101, max_fields=100).fields(0, 202))
    file = opened(wire.block(1, "abc"), max_texts=1)
    [field] = file.fields(0, 5)
    file.text(field)
    with pytest.raises(UnreadableModel, match="more text"):
        file.text(field)


def test_a_file_that_shrank_meanwhile_is_an_error_and_no_crash() -> None:
    content = wire.block(1, bytes(200_000)) + wire.number(2, 1)
    file = WireFile(io.BytesIO(content[:1000]), len(content))
    walk = file.fields(0, len(content))
    assert next(walk).wire == BYTES
    with pytest.raises(Malformed):
        next(walk)
