/* From a scene to strokes: the frame, the marks of each mode, and what lies under the pointer. */

import { boxFor, crisp, drawAxes, inBox, tickCount, type Box } from "../../draw/axes";
import { drawBands, type Bands } from "../../draw/bands";
import { drawHeat } from "../../draw/heat";
import { LABEL_FONT, type Inks } from "../../draw/ink";
import type { Pen } from "../../draw/pen";
import { drawRidge, heightAt, outlinePath, rowsIn, strokeRidge, type Outline, type Rows } from "../../draw/ridge";
import { linear, padded, type Scale, type Tick } from "../../draw/scale";
import { count, short } from "../../format";
import { heightOf, nonfinite, rowNear, type Scene } from "./scene";
import { bucketAt, nearest, type Range, type Spread } from "./spread";

export interface Look {
  readonly inks: Inks;
  readonly color: string;
}

/** A laid-out picture: draw it, or ask what is where. */
export interface Picture {
  readonly box: Box;
  readonly draw: (pen: Pen) => void;
  /** Marks over the picture for the histogram of a step (and, where the pointer is, a value). */
  readonly mark: (pen: Pen, spread: Spread, value: number | null) => void;
  /** The histogram under a point, and the value there; null outside the box. */
  readonly under: (x: number, y: number) => { readonly spread: Spread; readonly value: number } | null;
  /** Where steps are: along x or down y. */
  readonly stepAt: (x: number, y: number) => number;
  /** Steps run downwards and not to the right. */
  readonly upright: boolean;
}

/** Lay out a scene in width × height CSS pixels; null when it holds nothing to draw. */
export function layOut(pen: Pen, scene: Scene, look: Look, width: number, height: number): Picture | null {
  if (scene.values === null || scene.spreads.length === 0) return null;
  const parts = { scene, look, width, height, values: scene.values };
  if (scene.mode === "ridge") return ridge(pen, parts);
  if (scene.mode === "overlay") return overlay(pen, parts);
  return along(pen, parts);
}

interface Parts {
  readonly scene: Scene;
  readonly look: Look;
  readonly width: number;
  readonly height: number;
  readonly values: Range;
}

function outlines({ scene, values: [low, high] }: Parts): readonly Outline[] {
  return scene.rows.map(({ counts }) => ({
    low,
    high,
    heights: counts.map((n) => heightOf(n, scene.most, scene.log)),
  }));
}

/** How strong a row is drawn: the newest strongest. */
function strengthOf(row: number, rows: number): number {
  return rows <= 1 ? 0.55 : 0.12 + 0.5 * (row / (rows - 1));
}

// ------------------------------------------------------------------------------------------------------- ridges

function ridge(pen: Pen, parts: Parts): Picture {
  const { scene, look, width, height, values } = parts;
  pen.font = LABEL_FONT;
  const widest = Math.max(...scene.rows.map(({ spread }) => pen.measureText(stepLabel(spread.step)).width), 12);
  const box: Box = { left: 10, top: 8, right: width - Math.ceil(widest) - 14, bottom: height - 22 };
  const x = linear(values, [box.left, box.right]);
  const shapes = outlines(parts);
  const rows = rowsIn(box, shapes.length);
  return {
    box,
    upright: true,
    draw: (to) => {
      drawValueAxis(to, look.inks, box, x);
      shapes.forEach((shape, i) => {
        const place = { base: rows.base(i), amplitude: rows.amplitude };
        const strength = strengthOf(i, shapes.length);
        drawBase(to, look.inks, box, place.base);
        drawRidge(to, shape, x, place, { paper: look.inks.paper, color: look.color, strength, line: 1 });
      });
      drawStepLabels(to, parts, box, rows);
    },
    mark: (to, spread, value) => markRow(to, parts, box, x, rows, shapes, rowNear(scene, spread.step), value),
    under: (px, py) => {
      const row = rowUnder(rows, shapes, x.from(px), py);
      const spread = scene.rows[row]?.spread;
      return spread === undefined || !inside(box, px, py) ? null : { spread, value: x.from(px) };
    },
    stepAt: (_, py) => scene.rows[nearestBase(rows, shapes.length, py)]?.spread.step ?? NaN,
  };
}

function drawValueAxis(pen: Pen, inks: Inks, box: Box, x: Scale): void {
  drawAxes(pen, inks, box, x, x.ticks(tickCount(box.right - box.left, 64)), linear([0, 1], [box.bottom, box.top]), []);
}

function drawStepLabels(pen: Pen, { scene, look }: Parts, box: Box, rows: Rows): void {
  pen.save();
  pen.font = LABEL_FONT;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillStyle = look.inks.soft;
  let last = Infinity;
  // From the newest up, so that the newest always has its label.
  for (let i = scene.rows.length - 1; i >= 0; i--) {
    const at = rows.base(i);
    if (last - at < 13) continue;
    pen.fillText(stepLabel(scene.rows[i]?.spread.step ?? NaN), box.right + 10, Math.min(at - 3, box.bottom - 4));
    last = at;
  }
  // Also of steps that are no row of their own: a lone NaN stays visible.
  for (const spread of scene.spreads) {
    if (nonfinite(spread) > 0) drawWarning(pen, look.inks, box.right + 4, baseOf(scene, rows, spread.step) - 3);
  }
  pen.restore();
}

