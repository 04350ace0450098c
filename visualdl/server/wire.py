"""Columns -> bytes: the binary answer of `api/series` (docs/http_api.md): `VDC1`, little-endian, columns 8-aligned."""

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
_MOST_U4 = 2**32 - 1
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


def narrow_steps(step: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Steps as the narrowest type that holds them: uint32, or float64 (exact up to 2**53)."""
    if not step.size or (step.min() >= 0 and step.max() <= _MOST_U4):
        return step.astype(np.uint32)
    return step.astype(np.float64)


def narrow(column: npt.NDArray[Any], *, exactly: bool = True) -> npt.NDArray[Any]:
    """A float64 column as float32 where that says the same; with `exactly=False`, where it says nearly the same.

    NaN and ±inf stay what they are, and no finite number becomes infinite. Other types are given back as they are.
    """
    if column.dtype != np.float64:
        return column
    with np.errstate(over="ignore", under="ignore"):
        short = column.astype(np.float32)
    same = np.array_equal(np.isfinite(short), np.isfinite(column))
    return short if same and (not exactly or np.array_equal(short, column, equal_nan=True)) else column


def _little_endian(name: str, column: npt.NDArray[Any]) -> tuple[str, memoryview, list[int]]:
    kind = _TYPES.get(column.dtype.name)
    if kind is None:
        raise TypeError(f"column {name!r}: float64, float32, uint32 or uint8 wanted, got {column.dtype}")
    plain = np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<"))
    return kind, plain.reshape(-1).view(np.uint8).data, list(column.shape)
