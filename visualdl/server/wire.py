"""Columns -> bytes: the binary answer of `api/series` (docs/http_api.md), `VDC1`, little-endian, each column 8-aligned."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

MAGIC = b"VDC1"
_ALIGN = 8
_TYPES = {"float64": "f8", "float32": "f4", "uint32": "u4", "uint8": "u1"}


@dataclass(frozen=True)
class SeriesColumns:
    """One run's part of an answer: what the header says of it (JSON values), and its columns by name.

    columns: float64, float32, uint32 or uint8, of any shape; not modified.
    """

    about: Mapping[str, Any]
    columns: Mapping[str, npt.NDArray[Any]]


def pack(header: Mapping[str, Any], series: Iterable[SeriesColumns]) -> bytes:
    """The answer as bytes: the header with a `series` list added, and every column behind it.

    NaN and ±inf travel as plain float bits in columns. TypeError names a column whose type a browser has no array for.
    """
    described: list[dict[str, Any]] = []
    body: list[bytes | memoryview] = []
    at = 0
    for one in series:
        places: dict[str, Any] = {}
        for name, column in one.columns.items():
            kind, data, shape = _little_endian(name, column)
            places[name] = {"type": kind, "at": at, "shape": shape}
            padding = -len(data) % _ALIGN
            body += [data, bytes(padding)]
            at += len(data) + padding
        described.append({**one.about, "columns": places})
    head = orjson.dumps({**header, "series": described})
    head += b" " * (-len(head) % _ALIGN)
    return b"".join([MAGIC, struct.pack("<I", len(head)), head, *body])


def _little_endian(name: str, column: npt.NDArray[Any]) -> tuple[str, memoryview, list[int]]:
    kind = _TYPES.get(column.dtype.name)
    if kind is None:
        raise TypeError(f"column {name!r}: float64, float32, uint32 or uint8 wanted, got {column.dtype}")
    plain = np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<"))
    # A view of zero elements cannot be cast by memoryview; its bytes are none.
    data = memoryview(plain.reshape(-1)).cast("B") if plain.size else memoryview(b"")
    return kind, data, list(column.shape)
