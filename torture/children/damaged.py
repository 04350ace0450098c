"""A program that reads damaged logs, one attack after the other, and tells what came of each.

python -m torture.children.damaged FOLDER SEED WORKER WORKERS ATTACK:SECONDS ...
"""

from __future__ import annotations

import random
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from torture.children.alive import library, live, models, payloads, served
from torture.children.examine import judge, read
from torture.children.jail import Steps, confine, peak_mb, tell
from torture.children.mutate import ATTACKS, Attempt
from torture.children.specimens import NAME
from visualdl.log.reader import FileSet

Finding = tuple[int, list[str]]
"""How many changes an attempt made, and what broke."""


class Files:
    """The one log that is written anew for each attempt."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.vdl = folder / f"{NAME}.vdl"
        self.head = folder / f"{NAME}.head"
        self._head: bytes | None = None

    def put(self, vdl: bytes, head: bytes | None) -> None:
        """The log is this now."""
        self.vdl.write_bytes(vdl)
        if head is None:
            self.head.unlink(missing_ok=True)
        elif head is not self._head:
            self.head.write_bytes(head)
        self._head = head


def on_files(
    attack: Callable[[random.Random], Iterator[Attempt]], exhaustive: bool
) -> Callable[..., Iterator[Finding]]:
    """An attack on single files as attempts, each examined."""

    def attempts(folder: Path, chance: random.Random, worker: int, workers: int) -> Iterator[Finding]:
        files = Files(folder / "log")
        for number, attempt in enumerate(attack(chance)):
            if not exhaustive or number % workers == worker:
                files.put(attempt.vdl, attempt.head)
                yield attempt.mutations, examined(files, attempt)

    return attempts


def examined(files: Files, attempt: Attempt) -> list[str]:
    """What broke when the damaged log was read."""
    log = FileSet(files.vdl)
    log.refresh()
    truth = attempt.specimen.truth
    if attempt.kept is None:
        return read(log, None).breaches
    seen = read(log, truth)
    found = judge(seen, truth, attempt.kept, damaged=attempt.damaged)
    if attempt.wrong_rows >= (seen.rows - truth.rows).total():
        found = [one for one in found if "never logged" not in one]
    return found


_EXHAUSTIVE = ("cuts", "head cuts", "flips", "head flips")
PROGRAMS: dict[str, Callable[..., Iterator[Finding]]] = {
    **{name: on_files(attack, name in _EXHAUSTIVE) for name, attack in ATTACKS.items()},
    "live": live,
    "served": served,
    "library": library,
    "payloads": payloads,
    "models": models,
}


def run(name: str, seconds: float, folder: Path, seed: int, worker: int, workers: int, steps: Steps) -> None:
    """One attack, for so long or until nothing is left to try; tells what came of it."""
    chance = random.Random(f"{seed}.{name}" if name in _EXHAUSTIVE else f"{seed}.{name}.{worker}")
    broke: Counter[str] = Counter()
    began = time.monotonic()
    first: dict[str, int] = {}
    attempts = mutations = 0
    slowest = 0.0
    source = PROGRAMS[name](folder, chance, worker, workers)
    while (now := time.monotonic()) - began < seconds:
        steps.at(attempts)
        try:
            changed, found = next(source)
        except StopIteration:
            break
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            found = [f"{type(error).__name__} from {Path(where.filename).name}:{where.lineno}: {str(error)[:200]}"]
            changed, source = 1, PROGRAMS[name](folder, chance, worker, workers)
        attempts, mutations = attempts + 1, mutations + changed
        broke.update(found)
        first |= {one: attempts - 1 for one in found if one not in first}
        slowest = max(slowest, time.monotonic() - now)
        if len(broke) > 20:
            break
    steps.rest()
    sentences = [f"{one} ({times} times, first in attempt {first[one]})" for one, times in broke.most_common(5)]
    tell(attack=name, attempts=attempts, mutations=mutations, broke=sentences, slowest=slowest, peak_mb=peak_mb())


def main() -> None:
    """Run the attacks that were asked for."""
    warnings.simplefilter("error")  # the owner of a server should not find warnings in its log either
    warnings.simplefilter("ignore", ResourceWarning)  # how this program itself ends
    folder, seed, worker, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    confine()
    steps = Steps(folder)
    for part in sys.argv[5:]:
        name, _, seconds = part.rpartition(":")
        run(name, float(seconds), folder, seed, worker, workers, steps)


if __name__ == "__main__":
    main()
