/* The tree as plain numbers for the layout: how large each box is drawn, and the wires. */

import { FONT } from "../draw/ink";
import type { Shape } from "./scene";
import type { Item, Tree } from "./tree";

export const TITLE_FONT = `600 12px ${FONT}`;
export const NOTE_FONT = `11px ${FONT}`;
const MOST_WIDE = 240;

/** The width of a text in a font; drawing and layout must agree on it. */
export type Ruler = (text: string, font: string) => number;

/** A ruler on a canvas, remembering what it measured. */
export function canvasRuler(): Ruler {
  const pen = document.createElement("canvas").getContext("2d");
  const known = new Map<string, number>();
  return (text, font) => {
    if (pen === null) return text.length * 6.5;
    const key = `${font}\n${text}`;
    let width = known.get(key);
    if (width === undefined) {
      pen.font = font;
      known.set(key, (width = pen.measureText(text).width));
    }
    return width;
  };
}

/** Size of the closed box of an item. */
export function boxSize(item: Item, ruler: Ruler, note: string): { w: number; h: number } {
  const texts = Math.max(ruler(cut(item.title), TITLE_FONT), note === "" ? 0 : ruler(cut(note), NOTE_FONT));
  const rest = item.kind === "scope" ? 44 : item.kind === "node" ? 26 : 24;
  return { w: Math.min(MOST_WIDE, Math.max(48, Math.ceil(texts) + rest)), h: note === "" ? 26 : 42 };
}

/** The second line of a box. */
export function noteOf(item: Item, counted: (nodes: number) => string): string {
  if (item.kind !== "scope") return item.subtitle;
  return item.subtitle === "" ? counted(item.count) : `${item.subtitle} · ${counted(item.count)}`;
}

/** The tree for the layout. */
export function shapeOf(tree: Tree, ruler: Ruler, counted: (nodes: number) => string): Shape {
  const count = tree.items.length;
  const shape = {
    parent: new Int32Array(count),
    size: new Float32Array(2 * count),
    head: new Float32Array(count),
    wires: new Int32Array(3 * tree.wires.length),
  };
  for (const item of tree.items) {
    const { w, h } = boxSize(item, ruler, noteOf(item, counted));
    shape.parent[item.id] = item.parent;
    shape.size.set([w, h], 2 * item.id);
    shape.head[item.id] =
      Math.min(MOST_WIDE, ruler(cut(item.title), TITLE_FONT) + 12 + ruler(cut(item.subtitle), NOTE_FONT)) + 44;
  }
  const numbers = new Map<string, number>();
  tree.wires.forEach(({ from, to, value }, i) => {
    let number = numbers.get(value);
    if (number === undefined) numbers.set(value, (number = numbers.size));
    shape.wires.set([from, to, number], 3 * i);
  });
  return shape;
}

/** The values of a tree by the numbers that `shapeOf` gave them. */
export function valuesOf(tree: Tree): readonly string[] {
  return [...new Set(tree.wires.map((wire) => wire.value))];
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** A text shortened to fit `room`, ending in "…". */
export function fit(text: string, room: number, font: string, ruler: Ruler): string {
  const whole = cut(text);
  if (ruler(whole, font) <= room) return whole;
  let [low, high] = [0, whole.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ruler(`${whole.slice(0, middle)}…`, font) <= room) low = middle;
    else high = middle - 1;
  }
  return low === 0 ? "" : `${whole.slice(0, low)}…`;
}
