"""Tables of figures, one column a tool: ours first, then the peers, how far the best of them is, and our goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Cell = float | str | None


@dataclass(frozen=True)
class Row:
    """One question. cells: ours first; text where there is no figure, None where nothing was measured.

    goal: what ours should be at most, or at least. best: which is better.
    """

    title: str
    cells: Sequence[Cell]
    goal: float | None = None
    best: Literal["least", "most", "none"] = "least"


def markdown(corner: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    """The table; the column before the last says how many times as good we are as the best peer."""
    lines = [
        f"| {corner} | {' | '.join(columns)} | best peer ÷ ours | goal |",
        f"|---|{'---:|' * (len(columns) + 2)}",
    ]
    for row in rows:
        cells = " | ".join(shown(cell) for cell in row.cells)
        lines.append(f"| {row.title} | {cells} | {_ratio(row)} | {_goal(row)} |")
    return "\n".join(lines)


def shown(cell: Cell) -> str:
    """A figure with two or three digits that matter."""
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    if cell >= 100 or cell == int(cell):
        return f"{cell:,.0f}"
    return f"{cell:.1f}" if cell >= 10 else f"{cell:.2g}" if cell < 1 else f"{cell:.2f}"


def _ratio(row: Row) -> str:
    ours, *others = row.cells
    peers = [cell for cell in others if isinstance(cell, float)]
    if row.best == "none" or not isinstance(ours, float) or not peers or not ours:
        return ""
    times = min(peers) / ours if row.best == "least" else ours / (max(peers) or 1)
    if times < 0.01:
        return "< 0.01×"
    return f"{times:.2g}×" if times < 10 else f"{times:,.0f}×"


def _goal(row: Row) -> str:
    ours = row.cells[0]
    if row.goal is None:
        return ""
    sign = "≥" if row.best == "most" else "≤"
    if not isinstance(ours, float):
        return f"{sign} {row.goal:g}"
    met = ours >= row.goal if row.best == "most" else ours <= row.goal
    return f"{sign} {row.goal:g}" if met else f"{sign} {row.goal:g}, **missed**"