/** Where the base line of a step lies or would lie. */
function baseOf(scene: Scene, rows: Rows, step: number): number {
  const after = scene.rows.findIndex((row) => row.spread.step >= step);
  if (after <= 0) return rows.base(after < 0 ? scene.rows.length - 1 : 0);
  const [from, to] = [scene.rows[after - 1]?.spread.step ?? step, scene.rows[after]?.spread.step ?? step];
  return rows.base(after - 1) + (rows.base(after) - rows.base(after - 1)) * ((step - from) / (to - from || 1));
}

function drawBase(pen: Pen, inks: Inks, box: Box, base: number): void {
  pen.strokeStyle = inks.grid;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(box.left, crisp(base));
  pen.lineTo(box.right, crisp(base));
  pen.stroke();
}

function markRow(
  pen: Pen,
  { look }: Parts,
  box: Box,
  x: Scale,
  rows: Rows,
  shapes: readonly Outline[],
  row: number,
  value: number | null,
): void {
  const shape = shapes[row];
  if (shape === undefined) return;
  const base = rows.base(row);
  outlinePath(pen, shape, x, base, rows.amplitude);
  pen.save();
  pen.globalAlpha = 0.85;
  pen.fillStyle = look.color;
  pen.fill();
  pen.restore();
  strokeRidge(pen, shape, x, { base, amplitude: rows.amplitude }, look.inks.text, 1.5);
  if (value === null) return;
  drawRule(pen, look.inks, box, x.to(value), true);
  drawDot(pen, look.inks, x.to(value), base - heightAt(shape, value) * rows.amplitude);
}

function nearestBase(rows: Rows, n: number, y: number): number {
  if (n <= 1) return 0;
  const step = rows.base(1) - rows.base(0);
  return Math.min(n - 1, Math.max(0, Math.ceil((y - rows.base(0)) / step)));
}

/** The front row whose area holds the point; where none does, the one that stands next below it. */
function rowUnder(rows: Rows, shapes: readonly Outline[], value: number, y: number): number {
  for (let i = shapes.length - 1; i >= 0; i--) {
    const shape = shapes[i];
    const base = rows.base(i);
    if (shape !== undefined && y <= base + 1 && y >= base - heightAt(shape, value) * rows.amplitude - 1) return i;
  }
  return nearestBase(rows, shapes.length, y);
}

// ------------------------------------------------------------------------------------------------------ overlay

function overlay(pen: Pen, parts: Parts): Picture {
  const { scene, look, width, height, values } = parts;
  const ticks = countTicks(scene, tickCount(height - 30, 42));
  const box = boxFor(
    pen,
    width,
    height,
    ticks.map((tick) => tick.label),
  );
  const x = linear(values, [box.left, box.right]);
  const room = (box.bottom - box.top) * 0.96;
  const y: Scale = {
    ...linear([0, 1], [box.bottom, box.bottom - room]),
    to: (n) => box.bottom - heightOf(n, scene.most, scene.log) * room,
  };
  const shapes = outlines(parts);
  const rows: Rows = { amplitude: room, base: () => box.bottom };
  return {
    box,
    upright: false,
    draw: (to) => {
      drawAxes(to, look.inks, box, x, x.ticks(tickCount(box.right - box.left, 64)), y, ticks);
      inBox(to, box, () =>
        shapes.forEach((shape, i) =>
          drawLine(to, look.color, shape, x, box.bottom, room, 1.6 * strengthOf(i, shapes.length)),
        ),
      );
    },
    mark: (to, spread, value) => markRow(to, parts, box, x, rows, shapes, rowNear(scene, spread.step), value),
    under: (px, py) => {
      if (!inside(box, px, py)) return null;
      const value = x.from(px);
      const tops = shapes.map((shape) => Math.abs(box.bottom - heightAt(shape, value) * room - py));
      const spread = scene.rows[tops.lastIndexOf(Math.min(...tops))]?.spread;
      return spread === undefined ? null : { spread, value };
    },
    stepAt: () => NaN,
  };
}

function drawLine(
  pen: Pen,
  color: string,
  shape: Outline,
  x: Scale,
  base: number,
  amplitude: number,
  alpha: number,
): void {
  pen.save();
  pen.globalAlpha = Math.min(1, alpha);
  strokeRidge(pen, shape, x, { base, amplitude }, color, 1.25);
  pen.restore();
}

function countTicks({ most, log }: Scene, wanted: number): readonly Tick[] {
  if (!log) return linear([0, most], [0, 1]).ticks(wanted);
  const ticks: Tick[] = [{ at: 0, label: "0" }];
  const decades = Math.floor(Math.log10(Math.max(1, most)));
  const every = Math.max(1, Math.ceil((decades + 1) / wanted));
  for (let e = 0; e <= decades; e += every) ticks.push({ at: 10 ** e, label: e < 5 ? count(10 ** e) : `1e${e}` });
  return ticks;
}

