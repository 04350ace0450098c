"""TensorBoard: PyTorch's SummaryWriter, and the tensorboard server with its default sampling and without."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benches.peers.contract import RUN, Asks, Board, Calls, Seen, Shape, Tool


class Sampled(Board):
    """As it comes: at most 1000 points of a series, a random sample, read by the fast loader."""

    title = "TensorBoard"
    options: tuple[str, ...] = ()

    def command(self, folder: Path, port: int) -> Sequence[str]:
        """The fast loader is asked for, lest the slow one take its place silently."""
        where = ["--logdir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
        return ["-m", "tensorboard.main", *where, "--load_fast=true", *self.options]

    def ask(self, client: Asks, runs: Sequence[str], tag: str) -> dict[str, Seen]:
        """Its route for one tag of several runs."""
        form = urlencode([("tag", tag), *(("runs", run) for run in runs)])
        body = client.post("/data/plugin/scalars/scalars_multirun", form, "application/x-www-form-urlencoded")
        return {run: Seen(len(points), points[-1][1]) for run, points in json.loads(body).items() if points}


class EveryPoint(Sampled):
    """With a sample larger than any series. (`scalars=0`, once said to mean all, gives none with tensorboard 2.21.)"""

    title = "TensorBoard, every point"
    every_point = True
    options = ("--samples_per_plugin=scalars=100000000",)


class TensorBoard(Tool):
    """It stands in the environment of the developers, as torch does."""

    name = "tensorboard"
    title = "TensorBoard"
    statement = "from torch.utils.tensorboard import SummaryWriter"
    packages = ("torch", "tensorboard")
    environment = ""
    boards = (Sampled, EveryPoint)

    def open(self, folder: Path) -> Calls:
        """SummaryWriter."""
        return summary_writer(import_module("torch.utils.tensorboard").SummaryWriter(str(folder / RUN)))

    def count(self, folder: Path) -> int:
        """By the EventAccumulator, without its sampling."""
        module = import_module("tensorboard.backend.event_processing.event_accumulator")
        found = module.EventAccumulator(str(folder / RUN), size_guidance={"scalars": 0})
        found.Reload()
        return sum(len(found.Scalars(tag)) for tag in found.Tags()["scalars"])

    def generate(self, folder: Path, shape: Shape) -> None:
        """Event files."""
        from benches.peers.records import write_events

        write_events(folder, shape)


def summary_writer(writer: Any) -> Calls:
    """The calls of a SummaryWriter, PyTorch's or tensorboardX's."""
    return Calls(
        writer.add_scalar,
        writer.close,
        image=lambda array, step: writer.add_image("image", array, step),
        histogram=lambda values, step: writer.add_histogram("histogram", values, step),
        text=lambda words, step: writer.add_text("text", words, step),
    )


TOOL = TensorBoard()
