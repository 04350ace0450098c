import { describe, expect, it } from "vitest";
import { chosenIn, constantsIn, directionIn, formatOpen, openIn } from "./address";
import { anchored, first, fitted, kept, moved, shownArea, zoomed } from "./camera";
import { attributeText, crossing, makes, operatorsOf, parametersOf, reads, tensorText } from "./facts";
import { familyOf } from "./family";
import { bytesText, className, shapeText, shown } from "./json";
import { blocks, graph, node, weight } from "./made";
import { pngScale } from "./save";
import { Refused, why } from "./source";
import { buildTree, firstOpen, scopesOf } from "./tree";
import { GRAPH } from "./words";

describe("a model that the server would not show", () => {
  const pickle = "Wanted an ONNX file, but it looks like a pickle; a pickle is a program and is never opened: x";
  it("is explained in the server's own English words, or in Chinese", () => {
    expect(why(new Refused(422, pickle), GRAPH.en.refused)).toBe(pickle);
    expect(why(new Refused(422, pickle), GRAPH.zh.refused)).toContain("pickle 是程序，永远不会被打开");
    expect(why(new Refused(422, "…: unpack it first: m.zip"), GRAPH.zh.refused)).toContain("请先解压");
    expect(why(new Refused(413, "at most 512 MiB can"), GRAPH.zh.refused)).toBe("模型文件太大：最大 512 MiB。");
  });
  it("keeps what nobody translated", () => {
    expect(why(new Refused(422, "bytes 3"), GRAPH.zh.refused)).toBe("服务器的答复：bytes 3");
    expect(why(new TypeError("offline"), GRAPH.zh.refused)).toBe("offline");
  });
});

describe("the address", () => {
  const tree = buildTree(blocks(30), false);
  const id = (key: string): number => tree.byKey.get(key) ?? -1;
  it("says open scopes and gives them back", () => {
    const open = new Set([0, id("s:b3"), id("s:b3/body")]);
    const said = formatOpen(tree, open);
    expect(said).toEqual({ open: "b3,b3/body" });
    expect(openIn({ open: "b3,b3/body" }, tree)).toEqual(open);
  });
  it("is short for the first view, for all and for none", () => {
    expect(formatOpen(tree, firstOpen(tree))).toEqual({ open: undefined });
    expect(formatOpen(tree, new Set([0, ...scopesOf(tree)]))).toEqual({ open: "*" });
    const small = buildTree(blocks(2), false);
    expect(formatOpen(small, new Set([0]))).toEqual({ open: "" });
    expect(openIn({ open: "" }, small)).toEqual(new Set([0]));
  });
  it("passes over what another model had", () => {
    expect(openIn({ open: "gone,b1" }, tree)).toEqual(new Set([0, id("s:b1")]));
    expect(chosenIn({ node: "gone" }, tree)).toBeNull();
    expect(chosenIn({ node: "n4" }, tree)).toBe(id("n4"));
    expect(directionIn({ dir: "sideways" })).toBe("tb");
    expect(constantsIn({ weights: "1" })).toBe(true);
  });
});

describe("the camera", () => {
  const picture = { width: 1000, height: 4000 };
  const screen = { width: 800, height: 600 };
  it("shows all, never larger than life", () => {
    expect(fitted({ width: 10, height: 10 }, screen).scale).toBe(1);
    const all = fitted(picture, screen);
    expect(all.scale).toBeCloseTo((600 - 32) / 4000);
  });
  it("begins where reading begins, when all would be too small", () => {
    const camera = first(picture, screen, true);
    expect(camera.scale).toBe(0.85);
    expect(camera.y).toBeLessThan(0);
  });
  it("zooms around the pointer and not without end", () => {
    const camera = { x: 100, y: 200, scale: 1 };
    const nearer = zoomed(camera, 400, 300, 2, picture, screen);
    expect(nearer.x + 400 / nearer.scale).toBeCloseTo(500);
    expect(zoomed(camera, 0, 0, 1e9, picture, screen).scale).toBe(4);
    expect(zoomed(camera, 0, 0, 1e-9, picture, screen).scale).toBeGreaterThan(0.05);
  });
  it("never loses the picture", () => {
    const lost = moved({ x: 0, y: 0, scale: 1 }, -1e6, 1e6, picture, screen);
    expect(lost.x).toBeLessThan(picture.width);
    expect(lost.y + screen.height).toBeGreaterThan(0);
    expect(kept(lost, picture, screen)).toEqual(lost);
  });
  it("stays when what is wanted is to be seen already, else brings it to the middle", () => {
    const camera = { x: 0, y: 0, scale: 1 };
    expect(shownArea(camera, { x: 10, y: 10, w: 50, h: 20 }, screen)).toBe(camera);
    const there = shownArea(camera, { x: 10, y: 3000, w: 50, h: 20 }, screen);
    expect(there.y + 300).toBeCloseTo(3010);
    const fromAfar = shownArea({ x: 0, y: 0, scale: 0.1 }, { x: 10, y: 10, w: 50, h: 20 }, screen);
    expect(fromAfar.scale).toBeGreaterThanOrEqual(0.5);
  });
  it("holds a box in its place while the rest moves", () => {
    const camera = anchored({ x: 5, y: 5, scale: 2 }, { x: 0, y: 0, w: 10, h: 10 }, { x: 100, y: 50, w: 30, h: 90 });
    expect(camera).toEqual({ x: 5 + 110, y: 55, scale: 2 });
  });
});

