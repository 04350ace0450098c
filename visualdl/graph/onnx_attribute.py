"""ONNX's AttributeProto: one attribute of a node, long lists cut, sub-graphs as spans to be read by who wants them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from visualdl.graph.model import Attribute, Dim
from visualdl.graph.onnx_tensor import float32_of, read_sparse_weight, read_tensor, read_type, shortest
from visualdl.graph.protobuf import BYTES, Field, WireFile, signed

LIST_LIMIT = 64
"""How many elements of an attribute's list are told."""

_ATTRIBUTE_TYPES = {
    1: "float",
    2: "int",
    3: "string",
    4: "tensor",
    5: "graph",
    6: "floats",
    7: "ints",
    8: "strings",
    9: "tensors",
    10: "graphs",
    11: "sparse_tensor",
    12: "sparse_tensors",
    13: "type",
    14: "types",
}
# field of AttributeProto -> the type it stands for, for files that leave `type` out (IR version 1)
_ATTRIBUTE_FIELDS = {
    2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: 7, 9: 8, 10: 9, 11: 10, 14: 13, 15: 14, 22: 11, 23: 12,
}  # fmt: skip


@dataclass(frozen=True)
class RawAttribute:
    """An attribute as its message says it. graphs: spans of GraphProto; ref: the function's attribute it stands for."""

    name: str
    attribute: Attribute
    graphs: tuple[Field, ...] = ()
    ref: str = ""


def read_attribute(wire: WireFile, span: Field) -> RawAttribute:
    """One AttributeProto. Lists longer than LIST_LIMIT are cut and their length told."""
    name, ref, kind = "", "", 0
    parts: dict[int, list[Field]] = {}
    count: dict[int, int] = {}
    for field in wire.fields(span.start, span.stop):
        if field.number == 1:
            name = wire.text(field)
        elif field.number == 21:
            ref = wire.text(field)
        elif field.number == 20 and field.wire != BYTES:
            kind = field.start
        elif field.number in _ATTRIBUTE_FIELDS:
            kept = parts.setdefault(field.number, [])
            if len(kept) < LIST_LIMIT:
                kept.append(field)
            count[field.number] = count.get(field.number, 0) + 1
    if kind not in _ATTRIBUTE_TYPES:
        kind = next((_ATTRIBUTE_FIELDS[number] for number in parts), 0)
    number = next((number for number, stands_for in _ATTRIBUTE_FIELDS.items() if stands_for == kind), 0)
    said = parts.get(number, [])
    value, length = _attribute_value(wire, kind, said, count.get(number, 0))
    cut = length if isinstance(value, list) and length > len(value) else None
    graphs = tuple(field for field in said if field.wire == BYTES) if kind in (5, 10) else ()
    return RawAttribute(name, Attribute(_ATTRIBUTE_TYPES.get(kind, ""), value, cut), graphs, ref)


def _attribute_value(wire: WireFile, kind: int, said: list[Field], count: int) -> tuple[object, int]:
    """The value of an attribute of type `kind`, and how many elements the file holds of it."""
    if kind == 1:
        return (float32_of(said[-1]) if said else 0.0), 1
    if kind == 2:
        return (signed(said[-1].start) if said and said[-1].wire != BYTES else 0), 1
    if kind == 3:
        return (wire.text(said[-1]) if said else ""), 1
    if kind == 6:
        floats, length = _packed_floats(wire, said, count)
        return floats, length
    if kind == 7:
        ints: list[int] = []
        length = 0
        for field in said:
            ints += [signed(value) for value in wire.varints(field, LIST_LIMIT)]
            length += _packed_count(wire, field)
        return ints[:LIST_LIMIT], max(length, count)
    if kind == 8:
        return [wire.text(field, 200) for field in said], count
    if kind == 4:
        return (read_tensor(wire, said[-1])[1] if said else ""), 1
    if kind == 9:
        return [read_tensor(wire, field)[1] for field in said], count
    if kind in (11, 12):
        tensors = [read_sparse_weight(wire, field).tensor for field in said]
        return (tensors[-1] if kind == 11 and tensors else tensors), count
    if kind in (13, 14):
        words = [_type_words(*read_type(wire, field)) for field in said if field.wire == BYTES]
        return (words[-1] if kind == 13 and words else words), count
    return "", 1  # graphs are expanded elsewhere; an unknown type has no value we could tell


def _type_words(name: str, shape: tuple[Dim, ...] | None) -> str:
    return name if shape is None else f"{name}[{', '.join('?' if size is None else str(size) for size in shape)}]"


def _packed_count(wire: WireFile, field: Field) -> int:
    """How many varints a packed field holds; counted only as far as it is short enough to be read."""
    if field.wire != BYTES:
        return 1
    raw = wire.read(field.start, min(field.stop, field.start + (1 << 20)))
    return sum(byte < 0x80 for byte in raw)


def _packed_floats(wire: WireFile, said: list[Field], count: int) -> tuple[list[float], int]:
    floats: list[float] = []
    length = 0
    for field in said:
        if field.wire != BYTES:
            floats.append(float32_of(field))
            length += 1
            continue
        whole = (field.stop - field.start) // 4
        raw = wire.read(field.start, field.start + 4 * min(whole, LIST_LIMIT))
        floats += struct.unpack(f"<{len(raw) // 4}f", raw[: len(raw) // 4 * 4])
        length += whole
    return [shortest(value) for value in floats[:LIST_LIMIT]], max(length, count)
