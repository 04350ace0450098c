"""A raw ONNX model -> one flat `Graph`: local functions and sub-graphs (If, Loop, Scan) become scopes.

A call of a local function disappears into a scope that holds its body, formal values replaced by the call's. A node
with sub-graphs stays, beside its bodies, in a scope of its own: what a body computes from outer values hangs on those,
what a loop carries hangs on the loop's inputs, what the body returns is told in `Node.bodies`. Values inside bodies
get the scope's path before their name, so that two calls stay apart. Everything is bounded: calls that call twice what
calls twice … end at MAX_NODES, a function that calls itself ends at once; both leave a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from visualdl.graph.model import Attribute, Body, Function, Graph, Node, Scope, Value, Weight
from visualdl.graph.onnx_attribute import RawAttribute
from visualdl.graph.onnx_messages import MAX_NODES, RawFunction, RawGraph, RawModel, RawNode
from visualdl.graph.scopes import Path, Wiring, common, leaf_name, root_class, scope_of, split_calls

_MAX_DEPTH = 32
_MAX_SCOPE = 48
_MAX_SCOPES = 50_000
_MAX_TOLD_TEXT = 16 << 20
# Metadata that went into scopes, or says again what the node says itself
_USED_METADATA = {"namespace", "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"}
_FunctionKey = tuple[str, str, str]


@dataclass
class _Frame:
    """One graph being expanded: where it stands and what its value names mean."""

    scope: Path
    parent: _Frame | None
    calls: tuple[_FunctionKey, ...]
    depth: int
    prefix: str = ""
    names: dict[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def find(self, name: str) -> str:
        """The flat name of a value that a node of this graph reads."""
        frame: _Frame | None = self
        while frame is not None:
            known = frame.names.get(name)
            if known is not None:
                return known
            if frame.parent is None:
                return frame.prefix + name
            frame = frame.parent
        return name

    def define(self, name: str) -> str:
        """The flat name of a value that this graph makes."""
        known = self.names.get(name)
        if known is None:
            known = self.names[name] = self.prefix + name
        return known


def expand(model: RawModel, *, format: str) -> Graph:
    """The whole model as one flat graph."""
    return _Expansion(model, format).graph()


class _Expansion:
    """What has been laid out flat so far."""

    def __init__(self, model: RawModel, format: str) -> None:
        self._format = format
        self._model = model
        self._functions = {(f.domain, f.name, f.overload): f for f in model.functions}
        self._calls = dict.fromkeys(self._functions, 0)
        self._nodes: list[Node] = []
        self._told: list[bool] = []  # per node: whether a name or metadata told its scope
        self._weights: list[Weight] = []
        self._values: dict[str, Value] = {}
        self._scopes: dict[Path, Scope] = {}
        self._taken: set[Path] = set()
        self._same: dict[str, str] = {}  # an output that a function passes through -> the value it is
        self._text_left = _MAX_TOLD_TEXT
        self._notes: dict[str, None] = dict.fromkeys(model.notes)

    def graph(self) -> Graph:
        model, raw = self._model, self._model.graph
        assert raw is not None  # noqa: S101 - for the type checker: `open` has seen to it
        self._lay(raw, _Frame((), None, (), 0))
        self._join_passed_through()
        self._guess_scopes()
        self._split_calls()
        weights = {weight.name for weight in self._weights}
        return Graph(
            format=self._format,
            name=raw.name,
            producer=" ".join(part for part in (model.producer, model.producer_version) if part),
            ir_version=model.ir_version,
            opsets=tuple(model.opsets),
            # Up to IR version 3 every weight was an input as well.
            inputs=tuple(value for value in raw.inputs if value.name not in weights),
            outputs=tuple(raw.outputs),
            nodes=tuple(self._nodes),
            weights=tuple(self._weights),
            values=self._values,
            scopes=self._used_scopes(),
            functions=tuple(
                Function(f.name, f.domain, self._calls[key], len(f.body.nodes)) for key, f in self._functions.items()
            ),
            doc=model.doc or raw.doc,
            metadata=model.metadata,
            notes=tuple(self._notes),
            passed={value.name: self._same[value.name] for value in raw.outputs if value.name in self._same},
        )

    def _lay(self, raw: RawGraph, frame: _Frame) -> None:
        """Lays out one graph; its inputs are in `frame.names` already where they mean outer values."""
        for value in raw.inputs:
            frame.define(value.name)
        for weight in raw.weights:
            name = frame.define(weight.name)
            self._weights.append(replace(weight, name=name))
            self._values.setdefault(name, Value(name, weight.tensor.type, weight.tensor.shape))
        for node in raw.nodes:
            for output in node.outputs:
                if output:
                    frame.define(output)
        for value in (*raw.inputs, *raw.outputs, *raw.values):
            if value.type or value.shape is not None:
                name = frame.find(value.name)
                self._values.setdefault(name, replace(value, name=name))
        for node in raw.nodes:
            if len(self._nodes) >= MAX_NODES:
                self._note(f"more than {MAX_NODES} nodes once functions are expanded: the rest is not shown")
                return
            self._place(node, frame)

    def _place(self, raw: RawNode, frame: _Frame) -> None:
        key = (raw.domain, raw.op, raw.overload)
        function = self._functions.get(key)
        if function is not None and self._may_enter(key, function, frame):
            self._call(raw, key, function, frame)
            return
        scope, told = self._scope(raw, frame)
        bodies: tuple[Body, ...] = ()
        if raw.bodies and frame.depth < _MAX_DEPTH and len(scope) + 2 <= _MAX_SCOPE:
            scope = self._own_scope(scope, leaf_name(raw.name) or raw.op)
            self._scopes[scope] = Scope(scope, "body", raw.op)
            bodies = tuple(self._body(raw, name, body, scope, frame) for name, body in raw.bodies)
        self._nodes.append(
            Node(
                id=f"n{len(self._nodes)}",
                name=raw.name,
                op=raw.op,
                domain=raw.domain,
                scope=scope,
                inputs=tuple(frame.find(name) if name else "" for name in raw.inputs),
                outputs=tuple(frame.define(name) if name else "" for name in raw.outputs),
                attributes=_attributes(raw.attributes, frame),
                doc=self._text(raw.doc),
                metadata={k: self._text(v) for k, v in raw.metadata.items() if k not in _USED_METADATA},
                bodies=bodies,
            )
        )
        self._told.append(told or bool(bodies))

    def _scope(self, raw: RawNode, frame: _Frame) -> tuple[Path, bool]:
        """The scope of a node, and whether the file told it; enters the modules on the way into the scopes."""
        told = scope_of(raw.name, raw.metadata)
        if () not in self._scopes and not frame.scope:
            root = root_class(raw.metadata)
            if root:
                self._scopes[()] = Scope((), "module", root)
        if told is None:
            return frame.scope, bool(frame.scope)
        path, types = told
        # Inside a body the exporter may repeat the names of the scopes that the body already stands in.
        shared = len(common((path, frame.scope)))
        whole = (*frame.scope, *path[shared:])[:_MAX_SCOPE]
        types = types[shared:]
        for at, kind in enumerate(types):
            at_path = whole[: len(frame.scope) + at + 1]
            known = self._scopes.get(at_path)
            if known is None and len(self._scopes) >= _MAX_SCOPES:
                self._note(f"more than {_MAX_SCOPES} modules: the inner ones are not told apart")
                return at_path[:-1], True
            if known is None or (known.type is None and kind is not None):
                self._scopes[at_path] = Scope(at_path, "module", kind)
        return whole, True

    def _own_scope(self, parent: Path, name: str) -> Path:
        """A scope below `parent` that nothing else stands in."""
        path = (*parent, name)
        number = 1
        while path in self._taken or path in self._scopes:
            number += 1
            path = (*parent, f"{name} ({number})")
        self._taken.add(path)
        return path

    def _may_enter(self, key: _FunctionKey, function: RawFunction, frame: _Frame) -> bool:
        if key in frame.calls:
            self._note(f"function {function.name!r} calls itself: such calls are shown closed")
            return False
        if frame.depth >= _MAX_DEPTH or len(frame.scope) >= _MAX_SCOPE - 2:
            self._note(f"functions nested more than {_MAX_DEPTH} deep: the inner ones are shown closed")
            return False
        return bool(function.body.nodes)

    def _call(self, raw: RawNode, key: _FunctionKey, function: RawFunction, frame: _Frame) -> None:
        """Expands one call of a local function."""
        self._calls[key] += 1
        parent, _ = self._scope(raw, frame)
        scope = self._own_scope(parent, leaf_name(raw.name) or raw.op)
        attributes = _attributes(raw.attributes, frame)
        title = f"{function.domain}::{function.name}" if function.domain else function.name
        self._scopes[scope] = Scope(scope, "function", title, attributes)
        inner = _Frame(scope, None, (*frame.calls, key), frame.depth + 1, _prefix(scope))
        inner.attributes = {a.name: a.attribute for a in function.defaults} | dict(attributes)
        for formal, given in zip(function.body.inputs, raw.inputs):  # noqa: B905 - a call may give fewer
            inner.names[formal.name] = frame.find(given) if given else ""
        for formal in function.body.inputs[len(raw.inputs) :]:
            inner.names[formal.name] = ""
        for formal, taken in zip(function.body.outputs, raw.outputs):  # noqa: B905 - or take fewer
            if not taken:
                continue
            flat = frame.define(taken)
            known = inner.names.setdefault(formal.name, flat)
            if known != flat:
                self._same[flat] = self._same.get(known, known)  # which it passes on in its turn
        body = replace(function.body, inputs=[], outputs=[])
        self._lay(body, inner)

    def _body(self, raw: RawNode, name: str, body: RawGraph, scope: Path, frame: _Frame) -> Body:
        """Expands one sub-graph of a node."""
        path = self._own_scope(scope, name)
        self._scopes[path] = Scope(path, "body", None)
        inner = _Frame(path, frame, frame.calls, frame.depth + 1, _prefix(path), attributes=frame.attributes)
        given: Iterable[str] = raw.inputs
        if raw.op == "Loop":  # given: trip count, condition, carried…; the body takes: iteration, condition, carried…
            given = ("", *raw.inputs[1:])
        for formal, outer in zip(body.inputs, given):  # noqa: B905 - a branch of If has none
            if outer:
                inner.names[formal.name] = frame.find(outer)
        self._lay(body, inner)
        return Body(name, path, tuple(inner.find(value.name) for value in body.outputs))

    def _join_passed_through(self) -> None:
        """A function may return what it was given: whoever reads that output reads the input."""
        if not self._same:
            return

        def whole(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(self._same.get(name, name) for name in names)

        self._nodes = [
            replace(
                node,
                inputs=whole(node.inputs),
                bodies=tuple(replace(body, outputs=whole(body.outputs)) for body in node.bodies),
            )
            for node in self._nodes
        ]

    def _guess_scopes(self) -> None:
        """A node whose scope nobody told stands where all who read it stand: rewriters forget the metadata."""
        if all(self._told) or not any(self._told):
            return
        readers: dict[str, list[int]] = {}
        for at, node in enumerate(self._nodes):
            for name in node.inputs:
                readers.setdefault(name, []).append(at)
        for at in range(len(self._nodes) - 1, -1, -1):
            node = self._nodes[at]
            where = [self._nodes[r].scope for name in node.outputs if name for r in readers.get(name, ())]
            if self._told[at] or not where:
                continue
            self._nodes[at] = replace(node, scope=common(where))

    def _split_calls(self) -> None:
        made_by = {name: at for at, node in enumerate(self._nodes) for name in node.outputs if name}
        edges = [
            (made_by[name], at)
            for at, node in enumerate(self._nodes)
            for name in (*node.inputs, *(output for body in node.bodies for output in body.outputs))
            if name in made_by and made_by[name] != at
        ]
        scopes, old = split_calls(Wiring([node.scope for node in self._nodes], edges))
        if not old:
            return
        self._nodes = [replace(node, scope=scope) for node, scope in zip(self._nodes, scopes)]  # noqa: B905
        for new, was in old.items():
            if was in self._scopes:
                self._scopes[new] = replace(self._scopes[was], path=new)

    def _used_scopes(self) -> tuple[Scope, ...]:
        """The scopes that hold a node, and bodies even when they hold none; sorted by path."""
        used: set[Path] = {()}
        for node in self._nodes:
            path = node.scope
            while path and path not in used:
                used.add(path)
                path = path[:-1]
        return tuple(scope for path, scope in sorted(self._scopes.items()) if path in used or scope.kind == "body")

    def _text(self, text: str) -> str:
        self._text_left -= len(text)
        if self._text_left >= 0:
            return text
        self._note("so much documentation that the rest of it is not shown")
        return ""

    def _note(self, sentence: str) -> None:
        self._notes[sentence] = None


def _prefix(scope: Path) -> str:
    return "/".join(scope) + ":"


def _attributes(raw: list[RawAttribute], frame: _Frame) -> dict[str, Attribute]:
    """A node's attributes by name; one that stands for its function's attribute becomes what the call gave."""
    told: dict[str, Attribute] = {}
    for attribute in raw:
        if attribute.ref:
            given = frame.attributes.get(attribute.ref)
            if given is not None:
                told[attribute.name] = given
        elif not attribute.graphs:
            told[attribute.name] = attribute.attribute
    return told
