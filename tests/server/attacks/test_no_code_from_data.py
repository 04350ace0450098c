"""(5) Nothing that was logged, asked or drawn is ever run: the package and the page have no way to do so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from visualdl.server.guard import CONTENT_POLICY

ROOT = Path(__file__).parents[3]
PACKAGE = sorted(path for path in (ROOT / "visualdl").rglob("*.py") if "web" not in path.relative_to(ROOT).parts)
PAGE = sorted(path for ending in ("ts", "svelte", "html") for path in (ROOT / "web" / "src").rglob(f"*.{ending}"))
BUILT = sorted((ROOT / "visualdl" / "web").rglob("*.js"))

CALLS = {"eval", "exec", "compile", "__import__", "execfile", "input", "breakpoint", "format_map"}
MODULES = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "code", "codeop",
    "runpy", "imp",
    "subprocess", "pty", "commands", "ctypes", "cffi", "xml", "lxml", "jinja2", "mako", "requests", "urllib3",
    "httpx", "aiohttp",
    "urllib.request", "http.client", "ftplib", "smtplib", "telnetlib", "xmlrpc", "tarfile", "zipfile", "shutil",
}  # fmt: skip
METHODS = {
    ("os", "system"), ("os", "popen"), ("os", "execv"), ("os", "execve"), ("os", "spawnv"), ("os", "startfile"),
    ("numpy", "load"), ("np", "load"), ("np", "genfromtxt"), ("torch", "load"), ("tempfile", "mktemp"),
}  # fmt: skip

# What is allowed, and why. A new line here is a decision.
ALLOWED = {
    ("cli.py", "webbrowser"): "--open shows the board's own address",
    ("log/filesystem.py", "ctypes"): "statfs: what kind of filesystem a log is on",
    ("server/heap.py", "ctypes"): "mallopt: threads that share one heap",
}


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Everything in a module that can run data or reach out: line and name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Name) and node.id in CALLS:
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            if node.attr == "format_map":
                yield node.lineno, "format_map"
            if isinstance(node.value, ast.Name) and (node.value.id, node.attr) in METHODS:
                yield node.lineno, f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Call):
            given = {
                word.arg for word in node.keywords if isinstance(word.value, ast.Constant) and word.value.value is True
            }
            if given & {"shell", "allow_pickle"}:
                yield node.lineno, "shell=True or allow_pickle=True"


def forbidden(name: str) -> bool:
    return (
        name in CALLS | {f"{module}.{method}" for module, method in METHODS}
        or "=True" in name
        or any(name == module or name.startswith(f"{module}.") for module in MODULES)
    )


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_can_run_data_start_programs_or_reach_out(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    module = path.relative_to(ROOT / "visualdl").as_posix()
    found = [
        (line, name)
        for line, name in names(tree)
        if forbidden(name) and (module, name.split(".")[0]) not in ALLOWED and not is_a_method(tree, name)
    ]
    assert not found


def is_a_method(tree: ast.AST, name: str) -> bool:
    """`compile` of a module that defines a function of this name is that one."""
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in ast.walk(tree))


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_sentences_of_our_own_are_templates(path: Path) -> None:
    """`"…".format(…)` on a constant, or on a name in capitals (a constant): never on what somebody else wrote."""
    foreign = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            template = node.func.value
            while isinstance(template, ast.Subscript):
                template = template.value
            constant = isinstance(template, ast.Constant) or (
                isinstance(template, ast.Name) and template.id.strip("_").isupper()
            )
            if not constant:
                foreign.append((node.lineno, ast.unparse(node.func)))
        percent = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.right, ast.Tuple)
        if isinstance(node, ast.BinOp) and percent and not isinstance(node.left, ast.Constant):
            foreign.append((node.lineno, ast.unparse(node)))
    assert not foreign


def test_attributes_are_looked_up_by_names_of_our_own_only() -> None:
    """`getattr(x, name)` with a name that came from outside is how other boards were opened: here there is none."""
    looked_up = [
        f"{path.name}: {ast.unparse(node)}"
        for path in PACKAGE
        if path.relative_to(ROOT / "visualdl").parts[0] in ("server", "sources", "graph", "reader")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr", "delattr", "vars")
        if len(node.args) < 2 or not isinstance(node.args[1], ast.Constant)
    ]
    assert not looked_up


# ---------------------------------------------------------------------------------------------- on the page

RUNNING = {
    r"\beval\s*\(": "eval",
    r"\bnew\s+Function\b|\bFunction\s*\(": "Function",
    r"\bset(?:Timeout|Interval)\s*\(\s*[\"'`]": "a timer with text",
    r"\bdocument\.write": "document.write",
    r"\binsertAdjacentHTML\b|\bouterHTML\b|\bcreateContextualFragment\b|\bDOMParser\b|\bsrcdoc\b": "markup from text",
    r"\{@html\b": "{@html}",
    r"\bimportScripts\b|\bimport\s*\(\s*[^\"'`.)\s]": "import of a name",
    r"\bpostMessage\([^)]*[\"']\*[\"']": "a message to everybody",
    r"javascript:": "javascript:",
    r"\blocalStorage\.setItem\(\s*[\"']token": "the token kept",
}  # fmt: skip


@pytest.mark.parametrize("path", PAGE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_source_of_the_page_makes_code_or_markup_of_text(path: Path) -> None:
    if path.name.endswith(".test.ts"):
        return
    text = path.read_text("utf-8")
    assert not [
        what for pattern, what in {**RUNNING, r"\binnerHTML\b": "innerHTML"}.items() if re.search(pattern, text)
    ]


def test_the_built_page_has_nothing_of_it_either_but_one_known_use() -> None:
    """Svelte makes its own templates (constants of the bundle) with `innerHTML` of a <template>, at one place."""
    if not BUILT:  # the tests of the board fail then, with the reason
        return
    text = "\n".join(path.read_text("utf-8") for path in BUILT)
    assert not [what for pattern, what in RUNNING.items() if what != "javascript:" and re.search(pattern, text)]
    assert len(re.findall(r"\.innerHTML\s*=", text)) <= 2
    assert "sourceMappingURL" not in text
    foreign = set(re.findall(r"https?://[\w.-]+", text)) - {"http://www.w3.org", "https://svelte.dev"}
    assert not foreign, "addresses of other hosts in the page"


def test_the_policy_forbids_what_nobody_needs() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in CONTENT_POLICY.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == rules["worker-src"] == "'self'"
    assert "object-src" not in rules  # falls back to default-src
    assert not re.search(r"unsafe|\*|https?:|wss?:", CONTENT_POLICY)
