"""Where the floods happen: a logdir with live writers and somebody who tidies, a server, and one who only looks."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from torture.children.flood_writers import SLOW_RUNS
from torture.flood.looks import Look
from torture.flood.served import Figures, Served, child, ended, serving
from torture.scene import Budget
from visualdl import LogWriter

TAGS, LIVE_RUNS, PULSES = 4, 6, 300
MOST = 100_000


@dataclass
class Arena:
    """A board under attack. short: there are seconds only. before: what the server took before anybody came."""

    folder: Path
    served: Served
    pulses: LogWriter
    before: Figures
    everything: tuple[str, ...]
    small: str
    csv: str
    seed: int
    short: bool
    looks: list[Look] = field(default_factory=list)
    pulse: int = 0

    @property
    def logdir(self) -> Path:
        """The folder that the board shows."""
        return self.folder / "logs"

    def beat(self) -> tuple[int, float]:
        """Append one point to a series that had none for a while: its number, and when that was."""
        number, self.pulse = self.pulse % PULSES, self.pulse + 1
        sent = time.monotonic()
        self.pulses.add_scalar(f"pulse/{number}", sent, self.pulse)
        return number, sent

    def looked(self, since: float) -> list[Look]:
        """The small questions that were asked since then."""
        return [look for look in list(self.looks) if look.at >= since]


@contextlib.contextmanager
def arena(budget: Budget) -> Iterator[Arena]:
    """Everything in its place; all of it is gone at the end of the block."""
    short = budget.seconds < 45
    runs, points, long = (8, 1_000, 100_000) if short else (20, 10_000, 1_000_000)
    if budget.seconds > 300:
        long = 5_000_000
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="visualdl-floods-")))
        logdir = folder / "logs"
        logdir.mkdir()
        writers = child("flood_writers", logdir, runs, TAGS, points, long, LIVE_RUNS)
        stack.enter_context(ended(writers))
        assert writers.stdout is not None
        writers.stdout.readline()
        stack.enter_context(ended(child("flood_churn", logdir, budget.seed)))
        pulses = stack.enter_context(LogWriter(logdir / "pulses"))
        for number in range(PULSES):
            pulses.add_scalar(f"pulse/{number}", 0.0, 0)
        served = stack.enter_context(serving(logdir))
        made = _asking(folder, served, pulses, runs, budget.seed, short)
        probe = stack.enter_context(ended(child("flood_probe", served.port, "/" + made.small)))
        threading.Thread(target=_read_looks, args=(probe, made.looks), daemon=True).start()
        yield made


def _asking(folder: Path, served: Served, pulses: LogWriter, runs: int, seed: int, short: bool) -> Arena:
    """The questions that are asked of this board, once it has read everything."""
    wanted = runs + LIVE_RUNS + SLOW_RUNS + 3  # and the small one, the long one and the pulses
    board = served.when(lambda board: board["loading"] is None and len(board["runs"]) >= wanted)
    ids = {run["name"]: run["id"] for run in board["runs"]}
    steady = [run for name, run in ids.items() if not name.startswith(("churn", "slow"))]
    n = min(MOST, 5_000_000 // len(steady))
    everything = tuple(
        f"api/series?kind=scalar&tag=tag/{tag}&runs={','.join(steady)}&n={n}&smooth=ema:0.9" for tag in range(TAGS)
    )
    small = f"api/series?kind=scalar&tag=tag/0&runs={ids['small']}&n=100"
    csv = f"api/csv?kind=scalar&tag=tag/0&runs={ids['long']}"
    return Arena(folder, served, pulses, served.figures(), everything, small, csv, seed, short)


def _read_looks(probe: subprocess.Popen[bytes], looks: list[Look]) -> None:
    assert probe.stdout is not None
    with contextlib.suppress(ValueError):  # closed at the end
        for line in probe.stdout:
            at, seconds, status = line.split()
            looks.append(Look(float(at), float(seconds), int(status)))
