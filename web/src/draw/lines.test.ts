import { describe, expect, test } from "vitest";
import { INKS } from "./ink";
import { layOutLines } from "./layout";
import { nearest, type Line, type Look } from "./line";
import { drawLines } from "./lines";
import { SvgPen } from "./pen";

const LOOK: Look = { axis: "step", range: null, logX: false, logY: false, outliers: false, smoothedOnly: false };

function line(y: readonly number[], more: Partial<Line> = {}): Line {
  return {
    id: "a",
    label: "a",
    color: "#123456",
    x: y.map((_, i) => i),
    y,
    smooth: null,
    parts: [{ start: 0, stop: y.length, ghost: y.length }],
    ...more,
  };
}
function picture(
  lines: readonly Line[],
  look: Partial<Look> = {},
): { svg: string; layout: ReturnType<typeof layOutLines> } {
  const pen = new SvgPen(400, 200);
  const layout = layOutLines(pen, 400, 200, lines, { ...LOOK, ...look });
  drawLines(pen, INKS.light, layout, lines, { ...LOOK, ...look }, 1);
  return { svg: pen.toString(), layout };
}
/** How often the picture has a path in the colour of the line. */
const strokes = (svg: string, what = 'stroke="#123456"'): number => svg.split(what).length - 1;

describe("the picture of lines", () => {
  test.each([
    ["no point", []],
    ["one point", [3]],
    ["only NaN", [NaN, NaN, NaN]],
    ["only infinities", [Infinity, -Infinity]],
    ["a constant", [2, 2, 2, 2]],
    ["the whole range of a float", [-1e308, 1e308, 5e-324]],
  ])("of %s is drawn without a broken number", (_, y) => {
    for (const logY of [false, true]) {
      const { svg } = picture([line(y)], { logY, outliers: true });
      expect(svg).not.toMatch(/(NaN|Infinity)[^<]*"/);
    }
  });

  test("counts what is no number, and marks it at the edge", () => {
    const { layout, svg } = picture([line([1, NaN, 2, Infinity, -Infinity, 3])]);
    expect(layout).toMatchObject({ points: 6 });
    expect(svg.match(/Z" fill="#123456"/g)?.length).toBeGreaterThanOrEqual(2);
  });

  test("shows a value that stands alone between NaN as a dot", () => {
    const values = Array.from({ length: 200 }, (_, i) => (i % 2 ? NaN : 1));
    const { svg } = picture([line(values)]);
    expect((svg.match(/a2.2 2.2/g) ?? []).length).toBeGreaterThanOrEqual(100);
  });

  test("contains every extreme, however many points fall on one pixel", () => {
    const values = Array.from({ length: 100_000 }, (_, i) => Math.sin(i / 3000));
    values[54_321] = 9;
    values[54_322] = -9;
    const { svg, layout } = picture([line(values)]);
    expect(svg).toContain(` ${Math.round(layout.y.to(9) * 100) / 100}`);
    expect(svg).toContain(` ${Math.round(layout.y.to(-9) * 100) / 100}`);
    expect(svg.length).toBeLessThan(100_000);
  });

  test("with outliers left out says how many are outside; without, none is", () => {
    const values = Array.from({ length: 100 }, (_, i) => (i === 50 ? 1e6 : i % 10));
    expect(picture([line(values)]).layout.clipped).toBe(0);
    const { layout } = picture([line(values)], { outliers: true });
    expect(layout.clipped).toBe(1);
    expect(layout.y.domain[1]).toBeLessThan(20);
  });

  test("on a logarithmic scale says how many values have no place", () => {
    expect(picture([line([0, -1, 1, 10, 100])], { logY: true }).layout).toMatchObject({ unplaced: 2 });
  });

  test("draws the part of an older start that was overtaken as a ghost", () => {
    const two: Line = {
      ...line([]),
      x: [0, 1, 2, 3, 2, 3, 4],
      y: [1, 2, 3, 4, 8, 9, 10],
      parts: [
        { start: 0, stop: 4, ghost: 2 },
        { start: 4, stop: 7, ghost: 7 },
      ],
    };
    const { svg } = picture([two]);
    expect(svg).toContain("stroke-dasharray");
    expect(strokes(svg)).toBe(3);
    expect(nearest(two, 2, true)).toBe(4);
    expect(nearest(two, 0.4, true)).toBe(0);
  });

  test("zoomed in scales y to what is seen, the way in and out included", () => {
    const { layout } = picture([line([100, 1, 2, 3, 100])], { range: [1.2, 2.8] });
    expect(layout.x.domain).toEqual([1.2, 2.8]);
    expect(layout.y.domain[1]).toBeLessThan(4);
    expect(layout.points).toBe(1);
  });

  test("escapes what a label holds", () => {
    const pen = new SvgPen(10, 10);
    pen.fillText('<script>"&', 0, 0);
    expect(pen.toString()).not.toContain("<script>");
  });
});
