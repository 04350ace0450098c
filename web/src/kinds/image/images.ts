/* What an image series says, without showing it: one shot a record, and which shot a step means. Pure. */

import type { Series } from "../../wire";

/** One logged image. */
export interface Shot {
  readonly step: number;
  /** Seconds since 1970 UTC. */
  readonly time: number;
  readonly height: number;
  readonly width: number;
  /** 1 grey, 2 red and green, 3 RGB, 4 RGBA. */
  readonly channels: number;
  /** Where its picture is: 16 bytes. */
  readonly address: Uint8Array;
  /** What the bytes 0 and 255 stand for. */
  readonly low: number;
  readonly high: number;
  /** Values that lay outside low…high and were clipped; values that were NaN or ±inf. */
  readonly clipped: number;
  readonly nonfinite: number;
  /** A later start of the run logged this step or an earlier one again. */
  readonly overtaken: boolean;
}

/** How many images a series has. */
export function countOf(series: Series): number {
  return series.columns.step?.length ?? 0;
}

/** The image at index `i`, or null outside the series. */
export function shotAt(series: Series, i: number): Shot | null {
  const c = series.columns;
  const step = c.step?.[i];
  const blob = c.blob?.subarray(16 * i, 16 * i + 16);
  if (step === undefined || !(blob instanceof Uint8Array) || blob.length !== 16) return null;
  const segment = series.segments.find(({ start, stop }) => i >= start && i < stop);
  return {
    step,
    time: c.time?.[i] ?? NaN,
    height: c.height?.[i] ?? 1,
    width: c.width?.[i] ?? 1,
    channels: c.channels?.[i] ?? 3,
    address: blob,
    low: c.low?.[i] ?? 0,
    high: c.high?.[i] ?? 255,
    clipped: c.clipped?.[i] ?? 0,
    nonfinite: c.nonfinite?.[i] ?? 0,
    overtaken: segment !== undefined && segment.ghost_from !== null && step >= segment.ghost_from,
  };
}

/** The image that was the present one at `step`: the last written with the greatest step that is not above it; before the first step, the first. */
export function indexAt(series: Series, step: number): number {
  const steps = series.columns.step ?? [];
  let best = -1;
  let first = 0;
  for (let i = 0; i < steps.length; i++) {
    const here = steps[i] ?? NaN;
    if (here <= step && (best < 0 || here >= (steps[best] ?? NaN))) best = i;
    if (here < (steps[first] ?? NaN)) first = i;
  }
  return best < 0 ? first : best;
}

/** The value that a byte of the picture stood for, to about one part in 255 of the range. */
export function valueOf(shot: Shot, byte: number): number {
  const share = byte / 255;
  return shot.low * (1 - share) + shot.high * share;
}

/** True when bytes and values are the same thing. */
export function isPlain(shot: Shot): boolean {
  return shot.low === 0 && shot.high === 255;
}

/** The channels of one pixel that were logged, out of its red, green, blue and opacity. */
export function channelsOf(shot: Shot, rgba: readonly number[]): readonly number[] {
  return rgba.slice(0, shot.channels);
}
