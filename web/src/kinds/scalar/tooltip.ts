/* The rows of the tooltip and of the table: one run a row, what it has near the cursor. Pure. */

import { nearest, type Axis, type Line } from "../../draw/line";
import type { Series } from "../../wire";
import type { Sort } from "./options";

export interface Row {
  readonly id: string;
  readonly label: string;
  readonly color: string;
  readonly index: number;
  readonly x: number;
  readonly value: number;
  /** NaN when nothing is smoothed. */
  readonly smooth: number;
  readonly step: number;
  readonly time: number;
  /** x lies beyond this point, which is the last (or first) of its line: the run has nothing there. */
  readonly beyond: boolean;
}

/** What each line has nearest to x, sorted. y: the pointer's value, for `nearest` (null: by distance in x). The first row is the nearest by then. */
export function rowsAt(
  lines: readonly Line[],
  series: (id: string) => Series | undefined,
  x: number,
  y: ((row: Row) => number) | null,
  axis: Axis,
  sort: Sort,
): readonly Row[] {
  const rows: Row[] = [];
  for (const line of lines) {
    const index = nearest(line, x, axis === "step");
    if (index < 0) continue;
    const columns = series(line.id)?.columns;
    const at = line.x[index] as number;
    const beyond = line.parts.some((part) => (index === part.stop - 1 && x > at) || (index === part.start && x < at));
    rows.push({
      id: line.id,
      label: line.label,
      color: line.color,
      index,
      x: at,
      value: line.y[index] as number,
      smooth: line.smooth === null ? NaN : (line.smooth[index] as number),
      step: columns?.step?.[index] ?? NaN,
      time: columns?.time?.[index] ?? NaN,
      beyond,
    });
  }
  return sortRows(rows, sort, y);
}

/** The number that a row is sorted by: what its line shows. */
export function shownValue(row: Row): number {
  return Number.isNaN(row.smooth) ? row.value : row.smooth;
}

function sortRows(rows: Row[], sort: Sort, distance: ((row: Row) => number) | null): readonly Row[] {
  if (sort === "ascending") return rows.sort((a, b) => order(shownValue(a), shownValue(b)));
  if (sort === "descending") return rows.sort((a, b) => order(shownValue(b), shownValue(a)));
  if (sort === "nearest" && distance !== null) return rows.sort((a, b) => order(distance(a), distance(b)));
  return rows;
}

/** Ascending, NaN last in either direction. */
function order(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a - b;
}
