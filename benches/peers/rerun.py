"""Rerun: its logging calls into a recording on the disk. Its viewer is a desktop program."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from benches.peers.contract import RUN, Calls, Tool, as_bytes

_CLI = "import sys; from rerun_cli.__main__ import main; sys.exit(main())"


class Rerun(Tool):
    """A histogram is computed by its user: it draws bars."""

    name = "rerun"
    title = "Rerun"
    statement = "import rerun"
    packages = ("rerun-sdk",)
    processes = "a recording is a file of one process"

    def open(self, folder: Path) -> Calls:
        """A recording in a file."""
        rerun: Any = import_module("rerun")
        numpy: Any = import_module("numpy")
        folder.mkdir(parents=True, exist_ok=True)
        rerun.init("bench")
        rerun.save(str(folder / f"{RUN}.rrd"))

        def log(tag: str, what: Any, step: int) -> None:
            rerun.set_time("step", sequence=step)
            rerun.log(tag, what)

        return Calls(
            lambda tag, value, step: log(tag, rerun.Scalars(value), step),
            rerun.disconnect,
            image=lambda array, step: log("image", rerun.Image(as_bytes(array)), step),
            histogram=lambda values, step: log("histogram", rerun.BarChart(numpy.histogram(values, 100)[0]), step),
            text=lambda words, step: log("text", rerun.TextDocument(words), step),
        )

    def count(self, folder: Path) -> int:
        """As its command line tells."""
        command = [sys.executable, "-c", _CLI, "rrd", "print", str(folder / f"{RUN}.rrd")]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return sum(int(rows) for rows in re.findall(r"with (\d+) rows .* - /t\d+ ", told))


TOOL = Rerun()
