import { describe, expect, it } from "vitest";
import { shapeOf } from "./boxes";
import { layoutScene, type Cache } from "./layout";
import { layered } from "./layered";
import { litBy } from "./lit";
import { blocks, graph, node } from "./made";
import { routeOf, type Box, type Direction, type Scene } from "./scene";
import { buildTree, scopesOf, type Tree } from "./tree";

const ruler = (text: string): number => text.length * 6.5;
const shape = (tree: Tree): ReturnType<typeof shapeOf> => shapeOf(tree, ruler, (n) => `${n} nodes`);
const all = (tree: Tree): Set<number> => new Set([0, ...scopesOf(tree)]);
const apart = (a: Box, b: Box): boolean =>
  a.x + a.w <= b.x + 0.5 || b.x + b.w <= a.x + 0.5 || a.y + a.h <= b.y + 0.5 || b.y + b.h <= a.y + 0.5;

function sound(tree: Tree, scene: Scene): void {
  const box = new Map(scene.boxes.map((one) => [one.item, one]));
  for (const one of scene.boxes) {
    const parent = box.get(tree.items[one.item]?.parent ?? -1);
    const frame = parent ?? { x: 0, y: 0, w: scene.width, h: scene.height };
    expect(one.x).toBeGreaterThanOrEqual(frame.x - 0.5);
    expect(one.y).toBeGreaterThanOrEqual(frame.y - 0.5);
    expect(one.x + one.w).toBeLessThanOrEqual(frame.x + frame.w + 0.5);
    expect(one.y + one.h).toBeLessThanOrEqual(frame.y + frame.h + 0.5);
    for (const other of scene.boxes) {
      if (other.item < one.item && tree.items[other.item]?.parent === tree.items[one.item]?.parent)
        expect(apart(one, other)).toBe(true);
    }
  }
  for (const line of scene.lines) for (const value of line.points) expect(Number.isFinite(value)).toBe(true);
}

describe.each<Direction>(["tb", "lr"])("a layout, %s", (direction) => {
  it("keeps boxes apart and inside their frames, closed or open", () => {
    const tree = buildTree(blocks(4), true);
    for (const open of [new Set([0]), all(tree)]) sound(tree, layoutScene(shape(tree), open, direction));
  });
  it("lets lines begin and end on their boxes, and cross frames at ports", () => {
    const tree = buildTree(blocks(3), false);
    const scene = layoutScene(shape(tree), all(tree), direction);
    const box = new Map(scene.boxes.map((one) => [one.item, one]));
    for (const { kind, from, to, points } of scene.lines) {
      const start = box.get(from);
      const stop = box.get(to);
      const [x0, y0, x1, y1] = [points[0] ?? 0, points[1] ?? 0, points.at(-2) ?? 0, points.at(-1) ?? 0];
      if (kind !== "in" && start)
        expect(direction === "tb" ? y0 : x0).toBeCloseTo(direction === "tb" ? start.y + start.h : start.x + start.w, 3);
      if (kind !== "out" && stop)
        expect(direction === "tb" ? y1 : x1).toBeCloseTo(direction === "tb" ? stop.y : stop.x, 3);
      if (kind === "in" && start)
        expect(direction === "tb" ? y0 : x0).toBeCloseTo(direction === "tb" ? start.y : start.x, 3);
    }
    // Each line into an open scope is met there by one that goes on.
    for (const line of scene.lines.filter((one) => one.kind !== "out" && box.get(one.to)?.open)) {
      const on = scene.lines.find(
        (one) => one.kind === "in" && one.from === line.to && one.values[0] === line.values[0],
      );
      expect(on?.points.slice(0, 2).map(Math.round)).toEqual(line.points.slice(-2).map(Math.round));
    }
  });
  it("flows: whoever reads stands after whoever makes", () => {
    const tree = buildTree(blocks(3), false);
    const scene = layoutScene(shape(tree), all(tree), direction);
    const box = new Map(scene.boxes.map((one) => [one.item, one]));
    for (const { from, to } of tree.wires) {
      const [a, b] = [box.get(from), box.get(to)];
      if (a && b) expect(direction === "tb" ? b.y : b.x).toBeGreaterThan(direction === "tb" ? a.y : a.x);
    }
  });
});

