"""The model file of `--model`: read when it is there, and anew when it was written anew (an export during training)."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

from visualdl.errors import UnreadableModel


def read_graph(path: Path, shown: str) -> bytes:
    """The graph of a model file as JSON, with `file`: the name to show instead of its path.

    UnreadableModel says why it cannot be one.
    """
    import orjson

    from visualdl import graph  # seldom needed, and not small

    try:
        found = graph.load(path)
    except UnreadableModel as trouble:
        # The page is for everybody who may look; where the file lies is for whoever started the board.
        raise UnreadableModel(str(trouble).replace(str(path), shown)) from trouble
    return orjson.dumps({**found.to_json(), "file": shown})


class ModelFile:
    """A model file that is looked at again from time to time; thread safe.

    generation: grows whenever the graph was read anew. graph: its JSON, None before. trouble: why the file as it
    is now cannot be read, None when it can; the last good graph stays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        self.graph: bytes | None = None
        self.trouble: UnreadableModel | None = None
        self._seen: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def refresh(self) -> bool:
        """Read the file if it changed; whether that gave a new graph. A half-written file is tried again later."""
        with self._lock:
            try:
                status = os.stat(self.path)
            except OSError:
                return False
            seen = (status.st_mtime_ns, status.st_size)
            if seen == self._seen:
                return False
            self._seen = seen
            try:
                graph = read_graph(self.path, self.path.name)
            except UnreadableModel as trouble:
                self.trouble = trouble
                return False
            self.trouble = None
            if graph == self.graph:
                return False
            self.graph = graph
            self.generation += 1
            return True


class Upload:
    """A model file on its way in: a private temporary file (0600, in a 0700 folder) that is gone afterwards."""

    def __init__(self, limit: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="visualdl-")
        self.path = Path(self._folder.name) / "model"
        self._file = open(self.path, "xb")  # noqa: SIM115 - closed by close()
        self._left = limit

    def write(self, chunk: bytes) -> bool:
        """Append a piece; False when the file is over its limit."""
        self._left -= len(chunk)
        if self._left < 0:
            return False
        self._file.write(chunk)
        return True

    def sealed(self) -> Path:
        """The whole file, to be read."""
        self._file.close()
        return self.path

    def close(self) -> None:
        """Forget the file."""
        self._file.close()
        self._folder.cleanup()
