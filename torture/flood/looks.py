"""Small questions that somebody asks all the while: how long their answers took, and what is to be said against it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

SMALL_P99, SMALL_WORST = 1.0, 5.0
"""Seconds in which a small question is answered, whatever else is asked: 99 of 100, and all."""


class Look(NamedTuple):
    """One small question: when it was asked, after how many seconds it was answered, with which status."""

    at: float
    seconds: float
    status: int


def slow_ones(looks: Sequence[Look]) -> list[str]:
    """What is to be said against the answers to small questions."""
    broke = []
    failed = [look.status for look in looks if look.status != 200]
    seconds = sorted(look.seconds for look in looks)
    if failed:
        broke.append(f"{len(failed)} of {len(looks)} small questions were answered by {sorted(set(failed))}")
    if len(seconds) >= 100 and part(seconds, 0.99) > SMALL_P99:
        broke.append(f"99 of 100 small questions took up to {part(seconds, 0.99):.2f} s, over {SMALL_P99} s")
    if seconds and seconds[-1] > SMALL_WORST:
        broke.append(f"a small question took {seconds[-1]:.1f} s, over {SMALL_WORST} s")
    return broke


def told(looks: Sequence[Look]) -> str:
    """How long they took, in words."""
    seconds = sorted(look.seconds for look in looks)
    p50, p99, most = (f"{1e3 * part(seconds, share):.0f} ms" for share in (0.5, 0.99, 1.0))
    return f"a small question meanwhile {p50} (median), {p99} (p99), {most} (worst of {len(seconds)})"


def part(ordered: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0
