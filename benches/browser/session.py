"""A page of one board in Chromium: opening it, acting on it as a hand does; what its frames, tasks and memory show."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from playwright.sync_api import Browser, Locator, Page, Playwright

PROBE: Final = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
CHROMIUM: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--js-flags=--expose-gc",
)
FRAME_MS: Final = 16
"""Milliseconds between two movements of the hand."""


class Window(NamedTuple):
    """CSS pixels of a window."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width} × {self.height}"


class Board(Protocol):
    """Where a board has what the tasks touch."""

    address: str
    facts: dict[str, Any]
    """What the probe must know: selectors of cards and pictures."""
    remembered: dict[str, str]
    """What the board's local storage holds when it opens."""

    def smoothing(self, page: Page) -> Locator:
        """The slider."""

    def run(self, page: Page, name: str) -> Locator:
        """The box of a run."""

    def scroller(self, page: Page) -> Locator:
        """What scrolls the charts."""

    def run_filter(self, page: Page) -> Locator:
        """The field that filters runs."""

    def prepare_axis(self, page: Page) -> Locator:
        """Open what has to be opened, and return what chooses time since the start."""

    def prepare_theme(self, page: Page) -> Locator:
        """Open what has to be opened, and return what chooses the dark theme."""


class Frames(NamedTuple):
    """Milliseconds between frames while something went on, and the longest task in it (0: none above 50 ms)."""

    p50: float
    p95: float
    max: float
    longest_task: float
    changes: int
    """Frames in which the first chart was another picture, where that was looked at."""


class Memory(NamedTuple):
    """Megabytes of JavaScript objects, and of the arrays of numbers that they hold; nodes of the document."""

    objects: float
    arrays: float
    nodes: int


class Change(NamedTuple):
    """Milliseconds from an event to the frames in which one chart, and every chart in sight, has changed."""

    first: float
    every: float


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The browser: of $CHROMIUM, or the one on the path, or playwright's own."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM))
    try:
        yield browser
    finally:
        browser.close()


class Session:
    """One visit with an empty cache. Ends with `close`."""

    def __init__(self, browser: Browser, board: Board, window: Window) -> None:
        self.board = board
        self._context = browser.new_context(
            viewport={"width": window.width, "height": window.height}, locale="en-US", color_scheme="light"
        )
        self.page = self._context.new_page()
        self.page.set_default_timeout(10_000)
        self._devtools = self._context.new_cdp_session(self.page)
        self.page.add_init_script(f"window.facts = {board.facts!r};".replace("True", "true").replace("False", "false"))
        for key, value in board.remembered.items():
            self.page.add_init_script(f"localStorage.setItem({key!r}, {value!r});")
        self.page.add_init_script(PROBE)

    def close(self) -> None:
        """End the visit."""
        self._context.close()

    def until(self, expression: str, seconds: float) -> bool:
        """Wait until a JavaScript expression holds, or not. (A board's policy may forbid Playwright's own waiting.)"""
        end = time.monotonic() + seconds
        while not self.page.evaluate(f"() => {expression}"):
            if time.monotonic() > end:
                return False
            self.page.wait_for_timeout(20)
        return True

    def open(self, seconds: float = 60) -> dict[str, Any]:
        """From an empty page to charts; what came, when, how much. `first`, `all`: 0 when it did not come in time."""
        self.page.goto(self.board.address, wait_until="commit")
        self.until("window.probe?.all > 0", seconds)
        self.page.wait_for_timeout(1000)
        seen: dict[str, Any] = self.page.evaluate("() => probe.report()")
        return seen

    def change(self, event: str, act: Locator, key: str | None = None, seconds: float = 20) -> Change | None:
        """Click, or press a key, and wait for the charts; None when not every chart changed in time."""
        self.page.evaluate("([event, limit]) => probe.changed(event, limit)", [event, seconds * 1000])
        if key is not None:
            act.press(key)
        else:
            act.click()
        self.until("probe.change !== null", seconds + 10)
        change = self.page.evaluate("() => probe.change")
        self.page.wait_for_timeout(300)
        if change is None or change["left"] > 0:
            return None
        return Change(change["first"], change["every"])

    def await_change(self, act: Callable[[], None], seconds: float) -> bool:
        """Do something, and wait until every chart in sight has changed; whether it did."""
        self.page.evaluate("limit => probe.changed('', limit)", seconds * 1000)
        act()
        self.until("probe.change !== null", seconds + 5)
        change = self.page.evaluate("() => probe.change")
        return change is not None and change["left"] == 0

    def drag(self, slider: Locator, moves: int) -> tuple[Frames, float]:
        """Drag a slider to and fro; the frames meanwhile, and how long after the last movement the charts rest."""
        box = slider.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] * 0.6, middle)
        self.page.mouse.down()
        self.page.evaluate("() => probe.startFrames(true)")
        for move in range(moves):
            there = abs((move * 2 % 160) - 80) / 80
            self._hand(box["x"] + box["width"] * (0.2 + 0.7 * there), middle)
        frames = self.frames()
        self.page.evaluate("() => probe.settle(1500, 20000)")
        self.page.mouse.up()
        self.until("probe.rest !== null", 30)
        return frames, float(self.page.evaluate("() => probe.rest"))

    def hover(self, chart: Locator, moves: int) -> Frames:
        """Move the pointer over a chart."""
        box = chart.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + 40, box["y"] + 40)
        self.page.wait_for_timeout(300)
        self.page.evaluate("() => probe.startFrames()")
        for move in range(moves):
            self._hand(box["x"] + 40 + 2 * move % (box["width"] - 60), box["y"] + 40 + move % 60)
        return self.frames()

    def scroll(self, over: Locator, moves: int, by: int) -> Frames:
        """Turn the wheel."""
        box = over.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + 200, box["y"] + 300)
        self.page.wait_for_timeout(300)
        self.page.evaluate("() => probe.startFrames()")
        for _ in range(moves):
            began = time.perf_counter()
            self.page.mouse.wheel(0, by)
            self._rest(began)
        return self.frames()

    def frames(self) -> Frames:
        """The frames since `probe.startFrames()`."""
        self.page.wait_for_timeout(50)
        taken = self.page.evaluate("() => probe.stopFrames()")
        ordered = sorted(taken["frames"]) or [0.0]
        p95 = ordered[int(len(ordered) * 0.95)]
        return Frames(statistics.median(ordered), p95, ordered[-1], taken["longest"], taken["changes"])

    def memory(self) -> Memory:
        """What is left after a forced collection."""
        for _ in range(2):
            self._devtools.send("HeapProfiler.collectGarbage")
        used = self._devtools.send("Runtime.getHeapUsage")
        nodes: int = self.page.evaluate("() => document.querySelectorAll('*').length")
        return Memory(used["usedSize"] / 1e6, used.get("backingStorageSize", 0) / 1e6, nodes)

    def longest_task(self) -> float:
        """Milliseconds of the longest task since this was last asked; 0 when none was above 50."""
        self.page.wait_for_timeout(50)
        longest: float = self.page.evaluate("() => { const { longest } = probe; probe.longest = 0; return longest; }")
        return longest

    def _hand(self, x: float, y: float) -> None:
        began = time.perf_counter()
        self.page.mouse.move(x, y)
        self._rest(began)

    def _rest(self, began: float) -> None:
        left = FRAME_MS - (time.perf_counter() - began) * 1000
        if left > 0:
            self.page.wait_for_timeout(left)
