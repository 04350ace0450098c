"""Makes the frozen models beside this file (needs torch, onnx, onnxscript): `python tests/graph/models/make.py`.

They are small, seeded, and hold no path of the machine that made them. The tests read the files, never this script.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import nn
from torch.nn import functional

HERE = Path(__file__).parent


class Net(nn.Module):
    """The tutorial's network, smaller: two convolutions that share one pool, two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 2, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(2, 3, 5)
        self.fc1 = nn.Linear(75, 6)
        self.fc2 = nn.Linear(6, 4)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.pool(functional.relu(self.conv1(image)))
        x = self.pool(functional.relu(self.conv2(x)))
        out: torch.Tensor = self.fc2(functional.relu(self.fc1(x.view(-1, 75))))
        return out


class Block(nn.Module):
    """One layer of a transformer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.ln(x)
        x = x + self.attn(y, y, y)[0]
        out: torch.Tensor = x + self.mlp(x)
        return out


class Encoder(nn.Module):
    """A few layers and a head."""

    def __init__(self, layers: int, width: int = 4) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(width) for _ in range(layers))
        self.head = nn.Linear(width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        out: torch.Tensor = self.head(x)
        return out


def scrub(path: Path) -> None:
    """Take out what says where the model was made, and every frame of the exporter's own stack."""
    model = onnx.load(path)
    for node in model.graph.node:
        for entry in node.metadata_props:
            if entry.key == "pkg.torch.onnx.stack_trace":
                entry.value = 'File "net.py", line 1, in forward'
    onnx.save(model, path)


def exported() -> None:
    """The same network by both exporters, and a transformer with a dynamic length by the newer one."""
    torch.manual_seed(0)
    net, image = Net().eval(), torch.zeros(1, 3, 32, 32)
    old = HERE / "cnn_torchscript.onnx"
    axes = {"image": {0: "batch"}}
    torch.onnx.export(
        net, (image,), old, dynamo=False, input_names=["image"], output_names=["logits"], dynamic_axes=axes
    )
    new = HERE / "cnn_dynamo.onnx"
    torch.onnx.export(net, (image,), new, dynamo=True, external_data=False, verbose=False)
    encoder = HERE / "encoder_dynamo.onnx"
    length = torch.export.Dim("length")
    torch.onnx.export(
        Encoder(2).eval(),
        (torch.zeros(1, 7, 4),),
        encoder,
        dynamo=True,
        external_data=False,
        verbose=False,
        dynamic_shapes=({1: length},),
    )
    for path in (new, encoder):
        scrub(path)


def float_value(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def control() -> None:
    """If, Loop, nested local functions, a sparse and an external weight, a sequence: what torch seldom writes."""
    condition = helper.make_tensor_value_info("more", TensorProto.BOOL, [])
    then = helper.make_graph([helper.make_node("Relu", ["x"], ["r"], name="/r")], "then", [], [float_value("r", ["n"])])
    other = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["m"]), helper.make_node("Exp", ["m"], ["e"])],
        "else",
        [],
        [float_value("e", ["n"])],
    )
    body = helper.make_graph(
        [helper.make_node("Add", ["carried", "w"], ["next"]), helper.make_node("Identity", ["go"], ["goes"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            float_value("carried", ["n"]),
        ],
        [helper.make_tensor_value_info("goes", TensorProto.BOOL, []), float_value("next", ["n"])],
    )
    slope = onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    leak = helper.make_node("LeakyRelu", ["a"], ["b"])
    leak.attribute.append(slope)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    inner = helper.make_function("local", "Leak", ["a"], ["b"], [leak], opsets, ["slope"])
    calls = [
        helper.make_node("Leak", ["p"], ["q"], domain="local", name="first", slope=0.25),
        helper.make_node("Leak", ["q"], ["s"], domain="local", name="second", slope=0.5),
    ]
    outer = helper.make_function("local", "Twice", ["p"], ["s"], calls, opsets)
    outside = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    outside.ClearField("float_data")
    outside.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../../etc/passwd"), ("offset", "4096"), ("length", "4")):
        outside.external_data.add(key=key, value=value)
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("table", TensorProto.FLOAT, [2], [3.0, float("nan")]),
        helper.make_tensor("", TensorProto.INT64, [2], [1, 7]),
        [10],
    )
    nodes = [
        helper.make_node("If", ["more"], ["chosen"], name="/choice/If", then_branch=then, else_branch=other),
        helper.make_node("Loop", ["trips", "more", "chosen"], ["looped"], name="/loop/Loop", body=body),
        helper.make_node("Twice", ["looped"], ["leaked"], domain="local", name="/act/Twice"),
        helper.make_node("Twice", ["leaked"], ["again"], domain="local", name="/act/Twice_1"),
        helper.make_node("Add", ["again", "table"], ["summed"], name="/act/Add"),
        helper.make_node("SequenceConstruct", ["summed", "again"], ["both"], name="/SequenceConstruct"),
    ]
    trips = helper.make_tensor("trips", TensorProto.INT64, [], [3])
    both = helper.make_value_info("both", helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, [None])))
    graph = helper.make_graph(
        nodes, "control", [float_value("x", ["n"]), condition], [both], [trips, outside], sparse_initializer=[sparse]
    )
    model = helper.make_model(graph, functions=[inner, outer], opset_imports=opsets, ir_version=9)
    model.producer_name = "make.py"
    onnx.save(model, HERE / "control.onnx")


def types() -> None:
    """A constant of every element type that has plain values, special floats among them, and a long list."""
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "float32": np.array([0.1, np.nan, np.inf, -np.inf], np.float32),
        "float64": np.array([0.1, 1e300], np.float64),
        "float16": np.array([0.5, 65504], np.float16),
        "int8": np.array([-128, 127], np.int8),
        "uint8": np.array([0, 255], np.uint8),
        "int64": np.array([-(2**63), 2**63 - 1], np.int64),
        "uint64": np.array([0, 2**64 - 1], np.uint64),
        "bool": np.array([True, False]),
        "long": np.arange(1000, dtype=np.int32),
    }
    weights = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    half = TensorProto(name="bfloat16", data_type=TensorProto.BFLOAT16, dims=[2], raw_data=b"\x80\x3f\x00\xc0")
    hostile = [b"plain", b"\xff\xfe<img onerror=alert(1)>"]
    words = TensorProto(name="string", data_type=TensorProto.STRING, dims=[2], string_data=hostile)
    typed = helper.make_tensor("typed", TensorProto.INT32, [3], [1, -2, 3])
    weights += [half, words, typed]
    graph = helper.make_graph(
        [helper.make_node("Gather", ["long", "typed"], ["y"], name="g", many=list(range(200)), label="two words")],
        "types",
        [],
        [helper.make_tensor_value_info("y", TensorProto.INT32, None)],
        weights,
    )
    onnx.save(helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)]), HERE / "types.onnx")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    exported()
    control()
    types()
