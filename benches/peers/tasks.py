"""What one process does to measure one tool: logs in one of several ways, and tells what its calls cost.

It runs in the tool's own environment (see `children.py`), so it has the standard library only, but for arrays to log.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import multiprocessing
import os
import random
import statistics
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from math import exp
from pathlib import Path
from typing import Any

from benches.peers.catalog import tool_of
from benches.peers.contract import Calls, Shape, Tool

TAGS = 10
THREADS = 10
PROCESSES = 64
MOST_CALLS = 100_000
IMAGES = 20
Told = dict[str, float]


def main() -> None:
    """Do what the argument asks for, tell it to the parent, and stay until it has looked at this process."""
    asked = json.loads(sys.argv[1])
    scratch, tool = Path(asked["scratch"]), tool_of(asked["tool"])
    told = TASKS[asked["what"]](tool, scratch, asked["seconds"])
    (scratch / "told.new").write_text(json.dumps(told))
    os.replace(scratch / "told.new", scratch / "told.json")
    sys.stdin.read()
    os._exit(0)  # some tools have threads or helpers that would wait for their network


def opened(tool: Tool, scratch: Path) -> Calls:
    """The tool's writer; from now on what the process tree computes is counted."""
    calls = tool.open(scratch / "logs")
    (scratch / "opened").touch()
    return calls


# ------------------------------------------------------------------------------------------------------------ scalars


def losses(count: int) -> list[float]:
    """A falling, noisy curve of float32 precision, as losses come from a network."""
    source = random.Random(0)
    curve = (2.3 * exp(-3 * step / count) + source.gauss(0, 0.05) for step in range(count))
    return [struct.unpack("f", struct.pack("f", value))[0] for value in curve]


def log_steps(
    log: Callable[[str, float, int], Any],
    tags: Sequence[str],
    seconds: float,
    *,
    most: int = MOST_CALLS,
    rest: float = 0.0,
    steps_a_rest: int = 1,
) -> list[int]:
    """Nanoseconds of each call: one for each tag a step, resting after so many steps, until `most` or the time."""
    clock, values = time.perf_counter_ns, losses(most)
    spent: list[int] = []
    end, step = time.monotonic() + seconds, 0
    while len(spent) < most and time.monotonic() < end:
        for tag in tags:
            value = values[len(spent)]
            start = clock()
            log(tag, value, step)
            spent.append(clock() - start)
        step += 1
        if rest and step % steps_a_rest == 0:
            time.sleep(rest)
    return spent


def scalars(tool: Tool, scratch: Path, seconds: float, **pace: Any) -> Told:
    """One thread; what a call costs it, and what all of them cost the process."""
    calls = opened(tool, scratch)
    computed = time.process_time()
    spent = log_steps(calls.scalar, tag_names("t"), seconds, **pace)
    begun = time.perf_counter()
    calls.close()
    closed = time.perf_counter() - begun
    return {**summary(spent), "cpu": time.process_time() - computed, "close": closed, "bytes": size(scratch / "logs")}


def tag_names(prefix: str) -> list[str]:
    """Ten tags."""
    return [f"{prefix}{number}" for number in range(TAGS)]


