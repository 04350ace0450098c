"""What logging costs the training, beside SummaryWriter and every other tool that is installed here.

    python -m benches writer        or        python -m benches.writer [--peers all] [--repeats 2] [--quick]

Every measurement runs in a process of its own, in the tool's own environment and with its default settings, the tools
in turns, so that whatever else the machine does meets all of them. The figures are medians over the repeats. What a
call costs is counted inside the call, on the thread that makes it; what its other threads do is in the CPU time.
Tools: `python -m benches.peers` installs them.
"""

from __future__ import annotations

import argparse
import statistics
import struct
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benches.peers.catalog import USUAL, chosen, present, tool_of
from benches.peers.children import Failed, Watch, last_words, measure, say, scratch_folder, start, task
from benches.peers.contract import Tool
from benches.peers.table import Cell, Row, markdown
from benches.peers.weight import import_seconds, weight

SECONDS: Final = {"hot": 1.0, "bursts": 0.6, "paced": 0.8, "threads": 0.8, "image": 1.0, "histogram": 0.9, "text": 0.6}
LOSS: Final = {"killed hot": "without pause", "killed paced": "one a millisecond"}


@dataclass(frozen=True)
class Figure:
    """A row: what is measured, which of its figures, in which unit, and our goal."""

    title: str
    task: str
    name: str
    unit: float = 1.0
    goal: float | None = None


CALLS: Final = (
    Figure("scalar, 10 tags without pause: median", "hot", "median", 1e-6, 1),
    Figure("– mean, waiting for its own threads included", "hot", "mean", 1e-6),
    Figure("– slowest of a hundred", "hot", "p99", 1e-6),
    Figure("scalar, bursts of 1,000 calls: median", "bursts", "median", 1e-6, 1),
    Figure("scalar, 10 a step of 5 ms: median", "paced", "median", 1e-6, 1),
    Figure("– slowest of a hundred", "paced", "p99", 1e-6),
    Figure("scalar, 10 threads on one writer: median", "threads", "median", 1e-6, 1),
    Figure("– time that passes a call", "threads", "wall", 1e-6),
    Figure("scalar, 64 processes on one run: median", "processes", "median", 1e-6, 1),
)
PAYLOADS: Final = (
    Figure("image 3 × 256 × 256 float32: median", "image", "median", 1e-3, 0.3),
    Figure("– slowest", "image", "p99", 1e-3),
    Figure("histogram of 10⁶ float32: median", "histogram", "median", 1e-3, 1),
    Figure("– slowest", "histogram", "p99", 1e-3),
    Figure("text of 200 letters: median", "text", "median", 1e-3),
)
COSTS: Final = (
    Figure("CPU seconds of all processes, a million scalars", "hot", "cpu a million"),
    Figure("peak memory while logging scalars, MB", "hot", "peak"),
    Figure("bytes a scalar on disk", "hot", "bytes a call", 1, 5),
    Figure("kB an image on disk", "image", "bytes a call", 1e3),
    Figure("MB on disk while 64 processes log", "processes", "held", 1e6),
    Figure("import, ms more than bare Python", "import", "seconds", 1e-3, 40),
    Figure("installed, MB", "weight", "megabytes"),
    Figure("installed packages", "weight", "packages"),
)


