"""Which module a node belongs to: from what torch's exporters and others write into names and metadata.

- torch's dynamo exporter: metadata `pkg.torch.onnx.name_scopes` and `pkg.torch.onnx.class_hierarchy`, both a Python
  list of strings from the root module to the FX node, and `namespace`, the same as one text.
- torch's older exporter, TensorFlow's and others: slashes in the node's name ('/layers.0/attn/MatMul').

A module that is called twice would, as one box, lie both before and after what runs between its calls. Such boxes are
split, one a call, so that no circle remains between boxes: `split_calls`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Path = tuple[str, ...]

MAX_DEPTH = 24
# Nodes times boxes on a circle, above which the finer way of splitting would take too long.
_MAX_FLOW = 5_000_000
# Paths made by splitting. A file made to be split without end is left with its circles; drawing can bear them.
_MAX_SPLIT = 300_000
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def scope_of(name: str, metadata: Mapping[str, str]) -> tuple[Path, tuple[str | None, ...]] | None:
    """The path of the module that made a node, and the class of each part (None where untold); None when nothing tells.

    An empty path is an answer too: the node is the root module's own.
    """
    names = metadata.get("pkg.torch.onnx.name_scopes")
    if names is not None:
        classes = metadata.get("pkg.torch.onnx.class_hierarchy", "")
        return _from_names(_strings(names), _strings(classes))
    namespace = metadata.get("namespace")
    if namespace is not None:
        pairs = [part.partition(": ") for part in namespace.split("/")]
        return _from_names([pair[0].strip(": ") for pair in pairs], [pair[2] for pair in pairs])
    if "/" in name:
        parts = [part for part in name.split("/")[:-1] if part][:MAX_DEPTH]
        # torch names the members of a Sequential 'mlp.0', 'mlp.1': below 'mlp' that is '0', '1'.
        return tuple(_below(before, part) for before, part in zip(["", *parts], parts)), (None,) * len(parts)  # noqa: B905
    return None


def root_class(metadata: Mapping[str, str]) -> str | None:
    """The class of the root module, where the dynamo exporter tells it."""
    names = _strings(metadata.get("pkg.torch.onnx.name_scopes", ""))
    classes = _strings(metadata.get("pkg.torch.onnx.class_hierarchy", ""))
    return classes[0] if len(names) > 1 and len(classes) == len(names) and not names[0] else None


def _below(before: str, part: str) -> str:
    """`part` without the name of the module before it, where it repeats that."""
    return part[len(before) + 1 :] if before and part.startswith(f"{before}.") and len(part) > len(before) + 1 else part


def leaf_name(name: str) -> str:
    """The last part of a node's name, without the scopes before it."""
    return name.rpartition("/")[2]


def _strings(text: str) -> list[str]:
    """The strings of a Python or JSON list literal. Never evaluated: only what stands between quotes."""
    return [_ESCAPE.sub(r"\1", single or double) for single, double in _QUOTED.findall(text)]


def _from_names(names: list[str], classes: list[str]) -> tuple[Path, tuple[str | None, ...]]:
    """Names are full ('layers.0.ln'): each part of the path is what its name adds to the one before.

    The last name is the FX node's, not a module's.
    """
    path: list[str] = []
    types: list[str | None] = []
    before = ""
    for at, full in enumerate(names[:-1]):
        if not full or full == before:
            continue
        path.append(_below(before, full))
        types.append(classes[at] if at < len(classes) and classes[at] else None)
        before = full
    return tuple(path[:MAX_DEPTH]), tuple(types[:MAX_DEPTH])


def common(paths: Iterable[Path]) -> Path:
    """The longest path that all of `paths` start with; () for none."""
    shared: Path | None = None
    for path in paths:
        if shared is None:
            shared = path
            continue
        length = 0
        while length < min(len(shared), len(path)) and shared[length] == path[length]:
            length += 1
        shared = shared[:length]
    return shared or ()


@dataclass(frozen=True)
class Wiring:
    """Nodes by number with the scope of each, and the edges between them as (from, to)."""

    scopes: list[Path]
    edges: list[tuple[int, int]]


