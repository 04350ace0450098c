/* Where lines go in a picture: what they span, the scales, the ticks, and how many values have no place on them. Pure but for measuring text. */

import { boxFor, tickCount, type Box } from "./axes";
import { lowerBound, windowOf, type Line, type Look, type Part } from "./line";
import type { Pen } from "./pen";
import { duration, linear, log, moment, padded, paddedLog, type Scale, type Tick } from "./scale";

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
  /** Points in the range. */
  readonly points: number;
}
interface Extent {
  x0: number;
  x1: number;
  /** The least positive x and y: where logarithmic scales begin. */
  leastX: number;
  y0: number;
  y1: number;
  least: number;
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
    // A smoothed value is a mean of raw ones: where all of those are in sight it adds nothing.
    if (line.smooth !== null && !(raw && whole))
      include(all, extentOfColumn(line, line.smooth, look, whole, outside), true, false);
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
    if (y - y !== 0) continue;
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
  // Steps are whole numbers: no tick at 0.5, no label 1.0.
  const scale = linear([a, b], room);
  const [from, to] = scale.domain;
  return {
    ...scale,
    ticks: (count) => scale.ticks(Math.min(count, to - from)).filter((tick) => Number.isInteger(tick.at)),
  };
}
