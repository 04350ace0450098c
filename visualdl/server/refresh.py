"""The thread that looks for new records: often while somebody writes and somebody watches, seldom otherwise."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from visualdl.server.model import ModelFile
from visualdl.server.news import News
from visualdl.store.store import Changes, Store

log = logging.getLogger("visualdl.server")

LIVE_SECONDS = 0.05  # from an append to the browser in 0.1 s
IDLE_SECONDS = 0.25
UNWATCHED_SECONDS = 2.0
WATCHED_FOR_SECONDS = 10.0
SLICE_SECONDS = 0.1  # how often the first reading says how far it is
MODEL_SECONDS = 0.5
COST_SHARE = 0.1  # of one core, at most, on average


def pause_after(cost: float, *, live: bool, watched: bool) -> float:
    """Seconds to wait after a look that took `cost` seconds."""
    wanted = UNWATCHED_SECONDS if not watched else LIVE_SECONDS if live else IDLE_SECONDS
    return max(wanted, cost / COST_SHARE - cost)


class Refresher:
    """Keeps a store, a model file and the news up to date until it is stopped. Its threads are daemons."""

    def __init__(self, store: Store, model: ModelFile | None, news: News, tell: Callable[[], None]) -> None:
        self._store = store
        self._model = model
        self._news = news
        self._tell = tell
        self._asked_at = time.monotonic()
        self._listeners = 0
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._last_trouble = ""

    def start(self) -> None:
        """Begin, with the first reading."""
        threading.Thread(target=self._follow_store, name="visualdl-refresh", daemon=True).start()
        if self._model is not None:
            threading.Thread(target=self._follow_model, name="visualdl-model", daemon=True).start()

    def stop(self) -> None:
        """End soon; does not wait."""
        self._stopped.set()
        self._wake.set()

    def asked(self) -> None:
        """Somebody asked something: they want to see what is new. Safe from any thread, costs nothing."""
        unwatched = not self._watched()
        self._asked_at = time.monotonic()
        if unwatched:
            self._wake.set()

    def listening(self, change: int) -> None:
        """So many more (or fewer) clients hold a live connection. From the event loop only."""
        self._listeners += change
        self._asked_at = time.monotonic()
        self._wake.set()

    def _watched(self) -> bool:
        return self._listeners > 0 or time.monotonic() - self._asked_at < WATCHED_FOR_SECONDS

    def _follow_store(self) -> None:
        advanced_at, checked_at, live, loaded = -1e9, -1e9, False, False
        while not self._stopped.is_set():
            began = time.monotonic()
            changes = self._refresh()
            if changes is not None:
                loaded = loaded or changes.complete
                loading = None if loaded else self._store.progress
                if self._news.note(changes.advanced, structure=changes.structure, loading=loading):
                    self._tell()
                if changes.advanced:
                    advanced_at = began
                if not changes.complete:
                    continue
            now = time.monotonic()
            if now - checked_at > 1.0:
                live, checked_at = any(run.live for run in self._store.runs()), now
            recent = live or began - advanced_at < WATCHED_FOR_SECONDS
            self._wake.wait(pause_after(now - began, live=recent, watched=self._watched()))
            self._wake.clear()

    def _refresh(self) -> Changes | None:
        """One look. Whatever goes wrong in it, the board stays, and the next look may go right."""
        try:
            return self._store.refresh(seconds=SLICE_SECONDS)
        except Exception as trouble:
            said = f"{type(trouble).__name__}: {trouble}"
            if said != self._last_trouble:
                self._last_trouble = said
                log.warning("The logs could not be read just now: %s", said, exc_info=True)
            return None

    def _follow_model(self) -> None:
        assert self._model is not None
        while not self._stopped.wait(MODEL_SECONDS):
            try:
                if self._model.refresh() and self._news.note(structure=True, loading=self._news.moment.loading):
                    self._tell()
            except Exception:
                log.warning("The model file could not be read just now", exc_info=True)
                return
