/* Lines over a common frame: each with its own x, raw faint behind smoothed, older starts of a run as ghosts, and a mark for every value
that is no number. Two steps: lay out (scales, ticks, what cannot be shown), draw. Pure but for the pen. */

import { boxFor, drawAxes, inBox, tickCount, type Box } from "./axes";
import type { Inks } from "./ink";
import type { Pen } from "./pen";
import { duration, linear, log, moment, padded, paddedLog, type Scale, type Tick } from "./scale";

export type Axis = "step" | "time" | "relative";

/** One uninterrupted stretch of a line: points [start, stop), from `ghost` on overtaken by a later stretch (stop: nothing is). */
export interface Part {
  readonly start: number;
  readonly stop: number;
  readonly ghost: number;
}

export interface Line {
  readonly id: string;
  readonly label: string;
  readonly color: string;
  /** Ascending within each part on the step axis. */
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** The smoothed value of each point, or null. */
  readonly smooth: ArrayLike<number> | null;
  readonly parts: readonly Part[];
}

export interface Look {
  readonly axis: Axis;
  /** Shown range of x; null: all. */
  readonly range: readonly [number, number] | null;
  readonly logX: boolean;
  readonly logY: boolean;
  /** Scale y to the middle 90 % of the values instead of all. */
  readonly outliers: boolean;
  readonly smoothedOnly: boolean;
}

export interface Layout {
  readonly box: Box;
  readonly x: Scale;
  readonly y: Scale;
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly Tick[];
  /** Values beyond the y scale (only with `outliers`). */
  readonly clipped: number;
  /** Values ≤ 0 on a logarithmic y scale, which has no place for them. */
  readonly unplaced: number;
  readonly nan: number;
  readonly infinite: number;
  /** Points in the range. */
  readonly points: number;
}

/** The points [from, to) of a part that a range touches, one neighbour on either side included. */
export function windowOf(
  line: Line,
  part: Part,
  range: readonly [number, number] | null,
  sorted: boolean,
): readonly [number, number] {
  if (range === null || !sorted) return [part.start, part.stop];
  const from = lowerBound(line.x, range[0], part.start, part.stop);
  let to = lowerBound(line.x, range[1], from, part.stop);
  while (to < part.stop && (line.x[to] as number) <= range[1]) to++;
  return [Math.max(part.start, from - 1), Math.min(part.stop, to + 1)];
}

