"""What every tool that is measured has: calls that log, a reader that counts, and perhaps boards that answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SILENT = {
    "AIM_ANALYTICS": "0",
    "DO_NOT_TRACK": "1",
    "GIT_PYTHON_REFRESH": "quiet",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false",
    "RERUN_ANALYTICS": "0",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
}
"""What is set for every tool: nothing is reported to anybody, nothing leaves the machine."""

RUN = "run0"
"""The run that a writer logs to: a folder of this name, where a tool keeps runs in folders."""


@dataclass(frozen=True)
class Calls:
    """An open writer. What a tool cannot log is None.

    image: of numpy floats in 0…1, 3 × height × width; what a user must do to hand it over is part of the call.
    """

    scalar: Callable[[str, float, int], Any]  # tag, value, step
    close: Callable[[], Any]
    image: Callable[[Any, int], Any] | None = None
    histogram: Callable[[Any, int], Any] | None = None  # of a 1-d numpy array
    text: Callable[[str, int], Any] | None = None


@dataclass(frozen=True)
class Shape:
    """Logs to be served: so many runs `run0`, `run1`, … with so many tags `t0`, `t1`, … of so many points."""

    runs: int
    tags: int
    steps: int

    @property
    def names(self) -> list[str]:
        """Of the runs."""
        return [f"run{run}" for run in range(self.runs)]

    def curve(self, run: int, tag: int) -> npt.NDArray[np.float32]:
        """A falling, noisy loss, in the precision in which a network gives it."""
        import numpy as np

        noise = np.random.default_rng(run * 1000 + tag).normal(0, 0.05, self.steps)
        return (2.3 * np.exp(-3 * np.arange(self.steps) / self.steps) + noise).astype(np.float32)


class Asks(Protocol):
    """A client of a board, which counts the time until an answer is there, and its bytes."""

    def get(self, path: str) -> bytes:
        """The body of the answer to a GET."""

    def post(self, path: str, body: str, content: str) -> bytes:
        """The body of the answer to a POST with that content type."""


@dataclass(frozen=True)
class Seen:
    """How much of a series an answer held."""

    points: int
    last: float  # its last step


class Board:
    """A tool's web server; an object for each time that it is started."""

    title: ClassVar[str]
    every_point: ClassVar[bool] = False  # it was asked for every point, not for what a chart needs
    ready: ClassVar[str] = ""  # what its output says when it may be asked; "" means that it may be asked at once

    def command(self, folder: Path, port: int) -> Sequence[str]:
        """The arguments after the Python of the tool that serve a folder on 127.0.0.1."""
        raise NotImplementedError

    def ask(self, client: Asks, runs: Sequence[str], tag: str) -> dict[str, Seen]:
        """One tag of these runs, as the tool's own page asks for it. Runs that it does not know yet are left out."""
        raise NotImplementedError


class Tool:
    """A tool. `load`, `open`, `count` and `generate` run in its own environment, the boards' methods in ours."""

    name: ClassVar[str]
    title: ClassVar[str]
    statement: ClassVar[str]  # what a training script imports
    packages: ClassVar[tuple[str, ...]]  # what is installed to have that
    environment: ClassVar[str | None] = None  # whose environment it shares; "" is that of the developers
    reader: ClassVar[str | None] = None  # the tool that reads its logs back, when it does not do so itself
    processes: ClassVar[str] = ""  # why processes cannot log one run together; "" means they can
    text: ClassVar[str] = "–"  # said where it cannot log text
    boards: ClassVar[tuple[type[Board], ...]] = ()
    # Of the points of a size of logs, where writing all would take too long; 0: none at all.
    share: ClassVar[Mapping[str, float]] = MappingProxyType({})

    @property
    def entry(self) -> str:
        """The module that `statement` imports."""
        return self.statement.split()[1]

    def settings(self, folder: Path) -> dict[str, str]:
        """What has to be in the environment of a process before it imports the tool, to log to or serve that folder."""
        return {}

    def load(self) -> None:
        """Import what a training script does."""
        import_module(self.entry)

    def open(self, folder: Path) -> Calls:
        """A writer of RUN in this folder of logs, with the tool's default settings."""
        raise NotImplementedError

    def count(self, folder: Path) -> int:
        """How many scalar points the tool's own reader finds in RUN of this folder of logs."""
        raise NotImplementedError

    def generate(self, folder: Path, shape: Shape) -> None:
        """Logs of this shape in the tool's own format."""
        raise NotImplementedError

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        place = self.name if self.environment is None else self.environment
        return python_of(place) if place else Path(sys.executable)


def as_bytes(image: Any) -> Any:
    """The picture that tools want that take no floats with the colours first: what their users have to write."""
    return (image.transpose(1, 2, 0) * 255).astype("uint8")


def python_of(place: str) -> Path:
    """The interpreter of an environment below .peers."""
    scripts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return Path(__file__).resolve().parents[2].joinpath(".peers", place, *scripts)
