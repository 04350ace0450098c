/* Answers as the server writes them, for the tests of what reads them. */

export interface Written {
  readonly run: string;
  readonly since?: number;
  readonly cursor?: number;
  readonly total?: number;
  readonly exact?: boolean;
  readonly step: readonly number[];
  readonly value: readonly number[];
  readonly smooth?: readonly number[];
}

/** A frame of scalars as the server writes it; for tests only. */
export function encode(series: readonly Written[]): ArrayBuffer {
  const columns: Float64Array[] = [];
  let at = 0;
  const column = (values: readonly number[]): object => {
    const place = { type: "f8", at, shape: [values.length] };
    columns.push(Float64Array.from(values));
    at += values.length * 8;
    return place;
  };
  const header = {
    kind: "scalar",
    tag: "loss",
    axis: "step",
    series: series.map(({ run, step, value, smooth, since = 0, cursor = step.length, ...about }) => ({
      run,
      since,
      cursor,
      total: about.total ?? step.length,
      exact: about.exact ?? true,
      origin: 0,
      segments: [{ start: 0, stop: step.length, ghost_from: null }],
      columns: {
        step: column(step),
        time: column(step),
        value: column(value),
        ...(smooth && { smooth: column(smooth) }),
      },
    })),
  };
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const out = new Uint8Array(8 + text.length + at);
  out.set(new TextEncoder().encode("VDC1"));
  new DataView(out.buffer).setUint32(4, text.length, true);
  out.set(new TextEncoder().encode(text), 8);
  let place = 8 + text.length;
  for (const values of columns) {
    out.set(new Uint8Array(values.buffer), place);
    place += values.byteLength;
  }
  return out.buffer;
}
