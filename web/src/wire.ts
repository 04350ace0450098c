/* What the server sends, as bytes and as JSON, and the views that the board takes of it.

Columns travel as one frame: `VDC1`, the header's length (u32), a JSON header padded with spaces so that the data starts on a
multiple of eight, then the columns, each 8-aligned, little-endian. Decoding copies nothing: every column is a view of the answer. */

export type Column = Float64Array | Float32Array | Uint8Array | Uint32Array;
type ColumnType = "f8" | "f4" | "u1" | "u4";

/** A stretch of points written by one start of the run: [start, stop) of the answered points; `ghost_from` is the step from
 * which a later start wrote again (null: nothing of it is covered). */
export interface Segment {
  readonly start: number;
  readonly stop: number;
  readonly ghost_from: number | null;
}

/** Counts of NaN, +∞ and −∞. */
export interface NonFinite {
  readonly nan: number;
  readonly inf: number;
  readonly ninf: number;
}

/** The points of one tag in one run, as far as they were answered. */
export interface Series {
  readonly run: string;
  /** Points that the run holds in the range asked for. */
  readonly total: number;
  /** True when the answer is every point of the range, false when it was thinned (extremes kept). */
  readonly exact: boolean;
  /** Where the series ended when this was answered, and where the next answer goes on. Not a count; differences are. */
  readonly cursor: number;
  /** The cursor that these points follow; 0 when they are the whole answer and replace what was held. */
  readonly since: number;
  /** The moment (seconds since 1970 UTC) that is 0 on the relative axis. */
  readonly origin: number;
  readonly segments: readonly Segment[];
  /** How many of the `total` points are no finite numbers, drawn or not; absent when none is. */
  readonly nonfinite?: NonFinite;
  /** Named columns; `step` and `time` (seconds since 1970 UTC) are always there. */
  readonly columns: Readonly<Record<string, Column>>;
  /** Shape of each column; the first axis comes first. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

interface WireColumn {
  readonly type: ColumnType;
  readonly at: number;
  readonly shape: readonly number[];
}
interface WireSeries extends Omit<Series, "columns" | "shapes" | "since" | "origin"> {
  readonly since?: number;
  readonly origin?: number;
  readonly columns: Readonly<Record<string, WireColumn>>;
}
interface WireHeader {
  readonly kind: string;
  readonly tag: string;
  readonly axis: string;
  readonly series: readonly WireSeries[];
}

/** An answer of `api/series`. */
export interface Answer {
  readonly kind: string;
  readonly tag: string;
  readonly axis: string;
  readonly series: readonly Series[];
}

const MAKERS: Record<ColumnType, { size: number; make: (b: ArrayBuffer, at: number, n: number) => Column }> = {
  f8: { size: 8, make: (b, at, n) => new Float64Array(b, at, n) },
  f4: { size: 4, make: (b, at, n) => new Float32Array(b, at, n) },
  u4: { size: 4, make: (b, at, n) => new Uint32Array(b, at, n) },
  u1: { size: 1, make: (b, at, n) => new Uint8Array(b, at, n) },
};

/** Thrown when an answer is not what the wire format says. */
export class WireError extends Error {}

/** Read one frame of columns. Throws WireError when the bytes are not a whole frame. */
export function decode(buffer: ArrayBuffer): Answer {
  const magic = new TextDecoder().decode(new Uint8Array(buffer, 0, Math.min(4, buffer.byteLength)));
  if (buffer.byteLength < 8 || magic !== "VDC1") {
    throw new WireError(
      `wanted columns that start with VDC1, got ${buffer.byteLength} bytes that start with ${JSON.stringify(magic)}`,
    );
  }
  const length = new DataView(buffer).getUint32(4, true);
  const base = 8 + length;
  if (base > buffer.byteLength)
    throw new WireError(`the header says ${length} bytes, the answer holds ${buffer.byteLength}`);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length))) as WireHeader;
  const series = header.series.map((s) => decodeSeries(buffer, base, s));
  return { kind: header.kind, tag: header.tag, axis: header.axis, series };
}

function decodeSeries(buffer: ArrayBuffer, base: number, wire: WireSeries): Series {
  const columns: Record<string, Column> = {};
  const shapes: Record<string, readonly number[]> = {};
  for (const [name, column] of Object.entries(wire.columns)) {
    const maker = MAKERS[column.type];
    const n = column.shape.reduce((a, b) => a * b, 1);
    const at = base + column.at;
    if (maker === undefined) throw new WireError(`column ${name} has the unknown type ${String(column.type)}`);
    if (at + n * maker.size > buffer.byteLength) throw new WireError(`column ${name} ends past the end of the answer`);
    columns[name] = maker.make(buffer, at, n);
    shapes[name] = column.shape;
  }
  // Both are younger than the rest of the header: an answer without them is a whole one that begins with its first point.
  return { ...wire, since: wire.since ?? 0, origin: wire.origin ?? columns.time?.[0] ?? 0, columns, shapes };
}

/** A run as `api/board` tells it. */
export interface WireRun {
  readonly id: string;
  readonly name: string;
  /** What the run calls itself, where it does. */
  readonly display_name?: string | null;
  /** Captions that were set for tags. */
  readonly captions?: Readonly<Record<string, string>>;
  readonly started: number | null;
  readonly updated: number | null;
  readonly live: boolean;
  /** Records that the writer could not keep. */
  readonly dropped: number;
  /** Damaged stretches of its log, in words. */
  readonly gaps: readonly string[];
  /** Kinds of records that this version does not read, with their counts. */
  readonly skipped: Readonly<Record<string, number>>;
}

export interface WireTag {
  readonly tag: string;
  /** Indices into `runs`. */
  readonly runs: readonly number[];
}

/** The answer of `api/board`: all that there is, without any data. */
export interface WireBoard {
  readonly version: string;
  readonly language: string | null;
  readonly roots: readonly string[];
  readonly structure: number;
  readonly revision: number;
  readonly loading: { readonly done: number; readonly total: number } | null;
  readonly graph: boolean;
  readonly kinds: readonly string[];
  readonly runs: readonly WireRun[];
  readonly tags: Readonly<Record<string, readonly WireTag[]>>;
}

/** One message of the live socket. */
export interface WireLive {
  readonly revision: number;
  readonly structure: number;
  readonly advanced?: readonly (readonly [kind: string, tag: string, run: string])[];
  readonly all?: boolean;
  readonly loading: { readonly done: number; readonly total: number } | null;
}
