"""How soon a board shows logs, how fast it answers, how much memory it takes, and how soon a new point is there.

    python -m benches serve        or        python -m benches.serve [--peers aim] [--sizes small,large] [--limit 300]

Each tool reads logs in its own format, written just before (so they are in the page cache), and is asked over HTTP as
its own page asks: from the start of its server until one tag of all runs is there up to its last step. Only the time
until the last byte of an answer counts, not what a client does with it. One tool runs at a time; `python -m
benches.peers` installs them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from benches.peers.boards import NoAnswer, Opening, Server, open_logs, running
from benches.peers.catalog import USUAL, chosen, present
from benches.peers.children import Failed, Watch, last_words, measure, say, scratch_folder, start, task
from benches.peers.contract import RUN, Board, Shape, Tool
from benches.peers.table import Cell, Row, markdown, shown

SIZES: Final[Mapping[str, Shape]] = {
    "small": Shape(10, 10, 1_000),
    "medium": Shape(100, 20, 5_000),
    "large": Shape(1, 1, 5_000_000),
}
MOST_MB: Final = 500
MOST_MS: Final[Mapping[str, float]] = {"medium": 50, "large": 20}  # for one tag of all runs, when asked again
RECORDS: Final = 10  # live


class Column(NamedTuple):
    """A board's figures; `share` is its part of the points, where not all could be written."""

    board: type[Board]
    share: float
    opening: Opening


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=chosen, default=USUAL, metavar="all|NAME,NAME")
    parser.add_argument("--sizes", type=lambda names: names.split(","), default=[*SIZES], metavar="NAME,NAME")
    parser.add_argument("--limit", type=float, default=30, help="seconds until a tool is given up (30)")
    parser.add_argument("--quick", action="store_true", help="the small logs only")
    asked = parser.parse_args()
    if unknown := {*asked.sizes} - {*SIZES}:
        parser.error(f"there is no size {', '.join(unknown)}; there are {', '.join(SIZES)}")
    tools, notes = present(asked.peers)
    tools = [tool for tool in tools if tool.boards]
    for size in ["small"] if asked.quick else asked.sizes:
        shape = SIZES[size]
        columns = list(openings(tools, size, shape, asked.limit, notes))
        what = f"{size}: {shape.runs} × {shape.tags} × {shape.steps:,}"
        for every in (False, True):
            some = [column for column in columns if column.board.every_point == every]
            corner = f"{what}{', every point' if every else ''}"
            print(markdown(corner, titles(some), rows_of(some, size, asked.limit)), end="\n\n")
    print(live_table(tools, notes))
    if notes:
        print("\n" + "\n".join(f"- {note}" for note in dict.fromkeys(notes)))


# ------------------------------------------------------------------------------------------------------------ opening


def openings(tools: Sequence[Tool], size: str, shape: Shape, limit: float, notes: list[str]) -> Iterator[Column]:
    """Every board of every tool on logs of this size. What cannot be measured is left out, with a note."""
    for tool in tools:
        share = tool.share.get(size, 1.0)
        if not share:
            notes.append(f"{tool.title} is left out of {size}: its own writer would take a quarter of an hour or more.")
            continue
        part = Shape(shape.runs, shape.tags, round(shape.steps * share))
        if share < 1:
            notes.append(f"{tool.title}, {size}: {share:.0%} of the points, as its own writer writes them.")
        with scratch_folder() as scratch:
            try:
                say(f"{size}: writing the logs of {tool.title}")
                (scratch / "shape.json").write_text(json.dumps([part.runs, part.tags, part.steps]))
                measure(tool, "generate", scratch, 0)
                for kind in tool.boards:
                    say(f"{size}: {kind.title}")
                    opening = open_logs(tool, kind(), scratch, part.names, part.steps, limit)
                    if opening.whole is None:
                        notes.append(f"{kind.title}, {size}: not there within {limit:.0f} s. {opening.trouble}".strip())
                    elif opening.trouble:
                        notes.append(f"{kind.title}, {size}, asked again: {opening.trouble}.")
                    yield Column(kind, share, opening)
            except Failed as failed:
                notes.append(f"{tool.title} is left out of {size}: {failed}.")


def titles(columns: Sequence[Column]) -> list[str]:
    """Of the columns of a table."""
    return [f"{board.title}{f' ({share:.0%})' if share < 1 else ''}" for board, share, _ in columns]


