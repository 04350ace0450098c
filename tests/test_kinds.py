"""Every kind has its twins: the same name in the package, on the board, in both documentations and in the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from visualdl.kinds.all import KIND_BY_NAME, KINDS
from visualdl.kinds.kind import Kind

ROOT = Path(__file__).parents[1]
TWINS = (
    "visualdl/kinds/{}.py",
    "web/src/kinds/{}/kind.ts",
    "docs/kinds/{}.md",
    "docs/zh/kinds/{}.md",
    "tests/kinds/test_{}.py",
    "tests/golden/{}/*.json",
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("twin", TWINS)
def test_every_kind_has_each_of_its_twins(kind: Kind, twin: str) -> None:
    wanted = twin.format(kind.name)
    assert list(ROOT.glob(wanted)), f"the kind {kind.name} has no {wanted}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_board_knows_every_kind(kind: Kind) -> None:
    listed = (ROOT / "web" / "src" / "kinds" / "all.ts").read_text("utf-8")
    assert f'"{kind.name}"' in listed, f"web/src/kinds/all.ts has no line for the kind {kind.name}"


def test_no_module_of_a_kind_is_forgotten_in_the_list() -> None:
    modules = {path.stem for path in (ROOT / "visualdl" / "kinds").glob("*.py")} - {"__init__", "all", "kind"}
    assert modules == set(KIND_BY_NAME)


def test_a_kind_is_found_by_its_name() -> None:
    assert all(KIND_BY_NAME[kind.name] is kind for kind in KINDS)
    assert len(KIND_BY_NAME) == len(KINDS)
