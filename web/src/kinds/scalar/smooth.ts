/* Smoothing of raw points in the browser, with the same formulas as visualdl/store/smooth.py: debiased EMA, Gaussian, median.

A NaN or ±inf passes through as it is and does not count; a constant stays exactly that constant. Each segment is smoothed by itself. */

export type Method = "ema" | "gaussian" | "median";
type Numbers = ArrayLike<number>;

/** The points [start, stop) of `values` smoothed, written into the same places of `out`. weight: in [0, 1). */
export function smoothInto(
  out: Float64Array,
  values: Numbers,
  start: number,
  stop: number,
  method: Method,
  weight: number,
): void {
  if (method === "ema") ema(out, values, start, stop, weight);
  else
    overFinite(out, values, start, stop, (finite) =>
      method === "gaussian"
        ? gaussian(finite, Math.sqrt(weight) / (1 - weight))
        : median(finite, roundEven(weight / (1 - weight))),
    );
}

/** last = last · w + value · (1 − w), shown as last / (1 − wⁿ); while all values are equal they are shown as they are. */
function ema(out: Float64Array, values: Numbers, start: number, stop: number, weight: number): void {
  let [last, power, first, constant] = [0, 1, NaN, true];
  for (let i = start; i < stop; i++) {
    const value = values[i] as number;
    if (value - value !== 0) {
      out[i] = value;
      continue;
    }
    if (power === 1) first = value;
    else if (value !== first) constant = false;
    last = last * weight + value * (1 - weight);
    power *= weight;
    out[i] = constant ? value : last / (1 - power);
  }
  if (constant || start === stop) return;
  // The store calls a segment constant as a whole or not at all: the equal values before the first other one are averages too.
  refill(out, values, start, stop, weight, first);
}

function refill(out: Float64Array, values: Numbers, start: number, stop: number, weight: number, first: number): void {
  let [last, power] = [0, 1];
  for (let i = start; i < stop; i++) {
    const value = values[i] as number;
    if (value - value !== 0) continue;
    if (value !== first) return;
    last = last * weight + value * (1 - weight);
    power *= weight;
    out[i] = last / (1 - power);
  }
}

function overFinite(
  out: Float64Array,
  values: Numbers,
  start: number,
  stop: number,
  line: (finite: Float64Array) => Float64Array,
): void {
  const places: number[] = [];
  for (let i = start; i < stop; i++) {
    const value = values[i] as number;
    out[i] = value;
    if (value - value === 0) places.push(i);
  }
  const finite = Float64Array.from(places, (i) => values[i] as number);
  if (finite.length === 0 || finite.every((value) => value === finite[0])) return;
  line(finite).forEach((value, k) => (out[places[k] as number] = value));
}

/** Weighted by exp(−½ (d/σ)²) up to 4 σ; at the ends, of the points that there are. */
function gaussian(values: Float64Array, sigma: number): Float64Array {
  if (sigma < 0.1) return values.slice();
  const radius = Math.min(Math.ceil(4 * sigma), values.length);
  const kernel = Float64Array.from({ length: radius + 1 }, (_, d) => Math.exp(-0.5 * (d / sigma) ** 2));
  const n = values.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let [sum, weights] = [0, 0];
    const to = Math.min(n - 1, i + radius);
    for (let j = Math.max(0, i - radius); j <= to; j++) {
      const k = kernel[j < i ? i - j : j - i] as number;
      sum += k * (values[j] as number);
      weights += k;
    }
    out[i] = sum / weights;
  }
  return out;
}

/** How far a median reaches at most, where there are not more points: an address may have any weight in it. */
const MEDIAN_REACH = 10_000;

/** The median of each point and `half` points on either side; mirrored at the ends. */
function median(values: Float64Array, wanted: number): Float64Array {
  const n = values.length;
  const half = Math.min(wanted, Math.max(n, MEDIAN_REACH));
  if (half === 0) return values.slice();
  const at = (i: number): number => values[mirrored(i, n)] as number;
  const window: number[] = [];
  for (let i = -half; i <= half; i++) window.push(at(i));
  window.sort((a, b) => a - b);
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    out[i] = window[half] as number;
    window.splice(placeOf(window, at(i - half)), 1);
    const next = at(i + half + 1);
    window.splice(placeOf(window, next), 0, next);
  }
  return out;
}

/** …2 1 0 | 0 1 2 … n−1 | n−1 n−2…, however far outside. */
function mirrored(i: number, n: number): number {
  const k = ((i % (2 * n)) + 2 * n) % (2 * n);
  return k < n ? k : 2 * n - 1 - k;
}
function placeOf(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
/** As Python rounds: halves to the even number. */
function roundEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

/** Distances whose weight is remembered. */
const NEAR = 64;

/** What the EMA of the raw points about is, from thinned points: each kept point stands for the raw points since the one before.
 * Shown only until the server's exact answer is there. perPoint: raw points per unit of x. */
export function roughInto(
  out: Float64Array,
  x: Numbers,
  values: Numbers,
  start: number,
  stop: number,
  weight: number,
  perPoint: number,
): void {
  let [last, known, before] = [0, 0, NaN];
  // Most distances are small whole numbers, and a power costs as much as all the rest.
  const keeps = new Float64Array(NEAR).fill(NaN);
  for (let i = start; i < stop; i++) {
    const value = values[i] as number;
    if (value - value !== 0) {
      out[i] = value;
      continue;
    }
    const apart = before === before ? (x[i] as number) - before : 1 / perPoint;
    before = x[i] as number;
    let keep = keeps[apart] ?? NaN;
    if (keep !== keep) {
      keep = weight ** Math.max(0.25, apart * perPoint);
      if (apart in keeps) keeps[apart] = keep;
    }
    last = last * keep + value * (1 - keep);
    known = known * keep + (1 - keep);
    out[i] = known > 0 ? last / known : value;
  }
}
