"""Tensors of any framework -> numpy, by what they can do and not by what they are: no framework is imported here.

`to_array` takes numbers, numpy arrays, (nested) lists of these, tensors of torch, jax, tensorflow, paddle and cupy,
and anything with `__array__` or `__dlpack__`; on any device, with or without a gradient, bfloat16 and float8 included.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_NUMERIC = "biuf"  # the kinds of numpy dtypes that hold plain numbers


class Converted(NamedTuple):
    """What a user's value became.

    array: numbers (bool, int, uint or float), the shape of the value; must not be written to unless `owned`.
    owned: True when nobody else can reach the array's memory; False when it may be the user's own, so that
        whoever wants to keep it must copy it.
    """

    array: npt.NDArray[Any]
    owned: bool


def to_array(value: object) -> Converted:
    """Any tensor-like value as a numpy array of the same shape, without changing it or its gradient.

    A tensor on another device is copied to the host on that device's current stream; there is no device-wide stop.
    Types that numpy lacks (bfloat16, float8, quantised) become float32. NaN and ±inf are kept.
    Raises TypeError for what is not numbers (text, objects, complex numbers), ValueError for a ragged list.
    """
    if hasattr(type(value), "detach"):  # torch and paddle: must leave the graph of gradients first
        converted = _detached(value)
    elif isinstance(value, np.ndarray):
        converted = Converted(value, False) if not hasattr(value, "filled") else _unmasked(value)
    elif isinstance(value, (list, tuple)):
        converted = _sequence(value)
    elif hasattr(value, "__cuda_array_interface__") and hasattr(value, "get"):  # cupy: refuses __array__
        converted = Converted(np.asarray(value.get()), True)
    elif hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
        converted = Converted(np.asarray(value), False)
    elif hasattr(value, "__dlpack__"):
        converted = Converted(_from_dlpack(value), False)
    else:  # a number, a buffer (memoryview, array.array), a range; the rest becomes an object array and is refused
        converted = Converted(np.asarray(value), False)
    return converted if converted.array.dtype.kind in _NUMERIC else _numbers(converted, value)


def _unmasked(value: Any) -> Converted:
    """A masked array of numpy: what is masked becomes NaN, and not what lies under the mask."""
    return Converted(np.ma.filled(value.astype(np.promote_types(value.dtype, np.float32)), np.nan), True)


def _sequence(values: list[Any] | tuple[Any, ...]) -> Converted:
    """A list or tuple: numbers at numpy's own speed, anything else element by element."""
    # By type, of which there are few: to ask every item of a long list would take far longer than numpy does.
    if any(hasattr(kind, "detach") or hasattr(kind, "__cuda_array_interface__") for kind in set(map(type, values))):
        return Converted(np.stack([to_array(item).array for item in values]), True)
    try:
        return Converted(np.asarray(values), True)
    except (ValueError, RuntimeError, TypeError) as error:  # ragged, or tensors further down
        if not any(isinstance(item, (list, tuple)) for item in values):
            raise
        parts = [to_array(item).array for item in values]
        if len({part.shape for part in parts}) > 1:
            shapes = ", ".join(sorted({str(part.shape) for part in parts}))
            raise ValueError(f"wanted a list of items of one shape, got items of shapes {shapes}") from error
        return Converted(np.stack(parts), True)


def _detached(value: Any) -> Converted:
    """A tensor of torch or paddle, on the host and without its gradient."""
    try:
        return Converted(value.numpy(force=True), not value.is_cpu)  # torch's own short way, in one call
    except (TypeError, AttributeError):
        pass  # not torch, or a layout or a type of number that numpy has not
    tensor = value.detach()
    if "sparse" in str(getattr(tensor, "layout", "")):
        tensor = tensor.to_dense()
    if getattr(tensor, "is_quantized", False):
        tensor = tensor.dequantize()
    host = tensor.cpu()
    if "bfloat16" in str(host.dtype) and hasattr(host, "astype"):  # paddle's numpy() would give the bits as uint16
        host = host.astype("float32")
    try:
        return Converted(np.asarray(host.numpy()), False)
    except TypeError:  # bfloat16 and the 8-bit floats of torch
        return Converted(host.float().numpy(), True)


def _from_dlpack(value: Any) -> npt.NDArray[Any]:
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError) as error:
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        raise TypeError(
            f"wanted an array of numbers, got a {name} that offers only __dlpack__ on a device that numpy cannot read; "
            f"copy it to the host before logging it ({error})"
        ) from error


def _numbers(converted: Converted, value: object) -> Converted:
    """What numpy's kinds of numbers do not hold: its foreign float types become float32. TypeError for the rest."""
    array = converted.array
    if array.dtype.name.startswith(("bfloat16", "float8", "float6", "float4", "int4", "uint4", "int2", "uint2")):
        return Converted(array.astype(np.float32), True)  # jax and tensorflow: types of the package ml_dtypes
    name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    hint = "log its real and imaginary parts, or its abs()" if array.dtype.kind == "c" else "give numbers"
    raise TypeError(f"wanted an array of numbers (bool, int or float), got a {name} of dtype {array.dtype}; {hint}")
