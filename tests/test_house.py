"""The house keeps its order: floors, names, sizes, twins, and an import that does nothing."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from visualdl.kinds.all import KINDS

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES, FUNCTION_LINES = 400, 50
DRAWERS = {"utils", "util", "common", "core", "lib", "libs", "helper", "helpers", "manager", "managers", "misc"}


def sources(*folders: str, endings: tuple[str, ...]) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.suffix in endings]
    built = ROOT / "visualdl" / "web"
    return [path for path in found if "node_modules" not in path.parts and built not in path.parents]


def python_files() -> list[Path]:
    return sources("visualdl", "examples", "benches", "torture", endings=(".py",))


def span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file, and how many lines it has without its docstring and the functions within it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            within = [inner for inner in ast.walk(node) if isinstance(inner, ast.FunctionDef) and inner is not node]
            outermost = [
                inner for inner in within if not any(inner in ast.walk(other) for other in within if other is not inner)
            ]
            docstring = [node.body[0]] if ast.get_docstring(node) is not None else []
            yield (
                f"{path.relative_to(ROOT)}:{node.lineno} {node.name}",
                span(node) - sum(map(span, [*outermost, *docstring])),
            )


def test_imports_go_down_and_neighbours_are_strangers() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contract_between_kinds_names_every_kind() -> None:
    settings = (ROOT / "pyproject.toml").read_text()
    assert all(f'"visualdl.kinds.{kind.name}"' in settings for kind in KINDS)


def test_no_file_is_a_drawer_for_odds_and_ends() -> None:
    folders = ("visualdl", "web/src", "tests", "benches", "torture", "examples")
    paths = sources(*folders, endings=(".py", ".ts", ".svelte", ".css"))
    named = {part.lower() for path in paths for part in [*path.relative_to(ROOT).parts[:-1], path.stem]}
    assert not named & DRAWERS


def test_files_and_functions_are_short_enough_to_be_read() -> None:
    files = [*python_files(), *sources("web/src", endings=(".ts", ".svelte"))]
    long = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    too_long = {name: lines for name, lines in long.items() if lines > FILE_LINES}
    too_long |= {name: lines for path in python_files() for name, lines in functions(path) if lines > FUNCTION_LINES}
    assert not too_long, "each is asked which two things it is"


def test_every_module_says_first_what_it_holds() -> None:
    silent = [path for path in python_files() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not silent


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_a_kind_has_all_its_twins(kind: str) -> None:
    twins = [
        f"visualdl/kinds/{kind}.py",
        f"web/src/kinds/{kind}",
        f"docs/kinds/{kind}.md",
        f"docs/zh/kinds/{kind}.md",
        f"tests/kinds/test_{kind}.py",
        f"tests/golden/{kind}",
    ]
    assert [twin for twin in twins if not (ROOT / twin).exists()] == []
    assert re.search(rf"\b{kind}\b", (ROOT / "web/src/kinds/all.ts").read_text(), re.IGNORECASE)


def test_no_floor_names_a_kind() -> None:
    names = "|".join(kind.name for kind in KINDS)
    for path in sources("visualdl/store", "visualdl/server", "visualdl/log", endings=(".py",)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        words = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not [word for word in words if re.fullmatch(names, word)], path


IMPORT = """
import json, os, sys, threading
before = set(os.listdir())
import visualdl
from visualdl import LogWriter
heavy = {"numpy", "PIL", "torch", "starlette", "uvicorn", "zstandard", "orjson", "asyncio", "visualdl.server"}
print(json.dumps([sorted(heavy & set(sys.modules)), threading.active_count(), sorted(set(os.listdir()) - before)]))
"""


def test_importing_the_writer_loads_nothing_heavy_and_does_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", IMPORT]
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert json.loads(done.stdout) == [[], 1, []]


def test_the_lock_file_names_no_host() -> None:
    assert '"resolved"' not in (ROOT / "web" / "package-lock.json").read_text()
