"""What a tool weighs when it is installed, and what importing it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benches.peers.children import ROOT, scratch_folder, surroundings
from benches.peers.contract import Tool


class Weight(NamedTuple):
    """Of a tool and all that it requires, as installed, without byte code."""

    megabytes: float
    packages: int


def weight(tool: Tool) -> Weight:
    """From what the packages of its environment say about themselves; ours is as its wheel holds it."""
    if tool.name == "ours":
        own, roots = our_wheel()
        sizes = [own, *map(bytes_of, required(roots, site_packages(tool)))]
    else:
        sizes = [bytes_of(one) for one in required(map(Requirement, tool.packages), site_packages(tool))]
    return Weight(sum(sizes) / 1e6, len(sizes))


def our_wheel() -> tuple[int, list[Requirement]]:
    """The bytes of our files, and what they require, out of a wheel of this tree with the board that is there."""
    with scratch_folder() as folder:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "VISUALDL_SKIP_WEB": "1"}, check=True, capture_output=True)
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as files:
            size = sum(file.file_size for file in files.infolist())
        (found,) = distributions(path=[str(wheel)])
        return size, list(_asked_for(found, ""))


def site_packages(tool: Tool) -> list[str]:
    """Where its Python looks for packages."""
    ask = (
        "import json, sysconfig; paths = sysconfig.get_paths(); print(json.dumps([paths['purelib'], paths['platlib']]))"
    )
    told = subprocess.run([tool.python, "-c", ask], check=True, capture_output=True)
    return sorted(set(json.loads(told.stdout)))


def required(roots: Iterable[Requirement], path: list[str]) -> list[Distribution]:
    """The distributions that these ask for and, again and again, what those require on this machine."""
    known = {canonicalize_name(found.name): found for found in distributions(path=path) if found.name}
    waiting = list(roots)
    seen: set[tuple[str, str]] = set()
    found: dict[str, Distribution] = {}
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in {"", *wanted.extras}:
            if name in known and (name, extra) not in seen:
                seen.add((name, extra))
                found[name] = known[name]
                waiting += _asked_for(known[name], extra)
    return list(found.values())


def _asked_for(distribution: Distribution, extra: str) -> Iterator[Requirement]:
    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def bytes_of(distribution: Distribution) -> int:
    """Of its files as installed."""
    paths = (Path(str(file.locate())) for file in distribution.files or () if file.suffix != ".pyc")
    return sum(path.stat().st_size for path in paths if path.is_file())


def import_seconds(tool: Tool) -> float:
    """How much longer a fresh interpreter takes with the tool's import than without."""
    with scratch_folder() as scratch:
        return _run_seconds(tool, tool.statement, scratch) - _run_seconds(tool, "pass", scratch)


def _run_seconds(tool: Tool, statement: str, scratch: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(
        [tool.python, "-c", statement], cwd=scratch, env=surroundings(tool, scratch), check=True, capture_output=True
    )
    return time.perf_counter() - begun
