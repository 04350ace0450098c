"""Opens what was made to exhaust its reader: lengths, decompression, pictures, JSON, tags, folders, numbers, models.

Each bomb is built and read by a process of its own, whose memory (the most it held at once) and processor time are
measured and bounded; the reader is the whole board, without its socket.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from torture.children.bomb import BOMBS
from torture.children.jail import Ended, Prisoner, scratch
from torture.scene import Budget, Outcome

SHARE = 1.0
_FULL_SECONDS = 120.0
"""With so much time the bombs have their full size."""
_BUILD_SECONDS = 60.0
_LEAST_SECONDS = 1.5


def scene(budget: Budget) -> Iterator[Outcome]:
    """Every bomb, as many at once as there are cores; those for which no time is left are left out."""
    scale = min(1.0, max(0.01, budget.seconds / _FULL_SECONDS))
    waiting = list(BOMBS)
    running: list[tuple[str, Prisoner]] = []
    with scratch() as folder:
        while waiting or running:
            while waiting and len(running) < min(os.cpu_count() or 1, 4):
                name = waiting.pop(0)
                if budget.left() < _LEAST_SECONDS:
                    yield Outcome(BOMBS[name].title, "", left_out="no time was left")
                else:
                    running.append((name, _light(folder, name, scale)))
            for one in [one for one in running if len(running) == 1 or one[1].over()][:1]:
                running.remove(one)
                yield _outcome(one[0], one[1].ended(_BUILD_SECONDS + 3 * BOMBS[one[0]].seconds))
            time.sleep(0.02)


def _light(folder: Path, name: str, scale: float) -> Prisoner:
    return Prisoner("bomb", folder / name.replace(" ", "-"), name, f"{scale:.4f}")


def _outcome(name: str, ended: Ended) -> Outcome:
    bomb = BOMBS[name]
    if ended.fault or not ended.results:
        return Outcome(bomb.title, "", (ended.fault or "it said nothing",))
    result = ended.results[0]
    broke = list(result["broke"])
    if result["peak_mb"] > bomb.megabytes:
        broke.append(f"it took {result['peak_mb']:.0f} MB, more than {bomb.megabytes:.0f}")
    if result["seconds"] > bomb.seconds:
        broke.append(f"it took {result['seconds']:.1f} s of processor time, more than {bomb.seconds:.0f}")
    tried = f"{result['size']}: {result['peak_mb']:.0f} MB, {result['seconds']:.1f} s"
    return Outcome(bomb.title, tried, tuple(broke))