describe("what is written", () => {
  it("shows no character that hides or deceives", () => {
    expect(shown("a\u0000b\u202ec\td")).toBe("a\ufffdb\ufffdc\td");
    expect(shown("<img onerror=x>")).toBe("<img onerror=x>");
  });
  it("says shapes, classes and sizes", () => {
    expect(shapeText([1, "n", null])).toBe("1×n×?");
    expect(shapeText([], "scalar")).toBe("scalar");
    expect(shapeText(null)).toBe("");
    expect(className("torch.nn.modules.conv.Conv2d")).toBe("Conv2d");
    expect(bytesText(247896)).toBe("248 kB");
    expect(bytesText("99999999999999999999")).toBe("99999999999999999999 B");
  });
  it("says attributes and constants in a line", () => {
    expect(attributeText({ type: "ints", value: [1, 2], count: 9 })).toBe("[1, 2, … 9]");
    expect(attributeText({ type: "string", value: "NOTSET" })).toBe('"NOTSET"');
    const tensor = { type: "int64", shape: [3], values: [1, -1, "NaN"], bytes: 24 };
    expect(tensorText(tensor)).toBe("int64 3 = [1, -1, NaN]");
    expect(attributeText({ type: "tensor", value: { ...tensor, shape: [300] } })).toBe("int64 300 = [1, -1, NaN, …]");
  });
  it("knows families of operators", () => {
    expect(["Conv", "Relu", "MaxPool", "Reshape", "Wonder"].map(familyOf)).toEqual([
      "linear",
      "activation",
      "pool",
      "shape",
      "other",
    ]);
  });
});

describe("facts", () => {
  const nodes = [
    node("n0", "Conv", ["x", "w", ""], ["a"], "m"),
    node("n1", "Relu", ["a"], ["b"], "m"),
    node("n2", "Conv", ["b", "w"], ["y"], "o"),
    node("n3", "Relu", ["y"], ["z"], "o"),
  ];
  const made = graph(nodes, {
    weights: [weight("w", [2, 3], { bytes: 24 }), weight("unread", [5]), weight("shape", [2], { type: "int64" })],
    values: { a: { type: "float32", shape: [1, 2] } },
  });
  const tree = buildTree(made, false);
  const item = (key: string): NonNullable<(typeof tree.items)[number]> => {
    const found = tree.items[tree.byKey.get(key) ?? -1];
    if (found === undefined) throw new Error(key);
    return found;
  };
  it("tell what a node reads and makes, weights and empty places among it", () => {
    expect(
      reads(tree, item("n0"), "scalar").map(({ value, weight: w, ends }) => [value, w?.name ?? null, ends.length]),
    ).toEqual([
      ["x", null, 1],
      ["w", "w", 0],
      ["", null, 0],
    ]);
    expect(makes(tree, item("n0"), "scalar")).toMatchObject([
      { value: "a", type: "float32 1×2", ends: [item("n1").id] },
    ]);
  });
  it("tell what crosses a module's frame, and what is in it", () => {
    const { ins, outs } = crossing(tree, item("s:m").id, "scalar");
    expect(ins.map(({ value }) => value)).toEqual(["x"]);
    expect(outs.map(({ value }) => value)).toEqual(["b"]);
    expect(operatorsOf(tree, 0)).toEqual([
      ["Conv", 2],
      ["Relu", 2],
    ]);
  });
  it("count each weight once, and no shape that is written down beside them", () => {
    expect(parametersOf(tree, item("s:m").id)).toEqual({ weights: 1, parameters: 6, bytes: 24 });
    expect(parametersOf(tree, 0)).toEqual({ weights: 2, parameters: 11, bytes: 28 });
  });
});

describe("a saved PNG", () => {
  it("is as fine as browsers can draw", () => {
    expect(pngScale(400, 300)).toBe(2);
    expect(pngScale(400, 100_000) * 100_016).toBeLessThanOrEqual(16_384);
    const scale = pngScale(20_000, 20_000);
    expect(20_016 * 20_016 * scale * scale).toBeLessThanOrEqual(64_000_001);
  });
});
