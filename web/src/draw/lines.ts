/* Lines over a common frame: each with its own x, raw faint behind smoothed, older starts of a run as ghosts, and a mark for every value
that is no number. */

import { drawAxes, inBox } from "./axes";
import type { Inks } from "./ink";
import type { Layout } from "./layout";
import { windowOf, type Line, type Look, type Part } from "./line";
import type { Pen } from "./pen";
import type { Scale } from "./scale";

/** Up to this many points in a picture lines have a body; beyond, they are one device pixel wide. Measured on nine cards of 10 × 1,000 points
 * (software rendering): 180 ms a redraw at 1.5 pixels, 33 ms at one, which the rasteriser draws in a way of its own. */
const BODY = 3_000;
const MANY = 60;

/** Whether the lines of a picture have a body; without one, drawDense draws the same picture faster on a screen. */
export function hasBody(layout: Layout, lines: readonly Line[]): boolean {
  return layout.points <= BODY && lines.length <= MANY;
}

/** How strong the raw lines behind smoothed ones are. */
export function faintness(lines: number): number {
  return lines > 30 ? 0.16 : 0.26;
}

/** Everything of the picture but the cursor. hair: width of one device pixel. */
export function drawLines(
  pen: Pen,
  inks: Inks,
  layout: Layout,
  lines: readonly Line[],
  look: Look,
  hair: number,
): void {
  const { box, x, y } = layout;
  drawAxes(pen, inks, box, x, layout.xTicks, y, layout.yTicks);
  const body = hasBody(layout, lines);
  const width = body ? 1.5 : hair;
  inBox(pen, { ...box, left: box.left - 1, top: 0, right: box.right + 4, bottom: box.bottom + 1 }, () => {
    pen.lineJoin = "round";
    for (const line of lines) {
      for (const part of line.parts) drawGhost(pen, layout, line, part, look, hair);
    }
    for (const line of lines) {
      if (line.smooth === null || look.smoothedOnly) continue;
      pen.globalAlpha = faintness(lines.length);
      pen.lineWidth = body ? 1 : hair;
      drawLine(pen, layout, line, line.y, look);
    }
    pen.globalAlpha = 1;
    pen.lineWidth = width;
    for (const line of lines) drawLine(pen, layout, line, line.smooth ?? line.y, look);
    for (const line of lines) drawMarks(pen, layout, line, look);
  });
}

/** One line, without ghosts; also used to lift a line under the pointer. */
export function drawLine(pen: Pen, layout: Layout, line: Line, values: ArrayLike<number>, look: Look): void {
  pen.strokeStyle = line.color;
  pen.fillStyle = line.color;
  for (const part of line.parts) {
    const [a, b] = windowOf(line, part, look.range, look.axis === "step");
    trace(pen, layout, line.x, values, a, Math.min(b, part.ghost), values === line.y);
  }
}

function drawGhost(pen: Pen, layout: Layout, line: Line, part: Part, look: Look, hair: number): void {
  const [a, b] = windowOf(line, part, look.range, look.axis === "step");
  if (part.ghost >= b) return;
  pen.save();
  pen.strokeStyle = line.color;
  pen.fillStyle = line.color;
  pen.globalAlpha = 0.45;
  pen.lineWidth = Math.max(hair, 1);
  pen.setLineDash([3, 3]);
  trace(pen, layout, line.x, line.smooth ?? line.y, Math.max(a, part.ghost - 1), b, true);
  pen.restore();
}

/** Points that are on average this far apart (CSS pixels) get a dot each. */
const SPARSE = 9;

/** Whether the points [a, b) are so far apart that each gets a dot. */
export function isSparse(x: Scale, xs: ArrayLike<number>, a: number, b: number): boolean {
  return b - a > 1 && (x.to(xs[b - 1] as number) - x.to(xs[a] as number)) / (b - a - 1) >= SPARSE;
}

/** A polyline through the finite points [a, b). A gap where a value is no number; a lone point becomes a dot. Where several points fall on one
 * pixel column, only the first, the least, the greatest and the last of them are drawn, which is the same picture. */
