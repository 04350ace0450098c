"""Scopes from names and metadata, and modules that are called more than once."""

from __future__ import annotations

import random

import pytest

from visualdl.graph.scopes import Path, Wiring, common, scope_of, split_calls


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/conv1/Conv", ("conv1",)),
        ("/layers.0/mlp/mlp.2/MatMul", ("layers.0", "mlp", "2")),
        ("/Relu_1", ()),
        ("resnet/block1/conv/Conv2D", ("resnet", "block1", "conv")),
        ("//a//b/", ("a", "b")),
    ],
)
def test_slashes_in_a_name_are_scopes(name: str, path: Path) -> None:
    told = scope_of(name, {})
    assert told is not None
    assert told[0] == path


def test_a_plain_name_tells_nothing() -> None:
    assert scope_of("Conv_0", {}) is None
    assert scope_of("", {}) is None


def test_dynamo_lists_give_path_and_classes_without_being_evaluated() -> None:
    metadata = {
        "pkg.torch.onnx.name_scopes": "['', 'encoder', 'encoder.layers.0', 'encoder.layers.0', \"it's\", 'relu']",
        "pkg.torch.onnx.class_hierarchy": "['Net', 'Encoder', 'Layer', 'Layer', __import__('os'), 'Odd', 'aten.relu']",
    }
    told = scope_of("node_relu", metadata)
    assert told is not None
    assert told[0] == ("encoder", "layers.0", "it's")


def test_the_namespace_alone_is_enough() -> None:
    told = scope_of("n", {"namespace": ": Net/conv1: torch.nn.modules.conv.Conv2d/conv2d: aten.conv2d.default"})
    assert told == (("conv1",), ("torch.nn.modules.conv.Conv2d",))


def test_no_path_is_deeper_than_can_be_shown() -> None:
    told = scope_of("/".join("abc" * 5000), {})
    assert told is not None
    assert len(told[0]) == len(told[1]) == 24


def test_the_common_path_of_some() -> None:
    assert common([("a", "b"), ("a", "c")]) == ("a",)
    assert common([]) == ()


def circles(scopes: list[Path], edges: list[tuple[int, int]]) -> bool:
    """Whether, at any level, the boxes there run in a circle; the slow and certain way."""
    for depth in range(max(map(len, scopes)) + 1):
        links: dict[tuple[Path, object], set[tuple[Path, object]]] = {}
        for a, b in edges:
            if scopes[a][:depth] == scopes[b][:depth]:
                ends = [(scopes[n][:depth], scopes[n][depth] if len(scopes[n]) > depth else n) for n in (a, b)]
                if ends[0] != ends[1]:
                    links.setdefault(ends[0], set()).add(ends[1])
        while True:
            done = [box for box, after in links.items() if not after & links.keys()]
            if not done:
                break
            for box in done:
                del links[box]
        if links:
            return True
    return False


def test_two_calls_of_one_module_become_two_boxes() -> None:
    # conv1 -> pool -> conv2 -> pool: each call of pool has two nodes.
    scopes: list[Path] = [("conv1",), ("pool",), ("pool",), ("conv2",), ("pool",), ("pool",)]
    edges = [(i, i + 1) for i in range(5)]
    new, old = split_calls(Wiring(scopes, edges))
    assert new == [("conv1",), ("pool",), ("pool",), ("conv2",), ("pool (2)",), ("pool (2)",)]
    assert old == {("pool (2)",): ("pool",)}


def test_what_is_inside_a_repeated_module_goes_with_its_call() -> None:
    scopes: list[Path] = [("m", "a"), ("m", "b"), (), ("m", "a"), ("m", "b")]
    new, old = split_calls(Wiring(scopes, [(0, 1), (1, 2), (2, 3), (3, 4)]))
    assert new == [("m", "a"), ("m", "b"), (), ("m (2)", "a"), ("m (2)", "b")]
    assert old["m (2)", "a"] == ("m", "a")


def test_modules_without_a_circle_stay_as_they_are() -> None:
    scopes: list[Path] = [("a",), ("b",), ("a",), ("c",)]
    assert split_calls(Wiring(scopes, [(0, 1), (2, 1), (1, 3)])) == (scopes, {})


def test_interleaved_modules_are_taken_apart() -> None:
    # a -> b and b' -> a': no value ever comes back, but the two boxes would run in a circle.
    scopes: list[Path] = [("a",), ("b",), ("b",), ("a",)]
    new, _ = split_calls(Wiring(scopes, [(0, 1), (2, 3)]))
    assert not circles(new, [(0, 1), (2, 3)])


def test_no_circle_is_left_in_random_graphs() -> None:
    dice = random.Random(7)
    for _ in range(150):
        count = dice.randint(2, 24)
        scopes: list[Path] = [tuple(dice.choice("abc") for _ in range(dice.randint(0, 3))) for _ in range(count)]
        pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
        edges = [pair for pair in pairs if dice.random() < 0.15]
        new, old = split_calls(Wiring(scopes, edges))
        assert not circles(new, edges)
        assert all(old.get(after, after)[: len(before)] == before for before, after in zip(scopes, new, strict=True))


def test_nodes_that_themselves_run_in_a_circle_end_in_an_answer() -> None:
    scopes: list[Path] = [("a",), ("b",), ("a",)]
    new, _ = split_calls(Wiring(scopes, [(0, 1), (1, 2), (2, 0), (1, 1)]))
    assert len(new) == 3
