"""Makes pytorch_cifar10.ipynb from pytorch_cifar10.py, so that the two cannot drift apart. Run: python notebook.py

The script's lines `# %%` begin a cell: `# %%` of code, `# %% [markdown]` of text (each line behind `# `),
`# %% [notebook]` of code that only the notebook has (behind `# ` too), `# %% [script]` of code that only the script
has. What stands before the first of them, the script's docstring, belongs to the script.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("pytorch_cifar10.py")
NOTEBOOK = SCRIPT.with_suffix(".ipynb")


def notebook_of(script: str) -> dict[str, Any]:
    """The notebook (format 4.5, without outputs) that a script with cell marks stands for."""
    parts = re.split(r"^# %%(?: \[(\w+)\])?\n", script, flags=re.MULTILINE)[1:]
    cells: list[dict[str, Any]] = []
    for mark, text in zip(parts[::2], parts[1::2], strict=True):
        if mark == "script":
            continue
        if mark is not None:  # written as comments, so that the script does not run it
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        cells.append(_cell("markdown" if mark == "markdown" else "code", text.strip("\n"), len(cells)))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cell(kind: str, text: str, number: int) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": f"cell-{number:02}",
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell


def written(notebook: dict[str, Any]) -> str:
    """The notebook as the text of its file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    NOTEBOOK.write_text(written(notebook_of(SCRIPT.read_text(encoding="utf-8"))), encoding="utf-8")
