/* A heat picture: columns of cells, the fuller the stronger, each column as wide as its share of the axis. */

import type { Pen } from "./pen";
import type { Scale } from "./scale";

export interface Heat {
  /** Horizontal position of each column, rising. */
  readonly at: ArrayLike<number>;
  /** Strength 0…1 of each cell of each column, lowest cell first. */
  readonly cells: readonly ArrayLike<number>[];
  /** What the cells of every column span. */
  readonly low: number;
  readonly high: number;
}

/** Draw the cells that hold anything. A column reaches half way to its neighbours; the ends reach as far out as in. Columns that
 * share a pixel are drawn as one, each cell as strong as its strongest: a lone column never disappears. */
export function drawHeat(pen: Pen, heat: Heat, x: Scale, y: Scale, color: string): void {
  const n = heat.at.length;
  let waiting: ArrayLike<number> | null = null;
  pen.save();
  pen.fillStyle = color;
  for (let i = 0; i < n; i++) {
    const [left, right] = columnEdges(heat.at, i, x);
    const cells: ArrayLike<number> = strongest(waiting, heat.cells[i] ?? []);
    waiting = right <= left && i < n - 1 ? cells : null;
    if (waiting === null) drawColumn(pen, heat, cells, left, Math.max(left + 1, right), y);
  }
  pen.restore();
}

function strongest(a: ArrayLike<number> | null, b: ArrayLike<number>): ArrayLike<number> {
  return a === null ? b : Float64Array.from(b, (strength, k) => Math.max(strength, a[k] ?? 0));
}

function drawColumn(
  pen: Pen,
  { low, high }: Heat,
  cells: ArrayLike<number>,
  left: number,
  right: number,
  y: Scale,
): void {
  const cell = (high - low) / cells.length;
  for (let k = 0; k < cells.length; k++) {
    const strength = cells[k] ?? 0;
    if (strength <= 0) continue;
    const top = Math.round(y.to(low + (k + 1) * cell));
    const bottom = Math.round(y.to(low + k * cell));
    // Something is there: even one value in a million stays visible.
    pen.globalAlpha = 0.06 + 0.94 * Math.min(1, strength);
    pen.fillRect(left, top, right - left, bottom - top);
  }
}

/** Left and right pixel of a column: whole pixels, so that neighbours neither overlap nor leave a seam; equal when it is too narrow. */
export function columnEdges(at: ArrayLike<number>, i: number, x: Scale): readonly [number, number] {
  const here = x.to(at[i] ?? 0);
  const before = i > 0 ? x.to(at[i - 1] ?? 0) : NaN;
  const after = i < at.length - 1 ? x.to(at[i + 1] ?? 0) : NaN;
  const back = Number.isFinite(before) ? (here - before) / 2 : Number.isFinite(after) ? (after - here) / 2 : 6;
  const ahead = Number.isFinite(after) ? (after - here) / 2 : Number.isFinite(before) ? (here - before) / 2 : 6;
  return [Math.round(here - back), Math.round(here + ahead)];
}
