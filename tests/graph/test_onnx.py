"""ONNX files read right: the frozen models, beside what the `onnx` package says of them, and hand-made messages."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

from tests.graph import wire
from visualdl.graph import Graph, load
from visualdl.graph.model import Attribute, External, Node, Weight

MODELS = Path(__file__).parent / "models"
FROZEN = sorted(MODELS.glob("*.onnx"))


def written(path: Path, content: bytes) -> Graph:
    path.write_bytes(content)
    return load(path)


def by_op(graph: Graph) -> dict[str, Node]:
    return {node.op: node for node in graph.nodes}


def weights(graph: Graph) -> dict[str, Weight]:
    return {weight.name: weight for weight in graph.weights}


def test_neither_onnx_nor_protobuf_nor_numpy_is_imported() -> None:
    code = (
        "import sys; from visualdl.graph import load; load(sys.argv[1]);"
        "print([name for name in ('onnx', 'google.protobuf', 'numpy', 'torch') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code, FROZEN[0]], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_a_frozen_model_says_what_onnx_says(path: Path) -> None:
    graph, model = load(path), onnx.load(path, load_external_data=False)
    assert graph.format == "ONNX"
    assert graph.ir_version == model.ir_version
    assert graph.opsets == tuple((opset.domain, opset.version) for opset in model.opset_import)
    assert graph.name == model.graph.name
    assert [value.name for value in graph.outputs] == [value.name for value in model.graph.output]
    dense = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    assert {name: w.tensor.shape for name, w in weights(graph).items() if not w.sparse} == dense
    for info in model.graph.value_info:
        assert graph.values[info.name].shape == tuple(
            dim.dim_param or (dim.dim_value if dim.HasField("dim_value") else None)
            for dim in info.type.tensor_type.shape.dim
        )
    if not model.functions and not any(attribute.HasField("g") for n in model.graph.node for attribute in n.attribute):
        ours = [(n.name, n.op, n.domain, list(n.inputs), list(n.outputs)) for n in graph.nodes]
        assert ours == [(n.name, n.op_type, n.domain, list(n.input), list(n.output)) for n in model.graph.node]
        for node, raw in zip(graph.nodes, model.graph.node, strict=True):
            assert set(node.attributes) == {attribute.name for attribute in raw.attribute}


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_its_json_is_strict_and_exact_in_a_browser(path: Path) -> None:
    text = json.dumps(load(path).to_json(), allow_nan=False)

    def check(found: Any) -> None:
        if isinstance(found, (list, dict)):
            for part in found.values() if isinstance(found, dict) else found:
                check(part)
        elif isinstance(found, int):
            assert abs(found) <= 1 << 53

    check(json.loads(text))


def test_the_older_exporters_names_are_scopes_and_its_dynamic_dimension_has_its_name() -> None:
    graph = load(MODELS / "cnn_torchscript.onnx")
    [image] = graph.inputs
    assert (image.name, image.type, image.shape) == ("image", "float32", ("batch", 3, 32, 32))
    scopes = {node.name: node.scope for node in graph.nodes}
    assert scopes["/conv1/Conv"] == ("conv1",)
    assert scopes["/Relu"] == ()
    assert by_op(graph)["Conv"].attributes["kernel_shape"] == Attribute("ints", [5, 5])
    assert graph.producer.startswith("pytorch 2.")


def test_the_dynamo_exporters_metadata_is_scopes_with_classes() -> None:
    graph = load(MODELS / "encoder_dynamo.onnx")
    scopes = {scope.path: scope.type for scope in graph.scopes}
    assert scopes[()] is not None
    assert scopes[()].endswith("Encoder")
    assert scopes["layers.1", "attn"] == "torch.nn.modules.activation.MultiheadAttention"
    assert scopes["layers.0", "mlp", "2"] == "torch.nn.modules.linear.Linear"
    softmax = [node for node in graph.nodes if node.op == "Softmax"]
    assert [node.scope for node in softmax] == [("layers.0", "attn"), ("layers.1", "attn")]
    assert graph.values[softmax[0].outputs[0]].shape == (2, "length", "length")
    assert "pkg.torch.onnx.stack_trace" in softmax[0].metadata
    assert "namespace" not in softmax[0].metadata


def test_a_module_that_is_called_twice_stands_twice() -> None:
    graph = load(MODELS / "cnn_dynamo.onnx")
    assert [node.scope for node in graph.nodes if node.op == "MaxPool"] == [("pool",), ("pool (2)",)]
    types = {scope.path: scope.type for scope in graph.scopes}
    assert types["pool (2)",] == types["pool",] == "torch.nn.modules.pooling.MaxPool2d"


def test_no_module_is_left_without_a_node(tmp_path: Path) -> None:
    # The older exporter numbers what is inside a module that is called again, not the module itself.
    names = ["/block/0/Gemm", "/Add", "/block/0_1/Gemm", "/Add_1"]
    nodes = [wire.node("Op", [f"v{i}"], [f"v{i + 1}"], name=name) for i, name in enumerate(names)]
    graph = written(tmp_path / "m.onnx", wire.model(*nodes))
    assert [scope.path for scope in graph.scopes] == [
        ("block",),
        ("block", "0"),
        ("block (2)",),
        ("block (2)", "0_1"),
    ]


def test_branches_and_loops_are_scopes_fed_from_outside() -> None:
    graph = load(MODELS / "control.onnx")
    nodes = by_op(graph)
    assert nodes["Relu"].scope == ("choice", "If", "then_branch")
    assert nodes["Relu"].inputs == ("x",)
    assert {body.name: body.outputs for body in nodes["If"].bodies} == {
        "else_branch": ("choice/If/else_branch:e",),
        "then_branch": ("choice/If/then_branch:r",),
    }
    # The carried value of the loop is the loop's third input, which the If made.
    inside = next(node for node in graph.nodes if node.op == "Add" and "body" in node.scope)
    assert inside.inputs == ("chosen", "w")
    assert nodes["Loop"].bodies[0].outputs == ("loop/Loop/body:goes", "loop/Loop/body:next")
    kinds = {scope.path: (scope.kind, scope.type) for scope in graph.scopes}
    assert kinds["loop", "Loop"] == ("body", "Loop")


def test_local_functions_are_expanded_call_by_call_with_their_attributes() -> None:
    graph = load(MODELS / "control.onnx")
    leaks = [node for node in graph.nodes if node.op == "LeakyRelu"]
    assert [node.attributes["alpha"].value for node in leaks] == [0.25, 0.5, 0.25, 0.5]
    assert [node.scope for node in leaks][:2] == [("act", "Twice", "first"), ("act", "Twice", "second")]
    assert leaks[0].inputs == ("looped",)
    assert leaks[1].outputs == leaks[2].inputs == ("leaked",)
    assert {(f.name, f.calls, f.nodes) for f in graph.functions} == {("Leak", 4, 1), ("Twice", 2, 2)}
    [call] = [scope for scope in graph.scopes if scope.path == ("act", "Twice", "second")]
    assert (call.kind, call.type, call.attributes["slope"].value) == ("function", "local::Leak", 0.5)


def test_external_data_is_told_and_never_opened() -> None:
    w = weights(load(MODELS / "control.onnx"))["w"]
    assert w.external == External("../../etc/passwd", 4096, 4)
    assert (w.tensor.bytes, w.tensor.values) == (4, ())
    assert w.to_json()["location"] == {"path": "../../etc/passwd", "offset": 4096, "length": 4}


def test_a_sparse_weight_has_the_shape_of_the_whole() -> None:
    table = weights(load(MODELS / "control.onnx"))["table"]
    assert table.sparse
    assert table.tensor.shape == (10,)
    assert table.tensor.bytes == 2 * 4 + 2 * 8


def test_first_values_of_every_type() -> None:
    found = {name: w.tensor for name, w in weights(load(MODELS / "types.onnx")).items()}
    first, *special = found["float32"].values
    assert first == 0.1  # as it was written, not as the nearest float32 prints
    assert math.isnan(float(special[0]))
    assert special[1:] == [math.inf, -math.inf]
    assert found["float64"].values == (0.1, 1e300)
    assert found["float16"].values == (0.5, 65504.0)
    assert found["bfloat16"].values == (1.0, -2.0)
    assert found["int8"].values == (-128, 127)
    assert found["int64"].values == (-(2**63), 2**63 - 1)
    assert found["uint64"].values == (0, 2**64 - 1)
    assert found["bool"].values == (True, False)
    assert found["typed"].values == (1, -2, 3)
    assert found["long"].values == tuple(range(16))
    assert (found["long"].shape, found["long"].bytes) == ((1000,), 4000)
    assert found["string"].values[0] == "plain"


def test_a_long_list_is_cut_and_its_length_told() -> None:
    [node] = load(MODELS / "types.onnx").nodes
    assert node.attributes["many"] == Attribute("ints", list(range(64)), 200)
    assert node.attributes["label"] == Attribute("string", "two words")


def test_weights_that_are_inputs_too_are_weights(tmp_path: Path) -> None:
    tensor = wire.block(5, wire.number(1, 2), wire.number(2, 1), wire.block(8, "w"), wire.block(9, bytes(8)))
    content = wire.model(
        wire.node("Add", ["x", "w"], ["y"]), wire.value(11, "x"), wire.value(11, "w"), wire.value(12, "y"), tensor
    )
    graph = written(tmp_path / "old.onnx", content)
    assert [value.name for value in graph.inputs] == ["x"]


def test_fields_in_any_order_and_unknown_ones_are_read(tmp_path: Path) -> None:
    strange = wire.block(100, "later versions") + wire.number(101, 7)
    graph = wire.block(7, strange, wire.node("Relu", ["x"], ["y"], strange))
    found = written(tmp_path / "m.onnx", strange + wire.block(8, wire.number(2, 99)) + graph + wire.number(1, 99))
    assert [node.op for node in found.nodes] == ["Relu"]
    assert found.ir_version == 99


def test_a_function_that_returns_its_input_is_looked_through(tmp_path: Path) -> None:
    same = wire.block(
        25,
        wire.block(1, "Same"),
        wire.block(10, "l"),
        wire.block(4, "a"),
        wire.block(5, "a"),
        wire.block(5, "b"),
        wire.block(7, wire.block(1, "a"), wire.block(2, "b"), wire.block(4, "Neg")),
    )
    call = wire.node("Same", ["x"], ["p", "q"], wire.block(7, "l"), name="call")
    graph = written(tmp_path / "m.onnx", wire.model(call, wire.node("Add", ["p", "q"], ["y"]), functions=same))
    assert by_op(graph)["Add"].inputs == ("x", "q")
    assert by_op(graph)["Neg"].outputs == ("q",)

    calls = [wire.node("Same", [f"p{at}"], [f"p{at + 1}", ""], wire.block(7, "l")) for at in range(100)]
    graph = written(tmp_path / "m.onnx", wire.model(*calls, wire.node("Relu", ["p100"], ["y"]), functions=same))
    assert by_op(graph)["Relu"].inputs == ("p0",)

    branch = wire.block(6, call, wire.value(12, "p"), wire.value(12, "q"))
    choice = wire.node("If", ["c"], ["y", "z"], wire.block(5, wire.block(1, "then"), branch, wire.number(20, 5)))
    graph = written(tmp_path / "m.onnx", wire.model(choice, functions=same))
    [then] = by_op(graph)["If"].bodies
    assert then.outputs == ("x", *by_op(graph)["Neg"].outputs)

    outputs = [wire.value(12, "p"), wire.value(12, "q")]
    graph = written(tmp_path / "m.onnx", wire.model(call, *outputs, functions=same))
    p, q = graph.to_json()["outputs"]
    assert (p["name"], p["value"]) == ("p", "x")
    assert q["name"] == "q"
    assert "value" not in q


def test_training_notes_and_quantization_annotations_are_passed_over(tmp_path: Path) -> None:
    note = wire.block(14, wire.block(1, "x"), wire.block(2, wire.block(1, "SCALE"), wire.block(2, "s")))
    training = wire.block(20, wire.block(1, wire.node("Neg", ["a"], ["b"])))
    graph = written(tmp_path / "m.onnx", wire.model(wire.node("Relu", ["x"], ["y"]), note) + training)
    assert [node.op for node in graph.nodes] == ["Relu"]
