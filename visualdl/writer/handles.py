"""The handles of the 1.x dialect for scalars and histograms, and what all handles have in common.

A handle stays valid for as long as anybody holds it: after the `with` block that made it, and after its writer is gone.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from visualdl.writer.later import HistogramHalves, histogram_halves
from visualdl.writer.moments import to_step

if TYPE_CHECKING:
    from typing import SupportsIndex

    from visualdl.log.payloads import AppendRecord
    from visualdl.writer.runs import Append, Run

NUMBER_TYPES = ("float", "double", "int")
"""The types of 1.x. Values of every one are kept as float64; "int" refuses numbers with a fraction part."""


def check_number_type(number_type: str) -> None:
    """Raises KeyError (as 1.x) for a type that 1.x does not know."""
    if number_type not in NUMBER_TYPES:
        raise KeyError(f"wanted a type out of {', '.join(map(repr, NUMBER_TYPES))}, got {number_type!r}")


class Handle:
    """One tag of one mode, under the name `tag` with which it was declared."""

    __slots__ = ("__weakref__", "_run", "tag")

    def __init__(self, run: Run, tag: str) -> None:
        self._run = run
        self.tag = tag

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), (self._run, self.tag)

    def __deepcopy__(self, memo: object) -> Handle:
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.tag!r} of {self._run}>"

    def set_caption(self, caption: str) -> None:
        """Give the tag a caption, shown instead of its default. Raises TypeError for what is no text."""
        self._run.set_caption(self.tag, caption)


class ScalarHandle(Handle):
    """`LogWriter.scalar(tag)`: one number a step."""

    __slots__ = ("_append",)

    def __init__(self, run: Run, tag: str) -> None:
        super().__init__(run, tag)
        self._append: Append = self._append_first

    def add_record(self, step: SupportsIndex, value: Any) -> None:
        """Log `value` at `step`, now.

        step: an integer of 64 bits, any order, negative and repeated ones included; TypeError for a float.
        value: a number, or a tensor or array with one element, kept as float64; NaN and ±inf are kept as they are.
        The record survives the death of the process from the moment that this returns.
        """
        if isinstance(value, float):
            self._append(step, value)  # type: ignore[arg-type]  # packing takes whatever has __index__
        else:
            self._append(step, to_number(value))  # type: ignore[arg-type]

    def _append_first(self, step: int, value: float, time: float | None = None, /) -> None:
        """Bind the appender of the log and use it: afterwards this is out of the way."""
        append = self._run.row_appender(self.tag)
        append(step, value, time)
        self._append = append


class IntegerHandle(ScalarHandle):
    """`LogWriter.scalar(tag, type="int")`: one whole number a step."""

    __slots__ = ()

    def add_record(self, step: SupportsIndex, value: Any) -> None:
        """Log the whole number `value` at `step`, now, as float64: exact up to 2⁵³, ±inf beyond its range.

        Raises TypeError (as 1.x) for a value of a float type.
        """
        self._append(to_step(step), to_number(to_whole_number(value)))


class HistogramHandle(Handle):
    """`LogWriter.histogram(tag, num_buckets)`: the distribution of many numbers a step."""

    __slots__ = ("_append", "_buckets", "_halves", "_whole")

    def __init__(self, run: Run, tag: str, buckets: int, whole: bool) -> None:
        super().__init__(run, tag)
        self._buckets = buckets
        self._whole = whole
        self._halves: HistogramHalves | None = None
        self._append: AppendRecord | None = None

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), (self._run, self.tag, self._buckets, self._whole)

    def add_record(self, step: SupportsIndex, data: Any) -> None:
        """Log how the numbers of `data` are distributed at `step`, now.

        data: a tensor, array or list of any shape; it is copied, so it may change after the call. Fewer numbers than
        buckets, constant ones, NaN and ±inf are all allowed. Raises TypeError for a float step, for what is not
        numbers, and (as 1.x) for float data when the handle's type is "int".
        """
        # As little as can be: after a training step each function and each object here is far away in memory.
        to_array, accept, encode = self._halves or self._get_halves()
        number = step if type(step) is int else to_step(step)
        array, owned = to_array(data)
        if self._whole:
            check_whole(self.tag, array.dtype)
        accepted = accept(array, self._buckets, owned=owned)
        append = self._append or self._get_append()
        append(number, None, encode, accepted, accepted.nbytes)

    def _get_halves(self) -> HistogramHalves:
        self._halves = histogram_halves()
        return self._halves

    def _get_append(self) -> AppendRecord:
        self._append = self._run.record_appender("histogram", self.tag)
        return self._append


def check_whole(tag: str, dtype: Any) -> None:
    """Raises TypeError (as 1.x) for numbers of a float type."""
    if dtype.kind == "f":
        raise TypeError(
            f'wanted whole numbers for the histogram {tag!r} of type "int", got {dtype}; '
            'declare it with type="float", or convert the data'
        )


def to_number(value: Any) -> float:
    """A float from what is not one already; an int beyond float64 is ±inf. Raises TypeError that says what to give."""
    if isinstance(value, int):  # the kind would do as well, but it loads numpy
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    from visualdl.kinds.scalar import number

    return number(value)


def to_whole_number(value: Any) -> int:
    """An int from a value of an integer type: Python's, numpy's, or a tensor with one element."""
    try:
        return operator.index(value)
    except TypeError:
        if getattr(value, "dtype", None) is not None and not isinstance(value, (str, bytes)):
            array = histogram_halves().to_array(value).array
            if array.size == 1 and array.dtype.kind in "biu":
                return int(array.reshape(-1)[0])
    raise TypeError(
        f'wanted a whole number for a scalar of type "int", got {value!r} of type {type(value).__name__}; '
        'declare the scalar with type="float", or convert the value with int()'
    )