function trace(
  pen: Pen,
  layout: Layout,
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  a: number,
  b: number,
  dots: boolean,
): void {
  const { x, y, box } = layout;
  const [kx, bx] = x.line ?? [0, 0];
  const [ky, by] = y.line ?? [0, 0];
  const top = box.top - 4000;
  const bottom = box.bottom + 4000;
  const sparse = dots && isSparse(x, xs, a, b);
  const alone: number[] = [];
  const columns = Math.max(1, globalThis.devicePixelRatio || 1);
  let length = 0;
  let lastX = 0;
  let lastY = 0;
  // The pixel column at hand: its extremes not drawn yet.
  let column = NaN;
  let low = 0;
  let high = 0;
  let pending = false;
  pen.beginPath();
  for (let i = a; i < b; i++) {
    const value = ys[i] as number;
    const px = x.line === null ? x.to(xs[i] as number) : (xs[i] as number) * kx + bx;
    let py = value - value !== 0 ? NaN : y.line === null ? y.to(value) : value * ky + by;
    if (!(py === py && px === px)) {
      if (pending) column = closeColumn(pen, lastX, low, high, lastY);
      pending = false;
      if (length === 1) alone.push(lastX, lastY);
      length = 0;
      continue;
    }
    py = py < top ? top : py > bottom ? bottom : py;
    const here = Math.floor(px * columns);
    if (length > 0 && here === column) {
      if (py < low) low = py;
      if (py > high) high = py;
      pending = true;
    } else {
      if (pending) closeColumn(pen, lastX, low, high, lastY);
      pending = false;
      if (length === 0) pen.moveTo(px, py);
      else pen.lineTo(px, py);
      column = here;
      low = high = py;
    }
    length++;
    lastX = px;
    lastY = py;
  }
  if (pending) closeColumn(pen, lastX, low, high, lastY);
  pen.stroke();
  if (length === 1) alone.push(lastX, lastY);
  if (sparse) drawDots(pen, layout, xs, ys, a, b);
  else for (let i = 0; i < alone.length; i += 2) dot(pen, alone[i] as number, alone[i + 1] as number, 2.2);
}

function closeColumn(pen: Pen, px: number, low: number, high: number, last: number): number {
  if (high - low > 0.4) {
    pen.lineTo(px, low);
    pen.lineTo(px, high);
  }
  pen.lineTo(px, last);
  return NaN;
}

export function drawDots(
  pen: Pen,
  layout: Layout,
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  a: number,
  b: number,
): void {
  for (let i = a; i < b; i++) {
    const value = ys[i] as number;
    if (value - value === 0) dot(pen, layout.x.to(xs[i] as number), layout.y.to(value), 2.4);
  }
}

/** A filled disc; nothing where a place is no number. */
export function dot(pen: Pen, x: number, y: number, r: number): void {
  if (!(x === x && y === y)) return;
  pen.beginPath();
  pen.arc(x, y, r, 0, Math.PI * 2);
  pen.fill();
}

/** Whether a column holds a value that is no finite number. A column never changes, so it is looked through once. */
const marked = new WeakMap<object, boolean>();
function isMarked(values: ArrayLike<number>): boolean {
  let known = marked.get(values);
  if (known === undefined) {
    known = false;
    for (let i = 0; i < values.length && !known; i++) known = !Number.isFinite(values[i]);
    marked.set(values, known);
  }
  return known;
}

/** Marks at the edges: NaN a cross at the bottom, +∞ a triangle at the top, −∞ one at the bottom. */
export function drawMarks(pen: Pen, layout: Layout, line: Line, look: Look): void {
  if (!isMarked(line.y)) return;
  const { box, x } = layout;
  pen.strokeStyle = line.color;
  pen.fillStyle = line.color;
  pen.lineWidth = 1.5;
  const last = { nan: -Infinity, up: -Infinity, down: -Infinity };
  for (const part of line.parts) {
    const [a, b] = windowOf(line, part, look.range, look.axis === "step");
    for (let i = a; i < b; i++) {
      const value = line.y[i] as number;
      if (value - value === 0) continue;
      const px = x.to(line.x[i] as number);
      if (!(px >= box.left - 1 && px <= box.right + 1)) continue;
      const what = value !== value ? "nan" : value > 0 ? "up" : "down";
      // Marks closer than their own width are one mark.
      if (Math.abs(px - last[what]) < 5) continue;
      last[what] = px;
      if (what === "nan") cross(pen, px, box.bottom - 6, 3.5);
      else triangle(pen, px, what === "up" ? box.top + 1 : box.bottom - 1, what === "up" ? 6 : -6);
    }
  }
}

function cross(pen: Pen, x: number, y: number, r: number): void {
  pen.beginPath();
  pen.moveTo(x - r, y - r);
  pen.lineTo(x + r, y + r);
  pen.moveTo(x - r, y + r);
  pen.lineTo(x + r, y - r);
  pen.stroke();
}
/** A triangle whose tip is at (x, tip), its body `size` below (above, when negative). */
function triangle(pen: Pen, x: number, tip: number, size: number): void {
  pen.beginPath();
  pen.moveTo(x, tip);
  pen.lineTo(x - 4.5, tip + size);
  pen.lineTo(x + 4.5, tip + size);
  pen.closePath();
  pen.fill();
}
