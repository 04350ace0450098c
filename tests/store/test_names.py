"""Names of runs, and their order."""

from __future__ import annotations

import pytest

from visualdl.store.names import natural, readable, root_names, run_name


def test_numbers_in_names_are_ordered_by_their_size() -> None:
    names = ["step10", "step2", "Step1", "step02", "a", "step2b", "9", "10", "1" * 5000]
    assert sorted(names, key=natural) == ["9", "10", "1" * 5000, "a", "Step1", "step02", "step2", "step2b", "step10"]


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


def test_a_name_that_is_no_text_becomes_text() -> None:
    assert readable("caf\udce9") == "caf\ufffd"
