"""Writes NOTICE anew: who made what is inside the wheel, under which licence. `--check` only says whether it is so.

What others have made comes with the built board (visualdl/web): the packages that the bundler names in its licenses.md,
and those that a worker imports, which it does not name, with all that they depend on.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
NAMED = re.compile(r"^## (\S+) - \S+ \(", re.MULTILINE)
IMPORTED = re.compile(r"""^\s*(?:import|export)\b[^"';]*["']((?:@[\w.-]+/)?\w[\w.-]*)[^"']*["']""", re.MULTILINE)
ALLOWED = {"MIT", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "OFL-1.1"}

HEAD = """VisualDL
Copyright (c) The VisualDL authors

Licensed under the Apache License, Version 2.0: see LICENSE.

The board in visualdl/web was bundled with the following packages. Each stays under its own licence.
"""


def bundled() -> list[str]:
    """The names of all packages that have a part in the board, sorted."""
    named = set(NAMED.findall((ROOT / "visualdl" / "web" / "licenses.md").read_text(encoding="utf-8")))
    found = set(named)
    wanted = [name for name in imported() if name not in named]
    while wanted:
        name = wanted.pop()
        found.add(name)
        wanted += [other for other in about(name).get("dependencies", ()) if other not in found]
    return sorted(found)


def imported() -> set[str]:
    """The packages that the board's own sources import, tests and types left out."""
    sources = [path for suffix in ("ts", "svelte") for path in (WEB / "src").rglob(f"*.{suffix}")]
    texts = [path.read_text(encoding="utf-8") for path in sources if ".test." not in path.name]
    names = {name for text in texts for name in IMPORTED.findall(re.sub(r"import type .*", "", text))}
    return {name for name in names if (WEB / "node_modules" / name / "package.json").is_file()}


def about(name: str) -> dict[str, str]:
    """The package.json of an installed package."""
    found: dict[str, str] = json.loads((WEB / "node_modules" / name / "package.json").read_text(encoding="utf-8"))
    return found


def licence(name: str) -> str:
    """The text of a package's licence. SystemExit when it has none, or one that does not suit ours."""
    if about(name).get("license") not in ALLOWED:
        sys.exit(f"{name} is under {about(name).get('license')!r}, which is not one of {', '.join(sorted(ALLOWED))}")
    for path in sorted((WEB / "node_modules" / name).iterdir()):
        if re.match(r"licen[cs]e", path.name, re.IGNORECASE):
            return path.read_text(encoding="utf-8").strip()
    sys.exit(f"{name} comes without the text of its licence")


def notice() -> str:
    """The whole file."""
    parts = [HEAD]
    for name in bundled():
        title = f"{name} {about(name)['version']} ({about(name)['license']})"
        parts.append(f"{'-' * 80}\n{title}\n\n{licence(name)}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    path, text = ROOT / "NOTICE", notice()
    if "--check" not in sys.argv:
        path.write_text(text, encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        sys.exit(
            "NOTICE does not tell what is bundled now: run `python tools/notice.py` after `npm --prefix web run build`"
        )
