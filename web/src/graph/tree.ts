/* The graph as a tree: scopes with nodes in them, and wires between the leaves. What is drawn, listed and searched.

A scope that holds one node only is not worth a frame: the node stands in its place and carries the scope's name. Weights, constants and
whatever is computed from nothing else are left out unless asked for. */

import { familyOf, type Family } from "./family";
import {
  className,
  shapeText,
  shown,
  type Dim,
  type GraphJson,
  type NodeJson,
  type ScopeJson,
  type TensorJson,
  type ValueType,
  type WeightJson,
} from "./json";

export type ItemKind = "scope" | "node" | "input" | "output" | "weight";

export interface Item {
  readonly id: number;
  /** The same for the same file, for the address bar: `n12`, `s:layers.0/attn`, `i:x`, `o:y`, `w:fc.weight`. */
  readonly key: string;
  readonly kind: ItemKind;
  /** The scope it stands in; -1 for the root. */
  parent: number;
  readonly title: string;
  /** A second line: the module's name and the weight's shape of a node, the class of a scope. */
  readonly subtitle: string;
  readonly family: Family;
  readonly node: NodeJson | null;
  readonly scope: ScopeJson | null;
  readonly weight: WeightJson | null;
  /** Of a scope, in the order of execution. */
  readonly children: number[];
  /** Nodes in it, all the way down; 1 for a leaf. */
  count: number;
  /** 0 for the root. */
  depth: number;
}
export interface Wire {
  readonly from: number;
  readonly to: number;
  readonly value: string;
}
export interface Tree {
  readonly graph: GraphJson;
  /** items[0] is the root scope; each item's id is its place. */
  readonly items: readonly Item[];
  readonly wires: readonly Wire[];
  readonly byKey: ReadonlyMap<string, number>;
  readonly weights: ReadonlyMap<string, WeightJson>;
  /** Nodes that are not in the tree because they are constants. */
  readonly hidden: number;
}

interface Folder {
  readonly path: readonly string[];
  readonly folders: Map<string, Folder>;
  readonly entries: (Folder | NodeJson)[];
  count: number;
}

const SEPARATOR = "/";

/** constants: also the weights, constants and what is computed from them alone. */
export function buildTree(graph: GraphJson, constants: boolean): Tree {
  const weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
  const constant = constantNodes(graph, weights);
  const moving = graph.nodes.filter((node) => !constant.has(node.id));
  const whole = constants || moving.length === 0;
  // What computes comes first, so that modules stand in the order in which they run, not in that of their constants.
  const nodes = whole ? [...moving, ...graph.nodes.filter((node) => constant.has(node.id) && !isSource(node))] : moving;
  const builder = new Builder(graph, weights);
  builder.add(folders(nodes));
  builder.wire(nodes, whole ? graph.nodes.filter(isSource) : null);
  return builder.tree(whole ? 0 : graph.nodes.length - nodes.length);
}

function isSource(node: NodeJson): boolean {
  return node.op === "Constant" && node.inputs.length === 0;
}

/** Nodes whose outputs are the same for every input: constants, and what reads nothing but constants and weights. */
export function constantNodes(graph: GraphJson, weights: ReadonlyMap<string, unknown>): ReadonlySet<string> {
  const known = new Set<string>(weights.keys());
  const out = new Set<string>();
  for (const node of graph.nodes) {
    const reads = node.inputs.filter((name) => name !== "");
    const alone =
      reads.length === 0
        ? node.op === "Constant"
        : reads.every((name) => known.has(name)) && !node.op.startsWith("Random");
    if (!alone || node.bodies !== undefined) continue;
    out.add(node.id);
    for (const name of node.outputs) known.add(name);
  }
  return out;
}

function folders(nodes: readonly NodeJson[]): Folder {
  const root: Folder = { path: [], folders: new Map(), entries: [], count: 0 };
  for (const node of nodes) {
    let folder = root;
    folder.count++;
    for (const part of node.scope) {
      let next = folder.folders.get(part);
      if (next === undefined) {
        next = { path: [...folder.path, part], folders: new Map(), entries: [], count: 0 };
        folder.folders.set(part, next);
        folder.entries.push(next);
      }
      folder = next;
      folder.count++;
    }
    folder.entries.push(node);
  }
  return root;
}

class Builder {
  readonly #items: Item[] = [];
  readonly #wires: Wire[] = [];
  readonly #scopes: ReadonlyMap<string, ScopeJson>;
  readonly #place = new Map<string, number>();
  /** Shapes of weights, and of constants that take their place in older models. */
  readonly #shapes = new Map<string, readonly Dim[]>();

  constructor(
    readonly graph: GraphJson,
    readonly weights: ReadonlyMap<string, WeightJson>,
  ) {
    for (const weight of graph.weights) this.#shapes.set(weight.name, weight.shape);
    for (const node of graph.nodes) {
      const shape = isSource(node)
        ? (node.attributes.value?.value as Partial<TensorJson> | undefined)?.shape
        : undefined;
      if (shape !== undefined) this.#shapes.set(node.outputs[0] ?? "", shape);
    }
    this.#scopes = new Map(graph.scopes.map((scope) => [scope.path.join(SEPARATOR), scope]));
  }

