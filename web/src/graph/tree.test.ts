import { describe, expect, it } from "vitest";
import { reads } from "./facts";
import { blocks, graph, node, weight } from "./made";
import {
  ancestors,
  buildTree,
  constantNodes,
  firstOpen,
  isWithin,
  outline,
  scopesOf,
  search,
  visible,
  type Item,
  type Tree,
} from "./tree";

const titles = (tree: Tree, ids: readonly number[]): string[] => ids.map((id) => tree.items[id]?.title ?? "?");
const wires = (tree: Tree): string[] => tree.wires.map(({ from, to }) => titles(tree, [from, to]).join(" > "));
function of(tree: Tree, key: string): number {
  const id = tree.byKey.get(key);
  if (id === undefined) throw new Error(`no item ${key}`);
  return id;
}

describe("the tree of a graph", () => {
  it("puts nodes into their scopes, inputs first and outputs last", () => {
    const tree = buildTree(blocks(2), false);
    expect(titles(tree, tree.items[0]?.children ?? [])).toEqual(["x", "b0", "b1", "y"]);
    expect(titles(tree, tree.items[of(tree, "s:b0")]?.children ?? [])).toEqual(["body", "Add"]);
    expect(tree.items[of(tree, "s:b1")]?.count).toBe(3);
    expect(wires(tree)).toContain("Add > Conv");
  });
  it("draws a line to an output that a function only passed on", () => {
    const outputs = [{ name: "y", type: "float32", shape: null, value: "a" }];
    const tree = buildTree(graph([node("n0", "Relu", ["x"], ["a"])], { outputs }), false);
    expect(wires(tree)).toEqual(["x > Relu", "Relu > y"]);
    const [flow] = reads(tree, tree.items[of(tree, "o:y")] as Item, "scalar");
    expect(flow).toMatchObject({ value: "a", ends: [of(tree, "n0")] });
  });
  it("shows a scope of one node as that node", () => {
    const made = graph(
      [node("n0", "Conv", ["x", "w"], ["a"], "conv1"), node("n1", "Relu", ["a"], ["y"], "act/inner")],
      {
        weights: [weight("w", [6, 3, 5, 5])],
      },
    );
    const tree = buildTree(made, false);
    expect(scopesOf(tree)).toEqual([]);
    expect(tree.items[of(tree, "n0")]?.subtitle).toBe("conv1 · 6×3×5×5");
    expect(tree.items[of(tree, "n1")]?.subtitle).toBe("act.inner");
  });
  it("leaves out constants and what is computed from nothing else, unless asked", () => {
    const nodes = [
      node("n0", "Constant", [], ["c"]),
      node("n1", "Transpose", ["w"], ["t"]),
      node("n2", "RandomNormal", [], ["z"]),
      node("n3", "MatMul", ["x", "t"], ["m"]),
      node("n4", "Add", ["m", "c", "z"], ["y"]),
    ];
    const made = graph(nodes, { weights: [weight("w", [2])] });
    expect([...constantNodes(made, new Map([["w", 1]]))]).toEqual(["n0", "n1"]);
    const tree = buildTree(made, false);
    expect(tree.hidden).toBe(2);
    expect(wires(tree)).toEqual(["x > MatMul", "MatMul > Add", "RandomNormal > Add", "Add > y"]);
    expect(wires(buildTree(made, true))).toEqual(
      expect.arrayContaining(["w > Transpose", "Transpose > MatMul", "Constant > Add"]),
    );
  });
  it("shows a constant once for every scope that reads it", () => {
    const made = graph([
      node("n0", "Constant", [], ["c"]),
      node("n1", "Add", ["x", "c"], ["a"], "one"),
      node("n2", "Mul", ["a", "c"], ["b"], "one"),
      node("n3", "Add", ["b", "c"], ["d"], "two"),
      node("n4", "Mul", ["d", "c"], ["y"], "two"),
    ]);
    const tree = buildTree(made, true);
    const copies = tree.items.filter((item) => item.title === "Constant");
    expect(copies.map((item) => [item.key, tree.items[item.parent]?.title])).toEqual([
      ["n0", "one"],
      ["n0.1", "two"],
    ]);
  });
  it("shows a model that is nothing but constants after all", () => {
    const tree = buildTree(graph([node("n0", "Constant", [], ["y"])], { inputs: [] }), false);
    expect(tree.hidden).toBe(0);
  });
  it("takes what a sub-graph gives back as an input of its node", () => {
    const bodies = [{ name: "then_branch", scope: ["If", "then_branch"], outputs: ["t"] }];
    const made = graph([
      node("n0", "Neg", ["x"], ["t"], "If/then_branch"),
      node("n1", "If", ["x"], ["y"], "If", { bodies }),
    ]);
    expect(wires(buildTree(made, false))).toContain("Neg > If");
  });
  it("bears circles, double names and missing producers", () => {
    const made = graph([
      node("n0", "Add", ["b", "nowhere", ""], ["a"]),
      node("n1", "Neg", ["a"], ["b"]),
      node("n2", "Neg", ["b"], ["b"]),
    ]);
    expect(buildTree(made, true).items.length).toBeGreaterThan(3);
  });
});

describe("open and closed scopes", () => {
  const tree = buildTree(blocks(3), false);
  const conv = of(tree, "n0");
  it("stand for what is in them while closed", () => {
    expect(ancestors(tree, conv)).toEqual([0, of(tree, "s:b0"), of(tree, "s:b0/body")]);
    expect(visible(tree, conv, new Set([0]))).toBe(of(tree, "s:b0"));
    expect(visible(tree, conv, new Set([0, ...scopesOf(tree)]))).toBe(conv);
    expect(isWithin(tree, conv, of(tree, "s:b0"))).toBe(true);
    expect(isWithin(tree, conv, of(tree, "s:b1"))).toBe(false);
  });
  it("open by whole levels while there is room", () => {
    expect(firstOpen(tree, 5).size).toBe(1);
    expect(firstOpen(tree, 11).size).toBe(4);
    expect(firstOpen(tree, 60).size).toBe(7);
  });
  it("open a lone scope whatever is in it", () => {
    const made = blocks(50);
    const deeper = { ...made, nodes: made.nodes.map((one) => ({ ...one, scope: ["model", ...one.scope] })) };
    const lone = buildTree(deeper, false);
    expect([...firstOpen(lone, 5)]).toEqual([0, of(lone, "s:model")]);
  });
  it("make the rows of the outline", () => {
    const rows = outline(tree, new Set([0, of(tree, "s:b1")]));
    expect(rows.map(({ item, level }) => `${level} ${item.title}`)).toEqual([
      "1 x",
      "1 b0",
      "1 b1",
      "2 body",
      "2 Add",
      "1 b2",
      "1 y",
    ]);
    expect(rows[3]).toMatchObject({ place: 1, siblings: 2 });
  });
});

describe("search", () => {
  const tree = buildTree(blocks(3), false);
  it("finds by operator, name and scope, every word, in the order of execution", () => {
    expect(search(tree, "relu").map((id) => tree.items[id]?.key)).toEqual(["n1", "n4", "n7"]);
    expect(search(tree, "RELU b1").map((id) => tree.items[id]?.key)).toEqual(["n4"]);
    expect(search(tree, "/n5").map((id) => tree.items[id]?.key)).toEqual(["n5"]);
  });
  it("finds nothing for nothing", () => {
    expect(search(tree, "  ")).toEqual([]);
    expect(search(tree, "nothing like this")).toEqual([]);
  });
});
