import { expect, test } from "vitest";
import { bytes, bytesOf, count, elapsed, full, short } from "./format";

test("a tooltip's number has four to five digits", () => {
  expect([1234567, 12345.678, 123.456, 1.23456, 0.891094, 0.0123456, 0.000012345, 3, 0, -0.5].map(short)).toEqual([
    "1.235e6",
    "12346",
    "123.46",
    "1.2346",
    "0.8911",
    "0.01235",
    "1.234e−5",
    "3",
    "0",
    "−0.5000",
  ]);
});

test("what is no number has a name", () => {
  expect([NaN, Infinity, -Infinity].map(short)).toEqual(["NaN", "+∞", "−∞"]);
  expect(full(-0.1)).toBe("−0.1");
});

test("sizes, counts and durations are read at a glance", () => {
  expect([count(1843201), count(12), bytes(3_100_000_000), bytes(512)]).toEqual(["1,843,201", "12", "3.1 GB", "512 B"]);
  expect(bytesOf(3_100_000_000, 7_400_000_000)).toEqual(["3.1", "7.4 GB"]);
  expect([0.5, 45.23, 200, 3900, 183600].map(elapsed)).toEqual([
    "0.50 s",
    "45.2 s",
    "3 min 20 s",
    "1 h 05 min",
    "2 d 3 h",
  ]);
});
