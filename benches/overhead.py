"""What logging costs a real training step, beside torch's SummaryWriter, in one process and in turns.

    python -m benches.overhead [--quick] [--before CHECKOUT]

Two trainings on the CPU: the tutorial's network with the tutorial's log (two scalars, a histogram and two images each
step), and a small transformer (three scalars each step, a histogram of every parameter each 50 steps). Each is trained
in blocks of steps: one without a log, one with ours, one with SummaryWriter's, the order drawn anew each round, so that
what the machine does beside meets all alike. Three costs are told apart:

- inside the calls: what the training thread waits for, by its own clock. PyTorch's part of it, `float()`, `item()` and
  `view()` for the values to log, is measured too: in the blocks without a log, which ask for the same values;
- behind them: the CPU time of the threads that a writer started. PyTorch uses every core, so this is taken from it;
- step with - step without: everything, caches and the interpreter's lock included. The median over the rounds of the
  difference between two neighbouring blocks, and the quartiles: on a shared machine it is the least sure figure.

The batches are in memory, and no process loads others meanwhile: the steps are as short as they can be.
`--before` adds the writer of another checkout as a column, to see what a change has brought.
"""

from __future__ import annotations

import argparse
import importlib
import math
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name that every PyTorch script knows)
from torch.utils.tensorboard import SummaryWriter

from visualdl import LogWriter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

import photographs
import pytorch_cifar10 as tutorial

GOAL = 0.005
NOTHING, OURS, THEIRS, BEFORE = "nothing", "ours", "SummaryWriter", "before"
Log = Callable[[int], None]


@dataclass(frozen=True)
class Training:
    """A model in training. step(log, number): one step, which calls log(number) once, as a script would."""

    name: str
    calls: str  # what is logged, in words
    block: int  # steps in a row of one writer
    step: Callable[[Log, int], None]
    values: Log  # asks for the values that are logged, and drops them
    logs: dict[str, Callable[[Any], Log]]  # the calls, made with the writer of that tool


# ------------------------------------------------------------------------------------------------ the trainings


def tutorial_training(*, quick: bool) -> Training:
    """The network, the batches and the calls of examples/pytorch_cifar10.py."""
    pictures = photographs.crops(train=True, count=2000)
    images, labels = torch.from_numpy(pictures.images), torch.from_numpy(pictures.labels)
    net = tutorial.CNN()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    loss, accuracy = torch.zeros(()), torch.zeros(())

    def step(log: Log, number: int) -> None:
        nonlocal loss, accuracy
        batch = slice(number % 4 * 500, number % 4 * 500 + 500)
        optimizer.zero_grad()
        outputs = net(tutorial.normalize(images[batch]))
        loss = F.cross_entropy(outputs, labels[batch])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        loss = loss.detach()
        accuracy = (outputs.argmax(1) == labels[batch]).float().mean()
        log(number)

    def values(number: int) -> None:
        float(loss)
        float(accuracy)
        net.conv1.weight.view(6 * 3 * 5 * 5, -1)
        net.conv2.weight.view(16 * 6 * 5 * 5, -1)
        net.conv1.weight.view(6 * 3 * 5 * 5, -1)

    def ours(writer: Any) -> Log:
        log_step = tutorial.training_log(writer)
        return lambda number: log_step(number, net, loss, accuracy)

    def theirs(writer: Any) -> Log:
        def log(number: int) -> None:
            writer.add_scalar("scalars/scalar_pytorch_train_loss", float(loss), number)
            writer.add_scalar("scalars/accuracy", float(accuracy), number)
            writer.add_histogram("histogram/histogram0", net.conv1.weight.view(6 * 3 * 5 * 5, -1), number, bins=100)
            writer.add_image("images/image1", net.conv2.weight.view(96, 25), number, dataformats="HW")
            writer.add_image("images/image2", net.conv1.weight.view(18, 25), number, dataformats="HW")

        return log

    calls = "2 scalars, 1 histogram of 450 values and 2 images of 96 × 25 and 18 × 25 each step"
    return Training(
        "The tutorial's network", calls, 5 if quick else 40, step, values, {OURS: ours, THEIRS: theirs, BEFORE: ours}
    )


