/* A live series that is long: the server's smoothed line, and after it the raw points that came since, smoothed on. Pure, with a memory. */

import type { Column, Series } from "../../wire";
import { joinColumn } from "../../join";

const memory = new WeakMap<Series, { finer: Series; joined: Series | null }>();

/** `finer` (thinned, with an exact `smooth` column) and behind it what `whole` has more; null when that cannot be told apart.
 * An EMA goes on exactly (its bias is long gone); other methods are followed by an EMA of the same weight until the server is asked again. */
export function withTail(finer: Series, whole: Series, weight: number): Series | null {
  if (whole.cursor <= finer.cursor) return finer;
  const known = memory.get(whole);
  if (known?.finer === finer) return known.joined;
  const joined = join(finer, whole, weight);
  memory.set(whole, { finer, joined });
  return joined;
}

function join(finer: Series, whole: Series, weight: number): Series | null {
  const missing = whole.cursor - finer.cursor;
  const { step, time, value } = whole.columns;
  const { step: finerStep, smooth } = finer.columns;
  const last = finer.segments.at(-1);
  if (!step || !time || !value || !finerStep || !smooth || last === undefined) return null;
  const from = step.length - missing;
  // What came since was joined point by point, in the stretch that both end with; anything else came whole.
  if (from < 0 || whole.segments.length !== finer.segments.length || (whole.segments.at(-1)?.start ?? 0) > from)
    return null;
  if ((step[from] ?? 0) < (finerStep.at(-1) ?? 0)) return null;
  const columns: Record<string, Column> = { smooth: joinColumn(smooth, goOn(smooth, value.subarray(from), weight)) };
  for (const [name, tail] of Object.entries({ step, time, value })) {
    const before = finer.columns[name];
    if (before === undefined) return null;
    columns[name] = joinColumn(before, tail.subarray(from));
  }
  const segments = [...finer.segments.slice(0, -1), { ...last, stop: last.stop + missing }];
  const { total, cursor, nonfinite } = whole;
  return { ...finer, total, cursor, ...(nonfinite === undefined ? {} : { nonfinite }), segments, columns };
}

function goOn(smooth: Column, values: Column, weight: number): Float64Array {
  let last = NaN;
  for (let i = smooth.length - 1; i >= 0 && last - last !== 0; i--) last = smooth[i] as number;
  return Float64Array.from(values as ArrayLike<number>, (value) => {
    if (value - value !== 0) return value;
    last = last - last === 0 ? last * weight + value * (1 - weight) : value;
    return last;
  });
}
