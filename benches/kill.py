"""Kills training processes with SIGKILL at random moments and counts the rows that are missing afterwards.

    python -m benches.kill [--kills 100] [--durability mmap|pwrite]

Half of the children log at full speed, half at up to 20 000 calls a second in bursts of 20; every tenth is killed
inside a C call that holds the GIL. Each counts its *returned* calls in shared memory. After the kill every row is read
back and its value compared. Prints one line: kills, rows, lost (rows whose call returned), the largest loss, wrong.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HOT, PACED, IN_C = "hot", "paced", "in a C call"


def value_of(step: int) -> float:
    """The value that a child logs at a step; a parent knows it too."""
    return (step * 2654435761 % 4294967296) / 7.0


def train(directory: str, counter: str, pace: str, durability: Literal["mmap", "pwrite"]) -> None:
    """The child: logs until it is killed."""
    from visualdl.log.writer import Log

    with open(counter, "r+b") as file:
        returned = ctypes.c_uint64.from_buffer(mmap.mmap(file.fileno(), 8))
    log = Log(directory, durability=durability)
    append = log.row_appender(log.tag("scalar", "loss"))
    step = 0
    deadline = time.perf_counter() + 0.05
    while True:
        for _ in range(20):
            append(step, value_of(step))
            step += 1
            returned.value = step  # one 8-byte store, after the call has returned
        if pace == PACED:
            time.sleep(0.001)
        elif pace == IN_C and time.perf_counter() > deadline:
            ctypes.PyDLL(None).sleep(60)  # PyDLL keeps the GIL: no other thread of this process moves any more


@dataclass(frozen=True)
class Outcome:
    """What one kill did. lost: rows whose call had returned and that are not found; wrong: with another value."""

    returned: int
    found: int
    wrong: int

    @property
    def lost(self) -> int:
        """Returned calls without a row."""
        return max(0, self.returned - self.found)


def kill_one(directory: Path, pace: str, durability: str, seconds: float) -> Outcome:
    """Starts a child, kills it after `seconds` of logging, reads its log."""
    import numpy as np

    from visualdl.log.reader import FileSet, find_file_sets

    counter = directory / "returned"
    counter.write_bytes(bytes(8))
    run = directory / "run"
    command = [sys.executable, __file__, "--train", json.dumps([str(run), str(counter), pace, durability])]
    child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])})
    try:
        while struct.unpack("<Q", counter.read_bytes())[0] == 0:
            if child.poll() is not None:
                raise RuntimeError(f"the child ended by itself with {child.returncode}")
            time.sleep(0.001)
        time.sleep(seconds)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    returned = struct.unpack("<Q", counter.read_bytes())[0]
    steps, values = [np.empty(0, np.int64)], [np.empty(0)]
    for path in find_file_sets(run):
        log = FileSet(path)
        log.refresh()
        step, _, value = log.rows(0)
        steps.append(step)
        values.append(value)
    step, value = np.concatenate(steps), np.concatenate(values)
    expected = np.array([value_of(i) for i in range(len(step))])
    wrong = int(np.count_nonzero(step != np.arange(len(step))) + np.count_nonzero(value != expected))
    return Outcome(returned, len(step), wrong)


def main() -> None:
    """Runs the kills and prints one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--durability", choices=["mmap", "pwrite"], default="mmap")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.train:
        train(*json.loads(chosen.train))
    chance = random.Random(chosen.seed)
    outcomes = []
    for i in range(chosen.kills):
        pace = IN_C if i % 10 == 9 else PACED if i % 2 else HOT
        with tempfile.TemporaryDirectory() as directory:
            outcomes.append(kill_one(Path(directory), pace, chosen.durability, chance.uniform(0.0, 0.6)))
    lost = [outcome.lost for outcome in outcomes]
    print(
        f"{len(outcomes)} kills ({chosen.durability}): {sum(outcome.found for outcome in outcomes)} rows read, "
        f"lost {sum(lost)} (largest {max(lost, default=0)}), wrong {sum(outcome.wrong for outcome in outcomes)}"
    )


if __name__ == "__main__":
    main()
