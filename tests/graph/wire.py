"""A writer of protobuf's wire format for the tests: whatever is wanted, sound or not."""

from __future__ import annotations


def varint(value: int) -> bytes:
    """An unsigned varint; negative values as the 64 bits that stand for them."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A varint field."""
    return varint(field << 3) + varint(value)


def block(field: int, *content: bytes | str) -> bytes:
    """A field of bytes, text, or the fields of a message."""
    body = b"".join(part.encode() if isinstance(part, str) else part for part in content)
    return varint(field << 3 | 2) + varint(len(body)) + body


def node(op: str, inputs: list[str], outputs: list[str], *more: bytes, name: str = "") -> bytes:
    """A NodeProto as a field of a graph."""
    values = [block(1, value) for value in inputs] + [block(2, value) for value in outputs]
    return block(1, *values, block(3, name), block(4, op), *more)


def value(field: int, name: str) -> bytes:
    """A ValueInfoProto without a type, as field 11 (input), 12 (output) or 13 of a graph."""
    return block(field, block(1, name))


def model(*graph: bytes, functions: bytes = b"") -> bytes:
    """A ModelProto with these fields in its graph."""
    return number(1, 9) + block(7, *graph) + block(8, number(2, 18)) + functions
