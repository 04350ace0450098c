"""The binary answer: its bytes are those of the golden files, and a reader that knows only the docs reads them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.server import golden_wire
from tests.server.boards import read_answer
from visualdl.server.wire import SeriesColumns, narrow, narrow_steps, pack

NAMES = [name for name, _, _ in golden_wire.answers()]


@pytest.mark.parametrize("name", NAMES)
def test_the_bytes_are_those_of_the_golden_file(name: str) -> None:
    header, series = next((h, s) for n, h, s in golden_wire.answers() if n == name)
    assert pack(header, series) == (golden_wire.FOLDER / f"{name}.bin").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_that_knows_only_the_docs_reads_the_golden_file(name: str) -> None:
    header, content = read_answer((golden_wire.FOLDER / f"{name}.bin").read_bytes())
    wanted = json.loads((golden_wire.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert header == wanted["header"]
    assert [
        {column: [golden_wire.plain(v) for v in values.reshape(-1).tolist()] for column, values in one.items()}
        for one in content
    ] == wanted["content"]


def test_columns_that_are_strided_or_big_endian_arrive_as_the_same_numbers() -> None:
    table = np.arange(12.0).reshape(3, 4)
    _, content = read_answer(pack({}, [SeriesColumns({}, {"a": table[:, 1], "b": table.T, "c": table.astype(">f8")})]))
    np.testing.assert_array_equal(content[0]["a"], table[:, 1])
    np.testing.assert_array_equal(content[0]["b"], table.T)
    np.testing.assert_array_equal(content[0]["c"], table)


def test_a_type_that_no_browser_array_has_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"column 'step': .* got int64"):
        pack({}, [SeriesColumns({}, {"step": np.zeros(3, np.int64)})])


def test_steps_take_the_narrowest_type_that_holds_them() -> None:
    assert narrow_steps(np.array([0, 2**32 - 1])).dtype == np.uint32
    assert narrow_steps(np.array([0, 2**32])).dtype == np.float64
    assert narrow_steps(np.array([-1, 5])).dtype == np.float64
    assert narrow_steps(np.array([-(2**53), 2**53])).tolist() == [-(2.0**53), 2.0**53]
    assert narrow_steps(np.zeros(0, np.int64)).shape == (0,)


def test_numbers_are_made_short_only_where_that_says_the_same() -> None:
    exact = np.array([0.5, np.nan, np.inf, -np.inf, -0.0, 3.0])
    assert narrow(exact).dtype == np.float32
    np.testing.assert_array_equal(narrow(exact), exact)
    assert narrow(np.array([0.1])).dtype == np.float64
    assert narrow(np.array([0.1]), exactly=False).dtype == np.float32


def test_no_finite_number_becomes_infinite_on_its_way() -> None:
    assert narrow(np.array([1e300, 1.0]), exactly=False).dtype == np.float64
