"""What is new since when: the bounded memory from which hints, ETags and the board's two counters are made."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import orjson

SeriesName: TypeAlias = tuple[str, str, str]
"""Kind, tag and run id."""

MAX_TOLD = 2_000
MAX_REMEMBERED = 20_000


class Moment(NamedTuple):
    """The counters at one moment. loading: bytes read and in all while the first reading goes on, else None."""

    revision: int
    structure: int
    loading: tuple[int, int] | None


class News:
    """The two counters, and which series advanced at which revision, as far back as is remembered. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._boot = secrets.token_hex(4)  # revisions start anew with the server, ETags must not
        self._moment = Moment(1, 1, (0, 0))  # before the first look nobody knows how much there is
        self._history: deque[tuple[int, tuple[SeriesName, ...]]] = deque()
        self._remembered = 0
        self._forgotten = 0  # the last revision of which the history says nothing
        self._advanced_at: dict[SeriesName, int] = {}
        self._advanced_floor = 1  # when the series that are not in _advanced_at advanced last, at the latest
        self._hints: dict[int | None, str] = {}

    @property
    def moment(self) -> Moment:
        """The counters now."""
        return self._moment

    def note(
        self, advanced: Iterable[SeriesName] = (), *, structure: bool = False, loading: tuple[int, int] | None = None
    ) -> bool:
        """Something may be new: remember it under a new revision. Whether there is anything to tell."""
        series = tuple(advanced)
        with self._lock:
            before = self._moment
            if not series and not structure and loading == before.loading:
                return False
            revision = before.revision + 1
            self._moment = Moment(revision, before.structure + structure, loading)
            self._hints.clear()
            self._remember(revision, series)
            return True

    def _remember(self, revision: int, series: tuple[SeriesName, ...]) -> None:
        self._history.append((revision, series))
        self._remembered += len(series) + 1
        while self._remembered > MAX_REMEMBERED:
            self._forgotten, gone = self._history.popleft()
            self._remembered -= len(gone) + 1
        if len(series) + len(self._advanced_at) > MAX_REMEMBERED:
            self._advanced_at.clear()
            self._advanced_floor = revision
        else:
            self._advanced_at.update(dict.fromkeys(series, revision))

    def board_etag(self) -> str:
        """Changes whenever anything does."""
        return f'W/"{self._boot}.{self._moment.revision}"'

    def series_etag(self, names: Iterable[SeriesName]) -> str:
        """Changes when one of the series advanced, or the structure changed. Take it before reading the points:
        then a reader may at worst be told of points that it has."""
        with self._lock:
            latest = max((self._advanced_at.get(name, self._advanced_floor) for name in names), default=0)
            return f'W/"{self._boot}.{self._moment.structure}.{max(latest, self._advanced_floor)}"'

    def hint(self, since: int | None) -> tuple[str, int]:
        """The text for a client that was last told of `since` (None: of nothing), and the revision that it tells of.

        Clients that are as far as each other share one text.
        """
        with self._lock:
            text = self._hints.get(since)
            if text is None:
                text = self._hints[since] = self._hint(since)
            return text, self._moment.revision

    def _hint(self, since: int | None) -> str:
        revision, structure, loading = self._moment
        news = {"revision": revision, "structure": structure, "advanced": [], "loading": progress(loading)}
        if since is None:
            return orjson.dumps(news).decode()
        advanced: dict[SeriesName, None] = {}
        everything = since < self._forgotten
        for at, series in self._history if not everything else ():
            if at > since:
                advanced.update(dict.fromkeys(series))
        if everything or len(advanced) > MAX_TOLD:
            return orjson.dumps({**news, "all": True}).decode()
        return orjson.dumps({**news, "advanced": list(advanced)}).decode()


def progress(loading: tuple[int, int] | None) -> dict[str, int] | None:
    """How far the first reading is, as JSON says it."""
    return None if loading is None else {"done": loading[0], "total": loading[1]}
