"""The documentation says what is there: flags, routes, names, kinds, in both languages; its links lead somewhere."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from argparse import SUPPRESS, ArgumentParser
from pathlib import Path

import pytest

import visualdl
from visualdl import cli, errors
from visualdl.kinds.all import KINDS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LANGUAGES = [DOCS, DOCS / "zh"]
PAGES = sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if not page.is_relative_to(DOCS / "zh"))
READMES = ["README.md", "README.zh.md"]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """A page without its code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def outline(page: Path) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", prose(page), re.MULTILINE)]


def missing(names: set[str], page: str) -> dict[str, list[str]]:
    """What of `names` each language's `page` does not mention; only languages that miss something."""
    absent = {str(home): sorted(n for n in names if n not in (home / page).read_text("utf-8")) for home in LANGUAGES}
    return {home: found for home, found in absent.items() if found}


def test_every_page_is_there_in_both_languages() -> None:
    assert sorted(str(page.relative_to(DOCS / "zh")) for page in (DOCS / "zh").rglob("*.md")) == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_the_headings_of_both_languages_are_in_step(page: str) -> None:
    assert outline(DOCS / page) == outline(DOCS / "zh" / page)


def test_the_headings_of_both_front_pages_are_in_step() -> None:
    english, chinese = (outline(ROOT / page) for page in READMES)
    assert english == chinese


def test_every_link_leads_somewhere() -> None:
    dead = []
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").glob("*.md")]:
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            if not re.match(r"[a-z]+:|#", target) and not (page.parent / target.partition("#")[0]).exists():
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert not dead


def test_every_page_is_listed_on_the_page_of_contents() -> None:
    assert not missing({page for page in PAGES if page != "README.md"}, "README.md")


def flags(parser: ArgumentParser) -> set[str]:
    shown = [action for action in parser._actions if action.help != SUPPRESS]
    return {flag for action in shown for flag in action.option_strings if flag.startswith("--")}


def test_every_flag_of_the_commands_is_documented() -> None:
    assert not missing(flags(cli.board_parser()) | flags(cli.demo_parser()), "cli.md")


def test_every_route_is_documented() -> None:
    code = (ROOT / "visualdl" / "server" / "app.py").read_text()
    routes = re.findall(r'Route\("/(api/[a-z]+)', code)
    assert len(routes) >= 6
    assert not missing(set(routes), "http_api.md")


def test_every_public_name_is_documented() -> None:
    names = set(visualdl.__all__) - {"__version__"}
    for public in (visualdl.LogWriter, visualdl.LogReader):
        names |= {name for name, _ in inspect.getmembers(public) if not name.startswith("_")}
    assert not missing(names, "python_api.md")


def test_every_exception_is_documented() -> None:
    names = {name for name, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, Exception)}
    assert not missing(names, "python_api.md")


def test_every_dependency_is_explained() -> None:
    settings = (ROOT / "pyproject.toml").read_text()
    lists = re.findall(r"^(?:dependencies|demo) = \[\n(.*?)^\]", settings, re.MULTILINE | re.DOTALL)
    names = set(re.findall(r'^ +"([\w-]+)', "".join(lists), re.MULTILINE))
    assert {"numpy", "torch"} <= names
    assert not missing(names, "dependencies.md")


def test_every_kind_has_its_page() -> None:
    assert {f"kinds/{kind.name}.md" for kind in KINDS} <= set(PAGES)


@pytest.mark.parametrize(
    "page", [*READMES, *(f"docs/{folder}{name}.md" for folder in ("", "zh/") for name in ("tutorial", "python_api"))]
)
def test_the_python_on_a_page_runs_from_top_to_bottom(page: str, tmp_path: Path) -> None:
    blocks = [code for language, code in FENCE.findall((ROOT / page).read_text("utf-8")) if language == "python"]
    assert blocks
    quiet = "import logging\nlogging.getLogger('torch.onnx').setLevel(logging.ERROR)\n"
    (tmp_path / "page.py").write_text(quiet + "\n".join(blocks), encoding="utf-8")
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "MPLCONFIGDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
