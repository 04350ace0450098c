"""ONNX model files, opened with neither `onnx` nor `protobuf` installed.

`onnx_messages.py` reads the file, `expand.py` lays its functions and sub-graphs out flat, `scopes.py` finds the
modules. External data is told by name, offset and length; its file is never opened.
"""

from __future__ import annotations

import os
from pathlib import Path

from visualdl.errors import UnreadableModel
from visualdl.graph.expand import expand
from visualdl.graph.model import Graph
from visualdl.graph.onnx_messages import read_model
from visualdl.graph.protobuf import WireFile

NAME = "ONNX"


def match(head: bytes) -> bool:
    """Whether a file that starts with `head` may be an ONNX model: ir_version comes first in all we have seen.

    Protobuf allows any order, so a file that does not match is still given to `open` when nothing else matches.
    """
    return len(head) >= 2 and head[0] == 0x08 and 0 < head[1] < 0x80


def open(path: Path) -> Graph:
    """The graph in the ONNX file at `path`. Raises UnreadableModel when there is none, OSError when unreadable."""
    with path.open("rb", buffering=0) as file:
        model = read_model(WireFile(file, os.fstat(file.fileno()).st_size))
    if model.graph is None:
        raise UnreadableModel("it is a protobuf file, but holds no ONNX graph")
    if not (model.graph.nodes or model.graph.inputs or model.graph.outputs or model.graph.weights):
        raise UnreadableModel("it is a protobuf file, but its ONNX graph is empty")
    return expand(model, format=NAME)
