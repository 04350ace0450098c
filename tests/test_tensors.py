"""Tensors become numpy arrays whatever framework, device or dtype they come from, and are left as they were."""

from __future__ import annotations

import array
import sys
import warnings
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from visualdl.tensors import to_array

VALUES = [[1.0, -2.5, 0.0], [float("inf"), 3.25, 100.0]]


def test_an_array_of_numpy_is_passed_on_as_it_is() -> None:
    values = np.array(VALUES, np.float32)
    converted = to_array(values)
    assert converted.array is values
    assert not converted.owned


def test_what_is_masked_in_an_array_of_numpy_is_nan() -> None:
    masked = np.ma.masked_greater(np.array([1, 2, 1000], np.int64), 10)
    converted = to_array(masked).array
    assert converted[:2].tolist() == [1.0, 2.0]
    assert np.isnan(converted[2])
    assert masked.data.tolist() == [1, 2, 1000]


def test_numbers_and_numpy_scalars_have_no_dimension() -> None:
    for number in (3, 2.5, True, np.float32(2.5), np.int64(7)):
        converted = to_array(number).array
        assert converted.shape == ()
        assert converted.item() == number


def test_lists_and_tuples_keep_their_shape_and_are_owned() -> None:
    converted = to_array([(1, 2.5), (3, 4)])
    assert converted.owned
    assert converted.array.tolist() == [[1.0, 2.5], [3.0, 4.0]]


def test_buffers_and_ranges_are_read() -> None:
    assert to_array(array.array("d", [1.5, 2.5])).array.tolist() == [1.5, 2.5]
    assert to_array(memoryview(b"\x01\x02")).array.tolist() == [1, 2]
    assert to_array(range(3)).array.tolist() == [0, 1, 2]


