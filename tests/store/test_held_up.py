"""A run on a slow disk: while somebody reads it, what is new in the others is found all the same."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
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


def in_time(work: Callable[[], Any]) -> bool:
    """Whether it comes to an end while another waits for what is slow."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE / 4)
    return not thread.is_alive()


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
        assert in_time(lambda: store.refresh(seconds=PATIENCE))
        assert [run.name for run in store.runs()] == ["quick"]
        may_go_on.set()
        reader.join(PATIENCE)


@pytest.fixture
def busy(tmp_path: Path, slow: tuple[threading.Event, threading.Event]) -> Iterator[tuple[Store, dict[str, str]]]:
    """A store with little memory; its run `slow` was read once, and is being read again, by somebody who waits."""
    begun, may_go_on = slow
    for name in ("slow", "quick"):
        with LogWriter(tmp_path / name) as writer:
            for step in range(2_000):
                writer.add_scalar("a", step, step)
    store = Store([tmp_path], memory_bytes=50_000)
    store.refresh()
    ids = {run.name: run.id for run in store.runs()}
    may_go_on.set()
    store.read(Question(kind="scalar", tag="a", run=ids["slow"]))
    begun.clear()
    may_go_on.clear()
    yield store, ids
    may_go_on.set()


def test_no_answer_waits_for_the_memory_of_what_is_read_slowly(
    busy: tuple[Store, dict[str, str]], slow: tuple[threading.Event, threading.Event]
) -> None:
    store, ids = busy
    reader = threading.Thread(target=store.read, args=[Question(kind="scalar", tag="a", run=ids["slow"])])
    reader.start()
    assert slow[0].wait(PATIENCE)
    assert in_time(lambda: store.read(Question(kind="scalar", tag="a", run=ids["quick"])))
    slow[1].set()
    reader.join(PATIENCE)
    assert store._memory.nbytes < 2 * 50_000
    assert len(store.read(Question(kind="scalar", tag="a", run=ids["slow"], n=5_000)).points) == 2_000


def test_who_leaves_a_download_waits_for_nobody(
    busy: tuple[Store, dict[str, str]], slow: tuple[threading.Event, threading.Event]
) -> None:
    store, ids = busy
    slow[1].set()
    download = store.chunks(ids["slow"], "scalar", "a")
    next(download)
    slow[0].clear()
    slow[1].clear()
    reader = threading.Thread(target=store.read, args=[Question(kind="scalar", tag="a", run=ids["slow"])])
    reader.start()
    assert slow[0].wait(PATIENCE)
    assert in_time(download.close)  # type: ignore[attr-defined]  # it is a generator
    slow[1].set()
    reader.join(PATIENCE)
