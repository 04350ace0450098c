"""Aim: a local RocksDB repository and its board."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from benches.peers.contract import RUN, Asks, Board, Calls, Seen, Shape, Tool, as_bytes

_CLI = "import sys; from aim.cli.cli import cli_entry_point; sys.exit(cli_entry_point())"


class AimBoard(Board):
    """Asked for every point; its page asks for 50 of each series unless told otherwise."""

    title = "Aim"

    def command(self, folder: Path, port: int) -> Sequence[str]:
        """`aim up`; it makes the repository when it is not there."""
        return ["-c", _CLI, "up", "--repo", str(folder), "--host", "127.0.0.1", "--port", str(port), "-y"]

    def ask(self, client: Asks, runs: Sequence[str], tag: str) -> dict[str, Seen]:
        """Its search over the metrics. Runs are known by their hashes."""
        query = {"q": f'metric.name == "{tag}"', "p": 10_000_000, "report_progress": "false"}
        found = {}
        for path, value in _pairs(client.get("/api/runs/search/metric/?" + urlencode(query))):
            if b"traces" in path and path.rstrip(b"\xfe").endswith(b"iters\xfeblob"):
                steps = value[1:]  # after a byte for the type: float64 each
                found[path.split(b"\xfe")[0].decode()] = Seen(len(steps) // 8, struct.unpack("<d", steps[-8:])[0])
        return found


def _pairs(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The paths and values of its streamed tree: each preceded by its length."""
    items, at = [], 0
    while at + 4 <= len(body):
        (length,) = struct.unpack_from("<I", body, at)
        items.append(body[at + 4 : at + 4 + length])
        at += 4 + length
    return zip(items[::2], items[1::2], strict=False)


class Aim(Tool):
    """A run is one process's: another that opens it takes a run of its own."""

    name = "aim"
    title = "Aim"
    statement = "from aim import Run"
    packages = ("aim",)
    processes = "a run belongs to one process"
    boards = (AimBoard,)
    share = MappingProxyType({"small": 0.2, "medium": 0, "large": 0})  # 0.1 ms a point, and no call for many at once

    def open(self, folder: Path) -> Calls:
        """A run without its hourly look at the system."""
        aim: Any = import_module("aim")
        run = self._run(folder, RUN)
        return Calls(
            lambda tag, value, step: run.track(value, name=tag, step=step),
            run.close,
            image=lambda array, step: run.track(aim.Image(as_bytes(array)), name="image", step=step),
            histogram=lambda values, step: run.track(aim.Distribution(values), name="histogram", step=step),
            text=lambda words, step: run.track(aim.Text(words), name="text", step=step),
        )

    def _run(self, folder: Path, name: str) -> Any:
        folder.mkdir(parents=True, exist_ok=True)
        quiet = {"system_tracking_interval": None, "log_system_params": False, "capture_terminal_logs": False}
        return import_module("aim").Run(repo=str(folder), experiment=name, **quiet)

    def count(self, folder: Path) -> int:
        """By its Repo, once its index has been made anew: until then it lists no run."""
        command = [sys.executable, "-c", _CLI, "storage", "--repo", str(folder), "reindex", "-y"]
        subprocess.run(command, capture_output=True, check=False)
        repo = import_module("aim").Repo
        repo(str(folder))._recreate_index()
        runs = repo(str(folder)).iter_runs()
        return sum(len(metric.values.sparse_list()[0]) for run in runs for metric in run.metrics())

    def generate(self, folder: Path, shape: Shape) -> None:
        """By its writer."""
        for number, name in enumerate(shape.names):
            run = self._run(folder, name)
            curves = [shape.curve(number, tag).tolist() for tag in range(shape.tags)]
            for step in range(shape.steps):
                for tag, curve in enumerate(curves):
                    run.track(curve[step], name=f"t{tag}", step=step)
            run.close()
        import_module("aim").Repo(str(folder))._recreate_index()


TOOL = Aim()
