"""Series as CSV: every raw point, numbers that read back as they were, no cell that a spreadsheet would run."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from visualdl.kinds.kind import Points
from visualdl.store.question import Axis

ROWS_AT_ONCE = 20_000


def heading(axis: Axis) -> str:
    """The first line."""
    return f"run,step,{'relative' if axis == 'relative' else 'time'},value\n"


def lines(run: str, points: Points, origin: float) -> Iterator[str]:
    """The lines of one run, some thousands at a time. points: of a row kind. origin: subtracted from each time."""
    if points.value is None or not len(points):
        return
    cell = text_cell(run)
    times = points.time - origin
    for at in range(0, len(points), ROWS_AT_ONCE):
        part = slice(at, at + ROWS_AT_ONCE)
        rows = zip(points.step[part].tolist(), times[part].tolist(), points.value[part].tolist(), strict=True)
        yield "".join([f"{cell},{step},{time!r},{value!r}\n" for step, time, value in rows])


def text_cell(text: str) -> str:
    """A cell with text. What a spreadsheet would take for a formula (CSV injection) gets an apostrophe before it."""
    if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        text = "'" + text
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def disposition(tag: str) -> str:
    """A Content-Disposition named after the tag, of which nothing can end the header or name a folder."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in tag).strip(".")[:100] or "series"
    exact = quote(tag.replace("/", "_").replace("\\", "_")[:100].strip(".") or "series", safe="")
    return f"attachment; filename=\"{plain}.csv\"; filename*=UTF-8''{exact}.csv"
