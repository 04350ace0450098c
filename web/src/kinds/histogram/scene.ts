/* From a series and the options to what is drawn: chosen rows, the common grid, curves. Pure; no pixels yet. */

import { textCell } from "../../csv";
import type { Series } from "../../wire";
import {
  nearest,
  parseRange,
  pickBySteps,
  quantiles,
  rangeOf,
  rebin,
  SHARES,
  spreadsOf,
  type Range,
  type Spread,
} from "./spread";

export type Mode = "ridge" | "overlay" | "bands" | "heat";
export const MODES: readonly Mode[] = ["ridge", "overlay", "bands", "heat"];

// A type and not an interface: the board reads options as a flat record.
export type HistogramOptions = {
  readonly mode: string;
  /** Bins of the common grid. */
  readonly bins: number;
  /** Heights by the logarithm of the counts. */
  readonly log: boolean;
  /** Shown values, "low,high", either side open; "" for all. */
  readonly values: string;
  /** Shown steps, likewise. */
  readonly steps: string;
};

export const DEFAULTS: HistogramOptions = { mode: "ridge", bins: 60, log: false, values: "", steps: "" };

export interface Row {
  readonly spread: Spread;
  /** Counts on the common grid, unrounded. */
  readonly counts: Float64Array;
}

export interface Scene {
  readonly mode: Mode;
  readonly log: boolean;
  /** Every histogram of the shown steps, by step. */
  readonly spreads: readonly Spread[];
  /** Those that are drawn as rows or columns. */
  readonly rows: readonly Row[];
  /** Shown values; null when no histogram holds a finite one. */
  readonly values: Range | null;
  readonly steps: Range;
  /** The greatest count of any bin of `rows`, at least a little above 0. */
  readonly most: number;
  /** Quantiles over `spreads`, one curve for each of SHARES; only for bands. */
  readonly curves: readonly Float64Array[];
  /** Histograms that a later start of the run overtook; they are not drawn. */
  readonly overtaken: number;
}

/** Rows that a ridge plot shows at most, and lines that an overlay shows at most. */
export const MOST_ROWS = 50;
const MOST_COLUMNS = 600;

/** The mode that an option's text says; ridges for anything unknown. */
export function modeOf(options: HistogramOptions): Mode {
  return MODES.find((mode) => mode === options.mode) ?? "ridge";
}

/** All that a card shows, for a card of this height. zoom: the steps that the reader chose on this card. */
export function sceneOf(series: Series, options: HistogramOptions, zoom: Range | undefined, height: number): Scene {
  const { spreads: every, overtaken } = spreadsOf(series);
  const mode = modeOf(options);
  const whole: Range = [every[0]?.step ?? 0, every.at(-1)?.step ?? 0];
  const steps = zoom ?? parseRange(options.steps, whole) ?? whole;
  const spreads = every.filter(({ step }) => step >= steps[0] && step <= steps[1]);
  const natural = rangeOf(spreads);
  const values = parseRange(options.values, natural ?? [0, 1]) ?? natural;
  const bins = Math.min(500, Math.max(2, Math.round(options.bins)));
  const most = mode === "heat" ? MOST_COLUMNS : Math.min(MOST_ROWS, Math.max(8, Math.floor(height / 6)));
  const chosen = mode === "bands" ? [] : pickBySteps(spreads, most);
  const rows = values === null ? [] : chosen.map((spread) => ({ spread, counts: rebin(spread, values, bins) }));
  return {
    mode,
    log: options.log,
    spreads,
    rows,
    values,
    steps,
    most: greatest(rows),
    curves: mode === "bands" ? curvesOf(spreads) : [],
    overtaken,
  };
}

/** The greatest count of any bin. A constant is one bin as high as all its values: beside others it does not set the scale. */
function greatest(rows: readonly Row[]): number {
  const spreadOut = rows.filter((row) => row.spread.constant === null);
  const counted = spreadOut.length > 0 ? spreadOut : rows;
  return counted.reduce((top, row) => row.counts.reduce((a, b) => Math.max(a, b), top), Number.MIN_VALUE);
}

function curvesOf(spreads: readonly Spread[]): readonly Float64Array[] {
  const curves = SHARES.map(() => new Float64Array(spreads.length));
  spreads.forEach((spread, i) => quantiles(spread, SHARES).forEach((value, k) => curves[k]?.fill(value, i, i + 1)));
  return curves;
}

/** The height of a count as a share of the greatest, 0…1: a constant beside others stands as high as the highest of them. */
export function heightOf(count: number, most: number, log: boolean): number {
  return Math.min(1, log ? Math.log1p(count) / Math.log1p(most) : count / most);
}

/** The drawn row whose step is nearest; -1 when there is none. */
export function rowNear(scene: Scene, step: number): number {
  const row = nearest(
    scene.rows.map((one, index) => ({ step: one.spread.step, index })),
    step,
  );
  return row?.index ?? -1;
}

/** Values of a histogram that were not finite. */
export function nonfinite(spread: Spread): number {
  return spread.nan + spread.positiveInf + spread.negativeInf;
}

/** Every bucket of the shown steps as CSV: run, step, time, left, right, count; then rows for nan, inf, -inf where there are any. */
export function toCsv(run: string, spreads: readonly Spread[]): string {
  const name = textCell(run);
  const lines = ["run,step,time,left,right,count"];
  for (const spread of spreads) {
    const start = `${name},${spread.step},${spread.time}`;
    spread.counts.forEach((count, i) => lines.push(`${start},${spread.edge(i)},${spread.edge(i + 1)},${count}`));
    const apart = { nan: spread.nan, inf: spread.positiveInf, "-inf": spread.negativeInf };
    for (const [word, count] of Object.entries(apart)) if (count > 0) lines.push(`${start},${word},${word},${count}`);
  }
  return `${lines.join("\n")}\n`;
}
