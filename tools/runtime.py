"""Prints the exact versions of all that `pip install visualdl` brings here, one a line: those of constraints.txt."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


def canonical(name: str) -> str:
    """A package's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> list[Requirement]:
    """What pyproject.toml says that the package needs to run."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("\ndependencies = [") :]
    return [Requirement(line) for line in re.findall(r'"([^"]+)"', block[: block.index("\n]")])]


def runtime() -> list[str]:
    """The canonical names of all packages that are needed to run, theirs included, on this machine; sorted."""
    found: set[str] = set()
    wanted = declared()
    while wanted:
        requirement = wanted.pop()
        name = canonical(requirement.name)
        if name not in found:
            found.add(name)
            wanted += _needed_by(name, requirement.extras)
    return sorted(found)


def _needed_by(name: str, extras: set[str]) -> list[Requirement]:
    here = {key: str(value) for key, value in default_environment().items()}
    needed = []
    for line in importlib.metadata.distribution(name).requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**here, "extra": extra}) for extra in (*extras, "")):
            needed.append(requirement)
    return needed


def pins() -> list[str]:
    """`name==version` of each, as constraints.txt has it for this Python."""
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line) for line in constraints if line and not line.startswith("#")]
    here = {canonical(pin.name): pin.specifier for pin in pinned if pin.marker is None or pin.marker.evaluate()}
    return [f"{name}{here[name]}" for name in runtime()]


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in pins()))
