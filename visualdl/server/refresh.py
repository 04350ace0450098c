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
LOADING_SECONDS = 0.1  # how often the first reading says how far it is
SLICE_SECONDS = 0.02  # how long a look at everything keeps those from being heard that grow just now
MODEL_SECONDS = 0.5
CHECK_SECONDS = 1.0  # how often it is looked at whether anybody still writes
COST_SHARE = 0.1  # of one core, at most, on average: for looks at everything, and for looks at what grew lately


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
        self._loaded = False
        self._written = False  # some run's log is open, as was found at _checked_at
        self._checked_at = self._advanced_at = -1e9

    def start(self) -> None:
        """Begin, with the first reading."""
        threading.Thread(target=self._follow_store, name="visualdl-refresh", daemon=True).start()
        if self._model is not None:
            threading.Thread(target=self._follow_model, args=(self._model,), name="visualdl-model", daemon=True).start()

    def stop(self) -> None:
        """End soon; does not wait."""
        self._stopped.set()
        self._wake.set()

    def asked(self) -> None:
        """Somebody asked something: they want to see what is new. Safe from any thread, costs nothing."""
        unwatched = not self._watched()
        self._asked_at = time.monotonic()
        if unwatched:  # else it is looked often enough: whoever comes and goes all the time must not keep us busy
            self._wake.set()

    def listening(self, change: int) -> None:
        """So many more (or fewer) clients hold a live connection. From the event loop only."""
        self.asked()
        self._listeners += change

    def _watched(self) -> bool:
        return self._listeners > 0 or time.monotonic() - self._asked_at < WATCHED_FOR_SECONDS

    def _follow_store(self) -> None:
        """Look at what grew lately, and step by step at everything; neither waits for the other."""
        urgent = True  # somebody has just come, and wants to see how things are
        glance_at = step_at = 0.0
        while not self._stopped.is_set():
            if time.monotonic() >= step_at:
                cost, complete = self._timed(lambda: self._store.refresh(seconds=self._slice()))
                urgent = urgent and not complete
                step_at = 0.0 if urgent else time.monotonic() + self._pause(cost, wait=complete)
                if complete:  # which has read what a glance would
                    glance_at = time.monotonic() + self._pause(0.0)
            if self._loaded and time.monotonic() >= glance_at:
                cost, _ = self._timed(self._store.glance)
                glance_at = time.monotonic() + self._pause(cost)
            if self._wake.wait(max(0.0, min(glance_at, step_at) - time.monotonic())):
                self._wake.clear()
                urgent, glance_at, step_at = True, 0.0, 0.0

    def _slice(self) -> float:
        return SLICE_SECONDS if self._loaded else LOADING_SECONDS

    def _pause(self, cost: float, *, wait: bool = True) -> float:
        """Seconds until the like of a look that took `cost` seconds. Without `wait`, no longer than its share asks."""
        if not wait:
            return cost / COST_SHARE - cost
        return pause_after(cost, live=self._is_live(time.monotonic()), watched=self._watched())

    def _timed(self, look: Callable[[], Changes]) -> tuple[float, bool]:
        """What a look cost in seconds, and whether everything was looked at."""
        began = time.monotonic()
        try:
            complete = self._look(look(), began)
        except Exception as trouble:
            # Whatever went wrong in this look, the board stays, and the next look may go right.
            self._say_once(trouble)
            complete = True
        return time.monotonic() - began, complete

    def _look(self, changes: Changes, now: float) -> bool:
        """Tell what is new. False while there is more to read than one look should take."""
        self._loaded = self._loaded or changes.complete
        loading = None if self._loaded else self._store.progress
        if self._news.note(changes.advanced, structure=changes.structure, loading=loading):
            self._tell()
        if changes.advanced:
            self._advanced_at = now
        if now - self._checked_at > CHECK_SECONDS:
            self._checked_at = now
            self._written = self._store.live
        return changes.complete

    def _is_live(self, now: float) -> bool:
        return self._written or now - self._advanced_at < WATCHED_FOR_SECONDS

    def _say_once(self, trouble: Exception) -> None:
        said = f"{type(trouble).__name__}: {trouble}"
        if said != self._last_trouble:
            self._last_trouble = said
            log.warning("The logs could not be read just now: %s", said, exc_info=trouble)

    def _follow_model(self, model: ModelFile) -> None:
        while not self._stopped.wait(MODEL_SECONDS):
            try:
                if model.refresh() and self._news.note(structure=True, loading=self._news.moment.loading):
                    self._tell()
            except Exception:
                # Told once for each version of the file: it is read again only when it was written again.
                log.warning("The model file could not be read just now", exc_info=True)
