"""Ends training processes in every way there is, a thousand of them by `kill -9`, and reads back what they had logged.

Promised (docs/safety.md): no row whose call returned is lost, doubled, changed or out of order, however the process
ends; where rows cannot be mapped, at most the last quarter of a second of them; at most one second of payload records.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from torture.scene import Budget, Outcome

SHARE = 4.0
KILLERS = 2
_KILLING = 0.75  # of the time; the rest is for the other ends
_START_SECONDS = 1.5  # a program of ours begins
_PATIENCE = 60.0
_PAYLOADS = 2.0  # a second, as promised, and one for the crash itself and for our learning of it


def scene(budget: Budget) -> Iterator[Outcome]:
    """Kills first, every other end afterwards."""
    if sys.platform == "win32":
        yield Outcome("kill -9", "", left_out="no fork and no signals on Windows")
        return
    yield from kills(budget.share(_KILLING), budget.chance.randrange(1 << 30))
    yield from other_ends(budget)


def kills(budget: Budget, seed: int) -> Iterator[Outcome]:
    """Two programs fork children and kill them, until the time is over; one outcome a mode."""
    with tempfile.TemporaryDirectory(prefix="torture-death-") as folder:
        seconds = max(1.0, budget.left() - _START_SECONDS)
        workers = [_killer(seed, first, seconds, Path(folder)) for first in range(KILLERS)]
        told = [worker.communicate() for worker in workers]
    by_mode: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for output, _ in told:
        for line in output.splitlines():
            one = json.loads(line)
            by_mode[one["mode"]].append(one)
    for mode, found in sorted(by_mode.items()):
        yield _outcome(f"kill -9, {mode}", found, f"{len(found)} kills")
    total = sum(map(len, by_mode.values()))
    rows = sum(one["rows"] for found in by_mode.values() for one in found)
    broke = [
        f"a killer ended with {worker.returncode}: {errors[-800:]}"
        for worker, (_, errors) in zip(workers, told, strict=True)
        if worker.returncode
    ]
    yield Outcome("kill -9, all together", f"{total:,} kills, {rows:,} rows read back", tuple(broke))


def _killer(seed: int, first: int, seconds: float, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torture.children.kills", "--seed", str(seed), "--first", str(first)]
    command += ["--seconds", f"{seconds:.1f}", "--folder", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _outcome(title: str, found: list[dict[str, Any]], tried: str) -> Outcome:
    rows, records = sum(one["rows"] for one in found), sum(one["records"] for one in found)
    figures = [tried, f"{rows:,} rows" if rows else "", f"{records:,} records" if records else ""]
    lost_rows, lost_records = sum(one["lost_rows"] for one in found), sum(one["lost_records"] for one in found)
    if lost_rows or lost_records:
        oldest = max(one["lost_seconds"] for one in found)
        figures.append(f"lost {lost_rows or lost_records:,}, the oldest {oldest:.2f} s old")
    elif rows:
        figures.append("none lost")
    broke = tuple(f"attempt {one['number']}: {sentence}" for one in found for sentence in one["broke"])
    return Outcome(title, ", ".join(filter(None, figures)), broke)


def other_ends(budget: Budget) -> Iterator[Outcome]:
    """Each other end once, then again and again while there is time; one outcome an end."""
    from torture.children.endings import ENDINGS

    chance = budget.chance
    names = chance.sample(sorted(ENDINGS), len(ENDINGS))
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    lock = threading.Lock()

    def work(first: int, folder: Path) -> None:
        number = first
        while budget.left() > _START_SECONDS:
            name = names[number % len(names)]
            one = end_once(name, folder / str(number), f"{budget.seed}/{number}")
            with lock:
                found[name].append({"number": number, **one})
            number += KILLERS

    with tempfile.TemporaryDirectory(prefix="torture-death-") as scratch, ThreadPoolExecutor(KILLERS) as pool:
        for done in [pool.submit(work, first, Path(scratch)) for first in range(KILLERS)]:
            done.result()
    for name in sorted(found):
        yield _outcome(name, found[name], f"{len(found[name])} times")
    if missing := sorted(set(names) - set(found)):
        yield Outcome("other ends", f"{len(found)} of {len(names)}", left_out=f"no time for {', '.join(missing)}")


def end_once(name: str, folder: Path, seed: str) -> dict[str, Any]:
    """One process, ended in one way, and what was found after it."""
    from torture.children.endings import ENDINGS
    from torture.children.ledger import Ledger
    from torture.children.truth import Finding, check_records, check_rows, read_sets, told_damage

    folder.mkdir()
    run, ledger, ending = folder / "run", Ledger(folder / "ledger"), ENDINGS[name]
    command = [sys.executable, "-m", "torture.children.endings", name, str(run), str(ledger.path), seed]
    found = Finding()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return vars(Finding(broke=[f"still there after {_PATIENCE:.0f} s"]))
    ended = time.monotonic()
    sets = read_sets(run)
    if done.returncode not in ending.status:
        found.broke.append(f"ended with {done.returncode}, wanted {ending.status}: {done.stderr[-800:]}")
    found.broke += told_damage(sets)
    check_rows(found, sets, ledger, ended=ended, window=0.0, most=ledger.ending or None)
    check_records(found, sets, ledger, ended=ended, window=0.0 if ending.closed else _PAYLOADS)
    for one in sets:
        if ending.closed and one.closed is None:
            found.broke.append("the log is not closed")
        if one.closed is not None and one.closed.rows != sum(
            one.count(tag.id) for tag in one.tags.values() if tag.kind == "scalar"
        ):
            found.broke.append(f"the end of the log says {one.closed}, which is not what it holds")
    return vars(found)
