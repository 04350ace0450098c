/* The picture of many points: the same as drawLines makes, its lines put pixel by pixel. Only for the screen; what is saved is strokes. */

import { drawAxes, inBox } from "./axes";
import type { Inks } from "./ink";
import type { Layout } from "./layout";
import { windowOf, type Line, type Look } from "./line";
import { dot, drawDots, drawMarks, faintness, isSparse } from "./lines";
import type { Pen } from "./pen";
import { packed, Raster } from "./raster";
import type { Scale } from "./scale";

/** One picture is drawn at a time, so all share the memory. */
const raster = new Raster();
const GHOST = 0.45;
/** A canvas blends a line that turns back within a pixel more than once; here every pixel is blended once, so raw lines are a little stronger. */
const ONCE = 1.35;
const DASH = 3;

/** From values to pixels of the raster. A straight scale is a product and a sum; any other is asked. */
interface Place {
  readonly x: Scale;
  readonly y: Scale;
  readonly ratio: number;
  readonly left: number;
  readonly top: number;
  readonly bottom: number;
}
/** The points [from, to) of two columns. */
interface Stretch {
  readonly xs: ArrayLike<number>;
  readonly ys: ArrayLike<number>;
  readonly from: number;
  readonly to: number;
}

/** Everything of the picture but the cursor, on a canvas of `ratio` device pixels a CSS pixel. */
export function drawDense(
  pen: CanvasRenderingContext2D,
  inks: Inks,
  layout: Layout,
  lines: readonly Line[],
  look: Look,
  ratio: number,
  kept?: Kept,
): void {
  const { box, x, y } = layout;
  drawAxes(pen, inks, box, x, layout.xTicks, y, layout.yTicks);
  const { pixels, left, dots } = rasterise(pen, inks, layout, lines, look, ratio, kept);
  if (pixels.width === 0 || pixels.height === 0) return;
  pen.putImageData(pixels.image(), left, 0);
  inBox(pen, { ...box, left: box.left - 1, top: 0, right: box.right + 4, bottom: box.bottom + 1 }, () => {
    drawAllDots(pen, dots, layout);
    for (const line of lines) drawMarks(pen, layout, line, look);
  });
}

/** The pixels of the lines and what is behind them, until the next picture; left: their first column on the canvas, in device pixels. */
export function rasterise(
  pen: Pen,
  inks: Inks,
  layout: Layout,
  lines: readonly Line[],
  look: Look,
  ratio: number,
  kept?: Kept,
): { readonly pixels: Raster; readonly left: number; readonly dots: readonly Dots[] } {
  const { box, x, y } = layout;
  const left = Math.floor((box.left - 1) * ratio);
  const width = Math.max(0, Math.ceil((box.right + 4) * ratio) - left);
  const height = Math.max(0, Math.ceil((box.bottom + 1) * ratio));
  raster.begin(width, height, packed(inks.paper, pen));
  const reach = 4000 * ratio;
  const place: Place = { x, y, ratio, left, top: -reach, bottom: height + reach };
  const colors = lines.map((line) => packed(line.color, pen));
  const under = kept?.under(inks, layout, lines, look, ratio) ?? null;
  const dots: Dots[] = [];
  if (under !== null) {
    raster.put(under.pixels);
    dots.push(...under.dots);
  } else {
    drawGrid(pen, inks, layout, ratio, left);
    lines.forEach((line, i) => drawGhosts(place, line, look, colors[i] as number));
    lines.forEach((line, i) => {
      if (line.smooth === null || look.smoothedOnly) return;
      drawLine(place, line, line.y, look, colors[i] as number, ONCE * faintness(lines.length), dots);
    });
    kept?.keep(raster, dots);
  }
  lines.forEach((line, i) => drawLine(place, line, line.smooth ?? line.y, look, colors[i] as number, 1, dots));
  return { pixels: raster, left, dots };
}

interface Under {
  readonly pixels: Uint32Array;
  readonly dots: readonly Dots[];
}

/** What of a picture stands below its smoothed lines, from one drawing to the next: while a slider moves, the raw lines stay as they are.
 * Copied when a picture is drawn for the second time with the same raw lines, so that pictures that rest keep nothing. */
export class Kept {
  /** What the picture was made of. */
  #made: readonly unknown[] = [];
  #again = false;
  #under: Under | null = null;