/** The first index in [from, to) whose x is not below `value`, in an ascending stretch. */
export function lowerBound(x: ArrayLike<number>, value: number, from: number, to: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Extent {
  x0: number;
  x1: number;
  /** The least positive x and y: where logarithmic scales begin. */
  leastX: number;
  y0: number;
  y1: number;
  least: number;
  nan: number;
  infinite: number;
  /** Values ≤ 0. */
  unplaced: number;
  points: number;
}

function emptyExtent(): Extent {
  return {
    x0: Infinity,
    x1: -Infinity,
    leastX: Infinity,
    y0: Infinity,
    y1: -Infinity,
    least: Infinity,
    nan: 0,
    infinite: 0,
    unplaced: 0,
    points: 0,
  };
}

/** Extents of whole columns. A column never changes (more points make a new one), so what it spans is found once. */
const spans = new WeakMap<object, Extent>();

function extentOf(lines: readonly Line[], look: Look): Extent {
  const inside = extentOfAll(lines, look, false);
  // A range between two points: the lines through it are scaled by the points at their ends.
  return look.range !== null && inside.points === 0 ? extentOfAll(lines, look, true) : inside;
}

function extentOfAll(lines: readonly Line[], look: Look, outside: boolean): Extent {
  const whole = look.range === null && !look.logX;
  const all = emptyExtent();
  for (const line of lines) {
    const raw = !look.smoothedOnly || line.smooth === null;
    include(all, extentOfColumn(line, line.y, look, whole, outside), raw, true);
    if (line.smooth !== null) include(all, extentOfColumn(line, line.smooth, look, whole, outside), true, false);
  }
  return all;
}

function include(all: Extent, one: Extent, values: boolean, counts: boolean): void {
  if (values) {
    all.y0 = Math.min(all.y0, one.y0);
    all.y1 = Math.max(all.y1, one.y1);
    all.least = Math.min(all.least, one.least);
  }
  if (!counts) return;
  all.x0 = Math.min(all.x0, one.x0);
  all.x1 = Math.max(all.x1, one.x1);
  all.leastX = Math.min(all.leastX, one.leastX);
  all.nan += one.nan;
  all.infinite += one.infinite;
  all.unplaced += one.unplaced;
  all.points += one.points;
}

function extentOfColumn(line: Line, values: ArrayLike<number>, look: Look, whole: boolean, outside: boolean): Extent {
  const key = values as object;
  // The values' own span, found with the x of another axis, is not it: x is looked at anew unless it is the step.
  if (whole && look.axis === "step") {
    const known = spans.get(key);
    if (known !== undefined) return known;
  }
  const e = emptyExtent();
  for (const part of line.parts) measurePart(e, line, values, part, look, outside);
  if (whole && look.axis === "step") spans.set(key, e);
  return e;
}

function measurePart(e: Extent, line: Line, values: ArrayLike<number>, part: Part, look: Look, outside: boolean): void {
  const [from, to] = look.range ?? [-Infinity, Infinity];
  const [a, b] = windowOf(line, part, look.range, look.axis === "step");
  for (let i = a; i < b; i++) {
    const x = line.x[i] as number;
    if (look.logX && x <= 0) continue;
    const y = values[i] as number;
    const inside = x >= from && x <= to;
    if (inside) {
      if (x < e.x0) e.x0 = x;
      if (x > e.x1) e.x1 = x;
      if (x > 0 && x < e.leastX) e.leastX = x;
      e.points++;
    } else if (!outside) continue;
    if (y - y !== 0) {
      if (inside && y !== y) e.nan++;
      else if (inside) e.infinite++;
      continue;
    }
    if (y < e.y0) e.y0 = y;
    if (y > e.y1) e.y1 = y;
    if (y > 0) {
      if (y < e.least) e.least = y;
    } else if (inside) e.unplaced++;
  }
}

/** Sorted values of the range, for quantiles. */
function sortedValues(lines: readonly Line[], look: Look): Float64Array {
  const all: number[] = [];
  for (const line of lines) {
    const values = look.smoothedOnly && line.smooth !== null ? line.smooth : line.y;
    for (const part of line.parts) {
      const [a, b] = windowOf(line, part, look.range, look.axis === "step");
      for (let i = a; i < b; i++) {
        const y = values[i] as number;
        if (y - y === 0 && (!look.logY || y > 0)) all.push(y);
      }
    }
  }
  return Float64Array.from(all).sort();
}

/** Scales, ticks and box of a picture of width × height. */
export function layOutLines(pen: Pen, width: number, height: number, lines: readonly Line[], look: Look): Layout {
  const e = extentOf(lines, look);
  const [ya, yb, clipped] = verticalDomain(lines, look, e);
  const bottom = height - 22;
  const logY = look.logY && Number.isFinite(e.least);
  const room = [bottom, 8] as const;
  const y = logY ? log(paddedLog([ya, yb], 0.04), room) : linear(padded([within(ya), within(yb)], 0.05), room);
  const yTicks = y.ticks(tickCount(bottom - 8, 28));
  const box = boxFor(
    pen,
    width,
    height,
    yTicks.map((tick) => tick.label),
  );
  const x = horizontalScale(look, e, [box.left, box.right]);
  return {
    box,
    x,
    y,
    xTicks: x.ticks(tickCount(box.right - box.left, look.axis === "step" ? 52 : 66)),
    yTicks,
    clipped,
    unplaced: logY ? e.unplaced : 0,
    nan: e.nan,
    infinite: e.infinite,
    points: e.points,
  };
}

function verticalDomain(lines: readonly Line[], look: Look, e: Extent): readonly [number, number, number] {
  if (e.y0 > e.y1) return [0, 1, 0];
  const low = look.logY && Number.isFinite(e.least) ? e.least : e.y0;
  if (!look.outliers) return level(low, e.y1);
  const values = sortedValues(lines, look);
  const n = values.length;
  if (n < 5) return level(low, e.y1);
  let a = values[Math.floor(0.05 * (n - 1))] as number;
  let b = values[Math.ceil(0.95 * (n - 1))] as number;
  // A little beyond the quantiles, but never beyond the values.
  const more = (b - a) * 0.25;
  [a, b] = [Math.max(low, look.logY ? a / 1.2 : a - more), Math.min(e.y1, look.logY ? b * 1.2 : b + more)];
  const clipped = lowerBound(values, a, 0, n) + (n - lowerBound(values, b + Number.EPSILON * Math.abs(b), 0, n));
  const [la, lb] = level(a, b);
  return [la, lb, clipped];
}

/** Within what a domain can span without overflow; a value beyond is drawn at the edge. */
function within(value: number): number {
  return Math.max(-4e307, Math.min(4e307, value));
}

/** A constant gets room above and below. */
function level(a: number, b: number): readonly [number, number, number] {
  if (b > a) return [a, b, 0];
  const half = a === 0 ? 1 : Math.abs(a) * 0.1;
  return [a > 0 ? a - half * 0.9 : a - half, a + half, 0];
}

function horizontalScale(look: Look, e: Extent, room: readonly [number, number]): Scale {
  let [a, b] = look.range ?? (e.x0 <= e.x1 ? [e.x0, e.x1] : [0, 1]);
  if (look.axis === "time")
    return moment(e.x0 > e.x1 && look.range === null ? [Date.now() / 1000 - 60, Date.now() / 1000] : [a, b], room);
  if (look.logX && Number.isFinite(e.leastX)) return log([a > 0 ? a : e.leastX, Math.max(b, e.leastX)], room);
  if (look.axis === "relative") return duration([a, b], room);
  if (a === b) [a, b] = [a - 1, b + 1];
  // Steps are whole numbers: no tick at 0.5.
  const scale = linear([a, b], room);
  return { ...scale, ticks: (count) => scale.ticks(count).filter((tick) => Number.isInteger(tick.at)) };
}

/** Up to this many points in a picture lines have a body; beyond, they are one device pixel wide. Measured on nine cards of 10 × 1,000 points
 * (software rendering): 180 ms a redraw at 1.5 pixels, 33 ms at one, which the rasteriser draws in a way of its own. */
const BODY = 3_000;

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
  const body = layout.points <= BODY && lines.length <= 60;
  const width = body ? 1.5 : hair;
  inBox(pen, { ...box, left: box.left - 1, top: 0, right: box.right + 4, bottom: box.bottom + 1 }, () => {
    pen.lineJoin = "round";
    for (const line of lines) {
      for (const part of line.parts) drawGhost(pen, layout, line, part, look, hair);
    }
    for (const line of lines) {
      if (line.smooth === null || look.smoothedOnly) continue;
      pen.globalAlpha = lines.length > 30 ? 0.16 : 0.26;
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
    trace(pen, layout, line.x, values, a, Math.min(b, part.ghost), values === line.y || line.smooth !== null);
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

/** Points this far apart (CSS pixels) get a dot each. */
const SPARSE = 14;

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
  const sparse = dots && b - a <= (box.right - box.left) / SPARSE;
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

function drawDots(pen: Pen, layout: Layout, xs: ArrayLike<number>, ys: ArrayLike<number>, a: number, b: number): void {
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

/** Marks at the edges: NaN a cross at the bottom, +∞ a triangle at the top, −∞ one at the bottom. */
function drawMarks(pen: Pen, layout: Layout, line: Line, look: Look): void {
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

/** The point of a line nearest to x, as its index; the newest stretch that reaches there wins. −1: the line has no point near. */
export function nearest(line: Line, x: number, sorted: boolean): number {
  let [best, distance] = [-1, Infinity];
  for (let p = line.parts.length - 1; p >= 0; p--) {
    const part = line.parts[p] as Part;
    const stop = Math.min(part.stop, Math.max(part.ghost, part.start));
    if (stop <= part.start) continue;
    const at = sorted
      ? closer(line.x, x, lowerBound(line.x, x, part.start, stop), part.start, stop)
      : scan(line.x, x, part.start, stop);
    const d = Math.abs((line.x[at] as number) - x);
    if (d < distance) [best, distance] = [at, d];
  }
  return best;
}

function closer(xs: ArrayLike<number>, x: number, at: number, start: number, stop: number): number {
  if (at >= stop) return stop - 1;
  if (at > start && x - (xs[at - 1] as number) < (xs[at] as number) - x) return at - 1;
  return at;
}
function scan(xs: ArrayLike<number>, x: number, start: number, stop: number): number {
  let [best, distance] = [start, Infinity];
  for (let i = start; i < stop; i++) {
    const d = Math.abs((xs[i] as number) - x);
    if (d < distance) [best, distance] = [i, d];
  }
  return best;
}
