/* Scales: data to pixels and back, with ticks that a person would choose. */

export interface Tick {
  readonly at: number;
  readonly label: string;
  /** Minor ticks (log scales) get a line and no label. */
  readonly minor?: boolean;
}

export interface Scale {
  readonly domain: readonly [number, number];
  readonly range: readonly [number, number];
  /** Pixel of a value; NaN where the scale has none (log of a number ≤ 0). */
  readonly to: (value: number) => number;
  /** Value of a pixel. */
  readonly from: (pixel: number) => number;
  /** Pixel = value · line[0] + line[1], where it is so simple; what hot loops use instead of `to`. */
  readonly line: readonly [number, number] | null;
  /** About `count` ticks, in ascending order. */
  readonly ticks: (count: number) => readonly Tick[];
}

type Pair = readonly [number, number];

/** A straight scale for numbers. A domain of no width is widened so that its value lies in the middle. */
export function linear(domain: Pair, range: Pair, label?: (value: number, step: number) => string): Scale {
  const [a, b] = widen(domain);
  const [p, q] = range;
  const k = (q - p) / (b - a);
  return {
    domain: [a, b],
    range,
    to: (v) => p + (v - a) * k,
    line: [k, p - a * k],
    from: (px) => a + (px - p) / k,
    ticks: (count) => {
      const step = niceStep((b - a) / Math.max(1, count));
      return multiples(a, b, step).map((at) => ({ at, label: label ? label(at, step) : tickLabel(at, step, a, b) }));
    },
  };
}

const LEAST = 1e-320;
const MOST = 1e308;

/** A decimal logarithmic scale. The domain must be positive. */
export function log(domain: Pair, range: Pair): Scale {
  let [a, b] = [Math.max(LEAST, domain[0]), Math.min(MOST, domain[1])];
  if (!(a < b)) [a, b] = a === b ? [a / 1.5, a * 1.5] : [0.1, 10];
  const [la, lb] = [Math.log10(a), Math.log10(b)];
  const [p, q] = range;
  const k = (q - p) / (lb - la);
  return {
    domain: [a, b],
    range,
    line: null,
    to: (v) => (v > 0 ? p + (Math.log10(v) - la) * k : NaN),
    from: (px) => 10 ** (la + (px - p) / k),
    ticks: (count) => logTicks(a, b, la, lb, count),
  };
}

function logTicks(a: number, b: number, la: number, lb: number, count: number): readonly Tick[] {
  const decades = lb - la;
  if (decades < 1) {
    // Less than a decade: ticks of a straight scale, at their logarithmic places.
    const step = niceStep((b - a) / Math.max(1, count));
    return multiples(a, b, step)
      .filter((at) => at > 0)
      .map((at) => ({ at, label: tickLabel(at, step, a, b) }));
  }
  const every = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const ticks: Tick[] = [];
  for (let e = Math.floor(la); e <= Math.ceil(lb); e++) {
    const major = 10 ** e;
    const inside = major >= a * (1 - 1e-9) && major <= b * (1 + 1e-9);
    if (inside)
      ticks.push(e % every === 0 ? { at: major, label: powerLabel(e) } : { at: major, label: "", minor: true });
    if (decades <= 6) {
      const labelled = decades < count / 2 ? [2, 5] : [];
      for (let m = 2; m <= 9; m++) {
        const at = m * major;
        if (at < a || at > b) continue;
        ticks.push(labelled.includes(m) ? { at, label: powerLabel(e, m) } : { at, label: "", minor: true });
      }
    }
  }
  return ticks;
}

