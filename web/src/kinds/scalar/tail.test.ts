import { expect, test } from "vitest";
import { decode, type Series } from "../../wire";
import { encode } from "../../wire.sample";
import { smoothInto } from "./smooth";
import { withTail } from "./tail";

function series(step: readonly number[], value: readonly number[], cursor: number): Series {
  const [one] = decode(encode([{ run: "a", step, value, cursor, total: cursor, exact: false }])).series;
  if (one === undefined) throw new Error("no series");
  return one;
}

test("the moving average goes on exactly behind the server's", () => {
  const values = Array.from({ length: 1000 }, (_, i) => Math.sin(i / 7));
  const exact = new Float64Array(1000);
  smoothInto(exact, values, 0, 1000, "ema", 0.9);
  const kept = [0, 300, 600, 899];
  const finer = series(
    kept,
    kept.map((i) => values[i] as number),
    900,
  );
  const smoothed = {
    ...finer,
    columns: { ...finer.columns, smooth: Float64Array.from(kept, (i) => exact[i] as number) },
  };
  const steps = [0, 250, 899, ...Array.from({ length: 100 }, (_, i) => 900 + i)];
  const whole = series(
    steps,
    steps.map((i) => values[i] as number),
    1000,
  );
  const joined = withTail(smoothed, whole, 0.9);
  expect(joined).toMatchObject({ cursor: 1000, total: 1000, segments: [{ start: 0, stop: 104 }] });
  expect(joined?.columns.smooth?.at(-1)).toBeCloseTo(exact[999] as number, 12);
  expect([...(joined?.columns.step ?? [])]).toEqual([...kept, ...steps.slice(3)]);
});

test("an answer that is as new as the series is taken as it is; one that cannot be continued is not", () => {
  const finer = series([0, 5], [1, 2], 6);
  expect(withTail(finer, series([0, 5], [1, 2], 6), 0.5)).toBe(finer);
  expect(withTail(finer, series([0, 5, 6], [1, 2, 3], 99), 0.5)).toBeNull();
});
