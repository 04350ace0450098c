"""An hour of points, its time compressed: delivered as fast as a board follows, for what its memory does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Browser

from benches.browser import ours, tensorboard
from benches.browser.logs import append_events, events_file, moments, tag_name
from benches.browser.session import Session
from benches.browser.tasks import Figures, follow
from visualdl.log.head import Append
from visualdl.log.writer import Log

RUNS: Final = 10
TAGS: Final = 20
BEFORE: Final = 60
"""Points of a tag that are there when the board opens."""
HOUR: Final = 3600
"""Points that a tag gets in an hour, one a second."""
READ_SECONDS: Final = 0.4
"""Longer than TensorBoard's server takes to read what was appended."""


def follow_ours(browser: Browser, folder: Path, updates: int) -> Figures:
    """The hour on our board, drawn live."""
    with ExitStack() as logs:
        appends: list[Append] = []
        for run in range(RUNS):
            log = Log(folder / f"run{run}")
            logs.callback(log.close)
            appends += [log.row_appender(log.tag("scalar", _name(tag))) for tag in range(TAGS)]

        def append(first: int, count: int) -> None:
            steps, times = range(first, first + count), moments(first, count).tolist()
            for series, row in enumerate(appends):
                for step, value, when in zip(steps, _values(series, first, count).tolist(), times, strict=True):
                    row(step, value, when)

        append(0, BEFORE)
        with ours.serve(folder) as board:
            return follow(browser, board, updates, _deliver(updates, lambda _, *points: append(*points)))


def follow_theirs(browser: Browser, folder: Path, reloads: int) -> Figures:
    """The hour on TensorBoard, its reload button pressed after each delivery."""

    def append(first: int, count: int) -> None:
        for run in range(RUNS):
            with events_file(folder / f"run{run}").open("ab") as file:
                for tag in range(TAGS):
                    append_events(file, _name(tag), first, _values(run * TAGS + tag, first, count))

    append(0, BEFORE)
    with tensorboard.serve(folder, RUNS, _name(0), BEFORE) as board:

        def append_and_reload(session: Session, first: int, count: int) -> None:
            append(first, count)
            time.sleep(READ_SECONDS)
            board.reload(session.page).click()

        return follow(browser, board, reloads, _deliver(reloads, append_and_reload))


def _deliver(updates: int, append: Callable[[Session, int, int], None]) -> Callable[[Session, int], bool]:
    """Deliver one of so many parts of the hour, and wait until every chart in sight shows it."""

    def deliver(session: Session, update: int) -> bool:
        first, stop = (BEFORE + HOUR * at // updates for at in (update, update + 1))
        return session.await_change(lambda: append(session, first, stop - first), 5)

    return deliver


def _name(tag: int) -> str:
    return tag_name(tag, TAGS, 2)


def _values(series: int, first: int, count: int) -> npt.NDArray[np.float32]:
    steps = np.arange(first, first + count)
    noise = np.random.default_rng([series, first]).normal(0, 0.08, count)
    return (2 * np.exp(-steps / 1200) + 0.3 + series / 1000 + noise).astype(np.float32)
