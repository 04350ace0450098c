/* What the layout is given and gives, and the way that a wire takes through open and closed scopes. */

export type Direction = "tb" | "lr";

/** The tree, as far as the layout has to know it. `parent[0]` is -1. */
export interface Shape {
  readonly parent: Int32Array;
  /** Sizes of the closed boxes, width and height by turns. */
  readonly size: Float32Array;
  /** Width that the title of an open scope needs. */
  readonly head: Float32Array;
  /** Wires: from, to, number of the value, by threes. */
  readonly wires: Int32Array;
}
export interface Box {
  readonly item: number;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly open: boolean;
}
/** A stroke: from a box to a box beside it, from a frame inwards ("in"), or from inside to a frame ("out"). */
export interface Line {
  readonly from: number;
  readonly to: number;
  readonly kind: "level" | "in" | "out";
  readonly values: readonly number[];
  /** x and y by turns, absolute. */
  readonly points: readonly number[];
}
export interface Scene {
  readonly width: number;
  readonly height: number;
  /** Parents before their children. */
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

export const HEAD = 28;

/** A wire's way: from box `a` to box `b` in `scope`; before that out of open scopes, after it into open scopes, as (scope, child). */
export interface Route {
  readonly scope: number;
  readonly a: number;
  readonly b: number;
  readonly outs: readonly (readonly [number, number])[];
  readonly ins: readonly (readonly [number, number])[];
}

/** The route of a wire while `open` scopes are open; null when both ends are inside one closed box. */
export function routeOf(
  shape: Pick<Shape, "parent">,
  open: ReadonlySet<number>,
  from: number,
  to: number,
): Route | null {
  const up = chain(shape, from);
  const down = chain(shape, to);
  let common = 0;
  while (common < up.length && common < down.length && up[common] === down[common]) common++;
  // Both chains start at the root; the last shared scope is where the ends part.
  const shared = up.slice(0, common);
  const scope = shared.at(-1);
  const [a, b] = [up[common], down[common]];
  if (scope === undefined || a === undefined || b === undefined || !shared.every((id) => open.has(id))) return null;
  return { scope, a, b, outs: within(up, common, open).reverse(), ins: within(down, common, open) };
}

function chain(shape: Pick<Shape, "parent">, id: number): number[] {
  const out: number[] = [];
  for (let at = id; at >= 0; at = shape.parent[at] ?? -1) out.push(at);
  return out.reverse();
}

function within(chain: readonly number[], from: number, open: ReadonlySet<number>): [number, number][] {
  const out: [number, number][] = [];
  for (let i = from; i + 1 < chain.length; i++) {
    const [scope, child] = [chain[i], chain[i + 1]];
    if (scope === undefined || child === undefined || !open.has(scope)) break;
    out.push([scope, child]);
  }
  return out;
}