@dataclass
class Findings:
    """All that was measured."""

    figures: dict[tuple[str, str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    words: dict[tuple[str, str], str] = field(default_factory=dict)  # (tool, task): why there is no figure
    notes: list[str] = field(default_factory=list)

    def add(self, tool: Tool, task: str, told: dict[str, float]) -> None:
        """Keep one measurement."""
        for name, value in told.items():
            self.figures[tool.name, task, name].append(float(value))

    def cell(self, tool: Tool, figure: Figure) -> Cell:
        """The median, in the unit of the figure."""
        found = self.figures.get((tool.name, figure.task, figure.name))
        return statistics.median(found) / figure.unit if found else self.words.get((tool.name, figure.task))


def measure_all(tools: Sequence[Tool], repeats: int, share: float) -> Findings:
    """Every task by every tool, in turns; backwards every second time."""
    findings = Findings()
    for tool in tools:
        if tool.processes:
            findings.words[tool.name, "processes"] = "cannot"
            findings.notes.append(f"{tool.title} cannot log one run from several processes: {tool.processes}.")
    for turn in range(repeats):
        for what in (*SECONDS, "processes"):
            for tool in tools[:: 1 if turn % 2 == 0 else -1]:
                if (tool.name, what) not in findings.words:
                    say(f"{turn + 1}/{repeats} {what}: {tool.title}")
                    one(findings, tool, what, SECONDS.get(what, 1.0) * share)
        for tool in [*tools] * 3:
            findings.add(tool, "import", {"seconds": import_seconds(tool)})
    for tool in tools:
        findings.add(tool, "weight", weight(tool)._asdict())
    return findings


def one(findings: Findings, tool: Tool, what: str, seconds: float) -> None:
    """One measurement. A tool that fails stays out of that row, with a note."""
    try:
        with scratch_folder() as scratch:
            found = measure(tool, what, scratch, seconds)
            told = dict(found.told)
            if what == "processes":
                told["found"] = counted(tool, scratch) / told["calls"]
    except Failed as failed:
        findings.words[tool.name, what] = "failed"
        findings.notes.append(f"{failed}.")
        return
    if not told:
        findings.words[tool.name, what] = tool.text if what == "text" else "–"
        return
    if "cpu" in told:
        told["cpu a million"] = (told["cpu"] + found.helpers_cpu) / told["calls"] * 1e6
    if "bytes" in told:
        told["bytes a call"] = told["bytes"] / told["calls"]
    findings.add(tool, what, {**told, "peak": found.peak_mb})


def counted(tool: Tool, scratch: Path) -> float:
    """How many points the tool's reader finds."""
    return measure(tool_of(tool.reader) if tool.reader else tool, "count", scratch, 0).told["points"]


def kill(tool: Tool, what: str, seconds: float) -> str:
    """Kill a process that logs, with SIGKILL; how many of the calls that had returned are not found afterwards."""
    with scratch_folder() as scratch:
        returned = scratch / "returned"
        returned.write_bytes(bytes(8))
        with (scratch / "output").open("wb") as output:
            child = start(tool, task(tool, scratch, what, seconds), scratch, output)
            watch = Watch(child.pid)
            try:
                while returned.read_bytes() == bytes(8):
                    if child.poll() is not None:
                        raise Failed(f"{tool.title}, {what}: {last_words(scratch / 'output')}")
                    time.sleep(0.01)
                time.sleep(seconds)
                watch.look()  # so that its helpers are known
                child.kill()
                child.wait()
                time.sleep(2)  # a helper that outlives it may still write what it was handed
            finally:
                watch.stop()
        (calls,) = struct.unpack("=Q", returned.read_bytes())
        lost = max(0, calls - round(counted(tool, scratch)))
        return f"{lost:,} of {calls:,}"


def losses(tools: Sequence[Tool], seconds: float, notes: list[str]) -> list[Row]:
    """A kill of each sort for each tool."""
    rows = []
    for what, title in LOSS.items():
        cells = []
        for tool in tools:
            say(f"{what}: {tool.title}")
            try:
                cells.append(kill(tool, what, seconds))
            except Failed as failed:
                cells.append("failed")
                notes.append(f"{failed}.")
        rows.append(Row(f"lost of the calls that had returned, {title}", cells, best="none"))
    return rows


def rows_of(figures: Sequence[Figure], findings: Findings, tools: Sequence[Tool]) -> list[Row]:
    """The rows of a table."""
    return [Row(one.title, [findings.cell(tool, one) for tool in tools], one.goal) for one in figures]


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=chosen, default=USUAL, metavar="all|NAME,NAME")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="once, a quarter of the calls")
    asked = parser.parse_args()
    tools, missing = present(asked.peers)
    share = 0.25 if asked.quick else 1.0
    findings = measure_all(tools, 1 if asked.quick else asked.repeats, share)
    found = Figure("of the points of 64 processes its reader finds, %", "processes", "found", 0.01, 100)
    lost = losses(tools, share, findings.notes)
    columns = [tool.title for tool in tools]
    print(markdown("a call, µs", columns, rows_of(CALLS, findings, tools)), end="\n\n")
    print(markdown("a call, ms", columns, rows_of(PAYLOADS, findings, tools)), end="\n\n")
    print(markdown("what it takes", columns, rows_of(COSTS, findings, tools)), end="\n\n")
    whole = [Row(found.title, [findings.cell(tool, found) for tool in tools], found.goal, "most")]
    print(markdown("what is left after SIGKILL", columns, lost + whole))
    if notes := [*missing, *dict.fromkeys(findings.notes)]:
        print("\n" + "\n".join(f"- {note}" for note in notes))


if __name__ == "__main__":
    main()