def rows_of(columns: Sequence[Column], size: str, limit: float) -> list[Row]:
    """The questions of the table of one size."""
    late = f"> {limit:.0f} s"

    def row(title: str, figures: Sequence[float | None], *, goal: float | None = None, missing: Cell = None) -> Row:
        # With fewer points a figure is no match for ours: it is shown, and left out of the ratio.
        found = [missing if figure is None else float(figure) for figure in figures]
        cells = [shown(cell) if one.share < 1 else cell for one, cell in zip(columns, found, strict=True)]
        return Row(title, cells, goal)

    every = [one.opening.every for one in columns]
    single = [one.opening.single for one in columns]
    again = None if columns and columns[0].board.every_point else MOST_MS.get(size)
    rows = [
        row("start to first data, s", [one.opening.first for one in columns], missing=late),
        row("start to one tag of all runs, s", [one.opening.whole for one in columns], missing=late),
        row("peak memory of the server, MB", [one.opening.peak_mb for one in columns], goal=MOST_MB),
        row("one tag of all runs, again, ms", [pair and pair[0] * 1e3 for pair in every], goal=again),
        row("– kB on the wire", [pair and pair[1] / 1e3 for pair in every]),
        row("– points of a run in it", [one.opening.seen or None for one in columns]),
        row("one tag of one run, again, ms", [pair and pair[0] * 1e3 for pair in single]),
        row("– kB on the wire", [pair and pair[1] / 1e3 for pair in single]),
    ]
    rows[5] = Row(rows[5].title, rows[5].cells, best="none")
    return rows if SIZES[size].runs > 1 else rows[:6]


# --------------------------------------------------------------------------------------------------------------- live


def live_table(tools: Sequence[Tool], notes: list[str]) -> str:
    """How long after its call returned a point is in the answer, asked every 20 ms or as often as the server can."""
    boards = [(tool, tool.boards[0]()) for tool in tools]
    found = []
    for tool, board in boards:
        say(f"live: {board.title}")
        try:
            with scratch_folder() as scratch:
                found.append(live(tool, board, scratch))
        except Failed as failed:
            notes.append(f"{tool.title} is left out of live: {failed}.")
            found.append([])
    rows = [
        Row("call returned to point in the answer: median, ms", [median(late) for late in found], 100),
        Row("– slowest", [max(late, default=None) for late in found]),
        Row(f"– of {RECORDS} points seen", [float(len(late)) for late in found], best="none"),
    ]
    return markdown("live: a point about each 0.6 s", [board.title for _, board in boards], rows)


def median(late: Sequence[float]) -> float | None:
    """None of nothing."""
    return statistics.median(late) if late else None


def live(tool: Tool, board: Board, scratch: Path) -> list[float]:
    """Milliseconds for each record of a writer in another process, which goes on when the board shows its first."""
    returned = scratch / "returned.txt"
    returned.touch()
    with ExitStack() as stack:
        output = stack.enter_context((scratch / "output").open("wb"))
        writer = start(tool, task(tool, scratch, "live", RECORDS), scratch, output)
        watch = Watch(writer.pid)
        stack.callback(writer.wait, 10)
        stack.callback(watch.stop)
        wait_until(lambda: returned.read_text() != "" or writer.poll() is not None, 30)
        if not returned.read_text():
            raise Failed(last_words(scratch / "output"))
        server = stack.enter_context(running(tool, board, scratch, 30))
        wait_until(lambda: last_step(server, board) >= 0, 30)
        assert writer.stdin is not None
        writer.stdin.write(b"go on\n")
        writer.stdin.flush()
        return delays(server, board, returned)


def delays(server: Server, board: Board, returned: Path) -> list[float]:
    """Milliseconds from the return of each call to the answer that holds its point."""
    found: list[float] = []
    end = time.monotonic() + RECORDS * 0.9 + 25
    while len(found) < RECORDS and time.monotonic() < end:
        last = last_step(server, board)
        now = time.time()
        times = [float(line) for line in returned.read_text().splitlines()[1:]]
        found += [max(0.0, now - one) * 1e3 for one in times[len(found) : int(last)]]
        time.sleep(max(0.02, server.client.spent))
    return found


def last_step(server: Server, board: Board) -> float:
    """The last step of the tag that the board shows now; -1 when it shows none."""
    server.check()
    server.client.reset()
    try:
        seen = board.ask(server.client, [RUN], "t0")
    except NoAnswer:
        return -1.0
    return max((one.last for one in seen.values()), default=-1.0)


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    """Asks again and again; raises Failed when the time is over."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise Failed(f"nothing came within {seconds:.0f} s")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
