/* From series and options to what is drawn, and the drawing itself as SVG. */

import { describe, expect, test } from "vitest";
import { INKS } from "../../draw/ink";
import type { Pen } from "../../draw/pen";
import { SvgPen } from "../../draw/pen";
import type { Series } from "../../wire";
import { layOut } from "./picture";
import {
  DEFAULTS,
  heightOf,
  MODES,
  nonfinite,
  rowNear,
  sceneOf,
  toCsv,
  type HistogramOptions,
  type Scene,
} from "./scene";

/** n histograms of `counts` between −1 and 1, one a step. */
function series(n: number, counts: readonly number[] = [1, 2, 3, 4], rest: Partial<Series> = {}): Series {
  const columns = {
    step: Float64Array.from({ length: n }, (_, i) => i),
    time: Float64Array.from({ length: n }, (_, i) => 1e9 + i),
    counts: Uint32Array.from({ length: n * counts.length }, (_, i) => counts[i % counts.length] ?? 0),
    offsets: Uint32Array.from({ length: n + 1 }, (_, i) => i * counts.length),
    edges: Float64Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? -1 : 1)),
    edge_offsets: Uint32Array.from({ length: n + 1 }, (_, i) => 2 * i),
    nonfinite: new Float64Array(3 * n),
  };
  const segments = [{ start: 0, stop: n, ghost_from: null }];
  return { run: "r", total: n, exact: true, cursor: n, since: 0, origin: 0, segments, columns, shapes: {}, ...rest };
}
function scene(patch: Partial<HistogramOptions> = {}, of = series(200), zoom?: readonly [number, number]): Scene {
  return sceneOf(of, { ...DEFAULTS, ...patch }, zoom, 300);
}
function drawn(of: Scene, width = 400, height = 300): string {
  const pen = new SvgPen(width, height) as unknown as Pen & SvgPen;
  layOut(pen, of, { inks: INKS.light, color: "#123456" }, width, height)?.draw(pen);
  return pen.toString();
}

describe("the scene", () => {
  test("ridges show some rows with both ends, bands and heat all steps", () => {
    const ridge = scene();
    expect(ridge.rows.length).toBeLessThanOrEqual(50);
    expect([ridge.rows[0]?.spread.step, ridge.rows.at(-1)?.spread.step]).toEqual([0, 199]);
    expect(scene({ mode: "heat" }).rows).toHaveLength(200);
    expect(scene({ mode: "bands" }).curves.map((curve) => curve.length)).toEqual(Array(7).fill(200));
  });
  test("an unknown shape is ridges", () => {
    expect(scene({ mode: "pie" }).mode).toBe("ridge");
  });
  test("a zoom wins over the steps of the page, and both choose whole histograms", () => {
    expect(scene({ steps: "10,20" }).spreads).toHaveLength(11);
    expect(scene({ steps: "10,20" }, series(200), [100, 104]).spreads.map((s) => s.step)).toEqual([
      100, 101, 102, 103, 104,
    ]);
  });
  test("a range of values is the grid", () => {
    const some = scene({ values: "0,", bins: 10 });
    expect(some.values).toEqual([0, 1]);
    expect(some.rows[0]?.counts.reduce((a, b) => a + b)).toBeCloseTo(7, 12);
  });
  test("bins stay within reason", () => {
    expect(scene({ bins: 1e9 }).rows[0]?.counts).toHaveLength(500);
    expect(scene({ bins: -3 }).rows[0]?.counts).toHaveLength(2);
  });
  test("nothing at all is no picture", () => {
    expect(scene({}, series(0)).values).toBeNull();
    expect(drawn(scene({}, series(0)))).not.toContain("path");
    expect(scene({}, series(3, [])).values).toBeNull();
  });
  test("heights are shares of the greatest count, or of its logarithm", () => {
    expect([0, 5, 10, 20].map((n) => heightOf(n, 10, false))).toEqual([0, 0.5, 1, 1]);
    expect(heightOf(0, 10, true)).toBe(0);
    expect(heightOf(10, 10, true)).toBe(1);
    expect(heightOf(1, 1000, true)).toBeGreaterThan(0.09);
  });
  test("the row of a step is the nearest drawn one", () => {
    const ridge = scene();
    expect(rowNear(ridge, -7)).toBe(0);
    expect(rowNear(ridge, 1e9)).toBe(ridge.rows.length - 1);
    expect(rowNear(scene({}, series(0)), 3)).toBe(-1);
  });
});

