"""The binary answer: its bytes are those of the golden files, and a reader that knows only the docs reads them."""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from visualdl.server.wire import SeriesColumns, pack

HERE = Path(__file__).parent


def _golden() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_wire", HERE / "golden_wire.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GOLDEN = _golden()
NAMES = [name for name, _, _ in GOLDEN.answers()]


def read(answer: bytes) -> tuple[dict[str, Any], list[dict[str, np.ndarray[Any, Any]]]]:
    """An answer read by the words of docs/http_api.md alone."""
    assert answer[:4] == b"VDC1"
    (length,) = struct.unpack_from("<I", answer, 4)
    assert (8 + length) % 8 == 0
    header = json.loads(answer[8 : 8 + length])
    content = []
    for series in header["series"]:
        columns = {}
        for name, place in series["columns"].items():
            assert place["at"] % 8 == 0
            count = int(np.prod(place["shape"]))
            flat = np.frombuffer(answer, "<" + place["type"], count, 8 + length + place["at"])
            columns[name] = flat.reshape(place["shape"])
        content.append(columns)
    return header, content


@pytest.mark.parametrize("name", NAMES)
def test_the_bytes_are_those_of_the_golden_file(name: str) -> None:
    header, series = next((h, s) for n, h, s in GOLDEN.answers() if n == name)
    assert pack(header, series) == (GOLDEN.FOLDER / f"{name}.bin").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_that_knows_only_the_docs_reads_the_golden_file(name: str) -> None:
    header, content = read((GOLDEN.FOLDER / f"{name}.bin").read_bytes())
    wanted = json.loads((GOLDEN.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert header == wanted["header"]
    assert [
        {column: [GOLDEN.plain(v) for v in values.reshape(-1).tolist()] for column, values in one.items()}
        for one in content
    ] == wanted["content"]


def test_columns_that_are_strided_or_big_endian_arrive_as_the_same_numbers() -> None:
    table = np.arange(12.0).reshape(3, 4)
    _, content = read(pack({}, [SeriesColumns({}, {"a": table[:, 1], "b": table.T, "c": table.astype(">f8")})]))
    np.testing.assert_array_equal(content[0]["a"], table[:, 1])
    np.testing.assert_array_equal(content[0]["b"], table.T)
    np.testing.assert_array_equal(content[0]["c"], table)


def test_a_type_that_no_browser_array_has_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"column 'step': .* got int64"):
        pack({}, [SeriesColumns({}, {"step": np.zeros(3, np.int64)})])
