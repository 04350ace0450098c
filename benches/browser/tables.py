"""Tables of figures as Markdown: ours, TensorBoard's, how many times ours it is, and the goal."""

from __future__ import annotations

from typing import Final

from benches.browser.tasks import Figures

GOALS: Final = {
    "frame p95, ms": "≤ 16.7",
    "longest task, ms": "≤ 100",
    "longest task meanwhile, ms": "≤ 100",
    "objects after 60 min, MB": "as after 15 min",
    "arrays of points after 60 min, MB": "at most 2.5 × what a chart asks for",
    "document nodes after 60 min": "as after 15 min",
}
"""By the end of a figure's name."""
NO_LONG_TASK: Final = "< 50"
"""The browser tells tasks from 50 ms on."""


def table(title: str, ours: Figures, theirs: Figures | None, *, goals: bool = True) -> None:
    """Print one table; `theirs` None: ours alone."""
    heads = ["", "ours", "goal"] if theirs is None else ["", "ours", "TensorBoard", "ratio", "goal"]
    print(f"**{title}**\n\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for name, mine in ours.items():
        goal = next((text for end, text in GOALS.items() if goals and name.endswith(end)), "")
        if theirs is None:
            print(f"| {name} | {written(name, mine)} | {goal} |")
            continue
        peer = theirs.get(name)
        print(f"| {name} | {written(name, mine)} | {written(name, peer)} | {_ratio(mine, peer)} | {goal} |")
    print()


def written(name: str, figure: float | None) -> str:
    """A figure with as many digits as it deserves."""
    if figure is None:
        return "not in time"
    if "longest task" in name and figure < 50:
        return NO_LONG_TASK
    return f"{figure:,.1f}" if figure < 100 and not float(figure).is_integer() else f"{figure:,.0f}"


def _ratio(ours: float | None, theirs: float | None) -> str:
    if not ours or not theirs:
        return ""
    return f"{theirs / ours:.1f}×" if theirs < 100 * ours else f"{theirs / ours:.0f}×"