describe("the picture", () => {
  test.each(MODES)("%s is drawn in the run's colour, with labels, and no coordinate is NaN", (mode) => {
    for (const n of [1, 2, 200]) {
      const svg = drawn(scene({ mode }, series(n)));
      expect(svg).toContain("#123456");
      expect(svg).toContain("<text");
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
  });
  test("every step with a value that is not finite has a mark, also when it is no row", () => {
    const broken = series(200);
    for (const step of [3, 77]) broken.columns.nonfinite?.set([1], 3 * step);
    for (const mode of MODES.filter((one) => one !== "overlay")) {
      expect(drawn(scene({ mode }, broken)).split(INKS.light.warn)).toHaveLength(3);
    }
    expect(
      scene({}, broken)
        .spreads.map(nonfinite)
        .filter((n) => n > 0),
    ).toEqual([1, 1]);
  });
  test("quantiles of histograms that all have one step are one column over all of them", () => {
    const several = series(3);
    several.columns.step?.fill(7);
    several.columns.edges?.set([-1, 1, -4, 0, 0, 8]);
    const bands = scene({ mode: "bands" }, several);
    const columns = [...drawn(bands).matchAll(/<path d="M[\d.]+ ([\d.]+)h4v([\d.]+)h-4Z" fill="#123456"/g)];
    expect(columns).toHaveLength(3);
    const picture = layOut(
      new SvgPen(400, 300) as unknown as Pen,
      bands,
      { inks: INKS.light, color: "#123456" },
      400,
      300,
    );
    const [top = NaN, high = NaN] = columns[0]?.slice(1).map(Number) ?? [];
    expect(picture?.under(200, top)?.value).toBeCloseTo(8, 1);
    expect(picture?.under(200, top + high)?.value).toBeCloseTo(-4, 1);
  });
  test("what is under a point is the step and the value there", () => {
    const pen = new SvgPen(400, 300) as unknown as Pen;
    const look = { inks: INKS.dark, color: "#abc" };
    for (const mode of MODES) {
      const picture = layOut(pen, scene({ mode }), look, 400, 300);
      const { box } = picture ?? { box: { left: 0, right: 0, top: 0, bottom: 0 } };
      const found = picture?.under((box.left + box.right) / 2, (box.top + box.bottom) / 2);
      expect(found?.value).toBeCloseTo(0, 9);
      expect(found?.spread.step).toBeGreaterThanOrEqual(0);
      expect(picture?.under(box.right + 50, box.top)).toBeNull();
    }
    const bands = layOut(pen, scene({ mode: "bands" }), look, 400, 300);
    expect(bands?.under(bands.box.left + 2, 100)?.spread.step).toBe(0);
    expect(bands?.under(bands.box.right - 2, 100)?.spread.step).toBe(199);
  });
});

describe("the file", () => {
  test("has a row a bucket, and one for each sort of value that is not finite", () => {
    const some = series(2, [5, 6]);
    some.columns.nonfinite?.set([1, 0, 2], 3);
    const [head, ...rows] = toCsv("train", scene({}, some).spreads).trimEnd().split("\n");
    expect(head).toBe("run,step,time,left,right,count");
    expect(rows).toEqual([
      "train,0,1000000000,-1,0,5",
      "train,0,1000000000,0,1,6",
      "train,1,1000000001,-1,0,5",
      "train,1,1000000001,0,1,6",
      "train,1,1000000001,nan,nan,1",
      "train,1,1000000001,-inf,-inf,2",
    ]);
  });
  test("no run name is a formula or breaks a row", () => {
    expect(toCsv("=cmd()", scene({}, series(1, [1])).spreads)).toContain('\n"\'=cmd()",0,');
    expect(toCsv('a"b,c', scene({}, series(1, [1])).spreads)).toContain('\n"a""b,c",0,');
  });
});
