"""Many writers at once on one run, in every way that processes and threads come, with clocks and places that are odd.

Promised (docs/safety.md): every writer has files of its own, so none disturbs another; a reader that looks in between
sees a beginning of each series, whole, in order, and never anything else; nothing hangs.
"""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from torture.scene import Budget, Outcome

if TYPE_CHECKING:
    from torture.children.ledger import Ledger
    from torture.children.truth import Finding
    from visualdl.log.reader import FileSet
    from visualdl.store.store import Store

SHARE = 1.5
_PATIENCE = 120.0
_BOARD_LOOKS = 10  # each so many looks, one at the board
_WRITING = 0.1  # of the time, for each crowd that writes while a reader looks on


def scene(budget: Budget) -> Iterator[Outcome]:
    """Each once; the crowds write for as long as there is time."""
    if not hasattr(os, "fork"):
        yield Outcome("crowds", "", left_out="no fork here")
        return
    chance = budget.chance
    seconds = budget.seconds * _WRITING
    steps: list[tuple[str, float, Callable[[Path], Outcome]]] = [  # the second: how many seconds it takes at most
        ("twins", 1, lambda folder: twins(folder, chance)),
        ("lying clocks", 1, lambda folder: lying_clocks(folder, chance)),
        ("no home", 1, lambda folder: homeless(folder, chance)),
        ("odd places", 2, lambda folder: odd_places(folder, chance)),
        ("2 processes", 1, lambda folder: together(folder, 2, seconds, chance)),
        ("64 processes", 2, lambda folder: together(folder, 64, seconds, chance)),
        ("threads", 1, lambda folder: ten_threads(folder, seconds, chance)),
        ("resumes", 3, lambda folder: resumed(folder, chance)),
        ("forks among threads", 6, lambda folder: forked(folder, chance)),
        *((f"Pool, {method}", 3, partial(pool, method=method)) for method in ("fork", "spawn", "forkserver")),
        *((f"DataLoader, {method}", 15, partial(loader, method=method)) for method in ("fork", "spawn")),
    ]
    untried = []
    for name, needed, step in steps:
        if budget.left() < needed:
            untried.append(name)
            continue
        with tempfile.TemporaryDirectory(prefix="torture-crowds-", ignore_cleanup_errors=True) as folder:
            yield step(Path(folder))
    if untried:
        yield Outcome(
            "other crowds", f"{len(steps) - len(untried)} of {len(steps)}", left_out=f"no time for {'; '.join(untried)}"
        )


