import { describe, expect, test } from "vitest";
import { Kept, rasterise } from "./dense";
import { INKS } from "./ink";
import { layOutLines, type Layout } from "./layout";
import type { Line, Look } from "./line";
import { SvgPen } from "./pen";
import { Raster } from "./raster";

const LOOK: Look = { axis: "step", range: null, logX: false, logY: false, outliers: false, smoothedOnly: false };
const [WHITE, BLACK] = [0xffffff, 0x000000];

function line(y: ArrayLike<number>, more: Partial<Line> = {}): Line {
  const parts = [{ start: 0, stop: y.length, ghost: y.length }];
  return { id: "a", label: "a", color: "#000000", x: Array.from(y, (_, i) => i), y, smooth: null, parts, ...more };
}
function picture(
  lines: readonly Line[],
  look: Partial<Look> = {},
  ratio = 1,
): { layout: Layout; dots: number; ink: (x: number, y: number) => number } {
  const pen = new SvgPen(400, 200);
  const layout = layOutLines(pen, 400, 200, lines, { ...LOOK, ...look });
  const { pixels, left, dots } = rasterise(pen, INKS.light, layout, lines, { ...LOOK, ...look }, ratio);
  // How dark the darkest pixel around a place is, 0 … 255.
  const ink = (x: number, y: number): number => {
    let darkest = 255;
    for (const c of [-1, 0, 1])
      for (const r of [-1, 0, 1]) {
        const [column, row] = [Math.floor(x * ratio) - left + c, Math.floor(y * ratio) + r];
        if (column >= 0 && column < pixels.width && row >= 0 && row < pixels.height)
          darkest = Math.min(darkest, pixels.at(column, row) & 0xff);
      }
    return 255 - darkest;
  };
  return { layout, dots: dots.length, ink };
}

describe("the raster", () => {
  test("puts down as much ink as a line is long, in any direction", () => {
    for (const [dx, dy] of [
      [40, 0],
      [0, 40],
      [40, 13],
      [-13, 40],
      [-40, -25],
    ] as const) {
      const raster = new Raster();
      raster.begin(100, 100, WHITE);
      raster.line(50.5, 50.5, 50.5 + dx, 50.5 + dy, BLACK);
      let ink = 0;
      for (let row = 0; row < 100; row++) for (let c = 0; c < 100; c++) ink += 1 - (raster.at(c, row) & 0xff) / 255;
      expect(ink).toBeGreaterThan(39);
      expect(ink).toBeLessThan(41);
    }
  });

  test("blends a stretch of a column by its share, in the colour that was asked for", () => {
    const raster = new Raster();
    raster.begin(3, 10, WHITE);
    raster.span(1, 3, 6.25, 0x0000ff, 256);
    expect([1, 2, 3, 5, 6, 7].map((row) => raster.at(1, row) & 0xff)).toEqual([255, 127, 0, 0, 63, 255]);
    expect(raster.at(1, 4)).toBe(0xff0000);
    expect([raster.at(0, 4), raster.at(2, 4)]).toEqual([WHITE, WHITE]);
  });

  test("leaves out what lies outside, wherever", () => {
    const raster = new Raster();
    raster.begin(10, 10, WHITE);
    for (const far of [-1e9, -40, 40, 1e9]) {
      raster.line(far, 5, far + 1, 6, BLACK);
      raster.line(5, far, 6, far + 1, BLACK);
      raster.span(4, far, far + 2, BLACK, 256);
      raster.span(far, 4, 6, BLACK, 256);
      raster.point(far, far, BLACK);
    }
    for (let i = 0; i < 100; i++) expect(raster.at(i % 10, Math.floor(i / 10))).toBe(WHITE);
  });
});

