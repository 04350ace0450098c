"""Processes that measure: one at a time, watched from outside, and gone with all their helpers afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from benches.peers.contract import SILENT, Tool

ROOT = Path(__file__).resolve().parents[2]
# This tree comes last on the path: where a tool brings a package of our name, its own is meant.
LAUNCH = f"import sys; sys.path.append({str(ROOT)!r}); from benches.peers.tasks import main; main()"
PATIENCE = 120  # seconds


class Failed(Exception):
    """A tool could not do what it was asked for."""


@dataclass(frozen=True)
class Measured:
    """What a process told about itself, and what was seen of it and its helpers from outside."""

    told: dict[str, float]
    helpers_cpu: float  # seconds that its child processes computed since its writer was open
    peak_mb: float  # resident, the sum over the tree


class Watch:
    """Looks at a process tree twenty times a second: its memory, the computing of its helpers, who belongs to it."""

    def __init__(self, pid: int, opened: Path | None = None) -> None:
        self.peak_mb = 0.0
        self._opened = opened
        self._root = psutil.Process(pid)
        self._seen: dict[int, psutil.Process] = {}
        self._cpu: dict[int, float] = {}
        self._cpu_before: float | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look_often, daemon=True)
        self._thread.start()

    def _look_often(self) -> None:
        while not self._end.wait(0.05):
            self.look()

    def look(self) -> None:
        """Once."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [self._root, *self._root.children(recursive=True)]
            total = 0
            for process in family:
                self._seen[process.pid] = process
                with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                    total += process.memory_info().rss
                    times = process.cpu_times()
                    self._cpu[process.pid] = times.user + times.system
            self.peak_mb = max(self.peak_mb, total / 1e6)
        if self._cpu_before is None and self._opened is not None and self._opened.exists():
            self._cpu_before = self._helpers()

    def _helpers(self) -> float:
        return sum(spent for pid, spent in self._cpu.items() if pid != self._root.pid)

    @property
    def helpers_cpu(self) -> float:
        """Seconds, since the writer was open."""
        return self._helpers() - (self._cpu_before or 0.0)

    @property
    def cpu(self) -> float:
        """Seconds that the whole tree has computed."""
        return sum(self._cpu.values())

    def stop(self) -> None:
        """Looks a last time, and ends everything that was ever seen of the tree."""
        self._end.set()
        self._thread.join()
        self.look()
        for process in self._seen.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(self._seen.values(), timeout=10)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for one measurement, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="visualdl-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def surroundings(tool: Tool, scratch: Path) -> dict[str, str]:
    """The environment of a tool: silent, and with a home of its own, so that it finds and leaves no settings."""
    ours = ("PYTHONPATH", "PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT", "VISUALDL_TOKEN")
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if key not in ours}
    if tool.environment == "":
        kept["PYTHONPATH"] = str(ROOT)  # ours is found whether it is installed or not
    return {**kept, **SILENT, "HOME": str(home), "USERPROFILE": str(home), **tool.settings(scratch / "logs")}


def start(tool: Tool, arguments: Sequence[str], scratch: Path, output: IO[Any]) -> subprocess.Popen[bytes]:
    """The tool's own Python with these arguments, in the scratch folder."""
    return subprocess.Popen(
        [str(tool.python), *arguments],
        cwd=scratch,
        env=surroundings(tool, scratch),
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def task(tool: Tool, scratch: Path, what: str, seconds: float) -> list[str]:
    """The arguments with which a Python does one of `tasks.TASKS`."""
    return ["-c", LAUNCH, json.dumps({"tool": tool.name, "what": what, "scratch": str(scratch), "seconds": seconds})]


def measure(tool: Tool, what: str, scratch: Path, seconds: float) -> Measured:
    """Have a process of the tool do one task. Raises Failed, with what it said last, when it does not tell a result."""
    answer = scratch / "told.json"
    answer.unlink(missing_ok=True)
    with (scratch / "output").open("wb") as output:
        child = start(tool, task(tool, scratch, what, seconds), scratch, output)
        watch = Watch(child.pid, scratch / "opened")
        try:
            end = time.monotonic() + PATIENCE
            while not answer.exists():
                if child.poll() is not None or time.monotonic() > end:
                    raise Failed(f"{tool.title}, {what}: {last_words(scratch / 'output')}")
                time.sleep(0.01)
            watch.look()
            return Measured(json.loads(answer.read_text()), watch.helpers_cpu, watch.peak_mb)
        finally:
            watch.stop()
            child.wait(10)


def last_words(path: Path) -> str:
    """The last line that is not empty of what a process printed."""
    lines = [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it ended without a word"


def say(words: str) -> None:
    """Progress, for whoever watches."""
    print(words, file=sys.stderr, flush=True)
