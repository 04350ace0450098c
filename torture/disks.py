"""Takes the disk away from under a training: full, read-only, hanging, deleted, over quota, without mmap.

Promised (docs/safety.md): training goes on without an exception, there is one warning, close() tells how many rows and
records were dropped and why, everything else is readable, unchanged and in order, and the board tells of the drop too.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

from torture.children.forked import live_and_exit
from torture.scene import Budget, Outcome

SHARE = 1.0
AT_ONCE = 4  # they wait more than they work
_ATTEMPT_SECONDS = 4.0  # what one takes on a busy machine
_PATIENCE = 90.0


def scene(budget: Budget) -> Iterator[Outcome]:
    """Every sort of trouble once, in an order that the seed decides, then again; as many as there is time for."""
    if not sys.platform.startswith("linux"):
        yield Outcome("disks", "", left_out="the troubles are made with Linux's means")
        return
    from torture.children.disk import TROUBLES

    every = [(name, how) for name, trouble in TROUBLES.items() for how in trouble.durability]
    order = budget.chance.sample(every, len(every))
    names = [name for name, _ in order]
    order = [order[i] for i in sorted(range(len(order)), key=lambda i: names.index(names[i]) != i)]  # each once first
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="torture-disks-", ignore_cleanup_errors=True) as scratch:
        for attempt in _attempts(order, budget, Path(scratch)):
            found[attempt.name].append({"number": attempt.number, "how": attempt.how, **attempt.told()})
    for name in TROUBLES:
        if name in found:
            yield _outcome(name, found[name])
    if missing := [name for name in TROUBLES if name not in found]:
        yield Outcome("other disks", f"{len(found)} of {len(TROUBLES)}", left_out=f"no time for {'; '.join(missing)}")


def _attempts(order: Sequence[tuple[str, str]], budget: Budget, scratch: Path) -> Iterator[Attempt]:
    """Starts attempts, a few at once, until the time is over; each as it ends."""
    running: list[Attempt] = []
    number = 0
    while running or number == 0:
        while len(running) < AT_ONCE and (budget.left() > min(_ATTEMPT_SECONDS, budget.seconds / 2) or not number):
            running.append(Attempt(*order[number % len(order)], number, scratch / str(number)))
            number += 1
        time.sleep(0.01)
        for attempt in [one for one in running if one.ended()]:
            running.remove(attempt)
            yield attempt


class Attempt:
    """One training on one bad disk, in a forked child."""

    def __init__(self, name: str, how: str, number: int, folder: Path) -> None:
        self.name, self.how, self.number, self.folder = name, how, number, folder
        self._deadline = time.monotonic() + _PATIENCE
        self._status: int | None = None
        self._hung = False
        folder.mkdir()
        for parent in (folder, folder.parent):
            parent.chmod(0o777)  # a child that becomes nobody must come this far
        self._pid = os.fork()
        if not self._pid:
            self._run()

    def _run(self) -> NoReturn:
        from torture.children.disk import perform

        live_and_exit(
            self.folder / "errors",
            lambda: perform(self.name, cast("Any", self.how), self.folder, str(self.number)),
        )

    def ended(self) -> bool:
        """Whether it has; one that hangs is killed."""
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid:
            self._status = os.waitstatus_to_exitcode(status)
        elif time.monotonic() > self._deadline:
            self._hung = True
            os.kill(self._pid, signal.SIGKILL)
        return bool(pid)

    def told(self) -> dict[str, Any]:
        """What it found."""
        errors = (self.folder / "errors").read_text(encoding="utf-8")
        told = self.folder / "told"
        found: dict[str, Any] = {"broke": [f"ended with {self._status}: {errors[-800:]}"]}
        if self._hung:
            found = {"broke": [f"hung for {_PATIENCE:.0f} s"]}
        elif self._status == 0 and told.exists():
            found = json.loads(told.read_text(encoding="utf-8"))
            if errors:
                found.setdefault("broke", []).append(f"said on stderr: {errors[-800:]}")
        shutil.rmtree(self.folder, ignore_errors=True)
        return found


def _outcome(name: str, found: list[dict[str, Any]]) -> Outcome:
    left_out = "; ".join(sorted({one["left_out"] for one in found if "left_out" in one}))
    if left_out:
        return Outcome(name, "", left_out=left_out)
    rows, dropped = sum(one.get("rows", 0) for one in found), sum(one.get("lost_rows", 0) for one in found)
    ways = sorted({one["how"] for one in found})
    tried = f"{len(found)} times ({', '.join(ways)}), {rows:,} rows read back, {dropped:,} told dropped"
    broke = tuple(f"attempt {one['number']} ({one['how']}): {what}" for one in found for what in one.get("broke", ()))
    return Outcome(name, tried, broke)
