"""ONNX's TensorProto, SparseTensorProto and TypeProto: told in a few words and first values, never loaded whole."""

from __future__ import annotations

import dataclasses
import math
import struct
from collections.abc import Iterator

from visualdl.graph.model import Dim, External, Tensor, Weight
from visualdl.graph.protobuf import BYTES, Field, Malformed, WireFile, signed

FIRST_VALUES = 16
"""How many values of a constant are told."""
DIM_LIMIT = 64
_TYPE_DEPTH = 16

# data_type -> (name, bits of an element; 0: not fixed)
_TYPES: dict[int, tuple[str, int]] = {
    0: ("", 0),
    1: ("float32", 32),
    2: ("uint8", 8),
    3: ("int8", 8),
    4: ("uint16", 16),
    5: ("int16", 16),
    6: ("int32", 32),
    7: ("int64", 64),
    8: ("string", 0),
    9: ("bool", 8),
    10: ("float16", 16),
    11: ("float64", 64),
    12: ("uint32", 32),
    13: ("uint64", 64),
    14: ("complex64", 64),
    15: ("complex128", 128),
    16: ("bfloat16", 16),
    17: ("float8e4m3fn", 8),
    18: ("float8e4m3fnuz", 8),
    19: ("float8e5m2", 8),
    20: ("float8e5m2fnuz", 8),
    21: ("uint4", 4),
    22: ("int4", 4),
    23: ("float4e2m1", 4),
    24: ("float8e8m0", 8),
    25: ("uint2", 2),
    26: ("int2", 2),
    27: ("float6e2m3", 6),
    28: ("float6e3m2", 6),
}
# data_type -> how `struct` reads an element of raw_data; bfloat16 apart
_RAW = {1: "f", 2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "q", 9: "?", 10: "e", 11: "d", 12: "I", 13: "Q", 16: "H"}


def type_name(data_type: int) -> str:
    """'float32' for 1, …; 'type 99' for a number that is none of ONNX's."""
    known = _TYPES.get(data_type)
    return f"type {data_type}" if known is None else known[0]


@dataclasses.dataclass
class _TensorFields:
    """What one pass over a TensorProto finds."""

    name: str = ""
    dims: tuple[int, ...] = ()
    data_type: int = 0
    raw: Field | None = None
    typed: Field | None = None
    typed_first: list[int] = dataclasses.field(default_factory=list)
    strings: list[str] = dataclasses.field(default_factory=list)
    stored: int = 0
    external: dict[str, str] = dataclasses.field(default_factory=dict)
    location: int = 0


def read_tensor(wire: WireFile, span: Field) -> tuple[str, Tensor, External | None]:
    """Name, summary and place of a TensorProto. Reads its first values only, never its data."""
    found = _TensorFields()
    for field in wire.fields(span.start, span.stop):
        _tensor_field(wire, field, found)
    external = None
    if found.external or found.location == 1:
        said = found.external
        external = External(said.get("location", ""), _integer(said.get("offset")), _integer(said.get("length")))
    size = _bytes(found, external)
    shape = tuple(found.dims)
    return found.name, Tensor(type_name(found.data_type), shape, _first_values(wire, found), size), external


def read_weight(wire: WireFile, span: Field) -> Weight:
    """One initializer."""
    name, tensor, external = read_tensor(wire, span)
    return Weight(name, tensor, external)


def read_sparse_weight(wire: WireFile, span: Field) -> Weight:
    """One SparseTensorProto: name and type of its values, shape of the whole, bytes of values and indices."""
    name, kind, stored = "", "", 0
    dims: list[int] = []
    values: tuple[float | int | bool | str, ...] = ()
    external = None
    for field in wire.fields(span.start, span.stop):
        if field.number == 1 and field.wire == BYTES:
            name, tensor, external = read_tensor(wire, field)
            kind, values, stored = tensor.type, tensor.values, stored + tensor.bytes
        elif field.number == 2 and field.wire == BYTES:
            stored += read_tensor(wire, field)[1].bytes
        elif field.number == 3:
            dims += [signed(value) for value in wire.varints(field, DIM_LIMIT)]
    return Weight(name, Tensor(kind, tuple(dims[:DIM_LIMIT]), values, stored), external, sparse=True)


