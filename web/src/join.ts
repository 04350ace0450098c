/* Joining what came later to the points that are held. Pure. */

import type { Column, NonFinite, Segment, Series } from "./wire";

/** `held` and then `more`, column by column; null when a column is not one row a point (then the kind has its own join) or `more` is whole. */
export function joinColumns(held: Series, more: Series): Series | null {
  const n = held.columns.step?.length ?? 0;
  const m = more.columns.step?.length ?? 0;
  const columns: Record<string, Column> = {};
  const shapes: Record<string, readonly number[]> = {};
  for (const [name, column] of Object.entries(held.columns)) {
    const next = more.columns[name];
    const shape = held.shapes[name] ?? [];
    if (next === undefined || shape[0] !== n || more.shapes[name]?.[0] !== m) return null;
    columns[name] = joinColumn(column, next);
    shapes[name] = [n + m, ...shape.slice(1)];
  }
  return { ...joinNotes(held, more), columns, shapes };
}

/** All but the columns of `held` and then `more`. */
export function joinNotes(held: Series, more: Series): Series {
  const nonfinite = addNonFinite(held.nonfinite, more.nonfinite);
  return {
    ...held,
    ...(nonfinite === undefined ? {} : { nonfinite }),
    // Only whole series are joined: no point is out of the range.
    total: held.total + more.total,
    exact: held.exact && more.exact,
    cursor: more.cursor,
    segments: joinSegments(held.segments, more.segments, held.columns.step?.length ?? 0),
  };
}

/** Both counts together; undefined when there is none. */
export function addNonFinite(a: NonFinite | undefined, b: NonFinite | undefined): NonFinite | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return { nan: a.nan + b.nan, inf: a.inf + b.inf, ninf: a.ninf + b.ninf };
}

/** One column after the other, in the wider of both types (a series of small steps may outgrow u4). */
export function joinColumn(a: Column, b: Column): Column {
  const wide = a.constructor === b.constructor ? a.constructor : Float64Array;
  const out = new (wide as new (n: number) => Column)(a.length + b.length);
  out.set(a, 0);
  out.set(b, a.length);
  return out;
}

function joinSegments(held: readonly Segment[], more: readonly Segment[], shift: number): readonly Segment[] {
  const out = [...held];
  more.forEach((segment, i) => {
    const moved = { start: segment.start + shift, stop: segment.stop + shift, ghost_from: segment.ghost_from };
    const last = out.at(-1);
    // The points go on where the last segment ended: an answer with a new start of the run comes whole instead.
    if (i === 0 && last !== undefined)
      out[out.length - 1] = { ...last, stop: moved.stop, ghost_from: last.ghost_from ?? moved.ghost_from };
    else out.push(moved);
  });
  return out;
}
