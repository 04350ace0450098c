"""The thread that looks for new records: a long look at everything does not keep what grows now from being told."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from tests.server.boards import PATIENCE
from visualdl.server.news import News
from visualdl.server.refresh import SLICE_SECONDS, Refresher
from visualdl.store.store import Changes

SLICES = 10


@dataclass
class Slow:
    """A store of thousands of runs: once it has loaded, a look at everything takes many slices. looks: those taken."""

    looks: list[str] = field(default_factory=list)
    loaded: threading.Event = field(default_factory=threading.Event)
    live = True
    progress = (1, 2)
    _left: int = 0

    def refresh(self, *, seconds: float) -> Changes:
        """One slice, or at first all."""
        self.looks.append("slice")
        if not self.loaded.is_set():
            self.loaded.set()
            return Changes(1, True, (), complete=True)
        time.sleep(seconds)
        self._left = (self._left or SLICES) - 1
        return Changes(1, False, (), complete=self._left == 0)

    def glance(self) -> Changes:
        """What grows just now."""
        self.looks.append("glance")
        return Changes(1, False, (("scalar", "loss", "0123456789ab"),), complete=False)


def refreshing(store: Slow, told: list[float]) -> Refresher:
    """Over that store, with somebody who listens; when it has something to tell, it notes when."""
    news = News()
    made = Refresher(store, None, news, lambda: told.append(time.monotonic()))  # type: ignore[arg-type]
    made.listening(+1)
    made.start()
    return made


def test_what_grows_just_now_is_looked_at_between_the_slices_of_a_look_at_everything() -> None:
    store, told = Slow(), list[float]()
    refresher = refreshing(store, told)
    limit = time.monotonic() + PATIENCE
    while store.looks.count("slice") < 2 * SLICES:
        assert time.monotonic() < limit
        time.sleep(0.01)
    refresher.stop()
    between = "".join(look[0] for look in store.looks).strip("g").split("s")
    assert max(map(len, between)) >= 1
    together = max(len(run) for run in "".join(look[0] for look in store.looks).split("g"))
    assert together <= 3, "slice after slice, and nobody looked at what grows just now"
    assert len(told) >= SLICES


def test_clients_that_come_and_go_all_the_time_do_not_make_it_look_all_the_time() -> None:
    store = Slow()
    refresher = refreshing(store, [])
    limit = time.monotonic() + PATIENCE
    while store.looks.count("slice") < 1 + SLICES:  # everything, for the one who listens
        assert time.monotonic() < limit
        time.sleep(0.01)
    before, began = store.looks.count("slice"), time.monotonic()
    for _ in range(1_000):
        refresher.listening(+1)
        refresher.listening(-1)
        time.sleep(0.0005)
    refresher.stop()
    busy = (store.looks.count("slice") - before) * SLICE_SECONDS
    assert busy < (time.monotonic() - began) / 2
