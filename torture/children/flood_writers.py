"""Trains in appearance: some finished runs, a long one, and live ones that grow until standard input ends.

`python -m torture.children.flood_writers LOGDIR RUNS TAGS POINTS LONG LIVE`. Prints a line when the history is written.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

from torture.flood.parent import until_told
from visualdl import LogWriter

PAUSE = 0.1
SLOW_RUNS = 8


def write(folder: Path, tags: int, points: int) -> None:
    """One finished run."""
    with LogWriter(folder) as log:
        for step in range(points):
            for tag in range(tags):
                log.add_scalar(f"tag/{tag}", math.sin(step / 100 + tag), step)


def main(logdir: Path, runs: int, tags: int, points: int, long: int, live: int) -> None:
    """Write the history, then the present."""
    ended = until_told()
    write(logdir / "small", 1, 50)
    for run in range(SLOW_RUNS):
        write(logdir / f"slow{run}", 1, 20_000)
    write(logdir / "long", 1, long)
    for run in range(runs):
        write(logdir / f"done{run:02}", tags, points)
    logs = [LogWriter(logdir / f"live{run:02}") for run in range(live)]
    for log in logs:
        log.add_scalar("tag/0", 0.0, 0)
    print("written", flush=True)
    step = 0
    while not ended.wait(PAUSE):
        step += 1
        for log in logs:
            for tag in range(tags):
                log.add_scalar(f"tag/{tag}", time.time() % 60, step)
    for log in logs:
        log.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
