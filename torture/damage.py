"""Reads logs that were cut, flipped, shuffled, given lies with good checksums, and changed while they were read.

What must hold: nothing is raised but what is documented, nothing hangs, memory stays small; as long as the checksums
are honest every point that comes was really logged, comes once, every frame that was not hit is read in full, and the
damage is told.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from torture.children.jail import Ended, Prisoner, scratch
from torture.scene import Budget, Outcome

SHARE = 2.0
MOST_MB = 400.0
_MOST_WORKERS = 8

# attack -> what is told of it, and its part of the time; those that try every possibility may end sooner
_TITLES: dict[str, tuple[str, float]] = {
    "cuts": ("a log that ends at each of its bytes", 0.07),
    "head cuts": ("a ring that ends at each of its bytes", 0.06),
    "flips": ("each bit of a log, flipped", 0.12),
    "head flips": ("each bit of a ring, flipped", 0.08),
    "shuffled": ("frames dropped, repeated, moved, overwritten, mixed", 0.17),
    "lies": ("lies with good checksums", 0.17),
    "live": ("a log that changes between two looks", 0.06),
    "served": ("damaged runs on a board", 0.11),
    "library": ("damaged logs read by LogReader", 0.05),
    "payloads": ("records of each kind, changed", 0.05),
    "models": ("model files, changed", 0.11),
}


def scene(budget: Budget) -> Iterator[Outcome]:
    """Every attack, on every core."""
    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    plain = budget.share(0.82)
    whole = sum(part for _, part in _TITLES.values())
    with scratch() as folder:
        seconds = max(1.0, plain.seconds - 2.0)  # what starting takes
        plan = {name: seconds * part / whole for name, (_, part) in _TITLES.items()}
        ended = _played(folder, plan, budget.seed, workers)
        for name in plan:
            yield _outcome(name, ended)
        yield _guided(folder, budget.left(), budget.seed, workers)


def _played(folder: Path, plan: dict[str, float], seed: int, workers: int) -> list[Ended]:
    """What came of every worker; one that died goes on after the attack that it died in."""
    finished: list[Ended] = []
    waiting = [(worker, list(plan)) for worker in range(workers)]
    while waiting:
        running = [(worker, names, _start(folder, worker, workers, names, plan, seed)) for worker, names in waiting]
        waiting = []
        for worker, names, prisoner in running:
            ended = prisoner.ended(sum(plan[name] for name in names))
            finished.append(ended)
            rest = names[len(ended.results) + 1 :]
            if ended.fault:
                ended.fault = f"{names[min(len(ended.results), len(names) - 1)]}: worker {worker} {ended.fault}"
                if rest and "did not end" not in ended.fault:
                    waiting.append((worker, rest))
    return finished


def _start(folder: Path, worker: int, workers: int, names: list[str], plan: dict[str, float], seed: int) -> Prisoner:
    parts = [f"{name}:{plan[name]:.3f}" for name in names]
    place = folder / f"{worker}.{len(names)}"
    return Prisoner("damaged", place, str(seed), str(worker), str(workers), *parts)


def _outcome(name: str, ended: list[Ended]) -> Outcome:
    """What all workers found in one attack."""
    results = [result for one in ended for result in one.results if result["attack"] == name]
    broke = [f"{sentence}" for result in results for sentence in result["broke"]]
    broke += [one.fault for one in ended if one.fault.startswith(f"{name}: ")]
    peak = max((result["peak_mb"] for result in results), default=0.0)
    slowest = max((result["slowest"] for result in results), default=0.0)
    if peak > MOST_MB:
        broke.append(f"reading took {peak:.0f} MB, more than {MOST_MB:.0f}")
    attempts, mutations = (sum(result[word] for result in results) for word in ("attempts", "mutations"))
    several = f" with {mutations:,} changes" if mutations != attempts else ""
    tried = f"{attempts:,} attempts{several}; the slowest {slowest:.2f} s, memory at most {peak:.0f} MB"
    return Outcome(_TITLES[name][0], tried, tuple(broke))


def _guided(folder: Path, seconds: float, seed: int, workers: int) -> Outcome:
    """The same readers, driven by coverage: what a change makes them do for the first time is changed further."""
    title = "bytes that a fuzzer found by coverage (atheris)"
    if importlib.util.find_spec("atheris") is None:
        return Outcome(title, "", left_out="atheris is not installed: `pip install atheris` (Linux)")
    each = max(1.0, seconds - 3.0)
    running = [
        Prisoner("guided", folder / f"guided{worker}", target, f"{each:.1f}", str(seed + worker))
        for worker, target in zip(range(max(workers, 2)), ("log", "model"), strict=False)
    ]
    ended = [prisoner.ended(each + 10) for prisoner in running]
    results = [result for one in ended for result in one.results]
    broke = [sentence for result in results for sentence in result["broke"]] + [one.fault for one in ended if one.fault]
    tried = "; ".join(f"{result['attempts']:,} {result['target']} files" for result in results)
    return Outcome(title, tried, tuple(broke))
