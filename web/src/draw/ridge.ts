/* Ridges: one filled outline a row, each row a little lower and in front of the one before, or all of them on one base line. */

import type { Box } from "./axes";
import type { Pen } from "./pen";
import type { Scale } from "./scale";

/** One outline: heights in the middles of equal bins over [low, high]. */
export interface Outline {
  readonly low: number;
  readonly high: number;
  /** 0 is the base line, 1 is `amplitude`. */
  readonly heights: ArrayLike<number>;
}

/** Where the rows of a ridge plot stand: base lines from the top (the first row, at the back) to the bottom (the last, in front). */
export interface Rows {
  readonly amplitude: number;
  readonly base: (row: number) => number;
}

/** Rows that fill a box: few rows stand high, many overlap up to six deep. */
export function rowsIn(box: Box, count: number): Rows {
  const height = box.bottom - box.top;
  const amplitude = count <= 1 ? height * 0.9 : Math.min(height * 0.5, Math.max(26, (6 * height) / count));
  const step = count <= 1 ? 0 : (height - amplitude) / (count - 1);
  return { amplitude, base: (row) => (count <= 1 ? box.bottom : box.top + amplitude + row * step) };
}

/** The outline as a path, closed along the base line. */
export function outlinePath(pen: Pen, outline: Outline, x: Scale, base: number, amplitude: number): void {
  const { low, high, heights } = outline;
  const bin = (high - low) / heights.length;
  pen.beginPath();
  pen.moveTo(x.to(low), base);
  for (let i = 0; i < heights.length; i++)
    pen.lineTo(x.to(low + (i + 0.5) * bin), base - (heights[i] ?? 0) * amplitude);
  pen.lineTo(x.to(high), base);
  pen.closePath();
}

/** One row of a ridge plot: hides what stands behind it, then its colour, faint or strong, then its line. */
export function drawRidge(
  pen: Pen,
  outline: Outline,
  x: Scale,
  place: { readonly base: number; readonly amplitude: number },
  look: { readonly paper: string; readonly color: string; readonly strength: number; readonly line: number },
): void {
  outlinePath(pen, outline, x, place.base, place.amplitude);
  pen.fillStyle = look.paper;
  pen.fill();
  pen.save();
  pen.globalAlpha = look.strength;
  pen.fillStyle = look.color;
  pen.fill();
  pen.restore();
  pen.save();
  pen.globalAlpha = Math.min(1, 0.35 + look.strength * 1.2);
  strokeRidge(pen, outline, x, place, look.color, look.line);
  pen.restore();
}

/** The outline as a line, only where it rises from the base line: an empty row is not a stripe. */
export function strokeRidge(
  pen: Pen,
  { low, high, heights }: Outline,
  x: Scale,
  { base, amplitude }: { readonly base: number; readonly amplitude: number },
  color: string,
  width: number,
): void {
  const bin = (high - low) / heights.length;
  const n = heights.length;
  const point = (i: number): readonly [number, number] => [
    Math.min(x.to(high), Math.max(x.to(low), x.to(low + (i + 0.5) * bin))),
    base - (heights[i] ?? 0) * amplitude,
  ];
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.lineJoin = "round";
  pen.beginPath();
  for (let i = -1; i < n; i++) {
    if ((heights[i] ?? 0) <= 0 && (heights[i + 1] ?? 0) <= 0) continue;
    // The first and the last point stand on the base line at the ends of the range.
    if ((heights[i] ?? 0) <= 0 || i < 0) pen.moveTo(...point(i));
    pen.lineTo(...point(i + 1));
  }
  pen.stroke();
}

/** The height of an outline above its base line at a horizontal value, 0…1; 0 outside it. */
export function heightAt({ low, high, heights }: Outline, value: number): number {
  const n = heights.length;
  const at = ((value - low) / (high - low)) * n - 0.5;
  if (!(at > -1 && at < n)) return 0;
  const i = Math.floor(at);
  const [left, right] = [i < 0 ? 0 : (heights[i] ?? 0), heights[i + 1] ?? 0];
  return left + (right - left) * (at - i);
}
