import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { roughInto, smoothInto, type Method } from "./smooth";

type Written = number | string;
interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly method: Method;
    readonly weight: number;
    readonly value: readonly Written[];
    readonly smooth: readonly Written[];
  }[];
}
const GOLDEN = JSON.parse(
  readFileSync(new URL("../../../../tests/golden/scalar/smooth.json", import.meta.url), "utf8"),
) as Golden;

function numbers(written: readonly Written[]): Float64Array {
  return Float64Array.from(written, (value) =>
    Number(
      typeof value === "string" ? value.replace(/^nan$/i, "NaN").replace(/^(-?)inf(inity)?$/i, "$1Infinity") : value,
    ),
  );
}

describe("smoothing is what the server's is", () => {
  test.each(GOLDEN.cases.map((one) => [one.name, one] as const))("%s", (_, { method, weight, value, smooth }) => {
    const values = numbers(value);
    const line = new Float64Array(values.length);
    smoothInto(line, values, 0, values.length, method, weight);
    numbers(smooth).forEach((wanted, i) => {
      const got = line[i] as number;
      if (Number.isFinite(wanted))
        expect(Math.abs(got - wanted)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(wanted)));
      else expect(got).toBe(wanted);
    });
  });
});

describe("smoothing in the browser", () => {
  test("leaves other stretches of the run alone", () => {
    const line = new Float64Array(4);
    smoothInto(line, [1, 2, 3, 4], 2, 4, "ema", 0.9);
    expect([...line.slice(0, 2)]).toEqual([0, 0]);
    expect(line[2]).toBeCloseTo(3);
  });

  test("of thinned points comes near to that of all points", () => {
    const all = Float64Array.from({ length: 4000 }, (_, i) => 3 * Math.exp(-i / 900) + Math.sin(i / 200));
    const exact = new Float64Array(all.length);
    smoothInto(exact, all, 0, all.length, "ema", 0.95);
    const kept = Array.from({ length: 400 }, (_, i) => i * 10);
    const rough = new Float64Array(kept.length);
    roughInto(
      rough,
      kept,
      kept.map((i) => all[i] as number),
      0,
      kept.length,
      0.95,
      1,
    );
    kept.forEach((i, k) => expect(Math.abs((rough[k] as number) - (exact[i] as number))).toBeLessThan(0.05));
  });
});