  add(root: Folder): void {
    const scope = this.#scopes.get("") ?? null;
    this.#push(
      { key: "s:", kind: "scope", title: className(scope?.type) || shown(this.graph.name), scope, count: root.count },
      -1,
    );
    for (const input of this.graph.inputs) this.#push(leaf("input", input), 0);
    this.#fill(root, 0);
    for (const output of this.graph.outputs) this.#push(leaf("output", output), 0);
  }

  #fill(folder: Folder, parent: number): void {
    // Not recursive: a hostile file may nest scopes as deep as it likes.
    const waiting: { folder: Folder; parent: number }[] = [{ folder, parent }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (const entry of next.folder.entries) {
        if (!("entries" in entry)) this.#node(entry, next.parent, []);
        else if (entry.count === 1) this.#single(entry, next.parent);
        else waiting.push({ folder: entry, parent: this.#scope(entry, next.parent) });
      }
    }
  }

  #single(folder: Folder, parent: number): void {
    const above = folder.path.length - 1;
    let at = folder;
    for (let entry = at.entries[0]; entry !== undefined; entry = at.entries[0]) {
      if ("entries" in entry) {
        at = entry;
        continue;
      }
      this.#node(entry, parent, entry.scope.slice(above));
      return;
    }
  }

  #scope(folder: Folder, parent: number): number {
    const key = folder.path.join(SEPARATOR);
    const scope = this.#scopes.get(key) ?? null;
    const title = shown(folder.path.at(-1) ?? "");
    const type = className(scope?.type);
    const subtitle = type === title ? "" : type;
    return this.#push({ key: `s:${key}`, kind: "scope", title, subtitle, scope, count: folder.count }, parent);
  }

  #node(node: NodeJson, parent: number, inlined: readonly string[]): void {
    const family = familyOf(node.op);
    // A weight's shape says much about a layer; that a Reshape is told its shape by three numbers says nothing.
    const shape =
      family === "shape"
        ? undefined
        : node.inputs.map((name) => this.#shapes.get(name)).find((found) => (found?.length ?? 0) > 0);
    const parts = [shown(inlined.join(".")), shapeText(shape)];
    const subtitle = parts.filter((part) => part !== "").join(" · ");
    const item = {
      key: node.id,
      kind: "node",
      title: shown(node.op),
      subtitle,
      family,
      node,
      count: 1,
    } as const;
    this.#place.set(node.id, this.#push(item, parent));
  }

  #push(item: Partial<Item> & Pick<Item, "key" | "kind" | "title" | "count">, parent: number): number {
    const id = this.#items.length;
    const depth = parent < 0 ? 0 : (this.#items[parent]?.depth ?? 0) + 1;
    this.#items.push({
      subtitle: "",
      family: "other",
      node: null,
      scope: null,
      weight: null,
      ...item,
      id,
      parent,
      depth,
      children: [],
    });
    this.#items[parent]?.children.push(id);
    return id;
  }

  /** sources: the constants, when they and the weights are to be shown. */
  wire(nodes: readonly NodeJson[], sources: readonly NodeJson[] | null): void {
    const madeBy = new Map<string, number>();
    for (const item of this.#items) if (item.kind === "input") madeBy.set(item.key.slice(2), item.id);
    for (const node of nodes) {
      for (const name of node.outputs) if (name !== "") madeBy.set(name, this.#place.get(node.id) ?? 0);
    }
    if (sources !== null) this.#addConstants(nodes, sources);
    const connect = (value: string, to: number): void => {
      const from = madeBy.get(value);
      if (from !== undefined && from !== to) this.#wires.push({ from, to, value });
    };
    for (const node of nodes) {
      const to = this.#place.get(node.id) ?? 0;
      for (const value of readBy(node)) connect(value, to);
    }
    const values = new Map(this.graph.outputs.map(({ name, value }) => [`o:${name}`, value ?? name]));
    for (const { kind, key, id } of this.#items) if (kind === "output") connect(values.get(key) ?? "", id);
  }

  /** A weight or constant stands in every scope that reads it: one box for all would draw lines across the whole picture. */
  #addConstants(nodes: readonly NodeJson[], sources: readonly NodeJson[]): void {
    const constants = new Map(sources.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
    const known = new Map<string, number>();
    const copies = new Map<string, number>();
    for (const node of nodes) {
      const to = this.#place.get(node.id) ?? 0;
      const parent = this.#items[to]?.parent ?? 0;
      for (const name of readBy(node)) {
        const weight = this.weights.get(name);
        const source = constants.get(name);
        if (weight === undefined && source === undefined) continue;
        const place = `${parent} ${name}`;
        let from = known.get(place);
        if (from === undefined) {
          const copy = copies.get(name) ?? 0;
          copies.set(name, copy + 1);
          const item = weight !== undefined ? leaf("weight", weight, copy) : constantLeaf(source as NodeJson, copy);
          known.set(place, (from = this.#push(item, parent)));
        }
        this.#wires.push({ from, to, value: name });
      }
    }
  }

  tree(hidden: number): Tree {
    const byKey = new Map(this.#items.map((item) => [item.key, item.id]));
    return { graph: this.graph, items: this.#items, wires: this.#wires, byKey, weights: this.weights, hidden };
  }
}

type Leaf = Pick<Item, "key" | "kind" | "title" | "subtitle" | "family" | "weight" | "count">;

function leaf(kind: "input" | "output" | "weight", value: ValueType & { readonly name: string }, copy = 0): Leaf {
  const family = kind === "weight" ? "constant" : "io";
  const weight = kind === "weight" ? (value as WeightJson) : null;
  const key = kind === "weight" ? `w${copy}:${value.name}` : `${kind.charAt(0)}:${value.name}`;
  return { key, kind, title: shown(value.name), subtitle: shapeText(value.shape), family, weight, count: 1 };
}

function constantLeaf(node: NodeJson, copy: number): Partial<Item> & Pick<Item, "key" | "kind" | "title" | "count"> {
  const value = node.attributes.value?.value as Partial<TensorJson> | undefined;
  const few = value?.values !== undefined && value.values.length > 0 && value.values.length <= 4;
  const subtitle = few ? shown(value.values?.join(", ") ?? "") : shapeText(value?.shape, "");
  return {
    key: copy === 0 ? node.id : `${node.id}.${copy}`,
    kind: "node",
    title: shown(node.op),
    subtitle,
    family: "constant",
    node,
    count: 1,
  };
}

/** Every value that a node reads, once; also what its sub-graphs give back to it. */
function readBy(node: NodeJson): ReadonlySet<string> {
  return new Set([...node.inputs, ...(node.bodies ?? []).flatMap((body) => body.outputs)]);
}

/** Whether `inner` is `outer` or somewhere inside it. */
export function isWithin(tree: Tree, inner: number, outer: number): boolean {
  let at = tree.items[inner];
  while (at !== undefined && at.id !== outer) at = tree.items[at.parent];
  return at !== undefined;
}

/** The scopes around an item, from the root to its parent. */
export function ancestors(tree: Tree, id: number): readonly number[] {
  const out: number[] = [];
  for (let at = tree.items[id]?.parent ?? -1; at >= 0; at = tree.items[at]?.parent ?? -1) out.push(at);
  return out.reverse();
}

/** What stands for an item while only `open` scopes are open: itself, or the outermost closed scope around it. */
export function visible(tree: Tree, id: number, open: ReadonlySet<number>): number {
  for (const scope of ancestors(tree, id)) if (!open.has(scope)) return scope;
  return id;
}

/** All scopes but the root. */
export function scopesOf(tree: Tree): readonly number[] {
  return tree.items.filter((item) => item.kind === "scope" && item.id !== 0).map((item) => item.id);
}

/** What is open before anybody chose: whole levels from the root down, as long as about `room` boxes are enough. */
export function firstOpen(tree: Tree, room = 60): ReadonlySet<number> {
  const open = new Set<number>([0]);
  let level = [0];
  let boxes = tree.items[0]?.children.length ?? 0;
  for (;;) {
    const next = level.flatMap((id) => tree.items[id]?.children ?? []).filter((id) => tree.items[id]?.kind === "scope");
    const more = next.reduce((sum, id) => sum + (tree.items[id]?.children.length ?? 0), 0);
    if (next.length === 0 || (boxes + more > room && next.length > 1)) return open;
    for (const id of next) open.add(id);
    boxes += more;
    level = next;
  }
}

/** A row of the outline: an item that can be seen, and where it stands among its siblings. */
export interface Row {
  readonly item: Item;
  readonly level: number;
  readonly place: number;
  readonly siblings: number;
}

/** The items that can be seen while `open` scopes are open, as a list; the root itself is not in it. */
export function outline(tree: Tree, open: ReadonlySet<number>): readonly Row[] {
  const rows: Row[] = [];
  const waiting: Row[] = [];
  const enter = (id: number, level: number): void => {
    const children = tree.items[id]?.children ?? [];
    for (let i = children.length - 1; i >= 0; i--) {
      const item = tree.items[children[i] ?? -1];
      if (item !== undefined) waiting.push({ item, level, place: i + 1, siblings: children.length });
    }
  };
  enter(0, 1);
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    rows.push(row);
    if (row.item.kind === "scope" && open.has(row.item.id)) enter(row.item.id, row.level + 1);
  }
  return rows;
}

/** Items whose operator, name or scope holds every word of `query`, in the order of execution. */
export function search(tree: Tree, query: string): readonly number[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return [];
  const found: number[] = [];
  const everything = new Set(scopesOf(tree));
  for (const { item } of outline(tree, everything)) {
    const node = item.node;
    const text = [
      item.title,
      item.subtitle,
      node?.name ?? "",
      node?.scope.join(".") ?? "",
      item.scope?.path.join(".") ?? "",
      item.scope?.type ?? "",
    ];
    const whole = text.join("\n").toLowerCase();
    if (words.every((word) => whole.includes(word))) found.push(item.id);
  }
  return found;
}
