"""How the board behaves where others stop: 100 million points, 10,000 runs, one series of 200 million points.

    python -m benches scale [--quick]

For each log the real server is started (`python -m visualdl --logdir …`) and asked over HTTP what a board asks; its
memory is that of all its processes. What the store does by itself is measured beside it, in this process. The logs are
made by our own sealing code from whole columns, and are in the page cache. Times by the wall clock, medians.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import psutil

from benches._logs import Shape, write
from visualdl.log.writer import Log
from visualdl.store.store import Question, Smoothing, Store

if TYPE_CHECKING:
    from typing_extensions import Self

RUNS_AT_ONCE = 200  # as the board asks
CARDS = 12
FULL = (Shape(100, 20, 5_000), Shape(1_000, 100, 1_000), Shape(10_000, 20, 100), Shape(1, 1, 200_000_000))
QUICK = (Shape(100, 20, 1_000), Shape(200, 100, 500), Shape(2_000, 20, 100), Shape(1, 1, 10_000_000))
MEMORY_GOAL = 500


def main() -> None:
    """Measure everything, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller logs: a minute instead of six")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--live", type=int, default=1_000, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        write_on_demand(given.write, given.live)
        return
    print(
        "| log | points | on disk | start → first chart | restart | all runs known | one tag of all runs | once more |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    memory = []
    for shape in QUICK if given.quick else FULL:
        say(f"{shape}: writing it")
        with folder() as root:
            write(root, shape)
            found = served(root, shape)
        print(found.row(shape), flush=True)
        memory.append(found.memory(shape))
    print("\n| memory of the server, MB | after opening | after all that a board asks | at most | goal |")
    print("| --- | ---: | ---: | ---: | ---: |")
    print("\n".join(memory), flush=True)
    print("\n| the store by itself | ms | goal |\n| --- | ---: | ---: |")
    rows = [*one_card(given.quick), *live_runs(200 if given.quick else given.live)]
    for what, took, goal in rows:
        print(f"| {what} | {took} | {goal} |")


def say(what: str) -> None:
    """What is being done."""
    print(f"scale: {what}", file=sys.stderr, flush=True)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of its own, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="visualdl-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


# ---------------------------------------------------------------------------------------------------- the real server


class Server:
    """`python -m visualdl --logdir ROOT`, asked over HTTP; `peak` follows the memory of its processes."""

    def __init__(self, root: Path) -> None:
        command = [sys.executable, "-m", "visualdl", "--logdir", str(root), "--port", "0"]
        self.started = time.perf_counter()
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        out = self._process.stdout
        line = out.readline() if out else ""
        found = re.search(r"http://\S+", line)
        if found is None:
            raise SystemExit(f"the server did not say where it is: {line!r}")
        self.client = httpx.Client(base_url=found[0], timeout=120)
        self.peak = 0.0
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._watcher.join()
        self.client.close()
        self._process.terminate()
        self._process.wait()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self.peak = max(self.peak, self.memory())

    def memory(self) -> float:
        """MB that its processes have in memory now."""
        total = 0
        with contextlib.suppress(psutil.Error):
            one = psutil.Process(self._process.pid)
            for process in (one, *one.children(recursive=True)):
                total += process.memory_info().rss
        return total / 1e6

    def board(self) -> dict[str, Any]:
        """What there is."""
        found: dict[str, Any] = self.client.get("api/board").json()
        return found

    def card(self, tag: str, runs: list[str], **more: Any) -> int:
        """One card as the board asks for it, 200 runs at a time; the bytes of the answers."""
        size = 0
        for at in range(0, len(runs), RUNS_AT_ONCE):
            some = runs[at : at + RUNS_AT_ONCE]
            query = {
                "kind": "scalar",
                "tag": tag,
                "runs": ",".join(some),
                "n": max(100, min(1600, 200_000 // len(runs))),
            }
            answer = self.client.get("api/series?" + urlencode({**query, **more}))
            if answer.status_code != 200:
                raise SystemExit(f"{answer.status_code}: {answer.text[:300]}")
            size += len(answer.content)
        return size


@dataclass
class Found:
    """What was measured of one log. Times in seconds, memory in MB."""

    size: int = 0
    first: list[float] = field(default_factory=list)
    known: float = 0.0
    card: list[float] = field(default_factory=list)
    opened: float = 0.0
    after: float = 0.0
    peak: float = 0.0

    def row(self, shape: Shape) -> str:
        """Of the table of times."""
        cold, warm = self.card
        return (
            f"| {shape} | {shape.points / 1e6:,.0f} M | {self.size / 1e6:,.0f} MB | {self.first[0]:.2f} s | "
            f"{statistics.median(self.first[1:]):.2f} s | {self.known:.2f} s | "
            f"{cold * 1e3:,.0f} ms | {warm * 1e3:,.0f} ms |"
        )

    def memory(self, shape: Shape) -> str:
        """Of the table of memory."""
        return f"| {shape} | {self.opened:.0f} | {self.after:.0f} | {self.peak:.0f} | {MEMORY_GOAL} |"


def served(root: Path, shape: Shape) -> Found:
    """Start the server on a log, three times; ask the last everything."""
    found = Found(sum(path.stat().st_size for path in root.rglob("*.vdl")))
    for _ in range(2):
        with Server(root) as server:
            found.first.append(first_chart(server))
    with Server(root) as server:
        found.first.append(first_chart(server))
        while server.board()["loading"]:
            time.sleep(0.01)
        found.known = time.perf_counter() - server.started
        found.opened = server.memory()
        board = server.board()
        runs = [run["id"] for run in board["runs"]]
        tags = [entry["tag"] for entry in board["tags"]["scalar"]]
        say(f"{shape}: asking")
        found.card = [seconds(lambda: server.card(tags[0], runs)) for _ in range(2)]
        everything(server, tags[:CARDS], runs, shape)
        found.after, found.peak = server.memory(), server.peak
    return found


def first_chart(server: Server) -> float:
    """Seconds from the start of the process until the data of a chart has arrived."""
    while not (board := server.board())["runs"] or not board["tags"]["scalar"]:
        time.sleep(0.005)
    entry = board["tags"]["scalar"][0]
    server.card(entry["tag"], [board["runs"][entry["runs"][0]]["id"]])
    return time.perf_counter() - server.started


def everything(server: Server, tags: list[str], runs: list[str], shape: Shape) -> None:
    """What somebody asks who scrolls through all cards, smooths them, and zooms in."""
    for tag in tags:
        server.card(tag, runs)
    for tag in tags[:2]:
        server.card(tag, runs, smooth="ema:0.9")
    last = shape.steps
    for part in (2, 10, 1000, 100_000):
        for at in range(5):
            start = last * at // 5
            server.card(tags[0], runs[:RUNS_AT_ONCE], start=start, stop=start + last // part)
    server.card(tags[0], runs[:RUNS_AT_ONCE], axis="time")
    server.board()


def seconds(work: Callable[[], object]) -> float:
    """The wall time of a call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


# ---------------------------------------------------------------------------------------------------- the store

Row = tuple[str, str, str]


def one_card(quick: bool) -> list[Row]:
    """Warm answers of one card: a long series, and one tag of many runs."""
    rows = []
    for points in (1_000_000, 5_000_000, *(() if quick else (50_000_000,))):
        say(f"one series × {points:,}")
        with folder() as root:
            write(root, Shape(1, 1, points))
            rows += long_series(root, points)
    with folder() as root:
        write(root, Shape(100, 20, 5_000))
        store, ask = asking(root)
        runs = store.tags()["scalar"]["group0/tag0"]

        def compare(**more: Any) -> None:
            for run in runs:
                ask(tag="group0/tag0", run=run, n=400, **more)

        compare()
        rows.append(("one tag of 100 runs × 5,000, again", f"{milliseconds(compare):.1f}", "50"))
        compare(smoothing=Smoothing("ema", 0.9))
        again = milliseconds(lambda: compare(smoothing=Smoothing("ema", 0.9)))
        rows.append(("one tag of 100 runs × 5,000, EMA 0.9, again", f"{again:.1f}", ""))
    return rows


def asking(root: Path) -> tuple[Store, Callable[..., Any]]:
    """A store that has been opened, and what asks it."""
    store = Store([root])
    store.refresh()

    def ask(**question: Any) -> Any:
        return store.read(Question(kind="scalar", **question))

    return store, ask


def long_series(root: Path, points: int) -> list[Row]:
    """Answers from one series."""
    store, ask_any = asking(root)
    ((tag, (run,)),) = store.tags()["scalar"].items()

    def ask(**more: Any) -> Any:
        return ask_any(tag=tag, run=run, **more)

    def first_and_again(what: str, goal: str = "", **more: Any) -> Row:
        first, again = milliseconds(lambda: ask(**more), times=1), milliseconds(lambda: ask(**more))
        return f"{points:,} points: {what}: first, again", f"{first:.0f}, {again:.1f}", goal

    rows = [first_and_again("all of it", ", 20")]
    middle = points // 2
    rows.append(first_and_again("a tenth of it", ", 20", start=middle, stop=middle + points // 10))
    rows.append(first_and_again("1,000 points of it", ", 20", start=middle, stop=middle + 1000))
    for smoothing in (Smoothing("ema", 0.9), Smoothing("gaussian", 0.9)):
        rows.append(first_and_again(f"{smoothing.method} 0.9", smoothing=smoothing))
    return rows


def live_runs(runs: int) -> list[Row]:
    """Following many writers, all alive in one other process."""
    say(f"{runs:,} live runs")
    with folder() as root:
        command = [sys.executable, "-m", "benches.scale", "--write", str(root), "--live", str(runs)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writers:
            told, heard = writers.stdin, writers.stdout
            if told is None or heard is None:
                raise SystemExit("the writers have no pipes")
            heard.readline()

            def advance() -> None:
                print("20 more", file=told, flush=True)
                heard.readline()

            store = Store([root])
            opened = milliseconds(store.refresh, times=1)
            time.sleep(2.5)  # so that the folders count as settled
            idle = milliseconds(store.refresh, times=9)
            live = milliseconds(store.refresh, times=7, before=advance)
            told.close()
        store.refresh()
        closed = milliseconds(store.refresh, times=9)
    label = f"{runs:,} live runs"
    return [
        (f"{label}: opening", f"{opened:.0f}", ""),
        (f"{label}: a refresh that finds nothing", f"{idle:.1f}", "50"),
        (f"{label}: a refresh that finds 20 new points in each", f"{live:.1f}", "100"),
        (f"{runs:,} closed runs: a refresh", f"{closed:.1f}", "50"),
    ]


def write_on_demand(root: Path, runs: int) -> None:
    """The writers of `live_runs`: one point each, and twenty more for each line of input."""
    logs = [Log(root / f"run{i}", ring_rows=1024) for i in range(runs)]
    appends = [log.row_appender(log.tag("scalar", "loss")) for log in logs]
    for append in appends:
        append(0, 1.0, None)
    print("ready", flush=True)
    for turn, _ in enumerate(sys.stdin):
        for append in appends:
            for step in range(20 * turn + 1, 20 * turn + 21):
                append(step, 1.0, None)
        print("done", flush=True)
    for log in logs:
        log.close()


def milliseconds(work: Callable[[], object], *, times: int = 7, before: Callable[[], object] | None = None) -> float:
    """The median wall time of a call."""
    took = []
    for _ in range(times):
        if before is not None:
            before()
        took.append(seconds(work) * 1e3)
    return statistics.median(took)


if __name__ == "__main__":
    main()
