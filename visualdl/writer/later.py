"""The halves of the kinds that a writer needs: loaded, and numpy with them, when the first record of the kind comes.

Cached functions, because an import statement inside a hot function is looked up anew at every call.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from visualdl.kinds.histogram import Histogram
    from visualdl.kinds.image import Image
    from visualdl.kinds.kind import Encoded
    from visualdl.tensors import Converted


class ImageHalves(NamedTuple):
    """For the caller's thread `to_array`, `accept` (2.x) and `accept_sample` (1.x), for the log's `encode`."""

    to_array: Callable[[object], Converted]
    accept: Callable[..., Image]
    accept_sample: Callable[..., Image]
    encode: Callable[[Image], Encoded]


class HistogramHalves(NamedTuple):
    """For the caller's thread `to_array` and `accept`, for the log's `encode`."""

    to_array: Callable[[object], Converted]
    accept: Callable[..., Histogram]
    encode: Callable[[Histogram], Encoded]


@functools.cache
def image_halves() -> ImageHalves:
    """The kind image."""
    from visualdl.kinds.image import accept, accept_sample, encode
    from visualdl.tensors import to_array

    return ImageHalves(to_array, accept, accept_sample, encode)


@functools.cache
def histogram_halves() -> HistogramHalves:
    """The kind histogram."""
    from visualdl.kinds.histogram import accept, encode
    from visualdl.tensors import to_array

    return HistogramHalves(to_array, accept, encode)
