"""Files made to harm: each ends in a graph or in UnreadableModel, in bounded time and memory, with safe text."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graph import wire
from visualdl.errors import UnreadableModel
from visualdl.graph import Graph, load
from visualdl.graph import onnx_messages as messages

MODELS = Path(__file__).parent / "models"
SMALL = {path.name: path.read_bytes() for path in sorted(MODELS.glob("*.onnx"))}


def attempt(path: Path, content: bytes) -> Graph | None:
    """The graph, or None where the file was refused; anything else fails the test."""
    path.write_bytes(content)
    try:
        graph = load(path)
    except UnreadableModel:
        return None
    json.dumps(graph.to_json(), allow_nan=False)
    return graph


@pytest.mark.parametrize("name", SMALL)
def test_a_file_cut_anywhere_is_read_or_refused(name: str, tmp_path: Path) -> None:
    content = SMALL[name]
    for cut in range(0, len(content), max(1, len(content) // 400)):
        attempt(tmp_path / "cut.onnx", content[:cut])


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_file_with_changed_bytes_is_read_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(data.draw(st.sampled_from(sorted(SMALL.items())))[1])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        how = data.draw(st.sampled_from(["set", "cut", "insert", "repeat"]))
        if how == "set":
            content[at] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del content[at : at + data.draw(st.integers(1, 40))]
        elif how == "insert":
            content[at:at] = data.draw(st.binary(max_size=20))
        else:
            content[at:at] = content[at : at + data.draw(st.integers(1, 300))]
        if not content:
            content += b"\0"
    attempt(tmp_path_factory.getbasetemp() / "mutant.onnx", bytes(content))


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_or_read(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    attempt(tmp_path_factory.getbasetemp() / "noise.onnx", b"\x08\x09" + content)


def test_lengths_that_promise_the_moon_take_no_memory(tmp_path: Path) -> None:
    moon = wire.varint(7 << 3 | 2) + wire.varint(1 << 62)
    tracemalloc.start()
    assert attempt(tmp_path / "m.onnx", wire.number(1, 9) + moon) is None
    assert attempt(tmp_path / "m.onnx", wire.number(1, 9) + wire.block(7, moon)) is None
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_large_weights_are_not_read(tmp_path: Path) -> None:
    tensor = wire.block(
        5, wire.number(1, 8 << 20), wire.number(2, 1), wire.block(8, "w"), wire.block(9, bytes(32 << 20))
    )
    content = wire.model(tensor, wire.node("Relu", ["w"], ["y"]))
    (tmp_path / "m.onnx").write_bytes(content)
    del content, tensor
    tracemalloc.start()
    [weight] = load(tmp_path / "m.onnx").weights
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
    assert weight.tensor.bytes == 32 << 20


def test_a_tensor_of_absurd_shape_is_told_and_not_believed(tmp_path: Path) -> None:
    dims = wire.number(1, 1 << 62) * 10 + wire.number(1, -3)
    tensor = wire.block(5, dims, wire.number(2, 1), wire.block(8, "w"), wire.block(9, bytes(8)))
    graph = attempt(tmp_path / "m.onnx", wire.model(tensor, wire.node("Relu", ["w"], ["y"])))
    assert graph is not None
    assert graph.weights[0].tensor.bytes == 8
    assert graph.weights[0].tensor.shape[-1] == -3


def test_sub_graphs_nested_without_end_are_refused(tmp_path: Path) -> None:
    graph = wire.node("Relu", ["x"], ["y"])
    for _ in range(200):
        graph = wire.node(
            "If", ["c"], ["y"], wire.block(5, wire.block(1, "then_branch"), wire.block(6, graph), wire.number(20, 5))
        )
    assert attempt(tmp_path / "m.onnx", wire.model(graph)) is None


def test_types_nested_without_end_are_refused(tmp_path: Path) -> None:
    kind = wire.block(1, wire.number(1, 1))
    for _ in range(200):
        kind = wire.block(4, wire.block(1, kind))
    deep = wire.block(11, wire.block(1, "x"), wire.block(2, kind))
    assert attempt(tmp_path / "m.onnx", wire.model(deep, wire.node("Relu", ["x"], ["y"]))) is None


def function(name: str, *calls: str) -> bytes:
    """A local function of one input and one output that calls others in turn."""
    values = ["a", *(f"v{i}" for i in range(len(calls) - 1)), "b"]
    body = [
        wire.block(7, wire.block(1, values[i]), wire.block(2, values[i + 1]), wire.block(4, call), wire.block(7, "f"))
        for i, call in enumerate(calls)
    ]
    return wire.block(25, wire.block(1, name), wire.block(10, "f"), wire.block(4, "a"), wire.block(5, "b"), *body)


def test_functions_that_call_themselves_are_shown_closed(tmp_path: Path) -> None:
    loops = function("F", "G") + function("G", "F")
    call = wire.node("F", ["x"], ["y"], wire.block(7, "f"))
    graph = attempt(tmp_path / "m.onnx", wire.model(call, functions=loops))
    assert graph is not None
    assert [node.op for node in graph.nodes] == ["F"]
    assert any("calls itself" in note for note in graph.notes)


def test_functions_that_double_at_every_level_end_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visualdl.graph.expand.MAX_NODES", 2000)
    bombs = b"".join(function(f"F{i}", f"F{i + 1}", f"F{i + 1}") for i in range(30)) + function("F30", "Relu", "Relu")
    call = wire.node("F0", ["x"], ["y"], wire.block(7, "f"))
    graph = attempt(tmp_path / "m.onnx", wire.model(call, functions=bombs))
    assert graph is not None
    assert len(graph.nodes) == 2000
    assert any("2000 nodes" in note for note in graph.notes)


def test_more_nodes_than_can_be_shown_are_counted_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_NODES", 10)
    graph = attempt(tmp_path / "m.onnx", wire.model(*[wire.node("Relu", ["x"], ["y"])] * 20))
    assert graph is not None
    assert len(graph.nodes) == 10
    assert graph.notes == ("more than 10 nodes: the rest is not shown",)


def test_circles_and_double_names_are_shown_as_they_are(tmp_path: Path) -> None:
    nodes = [
        wire.node("Add", ["b", "b"], ["a"], name="/m/same"),
        wire.node("Add", ["a", "c"], ["b"], name="/n/same"),
        wire.node("Add", ["b", "c"], ["c"], name="/m/same"),
        wire.node("Neg", ["c"], ["c"], name="/m/same"),
    ]
    graph = attempt(tmp_path / "m.onnx", wire.model(*nodes))
    assert graph is not None
    assert len({node.id for node in graph.nodes}) == 4


def test_markup_in_names_stays_text(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    graph = attempt(tmp_path / "m.onnx", wire.model(wire.node(name, [name], [name], name=f"/{name}/{name}")))
    assert graph is not None
    assert graph.nodes[0].op == name
    assert graph.nodes[0].scope == (name,)


def test_deep_names_and_deep_functions_make_no_bottomless_scopes(tmp_path: Path) -> None:
    chain = b"".join(function(f"F{i}", f"F{i + 1}") for i in range(60)) + function("F60", "Relu")
    deep = "/".join("abcdefgh" * 20)
    call = wire.node("F0", ["x"], ["y"], wire.block(7, "f"), name=deep)
    graph = attempt(tmp_path / "m.onnx", wire.model(call, functions=chain))
    assert graph is not None
    assert max(len(node.scope) for node in graph.nodes) <= 48


def test_million_digit_offsets_are_not_numbers(tmp_path: Path) -> None:
    entry = wire.block(13, wire.block(1, "offset"), wire.block(2, "9" * 5000))
    tensor = wire.block(5, wire.number(2, 1), wire.block(8, "w"), entry)
    graph = attempt(tmp_path / "m.onnx", wire.model(tensor, wire.node("Relu", ["w"], ["y"])))
    assert graph is not None
    assert graph.weights[0].external is not None
    assert graph.weights[0].external.offset is None


def test_more_modules_than_can_be_shown_end_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visualdl.graph.expand._MAX_SCOPES", 20)
    nodes = [wire.node("Relu", [f"v{i}"], [f"v{i + 1}"], name=f"/{i}/a/b/c/Relu") for i in range(30)]
    graph = attempt(tmp_path / "m.onnx", wire.model(*nodes))
    assert graph is not None
    assert len(graph.nodes) == 30
    assert len(graph.scopes) == 20
    assert any("20 modules" in note for note in graph.notes)


def test_boxes_that_would_be_split_without_end_keep_their_circles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualdl.graph.scopes._MAX_SPLIT", 10)
    nodes = [wire.node("Relu", [f"v{i}"], [f"v{i + 1}"], name=f"/m{i % 2}/Relu") for i in range(40)]
    graph = attempt(tmp_path / "m.onnx", wire.model(*nodes))
    assert graph is not None
    assert {node.scope for node in graph.nodes} == {("m0",), ("m1",)}
