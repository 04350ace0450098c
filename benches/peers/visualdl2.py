"""VisualDL 2.5.3, the last of the old ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from urllib.parse import urlencode

from benches.peers.contract import RUN, Asks, Board, Calls, Seen, Shape, Tool, as_bytes


class OldBoard(Board):
    """At most 1000 points of a series, a random sample; one request for each run."""

    title = "VisualDL 2"

    def command(self, folder: Path, port: int) -> Sequence[str]:
        """Its console script."""
        start = "import sys; from visualdl.server.app import main; sys.exit(main())"
        return ["-c", start, "--logdir", str(folder), "--host", "127.0.0.1", "--port", str(port)]

    def ask(self, client: Asks, runs: Sequence[str], tag: str) -> dict[str, Seen]:
        """The list of runs, which it knows by their paths, then one question for each."""
        known = json.loads(client.get("/app/api/runs")).get("data") or []
        found = {}
        for path in known:
            if (run := Path(path).name) in runs:
                body = client.get("/app/api/scalar/list?" + urlencode({"run": path, "tag": tag}))
                if points := json.loads(body).get("data"):
                    found[run] = Seen(len(points), points[-1][1])
        return found


class VisualDL2(Tool):
    """Read back file by file: its own LogReader takes one."""

    name = "visualdl2"
    title = "VisualDL 2"
    statement = "from visualdl import LogWriter"
    packages = ("visualdl",)
    boards = (OldBoard,)

    def open(self, folder: Path) -> Calls:
        """LogWriter; it wants pictures as bytes, colours last."""
        writer = import_module("visualdl").LogWriter(logdir=str(folder / RUN))

        return Calls(
            lambda tag, value, step: writer.add_scalar(tag=tag, value=value, step=step),
            writer.close,
            image=lambda array, step: writer.add_image(tag="image", img=as_bytes(array), step=step),
            histogram=lambda values, step: writer.add_histogram(tag="histogram", values=values, step=step, buckets=100),
            text=lambda words, step: writer.add_text(tag="text", text_string=words, step=step),
        )

    def count(self, folder: Path) -> int:
        """By LogReader."""
        module = import_module("visualdl")
        found = 0
        for path in (folder / RUN).glob("vdlrecords*"):
            reader = module.LogReader(file_path=str(path))
            found += sum(len(reader.get_data("scalar", tag)) for tag in reader.get_tags().get("scalar", []))
        return found

    def generate(self, folder: Path, shape: Shape) -> None:
        """vdlrecords files."""
        from benches.peers.records import write_vdlrecords

        write_vdlrecords(folder, shape)


TOOL = VisualDL2()