def split_calls(wiring: Wiring) -> tuple[list[Path], dict[Path, Path]]:
    """New scopes for the nodes such that no level of the tree has a circle, and the old path of every new one.

    Splits 'pool' into 'pool', 'pool (2)', … along the data flow. Where the nodes themselves run in a circle (no valid
    model's do) the circle stays.
    """
    scopes = list(wiring.scopes)
    old: dict[Path, Path] = {}
    order = _order(len(scopes), wiring.edges)
    depth = 0
    edges = wiring.edges  # those whose ends stand in the same scope of this depth: fewer and fewer
    while any(len(scope) > depth for scope in scopes):
        _split_depth(_Tree(scopes, order, edges, old), depth)
        edges = [(a, b) for a, b in edges if _go_together(scopes[a], scopes[b], depth)]
        depth += 1
    return scopes, old


@dataclass(frozen=True)
class _Tree:
    """What splitting reads, and changes in place: `scopes` and `old`. edges: inside of one scope of the depth."""

    scopes: list[Path]
    order: list[int]
    edges: list[tuple[int, int]]
    old: dict[Path, Path]


def _split_depth(tree: _Tree, depth: int) -> None:
    """Splits the children of every scope of this depth that has a circle between them."""
    parting: dict[Path, list[tuple[int, int]]] = defaultdict(list)  # edges whose ends part here
    for a, b in tree.edges:
        if not _go_together(tree.scopes[a], tree.scopes[b], depth):
            parting[tree.scopes[a][:depth]].append((a, b))
    circles = {parent: _circle_parts(edges, tree.scopes, depth) for parent, edges in parting.items()}
    circles = {parent: parts for parent, parts in circles.items() if parts}
    if not circles:
        return
    within: dict[Path, list[tuple[int, int]]] = defaultdict(list)  # all edges, of the scopes with a circle
    for a, b in tree.edges:
        parent = tree.scopes[a][:depth]
        if parent in circles:
            within[parent].append((a, b))
    inside: dict[Path, list[int]] = defaultdict(list)
    for n in tree.order:
        if len(tree.scopes[n]) >= depth and tree.scopes[n][:depth] in circles:
            inside[tree.scopes[n][:depth]].append(n)
    for parent, parts in circles.items():
        _split_scope(tree, depth, parts, inside[parent], parting[parent], within[parent])


def _go_together(a: Path, b: Path, depth: int) -> bool:
    """Whether two scopes that share their first `depth` parts share the next one too."""
    return len(a) > depth < len(b) and a[depth] == b[depth]


def _circle_parts(edges: list[tuple[int, int]], scopes: list[Path], depth: int) -> set[str]:
    """The child scopes that lie on a circle, of a scope whose children have these edges."""
    circle = _circles([(_item(a, scopes, depth), _item(b, scopes, depth)) for a, b in edges])
    return {part for part in circle if isinstance(part, str)}


def _split_scope(
    tree: _Tree,
    depth: int,
    parts: set[str],
    inside: list[int],
    parting: list[tuple[int, int]],
    within: list[tuple[int, int]],
) -> None:
    """Splits the children `parts` of one scope, whose nodes are `inside`, in order.

    First by data flow, which finds the true calls; if boxes still interleave, by runs, after which none can.
    """
    part_of = {n: tree.scopes[n][depth] for n in inside if len(tree.scopes[n]) > depth}
    part_of = {n: part for n, part in part_of.items() if part in parts}
    calls: dict[int, int] | None = None
    if len(inside) * len(parts) <= _MAX_FLOW:
        calls = _by_flow(inside, part_of, within)

        def box(n: int) -> str:
            return f"{_item(n, tree.scopes, depth)} {calls.get(n, 0) if calls else 0}"

        if _circles([(box(a), box(b)) for a, b in parting]):
            calls = None
    if calls is None:
        calls = _by_runs(inside, part_of)
    if len(tree.old) + sum(len(tree.scopes[n]) - depth for n, call in calls.items() if call) > _MAX_SPLIT:
        return
    for n, call in calls.items():
        if call:
            _rename(n, depth, f"{part_of[n]} ({call + 1})", tree)