def read_type(wire: WireFile, span: Field, depth: int = 0) -> tuple[str, tuple[Dim, ...] | None]:
    """A TypeProto as words ('float32', 'sequence(float32)') and the shape of a tensor, None where untold."""
    if depth > _TYPE_DEPTH:
        raise Malformed(f"a type nested more than {_TYPE_DEPTH} deep at byte {span.start}")
    for field in wire.fields(span.start, span.stop):
        if field.wire != BYTES:
            continue
        if field.number in (1, 8):  # tensor, sparse tensor
            name, shape = _tensor_type(wire, field)
            return (name if field.number == 1 else f"sparse({name})"), shape
        if field.number in (4, 9):  # sequence, optional
            inner = _inner_types(wire, field, depth)
            return f"{'sequence' if field.number == 4 else 'optional'}({', '.join(inner)})", None
        if field.number == 5:
            return f"map({', '.join(_inner_types(wire, field, depth))})", None
        if field.number == 7:
            words = [wire.text(part) for part in wire.fields(field.start, field.stop) if part.number in (1, 2)]
            return f"opaque({'.'.join(words[:2])})", None
    return "", None


def _inner_types(wire: WireFile, span: Field, depth: int) -> list[str]:
    """The types that a sequence, an optional or a map is made of: a map's key is a number, the rest are messages."""
    words: list[str] = []
    for part in wire.fields(span.start, span.stop):
        if part.number in (1, 2) and len(words) < 2:
            words.append(read_type(wire, part, depth + 1)[0] if part.wire == BYTES else type_name(part.start))
    return words


def float32_of(field: Field) -> float:
    """The float32 in a FIXED32 field."""
    value: float = struct.unpack("<f", (field.start & 0xFFFFFFFF).to_bytes(4, "little"))[0]
    return shortest(value)


def shortest(value: float) -> float:
    """A float32 as the shortest decimal that is still that float32: 0.1, not 0.10000000149011612."""
    if not math.isfinite(value) or value == 0:
        return value
    for digits in (6, 7, 8):
        text = float(f"{value:.{digits}g}")
        if abs(text) <= 3.4028234663852886e38 and struct.pack("<f", text) == struct.pack("<f", value):
            return text
    return value


def _tensor_field(wire: WireFile, field: Field, found: _TensorFields) -> None:
    """Takes note of one field of a TensorProto."""
    number = field.number
    if number == 1:
        if len(found.dims) < DIM_LIMIT:
            found.dims += tuple(signed(value) for value in wire.varints(field, DIM_LIMIT))
    elif number in (4, 5, 7, 10, 11):
        _typed_field(field, found)
    elif field.wire != BYTES:
        found.data_type = field.start if number == 2 else found.data_type
        found.location = field.start if number == 14 else found.location
    elif number == 8:
        found.name = wire.text(field)
    elif number == 9:
        found.raw = field
        found.stored += field.stop - field.start
    elif number == 6:
        if len(found.strings) < FIRST_VALUES:
            found.strings.append(wire.text(field, 200))
        found.stored += field.stop - field.start
    elif number == 13:
        key, value = read_entry(wire, field)
        if len(found.external) < 16:
            found.external[key] = value


def _typed_field(field: Field, found: _TensorFields) -> None:
    """One of float_data, int32_data, int64_data, double_data, uint64_data: packed, or one field an element."""
    if field.wire == BYTES:
        found.typed = found.typed or field
        found.stored += field.stop - field.start
        return
    if len(found.typed_first) < FIRST_VALUES:
        found.typed_first.append(field.start)
    found.stored += 8


def read_entry(wire: WireFile, span: Field, limit: int = 2000) -> tuple[str, str]:
    """A StringStringEntryProto."""
    key = value = ""
    for field in wire.fields(span.start, span.stop):
        if field.number == 1:
            key = wire.text(field)
        elif field.number == 2:
            value = wire.text(field, limit)
    return key, value