describe("the layout", () => {
  it("asks once for equal modules", () => {
    const tree = buildTree(blocks(40), false);
    const cache: Cache = new Map();
    layoutScene(shape(tree), all(tree), "tb", cache);
    // Inner and outer box of the first, the middle and the last blocks, and the root: not eighty and one.
    expect(cache.size).toBeLessThan(12);
  });
  it("lays out 3,000 boxes in one scope without dagre", () => {
    const nodes = Array.from({ length: 3000 }, (_, i) =>
      node(`n${i}`, "Add", [i === 0 ? "x" : `v${i - 1}`, i < 5 ? "x" : `v${i - 5}`], [`v${i}`]),
    );
    const tree = buildTree(graph(nodes), false);
    const scene = layoutScene(shape(tree), new Set([0]), "tb");
    expect(scene.boxes.length).toBe(3002);
    expect(scene.lines.every((line) => line.points.every(Number.isFinite))).toBe(true);
  });
  it("bears circles", () => {
    const tree = buildTree(
      graph([
        node("n0", "Add", ["x", "b"], ["a"], "s/t"),
        node("n1", "Neg", ["a"], ["b"], "s/u"),
        node("n2", "Abs", ["b"], ["y"], "s/t"),
      ]),
      false,
    );
    sound(tree, layoutScene(shape(tree), all(tree), "tb"));
  });
  it("bears an empty graph", () => {
    const tree = buildTree(graph([], { inputs: [], outputs: [] }), false);
    expect(layoutScene(shape(tree), new Set([0]), "tb").boxes).toEqual([]);
  });
});

describe("the layered layout", () => {
  it("keeps rows in order and boxes apart", () => {
    const boxes = new Map(Array.from({ length: 30 }, (_, i) => [i, { w: 40 + i, h: 20 }]));
    const links = Array.from({ length: 29 }, (_, i) => ({ a: i >> 1, b: i + 1, weight: 1 }));
    const { boxes: at } = layered({ boxes, links }, "tb");
    for (const { a, b } of links) expect(at.get(b)?.y ?? 0).toBeGreaterThan(at.get(a)?.y ?? 0);
    const placed = [...at].map(([id, { x, y }]) => ({
      item: id,
      x: x - 20 - id / 2,
      y: y - 10,
      w: 40 + id,
      h: 20,
      open: false,
    }));
    for (const one of placed)
      for (const other of placed) if (one.item < other.item) expect(apart(one, other)).toBe(true);
  });
});

describe("routes", () => {
  const tree = buildTree(blocks(2), false);
  const flat = shape(tree);
  const at = (key: string): number => tree.byKey.get(key) ?? -1;
  it("run between closed boxes, or through every open frame on the way", () => {
    expect(routeOf(flat, new Set([0]), at("n2"), at("n3"))).toMatchObject({
      scope: 0,
      a: at("s:b0"),
      b: at("s:b1"),
      outs: [],
      ins: [],
    });
    const route = routeOf(flat, all(tree), at("n2"), at("n3"));
    expect(route?.outs).toEqual([[at("s:b0"), at("n2")]]);
    expect(route?.ins).toEqual([
      [at("s:b1"), at("s:b1/body")],
      [at("s:b1/body"), at("n3")],
    ]);
  });
  it("are none inside one closed box", () => {
    expect(routeOf(flat, new Set([0]), at("n0"), at("n1"))).toBeNull();
  });
  it("light up, with the boxes at their other ends", () => {
    const open = all(tree);
    const scene = layoutScene(flat, open, "tb");
    const lit = litBy(tree, flat, scene, open, at("n2"));
    expect([...lit.boxes].sort((a, b) => a - b)).toEqual(
      [at("i:x"), at("n1"), at("n3"), at("n5")].sort((a, b) => a - b),
    );
    // In: out of the body and to it, from x and to it. Out: to the frame, to the next block, there to the body, the Conv and the Add.
    expect(lit.lines.size).toBe(9);
  });
});
