"""Series as CSV: every raw point, numbers that read back as they were, no cell that a spreadsheet would run."""

from __future__ import annotations

import re
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
    """A cell with text. What a spreadsheet would take for a formula (CSV injection) gets an apostrophe before it.

    Quoted is whatever is not plain: where a spreadsheet takes ; or a tab for the comma, what follows would be a cell.
    """
    if _FORMULA.match(text):
        text = "'" + text
    return text if _PLAIN.fullmatch(text) else '"' + text.replace('"', '""') + '"'


# Signs that begin a formula, also the wide ones that some editions take for them, after whatever is not seen.
_FORMULA = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]")
_PLAIN = re.compile(r"[\w ./:=+@()-]*")


def disposition(tag: str) -> str:
    """A Content-Disposition named after the tag, which cannot end the header, name a folder or turn writing round."""
    exact = _NOT_IN_NAMES.sub("_", tag[:100]).strip("_.") or "series"
    plain = re.sub(r"[^\w.-]+", "_", exact, flags=re.ASCII).strip("_.") or "series"
    return f"attachment; filename=\"{plain}.csv\"; filename*=UTF-8''{quote(exact, safe='')}.csv"


_NOT_IN_NAMES = re.compile(r"[^\w.-]+|\.{2,}")  # \w has no signs that turn the direction of writing
