"""Somebody who tidies while others train: runs are copied, renamed, deleted and damaged, until standard input ends.

`python -m torture.children.flood_churn LOGDIR SEED`. Only runs of its own are touched, whose names begin with `churn`.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from pathlib import Path

from torture.flood.parent import until_told

RUNS = 12
PAUSE = 0.05


def disturb(logdir: Path, chance: random.Random) -> None:
    """One thing that happens to a run."""
    run = logdir / f"churn{chance.randrange(RUNS):02}"
    if not run.exists():
        shutil.copytree(logdir / "done00", run)
        return
    what = chance.randrange(4)
    if what == 0:
        shutil.rmtree(run)
    elif what == 1:
        os.rename(run, logdir / f"{run.name}-renamed")
        shutil.rmtree(logdir / f"{run.name}-renamed")
    else:
        files = sorted(run.iterdir())
        damage(chance.choice(files), chance) if files else run.rmdir()


def damage(file: Path, chance: random.Random) -> None:
    """Cut a file, or write over a part of it."""
    size = file.stat().st_size
    with open(file, "r+b") as raw:
        if chance.random() < 0.3:
            raw.truncate(chance.randrange(size + 1))
        else:
            raw.seek(chance.randrange(size + 1))
            raw.write(chance.randbytes(chance.randrange(1, 200)))


def main(logdir: Path, seed: int) -> None:
    """Disturb until standard input ends."""
    ended = until_told()
    chance = random.Random(seed)
    while not ended.wait(PAUSE):
        disturb(logdir, chance)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
