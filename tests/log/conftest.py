"""What the tests of the log share: reading a whole folder, and running a real child process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visualdl.log.reader import FileSet, find_file_sets

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def read() -> Callable[[Path], dict[str, tuple[Any, Any]]]:
    """A function: folder -> {tag: (steps, values)} of all its file sets, in order; fails on any gap."""

    def read_folder(directory: Path) -> dict[str, tuple[Any, Any]]:
        found: dict[str, list[tuple[Any, Any]]] = {}
        for path in find_file_sets(directory):
            log = FileSet(path)
            log.refresh()
            assert log.gaps == ()
            for tag in log.tags.values():
                step, _, value = log.rows(tag.id)
                found.setdefault(tag.name, []).append((step, value))
        return {
            name: (np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))
            for name, parts in found.items()
        }

    return read_folder


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A function: starts a real Python process with this code and arguments; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: object, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*prefix, sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own children too: they hold our pipes open
        process.communicate()
