"""VisualDL: ourselves, by the same contract."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from benches.peers.contract import RUN, Asks, Board, Calls, Seen, Shape, Tool

MOST_A_RUN, MOST = 100_000, 5_000_000  # points that one question may ask for


class Charts(Board):
    """What a card asks for: at most 1600 points of each run that hold every extreme."""

    title = "VisualDL"
    points = 1600

    def __init__(self) -> None:
        self.exact = True  # the last answer held every point
        self._ids: dict[str, str] = {}

    def command(self, folder: Path, port: int) -> Sequence[str]:
        """The server as installed."""
        return ["-m", "visualdl", "--logdir", str(folder), "--port", str(port)]

    def ask(self, client: Asks, runs: Sequence[str], tag: str) -> dict[str, Seen]:
        """The list of runs, then one answer of binary columns for all of them."""
        names = self.ids(client, runs)
        if not names:
            return {}
        points = min(self.points, MOST // len(names))
        query = {"kind": "scalar", "tag": tag, "runs": ",".join(names), "n": points}
        body = client.get("/api/series?" + urlencode(query))
        (length,) = struct.unpack_from("<I", body, 4)
        found = {}
        self.exact = True
        for series in json.loads(body[8 : 8 + length])["series"]:
            self.exact &= series["exact"]
            step = series["columns"]["step"]
            (count,) = step["shape"]
            kind, width = {"u4": ("I", 4), "f4": ("f", 4), "f8": ("d", 8)}[step["type"]]
            last = struct.unpack_from(f"<{kind}", body, 8 + length + step["at"] + (count - 1) * width)[0]
            found[names[series["run"]]] = Seen(count, last)
        return found

    def ids(self, client: Asks, runs: Sequence[str]) -> dict[str, str]:
        """The names of the wanted runs by their id, asked for until all are known: the page keeps them too."""
        if not set(runs) <= set(self._ids.values()):
            board = json.loads(client.get("/api/board"))
            self._ids = {run["id"]: run["name"] for run in board["runs"]}
        return {known: name for known, name in self._ids.items() if name in runs}


class EveryPoint(Charts):
    """All raw points: the same question where an answer may hold so many, CSV beyond."""

    title = "VisualDL, every point"
    every_point = True
    points = MOST_A_RUN

    def ask(self, client: Asks, runs: Sequence[str], tag: str) -> dict[str, Seen]:
        """As above; once a series was longer than an answer, that of one run comes as CSV."""
        names = self.ids(client, runs)
        if self.exact or len(names) != 1:
            found = super().ask(client, runs, tag)
            if self.exact or len(names) != 1:
                return found
        body = client.get("/api/csv?" + urlencode({"kind": "scalar", "tag": tag, "runs": ",".join(names)}))
        last = body.rstrip().rsplit(b"\n", 1)[-1].split(b",")
        return {name: Seen(body.count(b"\n") - 1, float(last[1])) for name in names.values()}


class Ours(Tool):
    """The package of this tree."""

    name = "ours"
    title = "VisualDL"
    statement = "from visualdl import LogWriter"
    packages = ("visualdl",)
    environment = ""
    text = "no text yet"
    boards = (Charts, EveryPoint)

    def open(self, folder: Path) -> Calls:
        """The calls of 2.x."""
        from visualdl import LogWriter

        writer = LogWriter(str(folder / RUN))
        return Calls(
            writer.add_scalar,
            writer.close,
            image=lambda array, step: writer.add_image("image", array, step, dataformats="CHW"),
            histogram=lambda values, step: writer.add_histogram("histogram", values, step, buckets=100),
        )

    def count(self, folder: Path) -> int:
        """By LogReader."""
        from visualdl import LogReader

        reader = LogReader(str(folder / RUN))
        return sum(len(reader.get_data("scalar", tag)) for tag in reader.get_tags().get("scalar", []))

    def generate(self, folder: Path, shape: Shape) -> None:
        """By LogWriter: it is fast enough."""
        from visualdl import LogWriter

        for number, name in enumerate(shape.names):
            with LogWriter(str(folder / name)) as writer:
                curves = [(f"t{tag}", shape.curve(number, tag).tolist()) for tag in range(shape.tags)]
                for step in range(shape.steps):
                    for tag, curve in curves:
                        writer.add_scalar(tag, curve[step], step)


TOOL = Ours()
