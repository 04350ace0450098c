/* A plain layered layout for what is too large for dagre: ranks by longest path, a few sweeps against crossings, straight bends.

Linear in boxes and links, no recursion, no dummy boxes: not as fine as dagre, but thousands of boxes stand in a moment. */

import type { Direction } from "./scene";
import type { Drawn, Sketch } from "./sketch";

const GAP = 22;
const RANK_GAP = 44;
const SWEEPS = 6;

interface Boxes {
  /** Row of each box, by its place in `ids`. */
  readonly rank: Int32Array;
  readonly before: readonly (readonly number[])[];
  readonly after: readonly (readonly number[])[];
}

/** Lay out a sketch; links that run backwards (circles) are drawn, but do not count. */
export function layered(sketch: Sketch, direction: Direction): Drawn {
  const ids = [...sketch.boxes.keys()];
  const place = new Map(ids.map((id, i) => [id, i]));
  const links = sketch.links.map(({ a, b }) => [place.get(a) ?? 0, place.get(b) ?? 0] as const);
  const boxes = ranked(ids.length, links);
  const rows = order(boxes);
  // Across and along the flow: for "tb" x and y, for "lr" y and x.
  const across = (i: number): number => sizeOf(sketch, ids[i], direction === "tb" ? "w" : "h");
  const along = (i: number): number => sizeOf(sketch, ids[i], direction === "tb" ? "h" : "w");
  const at = coordinates(rows, boxes, across);
  const depth = depths(rows, along);
  const point = (i: number): { x: number; y: number } => {
    const [u, v] = [at[i] ?? 0, depth[boxes.rank[i] ?? 0] ?? 0];
    return direction === "tb" ? { x: u, y: v } : { x: v, y: u };
  };
  return { boxes: new Map(ids.map((id, i) => [id, point(i)])), links: links.map(() => []) };
}

function sizeOf(sketch: Sketch, id: number | undefined, side: "w" | "h"): number {
  return id === undefined ? 0 : (sketch.boxes.get(id)?.[side] ?? 0);
}

function ranked(count: number, links: readonly (readonly [number, number])[]): Boxes {
  const before: number[][] = Array.from({ length: count }, () => []);
  const after: number[][] = Array.from({ length: count }, () => []);
  const waiting = new Int32Array(count);
  for (const [a, b] of links) {
    if (a === b) continue;
    after[a]?.push(b);
    before[b]?.push(a);
    waiting[b] = (waiting[b] ?? 0) + 1;
  }
  const rank = new Int32Array(count);
  const ready: number[] = [];
  for (let i = 0; i < count; i++) if (waiting[i] === 0) ready.push(i);
  for (const i of ready) {
    for (const next of after[i] ?? []) {
      rank[next] = Math.max(rank[next] ?? 0, (rank[i] ?? 0) + 1);
      const left = (waiting[next] ?? 0) - 1;
      waiting[next] = left;
      if (left === 0) ready.push(next);
    }
  }
  // Sources stand just above who reads them, not all in the first row.
  for (let i = 0; i < count; i++) {
    const readers = after[i] ?? [];
    if ((before[i]?.length ?? 0) > 0 || readers.length === 0) continue;
    rank[i] = Math.max(0, readers.reduce((least, next) => Math.min(least, rank[next] ?? 0), Infinity) - 1);
  }
  return { rank, before, after };
}

/** Boxes row by row, each row in the order that its neighbours' places suggest. */
function order({ rank, before, after }: Boxes): number[][] {
  const rows: number[][] = [];
  rank.forEach((row, i) => {
    while (rows.length <= row) rows.push([]);
    rows[row]?.push(i);
  });
  const position = new Float64Array(rank.length);
  const settle = (row: readonly number[]): void => row.forEach((i, k) => (position[i] = (k + 0.5) / row.length));
  rows.forEach(settle);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const downwards = sweep % 2 === 0;
    for (const row of downwards ? rows : [...rows].reverse()) {
      const wish = new Map(
        row.map((i) => [i, mean((downwards ? before : after)[i] ?? [], position, position[i] ?? 0)]),
      );
      row.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
      settle(row);
    }
  }
  return rows;
}

/** Places across the flow: each row as close under its neighbours as its order and sizes allow. */
function coordinates(
  rows: readonly (readonly number[])[],
  { before, after }: Boxes,
  size: (i: number) => number,
): Float64Array {
  const at = new Float64Array(before.length);
  for (const row of rows) {
    let u = 0;
    for (const i of row) {
      at[i] = u + size(i) / 2;
      u += size(i) + GAP;
    }
    for (const i of row) at[i] = (at[i] ?? 0) - u / 2;
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const downwards = sweep % 2 === 0;
    for (const row of downwards ? rows : [...rows].reverse()) {
      const wishes = row.map((i) => mean((downwards ? before : after)[i] ?? [], at, at[i] ?? 0));
      push(row, wishes, at, size);
    }
  }
  return at;
}

/** Put a row at its wishes, as far as the boxes do not overlap: the mean of pushing to the right and pushing to the left. */
function push(row: readonly number[], wishes: readonly number[], at: Float64Array, size: (i: number) => number): void {
  const right = new Float64Array(row.length);
  const left = new Float64Array(row.length);
  const gap = (k: number): number => (size(row[k] ?? 0) + size(row[k + 1] ?? 0)) / 2 + GAP;
  for (let k = 0; k < row.length; k++) {
    const wish = wishes[k] ?? 0;
    right[k] = k === 0 ? wish : Math.max(wish, (right[k - 1] ?? 0) + gap(k - 1));
  }
  for (let k = row.length - 1; k >= 0; k--) {
    const wish = wishes[k] ?? 0;
    left[k] = k === row.length - 1 ? wish : Math.min(wish, (left[k + 1] ?? 0) - gap(k));
  }
  row.forEach((i, k) => (at[i] = ((right[k] ?? 0) + (left[k] ?? 0)) / 2));
}

function depths(rows: readonly (readonly number[])[], size: (i: number) => number): number[] {
  let v = 0;
  return rows.map((row) => {
    const tallest = row.reduce((most, i) => Math.max(most, size(i)), 0);
    const middle = v + tallest / 2;
    v += tallest + RANK_GAP;
    return middle;
  });
}

function mean(of: readonly number[], values: Float64Array, otherwise: number): number {
  return of.length === 0 ? otherwise : of.reduce((sum, i) => sum + (values[i] ?? 0), 0) / of.length;
}
