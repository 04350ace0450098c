/* Reading image series, with the golden file that Python reads too. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { joinColumns } from "../../join";
import type { Series } from "../../wire";
import { channelsOf, countOf, indexAt, isPlain, shotAt, valueOf } from "./images";

type Numbers = readonly number[];
interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly pixels: Numbers;
    readonly channels: number;
    readonly data: readonly (number | string | boolean)[];
  }[];
  readonly columns: Readonly<
    Record<"height" | "width" | "channels" | "clipped" | "nonfinite" | "low" | "high", Numbers>
  > & { readonly blob: readonly Numbers[] };
}
const golden = JSON.parse(
  readFileSync(new URL("../../../../tests/golden/image/images.json", import.meta.url), "utf8"),
) as Golden;

function goldenSeries(steps = golden.cases.map((_, i) => 10 * i)): Series {
  const c = golden.columns;
  const n = steps.length;
  const columns = {
    step: Float64Array.from(steps),
    time: Float64Array.from(steps, (step) => 1e9 + step),
    ...Object.fromEntries(
      (["height", "width", "channels", "clipped", "nonfinite"] as const).map((name) => [
        name,
        Uint32Array.from(c[name].slice(0, n)),
      ]),
    ),
    low: Float64Array.from(c.low.slice(0, n)),
    high: Float64Array.from(c.high.slice(0, n)),
    blob: Uint8Array.from(c.blob.slice(0, n).flat()),
  };
  const shapes = Object.fromEntries(Object.keys(columns).map((name) => [name, name === "blob" ? [n, 16] : [n]]));
  const segments = [{ start: 0, stop: n, ghost_from: null }];
  return { run: "r", total: n, exact: true, cursor: n, since: 0, origin: 0, segments, columns, shapes };
}

describe("reading", () => {
  test.each(golden.cases.map((one, i) => [one.name, i] as const))("%s", (_, i) => {
    const shot = shotAt(goldenSeries(), i);
    const c = golden.columns;
    expect(shot).toMatchObject({
      step: 10 * i,
      time: 1e9 + 10 * i,
      height: c.height[i],
      width: c.width[i],
      channels: c.channels[i],
      low: c.low[i],
      high: c.high[i],
    });
    expect(shot).toMatchObject({ clipped: c.clipped[i], nonfinite: c.nonfinite[i], overtaken: false });
    expect([...(shot?.address ?? [])]).toEqual(c.blob[i]);
  });
  test("outside the series there is none", () => {
    expect(shotAt(goldenSeries(), -1)).toBeNull();
    expect(shotAt(goldenSeries(), golden.cases.length)).toBeNull();
    expect(countOf(goldenSeries([]))).toBe(0);
  });
  test("a shot that a restart overtook says so", () => {
    const series = {
      ...goldenSeries([0, 10, 20, 10, 20]),
      segments: [
        { start: 0, stop: 3, ghost_from: 10 },
        { start: 3, stop: 5, ghost_from: null },
      ],
    };
    expect([0, 1, 2, 3, 4].map((i) => shotAt(series, i)?.overtaken)).toEqual([false, true, true, false, false]);
  });
  test("what comes later joins on", () => {
    const [first, both] = [goldenSeries([0, 10]), goldenSeries([0, 10])];
    const joined = joinColumns(first, { ...both, since: 2 });
    expect(joined === null ? null : shotAt(joined, 3)?.address).toEqual(shotAt(both, 1)?.address);
  });
});

describe("the shot of a step", () => {
  test("is the last one not after it", () => {
    const series = goldenSeries([0, 10, 20]);
    expect([-5, 0, 9, 10, 19, 20, 99].map((step) => indexAt(series, step))).toEqual([0, 0, 0, 1, 1, 2, 2]);
  });
  test("is the later written when a step was logged twice", () => {
    const series = goldenSeries([0, 10, 20, 30, 10, 20]);
    expect([10, 15, 20, 25, 30].map((step) => indexAt(series, step))).toEqual([4, 4, 5, 5, 3]);
  });
  test("before the first is the first", () => {
    expect(indexAt(goldenSeries([30, 10, 20]), 5)).toBe(1);
  });
});

describe("the value behind a byte", () => {
  test("of every golden image lies within one step of 255 of what was logged", () => {
    const series = goldenSeries();
    golden.cases.forEach((one, i) => {
      if (one.name === "a maximum below 1e-6 is black") return; // there every byte stands for next to nothing
      const shot = shotAt(series, i);
      if (
        shot === null ||
        shot.clipped > 0 ||
        shot.nonfinite > 0 ||
        one.data.length !== one.pixels.length ||
        one.name.includes("channels first")
      )
        return;
      const room = (shot.high - shot.low) / 255 + 1e-12;
      one.pixels.forEach((byte, k) =>
        expect(Math.abs(valueOf(shot, byte) - Number(one.data[k]))).toBeLessThanOrEqual(room),
      );
    });
  });
  test("is the byte itself where nothing was scaled", () => {
    const shot = shotAt(
      goldenSeries(),
      golden.cases.findIndex((one) => one.name.startsWith("channels first")),
    );
    expect(shot !== null && isPlain(shot) && [0, 7, 255].map((byte) => valueOf(shot, byte))).toEqual([0, 7, 255]);
    expect(shot !== null && channelsOf(shot, [1, 2, 3, 255])).toEqual([1, 2, 3]);
  });
});
