"""A real server for the tests of the board: the command `visualdl` in a process of its own, on a free port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

# What is awaited comes in a moment. The limit is for a machine with too much to do; only a failure waits for it.
expect.set_options(timeout=60_000)

ROOT = Path(__file__).parents[2]
Serve = Callable[..., str]


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """`serve("--logdir", directory, …)` starts the command and gives its address; it ends with the module."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VISUALDL_")}
    with ExitStack() as ends:

        def start(*arguments: str | Path) -> str:
            process = subprocess.Popen(
                [sys.executable, "-m", "visualdl", *map(str, arguments), "--port", "0"],
                env={**clean, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            ends.enter_context(process)
            ends.callback(process.kill)
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, f"the command printed no address but {line!r}"
            return found[0]

        yield start
