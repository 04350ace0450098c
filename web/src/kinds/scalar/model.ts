/* From the answers of the server to the lines of a chart: which points, which horizontal axis, smoothed how. Pure, with a memory for what is costly. */

import { lowerBound, type Axis, type Line, type Part } from "../../draw/line";
import type { Series } from "../../wire";
import type { CardView, Needs, RunView } from "../card";
import { axisOf, methodOf, smoothingOf, spanOf, weightOf, type ScalarOptions } from "./options";
import { withTail } from "./tail";
import { roughInto, smoothInto } from "./smooth";

type Answers = ReadonlyMap<string, Series>;

/** The range that a card shows: its own, or that of all cards. */
export function rangeOf(options: ScalarOptions, view: CardView): readonly [number, number] | null {
  return (options.link ? spanOf(options) : null) ?? view.range ?? null;
}

/** What must be asked beyond the whole series: finer points of a range, exact smoothing where the points were thinned. */
export function needsOf(options: ScalarOptions, view: CardView, data: Answers): Needs | null {
  const thinned = [...data.values()].filter((series) => !series.exact).map((series) => series.run);
  if (thinned.length === 0) return null;
  const range = rangeOf(options, view);
  const smooth = smoothingOf(options);
  if (range === null && smooth === "") return null;
  return {
    axis: axisOf(options),
    runs: thinned,
    ...(smooth === "" ? {} : { smooth }),
    ...(range === null ? {} : { start: range[0], stop: range[1] }),
  };
}

/** A line that knows which answer it is made of. */
export interface ScalarLine extends Line {
  readonly series: Series;
}

/** Lines for the chosen runs. `answered` says what `detail` is the answer to. */
export function linesOf(
  runs: readonly RunView[],
  data: Answers,
  detail: Answers,
  answered: Needs | null,
  options: ScalarOptions,
  view: CardView,
): readonly ScalarLine[] {
  const axis = axisOf(options);
  const range = rangeOf(options, view);
  const smoothing = smoothingOf(options);
  return runs.flatMap((run) => {
    const whole = data.get(run.id);
    if (whole === undefined) return [];
    const finer = whole.exact ? undefined : detail.get(run.id);
    const fitting = finer !== undefined && answered !== null && fits(answered, axis, range) ? finer : undefined;
    const smoothedThere = answered?.smooth === smoothing && fitting?.columns.smooth !== undefined;
    const live =
      fitting !== undefined && range === null ? smoothedThere && withTail(fitting, whole, weightOf(options)) : fitting;
    const series = live || whole;
    const exactSmooth = smoothedThere && series !== whole ? series.columns.smooth : undefined;
    return [
      {
        id: run.id,
        series,
        label: run.label,
        color: run.color,
        x: positions(series, axis),
        y: series.columns.value ?? [],
        smooth: smoothing === "" ? null : (exactSmooth ?? smoothed(series, options)),
        parts: partsOf(series),
      },
    ];
  });
}

/** An answer for a wider or equal range can be drawn; for a narrower one the whole series is. */
function fits(answered: Needs, axis: Axis, range: readonly [number, number] | null): boolean {
  if (answered.start === undefined || answered.stop === undefined) return true;
  return range !== null && answered.axis === axis && answered.start <= range[0] && answered.stop >= range[1];
}

const relative = new WeakMap<Series, Float64Array>();

function positions(series: Series, axis: Axis): ArrayLike<number> {
  const time = series.columns.time ?? [];
  if (axis === "step") return series.columns.step ?? [];
  if (axis === "time") return time;
  let seconds = relative.get(series);
  if (seconds === undefined) {
    seconds = Float64Array.from(time as ArrayLike<number>, (t) => t - series.origin);
    relative.set(series, seconds);
  }
  return seconds;
}

const parts = new WeakMap<Series, readonly Part[]>();

/** Segments as parts: the step from which a segment is a ghost becomes the index of its first ghost. */
export function partsOf(series: Series): readonly Part[] {
  let known = parts.get(series);
  if (known === undefined) {
    const step = series.columns.step ?? [];
    const segments = series.segments.length > 0 ? series.segments : [{ start: 0, stop: step.length, ghost_from: null }];
    known = segments.map(({ start, stop, ghost_from }) => ({
      start,
      stop,
      ghost: ghost_from === null ? stop : lowerBound(step, ghost_from, start, stop),
    }));
    parts.set(series, known);
  }
  return known;
}

const memory = new WeakMap<Series, { key: string; line: Float64Array }>();

/** The smoothed line of the points that are here: exact when they are all raw, else a rough one until the exact one comes. */
function smoothed(series: Series, options: ScalarOptions): Float64Array {
  const key = smoothingOf(options);
  const known = memory.get(series);
  if (known?.key === key) return known.line;
  const values = series.columns.value ?? new Float64Array();
  const line = new Float64Array(values.length);
  const step = series.columns.step ?? values;
  for (const { start, stop } of partsOf(series)) {
    if (series.exact) smoothInto(line, values, start, stop, methodOf(options), weightOf(options));
    else roughInto(line, step, values, start, stop, weightOf(options), density(series, start, stop));
  }
  memory.set(series, { key, line });
  return line;
}

/** Raw points per step in a stretch, as far as the thinned points tell. */
function density(series: Series, start: number, stop: number): number {
  const step = series.columns.step ?? [];
  const span = (step[stop - 1] ?? 0) - (step[start] ?? 0);
  const share = (stop - start) / Math.max(1, step.length);
  return span > 0 ? (series.total * share) / span : 1;
}
