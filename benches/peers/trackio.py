"""Trackio: a local SQLite store and its dashboard."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benches.peers.contract import RUN, Asks, Board, Calls, Seen, Shape, Tool, as_bytes

PROJECT = "bench"
RUNS_A_QUESTION = 64  # its server takes no more
POINTS_A_RUN = 10_000


class Dashboard(Board):
    """Answers whole rows, all tags of a run at once: there is no question for one tag of several runs."""

    title = "Trackio"
    ready = "may be asked now"  # asked before, it gives up: its own first question to itself goes unanswered

    def command(self, folder: Path, port: int) -> Sequence[str]:
        """Its `show`, kept alive."""
        start = (
            "import time, trackio; "
            f"trackio.show({PROJECT!r}, open_browser=False, block_thread=False, host='127.0.0.1', server_port={port}); "
            f"print({self.ready!r}, flush=True); time.sleep(1e6)"
        )
        return ["-c", start]

    def ask(self, client: Asks, runs: Sequence[str], tag: str) -> dict[str, Seen]:
        """Its question for the scalars of many runs, in as many pieces as it takes."""
        found = {}
        for first in range(0, len(runs), RUNS_A_QUESTION):
            wanted = [{"run": run} for run in runs[first : first + RUNS_A_QUESTION]]
            question = {"project": PROJECT, "runs": wanted, "max_points": POINTS_A_RUN, "scalar_only": True}
            answer = json.loads(client.post("/api/get_logs_batch", json.dumps(question), "application/json"))
            for entry in answer["data"] if isinstance(answer, dict) else answer:
                steps = [row["step"] for row in entry["logs"] if tag in row]
                if steps:
                    found[entry["run"]] = Seen(len(steps), steps[-1])
        return found


class Trackio(Tool):
    """It logs a dictionary a call; here one of one number, as the others."""

    name = "trackio"
    title = "Trackio"
    statement = "import trackio"
    packages = ("trackio",)
    processes = "each process gets a run of its own"
    boards = (Dashboard,)
    share = MappingProxyType({"medium": 0.1, "large": 0.02})

    def settings(self, folder: Path) -> dict[str, str]:
        """Where its one store is."""
        return {"TRACKIO_DIR": str(folder)}

    def open(self, folder: Path) -> Calls:
        """A run that several processes may have open."""
        trackio: Any = import_module("trackio")
        run = trackio.init(  # its calls belong to the thread of init, those of the run to nobody
            PROJECT, name=RUN, resume="allow", embed=False, auto_log_gpu=False, auto_log_cpu=False
        )
        return Calls(
            lambda tag, value, step: run.log({tag: value}, step=step),
            run.finish,
            image=lambda array, step: run.log({"image": trackio.Image(as_bytes(array))}, step=step),
            histogram=lambda values, step: run.log({"histogram": trackio.Histogram(values)}, step=step),
            text=lambda words, step: run.log({"text": trackio.Markdown(words)}, step=step),
        )

    def count(self, folder: Path) -> int:
        """By its own storage."""
        rows = import_module("trackio.sqlite_storage").SQLiteStorage.get_logs(PROJECT, RUN)
        return sum(key not in ("step", "timestamp") for row in rows for key in row)

    def generate(self, folder: Path, shape: Shape) -> None:
        """By its own call for many rows, each of all tags of a step."""
        log = import_module("trackio.sqlite_storage").SQLiteStorage.bulk_log
        tags = [f"t{tag}" for tag in range(shape.tags)]
        for number, run in enumerate(shape.names):
            curves = [shape.curve(number, tag).tolist() for tag in range(shape.tags)]
            rows = [dict(zip(tags, values, strict=True)) for values in zip(*curves, strict=True)]
            log(PROJECT, run, rows, steps=list(range(shape.steps)), run_id=run)


TOOL = Trackio()
