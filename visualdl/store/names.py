"""How runs are named and ordered: paths for people, and an order in which step2 comes before step10."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

_DIGITS = re.compile(r"([0-9]+)")


def natural(name: str) -> tuple[tuple[str, ...], str]:
    """A sort key: digits by their number, letters without their case; equal ones by the name itself."""
    parts = _DIGITS.split(name.casefold())
    # A number sorts by its length, then its digits: no int, which refuses thousands of digits and need not compare.
    keyed = [f"{len(part.lstrip('0')):08d}{part.lstrip('0')}" if i % 2 else part for i, part in enumerate(parts)]
    return tuple(keyed), name


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
