"""A model file -> its graph: finds the format that matches and opens it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from visualdl.errors import UnreadableModel
from visualdl.graph import onnx
from visualdl.graph.foreign import looks_like
from visualdl.graph.model import Graph

_HEAD = 4096


class Format(NamedTuple):
    """One kind of model file. match: whether a file with these first bytes may be one. open: reads it."""

    name: str
    match: Callable[[bytes], bool]
    open: Callable[[Path], Graph]


FORMATS: tuple[Format, ...] = (Format(onnx.NAME, onnx.match, onnx.open),)
"""Every format that can be shown. A new one is a file with `match` and `open`, and a line here."""


def load(path: str | os.PathLike[str]) -> Graph:
    """The graph of the model in the file at `path`.

    Reads nothing but this file (external data is told, not opened), runs nothing of it, and takes bounded time and
    memory whatever it holds. Raises UnreadableModel, saying what the file looks like, when it is no model we can read.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise UnreadableModel(f"Wanted a model file, got a folder: {path}")
        if path.exists() and not path.is_file():
            raise UnreadableModel(f"Wanted a model file, got something that is no regular file: {path}")
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise UnreadableModel(f"The model file cannot be read ({error.strerror}): {path}") from error
    foreign = looks_like(head)
    if foreign is not None:
        raise UnreadableModel(f"Wanted an ONNX file, but {foreign}: {path}")
    chosen = next((format for format in FORMATS if format.match(head)), FORMATS[0])
    try:
        return chosen.open(path)
    except OSError as error:
        raise UnreadableModel(f"The model file cannot be read ({error.strerror}): {path}") from error
    except UnreadableModel as error:
        raise UnreadableModel(f"Wanted an {chosen.name} file, but {error}: {path}") from error
