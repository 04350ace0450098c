"""A board that asks for a token, for the tests that only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.attacks.sockets import TOKEN
from tests.server.boards import Served, serving, write_logs, write_model
from visualdl.server.guard import Policy


@pytest.fixture
def locked(signed_out: Served) -> Served:
    """A board that asks for a token, and a client that has forgotten any it was given."""
    signed_out.client.cookies.clear()
    return signed_out


@pytest.fixture(scope="module")
def signed_out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("locked")
    (folder / "web" / "assets").mkdir(parents=True)
    (folder / "web" / "index.html").write_text("<!doctype html><title>VisualDL</title>the board")
    (folder / "web" / "assets" / "index-abc123.js").write_text("export {};")
    own = frozenset({"board.example.org"})
    policy = Policy(TOKEN, frozenset({"trainbox"}) | own, own, "visualdl-8040")
    logs, model = write_logs(folder / "logs"), write_model(folder / "m.onnx")
    with serving(logs, policy=policy, pages=folder / "web", model=model) as served:
        served.client.headers["authorization"] = f"Bearer {TOKEN}"
        served.when(lambda board: len(board["runs"]) == 2 and board["graph"])
        del served.client.headers["authorization"]
        yield served
