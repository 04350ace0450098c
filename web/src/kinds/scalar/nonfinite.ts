/* How many values of the shown lines are no finite numbers: all of them, also where only some are here to be drawn. Pure. */

import type { ScalarLine } from "./model";

/** NaN and ±∞ of all lines in the shown range (null: everything). The answer to a range tells those of just that range. */
export function countNonFinite(
  lines: readonly ScalarLine[],
  range: readonly [number, number] | null,
): { readonly nan: number; readonly infinite: number } {
  let [nan, infinite] = [0, 0];
  for (const { series, x, y } of lines) {
    const told = series.nonfinite;
    if (told === undefined) continue;
    if (range === null || !series.exact) {
      nan += told.nan;
      infinite += told.inf + told.ninf;
      continue;
    }
    // A series that is here as a whole is not asked for again: its part of the range is counted.
    for (let i = 0; i < y.length; i++) {
      const [at, value] = [x[i] ?? NaN, y[i] ?? NaN];
      if (!(at >= range[0] && at <= range[1])) continue;
      if (Number.isNaN(value)) nan++;
      else if (!Number.isFinite(value)) infinite++;
    }
  }
  return { nan, infinite };
}
