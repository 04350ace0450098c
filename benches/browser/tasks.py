"""What is done on a board, and what of it is measured. Each task is the same for every board."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from statistics import median
from typing import Final

from playwright.sync_api import Browser, TimeoutError

from benches.browser.session import Board, Change, Frames, Session, Window

Figures = dict[str, float | None]
"""Name -> figure; None: the board did not come to an end within the time that it was given."""

SCREEN: Final = Window(1400, 900)
TALL: Final = Window(1920, 4100)
"""So tall that both boards show 24 charts at once."""
GIVE_UP: Final = 10.0
"""Seconds after which an action is called unfinished."""
FIRST: Final = "first chart, ms"


def open_screen(browser: Browser, board: Board) -> Figures:
    """From an empty page to the charts of the first screen."""
    session = Session(browser, board, SCREEN)
    try:
        return _opened(session)
    finally:
        session.close()


def _opened(session: Session) -> Figures:
    seen = session.open()
    return {
        FIRST: seen["first"] or None,
        "all charts in sight, ms": seen["all"] or None,
        "longest task until then, ms": seen["longest"],
        "kB until the first chart": seen["bytes"]["first"] / 1000,
        "kB until all": seen["bytes"]["all"] / 1000,
        "requests until all": seen["requests"],
        "charts in sight": seen["shown"],
        "charts in sight as a whole": seen["whole"],
    }


def use(browser: Browser, board: Board, window: Window, run: str, moves: int) -> Figures:
    """Open, then everything that draws: a run off and on, the slider, the pointer, the axis, the theme."""
    session = Session(browser, board, window)
    page = session.page
    try:
        figures = _opened(session)
        if figures[FIRST] is None:
            return figures
        session.longest_task()

        def toggle() -> Figures:
            changes = [session.change("click", board.run(page, run), seconds=GIVE_UP) for _ in range(2)]
            return _change("a run off or on", _slower(changes), session)

        def drag() -> Figures:
            dragged, rest = session.drag(board.smoothing(page), moves)
            return {
                **_frames("slider drag", dragged),
                "slider drag: pictures of the first chart meanwhile": dragged.changes,
                "slider drag: charts rest after its end, ms": rest,
            }

        def hover() -> Figures:
            chart = page.locator(board.facts["charts"]).nth(1)
            return _frames("pointer over a chart", session.hover(chart, moves))

        def axis() -> Figures:
            return _change("relative time", session.change("click", board.prepare_axis(page), seconds=GIVE_UP), session)

        def theme() -> Figures:
            return _change("dark theme", session.change("click", board.prepare_theme(page), seconds=GIVE_UP), session)

        for act in (toggle, drag, hover, axis, theme):
            # A board that is busy for longer than a hand waits has no figure for this act; the next may have one.
            with suppress(TimeoutError):
                figures |= act()
        return figures | _memory(session)
    finally:
        session.close()


def scroll(browser: Browser, board: Board, moves: int) -> Figures:
    """Open, then turn the wheel: as a reader does, and as one who looks for the end."""
    session = Session(browser, board, SCREEN)
    try:
        figures = _opened(session)
        if figures[FIRST] is None:
            return figures
        figures = {name: figures[name] for name in (FIRST, "all charts in sight, ms", "kB until all")}
        session.page.wait_for_timeout(1000)
        for by in (100, 1000):
            figures |= _frames(f"{by:,} px a turn", session.scroll(board.scroller(session.page), moves, by))
        figures |= _memory(session)
        return figures
    finally:
        session.close()


def find(browser: Browser, board: Board, run: str, pattern: str, moves: int) -> Figures:
    """Open, a run off and on, a filter of runs letter by letter, the wheel: among very many runs."""
    session = Session(browser, board, SCREEN)
    page = session.page
    try:
        figures = _opened(session)
        if figures[FIRST] is None:
            return figures
        session.longest_task()
        toggles = [session.change("click", board.run(page, run), seconds=GIVE_UP) for _ in range(2)]
        figures |= _change("a run off or on", _slower(toggles), session)
        board.run_filter(page).click()
        page.evaluate("() => probe.startFrames()")
        for letter in pattern:
            page.keyboard.type(letter)
            page.wait_for_timeout(200)
        figures |= _frames("typing a filter of runs", session.frames())
        board.run_filter(page).fill("")
        page.wait_for_timeout(3000)
        figures |= _frames("slider drag", session.drag(board.smoothing(page), moves)[0])
        figures |= _frames("wheel over the charts", session.scroll(board.scroller(page), moves, 100))
        figures |= _memory(session)
        return figures
    finally:
        session.close()


def follow(browser: Browser, board: Board, updates: int, deliver: Callable[[Session, int], bool]) -> Figures:
    """Open, then let `deliver` bring an hour of points in so many updates; memory at every quarter of it."""
    session = Session(browser, board, SCREEN)
    try:
        figures = _opened(session)
        if figures[FIRST] is None:
            return figures
        figures = _memory(session, " at the start")
        heard = 0
        session.longest_task()
        longest = 0.0
        for quarter in range(4):
            for update in range(updates * quarter // 4, updates * (quarter + 1) // 4):
                heard += deliver(session, update)
            longest = max(longest, session.longest_task())
            figures |= _memory(session, f" after {15 * (quarter + 1)} min")
            session.longest_task()  # the collection itself
        figures["longest task meanwhile, ms"] = longest
        figures["updates drawn"] = heard
        return figures
    finally:
        session.close()


def floor(browser: Browser, board: Board, moves: int) -> Figures:
    """What the browser itself takes: frames of a page that holds nothing but a long coloured ground."""
    session = Session(browser, board, SCREEN)
    page = session.page
    try:
        ground = f"height:{moves * 1200}px;background:linear-gradient(red,blue)"
        page.goto(
            f'data:text/html,<div id="long" style="height:100vh;overflow:auto"><div style="{ground}"></div></div>'
        )
        long = page.locator("#long")
        pointer = _frames("pointer", session.hover(long, moves))
        return {**_frames("wheel", session.scroll(long, moves, 100)), **pointer}
    finally:
        session.close()


def medians(passes: list[Figures]) -> Figures:
    """The middle of each figure over passes; None where one of them was not had."""
    merged: Figures = {}
    for name in passes[0]:
        taken = [figures.get(name) for figures in passes]
        had = [one for one in taken if one is not None]
        merged[name] = median(had) if len(had) == len(taken) else None
    return merged


def _slower(changes: list[Change | None]) -> Change | None:
    had = [change for change in changes if change is not None]
    if len(had) < len(changes):
        return None
    return Change(max(change.first for change in had), max(change.every for change in had))


def _change(name: str, change: Change | None, session: Session) -> Figures:
    return {
        f"{name}: first chart, ms": None if change is None else change.first,
        f"{name}: every chart, ms": None if change is None else change.every,
        f"{name}: longest task, ms": session.longest_task(),
    }


def _memory(session: Session, when: str = "") -> Figures:
    objects, arrays, nodes = session.memory()
    return {
        f"JavaScript objects{when}, MB": objects,
        f"arrays of points{when}, MB": arrays,
        f"document nodes{when}": nodes,
    }


def _frames(name: str, frames: Frames) -> Figures:
    return {
        f"{name}: frame p50, ms": frames.p50,
        f"{name}: frame p95, ms": frames.p95,
        f"{name}: longest frame, ms": frames.max,
        f"{name}: longest task, ms": frames.longest_task,
    }
