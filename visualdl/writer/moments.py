"""When a record is: its step, and the `walltime` of the 2.x dialect in whichever unit it comes."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import SupportsIndex

_FIRST_MILLISECONDS = 1e11
"""From here on a number is milliseconds: as seconds it would be the year 5138, as milliseconds it is March 1973."""


def to_step(step: SupportsIndex) -> int:
    """The step as int. Raises TypeError for what is no integer, such as a float, OverflowError beyond 64 bits."""
    try:
        number = operator.index(step)
    except TypeError:
        raise TypeError(f"wanted an integer step, got {step!r} of type {type(step).__name__}; give int(step)") from None
    if not -(1 << 63) <= number < 1 << 63:
        raise OverflowError(f"wanted a step that fits 64 bits, got {number}")
    return number


def to_seconds(walltime: float | None) -> float | None:
    """None (now) stays None; seconds (as time.time() gives them) or milliseconds (as 2.x wants them) become seconds.

    Raises TypeError for what is no number, ValueError for NaN, ±inf and negative times.
    """
    if walltime is None:
        return None
    try:
        value = float(walltime)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"wanted walltime as seconds or milliseconds since 1970, got {walltime!r} of type {type(walltime).__name__}"
        ) from error
    if not 0 <= value < math.inf:  # also false for NaN
        raise ValueError(
            f"wanted walltime as seconds or milliseconds since 1970, got {walltime!r}; leave it out for now"
        )
    return value if value < _FIRST_MILLISECONDS else value / 1000
