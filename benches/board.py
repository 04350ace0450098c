"""How soon the board shows charts and how fast it answers the hand, beside TensorBoard, in a real browser.

    python -m benches.board [--quick] [--only NAME]

The same runs, as our logs and as event files, are opened in the same Chromium (software rendering, empty cache) in
turns. Times begin at the navigation or at the event's own time stamp and end at the frame that first shows the change,
found by comparing what the canvases hold. TensorBoard's page is Time Series, with the settings it comes with.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from benches.browser import hour, ours, tensorboard
from benches.browser.logs import Size, tag_name, write, write_ours
from benches.browser.session import chromium
from benches.browser.tables import table, written
from benches.browser.tasks import SCREEN, TALL, Figures, find, floor, medians, open_screen, scroll, use


@dataclass(frozen=True)
class Plan:
    """How much is done."""

    passes: int
    moves: int
    many: Size
    tags: Size
    runs: Size
    updates: int
    reloads: int


FULL: Final = Plan(2, 60, Size(100, 24, 1000), Size(2, 2000, 100), Size(1000, 100, 50), updates=200, reloads=20)
QUICK: Final = Plan(1, 30, Size(30, 24, 300), Size(2, 2000, 20), Size(200, 50, 50), updates=40, reloads=8)


def say(text: str) -> None:
    """Progress, which is no part of the tables."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


@contextmanager
def logged(size: Size, groups: int, *, both: bool = True) -> Iterator[Path]:
    """A folder with `ours` and `events` of such runs."""
    with tempfile.TemporaryDirectory(prefix="visualdl-bench-") as folder:
        say(f"writing {size}")
        if both:
            write(size, groups, Path(folder, "ours"), Path(folder, "events"))
        else:
            write_ours(size, groups, Path(folder, "ours"))
        yield Path(folder)


def first_screen(browser: Browser, plan: Plan) -> None:
    """The first screen of a small log."""
    size = Size(10, 20, 1000)
    mine: list[Figures] = []
    theirs: list[Figures] = []
    tag = tag_name(0, size.tags, 4)
    with (
        logged(size, 4) as root,
        ours.serve(root / "ours") as board,
        tensorboard.serve(root / "events", size.runs, tag, size.points) as peer,
    ):
        for turn in range(plan.passes + 1):
            say(f"first screen, pass {turn + 1}")
            mine.append(open_screen(browser, board))
            theirs.append(open_screen(browser, peer))
    title = f"Opening {size}, {SCREEN} (medians of {plan.passes + 1} visits in turns)"
    table(title, medians(mine), medians(theirs), goals=False)


def many_lines(browser: Browser, plan: Plan) -> None:
    """24 cards of many runs: first render and every redraw."""
    size = plan.many
    last, tag = f"run{size.runs - 1}", tag_name(0, size.tags, 2)
    with logged(size, 2) as root:
        mine: list[Figures] = []
        with ours.serve(root / "ours") as board:
            for turn in range(plan.passes):
                say(f"24 cards, pass {turn + 1}")
                mine.append(use(browser, board, TALL, last, plan.moves))
        with tensorboard.serve(root / "events", size.runs, tag, size.points) as peer:
            say("24 cards on TensorBoard")
            theirs = use(browser, peer, TALL, last, plan.moves)
    title = (
        f"24 cards × {size.runs} runs × {size.points:,} points in one window of {TALL} "
        f"(medians of {plan.passes} visits; TensorBoard once)"
    )
    table(title, medians(mine), theirs)


def many_tags(browser: Browser, plan: Plan) -> None:
    """Scrolling, beside what the browser itself takes."""
    size, groups = plan.tags, 2
    mine: list[Figures] = []
    theirs: list[Figures] = []
    floors: list[Figures] = []
    tag = tag_name(0, size.tags, groups)
    with (
        logged(size, groups) as root,
        ours.serve(root / "ours") as board,
        # A page of a group holds 12 cards unless the user says otherwise: here it holds them all.
        tensorboard.serve(root / "events", size.runs, tag, size.points, size.tags) as peer,
    ):
        for turn in range(plan.passes):
            say(f"{size.tags} tags, pass {turn + 1}")
            mine.append(scroll(browser, board, plan.moves))
            if turn == 0:
                theirs.append(scroll(browser, peer, plan.moves))
            floors.append(floor(browser, board, plan.moves))
    title = f"Scrolling through {size} (medians of {plan.passes}; TensorBoard once, all cards of a group on one page)"
    table(title, medians(mine), medians(theirs))
    print("The browser's own floor, on a page that holds nothing but a coloured ground, in the same run:\n")
    print("| | ms |\n|---|---|")
    for name, figure in medians(floors).items():
        print(f"| {name.removesuffix(', ms')} | {written(name, figure)} |")
    print()


def many_runs(browser: Browser, plan: Plan) -> None:
    """A list of very many runs, all of them lines of every chart."""
    size = plan.runs
    with logged(size, 5, both=False) as root, ours.serve(root / "ours") as board:
        mine = []
        for turn in range(min(plan.passes, 2)):
            say(f"{size.runs} runs, pass {turn + 1}")
            mine.append(find(browser, board, "run3", "run12", plan.moves))
    title = f"{size}: every run a line of every chart (medians of {len(mine)}; ours alone)"
    table(title, medians(mine), None)


def an_hour(browser: Browser, plan: Plan) -> None:
    """Memory while points come: an hour of them, as fast as the board follows."""
    with tempfile.TemporaryDirectory(prefix="visualdl-bench-") as folder:
        say("an hour of points")
        mine = hour.follow_ours(browser, Path(folder, "ours"), plan.updates)
        say("an hour of points on TensorBoard")
        theirs = hour.follow_theirs(browser, Path(folder, "events"), plan.reloads)
    title = (
        f"An hour of {hour.RUNS} runs × {hour.TAGS} tags × a point a second, its time compressed: {hour.HOUR:,} points "
        f"a tag in {plan.updates} live updates; TensorBoard in {plan.reloads} reloads (its own timer makes 120 an hour)"
    )
    table(title, mine, theirs)


TASKS: Final = {
    "screen": first_screen,
    "lines": many_lines,
    "tags": many_tags,
    "runs": many_runs,
    "hour": an_hour,
}


def main() -> int:
    """Measure and print; 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of everything, to see that it works")
    parser.add_argument("--only", choices=[*TASKS], help="one of the tables")
    asked = parser.parse_args()
    plan = QUICK if asked.quick else FULL
    with sync_playwright() as playwright, chromium(playwright) as browser:
        for name, task in TASKS.items():
            if asked.only in (None, name):
                task(browser, plan)
                sys.stdout.flush()
    say("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