@pytest.mark.parametrize("shape", [(), (6,), (6, 1), (2, 3), (1, 2, 3, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_a_tensor_of_torch_with_a_gradient_keeps_shape_and_values_and_warns_of_nothing(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    tensor = torch.tensor(VALUES, dtype=dtype).flatten()[: int(np.prod(shape))].reshape(shape).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        converted = to_array(tensor).array
    assert converted.shape == shape
    assert converted.astype(float).tolist() == tensor.tolist()
    assert tensor.requires_grad


def test_a_tensor_in_the_middle_of_a_graph_is_read_without_cutting_the_graph() -> None:
    weight = torch.ones(3, requires_grad=True)
    loss = (weight * 2).sum()
    assert to_array(loss).array.item() == 6.0
    loss.backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert weight.grad.tolist() == [2.0, 2.0, 2.0]


def test_a_float32_tensor_on_the_cpu_is_not_copied_and_not_owned() -> None:
    tensor = torch.zeros(4)
    converted = to_array(tensor)
    tensor[2] = 5.0
    assert converted.array.tolist() == [0.0, 0.0, 5.0, 0.0]
    assert not converted.owned


def test_types_that_numpy_lacks_become_float32_of_our_own() -> None:
    for dtype in (torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2):
        converted = to_array(torch.tensor([1.0, -2.0, 0.5]).to(dtype))
        assert converted.array.dtype == np.float32
        assert converted.array.tolist() == [1.0, -2.0, 0.5]
        assert converted.owned


def test_integer_and_boolean_tensors_keep_their_type() -> None:
    assert to_array(torch.tensor([1, 2])).array.dtype == np.int64
    assert to_array(torch.tensor([True, False])).array.dtype == np.bool_


def test_tensors_of_odd_layouts_are_read_in_their_own_order() -> None:
    base = torch.arange(6.0).reshape(2, 3)
    assert to_array(base.T).array.tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    assert to_array(base[:, ::2]).array.tolist() == [[0.0, 2.0], [3.0, 5.0]]
    assert to_array(base.expand(2, 2, 3)).array.shape == (2, 2, 3)
    for sparse in (base.to_sparse(), base.to_sparse().to(torch.bfloat16).requires_grad_()):
        assert to_array(sparse).array.tolist() == base.tolist()
    assert to_array(torch.complex(base, -base).conj().imag).array.tolist() == base.tolist()  # carries the "neg" bit


def test_parameters_and_tensors_made_in_inference_mode_are_read() -> None:
    assert to_array(torch.nn.Parameter(torch.ones(2))).array.tolist() == [1.0, 1.0]
    with torch.inference_mode():
        tensor = torch.ones(2)
    assert to_array(tensor).array.tolist() == [1.0, 1.0]


def test_a_list_of_tensors_is_stacked() -> None:
    losses = [torch.tensor(1.0, requires_grad=True), torch.tensor(2.0)]
    assert to_array(losses).array.tolist() == [1.0, 2.0]
    assert to_array([losses, losses]).array.tolist() == [[1.0, 2.0], [1.0, 2.0]]


class Paddle:
    """Behaves as a paddle tensor: numpy() of bfloat16 gives the raw bits, detach() and cpu() are needed before it."""

    def __init__(self, values: np.ndarray[Any, Any], dtype: str, ready: bool = False) -> None:
        self.values, self.dtype, self.ready = values, dtype, ready

    def detach(self) -> Paddle:
        return Paddle(self.values, self.dtype, self.ready)

    def cpu(self) -> Paddle:
        return Paddle(self.values, self.dtype, ready=True)

    def astype(self, dtype: str) -> Paddle:
        return Paddle(self.values, f"paddle.{dtype}", self.ready)

    def numpy(self) -> np.ndarray[Any, Any]:
        assert self.ready
        return self.values.astype(np.uint16) if "bfloat16" in self.dtype else self.values


def test_a_bfloat16_tensor_of_paddle_is_not_read_as_its_bits() -> None:
    values = np.array([0.5, 2.0], np.float32)
    assert to_array(Paddle(values, "paddle.bfloat16")).array.tolist() == [0.5, 2.0]
    assert to_array(Paddle(values, "paddle.float32")).array.tolist() == [0.5, 2.0]


class Cupy:
    """Behaves as an array of cupy: on a device, and refuses to become numpy's by itself."""

    __cuda_array_interface__: ClassVar[dict[str, int]] = {"version": 3}

    def __array__(self, *_: object) -> np.ndarray[Any, Any]:
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def get(self) -> np.ndarray[Any, Any]:
        return np.array([1.0, 2.0])


def test_an_array_of_cupy_is_fetched_from_its_device() -> None:
    assert to_array(Cupy()).array.tolist() == [1.0, 2.0]
    assert to_array([Cupy(), Cupy()]).array.tolist() == [[1.0, 2.0], [1.0, 2.0]]


class Arrayed:
    """Whatever has __array__, such as a tensor of tensorflow or jax."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array([1.0, 2.0], dtype)


def test_whatever_has_array_is_read() -> None:
    assert to_array(Arrayed()).array.tolist() == [1.0, 2.0]


class Dlpacked:
    """Whatever has __dlpack__ and nothing else."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __dlpack__(self, **wishes: Any) -> Any:
        return self.values.__dlpack__(**wishes)

    def __dlpack_device__(self) -> Any:
        return self.values.__dlpack_device__()


def test_whatever_has_dlpack_is_read() -> None:
    assert to_array(Dlpacked(np.array([1.0, 2.0]))).array.tolist() == [1.0, 2.0]


def test_a_dlpack_on_a_device_that_numpy_cannot_read_is_refused_with_advice() -> None:
    def refuse(**_: object) -> None:
        raise BufferError("not on this device")

    elsewhere = Dlpacked(SimpleNamespace(__dlpack_device__=lambda: (2, 0), __dlpack__=refuse))
    with pytest.raises(TypeError, match="copy it to the host"):
        to_array(elsewhere)


@pytest.mark.parametrize("value", ["text", None, object(), {"a": 1}, [object()], ["a", "b"], np.array(["a"])])
def test_what_is_not_numbers_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="wanted an array of numbers"):
        to_array(value)


def test_complex_numbers_are_refused_with_advice() -> None:
    with pytest.raises(TypeError, match="real and imaginary"):
        to_array(torch.tensor([1 + 2j]))


def test_a_ragged_list_is_a_value_error_that_names_the_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(1,\), \(2,\)"):
        to_array([[1, 2], [3]])


def test_no_framework_is_imported() -> None:
    assert "tensorflow" not in sys.modules
    assert "jax" not in sys.modules
