"""Weights & Biases, offline: a writer whose board is elsewhere."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from benches.peers.contract import RUN, Calls, Tool, as_bytes

_BLOCK, _HEADER = 32768, 7  # of its journal, which is LevelDB's


class WandB(Tool):
    """Default settings, less what it would tell about machine and code."""

    name = "wandb"
    title = "W&B offline"
    statement = "import wandb"
    packages = ("wandb",)
    processes = "offline, a run belongs to one process"

    def open(self, folder: Path) -> Calls:
        """An offline run."""
        wandb: Any = import_module("wandb")
        folder.mkdir(parents=True, exist_ok=True)
        settings = wandb.Settings(
            x_disable_stats=True, x_disable_meta=True, disable_git=True, disable_code=True, console="off", silent=True
        )
        run = wandb.init(project="bench", name=RUN, dir=str(folder), mode="offline", settings=settings)
        return Calls(
            lambda tag, value, step: run.log({tag: value}, step=step),
            run.finish,
            image=lambda array, step: run.log({"image": wandb.Image(as_bytes(array))}, step=step),
            histogram=lambda values, step: run.log({"histogram": wandb.Histogram(values)}, step=step),
        )

    def count(self, folder: Path) -> int:
        """From its journal, in which each row of a step stands once: it has no reader of its own in Python."""
        record = import_module("wandb.proto.wandb_internal_pb2").Record
        found = 0
        for path in folder.rglob("*.wandb"):
            for entry in journal(path.read_bytes()):
                message = record.FromString(entry)
                if message.WhichOneof("record_type") == "history":
                    keys = (item.key or "/".join(item.nested_key) for item in message.history.item)
                    found += sum(not key.startswith("_") for key in keys)
        return found


def journal(data: bytes) -> Iterator[bytes]:
    """The whole entries of a journal, put together from their pieces."""
    at, entry = _HEADER, b""  # a header of the file comes first
    while at + _HEADER <= len(data):
        if _BLOCK - at % _BLOCK < _HEADER:
            at += _BLOCK - at % _BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        piece = data[at + _HEADER : at + _HEADER + length]
        if kind == 0 or len(piece) < length:
            return
        entry = piece if kind in (1, 2) else entry + piece  # whole, first, middle, last
        if kind in (1, 4):
            yield entry
        at += _HEADER + length


TOOL = WandB()
