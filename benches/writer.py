"""What logging costs the training thread, beside torch.utils.tensorboard.SummaryWriter on the same machine.

    python benches/writer.py [--repeats 3] [--quick]

Every measurement runs in a process of its own, VisualDL and SummaryWriter in turns, so that whatever else the machine
does meets both. The figures are medians over the repeats; only the time inside the call is counted, on the thread that
makes it. One Markdown table is printed.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOOLS = ("visualdl", "tensorboard")
IMPORTS = {
    "visualdl": "from visualdl import LogWriter",
    "tensorboard": "from torch.utils.tensorboard import SummaryWriter",
}
TAGS = 10


@dataclass(frozen=True)
class Calls:
    """Three calls of one tool, and how it is closed: scalar(tag, value, step), image(chw, step), histogram(x, step)."""

    scalar: Callable[[str, float, int], Any]
    image: Callable[[Any, int], Any]
    histogram: Callable[[Any, int], Any]
    close: Callable[[], Any]


def open_tool(tool: str, folder: str) -> Calls:
    """A writer of the tool, with its default settings."""
    if tool == "visualdl":
        from visualdl import LogWriter

        ours = LogWriter(folder)
        return Calls(
            ours.add_scalar,
            lambda image, step: ours.add_image("image", image, step, dataformats="CHW"),
            lambda values, step: ours.add_histogram("histogram", values, step, buckets=100),
            ours.close,
        )
    from torch.utils.tensorboard import SummaryWriter

    theirs: Any = SummaryWriter(folder)
    return Calls(
        theirs.add_scalar,
        lambda image, step: theirs.add_image("image", image, step),
        lambda values, step: theirs.add_histogram("histogram", values, step),
        theirs.close,
    )


# ------------------------------------------------------------------------------------------------------- measurements


def scalars(calls: Calls, steps: int, pause: float, steps_a_pause: int) -> list[int]:
    """Nanoseconds of each call: `steps` steps of TAGS tags, resting `pause` seconds after every so many steps."""
    tags = [f"group/tag{number}" for number in range(TAGS)]
    curves = losses(steps * TAGS)  # every tag has noise of its own
    clock, log, spent = time.perf_counter_ns, calls.scalar, []
    for step in range(steps):
        for number, tag in enumerate(tags):
            value = curves[step * TAGS + number]
            start = clock()
            log(tag, value, step)
            spent.append(clock() - start)
        if pause and step % steps_a_pause == steps_a_pause - 1:
            time.sleep(pause)
    return spent


def losses(count: int) -> list[float]:
    """A falling, noisy curve, with the precision of float32, in which a loss comes from a network."""
    source = random.Random(0)
    curve = (2.3 * math.exp(-step / count) + source.gauss(0, 0.05) for step in range(count))
    return [struct.unpack("f", struct.pack("f", value))[0] for value in curve]


def payloads(log: Callable[[Any, int], Any], items: Iterable[Any], pause: float) -> list[int]:
    """Nanoseconds of each call, resting in between as a training does, so that no queue fills up."""
    clock, spent = time.perf_counter_ns, []
    for step, item in enumerate(items):
        start = clock()
        log(item, step)
        spent.append(clock() - start)
        time.sleep(pause)
    return spent


def images(count: int) -> list[Any]:
    """Smooth float32 pictures within 0…1, 3 × 256 × 256."""
    import numpy as np

    draw = np.random.default_rng(0)
    y, x = np.mgrid[0:256, 0:256] / 256
    waves = (np.sin(2 * np.pi * (draw.random(3)[:, None, None] * 4 * x + draw.random() * 4 * y)) for _ in range(count))
    return [(wave / 2 + 0.5).clip(0, 1).astype(np.float32) for wave in waves]


def weights(count: int) -> list[Any]:
    """A million normal float32 values each."""
    import numpy as np

    draw = np.random.default_rng(0)
    several = [draw.standard_normal(1_000_000, dtype=np.float32) for _ in range(4)]
    return [several[number % 4] for number in range(count)]


def measure(tool: str, what: str, quick: bool) -> dict[str, float]:
    """One measurement in this process: name -> figure."""
    scale = 10 if quick else 1
    with tempfile.TemporaryDirectory() as folder:
        calls = open_tool(tool, folder)
        if what == "hot":
            spent = scalars(calls, 20_000 // scale, 0, 1)
        elif what == "bursts":
            spent = scalars(calls, 10_000 // scale, 0.005, 100)
        elif what == "paced":
            spent = scalars(calls, 500 // scale, 0.005, 1)
        elif what == "image":
            spent = payloads(calls.image, images(50 // scale), 0.05)
        else:
            spent = payloads(calls.histogram, weights(50 // scale), 0.05)
        calls.close()
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    spent.sort()
    return {
        "median": statistics.median(spent),
        "p99": spent[int(len(spent) * 0.99)],
        "bytes": size / len(spent),
    }


def import_seconds(statement: str) -> float:
    """How long a fresh interpreter takes for the statement, start and end included."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


