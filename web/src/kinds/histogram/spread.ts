/* What histograms say, without drawing: reading the columns, a common grid, quantiles. Pure. */

import { joinColumn, joinNotes } from "../../join";
import type { Column, Series } from "../../wire";

/** The histogram of one step. */
export interface Spread {
  readonly step: number;
  /** Seconds since 1970 UTC. */
  readonly time: number;
  /** Edge `i` of `counts.length + 1`; none when no value was finite. */
  readonly edge: (i: number) => number;
  readonly counts: Column;
  readonly nan: number;
  readonly positiveInf: number;
  readonly negativeInf: number;
  /** The finite values counted. */
  readonly total: number;
  /** Outer edges of the first and the last bucket that holds anything, of a constant its value twice; null when none does. */
  readonly support: readonly [number, number] | null;
  /** All finite values were this one (the writer widens its range evenly to both sides, so it is in the middle); else null. */
  readonly constant: number | null;
}

export type Range = readonly [number, number];

const EMPTY = new Uint32Array(0);

/** The histograms of a series that no later start of the run overtook, by step; and how many were overtaken. */
export function spreadsOf(series: Series): { readonly spreads: readonly Spread[]; readonly overtaken: number } {
  const n = series.columns.step?.length ?? 0;
  const spreads: Spread[] = [];
  for (const { start, stop, ghost_from } of series.segments) {
    for (let i = start; i < Math.min(stop, n); i++) {
      if (ghost_from !== null && (series.columns.step?.[i] ?? 0) >= ghost_from) continue;
      spreads.push(spreadAt(series, i));
    }
  }
  spreads.sort((a, b) => a.step - b.step);
  return { spreads, overtaken: n - spreads.length };
}

/** The histogram at index `i` of a series. */
export function spreadAt(series: Series, i: number): Spread {
  const {
    step,
    time,
    counts = EMPTY,
    offsets = EMPTY,
    edges = EMPTY,
    edge_offsets = EMPTY,
    nonfinite = EMPTY,
  } = series.columns;
  const own = counts.subarray(offsets[i] ?? 0, offsets[i + 1] ?? 0);
  const ends = edges.subarray(edge_offsets[i] ?? 0, edge_offsets[i + 1] ?? 0);
  const edge = edgesOf(ends, own.length);
  let total = 0;
  let [first, last] = [-1, -1];
  own.forEach((count, k) => {
    total += count;
    if (count === 0) return;
    if (first < 0) first = k;
    last = k;
  });
  const constant = constantOf(ends, own.length, first, last);
  return {
    step: step?.[i] ?? NaN,
    time: time?.[i] ?? NaN,
    edge,
    counts: own,
    nan: nonfinite[3 * i] ?? 0,
    positiveInf: nonfinite[3 * i + 1] ?? 0,
    negativeInf: nonfinite[3 * i + 2] ?? 0,
    total,
    support: constant !== null ? [constant, constant] : first < 0 ? null : [edge(first), edge(last + 1)],
    constant,
  };
}

/** The least value lies in the first of equal buckets and the greatest in the last; where only one holds anything, they are the same. */
function constantOf(ends: Column, buckets: number, first: number, last: number): number | null {
  const [left = NaN, right = NaN] = ends;
  if (ends.length !== 2 || buckets < 2 || first < 0 || first !== last) return null;
  return first === buckets >> 1 || first === (buckets - 1) >> 1 ? left / 2 + right / 2 : null;
}

function edgesOf(ends: Column, buckets: number): (i: number) => number {
  if (ends.length !== 2) return (i) => ends[i] ?? NaN;
  const [left = NaN, right = NaN] = ends;
  // A weighted mean and not left + i·width: the difference of the largest floats would overflow.
  return (i) => (i >= buckets ? right : left * (1 - i / buckets) + right * (i / buckets));
}

/** Join the ragged columns of `more` to those of `held`. */
export function joinSpreads(held: Series, more: Series): Series | null {
  const columns: Record<string, Column> = {};
  for (const [name, column] of Object.entries(held.columns)) {
    const next = more.columns[name];
    if (next === undefined) return null;
    columns[name] = name.endsWith("offsets") ? joinOffsets(column, next) : joinColumn(column, next);
  }
  const shapes = Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      const inner = (held.shapes[name] ?? []).slice(1);
      return [name, [column.length / inner.reduce((a, b) => a * b, 1), ...inner]];
    }),
  );
  return { ...joinNotes(held, more), columns, shapes };
}

function joinOffsets(held: Column, more: Column): Column {
  const end = held.at(-1) ?? 0;
  return joinColumn(
    held,
    new Uint32Array(more.subarray(1)).map((offset) => offset + end),
  );
}

