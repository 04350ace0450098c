/* Numbers, times and sizes as people read them. Pure; no locale but the words given. */

import { minus } from "./draw/scale";

/** Four to five digits: what a tooltip shows. NaN and ±∞ by name. */
export function short(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return minus(value.toExponential(3).replace("e+", "e"));
  if (Number.isInteger(value)) return minus(String(value));
  // Five digits from 1 on, four below: 1.2346, 123.46, 0.8911, 0.01235.
  const digits = 4 - Math.floor(Math.log10(size) + 1e-12) - (size < 1 ? 1 : 0);
  return minus(value.toFixed(Math.min(8, Math.max(0, digits))));
}

/** Every digit that a float64 has. */
export function full(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+∞" : "−∞";
  return minus(String(value));
}

/** 1,843,201. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** 3.1 GB. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [size, unit] = [value, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${size >= 100 || unit === 0 ? Math.round(size) : size.toFixed(1)} ${units[unit] ?? ""}`;
}

/** "3.1 of 7.4 GB" needs both in one unit. */
export function bytesOf(done: number, total: number): readonly [string, string] {
  const whole = bytes(total);
  const [, unit = "B"] = whole.split(" ");
  const scale = 1000 ** ["B", "kB", "MB", "GB", "TB"].indexOf(unit);
  return [(done / scale).toFixed(unit === "B" ? 0 : 1), whole];
}

/** 45.2 s, 3 min 20 s, 1 h 05 min, 2 d 3 h. */
export function elapsed(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const s = Math.max(0, seconds);
  if (s < 60) return `${s < 10 ? s.toFixed(2) : s.toFixed(1)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${pad(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${pad((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/** 2026-08-23 14:05:09, local time. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const d = new Date(seconds * 1000);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

function pad(value: number): string {
  return String(Math.floor(value)).padStart(2, "0");
}