  /** What was kept of a picture with the same raw lines at the same places; null when there is none. */
  under(inks: Inks, layout: Layout, lines: readonly Line[], look: Look, ratio: number): Under | null {
    const made = ingredients(inks, layout, lines, look, ratio);
    this.#again = made.length > 0 && made.length === this.#made.length && made.every((one, i) => one === this.#made[i]);
    this.#made = made;
    if (!this.#again) this.#under = null;
    return this.#under;
  }

  /** The picture as it is now is what is below the smoothed lines. */
  keep(pixels: Raster, dots: readonly Dots[]): void {
    if (this.#again) this.#under = { pixels: pixels.copy(), dots: [...dots] };
  }
}

/** All that a picture's raw lines depend on; nothing where the smoothing decides about what is below them, too. */
function ingredients(
  inks: Inks,
  { box, x, y }: Layout,
  lines: readonly Line[],
  look: Look,
  ratio: number,
): readonly unknown[] {
  if (look.smoothedOnly || lines.some(({ smooth, parts }) => smooth === null || parts.some((p) => p.ghost < p.stop)))
    return [];
  const { axis, range, logX, logY } = look;
  const where = [box.left, box.top, box.right, box.bottom, ...x.domain, ...y.domain, ratio];
  return [inks, axis, range?.[0], range?.[1], logX, logY, ...where, ...lines.flatMap((l) => [l.x, l.y, l.color])];
}

/** The grid and the axis as drawAxes has them, which the raster covers. */
function drawGrid(pen: Pen, inks: Inks, layout: Layout, ratio: number, left: number): void {
  const { box } = layout;
  const width = Math.max(1, Math.round(ratio));
  const [a, b] = [Math.round(box.left * ratio) - left, Math.round(box.right * ratio) - left];
  const grid = packed(inks.grid, pen);
  const row = (at: number, color: number): void => {
    const top = Math.round(Math.floor(at) * ratio);
    raster.rect(a, top, b, top + width, color);
  };
  for (const tick of layout.yTicks) {
    if (!(tick.minor && layout.yTicks.length > 40)) row(layout.y.to(tick.at), grid);
  }
  for (const tick of layout.xTicks) {
    if (tick.minor) continue;
    const at = Math.round(Math.floor(layout.x.to(tick.at)) * ratio) - left;
    raster.rect(at, Math.round(box.top * ratio), at + width, Math.round(box.bottom * ratio), grid);
  }
  row(box.bottom, packed(inks.axis, pen));
}

/** How a translucent line is put down. dash: columns drawn and columns left out in turn, 0 for none. */
interface Ink {
  readonly color: number;
  /** 0 … 256. */
  readonly strength: number;
  readonly dash: number;
}

/** Points that are drawn as discs, over the raster. */
interface Dots {
  readonly color: string;
  readonly alpha: number;
  /** Points each of which gets a disc, */
  readonly every: Stretch | null;
  /** or lone ones: x, y, x, y … in CSS pixels. */
  readonly alone: readonly number[];
}

function drawAllDots(pen: Pen, dots: readonly Dots[], layout: Layout): void {
  for (const { color, alpha, every, alone } of dots) {
    pen.fillStyle = color;
    pen.globalAlpha = alpha;
    if (every !== null) drawDots(pen, layout, every.xs, every.ys, every.from, every.to);
    else for (let i = 0; i < alone.length; i += 2) dot(pen, alone[i] as number, alone[i + 1] as number, 2.2);
  }
  pen.globalAlpha = 1;
}

function drawLine(
  place: Place,
  line: Line,
  ys: ArrayLike<number>,
  look: Look,
  color: number,
  alpha: number,
  dots: Dots[],
): void {
  for (const part of line.parts) {
    const [from, b] = windowOf(line, part, look.range, look.axis === "step");
    const stretch = { xs: line.x, ys, from, to: Math.min(b, part.ghost) };
    if (stretch.to <= from) continue;
    const alone: number[] = [];
    if (alpha < 1) faint(place, stretch, { color, strength: Math.round(alpha * 256), dash: 0 }, alone);
    else solid(place, stretch, color, alone);
    const every = ys === line.y && isSparse(place.x, line.x, from, stretch.to) ? stretch : null;
    if (every !== null || alone.length > 0) dots.push({ color: line.color, alpha, every, alone });
  }
}

function drawGhosts(place: Place, line: Line, look: Look, color: number): void {
  for (const part of line.parts) {
    const [a, to] = windowOf(line, part, look.range, look.axis === "step");
    if (part.ghost >= to) continue;
    const stretch = { xs: line.x, ys: line.smooth ?? line.y, from: Math.max(a, part.ghost - 1), to };
    faint(place, stretch, { color, strength: Math.round(GHOST * 256), dash: Math.round(DASH * place.ratio) }, []);
  }
}

/** A translucent line: of every column of pixels the stretch that it touches, blended once, as a canvas does it. */
function faint(place: Place, { xs, ys, from, to }: Stretch, look: Ink, alone: number[]): void {
  const { x, y, ratio, left, top, bottom } = place;
  const [kx, bx] = x.line ?? [0, 0];
  const [ky, by] = y.line ?? [0, 0];
  let length = 0;
  let lastX = 0;
  let lastY = 0;
  // The column at hand and what the line touches of it.
  let column = 0;
  let low = 0;
  let high = 0;
  for (let i = from; i < to; i++) {
    const value = ys[i] as number;
    const px = (x.line === null ? x.to(xs[i] as number) : (xs[i] as number) * kx + bx) * ratio - left;
    let py = value - value !== 0 ? NaN : (y.line === null ? y.to(value) : value * ky + by) * ratio;
    if (!(py === py && px === px)) {
      if (length > 0) touch(column, low, high, look);
      if (length === 1) alone.push((lastX + left) / ratio, lastY / ratio);
      length = 0;
      continue;
    }
    py = py < top ? top : py > bottom ? bottom : py;
    const here = Math.floor(px);
    if (length > 0 && here === column) {
      if (py < low) low = py;
      if (py > high) high = py;
    } else {
      let entered = py;
      if (length > 0) {
        const slope = (py - lastY) / (px - lastX);
        const leaves = lastY + (column + (here > column ? 1 : 0) - lastX) * slope;
        touch(column, leaves < low ? leaves : low, leaves > high ? leaves : high, look);
        if (here - column > 1 || column - here > 1) cross(column, here, lastX, lastY, slope, look);
        entered = lastY + (here + (here > column ? 0 : 1) - lastX) * slope;
      }
      column = here;
      low = entered < py ? entered : py;
      high = entered < py ? py : entered;
    }
    length++;
    lastX = px;
    lastY = py;
  }
  if (length > 0) touch(column, low, high, look);
  if (length === 1) alone.push((lastX + left) / ratio, lastY / ratio);
}

/** The columns between two others that a line passes through whole; what lies outside the picture is jumped over. */
function cross(a: number, b: number, x: number, y: number, slope: number, look: Ink): void {
  const stop = Math.min(raster.width, Math.max(a, b));
  for (let column = Math.max(0, Math.min(a, b) + 1); column < stop; column++) {
    const at = y + (column - x) * slope;
    touch(column, Math.min(at, at + slope), Math.max(at, at + slope), look);
  }
}

function touch(column: number, low: number, high: number, { color, strength, dash }: Ink): void {
  if (dash === 0 || column % (2 * dash) < dash) raster.span(column, low, high, color, strength);
}

/** A line of full colour. Of several points in one column of pixels the first, the least, the greatest and the last are joined. */
function solid(place: Place, { xs, ys, from, to }: Stretch, color: number, alone: number[]): void {
  const { x, y, ratio, left, top, bottom } = place;
  const [kx, bx] = x.line ?? [0, 0];
  const [ky, by] = y.line ?? [0, 0];
  let length = 0;
  let lastX = 0;
  let lastY = 0;
  let column = 0;
  let low = 0;
  let high = 0;
  for (let i = from; i <= to; i++) {
    // One more than there are: the end is a gap.
    const value = i === to ? NaN : (ys[i] as number);
    const px = i === to ? NaN : (x.line === null ? x.to(xs[i] as number) : (xs[i] as number) * kx + bx) * ratio - left;
    let py = value - value !== 0 ? NaN : (y.line === null ? y.to(value) : value * ky + by) * ratio;
    const gap = !(py === py && px === px);
    py = py < top ? top : py > bottom ? bottom : py;
    if (length > 0 && !gap && Math.floor(px) === column) {
      if (py < low) low = py;
      if (py > high) high = py;
    } else {
      // A stretch within a column is one crisp pixel wide.
      if (high > low) raster.span(column, low, high, color, 256);
      if (length > 0 && gap) raster.point(lastX, lastY, color);
      else if (length > 0) raster.line(lastX, lastY, px, py, color);
      if (length === 1 && gap) alone.push((lastX + left) / ratio, lastY / ratio);
      column = Math.floor(px);
      low = high = py;
    }
    length = gap ? 0 : length + 1;
    lastX = px;
    lastY = py;
  }
}