/** The range that holds every value of every histogram, with room around a lone value; null when there is none. */
export function rangeOf(spreads: readonly Spread[]): Range | null {
  let [low, high] = [Infinity, -Infinity];
  for (const { support } of spreads) {
    if (support === null) continue;
    low = Math.min(low, support[0]);
    high = Math.max(high, support[1]);
  }
  if (low === high) return [low - 0.5 - Math.abs(low) * 0.05, high + 0.5 + Math.abs(low) * 0.05];
  return low < high ? [low, high] : null;
}

/** The counts of one histogram on a grid of equal bins: each bucket gives every bin the share that overlaps it. What lies
 * outside the grid is left out; nothing is rounded. */
export function rebin(spread: Spread, [low, high]: Range, bins: number): Float64Array {
  const out = new Float64Array(bins);
  // Between the largest floats a difference overflows; a power of two moves all of them alike.
  const small = Number.isFinite(high - low) ? 1 : 2 ** -8;
  const perUnit = bins / (high * small - low * small);
  const place = (value: number): number => (value * small - low * small) * perUnit;
  if (spread.constant !== null) {
    const at = place(spread.constant);
    if (at >= 0 && at <= bins) out[Math.min(bins - 1, Math.floor(at))] = spread.total;
    return out;
  }
  spread.counts.forEach((count, i) => {
    if (count === 0) return;
    const [left, right] = [place(spread.edge(i)), place(spread.edge(i + 1))];
    const first = Math.max(0, Math.floor(left));
    const last = Math.min(bins - 1, Math.floor(right));
    for (let k = first; k <= last; k++) {
      const overlap = Math.min(right, k + 1) - Math.max(left, k);
      if (overlap > 0) out[k] = (out[k] ?? 0) + count * (overlap / (right - left));
    }
  });
  return out;
}

/** The shares that bands show: least, 5 %, 25 %, median, 75 %, 95 %, greatest. */
export const SHARES = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1] as const;

/** The values below which the given shares (ascending) of the finite values lie; inside a bucket they are taken as evenly spread. */
export function quantiles(spread: Spread, shares: readonly number[]): readonly number[] {
  if (spread.support === null || spread.constant !== null) return shares.map(() => spread.constant ?? NaN);
  const [low, high] = spread.support;
  let below = 0;
  let i = 0;
  return shares.map((share) => {
    if (share <= 0) return low;
    if (share >= 1) return high;
    const wanted = share * spread.total;
    while (i < spread.counts.length - 1 && below + (spread.counts[i] ?? 0) < wanted) below += spread.counts[i++] ?? 0;
    const inside = Math.min(1, Math.max(0, (wanted - below) / (spread.counts[i] || 1)));
    return spread.edge(i) * (1 - inside) + spread.edge(i + 1) * inside;
  });
}

/** The bucket that holds `value`, or -1. The last bucket also holds its right edge. */
export function bucketAt(spread: Spread, value: number): number {
  const n = spread.counts.length;
  if (n === 0 || !(value >= spread.edge(0) && value <= spread.edge(n))) return -1;
  let [low, high] = [0, n - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (spread.edge(middle) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** At most `most` items, evenly over the list, always with the last and the first. */
export function pickEvenly<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]).filter(
    (item) => item !== undefined,
  );
}

/** At most `most` items, as evenly over the steps as they lie, always with the last and the first. Items rise by step. */
export function pickBySteps<T extends { readonly step: number }>(items: readonly T[], most: number): readonly T[] {
  const [first, last] = [items[0]?.step ?? 0, items.at(-1)?.step ?? 0];
  if (items.length <= most || first === last) return pickEvenly(items, most);
  const wanted = Array.from({ length: most }, (_, i) => nearest(items, first + (i * (last - first)) / (most - 1)));
  return [...new Set(wanted)].filter((item) => item !== undefined);
}

/** The item whose step is nearest to `step`. */
export function nearest<T extends { readonly step: number }>(items: readonly T[], step: number): T | undefined {
  let [low, high] = [0, items.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.step ?? 0) < step) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [items[low - 1], items[low]];
  if (before === undefined || after === undefined) return after ?? before;
  return step - before.step < after.step - step ? before : after;
}

/** Two numbers out of an option's text "a,b"; null unless they rise. An empty side is open: it takes the side of `whole`. */
export function parseRange(text: string, whole: Range): Range | null {
  const [a = "", b = "", ...rest] = text.split(",");
  if (rest.length > 0 || (a.trim() === "" && b.trim() === "")) return null;
  const low = a.trim() === "" ? whole[0] : Number(a);
  const high = b.trim() === "" ? whole[1] : Number(b);
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? [low, high] : null;
}
