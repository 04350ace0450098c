import { describe, expect, test } from "vitest";
import { duration, linear, log, moment, niceStep, timeStep, type Scale } from "./scale";

const labels = (scale: Scale, count: number): string[] =>
  scale
    .ticks(count)
    .filter((tick) => !tick.minor && tick.label !== "")
    .map((tick) => tick.label);

describe("straight scales", () => {
  test("map the domain onto the range and back", () => {
    const scale = linear([10, 20], [100, 0]);
    expect(scale.to(15)).toBe(50);
    expect(scale.from(50)).toBe(15);
    expect(15 * (scale.line?.[0] ?? 0) + (scale.line?.[1] ?? 0)).toBeCloseTo(50);
  });

  test("have ticks at round numbers, labelled with the digits that the step needs", () => {
    expect(labels(linear([0, 1], [0, 100]), 5)).toEqual(["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    expect(labels(linear([-1, 1], [0, 100]), 4)).toEqual(["−1.0", "−0.5", "0", "0.5", "1.0"]);
    expect(labels(linear([0, 1_000_000], [0, 100]), 4)).toEqual(["0", "0.2M", "0.4M", "0.6M", "0.8M", "1.0M"]);
    expect(labels(linear([0, 3e-7], [0, 100]), 3)).toEqual(["0", "1e−7", "2e−7", "3e−7"]);
    expect(labels(linear([100000.1, 100000.3], [0, 100]), 2)).toEqual(["100000.1", "100000.2", "100000.3"]);
  });

  test("of no width are widened around their value; broken ones do not hang", () => {
    expect(linear([5, 5], [0, 100]).to(5)).toBeCloseTo(50);
    expect(linear([0, 0], [0, 100]).to(0)).toBeCloseTo(50);
    expect(linear([Infinity, -Infinity], [0, 100]).ticks(5).length).toBeGreaterThan(0);
    expect(linear([1e300, 1.1e300], [0, 100]).ticks(5).length).toBeLessThan(50);
  });
});

describe("logarithmic scales", () => {
  test("have a place for positive numbers only", () => {
    const scale = log([0.01, 100], [0, 400]);
    expect(scale.to(1)).toBeCloseTo(200);
    expect(scale.to(0)).toBeNaN();
    expect(scale.from(100)).toBeCloseTo(0.1);
  });

  test("are labelled at decades, at 2 and 5 when there is room, and straight below a decade", () => {
    expect(labels(log([1e-6, 1e3], [0, 400]), 5)).toEqual(["1e−6", "1e−4", "0.01", "1", "100"]);
    expect(labels(log([1, 10], [0, 400]), 6)).toEqual(["1", "2", "5", "10"]);
    expect(labels(log([2, 3], [0, 400]), 5)).toEqual(["2.0", "2.2", "2.4", "2.6", "2.8", "3.0"]);
  });
});

describe("scales of time", () => {
  test("durations step by clock units", () => {
    expect(labels(duration([0, 7200], [0, 400]), 4)).toEqual(["0", "30 min", "1 h", "1 h 30", "2 h"]);
    expect(labels(duration([0, 90], [0, 400]), 3)).toEqual(["0", "30 s", "1:00", "1:30"]);
    expect(labels(duration([0, 0.01], [0, 400]), 2)).toEqual(["0", "5 ms", "10 ms"]);
    expect(labels(duration([0, 3 * 86400], [0, 400]), 3)).toEqual(["0", "1 d", "2 d", "3 d"]);
  });

  test("moments step by the reader's clock and show a new day", () => {
    const noon = new Date(2026, 0, 1, 12).getTime() / 1000;
    const shown = labels(moment([noon, noon + 24 * 3600], [0, 400]), 4);
    expect(shown).toEqual(["12:00", "18:00", "1/2", "06:00", "12:00"]);
  });

  test("steps are never less than what was asked for in time, and nearest in numbers", () => {
    expect(timeStep(40)).toBe(60);
    expect(timeStep(5 * 86400)).toBe(5 * 86400);
    expect([niceStep(1.4), niceStep(21), niceStep(0.08), niceStep(0)]).toEqual([1, 20, 0.1, 1]);
  });
});
