"""SwanLab, offline: a writer; its local board is no longer kept up."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from benches.peers.contract import RUN, Calls, Tool, as_bytes


class SwanLab(Tool):
    """It has no histogram."""

    name = "swanlab"
    title = "SwanLab offline"
    statement = "import swanlab"
    packages = ("swanlab",)
    processes = "offline, a run belongs to one process"

    def open(self, folder: Path) -> Calls:
        """An offline run."""
        swanlab: Any = import_module("swanlab")
        folder.mkdir(parents=True, exist_ok=True)
        swanlab.init(project="bench", experiment_name=RUN, mode="offline", logdir=str(folder))
        return Calls(
            lambda tag, value, step: swanlab.log({tag: value}, step=step),
            swanlab.finish,
            image=lambda array, step: swanlab.log({"image": swanlab.Image(as_bytes(array))}, step=step),
            text=lambda words, step: swanlab.log({"text": swanlab.Text(words)}, step=step),
        )

    def count(self, folder: Path) -> int:
        """By the reader with which it uploads."""
        reader_of = import_module("swanlab.sdk.internal.core_python.store").DataStoreReader
        record = import_module("swanlab.proto.swanlab.record.v1.record_pb2").Record
        found = 0
        for path in folder.rglob("*.swanlab"):
            reader = reader_of()
            reader.open(path)
            found += sum(bool(record.FromString(entry).scalar.key) for entry in reader)
            reader.close()
        return found


TOOL = SwanLab()