class Transformer(nn.Module):
    """Four layers that guess the next of 64 characters: 0.8 million parameters in 52 tensors."""

    def __init__(self, length: int, width: int = 128) -> None:
        super().__init__()
        self.characters = nn.Embedding(64, width)
        self.places = nn.Parameter(torch.randn(length, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, F.gelu, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.guess = nn.Linear(width, 64)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

    def forward(self, text: Tensor) -> Tensor:
        """int64 (n, length) -> scores, float32 (n, length, 64)."""
        seen = self.layers(self.characters(text) + self.places, mask=self.mask, is_causal=True)
        scores: Tensor = self.guess(seen)
        return scores


def transformer_training(*, quick: bool) -> Training:
    """A small transformer on generated text, batches of 16 × 128 characters."""
    every = 10 if quick else 50
    text = torch.tensor(generated_text(1 << 16))
    net = Transformer(128)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 100_000)
    loss, norm = torch.zeros(()), torch.zeros(())

    def step(log: Log, number: int) -> None:
        nonlocal loss, norm
        starts = torch.randint(len(text) - 129, (16, 1))
        batch = text[starts + torch.arange(129)]
        optimizer.zero_grad()
        loss = F.cross_entropy(net(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        loss = loss.detach()
        log(number)

    def values(number: int) -> None:
        loss.item()
        schedule.get_last_lr()
        norm.item()
        if number % every == 0:
            list(net.named_parameters())

    def calls(buckets: str) -> Callable[[Any], Log]:
        def made(writer: Any) -> Log:
            def log(number: int) -> None:
                writer.add_scalar("loss", loss.item(), number)
                writer.add_scalar("lr", schedule.get_last_lr()[0], number)
                writer.add_scalar("gradient norm", norm.item(), number)
                if number % every == 0:
                    for name, weight in net.named_parameters():
                        writer.add_histogram(name, weight, number, **{buckets: 64})

            return log

        return made

    ours = calls("buckets")
    told = f"3 scalars each step, histograms of all {len(list(net.parameters()))} parameter tensors each {every} steps"
    return Training("A transformer", told, every, step, values, {OURS: ours, THEIRS: calls("bins"), BEFORE: ours})


def generated_text(length: int) -> list[int]:
    """Words of a small language that was made up for the purpose; characters as numbers below 64."""
    chance = random.Random(0)
    words = [[chance.randrange(1, 64) for _ in range(chance.randint(2, 9))] for _ in range(300)]
    text: list[int] = []
    while len(text) < length:
        text += [*chance.choice(words[: chance.choice((10, 50, 300))]), 0]
    return text[:length]


# ------------------------------------------------------------------------------------------------ the writers


def older_writer(checkout: str) -> type:
    """The LogWriter of another checkout, beside ours in one process."""
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "visualdl"}
    sys.path.insert(0, checkout)
    try:
        older: type = importlib.import_module("visualdl").LogWriter
        with tempfile.TemporaryDirectory() as folder, older(folder) as writer:  # what it imports late, it imports now
            writer.add_scalar("x", torch.zeros(()), 0)
            writer.add_histogram("x", [0.0], 0)
            writer.add_image("x", torch.zeros(1, 1, 1), 0)
    finally:
        sys.path.remove(checkout)
        sys.modules.update(ours)
    return older


@dataclass
class Writer:
    """A tool at work on one training, and what was measured of it. Times in seconds."""

    log: Log
    flush: Callable[[], Any]
    close: Callable[[], Any]
    threads: Sequence[threading.Thread] = ()
    inside: list[float] = field(default_factory=list)  # of each step
    behind: list[float] = field(default_factory=list)  # CPU time a step, of each block
    steps: list[float] = field(default_factory=list)  # mean step of each block

    def timed(self, number: int) -> None:
        began = time.perf_counter()
        self.log(number)
        self.inside.append(time.perf_counter() - began)

    def cpu(self) -> float:
        """The CPU time that its threads have had so far."""
        clocks = (time.pthread_getcpuclockid(thread.ident) for thread in self.threads if thread.ident is not None)
        return sum(map(time.clock_gettime, clocks))


def open_writers(training: Training, folder: Path, before: str | None) -> dict[str, Writer]:
    """A writer of each tool; its threads are those that the first records start."""
    makers: dict[str, Any] = {OURS: LogWriter, THEIRS: SummaryWriter}
    if before:
        makers[BEFORE] = older_writer(before)
    writers = {NOTHING: Writer(training.values, lambda: None, lambda: None)}
    for name, make in makers.items():
        there = set(threading.enumerate())
        writer = make(str(folder / name))
        writers[name] = Writer(training.logs[name](writer), writer.flush, writer.close)
        training.step(writers[name].log, 0)
        writers[name].threads = [thread for thread in threading.enumerate() if thread not in there]
    return writers


# ------------------------------------------------------------------------------------------------ measuring


def blocks(training: Training, writers: dict[str, Writer], seconds: float) -> Iterator[None]:
    """Train for about that long, in rounds of one block a writer, three at least; yields after each round."""
    order = list(writers.items())
    chance = random.Random(0)
    number, deadline = training.block, time.monotonic() + seconds
    while number <= 3 * training.block or time.monotonic() < deadline:
        chance.shuffle(order)
        for name, writer in order:
            cpu, began = writer.cpu(), time.perf_counter()
            for i in range(number, number + training.block):
                training.step(writer.timed, i)
            writer.steps.append((time.perf_counter() - began) / training.block)
            writer.flush()  # or its work would fall into the block of the next
            writer.behind.append((writer.cpu() - cpu) / training.block)
            print(f"{training.name}, {name}: {writer.steps[-1] * 1e3:.2f} ms a step", file=sys.stderr)
        number += training.block
        yield


def measure(training: Training, seconds: float, before: str | None) -> dict[str, Writer]:
    """The writers with what was measured; the first round, which warms everything up, is not in it."""
    with tempfile.TemporaryDirectory() as folder:
        writers = open_writers(training, Path(folder), before)
        rounds = blocks(training, writers, seconds)
        next(rounds)
        for writer in writers.values():
            writer.inside, writer.behind, writer.steps = [], [], []
        for _ in rounds:
            pass
        for writer in writers.values():
            writer.close()
        return writers


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The median between its quartiles."""
    if len(values) < 2:
        return (math.nan,) * 3
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def table(training: Training, writers: dict[str, Writer]) -> Iterator[str]:
    """The Markdown of one training."""
    plain = writers[NOTHING].steps
    low, step, high = quartiles(plain)
    tools = [name for name in writers if name != NOTHING]
    logged, own = len(writers[OURS].inside), statistics.mean(writers[NOTHING].inside)
    yield f"**{training.name}**: {training.calls}. A step without a log takes {step * 1e3:.1f} ms (quartiles of"
    yield f"{len(plain)} blocks of {training.block} steps: {low * 1e3:.1f} to {high * 1e3:.1f} ms). Each tool logged"
    yield f"{logged} steps. PyTorch's own part inside the calls: {own * 1e6:,.0f} µs.\n"
    yield f"| a step | {' | '.join(tools)} | SummaryWriter ÷ ours | goal |"
    yield "|---|" + "---:|" * (len(tools) + 2)

    def row(name: str, of: Callable[[Writer], float], show: Callable[[float], str], goal: str = "") -> str:
        values = {tool: of(writers[tool]) for tool in tools}
        ratio = values[THEIRS] / values[OURS] if values[OURS] > 0 else math.nan
        return f"| {name} | {' | '.join(map(show, values.values()))} | {ratio:.1f} | {goal} |"

    def micro(seconds: float) -> str:
        return f"{seconds * 1e6:,.0f} µs"

    def share(part: float) -> str:
        return f"{part:.2%}"

    def calls(writer: Writer) -> float:
        return statistics.mean(writer.inside) / step

    yield row("inside the calls, median", lambda w: statistics.median(w.inside), micro)
    yield row("inside the calls, mean", lambda w: statistics.mean(w.inside), micro)
    yield row(
        "inside the calls, 99th percentile",
        lambda w: statistics.quantiles(w.inside, n=100, method="inclusive")[-1],
        micro,
    )
    yield row("behind the calls: CPU time of its threads", lambda w: statistics.median(w.behind), micro)
    yield row("inside the calls, mean, share of a step", calls, share, f"< {GOAL:.1%}")
    yield row("the same without PyTorch's own part", lambda w: calls(w) - own / step, share)
    yield row("inside and behind, share", lambda w: calls(w) + statistics.median(w.behind) / step, share)
    differences = {
        tool: quartiles([with_log - without for with_log, without in zip(writers[tool].steps, plain, strict=True)])
        for tool in tools
    }
    told = [
        f"{middle / step:+.2%} ({low / step:+.2%} to {high / step:+.2%})" for low, middle, high in differences.values()
    ]
    yield f"| step with − step without, median (quartiles) | {' | '.join(told)} | | |\n"


def main() -> None:
    """Measure both trainings and print a table of each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a fifth of the time and of the certainty")
    options.add_argument("--before", metavar="CHECKOUT", help="a folder with an older visualdl, as a further column")
    options.add_argument("--only", choices=("tutorial", "transformer"), help="one of the two trainings")
    options.add_argument("--seconds", type=float, default=105.0, help="for each of the two (%(default)s)")
    asked = options.parse_args()
    torch.manual_seed(0)
    print(f"PyTorch {torch.__version__} on the CPU, threads: {torch.get_num_threads()}.\n")
    for make in (tutorial_training, transformer_training):
        if asked.only and not make.__name__.startswith(asked.only):
            continue
        training = make(quick=asked.quick)
        writers = measure(training, asked.seconds / (5 if asked.quick else 1), asked.before)
        print("\n".join(table(training, writers)))


if __name__ == "__main__":
    main()
