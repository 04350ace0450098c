"""Names of runs, and their order."""

from __future__ import annotations

import pytest

from visualdl.store.names import natural, readable, root_names, run_name, told_apart


def test_numbers_in_names_are_ordered_by_their_size() -> None:
    names = ["step10", "step2", "Step1", "step02", "a", "step2b", "9", "10", "1" * 5000]
    assert sorted(names, key=natural) == ["9", "10", "1" * 5000, "a", "Step1", "step02", "step2", "step2b", "step10"]


@pytest.mark.parametrize(
    "names",
    [
        ["lr=0.001", "lr=0.003", "lr=0.01", "lr=0.1", "lr=1", "lr=10"],
        ["lr=1e-4", "lr=5e-4", "lr=1e-3", "lr=2.5E-3", "lr=1"],
        ["v1.2.9", "v1.2.10", "v1.10.1"],
        ["run-3e5f", "run-12e4ab", "run-111"],
        ["0.001/b2", "0.001/b10", "0.01/b1"],
        ["", "1e9", "1e999", "a"],
    ],
)
def test_decimals_and_exponents_are_numbers_and_versions_are_several(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(backwards, key=natural) == names


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        (["/logs"], ("",)),
        (["/a/logs", "/a/other"], ("logs", "other")),
        (["/a/logs", "/b/logs"], ("a/logs", "b/logs")),
        (["/a/x/logs", "/b/x/logs", "/c"], ("a/x/logs", "b/x/logs", "c")),
        (["/logs", "/a/logs"], ("logs", "a/logs")),
    ],
)
def test_a_root_is_called_by_as_much_of_its_path_as_tells_it_apart(roots: list[str], expected: tuple[str, ...]) -> None:
    assert root_names(roots) == expected


@pytest.mark.parametrize(
    ("path", "root_name", "expected"),
    [
        ("/logs", "", "logs"),
        ("/logs/mnist/train", "", "mnist/train"),
        ("/logs/mnist/train", "logs", "logs/mnist/train"),
        ("/logs", "a/logs", "a/logs"),
    ],
)
def test_a_run_is_called_by_its_path_below_its_root(path: str, root_name: str, expected: str) -> None:
    assert run_name("/logs", path, root_name) == expected


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ({}, []),
        ({"a": None, "b": "x", "c": "y"}, [None, "x", "y"]),
        ({"try/seed1": "x", "try/seed2": "x", "other": "y"}, ["x (seed1)", "x (seed2)", "y"]),
        ({"a/train": "x/train", "b/train": "x/train"}, ["x/train (a/train)", "x/train (b/train)"]),
        ({"train": "x", "b/train": "x"}, ["x (train)", "x (b/train)"]),
        ({"a": "b", "b": None}, ["b (a)", None]),
        ({"a": "", "b": ""}, [" (a)", " (b)"]),
    ],
)
def test_runs_that_are_called_the_same_are_told_apart_by_their_folders(
    runs: dict[str, str | None], expected: list[str | None]
) -> None:
    assert told_apart(list(runs), list(runs.values())) == expected


def test_a_thousand_runs_of_one_name_are_told_apart_at_once() -> None:
    names = [f"{'deep/' * 20}seed{i}/train" for i in range(1000)]
    assert told_apart(names, ["x"] * 1000) == [f"x (seed{i}/train)" for i in range(1000)]


def test_a_name_that_is_no_text_becomes_text() -> None:
    assert readable("caf\udce9") == "caf\ufffd"
