"""Which tools there are, and which of them are installed here."""

from __future__ import annotations

import subprocess
from argparse import ArgumentTypeError
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

from benches.peers.contract import Tool

OURS = "ours"
USUAL = ("tensorboard", "tensorboardx", "visualdl2", "trackio", "aim", "wandb")
"""What is measured unless others are asked for: all of them take a bench longer than six minutes."""
PEERS = (*USUAL, "swanlab", "mlflow", "rerun")
VERSIONS = Path(__file__).with_name("versions.txt")


def tool_of(module: str) -> Tool:
    """The tool of a module of this package."""
    tool: Tool = import_module(f"benches.peers.{module}").TOOL
    return tool


def versions() -> dict[str, list[str]]:
    """What is installed for each tool that has an environment of its own, as pip spells it."""
    lines = (line.partition(":") for line in VERSIONS.read_text("utf-8").splitlines() if line and line[0] != "#")
    return {name: packages.split() for name, _, packages in lines}


def chosen(names: str) -> Sequence[str]:
    """The tools of a list with commas between them, or `all`. Raises ArgumentTypeError for one that there is not."""
    wanted = PEERS if names == "all" else names.split(",")
    if unknown := [name for name in wanted if name not in PEERS]:
        raise ArgumentTypeError(f"there is no tool {', '.join(unknown)}; there are {', '.join(PEERS)}")
    return wanted


def present(wanted: Iterable[str]) -> tuple[list[Tool], list[str]]:
    """Us and the tools of these names that are installed here, and a sentence for each that is not."""
    tools, missing = [tool_of(OURS)], []
    for name in wanted:
        tool = tool_of(name)
        if why := _missing(tool):
            missing.append(f"{tool.title} is left out: {why}.")
        else:
            tools.append(tool)
    return tools, missing


def _missing(tool: Tool) -> str:
    """Why a tool cannot be measured; "" when it can."""
    if not tool.python.exists():
        return f"`python -m benches.peers {tool.name}` installs it"
    if tool.environment == "":  # the developers' own: what it lacks is known at once
        found = subprocess.run([tool.python, "-c", tool.statement], capture_output=True, check=False)
        return (
            ""
            if found.returncode == 0
            else "it is not in the environment of the developers; `make setup` puts it there"
        )
    if (tool.python.parents[1] / "installed").exists():
        return ""
    return f"its installation did not end; `python -m benches.peers {tool.name}` starts it again"
