/* A line: its points, the stretches they were written in, and how to find one of them. Pure. */

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
