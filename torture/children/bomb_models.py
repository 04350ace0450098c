"""Model files made to exhaust whoever reads them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.graph import wire
from tests.graph.wire import block, model, number, varint
from torture.children.bomb_logs import Bomb
from visualdl.errors import UnreadableModel
from visualdl.server.model import read_graph


def node(op: str, given: str, made: str, *more: bytes, name: str = "") -> bytes:
    """A node with one input and one output."""
    return wire.node(op, [given], [made], *more, name=name)


def nodes(folder: Path, scale: float) -> str:
    """A million nodes, in modules that take turns."""
    count = int(1_000_000 * scale)
    parts = [node("Relu", f"v{i}", f"v{i + 1}", name=f"/m{i % 7}/n{i % 11}/k{i % 1000}/Relu") for i in range(count)]
    (folder / "turns.onnx").write_bytes(model(*parts))
    deep = "/".join("abcdefghijklmnopqrstuvwx")
    parts = [node("Relu", f"v{i}", f"v{i + 1}", name=f"/{deep}/{i}/Relu") for i in range(count // 8)]
    (folder / "deep.onnx").write_bytes(model(*parts))
    return f"{count:,} nodes; {count // 8:,} in modules 25 deep"


def recursion(folder: Path, scale: float) -> str:
    """Graphs in graphs, types in types, functions that call two of what call two."""
    del scale
    graph = node("Relu", "x", "y")
    kind = block(1, number(1, 1))
    for _ in range(3000):
        graph = node("If", "c", "y", block(5, block(1, "then_branch"), block(6, graph), number(20, 5)))
        kind = block(4, block(1, kind))
    (folder / "graphs.onnx").write_bytes(model(graph))
    (folder / "types.onnx").write_bytes(model(block(11, block(1, "x"), block(2, kind)), node("Relu", "x", "y")))
    doubling = b"".join(_function(f"F{i}", f"F{i + 1}", f"F{i + 1}") for i in range(40)) + _function("F40", "Relu")
    (folder / "doubling.onnx").write_bytes(model(node("F0", "x", "y", block(7, "f")), functions=doubling))
    loop = _function("F", "G") + _function("G", "F")
    (folder / "loop.onnx").write_bytes(model(node("F", "x", "y", block(7, "f")), functions=loop))
    return "3,000 graphs and types deep, 2⁴⁰ calls"


def _function(name: str, *calls: str) -> bytes:
    values = ["a", *(f"v{i}" for i in range(len(calls) - 1)), "b"]
    body = [
        block(7, block(1, values[i]), block(2, values[i + 1]), block(4, call), block(7, "f"))
        for i, call in enumerate(calls)
    ]
    return block(25, block(1, name), block(10, "f"), block(4, "a"), block(5, "b"), *body)


def claims(folder: Path, scale: float) -> str:
    """Dimensions past counting, data that lies outside, lengths of 2⁶², millions of fields, values and texts."""
    count = int(2_000_000 * scale)
    dims = number(1, (1 << 62) + 1) * 60
    places = ("../../../../etc/passwd", "/etc/shadow", "http://127.0.0.1/", "\\\\host\\share", "a\0b", "x" * 100_000)
    told = [
        block(5, dims, number(2, 1), block(8, f"w{i}"), number(14, 1), block(13, block(1, "location"), block(2, place)))
        for i, place in enumerate(places)
    ]
    (folder / "outside.onnx").write_bytes(model(*told, node("Relu", "w0", "y")))
    (folder / "length.onnx").write_bytes(number(1, 9) + varint(7 << 3 | 2) + varint(1 << 62))
    (folder / "fields.onnx").write_bytes(model(number(99, 1) * (3 * count), node("Relu", "x", "y")))
    (folder / "attributes.onnx").write_bytes(
        model(
            node(
                "Relu",
                "x",
                "y",
                *[block(5, block(1, f"a{i}"), number(3, i), number(20, 2)) for i in range(count // 20)],
            )
        )
    )
    values = b"".join(block(13, block(1, f"v{i}"), block(2, block(1, number(1, 1)))) for i in range(count // 4))
    (folder / "values.onnx").write_bytes(model(values, node("Relu", "x", "y")))
    weights = b"".join(
        block(5, number(1, 2), number(2, 1), block(8, f"w{i}"), block(9, bytes(8))) for i in range(count // 8)
    )
    (folder / "weights.onnx").write_bytes(model(weights, node("Relu", "x", "y")))
    (folder / "text.onnx").write_bytes(model(node("Relu", "x", "y", *[block(6, "文" * 700)] * (count // 20))))
    many = b"".join(block(5, block(1, "p"), *[block(8, b"x")] * 64, number(20, 8)) for _ in range(1000))
    (folder / "lists.onnx").write_bytes(model(*[node("Relu", "x", "y", many)] * max(1, count // 64_000)))
    return f"8 files, up to {3 * count:,} fields"


def read_models(folder: Path) -> list[str]:
    """Each file gives a graph that is JSON, or is refused; nothing else is opened."""
    found = []
    for path in sorted(folder.glob("*.onnx")):
        try:
            body = read_graph(path, path.name)
        except UnreadableModel as refused:
            if str(path) in str(refused):
                found.append(f"the refusal of {path.name} tells where the file lies")
            continue
        if len(body) > 200 << 20:
            found.append(f"{path.name} of {path.stat().st_size} bytes becomes {len(body)} bytes of JSON")
        if len(body) < 4 << 20:
            json.loads(body)
    return found


BOMBS: dict[str, Bomb] = {
    "nodes": Bomb("a model of a million nodes", 500, 20, nodes, read_models),
    "recursion": Bomb("models nested without end", 500, 20, recursion, read_models),
    "claims": Bomb("models that claim what cannot be", 400, 30, claims, read_models),
}
