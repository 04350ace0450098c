"""What a request asks, read from its query: bounded, typed, and refused with one sentence when it makes no sense."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, cast, get_args

from starlette.datastructures import QueryParams

from visualdl.errors import BadRequest
from visualdl.kinds.all import KIND_BY_NAME
from visualdl.kinds.kind import Kind
from visualdl.store.question import Axis, Method, Question, Smoothing

MAX_RUNS = 1_000
MAX_N = 100_000
MAX_POINTS = 5_000_000
RUN_ID = re.compile(r"[0-9a-f]{12}\Z")
BLOB_ADDRESS = re.compile(r"[0-9a-f]{32}\Z")
_COUNT = re.compile(r"[0-9]{1,15}\Z")
Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class SeriesAsked:
    """One question to `api/series`: the same of every run, but for the cursors."""

    kind: Kind
    tag: str
    runs: tuple[str, ...]
    axis: Axis
    start: float | None
    stop: float | None
    n: int
    smoothing: Smoothing | None
    since: Mapping[str, int]

    def of(self, run: str) -> Question:
        """The question to the store about one run."""
        return Question(
            kind=self.kind.name,
            tag=self.tag,
            run=run,
            axis=self.axis,
            start=self.start,
            stop=self.stop,
            n=self.n,
            smoothing=self.smoothing,
            since=self.since.get(run),
        )


def series_asked(query: QueryParams) -> SeriesAsked:
    """The question in the query of `api/series`. BadRequest says what is wrong with it."""
    runs = run_ids(query)
    n = _count(query.get("n", "1600"), "n")
    if not 2 <= n <= MAX_N:
        raise BadRequest(f"n is a number of points from 2 to {MAX_N}, not {n}")
    if n * len(runs) > MAX_POINTS:
        raise BadRequest(f"At most {MAX_POINTS} points at once: {len(runs)} runs of {n} points are too many")
    return SeriesAsked(
        kind=kind(query),
        tag=tag(query),
        runs=runs,
        axis=axis(query),
        start=_bound(query, "start"),
        stop=_bound(query, "stop"),
        n=n,
        smoothing=_smoothing(query.get("smooth")),
        since=_cursors(query.get("since")),
    )


def kind(query: QueryParams) -> Kind:
    """The kind that is asked for."""
    asked = _required(query, "kind")
    found = KIND_BY_NAME.get(asked)
    if found is None:
        raise BadRequest(f"The kind is one of {', '.join(KIND_BY_NAME)}, not {_short(asked)}")
    return found


def tag(query: QueryParams) -> str:
    """The tag that is asked for: any text."""
    return _required(query, "tag")


def axis(query: QueryParams) -> Axis:
    """What is horizontal."""
    return _one_of(cast(tuple[Axis, ...], get_args(Axis)), query.get("axis", "step"), "The axis")


def run_ids(query: QueryParams) -> tuple[str, ...]:
    """The ids that are asked for, each once, in their order."""
    runs = tuple(dict.fromkeys(_required(query, "runs").split(",")))
    if len(runs) > MAX_RUNS:
        raise BadRequest(f"At most {MAX_RUNS} runs in one question, not {len(runs)}")
    for run in runs:
        if not RUN_ID.match(run):
            raise BadRequest(f"A run's id is 12 hexadecimal digits, not {_short(run)}")
    return runs


def _required(query: QueryParams, name: Literal["kind", "tag", "runs"]) -> str:
    value = query.get(name)
    if not value:
        raise BadRequest(f"The question needs {name}=…")
    return value


def _one_of(words: tuple[Word, ...], given: str, what: str) -> Word:
    for word in words:
        if word == given:
            return word
    raise BadRequest(f"{what} is one of {', '.join(words)}, not {_short(given)}")


def _count(text: str, name: str) -> int:
    # Not int() alone: it takes ' 1_0 ', Arabic digits, and time that grows with the square of the length.
    if not _COUNT.match(text):
        raise BadRequest(f"{name} is a whole number, not {_short(text)}")
    return int(text)


def _bound(query: QueryParams, name: Literal["start", "stop"]) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise BadRequest(f"{name} is a number, not {_short(text)}") from None


def _smoothing(text: str | None) -> Smoothing | None:
    if not text:
        return None
    name, _, weight = text.partition(":")
    method = _one_of(cast(tuple[Method, ...], get_args(Method)), name, "A way of smoothing")
    try:
        return Smoothing(method, float(weight))
    except ValueError as trouble:
        if isinstance(trouble, BadRequest):
            raise
        raise BadRequest(f"smooth is a way and a weight such as ema:0.6, not {_short(text)}") from None


def _cursors(text: str | None) -> dict[str, int]:
    cursors = {}
    for part in text.split(",") if text else ():
        run, _, count = part.partition(":")
        if not RUN_ID.match(run):
            raise BadRequest(f"since is made of run:cursor, not {_short(part)}")
        cursors[run] = _count(count, "A cursor")
    return cursors


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
