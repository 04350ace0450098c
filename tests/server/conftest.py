"""One board for the tests that only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.boards import Served, serving, write_logs, write_model


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A board with the runs of `write_logs` and a model, read to the end."""
    folder = tmp_path_factory.mktemp("board")
    (folder / "web" / "assets").mkdir(parents=True)
    (folder / "web" / "index.html").write_text("<!doctype html><title>VisualDL</title>" + " " * 2_000)
    (folder / "web" / "icon.svg").write_text("<svg/>")
    (folder / "web" / "assets" / "index-abc123.js").write_text("export {};")
    (folder / "secret.txt").write_text("classified")
    logs, model = write_logs(folder / "logs"), write_model(folder / "shapes.onnx")
    with serving(logs, model=model, pages=folder / "web") as served:
        served.when(lambda board: board["loading"] is None and len(board["runs"]) == 2 and board["graph"])
        yield served
