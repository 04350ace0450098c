import { describe, expect, test } from "vitest";
import { joinColumns } from "./join";
import type { NonFinite, Series } from "./wire";
import { decode } from "./wire";
import { encode } from "./wire.sample";

function series(step: readonly number[], nonfinite?: NonFinite): Series {
  const [one] = decode(encode([{ run: "a", step, value: step }])).series;
  if (one === undefined) throw new Error("nothing was decoded");
  return nonfinite === undefined ? one : { ...one, nonfinite };
}

describe("what came later", () => {
  test("is counted with what is held: points, and those that are no finite numbers", () => {
    const joined = joinColumns(
      series([1, 2], { nan: 1, inf: 0, ninf: 2 }),
      series([3, 4, 5], { nan: 1, inf: 1, ninf: 0 }),
    );
    expect(joined).toMatchObject({ total: 5, nonfinite: { nan: 2, inf: 1, ninf: 2 } });
  });

  test("leaves the count alone where it has none, and brings the first", () => {
    const count = { nan: 1, inf: 0, ninf: 0 };
    expect(joinColumns(series([1], count), series([2]))?.nonfinite).toEqual(count);
    expect(joinColumns(series([1]), series([2], count))?.nonfinite).toEqual(count);
    expect(joinColumns(series([1]), series([2]))).not.toHaveProperty("nonfinite");
  });
});
