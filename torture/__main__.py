"""`make torture`, `python -m torture [SCENE ...] [--minutes 10] [--seed N]`: tries to break every promise, and tells.

Every module here that has a function `scene` and a number `SHARE` is a scene; the minutes are shared out among those
that are played, in proportion to their SHARE. Each is played in a process of its own. One Markdown table is printed;
the exit status is 1 when a promise broke.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import time
from pathlib import Path

from torture.scene import Budget, Outcome

NOT_SCENES = {"scene"}
SCENES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if path.stem not in NOT_SCENES))


def shares(names: list[str]) -> dict[str, float]:
    """scene -> its part of the whole time."""
    wanted = {name: float(importlib.import_module(f"torture.{name}").SHARE) for name in names}
    return {name: share / sum(wanted.values()) for name, share in wanted.items()}


def play(name: str, budget: Budget) -> bool:
    """Play one scene in this process, print a row for each outcome as it comes; whether all promises held."""
    held = True
    for outcome in importlib.import_module(f"torture.{name}").scene(budget):
        print(row(name, outcome), flush=True)
        for sentence in outcome.broke:
            print(f"BROKEN {name}: {outcome.title}: {sentence} (seed {budget.seed})", file=sys.stderr, flush=True)
        held &= not outcome.broke
    return held


def row(name: str, outcome: Outcome) -> str:
    """One row of the table."""
    verdict = f"{len(outcome.broke)} broken" if outcome.broke else "left out" if outcome.left_out else "held"
    told = "; ".join(part for part in (outcome.tried, outcome.left_out) if part)
    return f"| {name} | {outcome.title} | {told} | {verdict} |"


def main() -> int:
    """Play the scenes that were asked for; 0 when everything held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(SCENES)}; all without")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all scenes together")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="so that the same attempts come again")
    parser.add_argument("--play", type=float, metavar="SECONDS", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if unknown := [name for name in asked.scenes if name not in SCENES]:
        parser.error(f"no scene is called {', '.join(unknown)}; there are {', '.join(SCENES)}")
    if asked.play is not None:
        return 0 if play(asked.scenes[0], Budget(asked.play, asked.seed)) else 1
    print(f"Torture, {asked.minutes:g} minutes, seed {asked.seed}\n")
    print("| scene | what | tried | promises |\n| --- | --- | --- | --- |", flush=True)
    broken = []
    for name, share in shares(asked.scenes or list(SCENES)).items():
        seconds = f"{asked.minutes * 60 * share:.1f}"
        command = [sys.executable, "-m", "torture", name, "--play", seconds, "--seed", str(asked.seed)]
        if subprocess.run(command, check=False).returncode:
            broken.append(name)
    print(f"\n{'Broken: ' + ', '.join(broken) if broken else 'Every promise held.'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
