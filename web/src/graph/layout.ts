/* Where everything stands: each open scope is laid out alone by dagre, the innermost first, and counts as one box in its parent.

A wire that crosses the frame of an open scope does so at a port: a point on the frame, first or last in the scope's own layout. Pure
functions of plain data, run in a worker. A scope too large for dagre, or one that it fails on, gets a simpler layered layout of ours. */

import { Graph, layout as dagre } from "@dagrejs/dagre";
import { layered } from "./layered";
import { ended, type PortOf } from "./lines";
import { HEAD, routeOf, type Box, type Direction, type Line, type Scene, type Shape } from "./scene";
import type { Drawn, Sketch } from "./sketch";

const PAD = 14;
const PORT = 8;
/** Children of one scope above which dagre takes too long. */
const DAGRE_MOST = 900;
/** Children above which its faster ranking is used. */
const SIMPLEX_MOST = 250;

interface Joint {
  readonly a: number;
  readonly b: number;
  readonly values: Set<number>;
}
/** One open scope, before its layout. Ports are values: where a value comes in (or goes out) and who inside reads (or makes) it. */
interface Level {
  readonly scope: number;
  readonly joints: Map<string, Joint>;
  readonly inwards: Map<number, Set<number>>;
  readonly outwards: Map<number, number>;
}
/** The layout of one scope as a question: nothing but sizes and places in lists, so that equal modules ask the same and share an answer. */
interface Problem {
  readonly direction: Direction;
  readonly root: boolean;
  readonly head: number;
  /** Width and height of each child. */
  readonly sizes: readonly (readonly [number, number])[];
  /** From child to child, with a weight. */
  readonly joints: readonly (readonly [number, number, number])[];
  /** From port to child, and from child to port. */
  readonly ins: readonly (readonly [number, number])[];
  readonly outs: readonly (readonly [number, number])[];
  readonly inPorts: number;
  readonly outPorts: number;
}
interface Solution {
  readonly w: number;
  readonly h: number;
  /** Left upper corners of the children. */
  readonly corners: readonly (readonly [number, number])[];
  /** Bends of the joints, the ins and the outs, in that order; x and y by turns. */
  readonly bends: readonly (readonly number[])[];
  /** Where each port is along the frame. */
  readonly inAt: readonly number[];
  readonly outAt: readonly number[];
}
/** A scope whose layout is known, with the names that belong to its lists. */
interface Placed {
  readonly solution: Solution;
  readonly children: readonly number[];
  readonly level: Level;
  readonly inValues: ReadonlyMap<number, number>;
  readonly outValues: ReadonlyMap<number, number>;
}

/** Answers by question: the forty equal layers of a transformer are laid out once, and opening one scope lays out no other. */
export type Cache = Map<string, Solution>;

/** Lay out the whole picture. `open` always holds the root. */
export function layoutScene(
  shape: Shape,
  open: ReadonlySet<number>,
  direction: Direction,
  cache: Cache = new Map(),
): Scene {
  const children = childrenOf(shape, open);
  const levels = levelsOf(shape, open);
  const order = openScopes(children, open);
  const placed = new Map<number, Placed>();
  for (const scope of [...order].reverse()) {
    const inside = children.get(scope) ?? [];
    const level = levels.get(scope) ?? newLevel(scope);
    const inValues = new Map([...level.inwards.keys()].map((value, i) => [value, i]));
    const outValues = new Map([...level.outwards.keys()].map((value, i) => [value, i]));
    const problem = problemOf(shape, inside, level, inValues, outValues, placed, direction);
    const question = JSON.stringify(problem);
    let solution = cache.get(question);
    if (solution === undefined) cache.set(question, (solution = solve(problem)));
    placed.set(scope, { solution, children: inside, level, inValues, outValues });
  }
  return absolute(shape, order, placed, direction === "tb");
}

function newLevel(scope: number): Level {
  return { scope, joints: new Map(), inwards: new Map(), outwards: new Map() };
}

