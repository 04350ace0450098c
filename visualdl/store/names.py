"""How runs are named and ordered: paths for people, step2 before step10, lr=0.003 before lr=0.01, 1e-4 before 1e-3."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence

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
    ends = shortest_ends(dict.fromkeys(readable(root).strip("/") for root in roots))
    return tuple(ends[readable(root).strip("/")] for root in roots)


def shortest_ends(paths: Iterable[str]) -> dict[str, str]:
    """For each of several different paths the shortest end, in whole parts, that no other has; else all of it."""
    split = {path: path.split("/") for path in paths}
    ends: dict[str, str] = {}
    waiting = list(split)
    length = 0
    while waiting:
        length += 1
        shared = Counter(tuple(parts[-length:]) for parts in split.values())
        for path in waiting:
            if length >= len(split[path]) or shared[tuple(split[path][-length:])] == 1:
                ends[path] = "/".join(split[path][-length:])
        waiting = [path for path in waiting if path not in ends]
    return ends


def told_apart(names: Sequence[str], labels: Sequence[str | None]) -> list[str | None]:
    """The labels that runs of these names, all different, gave themselves; of equal ones each with its run's folder.

    A run without a label (None) is called by its name, which a label may be equal to as well.
    """
    called = [label if label is not None else name for name, label in zip(names, labels, strict=True)]
    alike: dict[str, list[str]] = {}
    for name, label in zip(names, called, strict=True):
        alike.setdefault(label, []).append(name)
    ends = {label: shortest_ends(group) for label, group in alike.items() if len(group) > 1}
    return [
        f"{label} ({ends[label][name]})" if label is not None and label in ends else label
        for name, label in zip(names, labels, strict=True)
    ]


def run_name(root: str, path: str, root_name: str) -> str:
    """The name of the run at `path`: its path below its root, after the root's name if there are several roots."""
    relative = os.path.relpath(path, root)
    if relative == os.curdir:
        return root_name or readable(os.path.basename(root)) or readable(root)
    return f"{root_name}/{readable(relative)}" if root_name else readable(relative)


def readable(path: str) -> str:
    """A path as text that every encoder takes: undecodable bytes become U+FFFD, separators slashes."""
    return os.fsencode(path).decode("utf-8", "replace").replace(os.sep, "/")
