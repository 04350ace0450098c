"""The example's network as an ONNX file, written field by field: a model to look at, without the package onnx."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from visualdl.demo.network import Weights

# Field numbers are those of onnx/onnx.proto, ONNX 1.17; ir_version 8 and opset 17 are read by everything of today.
_FLOAT = 1


def model(weights: Weights, classes: int, inputs: int) -> bytes:
    """The file's content. The batch is a dynamic dimension; nodes name their module as torch's exporter does."""
    nodes = [
        _node("Flatten", ["picture"], ["flat"], ""),
        _node("Gemm", ["flat", "encoder.weight", "encoder.bias"], ["code"], "encoder"),
        _node("Tanh", ["code"], ["hidden"], "encoder"),
        _node("Gemm", ["hidden", "classifier.weight", "classifier.bias"], ["scores"], "classifier"),
        _node("Softmax", ["scores"], ["chances"], "classifier"),
        _node("Gemm", ["hidden", "decoder.weight", "decoder.bias"], ["strokes"], "decoder"),
        _node("Sigmoid", ["strokes"], ["drawing"], "decoder"),
    ]
    hidden = len(weights["encoder.bias"])
    widths = {"flat": inputs, "code": hidden, "hidden": hidden, "scores": classes, "strokes": inputs}
    side = int(inputs**0.5)
    graph = [
        *(_message(1, node) for node in nodes),
        _text(2, "shapes"),
        *(_message(5, _tensor(name, weight)) for name, weight in weights.items()),
        _message(11, _value("picture", ["batch", 1, side, side])),
        _message(12, _value("chances", ["batch", classes])),
        _message(12, _value("drawing", ["batch", inputs])),
        *(_message(13, _value(name, ["batch", width])) for name, width in widths.items()),
    ]
    opset = _number(2, 17)
    return b"".join([_number(1, 8), _text(2, "visualdl demo"), _message(7, b"".join(graph)), _message(8, opset)])


def _node(kind: str, inputs: Sequence[str], outputs: Sequence[str], module: str) -> bytes:
    name = f"{module}_{kind.lower()}" if module else kind.lower()
    modules = {"": "visualdl.demo.Shapes", **({module: f"visualdl.demo.{module.title()}"} if module else {})}
    scopes, types = repr([*modules, name]), repr([*modules.values(), kind])
    fields: Iterable[bytes] = (
        *(_text(1, name) for name in inputs),
        *(_text(2, name) for name in outputs),
        _text(3, name),
        _text(4, kind),
        _message(9, _text(1, "pkg.torch.onnx.name_scopes") + _text(2, scopes)),
        _message(9, _text(1, "pkg.torch.onnx.class_hierarchy") + _text(2, types)),
    )
    return b"".join(fields)


def _tensor(name: str, values: npt.NDArray[np.float32]) -> bytes:
    dims = b"".join(_number(1, size) for size in values.shape)
    return dims + _number(2, _FLOAT) + _text(8, name) + _message(9, values.astype("<f4").tobytes())


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(_message(1, _text(2, size) if isinstance(size, str) else _number(1, size)) for size in shape)
    tensor = _number(1, _FLOAT) + _message(2, dims)
    return _text(1, name) + _message(2, _message(1, tensor))


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