/** Visible children of the open scopes. */
function childrenOf(shape: Shape, open: ReadonlySet<number>): Map<number, number[]> {
  const out = new Map<number, number[]>();
  for (let id = 1; id < shape.parent.length; id++) {
    const parent = shape.parent[id] ?? -1;
    if (!open.has(parent)) continue;
    const list = out.get(parent);
    if (list === undefined) out.set(parent, [id]);
    else list.push(id);
  }
  return out;
}

/** The open scopes that can be seen, parents first. */
function openScopes(children: ReadonlyMap<number, readonly number[]>, open: ReadonlySet<number>): readonly number[] {
  const out = [0];
  for (const scope of out) for (const child of children.get(scope) ?? []) if (open.has(child)) out.push(child);
  return out;
}

/** What every wire means to each open scope on its way. */
function levelsOf(shape: Shape, open: ReadonlySet<number>): Map<number, Level> {
  const levels = new Map<number, Level>();
  const levelOf = (scope: number): Level => {
    let level = levels.get(scope);
    if (level === undefined) levels.set(scope, (level = newLevel(scope)));
    return level;
  };
  for (let i = 0; i < shape.wires.length; i += 3) {
    const value = shape.wires[i + 2] ?? 0;
    const route = routeOf(shape, open, shape.wires[i] ?? 0, shape.wires[i + 1] ?? 0);
    if (route === null) continue;
    for (const [scope, child] of route.outs) levelOf(scope).outwards.set(value, child);
    for (const [scope, child] of route.ins) {
      const level = levelOf(scope);
      const readers = level.inwards.get(value);
      if (readers === undefined) level.inwards.set(value, new Set([child]));
      else readers.add(child);
    }
    const { joints } = levelOf(route.scope);
    const key = `${route.a} ${route.b}`;
    const joint = joints.get(key);
    if (joint === undefined) joints.set(key, { a: route.a, b: route.b, values: new Set([value]) });
    else joint.values.add(value);
  }
  return levels;
}

/* Numbers for what is no child: ports, and the two bars that hold them at the ends. Children are 0 and above. */
const TOP = -1;
const BOTTOM = -2;
const inPort = (port: number): number => -3 - 2 * port;
const outPort = (port: number): number => -4 - 2 * port;

function problemOf(
  shape: Shape,
  inside: readonly number[],
  level: Level,
  inValues: ReadonlyMap<number, number>,
  outValues: ReadonlyMap<number, number>,
  placed: ReadonlyMap<number, Placed>,
  direction: Direction,
): Problem {
  const place = new Map(inside.map((id, i) => [id, i]));
  const at = (id: number): number => place.get(id) ?? 0;
  return {
    direction,
    root: level.scope === 0,
    head: shape.head[level.scope] ?? 0,
    sizes: inside.map((id) => {
      const { w, h } = sizeOf(shape, id, placed);
      return [w, h];
    }),
    joints: [...level.joints.values()].map(({ a, b, values }) => [at(a), at(b), Math.min(4, values.size)]),
    ins: insOf(level).map(([value, child]) => [inValues.get(value) ?? 0, at(child)]),
    outs: [...level.outwards].map(([value, child]) => [at(child), outValues.get(value) ?? 0]),
    inPorts: inValues.size,
    outPorts: outValues.size,
  };
}

function insOf(level: Level): (readonly [value: number, child: number])[] {
  return [...level.inwards].flatMap(([value, readers]) => [...readers].map((child) => [value, child] as const));
}

function sizeOf(shape: Shape, id: number, placed: ReadonlyMap<number, Placed>): { w: number; h: number } {
  const open = placed.get(id);
  if (open !== undefined) return { w: open.solution.w, h: open.solution.h };
  return { w: shape.size[2 * id] ?? 40, h: shape.size[2 * id + 1] ?? 24 };
}

