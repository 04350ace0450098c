/* Ridges, bands and heat, as the strokes that they are. */

import { describe, expect, test } from "vitest";
import { drawBands, stretches } from "./bands";
import { columnEdges, drawHeat } from "./heat";
import { SvgPen, type Pen } from "./pen";
import { drawRidge, heightAt, rowsIn, strokeRidge } from "./ridge";
import { linear } from "./scale";

const X = linear([0, 10], [0, 100]);
const Y = linear([0, 10], [100, 0]);
function svg(draw: (pen: Pen) => void): string {
  const pen = new SvgPen(100, 100);
  draw(pen as unknown as Pen);
  return pen.toString();
}

describe("ridges", () => {
  const outline = { low: 0, high: 10, heights: [0, 0, 1, 0.5, 0, 0, 0, 0, 0, 1] };
  test("rows fill the box from top to bottom, and one row is the whole box", () => {
    const box = { left: 0, right: 100, top: 10, bottom: 210 };
    const rows = rowsIn(box, 20);
    expect(rows.base(0) - rows.amplitude).toBeCloseTo(10);
    expect(rows.base(19)).toBeCloseTo(210);
    expect(rowsIn(box, 1).base(0)).toBe(210);
  });
  test("the line is drawn only where something rises", () => {
    const paths = svg((pen) => strokeRidge(pen, outline, X, { base: 50, amplitude: 40 }, "red", 1));
    const [, path = ""] = / d="([^"]*)"/.exec(paths) ?? [];
    expect(path).toBe("M15 50L25 10L35 30L45 50M85 50L95 10L100 50");
  });
  test("a row hides what is behind it", () => {
    const look = { paper: "white", color: "red", strength: 0.5, line: 1 };
    const drawn = svg((pen) => drawRidge(pen, outline, X, { base: 50, amplitude: 40 }, look));
    expect(drawn.indexOf('fill="white"')).toBeLessThan(drawn.indexOf('fill="red"'));
  });
  test("the height between bins is between theirs", () => {
    expect([2.5, 3, 3.5, 9.5, 10, 11].map((v) => heightAt(outline, v))).toEqual([1, 0.75, 0.5, 1, 0.5, 0]);
  });
});

describe("bands", () => {
  test("finite stretches are found", () => {
    expect(stretches([1, 2, NaN, 3, NaN, NaN, 4, 5])).toEqual([
      [0, 2],
      [3, 4],
      [6, 8],
    ]);
    expect(stretches([])).toEqual([]);
  });
  test("a gap is a gap, and a lone histogram is seen", () => {
    const curve = [1, 2, NaN, 3];
    const drawn = svg((pen) =>
      drawBands(pen, { at: [0, 1, 2, 3], curves: [curve, curve, curve.map((v) => v + 2)] }, X, Y, "red"),
    );
    expect(drawn).not.toContain("NaN");
    expect(drawn.match(/<path/g)).toHaveLength(4);
    expect(drawn).toContain("M28 50h4v20h-4Z");
  });
});

describe("heat", () => {
  test("columns meet without seam or overlap", () => {
    const at = [0, 1, 2, 5, 9, 9.5];
    const edges = at.map((_, i) => columnEdges(at, i, X));
    edges.slice(1).forEach(([left], i) => expect(left).toBe(edges[i]?.[1]));
  });
  test("columns that share a pixel are one, as strong as the strongest", () => {
    const at = [5, 5.01, 5.02, 9];
    const cells = [
      [0.1, 0],
      [1, 0],
      [0.2, 0],
      [0, 0],
    ];
    const drawn = svg((pen) => drawHeat(pen, { at, cells, low: 0, high: 10 }, X, Y, "red"));
    expect(drawn.match(/<rect/g)).toHaveLength(1);
    expect(drawn).not.toContain("opacity");
  });
  test("a lone column has a width", () => {
    expect(svg((pen) => drawHeat(pen, { at: [5], cells: [[1]], low: 0, high: 10 }, X, Y, "red"))).toContain(
      'width="12"',
    );
  });
});
