"""Programs that may die, hang or eat all memory, kept from doing so to anybody else; and what became of them."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STEP_SECONDS = 30
"""One attempt takes milliseconds; after so long it hangs."""
MEMORY_BYTES = 6 << 30
"""Address space that a program may take, its libraries and idle threads' stacks included."""
_GRACE = 10.0


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one, that is gone afterwards."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder below it, made by mkdtemp
    parent = shared if shared.is_dir() and os.access(shared, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="vdl-torture-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ------------------------------------------------------------------------------------------------ inside


class Steps:
    """For the program inside: says which attempt is under way, and ends it when it hangs."""

    def __init__(self, folder: Path, seconds: float = STEP_SECONDS) -> None:
        self._seconds = seconds
        path = folder / "step"
        path.write_bytes(bytes(8))
        self._file = path.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), 8)

    def at(self, number: int) -> None:
        """Attempt `number` begins now."""
        self._map[:8] = struct.pack("<Q", number)
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def rest(self) -> None:
        """No attempt is under way."""
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)


def confine() -> None:
    """Bound the memory of this process."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def peak_mb() -> float:
    """The most memory that this process has held at once, in MB; 0.0 where that cannot be told."""
    try:
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1000
    except OSError:
        pass
    return 0.0


def tell(**result: Any) -> None:
    """Give one result to whoever started this program."""
    print(json.dumps(result), flush=True)


# ------------------------------------------------------------------------------------------------ outside


@dataclass
class Ended:
    """What became of a program. fault: "" when it ended by itself and in time."""

    results: list[dict[str, Any]] = field(default_factory=list)
    fault: str = ""
    seconds: float = 0.0


class Prisoner:
    """A program of `torture.children` that runs beside this one, in a folder of its own."""

    def __init__(self, module: str, folder: Path, *arguments: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._said = folder / "said"
        self._began = time.monotonic()
        with self._said.open("wb") as said, (folder / "errors").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"torture.children.{module}", str(folder), *arguments],
                stdout=said,
                stderr=errors,
            )

    def over(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def ended(self, seconds: float) -> Ended:
        """Wait so long (and a moment), then end it; what it said and how it ended."""
        late = ""
        try:
            self._process.wait(max(0.0, self._began + seconds + _GRACE - time.monotonic()))
        except subprocess.TimeoutExpired:
            late = f"did not end in {seconds + _GRACE:.0f} s"
        finally:
            if self._process.poll() is None:
                self._process.kill()
            status = self._process.wait()
        results = [json.loads(line) for line in self._said.read_text("utf-8").splitlines() if line.endswith("}")]
        fault = late or ("" if status == 0 else self._death(status))
        return Ended(results, fault, time.monotonic() - self._began)

    def _death(self, status: int) -> str:
        step = self._folder / "step"
        number = struct.unpack("<Q", step.read_bytes())[0] if step.exists() else 0
        said = (self._folder / "errors").read_text("utf-8", "replace").strip().splitlines()
        why = "hung" if status == -getattr(signal, "SIGALRM", 14) else f"died with status {status}"
        return f"{why} at attempt {number}{': ' + said[-1][:300] if said else ''}"