function solve(problem: Problem): Solution {
  const boxes = new Map<number, { w: number; h: number }>();
  problem.sizes.forEach(([w, h], i) => boxes.set(i, { w, h }));
  const links = [
    ...problem.joints.map(([a, b, weight]) => ({ a, b, weight })),
    ...problem.ins.map(([port, child]) => ({ a: inPort(port), b: child, weight: 1 })),
    ...problem.outs.map(([child, port]) => ({ a: child, b: outPort(port), weight: 1 })),
  ];
  const count = links.length;
  const ports = (many: number, number: (port: number) => number): number[] =>
    Array.from({ length: many }, (_, i) => number(i));
  addPorts(boxes, links, TOP, ports(problem.inPorts, inPort));
  addPorts(boxes, links, BOTTOM, ports(problem.outPorts, outPort));
  const drawn = draw({ boxes, links }, problem.direction);
  return settle(problem, drawn, drawn.links.slice(0, count));
}

function addPorts(
  boxes: Map<number, { w: number; h: number }>,
  links: { a: number; b: number; weight: number }[],
  bar: number,
  ports: readonly number[],
): void {
  if (ports.length === 0) return;
  boxes.set(bar, { w: 1, h: 1 });
  for (const port of ports) {
    boxes.set(port, { w: PORT, h: PORT });
    // Heavy, so that every port stays next to its bar, at the very end of the layout.
    links.push(bar === TOP ? { a: bar, b: port, weight: 50 } : { a: port, b: bar, weight: 50 });
  }
}

function draw(sketch: Sketch, direction: Direction): Drawn {
  if (sketch.boxes.size <= DAGRE_MOST) {
    try {
      return withDagre(sketch, direction);
    } catch {
      // dagre fails on a few graphs (deep recursion, empty ranks); the picture must not.
    }
  }
  return layered(sketch, direction);
}

function withDagre(sketch: Sketch, direction: Direction): Drawn {
  const graph = new Graph({ multigraph: true });
  const ranker = sketch.boxes.size > SIMPLEX_MOST ? "longest-path" : "network-simplex";
  graph.setGraph({ rankdir: direction, nodesep: 22, edgesep: 12, ranksep: direction === "tb" ? 34 : 84, ranker });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, { w, h }] of sketch.boxes) graph.setNode(String(id), { width: w, height: h });
  sketch.links.forEach(({ a, b, weight }, i) => graph.setEdge(String(a), String(b), { weight }, String(i)));
  dagre(graph);
  const boxes = new Map<number, { x: number; y: number }>();
  for (const id of sketch.boxes.keys()) {
    const at = graph.node(String(id)) as { x: number; y: number };
    boxes.set(id, { x: at.x, y: at.y });
  }
  const links = sketch.links.map(({ a, b }, i) => {
    const label = graph.edge(String(a), String(b), String(i)) as { points?: { x: number; y: number }[] } | undefined;
    return (label?.points ?? []).slice(1, -1);
  });
  return { boxes, links };
}

/** From the engine's picture to the scope's own: a frame around the boxes, ports on the frame. */
function settle(problem: Problem, drawn: Drawn, links: Drawn["links"]): Solution {
  const { root, sizes } = problem;
  const down = problem.direction === "tb";
  const rect = bounds(sizes, drawn, links.flat(), down);
  const [left, top, right, bottom] = root ? [24, 24, 24, 24] : [PAD, HEAD + 10, PAD, PAD];
  const room = root ? 0 : Math.max(0, problem.head - (rect.right - rect.left + left + right));
  const [dx, dy] = [left - rect.left + room / 2, top - rect.top];
  const w = rect.right - rect.left + left + right + room;
  const h = rect.bottom - rect.top + top + bottom;
  const along = (id: number): number => {
    const at = drawn.boxes.get(id) ?? { x: 0, y: 0 };
    return down ? Math.min(w - PAD, Math.max(PAD, at.x + dx)) : Math.min(h - PAD, Math.max(HEAD, at.y + dy));
  };
  const corners = sizes.map(([width, height], i) => {
    const at = drawn.boxes.get(i) ?? { x: 0, y: 0 };
    return [at.x + dx - width / 2, at.y + dy - height / 2] as const;
  });
  const bends = links.map((link) => link.flatMap(({ x, y }) => [x + dx, y + dy]));
  const inAt = Array.from({ length: problem.inPorts }, (_, i) => along(inPort(i)));
  const outAt = Array.from({ length: problem.outPorts }, (_, i) => along(outPort(i)));
  return { w, h, corners, bends, inAt, outAt };
}