def _tensor_type(wire: WireFile, span: Field) -> tuple[str, tuple[Dim, ...] | None]:
    name, shape = "", None
    for field in wire.fields(span.start, span.stop):
        if field.number == 1 and field.wire != BYTES:
            name = type_name(field.start)
        elif field.number == 2 and field.wire == BYTES:
            shape = tuple(_dims(wire, field))
    return name, shape


def _dims(wire: WireFile, span: Field) -> Iterator[Dim]:
    told = 0
    for field in wire.fields(span.start, span.stop):
        if field.number != 1 or field.wire != BYTES or told == DIM_LIMIT:
            continue
        told += 1
        size: Dim = None
        for part in wire.fields(field.start, field.stop):
            if part.number == 1 and part.wire != BYTES:
                size = signed(part.start)
            elif part.number == 2 and part.wire == BYTES and part.stop > part.start:
                size = wire.text(part, 200)
        yield size


def _bytes(found: _TensorFields, external: External | None) -> int:
    """How large the tensor is: by its shape, else what the file stores or says is stored elsewhere."""
    bits = _TYPES.get(found.data_type, ("", 0))[1]
    if bits and all(0 <= size < 1 << 40 for size in found.dims) and len(found.dims) <= 16:
        whole = (math.prod(found.dims) * bits + 7) // 8
        if external is not None or found.stored:
            return whole
    if external is not None and external.length is not None:
        return max(0, external.length)
    return found.stored


def _first_values(wire: WireFile, found: _TensorFields) -> tuple[float | int | bool | str, ...]:
    if found.strings:
        return tuple(found.strings)
    if found.raw is not None:
        return _raw_values(wire, found.raw, found.data_type)
    if found.typed is not None or found.typed_first:
        return _typed_values(wire, found)
    return ()


def _raw_values(wire: WireFile, raw: Field, data_type: int) -> tuple[float | int | bool | str, ...]:
    code = _RAW.get(data_type)
    if code is None:
        return ()
    width = struct.calcsize(code)
    count = min((raw.stop - raw.start) // width, FIRST_VALUES)
    data = wire.read(raw.start, raw.start + count * width)
    values = struct.unpack(f"<{len(data) // width}{code}", data[: len(data) // width * width])
    if data_type == 16:  # bfloat16 is the upper half of a float32
        values = struct.unpack(f"<{len(values)}f", b"".join(b"\0\0" + struct.pack("<H", half) for half in values))
    return tuple(shortest(value) if isinstance(value, float) and data_type != 11 else value for value in values)


def _typed_values(wire: WireFile, found: _TensorFields) -> tuple[float | int | bool | str, ...]:
    """First values from float_data, int32_data, int64_data, double_data or uint64_data."""
    kind, packed = found.data_type, found.typed
    if kind in (1, 11):
        if packed is None:
            fields = [Field(4, 5, value, 0) for value in found.typed_first]
            return tuple(float32_of(field) for field in fields) if kind == 1 else ()
        code, width = ("f", 4) if kind == 1 else ("d", 8)
        data = wire.read(packed.start, min(packed.stop, packed.start + width * FIRST_VALUES))
        floats = struct.unpack(f"<{len(data) // width}{code}", data[: len(data) // width * width])
        return tuple(shortest(value) for value in floats) if kind == 1 else floats
    numbers = found.typed_first if packed is None else wire.varints(packed, FIRST_VALUES)
    if kind not in (2, 3, 4, 5, 6, 7, 9, 12, 13, 21, 22):
        return ()  # half floats kept as bits in int32_data, complex pairs, …: nothing short to tell
    if kind == 9:
        return tuple(bool(number) for number in numbers)
    return tuple(numbers) if kind in (12, 13) else tuple(signed(number) for number in numbers)


def _integer(text: str | None) -> int | None:
    """A decimal int64 told as text; None for anything else (a hostile file may say a million digits)."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    return int(text)