function powerLabel(e: number, m = 1): string {
  return e >= -3 && e <= 4 ? plain(m * 10 ** e) : minus(`${m}e${e}`);
}
function plain(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** A scale for moments (seconds since 1970 UTC), labelled in local time. */
export function moment(domain: Pair, range: Pair): Scale {
  const [a, b] = widen(domain);
  const base = linear([a, b], range);
  return { ...base, ticks: (count) => momentTicks(a, b, count) };
}

/** A scale for durations in seconds: 0 s, 30 s, 2 min, 1 h 30 … */
export function duration(domain: Pair, range: Pair): Scale {
  const [a, b] = widen(domain);
  const base = linear([a, b], range);
  return {
    ...base,
    ticks: (count) => {
      const step = timeStep((b - a) / Math.max(1, count));
      return multiples(a, b, step).map((at) => ({ at, label: durationLabel(at, step) }));
    },
  };
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const TIME_STEPS = [
  1,
  2,
  5,
  10,
  15,
  30,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
];

/** The smallest step of clock and calendar that is at least `rough` seconds. */
export function timeStep(rough: number): number {
  if (rough < 1) return niceStep(rough);
  for (const step of TIME_STEPS) if (step >= rough) return step;
  return DAY * niceStep(rough / DAY, 1);
}

function durationLabel(seconds: number, step: number): string {
  if (Math.abs(seconds) < step / 1e6) return "0";
  const sign = seconds < 0 ? "−" : "";
  const s = Math.abs(seconds);
  if (step >= DAY) return `${sign}${round(s / DAY)} d`;
  if (s >= DAY) {
    const d = Math.floor(s / DAY + 1e-9);
    const h = round((s - d * DAY) / HOUR);
    return `${sign}${d} d${h > 0 ? ` ${h} h` : ""}`;
  }
  if (step >= HOUR) return `${sign}${round(s / HOUR)} h`;
  if (s >= HOUR) {
    const h = Math.floor(s / HOUR + 1e-9);
    const m = round((s - h * HOUR) / MINUTE);
    return `${sign}${h} h${m > 0 ? ` ${m}` : ""}`;
  }
  if (step >= MINUTE) return `${sign}${round(s / MINUTE)} min`;
  if (s >= MINUTE) {
    const m = Math.floor(s / MINUTE + 1e-9);
    const rest = round(s - m * MINUTE);
    return `${sign}${m}:${String(rest).padStart(2, "0")}`;
  }
  if (step >= 0.5) return `${sign}${round(s)} s`;
  return step >= 5e-4 ? `${sign}${round(s * 1e3)} ms` : `${sign}${round(s * 1e6)} µs`;
}
function round(value: number): number {
  return Number(value.toPrecision(6));
}

function momentTicks(a: number, b: number, count: number): readonly Tick[] {
  const step = timeStep((b - a) / Math.max(1, count));
  // Steps of local midnight: shift by the zone so that 6 h means 00, 06, 12, 18 on the reader's clock.
  const shift = new Date(a * 1000).getTimezoneOffset() * 60;
  let day = "";
  return multiples(a - shift, b - shift, step).map((local) => {
    const at = local + shift;
    const date = new Date(at * 1000);
    const today = `${date.getMonth() + 1}/${date.getDate()}`;
    if (step >= DAY) return { at, label: today };
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
    const seconds = step < 1 ? (date.getSeconds() + (at % 1)).toFixed(2).padStart(5, "0") : two(date.getSeconds());
    const label = step < MINUTE ? `${clock}:${seconds}` : clock;
    const fresh = day !== "" && day !== today;
    day = today;
    return { at, label: fresh ? today : label };
  });
}
function two(n: number): string {
  return String(n).padStart(2, "0");
}

/** 1, 2 or 5 times a power of ten, the nearest to `rough` (and at least `floor`). */
export function niceStep(rough: number, floor = 0): number {
  if (!(rough > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const m = rough / power;
  const step = (m < 1.5 ? 1 : m < 3.2 ? 2 : m < 7.1 ? 5 : 10) * power;
  return Math.max(step, floor);
}

function multiples(a: number, b: number, step: number): number[] {
  const first = Math.ceil(a / step - 1e-9);
  const last = Math.floor(b / step + 1e-9);
  const out: number[] = [];
  // Whole multiples, not repeated addition: 0.1 + 0.2 must not become a label. Bounded against a broken domain.
  for (let i = first; i <= last && out.length < 200; i++) out.push(i * step);
  return out;
}

function widen([a, b]: Pair): Pair {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return [0, 1];
  if (a !== b && b - a > Math.abs(a) * 1e-14) return [a, b];
  const half = a === 0 ? 1 : Math.abs(a) * 0.05;
  return [a - half, a + half];
}

/** A tick's label: as many digits as the step needs, `k`/`M`/`G` for large steps, `e` notation far from 1. */
export function tickLabel(value: number, step: number, low: number, high: number): string {
  if (Math.abs(value) < step * 1e-9) return "0";
  const largest = Math.max(Math.abs(low), Math.abs(high));
  if (largest >= 1e15 || largest < 1e-4) return exponent(value, step);
  for (const [unit, size] of UNITS) {
    // A unit must make the label shorter: with more than two decimals it would not.
    if ((largest >= size * 10 && step >= size / 100) || (size > 1e3 && largest >= size && step >= size / 10)) {
      return `${minus((value / size).toFixed(decimals(step / size)))}${unit}`;
    }
  }
  return minus(value.toFixed(decimals(step)));
}
const UNITS: readonly (readonly [string, number])[] = [
  ["T", 1e12],
  ["G", 1e9],
  ["M", 1e6],
  ["k", 1e3],
];
function decimals(step: number): number {
  return Math.min(12, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}
function exponent(value: number, step: number): string {
  const e = Math.floor(Math.log10(Math.abs(value)) + 1e-9);
  const digits = Math.min(6, Math.max(0, e - Math.floor(Math.log10(step) + 1e-9)));
  return minus(value.toExponential(digits).replace("e+", "e"));
}
/** A real minus sign: as wide as a plus and a digit in tabular figures. */
export function minus(text: string): string {
  return text.replace(/^-/, "−").replace("e-", "e−");
}

/** Make room around a straight domain: `share` of its width on both sides. */
export function padded([a, b]: Pair, share: number): Pair {
  const room = (b - a) * share;
  return [a - room, b + room];
}
/** Make room around a logarithmic domain. */
export function paddedLog([a, b]: Pair, share: number): Pair {
  const room = 10 ** ((Math.log10(b) - Math.log10(a)) * share);
  return [Math.max(LEAST, a / room), Math.min(MOST, b * room)];
}