class Watch:
    """A reader that looks at a run again and again while it is written, and believes nothing."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.sets: dict[Path, FileSet] = {}
        self.seen: dict[tuple[Path, str], int] = {}
        self.looks = 0
        self.broke: list[str] = []
        self._board: Store | None = None
        self._shown: dict[str, int] = {}

    def look(self) -> None:
        """What is new must be just the next rows of each series, whole; now and then on the board as well."""
        import numpy as np

        from torture.children.truth import told_damage, values_of
        from visualdl.log.reader import FileSet, find_file_sets

        if self.looks % _BOARD_LOOKS == 0:
            self._look_at_board()
        self.looks += 1
        for path in find_file_sets(self.run):
            one = self.sets.setdefault(path, FileSet(path))
            one.refresh()
            for tag in one.tags.values():
                if not tag.name.startswith("loss/"):
                    continue
                since = self.seen.get((path, tag.name), 0)
                step, _, value = one.rows(tag.id, since)
                expected = np.arange(since, since + len(step))
                if not (np.array_equal(step, expected) and np.array_equal(value, values_of(step, int(tag.name[5:])))):
                    self.broke.append(f"look {self.looks}: {path.name}, {tag.name}: not the rows after {since}")
                self.seen[path, tag.name] = since + len(step)
                if one.count(tag.id) != since + len(step):
                    self.broke.append(f"look {self.looks}: {path.name}: counted {one.count(tag.id)}")
        self.broke += told_damage(self.sets.values())

    def _look_at_board(self) -> None:
        """No point that was on the board goes away, and none has another value than was logged."""
        import numpy as np

        from torture.children.truth import values_of
        from visualdl.store.store import Store

        self._board = board = self._board or Store([self.run])
        board.refresh()
        for tag, runs in board.tags()["scalar"].items():
            if tag.startswith("loss/"):
                points = board.raw(runs[0], "scalar", tag)
                if len(points) < self._shown.get(tag, 0):
                    self.broke.append(f"the board had {self._shown[tag]} points of {tag}, now {len(points)}")
                expected = values_of(points.step, int(tag[5:]))
                if points.value is None or not np.array_equal(points.value, expected):
                    self.broke.append(f"the board shows another value of {tag} than was logged")
                self._shown[tag] = len(points)


def crowd(
    folder: Path,
    victim: Callable[..., None],
    count: int,
    chance: random.Random,
    *,
    seconds: float = 0.0,
    patient: bool = False,
) -> tuple[list[Ledger], Watch]:
    """Forks writers of one run, looks on while they write, tells them to end; their ledgers, and what was seen.

    patient: they end by themselves.
    """
    from torture.children.kills import Stopwatch, spawn, wait
    from torture.children.ledger import Ledger

    watch = Watch(folder / "run")
    ledgers = [Ledger(folder / f"ledger {number}") for number in range(count)]
    pids = [spawn(victim, folder / "run", ledger, repr(chance.random())) for ledger in ledgers]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        watch.look()
        time.sleep(0.005)
    for ledger in ledgers if not patient else ():
        ledger.ending = 1
    for pid in pids:
        status = wait(pid, Stopwatch())
        if status is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if status != 0:
            errors = folder / "errors"
            watch.broke.append(f"a writer ended with {status}: {errors.read_text()[-500:] if errors.exists() else ''}")
    watch.look()
    return ledgers, watch


def judged(title: str, ledgers: list[Ledger], watch: Watch, tried: str) -> Outcome:
    """The end: each ledger against the file set of its writer, and the board against all of them."""
    from torture.children.truth import Finding, board_counts, check_rows, read_sets, told_damage

    sets, found = read_sets(watch.run), Finding(broke=watch.broke)
    for ledger in ledgers:
        own = [one for one in sets if one.meta.get("writer", ledger.path.name) == ledger.path.name]
        check_rows(found, own, ledger, ended=time.monotonic(), window=0.0)
    found.broke += told_damage(sets)
    on_board = sum(count for (kind, tag), count in board_counts(watch.run).items() if tag.startswith("loss/"))
    if on_board != found.rows:
        found.broke.append(f"{found.rows} rows in the files, {on_board} on the board")
    if any(one.live for one in sets):
        found.broke.append("the reader believes that somebody still writes")
    return Outcome(title, f"{tried}, {found.rows:,} rows, {watch.looks} looks in between", tuple(found.broke))


def together(folder: Path, count: int, seconds: float, chance: random.Random) -> Outcome:
    """So many processes on one run."""
    from torture.children.crowd import writer

    ledgers, watch = crowd(folder, partial(writer, nap=0.001 * count), count, chance, seconds=seconds)
    return judged(f"{count} processes on one run", ledgers, watch, f"{len(watch.sets)} file sets")


def ten_threads(folder: Path, seconds: float, chance: random.Random) -> Outcome:
    """Ten threads, each with a tag of its own, and one that they share."""
    import numpy as np

    from torture.children.crowd import SHARED, threads
    from torture.children.truth import read_sets, rows_of

    ledgers, watch = crowd(folder, threads, 1, chance, seconds=seconds)
    step, value = rows_of(read_sets(watch.run), "shared")
    for thread in range(10):
        mine = step[step % SHARED == thread] // SHARED
        if not np.array_equal(mine, np.arange(ledgers[0].returned[thread])):
            watch.broke.append(f"the shared tag: the rows of thread {thread} are not all there, in order")
    if not np.array_equal(value, step // SHARED):
        watch.broke.append("the shared tag: changed values")
    return judged("10 threads on one LogWriter", ledgers, watch, f"{len(step):,} rows of a tag that they share")


def forked(folder: Path, chance: random.Random) -> Outcome:
    """Children that are forked while threads of their parent log, and log themselves."""
    from torture.children.crowd import FORKS, forks
    from torture.children.ledger import BURST
    from torture.children.truth import read_sets, rows_of

    ledgers, watch = crowd(folder, forks, 1, chance, patient=True)
    sets = read_sets(watch.run)
    for number in range(FORKS):
        step, _ = rows_of(sets, f"child/{number}")
        if step.tolist() != list(range(BURST)):
            watch.broke.append(f"forked child {number} logged {BURST} rows, {len(step)} are there")
    return judged("forks while four threads log", ledgers, watch, f"{FORKS} forks, {len(sets)} file sets")


def resumed(folder: Path, chance: random.Random) -> Outcome:
    """Twenty lives of one run, each killed; a reader looks on all the time."""
    from torture.children.kills import Stopwatch, spawn, wait
    from torture.children.ledger import Ledger
    from torture.children.victims import earlier_life, named

    watch, timer = Watch(folder / "run"), Stopwatch()
    ledgers = [Ledger(folder / f"ledger {life}") for life in range(20)]
    for life, ledger in enumerate(ledgers):
        pid = spawn(named if life % 3 else earlier_life, folder / "run", ledger, repr(chance.random()))
        end = time.monotonic() + chance.uniform(0.0, 0.15)
        while time.monotonic() < end:
            watch.look()
            timer.nap()
        os.kill(pid, signal.SIGKILL)
        wait(pid, timer)
        watch.look()
    return judged("a run resumed 20 times, killed 20 times", ledgers, watch, f"{len(watch.sets)} file sets")


def lying_clocks(folder: Path, chance: random.Random) -> Outcome:
    """The clock goes back and forth by hours, years and ages, within a run and from one resume to the next."""
    from torture.children.crowd import liar

    ledgers, watch = crowd(folder, liar, 6, chance)
    return judged("a clock that jumps, from -50 to +10,000 years", ledgers, watch, "6 resumes of 12 jumps")


def twins(folder: Path, chance: random.Random) -> Outcome:
    """Processes that share host name, pid and microsecond."""
    from torture.children.crowd import twin

    ledgers, watch = crowd(folder, twin, 8, chance)
    return judged("equal pid, host name and microsecond", ledgers, watch, f"{len(watch.sets)} file sets of 8 writers")


_ODD = (
    "with spaces and 'quotes\"",
    "训练 № 1 — ñ",
    "line\nbreak\ttab",
    "-rf",
    "%41%00 $HOME `id` *?[a]",
    "..hidden",
    "c" * 255,
    "/".join(["deep"] * 300),
    "/".join(["l" * 250] * 14),
    os.fsdecode(b"bytes \xff\xfe\xed\xa0\x80"),
    "e\u0301 vs \u00e9",
    "RTL \u202e txt",
    "/".join(["m" * 250] * 16 + ["n" * 30]),
)


def odd_places(folder: Path, chance: random.Random) -> Outcome:
    """Names and paths that file systems allow and nobody expects. What cannot be kept is told: the last is too long."""
    from torture.children.crowd import odd_place
    from torture.children.kills import Stopwatch, spawn, wait
    from torture.children.ledger import Ledger
    from torture.children.truth import Finding, board_counts, check_rows, read_sets

    found = Finding()
    for number, name in enumerate(_ODD):
        ledger, run = Ledger(folder / f"ledger {number}"), folder / str(number) / name
        (folder / str(number)).mkdir()
        pid = spawn(partial(odd_place, at=run), folder / "run", ledger, "0")
        if _kept(found, wait(pid, Stopwatch()), folder / "errors", "File name too long"):
            check_rows(found, read_sets(run), ledger, ended=time.monotonic(), window=0.0)
            if sum(board_counts(run).values()) != ledger.returned[0]:
                found.broke.append(f"{name[:40]!r}: not on the board")
    return Outcome("odd names and long paths", f"{len(_ODD)} places, {found.rows:,} rows", tuple(found.broke))


def _kept(found: Finding, status: int | None, errors: Path, why: str) -> bool:
    """Whether a child kept its rows; if not, it must have ended well and told just once why it could not."""
    said = errors.read_text()
    told = said.count("RuntimeWarning") == 1 and why in said
    if status != 0 or (said and not told):
        found.broke.append(f"ended with {status}: {said[-500:]}")
    return not said


def homeless(folder: Path, chance: random.Random) -> Outcome:
    """No home, a working folder that was deleted, every umask, and a user that has no name."""
    from torture.children.crowd import no_home
    from torture.children.kills import Stopwatch, spawn, wait
    from torture.children.ledger import Ledger
    from torture.children.truth import Finding, check_rows, read_sets

    found = Finding()
    for number in range(8):
        place = folder / str(number)
        place.mkdir()
        for parent in (folder, place):
            parent.chmod(0o777)
        ledger = Ledger(place / "ledger")
        status = wait(spawn(no_home, place / "run", ledger, repr(chance.random())), Stopwatch())
        if _kept(found, status, place / "errors", "Permission denied"):  # by an umask that forbids the folder to us
            check_rows(found, read_sets(place / "run"), ledger, ended=time.monotonic(), window=0.0)
    return Outcome("no home, no folder, any umask, no name", f"8 processes, {found.rows:,} rows", tuple(found.broke))


def pool(folder: Path, method: str) -> Outcome:
    """multiprocessing.Pool: 200 items logged by three workers that are terminated in the end."""
    from torture.children.truth import read_sets, rows_of

    title = f"multiprocessing.Pool, {method}"
    broke = _program(folder, "pool", method)
    step, _ = rows_of(read_sets(folder / "run"), "item")
    if sorted(step.tolist()) != list(range(200)):
        broke.append(f"of 200 items, {len(step)} are there, {len(set(step.tolist()))} different ones")
    parent, _ = rows_of(read_sets(folder / "run"), "parent")
    if parent.tolist() != list(range(201)):
        broke.append(f"of the parent's 201 rows {len(parent)} are there")
    return Outcome(title, "200 items of 3 workers, each logged once", tuple(broke))


def loader(folder: Path, method: str) -> Outcome:
    """torch's DataLoader: each item logged once an epoch, by the worker that loads it."""
    title = f"DataLoader workers, {method}"
    if importlib.util.find_spec("torch") is None:
        return Outcome(title, "", left_out="torch is not installed")
    from torture.children.items import COUNT
    from torture.children.truth import read_sets, rows_of

    broke = _program(folder, "loader", method)
    sets = read_sets(folder / "run")
    for number in range(COUNT):
        step, value = rows_of(sets, f"item/{number}")
        if len(step) != 2 or (value != number).any():
            broke.append(f"item {number} was loaded twice, but has {len(step)} rows")
    parent, _ = rows_of(sets, "parent")
    if parent.tolist() != list(range(len(parent))) or len(parent) != 1 + COUNT // 2:
        broke.append(f"of the parent's {1 + COUNT // 2} rows {len(parent)} are there")
    return Outcome(title, f"{2 * COUNT} items by 2 persistent workers, {len(sets)} file sets", tuple(broke))


def _program(folder: Path, what: str, method: str) -> list[str]:
    command = [sys.executable, "-W", "ignore", "-m", "torture.children.crowd", what, method, str(folder / "run")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return [f"hung for {_PATIENCE:.0f} s"]
    return [f"ended with {done.returncode}: {done.stderr[-600:]}"] if done.returncode or done.stderr else []
