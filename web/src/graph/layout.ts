/* Where everything stands: each open scope is laid out alone by dagre, the innermost first, and counts as one box in its parent.

A wire that crosses the frame of an open scope does so at a port: a point on the frame, first or last in the scope's own layout. Pure
functions of plain data, run in a worker. A scope too large for dagre, or one that it fails on, gets a simpler layered layout of ours. */

import { Graph, layout as dagre } from "@dagrejs/dagre";
import { layered } from "./layered";
import { HEAD, routeOf, type Box, type Direction, type Line, type Scene, type Shape } from "./scene";

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

/** What a layout engine is asked: boxes by number, links between them, both ends of a link existing. */
export interface Sketch {
  readonly boxes: ReadonlyMap<number, { readonly w: number; readonly h: number }>;
  readonly links: readonly { readonly a: number; readonly b: number; readonly weight: number }[];
}
/** Its answer: centres of the boxes, and the bends of each link between the two boxes. */
export interface Drawn {
  readonly boxes: ReadonlyMap<number, { readonly x: number; readonly y: number }>;
  readonly links: readonly (readonly { readonly x: number; readonly y: number }[])[];
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
    for (const line of linesOf(own, frame, down)) lines.push(...ended(line, at, placed, down));
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

/** A line with its ends on the boxes. One into or out of an open scope becomes one a value, each to the value's own port. */
function ended(line: Line, at: ReadonlyMap<number, Box>, placed: ReadonlyMap<number, Placed>, down: boolean): Line[] {
  const from = line.kind === "in" ? undefined : at.get(line.from);
  const to = line.kind === "out" ? undefined : at.get(line.to);
  const split = (from?.open ?? false) || (to?.open ?? false);
  const groups = split ? line.values.map((value) => [value]) : [line.values];
  return groups.map((values) => {
    const value = values[0] ?? 0;
    const ports = { start: portOf(placed.get(line.from), value, "out"), end: portOf(placed.get(line.to), value, "in") };
    const inner = line.kind === "level" ? withoutDetour(line.points, ports) : line.points;
    const points = [...inner];
    if (from !== undefined) points.unshift(...start(from, inner, ports.start, down, to));
    if (to !== undefined) points.push(...end(to, points, ports.end, down));
    return { ...line, values, points: smooth(points, down) };
  });
}

/** Without the bends that only lead to the middle of a box, where the line leaves or arrives at a port instead. */
function withoutDetour(
  bends: readonly number[],
  ports: { start: number | undefined; end: number | undefined },
): readonly number[] {
  if (bends.length <= 2) return [];
  return bends.slice(ports.start === undefined ? 0 : 2, ports.end === undefined ? undefined : -2);
}

/** Where a value crosses the frame of an open scope; undefined for a closed box. */
function portOf(scope: Placed | undefined, value: number, way: "in" | "out"): number | undefined {
  const port = (way === "in" ? scope?.inValues : scope?.outValues)?.get(value);
  return port === undefined ? undefined : (way === "in" ? scope?.solution.inAt : scope?.solution.outAt)?.[port];
}

/** A cubic B-spline along the bends, as short straight strokes: leaves and arrives straight along the flow. */
function smooth(points: readonly number[], down: boolean): readonly number[] {
  const [x0 = 0, y0 = 0] = points;
  const [x1, y1] = [points.at(-2) ?? 0, points.at(-1) ?? 0];
  if (down ? x0 === x1 && points.length === 4 : y0 === y1 && points.length === 4) return points;
  const lead = Math.min(16, Math.abs(down ? y1 - y0 : x1 - x0) / 3);
  const bends = down
    ? [x0, y0 + lead, ...points.slice(2, -2), x1, y1 - lead]
    : [x0 + lead, y0, ...points.slice(2, -2), x1 - lead, y1];
  const knots = [x0, y0, x0, y0, x0, y0, ...bends, x1, y1, x1, y1, x1, y1];
  const out: number[] = [x0, y0];
  for (let i = 0; i + 7 < knots.length; i += 2) {
    for (let step = 1; step <= 4; step++) {
      const t = step / 4;
      out.push(spline(knots, i, t), spline(knots, i + 1, t));
    }
  }
  return out;
}

function spline(knots: readonly number[], i: number, t: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [knots[i], knots[i + 2], knots[i + 4], knots[i + 6]];
  const u = 1 - t;
  return (
    (u * u * u * a + (3 * t * t * t - 6 * t * t + 4) * b + (3 * u * u * u - 6 * u * u + 4) * c + t * t * t * d) / 6
  );
}

function start(
  box: Box,
  inner: readonly number[],
  port: number | undefined,
  down: boolean,
  to: Box | undefined,
): [number, number] {
  const toward = down
    ? (inner[0] ?? (to === undefined ? box.x : to.x + to.w / 2))
    : (inner[1] ?? (to === undefined ? box.y : to.y + to.h / 2));
  if (down) return [port === undefined ? near(toward, box.x, box.w) : box.x + port, box.y + box.h];
  return [box.x + box.w, port === undefined ? near(toward, box.y, box.h) : box.y + port];
}
function end(box: Box, before: readonly number[], port: number | undefined, down: boolean): [number, number] {
  const [x, y] = [before.at(-2) ?? box.x, before.at(-1) ?? box.y];
  if (down) return [port === undefined ? near(x, box.x, box.w) : box.x + port, box.y];
  return [box.x, port === undefined ? near(y, box.y, box.h) : box.y + port];
}
/** A place on an edge: where the line comes from, but well within the middle of the edge. */
function near(toward: number, from: number, length: number): number {
  const middle = from + length / 2;
  const reach = Math.min(length / 4, 24);
  return Math.min(middle + reach, Math.max(middle - reach, toward));
}
