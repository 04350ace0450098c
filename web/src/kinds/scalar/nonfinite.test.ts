import { describe, expect, test } from "vitest";
import { decode, type NonFinite } from "../../wire";
import { encode } from "../../wire.sample";
import { partsOf, type ScalarLine } from "./model";
import { countNonFinite } from "./nonfinite";

function line(value: readonly number[], exact: boolean, nonfinite?: NonFinite): ScalarLine {
  const [one] = decode(encode([{ run: "a", step: value.map((_, i) => i), value, exact }])).series;
  if (one === undefined) throw new Error("nothing was decoded");
  const series = nonfinite === undefined ? one : { ...one, nonfinite };
  const { step = [], value: y = [] } = series.columns;
  return { id: "a", label: "a", color: "red", series, x: step, y, smooth: null, parts: partsOf(series) };
}

describe("values that are no finite numbers", () => {
  const few = line([1, NaN, Infinity, NaN, -Infinity], true, { nan: 2, inf: 1, ninf: 1 });

  test("are counted as the server tells them, however many of them are drawn", () => {
    const many = line([1, NaN, 2], false, { nan: 400_000, inf: 0, ninf: 3 });
    expect(countNonFinite([many, few, line([1, 2], true)], null)).toEqual({ nan: 400_002, infinite: 5 });
    expect(countNonFinite([many], [0, 1])).toEqual({ nan: 400_000, infinite: 3 });
  });

  test("are counted in the shown range alone where the whole series is here", () => {
    expect(countNonFinite([few], [2, 3])).toEqual({ nan: 1, infinite: 1 });
    expect(countNonFinite([few], [-5, 0.5])).toEqual({ nan: 0, infinite: 0 });
  });
});
