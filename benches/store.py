"""How fast the store opens logs and answers, and what it keeps in memory.

    python -m benches.store [--runs 100] [--tags 20] [--points 5000] [--live 1000] [--long 5000000]

Every log is written by our own writer first; the files are in the page cache. Times are medians by the wall clock.
Opening, the first answer and the memory are measured in processes of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from visualdl.log.writer import Log
from visualdl.store.memory import sensible_bytes
from visualdl.store.store import Answer, Question, Smoothing, Store

Row = tuple[str, str, str]


def main() -> None:
    """Measure everything, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--tags", type=int, default=20)
    parser.add_argument("--points", type=int, default=5000)
    parser.add_argument("--live", type=int, default=1000, help="runs with a living writer")
    parser.add_argument("--long", type=int, default=5_000_000, help="points of the one long series")
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.open:
        print(json.dumps(first_answer(given.open)))
        return
    if given.write:
        write_on_demand(given.write, given.live)
        return
    rows = many_runs(given.runs, given.tags, given.points) + one_long_series(given.long) + live_runs(given.live)
    machine = f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"| store; {machine} | measured | goal |\n| --- | ---: | ---: |")
    for what, measured, goal in rows:
        print(f"| {what} | {measured} | {goal} |")


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of its own, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="visualdl-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def many_runs(runs: int, tags: int, points: int) -> list[Row]:
    """Opening a directory of finished runs, its first answer, and a card that compares all of them."""
    random = np.random.default_rng(0)
    with folder() as root:
        for run in range(runs):
            log = Log(root / f"run{run}")
            appends = [log.row_appender(log.tag("scalar", f"group{tag % 4}/tag{tag}")) for tag in range(tags)]
            for step, values in enumerate(random.normal(size=(points, tags)).astype(np.float32).tolist()):
                for append, value in zip(appends, values, strict=True):
                    append(step, value, None)
            log.close()
        command = [sys.executable, "-m", "benches.store", "--open", str(root)]
        fresh = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(3)]
        size = sum(path.stat().st_size for path in root.rglob("*"))
    total = runs * tags * points

    def of(name: str) -> float:
        return float(statistics.median(one[name] for one in fresh))

    label = f"{runs} runs × {tags} tags × {points:,}"
    return [
        (f"{label}: on disk, bytes a point", f"{size / total:.2f}", "5"),
        (f"{label}: importing the store, ms", f"{of('import'):.0f}", ""),
        (f"{label}: opening, ms", f"{of('open'):.0f}", "1,000"),
        (f"{label}: first answer after that, ms", f"{of('first'):.1f}", ""),
        (f"{label}: memory after opening, MB", f"{of('opened_mb'):.0f}", ""),
        (f"one tag of {runs} runs, first time, ms", f"{of('compare_cold'):.0f}", ""),
        (f"one tag of {runs} runs, again, ms", f"{of('compare'):.1f}", "200"),
        (f"one tag of {runs} runs, EMA 0.9, first time, ms", f"{of('smooth_cold'):.0f}", ""),
        (f"one tag of {runs} runs, EMA 0.9, again, ms", f"{of('smooth'):.1f}", "200"),
        (f"every tag of every run answered once, {total:,} points, ms", f"{of('everything'):.0f}", ""),
        (
            f"memory after all of that, MB (bound: {sensible_bytes() >> 20} MiB + what Python and numpy take)",
            f"{of('all_mb'):.0f}",
            "",
        ),
    ]


def first_answer(root: Path) -> dict[str, float]:
    """What a fresh process needs to open `root` and to answer; milliseconds and megabytes."""
    begun = time.perf_counter()
    store = Store([root])
    store.refresh()
    found = {"open": (time.perf_counter() - begun) * 1e3}
    found["import"] = import_ms()
    found["opened_mb"] = resident_mb()
    tags = store.tags()["scalar"]
    tag = next(iter(tags))

    def compare(smoothing: Smoothing | None = None) -> None:
        for run in tags[tag]:
            store.read(Question(kind="scalar", tag=tag, run=run, n=400, smoothing=smoothing))

    question = Question(kind="scalar", tag=tag, run=tags[tag][0])
    found["first"] = milliseconds(lambda: store.read(question), times=1)
    found["compare_cold"] = milliseconds(compare, times=1)
    found["compare"] = milliseconds(compare)
    found["smooth_cold"] = milliseconds(lambda: compare(Smoothing("ema", 0.9)), times=1)
    found["smooth"] = milliseconds(lambda: compare(Smoothing("ema", 0.9)))
    found["everything"] = milliseconds(
        lambda: [store.read(Question(kind="scalar", tag=one, run=run)) for one, runs in tags.items() for run in runs],
        times=1,
    )
    found["all_mb"] = resident_mb()
    return found