// ------------------------------------------------------------------------------------- bands and heat: steps to the right

function along(pen: Pen, parts: Parts): Picture {
  const { scene, look, width, height } = parts;
  const values = padded(parts.values, 0.02);
  const rough = linear(values, [0, 1]).ticks(tickCount(height - 30, 42));
  const box = boxFor(
    pen,
    width,
    height,
    rough.map((tick) => tick.label),
    scene.spreads.some((s) => nonfinite(s) > 0) ? 8 : 0,
  );
  const x = linear(scene.steps, [box.left + 2, box.right - 2], stepLabel);
  const y = linear(values, [box.bottom, box.top]);
  const xTicks = x.ticks(tickCount(box.right - box.left, 64)).filter((tick) => Number.isInteger(tick.at));
  const [low, high] = parts.values;
  const columns = {
    at: scene.rows.map((row) => row.spread.step),
    cells: scene.rows.map((row) => row.counts.map((n) => cellOf(n, scene))),
    low,
    high,
  };
  const curves = bandsOf(scene);
  return {
    box,
    upright: false,
    draw: (to) => {
      drawAxes(to, look.inks, box, x, xTicks, y, y.ticks(tickCount(box.bottom - box.top, 42)));
      inBox(to, box, () =>
        scene.mode === "heat" ? drawHeat(to, columns, x, y, look.color) : drawBands(to, curves, x, y, look.color),
      );
      for (const spread of scene.spreads)
        if (nonfinite(spread) > 0) drawWarning(to, look.inks, x.to(spread.step), box.top - 5);
    },
    mark: (to, spread, value) => {
      drawRule(to, look.inks, box, x.to(spread.step), true);
      if (value !== null) drawRule(to, look.inks, box, y.to(value), false);
    },
    under: (px, py) => {
      const spread = inside(box, px, py) ? nearest(scene.spreads, x.from(px)) : undefined;
      return spread === undefined ? null : { spread, value: y.from(py) };
    },
    stepAt: (px) => x.from(px),
  };
}

/** The curves of a scene over its steps. Where all histograms have one step, their bands have no width: one column then stands
 * for all of them, from the least of each lower curve to the greatest of each upper one, with the median of the newest. */
function bandsOf({ spreads, curves }: Scene): Bands {
  const step = spreads[0]?.step;
  if (step === undefined || spreads.length === 1 || spreads.at(-1)?.step !== step)
    return { at: spreads.map((spread) => spread.step), curves };
  const middle = (curves.length - 1) / 2;
  const column = curves.map((curve, k) => {
    const finite = curve.filter(Number.isFinite);
    if (finite.length === 0) return [NaN];
    return [k < middle ? Math.min(...finite) : k > middle ? Math.max(...finite) : (finite.at(-1) ?? NaN)];
  });
  return { at: [step], curves: column };
}

/** Strength of a heat cell. The root lifts the thin tails out of the paper. */
function cellOf(n: number, scene: Scene): number {
  return scene.log ? heightOf(n, scene.most, true) : Math.sqrt(n / scene.most);
}

// -------------------------------------------------------------------------------------------------------- small marks

function inside(box: Box, x: number, y: number): boolean {
  return x >= box.left && x <= box.right && y >= box.top - 8 && y <= box.bottom + 4;
}

function drawRule(pen: Pen, inks: Inks, box: Box, at: number, upright: boolean): void {
  pen.strokeStyle = inks.soft;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(upright ? crisp(at) : box.left, upright ? box.top : crisp(at));
  pen.lineTo(upright ? crisp(at) : box.right, upright ? box.bottom : crisp(at));
  pen.stroke();
}

function drawDot(pen: Pen, inks: Inks, x: number, y: number): void {
  pen.beginPath();
  pen.arc(x, y, 3, 0, Math.PI * 2);
  pen.fillStyle = inks.paper;
  pen.fill();
  pen.strokeStyle = inks.text;
  pen.lineWidth = 1.5;
  pen.stroke();
}

/** A small triangle: this histogram also has values that are not finite. */
function drawWarning(pen: Pen, inks: Inks, x: number, y: number): void {
  pen.beginPath();
  pen.moveTo(x, y - 4);
  pen.lineTo(x + 4, y + 3);
  pen.lineTo(x - 4, y + 3);
  pen.closePath();
  pen.fillStyle = inks.warn;
  pen.fill();
}

function stepLabel(step: number): string {
  return Math.abs(step) >= 1e7 ? short(step) : count(step);
}

/** The bucket of a histogram that holds a value, in words: range and count; null outside all of them. */
export function bucketWords(
  spread: Spread,
  value: number,
): { readonly left: string; readonly right: string; readonly last: boolean; readonly count: number } | null {
  const i = bucketAt(spread, value);
  if (i < 0) return null;
  return {
    left: short(spread.edge(i)),
    right: short(spread.edge(i + 1)),
    last: i === spread.counts.length - 1,
    count: spread.counts[i] ?? 0,
  };
}
