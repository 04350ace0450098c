"""A run on a slow disk: while somebody reads it, what is new in the others is found all the same."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from visualdl import LogWriter
from visualdl.errors import UnknownSeries
from visualdl.store.question import Question
from visualdl.store.run import Run
from visualdl.store.store import Store

PATIENCE = 60.0


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Whoever reads the points of the run `slow` has begun, and goes on when told to."""
    begun, may_go_on = threading.Event(), threading.Event()
    parts: Callable[..., Any] = Run.parts

    def wait(run: Run, *arguments: Any) -> Any:
        with run._lock if run.path.endswith("slow") else threading.Lock():  # where a slow read holds it
            if run.path.endswith("slow"):
                begun.set()
                may_go_on.wait(PATIENCE)
        return parts(run, *arguments)

    monkeypatch.setattr(Run, "parts", wait)
    return begun, may_go_on


def test_a_run_that_is_read_slowly_holds_up_the_news_of_no_other(
    tmp_path: Path, slow: tuple[threading.Event, threading.Event]
) -> None:
    begun, may_go_on = slow
    with LogWriter(tmp_path / "slow") as writer:
        writer.add_scalar("a", 1.0, 0)
    with LogWriter(tmp_path / "quick") as writer:
        writer.add_scalar("a", 1.0, 0)
        store = Store([tmp_path])
        store.refresh()
        ids = {run.name: run.id for run in store.runs()}

        def read() -> None:
            with suppress(UnknownSeries):  # it is gone before it was read
                store.read(Question(kind="scalar", tag="a", run=ids["slow"]))

        reader = threading.Thread(target=read)
        reader.start()
        assert begun.wait(PATIENCE)
        writer.add_scalar("a", 2.0, 1)
        assert store.refresh(seconds=PATIENCE).advanced == (("scalar", "a", ids["quick"]),)
        writer.add_scalar("a", 3.0, 2)
        assert store.glance().advanced == (("scalar", "a", ids["quick"]),)
        shutil.rmtree(tmp_path / "slow")
        assert store.refresh(seconds=PATIENCE).structure
        assert [run.name for run in store.runs()] == ["quick"]
        may_go_on.set()
        reader.join(PATIENCE)