function bounds(
  sizes: Problem["sizes"],
  drawn: Drawn,
  bends: readonly { readonly x: number; readonly y: number }[],
  down: boolean,
): { left: number; top: number; right: number; bottom: number } {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  sizes.forEach(([w, h], i) => {
    const at = drawn.boxes.get(i) ?? { x: 0, y: 0 };
    left = Math.min(left, at.x - w / 2);
    right = Math.max(right, at.x + w / 2);
    top = Math.min(top, at.y - h / 2);
    bottom = Math.max(bottom, at.y + h / 2);
  });
  if (left > right) return { left: 0, top: 0, right: 40, bottom: 20 };
  // Lines that run past the boxes belong in the frame; how far they run towards the ports does not matter.
  for (const { x, y } of bends) {
    if (down) [left, right] = [Math.min(left, x), Math.max(right, x)];
    else [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  return { left, top, right, bottom };
}

/** All scopes put into one picture: boxes and lines in absolute coordinates, the ends of lines on boxes and ports. */
function absolute(shape: Shape, order: readonly number[], placed: ReadonlyMap<number, Placed>, down: boolean): Scene {
  const root = placed.get(0)?.solution ?? { w: 0, h: 0 };
  const boxes: Box[] = [];
  const at = new Map<number, Box>([[0, { item: 0, x: 0, y: 0, w: root.w, h: root.h, open: true }]]);
  const lines: Line[] = [];
  const portOf: PortOf = (scope, value, way) => {
    const one = placed.get(scope);
    const port = (way === "in" ? one?.inValues : one?.outValues)?.get(value);
    return port === undefined ? undefined : (way === "in" ? one?.solution.inAt : one?.solution.outAt)?.[port];
  };
  for (const scope of order) {
    const own = placed.get(scope);
    const frame = at.get(scope);
    if (own === undefined || frame === undefined) continue;
    own.children.forEach((id, i) => {
      const [x, y] = own.solution.corners[i] ?? [0, 0];
      const box = { item: id, x: frame.x + x, y: frame.y + y, ...sizeOf(shape, id, placed), open: placed.has(id) };
      at.set(id, box);
      boxes.push(box);
    });
    for (const line of linesOf(own, frame, down)) lines.push(...ended(line, at, portOf, down));
  }
  return { width: root.w, height: root.h, boxes, lines };
}

/** The lines of one scope, as far as they run between its boxes. */
function linesOf({ level, solution }: Placed, frame: Box, down: boolean): Line[] {
  const bends = solution.bends.map((points) => points.map((value, i) => value + (i % 2 === 0 ? frame.x : frame.y)));
  const joints = [...level.joints.values()];
  const ins = insOf(level);
  const out: Line[] = joints.map(({ a, b, values }, i) => ({
    kind: "level",
    from: a,
    to: b,
    values: [...values],
    points: bends[i] ?? [],
  }));
  const ports = new Map([...level.inwards.keys()].map((value, i) => [value, solution.inAt[i] ?? 0]));
  ins.forEach(([value, child], i) => {
    const port = ports.get(value) ?? 0;
    const start = down ? [frame.x + port, frame.y] : [frame.x, frame.y + port];
    out.push({
      kind: "in",
      from: level.scope,
      to: child,
      values: [value],
      points: [...start, ...(bends[joints.length + i] ?? [])],
    });
  });
  [...level.outwards].forEach(([value, child], i) => {
    const port = solution.outAt[i] ?? 0;
    const stop = down ? [frame.x + port, frame.y + frame.h] : [frame.x + frame.w, frame.y + port];
    out.push({
      kind: "out",
      from: child,
      to: level.scope,
      values: [value],
      points: [...(bends[joints.length + ins.length + i] ?? []), ...stop],
    });
  });
  return out;
}
