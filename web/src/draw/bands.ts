/* Bands: nested areas between pairs of curves, the middle curve as a line. A gap in the curves (NaN) is a gap in the bands. */

import type { Pen } from "./pen";
import type { Scale } from "./scale";

/** Curves over the same positions, lowest first; an odd number of them, the middle one is the line. */
export interface Bands {
  readonly at: ArrayLike<number>;
  readonly curves: readonly ArrayLike<number>[];
}

/** Draw nested bands: the outermost pair faintest. */
export function drawBands(pen: Pen, { at, curves }: Bands, x: Scale, y: Scale, color: string): void {
  const pairs = (curves.length - 1) / 2;
  pen.save();
  pen.fillStyle = color;
  for (let pair = 0; pair < pairs; pair++) {
    const [low, high] = [curves[pair], curves[curves.length - 1 - pair]];
    if (low === undefined || high === undefined) continue;
    pen.globalAlpha = 0.13 + 0.07 * pair;
    for (const [from, to] of stretches(low)) drawBand(pen, at, low, high, from, to, x, y);
  }
  pen.globalAlpha = 1;
  const middle = curves[pairs];
  if (middle !== undefined) drawMiddle(pen, at, middle, x, y, color);
  pen.restore();
}

function drawBand(
  pen: Pen,
  at: ArrayLike<number>,
  low: ArrayLike<number>,
  high: ArrayLike<number>,
  from: number,
  to: number,
  x: Scale,
  y: Scale,
): void {
  pen.beginPath();
  if (to - from === 1) {
    // A lone histogram has no width of its own: two pixels each way.
    const middle = x.to(at[from] ?? 0);
    pen.rect(middle - 2, y.to(high[from] ?? 0), 4, Math.max(1, y.to(low[from] ?? 0) - y.to(high[from] ?? 0)));
  } else {
    pen.moveTo(x.to(at[from] ?? 0), y.to(high[from] ?? 0));
    for (let i = from + 1; i < to; i++) pen.lineTo(x.to(at[i] ?? 0), y.to(high[i] ?? 0));
    for (let i = to - 1; i >= from; i--) pen.lineTo(x.to(at[i] ?? 0), y.to(low[i] ?? 0));
    pen.closePath();
  }
  pen.fill();
}

function drawMiddle(
  pen: Pen,
  at: ArrayLike<number>,
  middle: ArrayLike<number>,
  x: Scale,
  y: Scale,
  color: string,
): void {
  pen.strokeStyle = color;
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  for (const [from, to] of stretches(middle)) {
    pen.beginPath();
    const reach = to - from === 1 ? 2 : 0;
    pen.moveTo(x.to(at[from] ?? 0) - reach, y.to(middle[from] ?? 0));
    for (let i = from + 1; i < to; i++) pen.lineTo(x.to(at[i] ?? 0), y.to(middle[i] ?? 0));
    if (reach > 0) pen.lineTo(x.to(at[from] ?? 0) + reach, y.to(middle[from] ?? 0));
    pen.stroke();
  }
}

/** Runs of finite numbers as [from, to). */
export function stretches(curve: ArrayLike<number>): readonly (readonly [number, number])[] {
  const out: (readonly [number, number])[] = [];
  let from = -1;
  for (let i = 0; i <= curve.length; i++) {
    const finite = i < curve.length && Number.isFinite(curve[i]);
    if (finite && from < 0) from = i;
    if (!finite && from >= 0) {
      out.push([from, i]);
      from = -1;
    }
  }
  return out;
}
