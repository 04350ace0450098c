/* What the details panel tells: who makes and reads a value, how many parameters, which operators. Pure. */

import { own } from "../own";
import {
  bytesText,
  shapeText,
  shown,
  type AttributeJson,
  type GraphJson,
  type TensorJson,
  type WeightJson,
} from "./json";
import { ancestors, isWithin, type Item, type Tree } from "./tree";

/** A value as one end of an item sees it: its name, what it is, and the items at its other ends. */
export interface Flow {
  readonly value: string;
  readonly type: string;
  readonly weight: WeightJson | null;
  /** Items that can be gone to. */
  readonly ends: readonly number[];
}

/** `float32 1×3×32×32`. */
export function typeText(graph: GraphJson, value: string, scalar: string): string {
  const known = own(graph.values, value);
  if (known === undefined) return "";
  return [known.type, shapeText(known.shape, scalar)]
    .filter((part) => part !== "")
    .map(shown)
    .join(" ");
}

/** The value that an output of the model is. */
function valueOf(graph: GraphJson, output: string): string {
  return graph.outputs.find(({ name }) => name === output)?.value ?? output;
}

/** What a node, input or output reads, in its own order; '' for an input left out. */
export function reads(tree: Tree, item: Item, scalar: string): readonly Flow[] {
  const wires = tree.wires.filter((wire) => wire.to === item.id);
  const names = item.node?.inputs ?? (item.kind === "output" ? [valueOf(tree.graph, item.key.slice(2))] : []);
  return names.map((value) =>
    flow(
      tree,
      value,
      wires.filter((wire) => wire.value === value).map((wire) => wire.from),
      scalar,
    ),
  );
}

/** What an item makes. */
export function makes(tree: Tree, item: Item, scalar: string): readonly Flow[] {
  const wires = tree.wires.filter((wire) => wire.from === item.id);
  const own = item.kind === "input" ? [item.key.slice(2)] : item.weight === null ? [] : [item.weight.name];
  const names = (item.node?.outputs ?? own).filter((name) => name !== "");
  return names.map((value) =>
    flow(
      tree,
      value,
      wires.filter((wire) => wire.value === value).map((wire) => wire.to),
      scalar,
    ),
  );
}

/** What crosses the frame of a scope: inwards and outwards, each value once. */
export function crossing(
  tree: Tree,
  scope: number,
  scalar: string,
): { readonly ins: readonly Flow[]; readonly outs: readonly Flow[] } {
  const ins = new Map<string, number[]>();
  const outs = new Map<string, number[]>();
  for (const { from, to, value } of tree.wires) {
    const [a, b] = [isWithin(tree, from, scope), isWithin(tree, to, scope)];
    if (a === b) continue;
    const [into, end] = a ? [outs, to] : [ins, from];
    const ends = into.get(value);
    if (ends === undefined) into.set(value, [end]);
    else if (!ends.includes(end)) ends.push(end);
  }
  const list = (of: Map<string, number[]>): Flow[] => [...of].map(([value, ends]) => flow(tree, value, ends, scalar));
  return { ins: list(ins), outs: list(outs) };
}

function flow(tree: Tree, value: string, ends: readonly number[], scalar: string): Flow {
  const weight = tree.weights.get(value) ?? null;
  return { value, type: typeText(tree.graph, value, scalar), weight, ends: [...new Set(ends)] };
}

/** Is it a number that the exporter wrote down (a shape, an axis, an index), and not something that was learned? */
const isConstant = ({ type, shape }: WeightJson): boolean => type === "int64" && shape.length <= 1;

/** Numbers of parameters and bytes of the weights that are read inside a scope, each weight once; null where one cannot be counted. */
export function parametersOf(
  tree: Tree,
  scope: number,
): { readonly weights: number; readonly parameters: number | null; readonly bytes: number | null } {
  const seen = new Set<string>();
  let parameters: number | null = 0;
  let bytes: number | null = 0;
  const count = (weight: WeightJson): void => {
    const size = weight.shape.reduce<number>(
      (product, dim) => product * (typeof dim === "number" ? dim : Number.NaN),
      1,
    );
    parameters = parameters === null || !Number.isFinite(size) ? null : parameters + size;
    bytes = bytes === null || typeof weight.bytes !== "number" ? null : bytes + weight.bytes;
  };
  const add = (names: readonly string[]): void => {
    for (const name of names) {
      const weight = tree.weights.get(name);
      if (weight === undefined || seen.has(name) || isConstant(weight)) continue;
      seen.add(name);
      count(weight);
    }
  };
  if (scope === 0) add([...tree.weights.keys()]);
  else for (const item of tree.items) if (item.node !== null && isWithin(tree, item.id, scope)) add(item.node.inputs);
  return { weights: seen.size, parameters, bytes };
}

/** Operators inside a scope with their counts, the most frequent first. */
export function operatorsOf(tree: Tree, scope: number): readonly (readonly [op: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const item of tree.items) {
    if (item.node !== null && isWithin(tree, item.id, scope)) counts.set(item.title, (counts.get(item.title) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

/** The class of the innermost module around an item that tells one, with the full name; "" for none. */
export function classOf(tree: Tree, item: Item): string {
  if (item.scope !== null) return item.scope.kind === "body" ? "" : shown(item.scope.type ?? "");
  const path = item.node?.scope;
  if (path === undefined) return "";
  const scopes = tree.graph.scopes;
  for (let length = path.length; length > 0; length--) {
    const found = scopes.find(
      (scope) => scope.path.length === length && scope.path.every((part, i) => part === path[i]),
    );
    if (found?.type != null && found.kind !== "body") return shown(found.type);
  }
  return "";
}

/** The scopes around an item as (id, title), the root first. */
export function breadcrumb(tree: Tree, item: Item): readonly (readonly [id: number, title: string])[] {
  return ancestors(tree, item.id).map((id) => [id, tree.items[id]?.title ?? ""] as const);
}

/** An attribute's value in a line. */
export function attributeText({ type, value, count }: AttributeJson): string {
  if (Array.isArray(value)) {
    const parts = value.map((part) => (isTensor(part) ? tensorText(part) : plain(part)));
    return `[${parts.join(", ")}${count === undefined ? "" : `, … ${count}`}]`;
  }
  if (isTensor(value)) return tensorText(value);
  return type === "string" ? `"${plain(value)}"` : plain(value);
}

/** A constant in a line: type, shape, first values. */
export function tensorText(tensor: TensorJson): string {
  const head = `${shown(tensor.type)} ${shapeText(tensor.shape)}`;
  const values = valuesText(tensor);
  return values === "" ? `${head} (${bytesText(tensor.bytes)})` : `${head} = ${values}`;
}

/** The first values of a constant, "…" when there are more; "" when none are told. */
export function valuesText({ values, shape }: TensorJson): string {
  if (values.length === 0) return "";
  const all = shape.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : Number.NaN), 1);
  const text = values.map(plain).join(", ");
  if (shape.length === 0) return text;
  return `[${text}${all > values.length ? ", …" : ""}]`;
}

function isTensor(value: unknown): value is TensorJson {
  return typeof value === "object" && value !== null && "shape" in value && "values" in value;
}
function plain(value: unknown): string {
  return shown(typeof value === "number" ? String(Number(value.toPrecision(7))) : String(value));
}
