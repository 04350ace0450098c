"""What the store is asked and what it answers: questions, answers, what is known of a run, what a refresh changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from visualdl.errors import BadRequest
from visualdl.kinds.kind import FloatArray, Points
from visualdl.store.tally import ALL_FINITE, NonFinite

Axis = Literal["step", "time", "relative"]
Method = Literal["ema", "gaussian", "median"]

MAX_POINTS = 1_000_000
FIRST_STEP: Final = -(2**63)
LAST_STEP: Final = 2**63 - 1


@dataclass(frozen=True)
class Smoothing:
    """How a line is smoothed: the method, and a weight in [0, 1) that means about the same width for every method.

    ema: the debiased moving average of TensorBoard and VisualDL, last = last * weight + value * (1 - weight).
    gaussian: sigma = sqrt(weight) / (1 - weight) points, the standard deviation of that average's own kernel.
    median: of the 2 * round(weight / (1 - weight)) + 1 points around; weight / (1 - weight) is that kernel's mean age.
    """

    method: Method
    weight: float

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise BadRequest(f"smoothing is one of {', '.join(get_args(Method))}, not {self.method!r}")
        if not 0.0 <= self.weight < 1.0:  # also false for NaN
            raise BadRequest(f"a smoothing weight is at least 0 and less than 1, not {self.weight!r}")


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which points of one series are wanted.

    start, stop: the shown range on the axis, both included; None is open. Steps for "step", seconds since 1970 UTC for
        "time", seconds since `Answer.origin` for "relative".
    n: about how many points; a range that holds no more is answered with all of them.
    since: a cursor of an earlier answer to the same question; only what came after it is wanted. See `Answer.since`.
    """

    kind: str
    tag: str
    run: str
    axis: Axis = "step"
    start: float | None = None
    stop: float | None = None
    n: int = 1600
    smoothing: Smoothing | None = None
    since: int | None = None

    def __post_init__(self) -> None:
        if self.axis not in get_args(Axis):
            raise BadRequest(f"the axis is one of {', '.join(get_args(Axis))}, not {self.axis!r}")
        if not 1 <= self.n <= MAX_POINTS:
            raise BadRequest(f"n is a number of points between 1 and {MAX_POINTS}, not {self.n!r}")
        for name, bound in (("start", self.start), ("stop", self.stop)):
            if bound is not None and math.isnan(bound):
                raise BadRequest(f"{name} is a number on the {self.axis} axis, not NaN")
        if self.start is not None and self.stop is not None and self.stop < self.start:
            raise BadRequest(f"a range ends where it starts or later, not from {self.start!r} to {self.stop!r}")
        if self.since is not None and self.since < 0:
            raise BadRequest(f"since is the cursor of an earlier answer, not {self.since!r}")


@dataclass(frozen=True)
class Segment:
    """An uninterrupted stretch of a run: the points [start, stop) of the answer that holds it.

    ghost_from: the step from which on a later segment wrote again, so that these points are history;
        None when none did.
    """

    start: int
    stop: int
    ghost_from: int | None


@dataclass(frozen=True)
class Answer:
    """The points of one series in one range: all of them, or those that its picture needs.

    points: in order of step within each segment; may hold one neighbour on either side of the range, so that lines
        leave the picture in the right direction.
    smooth: float64 (len(points),), the smoothed line at these points, computed on the whole series; None if not asked.
    total: how many points the range holds. exact: the answer holds every one of them.
    nonfinite: how many of all these points, shown or not, are NaN, +inf and -inf; none for a payload kind.
    cursor: where the series ends now; pass it as `since` to get only what came later. Two cursors of answers that
        follow each other differ by the number of points between them.
    since: the cursor that these points follow, or 0 when they are the whole answer (nothing was asked for, or older
        points have moved or gone since: a writer beside this one, a restart, another run in its place), and replace
        what was there.
    origin: the time (seconds since 1970 UTC) that is 0 on the relative axis.
    """

    points: Points
    smooth: FloatArray | None
    total: int
    exact: bool
    cursor: int
    segments: tuple[Segment, ...]
    since: int = 0
    origin: float = 0.0
    nonfinite: NonFinite = ALL_FINITE


@dataclass(frozen=True)
class RunInfo:
    """What is known of one run.

    id: 12 hex digits, the same as long as root and path are; never a path. name: its path below its root, for people.
    started, updated: seconds since 1970 UTC, None while unknown. live: somebody is still writing.
    dropped: records that their writer could not keep. gaps: damaged stretches, one sentence each.
    skipped: what could not be shown, by reason, with how many. display_name: what its script calls it; where several
        runs are called the same, followed by the end of each one's name, in brackets.
    """

    id: str
    name: str
    root: str
    started: float | None = None
    updated: float | None = None
    live: bool = False
    dropped: int = 0
    gaps: tuple[str, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    display_name: str | None = None
    captions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Changes:
    """What one refresh found.

    revision: the store's revision after it. structure: a run or a tag came or went, or a run's notes changed.
    advanced: (kind, tag, run id) of every series with new points. complete: nothing known is left unread.
    """

    revision: int
    structure: bool
    advanced: tuple[tuple[str, str, str], ...] = ()
    complete: bool = True


def whole_step(towards: Callable[[float], int], bound: float) -> int:
    """A bound as the whole step next to it, within int64."""
    return FIRST_STEP if bound <= FIRST_STEP else LAST_STEP if bound >= LAST_STEP else towards(bound)