def threads(tool: Tool, scratch: Path, seconds: float) -> Told:
    """Ten threads on one writer, each with a tag of its own, none of them resting."""
    calls = opened(tool, scratch)
    start = threading.Barrier(THREADS + 1)
    spent: list[list[int]] = [[] for _ in range(THREADS)]

    def work(number: int) -> None:
        start.wait()
        spent[number] = log_steps(calls.scalar, [f"t{number}"], seconds, most=MOST_CALLS // THREADS)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for worker in workers:
        worker.start()
    start.wait()
    begun = time.perf_counter()
    for worker in workers:
        worker.join()
    every = [one for several in spent for one in several]
    told = {**summary(every), "wall": (time.perf_counter() - begun) / len(every)}
    calls.close()
    return told


def processes(tool: Tool, scratch: Path, seconds: float) -> Told:
    """64 processes of one run, each logging ten scalars every 50 ms."""
    tool.load()  # forked workers share what is imported
    context: Any = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    start = context.Barrier(PROCESSES)
    workers = [
        context.Process(target=one_process, args=(tool.name, scratch, seconds, number, start))
        for number in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    held = 0
    while any(worker.is_alive() for worker in workers):
        held = max(held, size(scratch / "logs"))
        time.sleep(0.1)
    told = [json.loads(path.read_text()) for path in scratch.glob("process-*.json")]
    if len(told) < PROCESSES:
        raise RuntimeError(f"{PROCESSES - len(told)} of {PROCESSES} processes failed")
    return {**summary([one for process in told for one in process]), "held": held}


def one_process(name: str, scratch: Path, seconds: float, number: int, start: Any) -> None:
    """The part of one of the processes."""
    calls = tool_of(name).open(scratch / "logs")
    start.wait(120)
    # Everybody logs as much, so that what is read back can be counted; the time only bounds a tool that is stuck.
    spent = log_steps(calls.scalar, tag_names(f"rank{number}/t"), 20 * seconds, most=200, rest=0.05)
    calls.close()
    (scratch / f"process-{number}.json").write_text(json.dumps(spent))


def until_killed(tool: Tool, scratch: Path, tags: Sequence[str], pause: float) -> Told:
    """Logs until the parent kills this process; the calls that have returned are counted in shared memory."""
    with (scratch / "returned").open("r+b") as file:
        counter = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
    calls = opened(tool, scratch)
    values, returned = losses(4096), 0
    while True:
        for tag in tags:
            calls.scalar(tag, values[returned % 4096], returned // len(tags))
            returned += 1
            counter[0] = returned  # one store of eight bytes
        if pause:
            time.sleep(pause)


# ----------------------------------------------------------------------------------------------------------- payloads


def payloads(
    log: Callable[[Any, int], Any] | None, items: Sequence[Any], count: int, seconds: float, rest: float
) -> Told:
    """Each call alone, resting in between as a training does, so that no queue fills up."""
    if log is None:
        return {}
    clock, spent, end = time.perf_counter_ns, [], time.monotonic() + seconds
    for step in range(count):
        start = clock()
        log(items[step % len(items)], step)
        spent.append(clock() - start)
        time.sleep(rest)
        if time.monotonic() > end and step >= 2:
            break
    return summary(spent)


def image(tool: Tool, scratch: Path, seconds: float) -> Told:
    """Smooth pictures with the noise of a sensor, 3 × 256 × 256 float32."""
    import numpy as np

    draw = np.random.default_rng(0)
    y, x = np.mgrid[0:256, 0:256] / 256
    pictures = []
    for _ in range(IMAGES):  # each another: what is logged twice, some tools store once
        wave = np.sin(2 * np.pi * (draw.random(3)[:, None, None] * 4 * x + draw.random() * 4 * y)) / 2 + 0.5
        pictures.append((wave + draw.normal(0, 0.01, wave.shape)).clip(0, 1).astype(np.float32))
    calls = opened(tool, scratch)
    told = payloads(calls.image, pictures, IMAGES, seconds, 0.05)
    calls.close()
    return {**told, "bytes": size(scratch / "logs")} if told else {}


def histogram(tool: Tool, scratch: Path, seconds: float) -> Told:
    """A million normal float32."""
    import numpy as np

    draw = np.random.default_rng(0)
    weights = [draw.standard_normal(1_000_000, dtype=np.float32) for _ in range(4)]
    calls = opened(tool, scratch)
    told = payloads(calls.histogram, weights, 15, seconds, 0.05)
    calls.close()
    return told


def text(tool: Tool, scratch: Path, seconds: float) -> Told:
    """Three lines of Markdown."""
    calls = opened(tool, scratch)
    words = [
        f"**step {number}** of the training\n\n- prompt: why is the sky blue?\n- answer: {'it is ' * 20}"
        for number in range(16)
    ]
    told = payloads(calls.text, words, 100, seconds, 0.005)
    calls.close()
    return told


# --------------------------------------------------------------------------------------------------- for the servers


def generate(tool: Tool, scratch: Path, seconds: float) -> Told:
    """Logs to be served, of the shape that the parent has written down."""
    tool.generate(scratch / "logs", Shape(*json.loads((scratch / "shape.json").read_text())))
    return {"bytes": size(scratch / "logs")}


def live(tool: Tool, scratch: Path, records: float) -> Told:
    """One record, then, once the parent says so, more at random moments; a line with the time of each return."""
    moments = random.Random(0)
    calls = opened(tool, scratch)
    with (scratch / "returned.txt").open("w", buffering=1) as returned:
        for step in range(int(records) + 1):
            calls.scalar("t0", 1 / (step + 1), step)
            print(time.time(), file=returned)
            if step == 0:
                sys.stdin.readline()
            time.sleep(moments.uniform(0.3, 0.9))
    sys.stdin.read()  # the writer stays open: closing would bring everything to the board
    return {}


# ------------------------------------------------------------------------------------------------------ what was found


def count(tool: Tool, scratch: Path, seconds: float) -> Told:
    """How many points the tool's own reader finds."""
    return {"points": tool.count(scratch / "logs")}


def summary(spent: Sequence[int]) -> Told:
    """Of nanoseconds: the median, the mean, the slowest of a hundred, how many; in seconds."""
    ordered = sorted(spent)
    return {
        "median": statistics.median(ordered) / 1e9,
        "mean": statistics.fmean(ordered) / 1e9,
        "p99": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] / 1e9,
        "calls": len(ordered),
    }


def size(folder: Path) -> int:
    """Bytes of all files below a folder, some of which may be going away this moment."""
    found = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            found += path.stat().st_size if path.is_file() else 0
    return found


TASKS: dict[str, Callable[[Tool, Path, float], Told]] = {
    "hot": scalars,
    "bursts": lambda tool, scratch, seconds: scalars(tool, scratch, seconds, rest=0.005, steps_a_rest=100),
    "paced": lambda tool, scratch, seconds: scalars(tool, scratch, seconds, rest=0.005),
    "threads": threads,
    "processes": processes,
    "image": image,
    "histogram": histogram,
    "text": text,
    "killed hot": lambda tool, scratch, seconds: until_killed(tool, scratch, tag_names("t"), 0.0),
    "killed paced": lambda tool, scratch, seconds: until_killed(tool, scratch, ["t0"], 0.001),
    "generate": generate,
    "live": live,
    "count": count,
}