def one_long_series(points: int) -> list[Row]:
    """Answers from one series of millions of points, and how it follows its writer."""
    values = np.random.default_rng(0).normal(size=points)
    with folder() as root:
        log = Log(root)
        append = log.row_appender(log.tag("scalar", "loss"))
        for step, value in enumerate(values.tolist()):
            append(step, value, None)
        log.flush()
        store = Store([root], memory_bytes=1 << 30)
        store.refresh()
        (run,) = store.tags()["scalar"]["loss"]

        def ask(**more: Any) -> Answer:
            return store.read(Question(kind="scalar", tag="loss", run=run, **more))

        label = f"{points:,} points"
        rows = [(f"{label}: first answer, decoding included, ms", f"{milliseconds(ask, times=1):.0f}", "")]
        rows.append((f"{label}: again, ms", f"{milliseconds(ask):.1f}", "20"))
        middle = {"start": points // 2, "stop": points // 2 + 1000}
        rows.append((f"{label}: 1,000 of them zoomed in, ms", f"{milliseconds(lambda: ask(**middle)):.1f}", "20"))
        for smoothing in (Smoothing("ema", 0.9), Smoothing("gaussian", 0.9), Smoothing("median", 0.9)):
            once = milliseconds(lambda one=smoothing: ask(smoothing=one), times=1)  # type: ignore[misc]
            again = milliseconds(lambda one=smoothing: ask(smoothing=one))  # type: ignore[misc]
            rows.append(
                (f"{label}, {smoothing.method} 0.9: first time, again, ms", f"{once:.0f}, {again:.1f}", "200, 40")
            )
        cursor = ask(smoothing=Smoothing("ema", 0.9)).cursor
        took = []
        for step in range(points, points + 20):
            append(step, 1.0, None)
            begun = time.perf_counter()
            store.refresh()
            cursor = ask(since=cursor).cursor
            took.append((time.perf_counter() - begun) * 1e3)
        log.close()
    rows.append((f"{label}: one more, from refresh to answer, ms", f"{statistics.median(took):.2f}", "100"))
    return rows


def live_runs(runs: int) -> list[Row]:
    """Following many writers, all alive in one other process."""
    with folder() as root:
        command = [sys.executable, "-m", "benches.store", "--write", str(root), "--live", str(runs)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writers:
            told, heard = writers.stdin, writers.stdout
            assert told is not None
            assert heard is not None
            heard.readline()

            def advance() -> None:
                print("20 more", file=told, flush=True)
                heard.readline()

            store = Store([root])
            opened = milliseconds(store.refresh, times=1)
            time.sleep(2.5)  # so that the folders count as settled
            idle = milliseconds(store.refresh, times=9)
            live = milliseconds(store.refresh, times=5, before=advance)
            told.close()
        store.refresh()
        closed = milliseconds(store.refresh, times=9)
    label = f"{runs:,} live runs"
    return [
        (f"{label}: opening, ms", f"{opened:.0f}", ""),
        (f"{label}: a refresh that finds nothing, ms", f"{idle:.1f}", "50"),
        (f"{label}: a refresh that finds 20 new points in each, ms", f"{live:.1f}", "100"),
        (f"{runs:,} closed runs: a refresh, ms", f"{closed:.1f}", "50"),
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
        begun = time.perf_counter()
        work()
        took.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(took)


def import_ms() -> float:
    """What importing the store costs a fresh Python."""
    code = "import time; t = time.perf_counter(); import visualdl.store.store; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, check=True, capture_output=True).stdout) * 1e3


def resident_mb() -> float:
    """Resident memory of this process."""
    import psutil

    resident: int = psutil.Process().memory_info().rss
    return float(resident) / 1e6


if __name__ == "__main__":
    main()
