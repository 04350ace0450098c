"""ONNX's messages (ModelProto, GraphProto, NodeProto, FunctionProto) read into plain structures, as the file says them.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Tensors, types and attributes are in
`onnx_tensor.py` and `onnx_attribute.py`. How much is kept is bounded over all graphs of a file; what is left out leaves
a note.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from visualdl.errors import UnreadableModel
from visualdl.graph.model import Dim, Value, Weight
from visualdl.graph.onnx_attribute import RawAttribute, read_attribute
from visualdl.graph.onnx_tensor import read_entry, read_sparse_weight, read_type, read_weight
from visualdl.graph.protobuf import BYTES, VARINT, Field, WireFile, signed

MAX_NODES = 100_000
MAX_VALUES = 400_000
MAX_WEIGHTS = 100_000
_MAX_PER_NODE = 4096
_MAX_DEPTH = 32
_MAX_METADATA = 64
_T = TypeVar("_T")


@dataclass
class RawNode:
    """A NodeProto."""

    name: str = ""
    op: str = ""
    domain: str = ""
    overload: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: list[RawAttribute] = field(default_factory=list)
    bodies: list[tuple[str, RawGraph]] = field(default_factory=list)
    doc: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass
class RawGraph:
    """A GraphProto; of a FunctionProto as well, whose inputs and outputs have names but no types."""

    name: str = ""
    nodes: list[RawNode] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)
    doc: str = ""


@dataclass
class RawFunction:
    """A FunctionProto. defaults: its attributes that a call may leave out."""

    name: str = ""
    domain: str = ""
    overload: str = ""
    body: RawGraph = field(default_factory=RawGraph)
    defaults: list[RawAttribute] = field(default_factory=list)


@dataclass
class RawModel:
    """A ModelProto."""

    ir_version: int | None = None
    producer: str = ""
    producer_version: str = ""
    doc: str = ""
    opsets: list[tuple[str, int]] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    graph: RawGraph | None = None
    functions: list[RawFunction] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_model(wire: WireFile) -> RawModel:
    """The ModelProto that the whole file is. Raises UnreadableModel (Malformed) where the bytes are none."""
    return _Reader(wire).model()


class _Reader:
    """Reads one file's messages; counts what it keeps, over all graphs of the file."""

    def __init__(self, wire: WireFile) -> None:
        self._wire = wire
        self._nodes = 0
        self._values = 0
        self._weights = 0
        self._notes: dict[str, None] = {}

    def model(self) -> RawModel:
        model = RawModel()
        wire = self._wire
        for part in wire.fields(0, wire.size):
            if part.number == 1 and part.wire == VARINT:
                model.ir_version = signed(part.start)
            elif part.wire != BYTES:
                continue
            elif part.number == 2:
                model.producer = wire.text(part)
            elif part.number == 3:
                model.producer_version = wire.text(part)
            elif part.number == 6:
                model.doc = wire.text(part)
            elif part.number == 7:
                model.graph = self._graph(part, 0)
            elif part.number == 8:
                _keep(model.opsets, self._opset(part), 1000)
            elif part.number == 14:
                self._metadata(part, model.metadata)
            elif part.number == 25:
                function = self._function(part)
                if not _keep(model.functions, function, 10_000):
                    self._note("more than 10000 local functions: the rest is not shown")
        model.notes = list(self._notes)
        return model

    def _graph(self, span: Field, depth: int) -> RawGraph:
        if depth > _MAX_DEPTH:
            raise UnreadableModel(f"sub-graphs nested more than {_MAX_DEPTH} deep at byte {span.start}")
        graph = RawGraph()
        wire = self._wire
        for part in wire.fields(span.start, span.stop):
            if part.wire != BYTES:
                continue
            if part.number == 1:
                self._add_node(graph.nodes, part, depth)
            elif part.number == 2:
                graph.name = wire.text(part)
            elif part.number == 5:
                self._add_weight(graph.weights, part, sparse=False)
            elif part.number == 15:
                self._add_weight(graph.weights, part, sparse=True)
            elif part.number == 10:
                graph.doc = wire.text(part)
            elif part.number in (11, 12, 13):
                into = {11: graph.inputs, 12: graph.outputs, 13: graph.values}[part.number]
                self._add_value(into, part)
        return graph

    def _add_node(self, into: list[RawNode], span: Field, depth: int) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._note(f"more than {MAX_NODES} nodes: the rest is not shown")
            return
        into.append(self._node(span, depth))

    def _add_weight(self, into: list[Weight], span: Field, *, sparse: bool) -> None:
        self._weights += 1
        if self._weights > MAX_WEIGHTS:
            self._note(f"more than {MAX_WEIGHTS} weights: the rest is not shown")
            return
        into.append(read_sparse_weight(self._wire, span) if sparse else read_weight(self._wire, span))

    def _add_value(self, into: list[Value], span: Field) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            self._note(f"more than {MAX_VALUES} typed values: the types of the rest are not shown")
            return
        into.append(self._value(span))

    def _node(self, span: Field, depth: int) -> RawNode:
        node = RawNode()
        wire = self._wire
        for part in wire.fields(span.start, span.stop):
            if part.wire != BYTES:
                continue
            if part.number in (1, 2):
                into = node.inputs if part.number == 1 else node.outputs
                if not _keep(into, wire.text(part), _MAX_PER_NODE):
                    self._note(f"a node with more than {_MAX_PER_NODE} inputs or outputs: the rest is not shown")
            elif part.number == 3:
                node.name = wire.text(part)
            elif part.number == 4:
                node.op = wire.text(part)
            elif part.number == 5:
                self._attribute(node, part, depth)
            elif part.number == 6:
                node.doc = wire.text(part)
            elif part.number == 7:
                node.domain = wire.text(part)
            elif part.number == 8:
                node.overload = wire.text(part)
            elif part.number == 9:
                self._metadata(part, node.metadata)
        return node

    def _attribute(self, node: RawNode, span: Field, depth: int) -> None:
        attribute = read_attribute(self._wire, span)
        if not _keep(node.attributes, attribute, 1000):
            self._note("a node with more than 1000 attributes: the rest is not shown")
            return
        for number, graph in enumerate(attribute.graphs):
            name = attribute.name if len(attribute.graphs) == 1 else f"{attribute.name}[{number}]"
            node.bodies.append((name, self._graph(graph, depth + 1)))

    def _function(self, span: Field) -> RawFunction:
        function = RawFunction()
        body = function.body
        wire = self._wire
        for part in wire.fields(span.start, span.stop):
            if part.wire != BYTES:
                continue
            if part.number == 1:
                function.name = wire.text(part)
            elif part.number in (4, 5):
                into = body.inputs if part.number == 4 else body.outputs
                _keep(into, Value(wire.text(part), "", None), _MAX_PER_NODE)
            elif part.number == 7:
                self._add_node(body.nodes, part, 1)
            elif part.number == 8:
                body.doc = wire.text(part)
            elif part.number == 10:
                function.domain = wire.text(part)
            elif part.number == 11:
                _keep(function.defaults, read_attribute(wire, part), 1000)
            elif part.number == 12:
                self._add_value(body.values, part)
            elif part.number == 13:
                function.overload = wire.text(part)
        return function

    def _value(self, span: Field) -> Value:
        name, kind = "", ""
        shape: tuple[Dim, ...] | None = None
        for part in self._wire.fields(span.start, span.stop):
            if part.number == 1 and part.wire == BYTES:
                name = self._wire.text(part)
            elif part.number == 2 and part.wire == BYTES:
                kind, shape = read_type(self._wire, part)
        return Value(name, kind, shape)

    def _opset(self, span: Field) -> tuple[str, int]:
        domain, version = "", 0
        for part in self._wire.fields(span.start, span.stop):
            if part.number == 1 and part.wire == BYTES:
                domain = self._wire.text(part)
            elif part.number == 2 and part.wire == VARINT:
                version = signed(part.start)
        return domain, version

    def _metadata(self, span: Field, into: dict[str, str]) -> None:
        if len(into) < _MAX_METADATA:
            key, value = read_entry(self._wire, span)
            into[key] = value

    def _note(self, sentence: str) -> None:
        self._notes[sentence] = None


def _keep(into: list[_T], item: _T, limit: int) -> bool:
    """Appends unless `into` is full; whether it did."""
    if len(into) >= limit:
        return False
    into.append(item)
    return True
