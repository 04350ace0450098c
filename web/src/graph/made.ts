/* Small graphs for the tests. */

import type { GraphJson, NodeJson, WeightJson } from "./json";

/** A node `id: op(inputs) -> outputs`, in a scope like "a/b". */
export function node(
  id: string,
  op: string,
  inputs: string[],
  outputs: string[],
  scope = "",
  more: Partial<NodeJson> = {},
): NodeJson {
  const path = scope === "" ? [] : scope.split("/");
  return { id, name: `/${id}`, op, domain: "", scope: path, inputs, outputs, attributes: {}, doc: "", ...more };
}

export function weight(name: string, shape: number[], more: Partial<WeightJson> = {}): WeightJson {
  return { name, type: "float32", shape, values: [], bytes: 4, external: false, ...more };
}

export function graph(nodes: NodeJson[], more: Partial<GraphJson> = {}): GraphJson {
  return {
    format: "ONNX",
    name: "made",
    producer: "",
    ir_version: 9,
    opsets: [],
    inputs: [{ name: "x", type: "float32", shape: [1, "n", null] }],
    outputs: [{ name: "y", type: "float32", shape: null }],
    nodes,
    weights: [],
    values: {},
    scopes: [],
    functions: [],
    doc: "",
    metadata: {},
    notes: [],
    ...more,
  };
}

/** Three blocks, one after the other, each of two nodes around a skip: what most networks look like. */
export function blocks(count: number): GraphJson {
  const nodes = Array.from({ length: count }, (_, i) => [
    node(`n${3 * i}`, "Conv", [i === 0 ? "x" : `s${i - 1}`, `w${i}`], [`c${i}`], `b${i}/body`),
    node(`n${3 * i + 1}`, "Relu", [`c${i}`], [`r${i}`], `b${i}/body`),
    node(`n${3 * i + 2}`, "Add", [`r${i}`, i === 0 ? "x" : `s${i - 1}`], [i === count - 1 ? "y" : `s${i}`], `b${i}`),
  ]).flat();
  return graph(nodes, { weights: Array.from({ length: count }, (_, i) => weight(`w${i}`, [3, 3])) });
}
