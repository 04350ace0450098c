"""What the tutorial's logging costs, as a share of the time of a training step.

    python -m benches.overhead [--steps 400]

Trains the tutorial's network as examples/pytorch_cifar10.py does, in one process, and logs every second step. Two
figures come out: the time spent inside the logging calls, and the difference between steps with and without logging,
which also holds what the pump thread takes away from the training. Medians, because a shared machine has outliers.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from visualdl import LogWriter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

import pytorch_cifar10 as tutorial

WARM_UP = 20
GOAL = 0.005


@dataclass
class Stopwatch:
    """Stands in for the tutorial's `log_step`: logs every second step, and times all of them. Times in seconds."""

    log_step: Callable[[int, tutorial.CNN, Tensor, Tensor], None]
    calls: list[float] = field(default_factory=list)
    with_log: list[float] = field(default_factory=list)
    without_log: list[float] = field(default_factory=list)
    step_began: float | None = None

    def __call__(self, train_step: int, net: tutorial.CNN, loss: Tensor, accuracy: Tensor) -> None:
        logs = train_step % 2 == 0
        before = time.perf_counter()
        if logs:
            self.log_step(train_step, net, loss, accuracy)
        now = time.perf_counter()
        if self.step_began is not None and train_step >= WARM_UP:
            (self.with_log if logs else self.without_log).append(now - self.step_began)
            if logs:
                self.calls.append(now - before)
        self.step_began = now


def measure(steps: int) -> Stopwatch:
    """Train for that many steps in a temporary folder."""
    watches: list[Stopwatch] = []
    training_log = tutorial.training_log

    def timed_log(logger: LogWriter) -> Stopwatch:
        watches.append(Stopwatch(training_log(logger)))
        return watches[0]

    with tempfile.TemporaryDirectory() as folder:
        tutorial.training_log = timed_log
        try:
            tutorial.train(
                tutorial.Settings(
                    logdir=Path(folder),
                    model=Path(folder, "model.onnx"),
                    data="photographs",
                    steps=steps,
                    test_images=1000,
                )
            )
        finally:
            tutorial.training_log = training_log
    return watches[0]


def main() -> None:
    """Measure and print one Markdown table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--steps", type=int, default=400)
    watch = measure(options.parse_args().steps)

    calls, plain = statistics.median(watch.calls), statistics.median(watch.without_log)
    extra = statistics.median(watch.with_log) - plain
    tenths = statistics.quantiles(watch.without_log, n=10)
    print(
        f"\n{len(watch.calls)} steps with logging, {len(watch.without_log)} without; {torch.get_num_threads()} threads"
    )
    print(f"A step without logging: 10 % under {tenths[0] * 1e3:.1f} ms, 90 % under {tenths[-1] * 1e3:.1f} ms")
    print("| | median | share of a step |")
    print("|---|---|---|")
    print(f"| a step without logging | {plain * 1e3:.1f} ms | |")
    print(
        f"| inside the logging calls (2 scalars, 1 histogram, 2 images) | {calls * 1e6:.0f} µs | {calls / plain:.2%} |"
    )
    print(f"| a step with logging minus one without | {extra * 1e6:.0f} µs | {extra / plain:.2%} |")
    print(f"Goal: the calls take less than {GOAL:.1%} of a step.")


if __name__ == "__main__":
    main()