describe("the picture of many points", () => {
  test.each([
    ["no point", []],
    ["one point", [3]],
    ["only NaN", [NaN, NaN, NaN]],
    ["only infinities", [Infinity, -Infinity]],
    ["the whole range of a float", [-1e308, 1e308, 5e-324]],
  ])("of %s is drawn", (_, y) => {
    for (const logY of [false, true]) picture([line(y, { smooth: y })], { logY, outliers: true });
  });

  test.each([1, 1.5, 2])("shows every extreme, raw and smoothed, at %d device pixels a CSS pixel", (ratio) => {
    const y = Float64Array.from({ length: 100_000 }, (_, i) => Math.sin(i / 3000));
    y[54_321] = 9;
    y[54_322] = -9;
    for (const smooth of [null, new Float64Array(y.length)]) {
      const { layout, ink } = picture([line(y, { smooth })], {}, ratio);
      const x = layout.x.to(54_321);
      for (const value of [9, -9]) expect(ink(x, layout.y.to(value))).toBeGreaterThan(smooth === null ? 120 : 25);
      expect(ink(layout.x.to(20_000), layout.y.to(5))).toBeLessThan(20);
    }
  });

  test("joins points that are many columns apart, also where the next one lies far outside", () => {
    const { layout, ink } = picture([line([0, 10, 0], { x: [0, 50, 1e7] })], { range: [0, 100] });
    expect(ink(layout.x.to(25), layout.y.to(5))).toBeGreaterThan(100);
    expect(ink(layout.x.to(99), layout.y.to(10))).toBeGreaterThan(100);
  });

  test("leaves a gap where a value is no number, and a disc for a value that stands alone", () => {
    const y = Array.from({ length: 300 }, (_, i) => (i >= 100 && i <= 200 && i !== 150 ? NaN : i % 2));
    const { layout, ink, dots } = picture([line(y)]);
    expect(ink(layout.x.to(50), layout.y.to(0.5))).toBeGreaterThan(100);
    expect(ink(layout.x.to(125), layout.y.to(0.7))).toBeLessThan(20);
    expect(dots).toBe(1);
  });

  test("draws what a later start overtook paler, and with gaps", () => {
    const x = Float64Array.from({ length: 4000 }, (_, i) => i % 2000);
    const y = Float64Array.from({ length: 4000 }, (_, i) => (i < 2000 ? 1 : 2));
    const parts = [
      { start: 0, stop: 2000, ghost: 0 },
      { start: 2000, stop: 4000, ghost: 4000 },
    ];
    const { layout, ink } = picture([line(y, { x, parts })]);
    const along = (value: number): number[] =>
      Array.from({ length: 60 }, (_, i) => ink(layout.box.left + 40 + i, layout.y.to(value)));
    expect(Math.min(...along(2))).toBeGreaterThan(120);
    expect(Math.max(...along(1))).toBeLessThan(120);
    expect(Math.max(...along(1))).toBeGreaterThan(50);
    expect(Math.min(...along(1))).toBeLessThan(40);
  });

  test("is the same with what was kept of the one before, whatever has changed since", () => {
    const pen = new SvgPen(400, 200);
    const steps = Float64Array.from({ length: 4000 }, (_, i) => i);
    const raw = [Math.sin, Math.cos].map((of) => Float64Array.from({ length: 4000 }, (_, i) => of(i / 300)));
    const smoothed = (by: number, dx = 0): Line[] =>
      raw.map((y, i) => {
        const x = Array.from(y, (_, step) => step + dx);
        return line(y, { id: String(i), ...(dx === 0 ? { x: steps } : { x }), smooth: y.map((value) => value * by) });
      });
    const kept = new Kept();
    const moves: [Line[], Partial<Look>][] = [
      [smoothed(0.9), {}],
      [smoothed(0.8), {}],
      [smoothed(0.7), {}],
      [smoothed(0.6), { range: [100, 900] }],
      [smoothed(0.5), { range: [100, 900] }],
      [smoothed(0.4), { range: [100, 900], smoothedOnly: true }],
      [smoothed(0.4).slice(1), {}],
      [smoothed(0.3).slice(1), {}],
      [smoothed(0.3, 7).slice(1), {}],
      [smoothed(0.2).map((one) => ({ ...one, color: "#ff0000" })), {}],
      [smoothed(0.1).map((one) => ({ ...one, color: "#ff0000" })), { logY: true }],
    ];
    for (const [lines, look] of moves) {
      const whole = { ...LOOK, ...look };
      const layout = layOutLines(pen, 400, 200, lines, whole);
      const fresh = rasterise(pen, INKS.light, layout, lines, whole, 1).pixels.copy();
      const again = rasterise(pen, INKS.light, layout, lines, whole, 1, kept).pixels.copy();
      expect(again.every((pixel, at) => pixel === fresh[at])).toBe(true);
    }
  });
});
