/* Reading, rebinning and quantiles of histograms, with the golden file that Python reads too. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Column, Series } from "../../wire";
import {
  bucketAt,
  joinSpreads,
  nearest,
  parseRange,
  pickEvenly,
  quantiles,
  rangeOf,
  rebin,
  SHARES,
  spreadAt,
  spreadsOf,
  type Spread,
} from "./spread";

interface Case {
  readonly name: string;
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly nonfinite: readonly [number, number, number];
}
interface Golden {
  readonly cases: readonly Case[];
  readonly columns: Readonly<Record<"counts" | "offsets" | "edges" | "edge_offsets", readonly number[]>> & {
    readonly nonfinite: readonly (readonly number[])[];
  };
}
const golden = JSON.parse(
  readFileSync(new URL("../../../../tests/golden/histogram/histograms.json", import.meta.url), "utf8"),
) as Golden;

function series(columns: Readonly<Record<string, Column>>, rest: Partial<Series> = {}): Series {
  const n = columns.step?.length ?? 0;
  const shapes = Object.fromEntries(
    Object.entries(columns).map(([name, c]) => [name, name === "nonfinite" ? [n, 3] : [c.length]]),
  );
  return {
    run: "r",
    total: n,
    exact: true,
    cursor: n,
    since: 0,
    segments: [{ start: 0, stop: n, ghost_from: null }],
    columns,
    shapes,
    ...rest,
  } as Series;
}
function goldenSeries(): Series {
  const c = golden.columns;
  return series({
    step: Float64Array.from(golden.cases.keys()),
    time: new Float64Array(golden.cases.length),
    counts: Uint32Array.from(c.counts),
    offsets: Uint32Array.from(c.offsets),
    edges: Float64Array.from(c.edges),
    edge_offsets: Uint32Array.from(c.edge_offsets),
    nonfinite: Float64Array.from(c.nonfinite.flat()),
  });
}
function one(edges: readonly number[], counts: readonly number[], step = 0): Spread {
  return spreadAt(
    series({
      step: Float64Array.of(step),
      time: Float64Array.of(0),
      counts: Float64Array.from(counts),
      offsets: Uint32Array.of(0, counts.length),
      edges: Float64Array.from(edges),
      edge_offsets: Uint32Array.of(0, edges.length),
      nonfinite: new Float64Array(3),
    }),
    0,
  );
}
const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);

describe("reading", () => {
  test.each(golden.cases.map((c, i) => [c.name, c, i] as const))("%s", (_, wanted, i) => {
    const spread = spreadAt(goldenSeries(), i);
    expect([...spread.counts]).toEqual(wanted.counts);
    wanted.edges.forEach((edge, k) => expect(spread.edge(k)).toBeCloseTo(edge, 14));
    expect([spread.nan, spread.positiveInf, spread.negativeInf]).toEqual(wanted.nonfinite);
    expect(spread.total).toBe(sum(wanted.counts));
  });
  test("uneven edges are read as they are", () => {
    const spread = one([0, 1, 10], [4, 2]);
    expect([spread.edge(0), spread.edge(1), spread.edge(2)]).toEqual([0, 1, 10]);
  });
  test("edges between the largest floats do not overflow", () => {
    const spread = one([-Number.MAX_VALUE, Number.MAX_VALUE], [1, 0, 1]);
    expect([0, 1, 2, 3].every((i) => Number.isFinite(spread.edge(i)))).toBe(true);
  });
  test("what a later start overtook is left out and counted, the rest comes by step", () => {
    const whole = goldenSeries();
    const segments = [
      { start: 0, stop: 5, ghost_from: 3 },
      { start: 5, stop: 9, ghost_from: null },
    ];
    const { spreads, overtaken } = spreadsOf({ ...whole, segments });
    expect(spreads.map((spread) => spread.step)).toEqual([0, 1, 2, 5, 6, 7, 8]);
    expect(overtaken).toBe(2);
  });
});

describe("joining", () => {
  test("what comes later reads as if it had come at once", () => {
    const whole = goldenSeries();
    for (let cut = 0; cut <= golden.cases.length; cut++) {
      const joined = joinSpreads(slice(whole, 0, cut), slice(whole, cut, golden.cases.length));
      expect(joined?.columns).toEqual(whole.columns);
      expect(joined?.shapes).toEqual(whole.shapes);
    }
  });
  function slice(from: Series, start: number, stop: number): Series {
    const cut = (name: string, offsets: string): Column => {
      const at = from.columns[offsets] ?? new Uint32Array();
      return (from.columns[name] ?? new Uint32Array()).slice(at[start], at[stop]);
    };
    const moved = (name: string): Column => {
      const at = from.columns[name] ?? new Uint32Array();
      return Uint32Array.from(at.slice(start, stop + 1)).map((v) => v - (at[start] ?? 0));
    };
    const part = series({
      step: (from.columns.step ?? new Float64Array()).slice(start, stop),
      time: (from.columns.time ?? new Float64Array()).slice(start, stop),
      counts: cut("counts", "offsets"),
      offsets: moved("offsets"),
      edges: cut("edges", "edge_offsets"),
      edge_offsets: moved("edge_offsets"),
      nonfinite: (from.columns.nonfinite ?? new Float64Array()).slice(3 * start, 3 * stop),
    });
    return { ...part, cursor: stop };
  }
});

describe("a common grid", () => {
  test("a bucket gives each bin the share that overlaps it, unrounded", () => {
    expect([...rebin(one([0, 4], [1, 2, 4, 8]), [0, 4], 2)]).toEqual([3, 12]);
    expect([...rebin(one([0, 3], [3, 6, 9]), [0, 3], 2)]).toEqual([expect.closeTo(6, 12), expect.closeTo(12, 12)]);
    expect([...rebin(one([0, 1], [1]), [0, 2], 4)]).toEqual([0.5, 0.5, 0, 0]);
  });
  test("the same grid gives the same counts", () => {
    expect([...rebin(one([-1, 1], [1, 2, 3, 4]), [-1, 1], 4)]).toEqual([1, 2, 3, 4]);
  });
  test("nothing is lost or won inside the range, whatever the bins", () => {
    const spread = one([-0.7, 1.3], [5, 0, 7, 1, 1e6]);
    const vast = one([-Number.MAX_VALUE, Number.MAX_VALUE], [1, 2, 3]);
    expect(sum(rebin(vast, [-Number.MAX_VALUE, Number.MAX_VALUE], 60))).toBeCloseTo(6, 9);
    for (const bins of [1, 2, 7, 30, 311]) expect(sum(rebin(spread, [-1, 2], bins))).toBeCloseTo(spread.total, 6);
  });
  test("what lies outside the range is left out", () => {
    expect(sum(rebin(one([0, 4], [1, 1, 1, 1]), [1, 3], 10))).toBeCloseTo(2, 12);
  });
  test("the range ignores empty outer buckets", () => {
    const spreads = [one([-0.5, 0.5], [0, 2, 9, 0, 0]), one([0, 0.05], [1])];
    expect(rangeOf(spreads)).toEqual([expect.closeTo(-0.3, 12), expect.closeTo(0.1, 12)]);
    expect(rangeOf([one([], [])])).toBeNull();
  });
  test("a constant that the writer widened is its value again, beside others and alone", () => {
    for (const buckets of [2, 3, 10, 101]) {
      const counts = Array.from({ length: buckets }, (_, i) => (i === buckets >> 1 ? 16 : 0));
      const constant = one([-0.375, 0.625], counts);
      expect(constant.constant).toBe(0.125);
      expect(rangeOf([constant, one([0, 0.25], [3, 4])])).toEqual([0, 0.25]);
      expect([...rebin(constant, [0, 0.25], 4)]).toEqual([0, 0, 16, 0]);
      expect(quantiles(constant, SHARES).every((value) => value === 0.125)).toBe(true);
      const [low, high] = rangeOf([constant]) ?? [0, 0];
      expect(low).toBeLessThan(0.125);
      expect(high).toBeGreaterThan(0.125);
    }
  });
  test("one bucket, an outer bucket or uneven buckets are no constant", () => {
    for (const spread of [
      one([0, 1], [5]),
      one([0, 1], [5, 0, 0]),
      one([0, 1, 5, 9], [0, 5, 0]),
      one([0, 1], [1, 5]),
    ]) {
      expect(spread.constant).toBeNull();
    }
  });
});

describe("quantiles", () => {
  test("are those of evenly filled buckets", () => {
    expect(quantiles(one([0, 10], [10, 10, 10, 10]), SHARES)).toEqual([0, 0.5, 2.5, 5, 7.5, 9.5, 10]);
  });
  test("rise, and stay inside what is filled", () => {
    const found = quantiles(one([-1, 1], [0, 3, 0, 0, 1, 0]), SHARES);
    expect(found[0]).toBeCloseTo(-2 / 3, 12);
    expect(found.at(-1)).toBeCloseTo(2 / 3, 12);
    expect([...found].sort((a, b) => a - b)).toEqual(found);
  });
  test("of nothing finite are NaN", () => {
    expect(quantiles(one([], []), SHARES).every(Number.isNaN)).toBe(true);
  });
});

describe("finding", () => {
  test("each bucket holds its left edge, the last one both", () => {
    const spread = one([0, 3], [1, 1, 1]);
    expect([-0.1, 0, 0.99, 1, 2, 3, 3.01].map((v) => bucketAt(spread, v))).toEqual([-1, 0, 0, 1, 2, 2, -1]);
    expect(bucketAt(one([], []), 0)).toBe(-1);
  });
  test("the nearest step wins, the later one on a tie", () => {
    const items = [0, 10, 20].map((step) => ({ step }));
    expect([-5, 4, 5, 14, 99].map((step) => nearest(items, step)?.step)).toEqual([0, 0, 10, 10, 20]);
    expect(nearest([], 1)).toBeUndefined();
  });
  test("an even pick keeps both ends", () => {
    const items = Array.from({ length: 100 }, (_, i) => i);
    const some = pickEvenly(items, 7);
    expect(some).toHaveLength(7);
    expect([some[0], some.at(-1)]).toEqual([0, 99]);
    expect(pickEvenly([1, 2], 7)).toEqual([1, 2]);
  });
  test("a range in words is two rising numbers, one of which may be open", () => {
    expect(parseRange("-1,2.5", [0, 9])).toEqual([-1, 2.5]);
    expect(parseRange(",5", [0, 9])).toEqual([0, 5]);
    expect(parseRange("5,", [0, 9])).toEqual([5, 9]);
    for (const wrong of ["", ",", "2,1", "a,b", "1,2,3", "1"]) expect(parseRange(wrong, [0, 0.5])).toBeNull();
  });
});