def _rename(n: int, depth: int, part: str, tree: _Tree) -> None:
    before = tree.scopes[n]
    tree.scopes[n] = (*before[:depth], part, *before[depth + 1 :])
    for length in range(depth + 1, len(before) + 1):
        origin = before[:length]
        tree.old[tree.scopes[n][:length]] = tree.old.get(origin, origin)


def _item(n: int, scopes: Sequence[Path], depth: int) -> str | int:
    """What stands for node `n` at this depth: its child scope there, or the node itself."""
    return scopes[n][depth] if len(scopes[n]) > depth else n


def _by_flow(inside: list[int], part_of: Mapping[int, str], edges: list[tuple[int, int]]) -> dict[int, int]:
    """The call that each node of `part_of` belongs to: how often, at most, the data on its way there left its scope
    and came back. `inside`: all nodes of the parent scope, in order."""
    place = {n: at for at, n in enumerate(inside)}
    before: dict[int, list[int]] = defaultdict(list)
    for a, b in edges:
        if a in place and b in place and place[a] < place[b]:
            before[b].append(a)
    # For each node: scope -> (calls so far, whether the data has left it since), the furthest over all paths.
    state: dict[int, dict[str, tuple[int, bool]]] = {}
    calls: dict[int, int] = {}
    for n in inside:
        merged: dict[str, tuple[int, bool]] = {}
        for source in before[n]:
            for part, seen in state[source].items():
                if seen > merged.get(part, (-1, False)):
                    merged[part] = seen
        here = part_of.get(n)
        state[n] = {part: (count, True) for part, (count, _) in merged.items()}
        if here is not None:
            count, left = merged.get(here, (0, False))
            calls[n] = count + 1 if left else count
            state[n][here] = (calls[n], False)
    return calls


def _by_runs(inside: list[int], part_of: Mapping[int, str]) -> dict[int, int]:
    """The call that each node of `part_of` belongs to, by uninterrupted runs in the order of execution."""
    calls: dict[int, int] = {}
    last: dict[str, int] = {}
    current: str | None = None
    for n in inside:
        part = part_of.get(n)
        if part is not None:
            if part != current:
                last[part] = last.get(part, -1) + 1
            calls[n] = last[part]
        current = part
    return calls


def _order(count: int, edges: list[tuple[int, int]]) -> list[int]:
    """The nodes such that edges go forward, else as numbered; nodes on a circle come last."""
    after: dict[int, list[int]] = defaultdict(list)
    waiting = [0] * count
    for a, b in edges:
        after[a].append(b)
        waiting[b] += 1
    if all(a < b for a, b in edges):
        return list(range(count))
    ready = [n for n in range(count) if not waiting[n]]
    done: list[int] = []
    for n in ready:
        done.append(n)
        for b in after[n]:
            waiting[b] -= 1
            if not waiting[b]:
                ready.append(b)
    reached = set(done)
    return done + [n for n in range(count) if n not in reached]


def _circles(edges: list[tuple[str | int, str | int]]) -> set[str | int]:
    """The items that lie on a circle of two or more: Tarjan's strongly connected components, without recursion."""
    after: dict[str | int, list[str | int]] = defaultdict(list)
    for a, b in edges:
        if a != b:
            after[a].append(b)
    index: dict[str | int, int] = {}
    low: dict[str | int, int] = {}
    stack: list[str | int] = []
    on_stack: set[str | int] = set()
    found: set[str | int] = set()
    for root in list(after):
        if root in index:
            continue
        work = [(root, iter(after[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            item, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(after.get(other, ()))))
                    break
                if other in on_stack:
                    low[item] = min(low[item], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[item])
                if low[item] == index[item]:
                    component = _pop_component(item, stack, on_stack)
                    if len(component) > 1:
                        found |= component
    return found


def _pop_component(item: str | int, stack: list[str | int], on_stack: set[str | int]) -> set[str | int]:
    component: set[str | int] = set()
    while True:
        top = stack.pop()
        on_stack.discard(top)
        component.add(top)
        if top == item:
            return component
