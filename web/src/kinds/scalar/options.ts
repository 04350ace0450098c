/* The options of the scalars page; each lives in the address under its own name. */

import type { Axis } from "../../draw/line";
import type { Method } from "./smooth";

export interface ScalarOptions {
  readonly [key: string]: string | number | boolean;
  /** Weight of what came before, 0 … 0.99. */
  readonly smooth: number;
  readonly method: string;
  /** `step`, `relative` or `time`. */
  readonly x: string;
  readonly logx: boolean;
  readonly logy: boolean;
  readonly outliers: boolean;
  readonly smoothedonly: boolean;
  /** Order of the tooltip: `nearest`, `default`, `ascending`, `descending`. */
  readonly sort: string;
  /** Zooming one chart zooms all. */
  readonly link: boolean;
  /** The range of all charts while `link` is on: `from:to`, or nothing. */
  readonly span: string;
}

export const DEFAULTS: ScalarOptions = {
  smooth: 0.6,
  method: "ema",
  x: "step",
  logx: false,
  logy: false,
  outliers: false,
  smoothedonly: false,
  sort: "nearest",
  link: false,
  span: "",
};

export const METHODS: readonly Method[] = ["ema", "gaussian", "median"];
export const SORTS = ["nearest", "default", "ascending", "descending"] as const;
export type Sort = (typeof SORTS)[number];
/** The largest weight that may be chosen. */
export const MOST = 0.99;

export function axisOf(options: ScalarOptions): Axis {
  return options.x === "relative" || options.x === "time" ? options.x : "step";
}
export function methodOf(options: ScalarOptions): Method {
  return METHODS.find((method) => method === options.method) ?? "ema";
}
export function sortOf(options: ScalarOptions): Sort {
  return SORTS.find((sort) => sort === options.sort) ?? "nearest";
}
export function weightOf(options: ScalarOptions): number {
  return Math.min(MOST, Math.max(0, options.smooth));
}
/** As the server wants it, or "" for none. */
export function smoothingOf(options: ScalarOptions): string {
  const weight = weightOf(options);
  return weight > 0 ? `${methodOf(options)}:${weight}` : "";
}
export function spanOf(options: ScalarOptions): readonly [number, number] | null {
  const [from, to] = options.span.split(":").map(Number);
  return from !== undefined && to !== undefined && from < to ? [from, to] : null;
}
export function formatSpan(range: readonly [number, number] | null): string {
  return range === null ? "" : range.map((value) => Number(value.toPrecision(12))).join(":");
}
