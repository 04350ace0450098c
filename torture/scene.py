"""What a torture is made of: scenes, each a number of attempts to make us lose, invent or fall over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """What came of one kind of attempt.

    title: what was attempted, a few words. tried: how often, with the figures that show it ("200 kills, 41 M rows").
    broke: one sentence for each promise that did not hold, with what is needed to see it again; empty when all held.
    left_out: why it could not be attempted on this machine ("no /dev/fuse"); empty when it was.
    """

    title: str
    tried: str
    broke: tuple[str, ...] = ()
    left_out: str = ""


@dataclass
class Budget:
    """The seconds and the chance that a scene has. The same seed gives the same attempts, as far as time allows."""

    seconds: float
    seed: int
    begun: float = field(default_factory=time.monotonic)

    @property
    def chance(self) -> random.Random:
        """A new source of chance, always the same for the same seed."""
        return random.Random(self.seed)

    def share(self, part: float) -> Budget:
        """A budget of its own, of that part (0…1) of the seconds of the whole, beginning now."""
        return Budget(self.seconds * part, self.seed)

    def left(self) -> float:
        """Seconds that are left; negative once it is overdrawn."""
        return self.begun + self.seconds - time.monotonic()


Scene = Callable[[Budget], Iterator[Outcome]]
