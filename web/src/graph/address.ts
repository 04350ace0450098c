/* What the user chose on the Graphs page, to and from the address: open modules, selection, direction, weights. */

import { formatList, parseList, type Params } from "../url";
import type { Direction } from "./scene";
import { firstOpen, scopesOf, type Tree } from "./tree";

export type Patch = Readonly<Record<string, string | undefined>>;

/** Which way the graph runs; from top to bottom unless said. */
export function directionIn(params: Params): Direction {
  return params.dir === "lr" ? "lr" : "tb";
}

/** Whether weights and constants are shown. */
export function constantsIn(params: Params): boolean {
  return params.weights === "1";
}

/** The open scopes; the root always is. Nothing said: as many as fit well; `*`: all. Scopes of another model are passed over. */
export function openIn(params: Params, tree: Tree): ReadonlySet<number> {
  if (params.open === undefined) return firstOpen(tree);
  if (params.open === "*") return new Set([0, ...scopesOf(tree)]);
  const open = new Set([0]);
  for (const path of parseList(params.open)) {
    const id = tree.byKey.get(`s:${path}`);
    if (id !== undefined) open.add(id);
  }
  return open;
}

/** The parameters that say these open scopes. */
export function formatOpen(tree: Tree, open: ReadonlySet<number>): Patch {
  const scopes = scopesOf(tree);
  if (same(open, firstOpen(tree))) return { open: undefined };
  if (scopes.length > 0 && scopes.every((id) => open.has(id))) return { open: "*" };
  return { open: formatList(scopes.filter((id) => open.has(id)).map((id) => tree.items[id]?.key.slice(2) ?? "")) };
}

/** The chosen item, or null. */
export function chosenIn(params: Params, tree: Tree): number | null {
  const id = params.node === undefined ? undefined : tree.byKey.get(params.node);
  return id === undefined || id === 0 ? null : id;
}

function same(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  return a.size === b.size && [...a].every((id) => b.has(id));
}
