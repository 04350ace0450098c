"""Real boards for the tests: logs of LogWriter, served over a socket on a free port, read by the words of the docs."""

from __future__ import annotations

import json
import math
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from visualdl import LogWriter
from visualdl.demo import onnx_file
from visualdl.demo.network import fresh
from visualdl.server.api import About
from visualdl.server.app import Board, create_app
from visualdl.server.guard import Policy
from visualdl.server.model import ModelFile
from visualdl.server.pages import Pages
from visualdl.server.serve import Background, listen
from visualdl.store.store import Store

Columns = dict[str, "np.ndarray[Any, Any]"]

# Seconds after which a test gives up. What it waits for comes in a moment, but not on a machine with too much to do.
PATIENCE = 120.0


@dataclass(frozen=True)
class Served:
    """A running board: its address, its port, and a client that asks it."""

    url: str
    port: int
    client: httpx.Client

    @property
    def live(self) -> str:
        """The address of `api/live`."""
        return self.url.replace("http://", "ws://") + "api/live"

    def board(self) -> dict[str, Any]:
        """What api/board says."""
        answer = self.client.get("api/board")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def when(self, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What api/board says as soon as `true` of it; fails when its patience ends."""
        limit = time.monotonic() + PATIENCE
        while not true(board := self.board()):
            assert time.monotonic() < limit, f"the board never came to that: {board}"
            time.sleep(0.02)
        return board

    def run(self, name: str) -> str:
        """The id of a run, once it is there."""
        board = self.when(lambda board: any(run["name"] == name for run in board["runs"]))
        return next(str(run["id"]) for run in board["runs"] if run["name"] == name)

    def series(
        self, tag: str, *runs: str, kind: str = "scalar", **more: str | int
    ) -> tuple[dict[str, Any], list[Columns]]:
        """The header and the columns of one answer of api/series."""
        answer = self.client.get("api/series", params={"kind": kind, "tag": tag, "runs": ",".join(runs), **more})
        assert answer.status_code == 200, answer.text
        return read_answer(answer.content)


def read_answer(answer: bytes) -> tuple[dict[str, Any], list[Columns]]:
    """A binary answer read by the words of docs/http_api.md alone."""
    assert answer[:4] == b"VDC1"
    (length,) = struct.unpack_from("<I", answer, 4)
    assert (8 + length) % 8 == 0
    header = json.loads(answer[8 : 8 + length])
    content = []
    for series in header["series"]:
        columns = {}
        for name, place in series["columns"].items():
            assert place["at"] % 8 == 0
            count = math.prod(place["shape"])
            flat = np.frombuffer(answer, "<" + place["type"], count, 8 + length + place["at"])
            columns[name] = flat.reshape(place["shape"])
        content.append(columns)
    return header, content


def write_logs(folder: Path) -> Path:
    """Two runs: `train` with 5,000 points (one NaN, one inf), a picture and a histogram; `test` with 50 points."""
    with LogWriter(folder) as writer:
        train, test = writer.as_mode("train"), writer.as_mode("test")
        for step in range(5_000):
            value = math.nan if step == 1_234 else math.inf if step == 4_321 else 1.0 / (step + 1)
            train.add_scalar("loss/total", value, step)
        for step in range(50):
            test.add_scalar("loss/total", 2.0 / (step + 1), 100 * step)
        picture = np.zeros((8, 12, 3), np.uint8)
        picture[2:6, 3:9] = (250, 120, 10)
        train.add_image("images/box", picture, 0)
        train.add_histogram("weights", np.linspace(-1, 1, 1_000), 0, buckets=20)
    return folder


def write_model(path: Path) -> Path:
    """A small ONNX file."""
    path.write_bytes(onnx_file.model(fresh(256, 6, seed=0), 6, 256))
    return path


@contextmanager
def serving(
    *roots: Path, policy: Policy | None = None, model: Path | None = None, prefix: str = "", pages: Path | None = None
) -> Iterator[Served]:
    """A board on a free port of 127.0.0.1, until the end of the block."""
    listening = listen("127.0.0.1", 0)
    board = Board(
        Store(list(roots)),
        About("1.2.3", "en", tuple(root.name for root in roots)),
        policy or Policy(),
        None if model is None else ModelFile(model),
        prefix,
        Pages() if pages is None else Pages(pages),
    )
    server = Background(create_app(board), listening)
    server.start()
    url = f"http://127.0.0.1:{listening.port}{prefix}/"
    try:
        with httpx.Client(base_url=url, timeout=PATIENCE) as client:
            yield Served(url, listening.port, client)
    finally:
        server.stop()
