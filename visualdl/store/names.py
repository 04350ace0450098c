"""How runs are named and ordered: paths for people, step2 before step10, lr=0.003 before lr=0.01, 1e-4 before 1e-3."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

_NUMBER = re.compile(r"((?<![0-9])(?<![0-9]\.)[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?(?![0-9a-z]|\.[0-9])|[0-9]+)")
"""A whole number, a decimal one, or one with an exponent; of a version such as 1.2.10 each number by itself."""


def natural(name: str) -> tuple[tuple[str | float, ...], str]:
    """A sort key: numbers by their size, letters without their case; equal ones by the name itself."""
    parts = _NUMBER.split(name.casefold())  # text and numbers by turns, so that keys compare place by place
    return tuple(float(part) if i % 2 else part for i, part in enumerate(parts)), name


def root_names(roots: Sequence[str]) -> tuple[str, ...]:
    """For each of several roots the shortest end of its path that no other has; '' for a root that is alone."""
    if len(roots) == 1:
        return ("",)
    split = [readable(root).strip("/").split("/") for root in roots]
    names = []
    for i, parts in enumerate(split):
        others = [other for j, other in enumerate(split) if j != i and roots[j] != roots[i]]
        length = next(
            (n for n in range(1, len(parts)) if all(other[-n:] != parts[-n:] for other in others)), len(parts)
        )
        names.append("/".join(parts[-length:]))
    return tuple(names)


def run_name(root: str, path: str, root_name: str) -> str:
    """The name of the run at `path`: its path below its root, after the root's name if there are several roots."""
    relative = os.path.relpath(path, root)
    if relative == os.curdir:
        return root_name or readable(os.path.basename(root)) or readable(root)
    return f"{root_name}/{readable(relative)}" if root_name else readable(relative)


def readable(path: str) -> str:
    """A path as text that every encoder takes: undecodable bytes become U+FFFD, separators slashes."""
    return os.fsencode(path).decode("utf-8", "replace").replace(os.sep, "/")
