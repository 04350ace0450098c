"""Models that torch exports today, by both exporters, large ones among them."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import onnx
import pytest
import torch

from tests.graph.models.make import Encoder, Net
from visualdl.graph import load


def export(model: torch.nn.Module, example: torch.Tensor, path: Path, *, dynamo: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters', not ours
        torch.onnx.export(model.eval(), (example,), path, dynamo=dynamo, verbose=False)


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "torchscript"])
def test_a_network_is_what_onnx_says_it_is(dynamo: bool, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    export(Net(), torch.zeros(1, 3, 32, 32), path, dynamo=dynamo)
    graph, model = load(path), onnx.load(path, load_external_data=False)
    assert [node.op for node in graph.nodes] == [node.op_type for node in model.graph.node]
    assert {weight.name for weight in graph.weights} == {tensor.name for tensor in model.graph.initializer}
    total = sum(weight.tensor.bytes for weight in graph.weights if weight.tensor.type == "float32")
    assert total == 4 * sum(parameter.numel() for parameter in Net().parameters())
    assert ("conv1",) in {node.scope for node in graph.nodes}


def test_the_dynamo_exporters_external_weights_are_told(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    export(Net(), torch.zeros(1, 3, 32, 32), path, dynamo=True)
    (tmp_path / "net.onnx.data").unlink()  # nothing of it is needed
    outside = [weight for weight in load(path).weights if weight.external is not None]
    assert outside
    assert {weight.external.location for weight in outside if weight.external} == {"net.onnx.data"}


def test_a_transformer_of_two_thousand_nodes_keeps_every_node_and_its_layers(tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    export(Encoder(34), torch.zeros(1, 7, 4), path, dynamo=False)
    graph, model = load(path), onnx.load(path)
    assert len(graph.nodes) == len(model.graph.node) >= 2000
    assert Counter(node.op for node in graph.nodes) == Counter(node.op_type for node in model.graph.node)
    assert {f"layers.{i}" for i in range(34)} <= {node.scope[0] for node in graph.nodes if node.scope}
    assert graph.notes == ()