# --------------------------------------------------------------------------------------------------------------- table

ROWS = (  # (what is measured, its figure, how it is printed, nanoseconds or bytes in one of these)
    ("hot", "median", "scalar, 10 tags, without pause: median µs a call", 1e3),
    ("hot", "p99", "scalar, 10 tags, without pause: 99th percentile µs", 1e3),
    ("bursts", "median", "scalar, bursts of 1000 calls: median µs a call", 1e3),
    ("paced", "median", "scalar, 10 a step of 5 ms: median µs a call", 1e3),
    ("paced", "p99", "scalar, 10 a step of 5 ms: 99th percentile µs", 1e3),
    ("image", "median", "image 3 × 256 × 256 float32: median ms a call", 1e6),
    ("image", "p99", "image 3 × 256 × 256 float32: slowest ms", 1e6),
    ("histogram", "median", "histogram of 10⁶ float32: median ms a call", 1e6),
    ("histogram", "p99", "histogram of 10⁶ float32: slowest ms", 1e6),
    ("hot", "bytes", "bytes a scalar point on disk", 1),
    ("import", "over", "import, ms over a bare interpreter", 1e-3),
)


def run(repeats: int, quick: bool) -> dict[tuple[str, str, str], float]:
    """Every measurement `repeats` times, the tools in turns: (tool, what, figure) -> median."""
    found: dict[tuple[str, str, str], list[float]] = {}
    whats = list(dict.fromkeys(what for what, *_ in ROWS if what != "import"))
    for _ in range(repeats):
        for what in whats:
            for tool in TOOLS:
                command = [sys.executable, __file__, "--measure", tool, what, *(["--quick"] if quick else [])]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                for figure, value in json.loads(done.stdout.splitlines()[-1]).items():
                    found.setdefault((tool, what, figure), []).append(value)
        for _ in range(3):
            bare = import_seconds("pass")
            for tool in TOOLS:
                found.setdefault((tool, "import", "over"), []).append(import_seconds(IMPORTS[tool]) - bare)
    return {key: statistics.median(values) for key, values in found.items()}


def table(found: dict[tuple[str, str, str], float]) -> str:
    """The Markdown table; the last column says how many times SummaryWriter's figure is ours."""
    lines = ["| | VisualDL | SummaryWriter | ratio |", "|---|---:|---:|---:|"]
    for what, figure, title, unit in ROWS:
        ours, theirs = (found[tool, what, figure] / unit for tool in TOOLS)
        lines.append(f"| {title} | {ours:.3g} | {theirs:.3g} | {theirs / ours:.1f}× |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print, or be the process that measures one thing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of the calls")
    parser.add_argument("--measure", nargs=2, metavar=("TOOL", "WHAT"), help=argparse.SUPPRESS)
    wishes = parser.parse_args()
    if wishes.measure:
        tool, what = wishes.measure
        print(json.dumps(measure(tool, what, wishes.quick)))
    else:
        print(table(run(wishes.repeats, wishes.quick)))


if __name__ == "__main__":
    main()
