"""A model's graph as data: nodes, values, weights, scopes; what every format is turned into. JSON: docs/graph.md.

Everything here came from a file that may be hostile: names are only names, never paths, code or markup.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Dim: TypeAlias = int | str | None
"""A dimension: its size, the name of a dynamic one, or None when the file says nothing."""

_EXACT_IN_A_DOUBLE = 1 << 53


@dataclass(frozen=True)
class Value:
    """What flows along an edge. type: 'float32', 'sequence(int64)', …, '' if untold. shape: None if untold."""

    name: str
    type: str
    shape: tuple[Dim, ...] | None


@dataclass(frozen=True)
class Tensor:
    """A constant tensor, told but not kept: its first values only (NaN and ±inf are values like any other)."""

    type: str
    shape: tuple[int, ...]
    values: tuple[float | int | bool | str, ...]
    bytes: int

    def to_json(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "shape": [_number(size) for size in self.shape],
            "values": [_number(value) for value in self.values],
            "bytes": self.bytes,
        }


@dataclass(frozen=True)
class Attribute:
    """One attribute of a node. type: 'int', 'ints', 'float', 'string', 'tensor', 'graph', ….

    value: what it holds, long lists cut. count: how long the list is in the file when it was cut, else None.
    """

    type: str
    value: Any
    count: int | None = None

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"type": self.type, "value": _plain(self.value)}
        if self.count is not None:
            out["count"] = self.count
        return out


@dataclass(frozen=True)
class External:
    """Where the file says that a weight's bytes lie. Told, never opened."""

    location: str
    offset: int | None
    length: int | None


@dataclass(frozen=True)
class Weight:
    """A trained (or otherwise constant) tensor of the graph. bytes: its size, stored here or elsewhere."""

    name: str
    tensor: Tensor
    external: External | None = None
    sparse: bool = False

    def to_json(self) -> dict[str, Any]:
        out = {"name": self.name, **self.tensor.to_json(), "external": self.external is not None}
        if self.external is not None:
            place = self.external
            out["location"] = {"path": place.location, "offset": place.offset, "length": place.length}
        if self.sparse:
            out["sparse"] = True
        return out


@dataclass(frozen=True)
class Body:
    """A sub-graph that a node runs (a branch, a loop's body): the scope of its nodes and the values it gives back."""

    name: str
    scope: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Node:
    """One operation. inputs and outputs are value names, '' where an optional one is left out."""

    id: str
    name: str
    op: str
    domain: str
    scope: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    doc: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    bodies: tuple[Body, ...] = ()

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "op": self.op,
            "domain": self.domain,
            "scope": list(self.scope),
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "attributes": {name: attribute.to_json() for name, attribute in self.attributes.items()},
            "doc": self.doc,
        }
        if self.metadata:
            out["metadata"] = dict(self.metadata)
        if self.bodies:
            out["bodies"] = [
                {"name": body.name, "scope": list(body.scope), "outputs": list(body.outputs)} for body in self.bodies
            ]
        return out


@dataclass(frozen=True)
class Scope:
    """A group of nodes: a module, a call of a local function, or the body of an If, Loop or Scan.

    path: from the root; () is the root module itself. kind: 'module', 'function' or 'body'. type: the module's class
    ('torch.nn.modules.conv.Conv2d'), the function's or the operator's name; None if untold.
    """

    path: tuple[str, ...]
    kind: str = "module"
    type: str | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"path": list(self.path), "kind": self.kind, "type": self.type}
        if self.attributes:
            out["attributes"] = {name: attribute.to_json() for name, attribute in self.attributes.items()}
        return out


@dataclass(frozen=True)
class Function:
    """A local function of the file; its calls are expanded into scopes of kind 'function'."""

    name: str
    domain: str
    calls: int
    nodes: int


@dataclass(frozen=True)
class Graph:
    """A whole model. nodes: in the file's order. notes: sentences about what was left out, empty when nothing was.

    passed: an output of the model that a function only passes on -> the value that it is.
    """

    format: str
    name: str
    producer: str
    ir_version: int | None
    opsets: tuple[tuple[str, int], ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    weights: tuple[Weight, ...]
    values: Mapping[str, Value]
    scopes: tuple[Scope, ...]
    functions: tuple[Function, ...] = ()
    doc: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    passed: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, str, int, float, bool and None; every number exact in a double, none NaN or infinite."""
        return {
            "format": self.format,
            "name": self.name,
            "producer": self.producer,
            "ir_version": self.ir_version,
            "opsets": [{"domain": domain, "version": version} for domain, version in self.opsets],
            "inputs": [_value(value) for value in self.inputs],
            "outputs": [
                _value(v) | ({"value": self.passed[v.name]} if v.name in self.passed else {}) for v in self.outputs
            ],
            "nodes": [node.to_json() for node in self.nodes],
            "weights": [weight.to_json() for weight in self.weights],
            "values": {name: {"type": v.type, "shape": _shape(v.shape)} for name, v in self.values.items()},
            "scopes": [scope.to_json() for scope in self.scopes],
            "functions": [
                {"name": f.name, "domain": f.domain, "calls": f.calls, "nodes": f.nodes} for f in self.functions
            ],
            "doc": self.doc,
            "metadata": dict(self.metadata),
            "notes": list(self.notes),
        }


def _value(value: Value) -> dict[str, Any]:
    return {"name": value.name, "type": value.type, "shape": _shape(value.shape)}


def _shape(shape: tuple[Dim, ...] | None) -> list[Dim] | None:
    return None if shape is None else [_number(size) for size in shape]


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.to_json()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return _number(value)


def _number(value: Any) -> Any:
    """What JSON and JavaScript cannot say exactly becomes text: NaN, ±inf, integers past 2**53."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, int) and abs(value) > _EXACT_IN_A_DOUBLE:
        return str(value)
    return value
