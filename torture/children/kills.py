"""One of the two executioners: forks a child, kills it, reads what it left; a JSON line for each.

    python -m torture.children.kills --seed N --first 0 --seconds S --folder F

Children are forked from this process, which has loaded everything: a kill takes a third of a second. It does the
attempts `first`, `first` + 2, …; an attempt is wholly decided by the seed and its number, but for the clock.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

from torture.children.forked import live_and_exit
from torture.children.ledger import Ledger
from torture.children.truth import Finding, board_counts, check_records, check_rows, check_times, read_sets, told_damage
from torture.children.victims import MODES, Mode, Victim, earlier_life

WAIT_SECONDS = 30.0  # for a child that kills itself
NAP = 0.002
SLACK_SECONDS = 0.05  # from a promised moment to the end of the system call that keeps it, on an idle machine


def order(seed: int) -> list[str]:
    """The modes of the attempts, one after the other and then again: each as often as its weight says."""
    names = [name for name, mode in MODES.items() for _ in range(mode.weight)]
    random.Random(seed).shuffle(names)
    return sorted(MODES) + names  # first of all each once, however short the time


class Stopwatch:
    """Sleeps, and remembers by how much the machine overslept: so late may a thread of a child be, too."""

    def __init__(self) -> None:
        self.late = 0.0

    def nap(self) -> None:
        """A short sleep."""
        begun = time.monotonic()
        time.sleep(NAP)
        self.late = max(self.late, time.monotonic() - begun - NAP)

    def sleep(self, seconds: float) -> None:
        """A longer one."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.nap()


def spawn(victim: Victim, run: Path, ledger: Ledger, chance: str) -> int:
    """Forks the child; its pid. It must not end but by a kill: an exception of its own is status 70."""
    pid = os.fork()
    if not pid:
        live_and_exit(run.parent / "errors", lambda: victim(run, ledger, random.Random(chance)))
    return pid


def wait(pid: int, watch: Stopwatch) -> int | None:
    """The child's end; None while it lives after WAIT_SECONDS."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        watch.nap()
    return None


def kill(pid: int, mode: Mode, ledger: Ledger, delay: float, watch: Stopwatch) -> int | None:
    """Lets the child live as long as its mode wants; how it ended, None: it hung."""
    if mode.at != "itself":
        deadline = time.monotonic() + WAIT_SECONDS
        while not _begun(mode, ledger) and time.monotonic() < deadline:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return 70
            watch.nap()
        watch.sleep(delay)
        os.kill(pid, signal.SIGKILL)
    status = wait(pid, watch)
    if status is None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return status


def _begun(mode: Mode, ledger: Ledger) -> bool:
    return bool(ledger.ending if mode.at == "ending" else ledger.returned[0] or ledger.records)


def attempt(name: str, chance: random.Random, folder: Path) -> Finding:
    """One kill, and what was found after it."""
    mode, run, watch = MODES[name], folder / "run", Stopwatch()
    ledgers = [Ledger(folder / f"ledger {life}") for life in range(mode.lives)]
    for ledger in ledgers[:-1]:
        wait(spawn(earlier_life, run, ledger, repr(chance.random())), watch)
    since = time.time()
    pid = spawn(mode.victim, run, ledgers[-1], repr(chance.random()))
    status = kill(pid, mode, ledgers[-1], chance.uniform(0.0, mode.seconds), watch)
    ended, until = time.monotonic(), time.time()
    found = Finding()
    if status != -signal.SIGKILL:
        said = (folder / "errors").read_text(encoding="utf-8") if (folder / "errors").exists() else ""
        found.broke.append("the child hung" if status is None else f"the child ended with {status}: {said[-500:]}")
    sets = read_sets(run)
    found.broke += told_damage(sets)
    slack = SLACK_SECONDS + 3 * watch.late
    for ledger in ledgers:
        own = sets if mode.lives == 1 else [one for one in sets if one.meta.get("writer") == ledger.path.name]
        check_rows(found, own, ledger, ended=ended, window=mode.rows and mode.rows + slack)
        check_records(found, own, ledger, ended=ended, window=mode.records + slack)
        if own and ledger is ledgers[-1]:
            check_times(found, own[0], since, until)
    if any(one.live for one in sets):
        found.broke.append("the reader believes that the dead writer lives")
    if mode.lives > 1 and not found.broke:
        on_board = sum(board_counts(run).values())
        if on_board != found.rows + found.records:
            found.broke.append(f"{found.rows} rows in the files, {on_board} on the board")
    return found


def main() -> None:
    """Kill until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    asked = parser.parse_args()
    end = time.monotonic() + asked.seconds
    names = order(asked.seed)
    gc.disable()  # a child inherits our memory: nothing of ours shall be collected in it
    number = asked.first
    while time.monotonic() < end:
        folder = asked.folder / str(number)
        folder.mkdir()
        name = names[number % len(names)]
        found = attempt(name, random.Random(f"{asked.seed}/{number}"), folder)
        print(json.dumps({"mode": name, "number": number, **vars(found)}), flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        number += 2


if __name__ == "__main__":
    main()
