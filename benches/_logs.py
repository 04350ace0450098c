"""Large logs of finished runs, made fast: our own sealing and framing, fed with whole columns instead of calls."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visualdl.log.columns import encode_rows
from visualdl.log.frame import CLOSE, ROWS, TAGS, Closed, encode_closed, encode_json
from visualdl.log.frame_file import FrameFile
from visualdl.log.sealing import SEAL_ROWS
from visualdl.log.tail import ROW_DTYPE

BEGUN = 1.75e9
_STEP_SECONDS = 1e-3


@dataclass(frozen=True)
class Shape:
    """So many runs of so many tags of so many steps each, logged tag by tag in each step."""

    runs: int
    tags: int
    steps: int

    @property
    def points(self) -> int:
        """Of all runs together."""
        return self.runs * self.tags * self.steps

    def __str__(self) -> str:
        if self.runs == self.tags == 1:
            return f"1 series × {self.steps:,}"
        return f"{self.runs:,} runs × {self.tags} tags × {self.steps:,}"


def write(root: Path, shape: Shape) -> None:
    """The logs of `shape` below `root`, on all cores."""
    workers = os.cpu_count() or 1
    if shape.runs == 1:
        _write_runs(root, shape, range(1))
        return
    with ProcessPoolExecutor(workers) as pool:
        slices = [range(i, shape.runs, workers) for i in range(workers)]
        for done in [pool.submit(_write_runs, root, shape, runs) for runs in slices]:
            done.result()


def _write_runs(root: Path, shape: Shape, runs: range) -> None:
    for run in runs:
        _write_run(root / f"group{run % 10}" / f"run{run}", shape, np.random.default_rng(run))


def _write_run(folder: Path, shape: Shape, random: np.random.Generator) -> None:
    """A closed log as our writer leaves it: what float32 holds, noise on a falling line, jittered times."""
    folder.mkdir(parents=True)
    file = FrameFile(str(folder / f"20250615T151640.{random.integers(10**6):06}Z-bench-1-{random.bytes(4).hex()}.vdl"))
    tags = [{"id": tag, "kind": "scalar", "tag": f"group{tag % 4}/tag{tag}"} for tag in range(shape.tags)]
    file.append(TAGS, n=len(tags), body=encode_json(tags))
    for first, rows in _rows(shape, random):
        part = encode_rows(rows.tobytes(), first, first + len(rows))
        file.append(ROWS, n=part.n, index=part.directory, body=part.body, codec=part.codec, flags=part.flags)
    file.append(TAGS, n=len(tags), body=encode_json(tags))
    file.append(CLOSE, body=encode_closed(Closed(shape.tags * shape.steps, 0, 0)))
    file.close()


def _rows(shape: Shape, random: np.random.Generator) -> Iterator[tuple[int, np.ndarray]]:
    """Ring rows, as many as one frame takes, and the number of the first."""
    count = shape.tags * shape.steps
    for first in range(0, count, SEAL_ROWS):
        number = np.arange(first, min(first + SEAL_ROWS, count))
        rows = np.zeros(len(number), ROW_DTYPE)
        rows["step"], rows["tag"] = np.divmod(number, shape.tags)
        rows["time"] = BEGUN + rows["step"] * _STEP_SECONDS + random.random(len(number)) * 1e-4
        values = 10 / (1 + rows["step"] / 1e4) + random.standard_normal(len(number), np.float32)
        rows["value"] = values.astype(np.float32)
        yield first, rows
