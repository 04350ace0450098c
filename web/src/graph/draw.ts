/* Draws a laid-out graph with a pen: frames, lines, boxes. Only what lies in the view, and only as fine as can be seen. */

import { FONT, INKS, type Theme } from "../draw/ink";
import type { Pen } from "../draw/pen";
import { fit, NOTE_FONT, noteOf, TITLE_FONT, type Ruler } from "./boxes";
import { paintOf } from "./family";
import { HEAD, type Box, type Line, type Scene } from "./scene";
import type { Lit } from "./lit";
import type { Item, Tree } from "./tree";

export interface Picture {
  readonly tree: Tree;
  readonly scene: Scene;
  readonly theme: Theme;
  readonly ruler: Ruler;
  readonly counted: (nodes: number) => string;
  /** What is written on a line: the shape of its tensor. */
  readonly lineNote: (line: Line) => string;
  /** The graph runs from left to right. */
  readonly across: boolean;
  readonly lit: Lit | null;
  readonly chosen: number | null;
  readonly hovered: number | null;
}
/** The part of the graph that is seen, in its own coordinates, and device-independent pixels per unit. */
export interface View {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly scale: number;
}

const FRAMES: Readonly<Record<Theme, readonly string[]>> = {
  light: ["#f6f7f9", "#eef0f4"],
  dark: ["#1c2026", "#23282f"],
};
const LINE: Readonly<Record<Theme, string>> = { light: "#98a1af", dark: "#5f6977" };
const RADIUS = 6;

/** Draw all that lies in the view; the pen's unit is one unit of the graph. */
export function drawGraph(pen: Pen, picture: Picture, view: View): void {
  const seen = picture.scene.boxes.filter((box) => overlaps(box, view));
  for (const box of seen) if (box.open) drawFrame(pen, picture, box, view.scale);
  drawLines(pen, picture, view);
  for (const box of seen) if (box.open) drawHead(pen, picture, box, view.scale);
  for (const box of seen) if (!box.open) drawBox(pen, picture, box, view.scale);
}

function overlaps(box: Box, view: View): boolean {
  return box.x <= view.right && box.x + box.w >= view.left && box.y <= view.bottom && box.y + box.h >= view.top;
}

function drawFrame(pen: Pen, picture: Picture, box: Box, scale: number): void {
  const item = picture.tree.items[box.item];
  if (item === undefined) return;
  const inks = INKS[picture.theme];
  const frames = FRAMES[picture.theme];
  outline(pen, box, scale);
  pen.fillStyle = frames[(item.depth - 1) % frames.length] ?? inks.grid;
  pen.fill();
  edge(pen, picture, box, inks.axis, scale);
}

/** The name of an open module, on top of the lines that come in beside it. */
function drawHead(pen: Pen, picture: Picture, box: Box, scale: number): void {
  const item = picture.tree.items[box.item];
  // Small pictures keep the names of their modules readable as far as the head has room.
  const size = Math.min(20, Math.max(12, 11 / scale));
  if (item === undefined || size * scale < 6) return;
  const inks = INKS[picture.theme];
  const grow = size / 12;
  const title = `− ${fit(item.title, (box.w - 40) / grow, TITLE_FONT, picture.ruler)}`;
  const titled = picture.ruler(title, TITLE_FONT) * grow;
  const note = fit(item.subtitle, (box.w - titled - 30) / grow, NOTE_FONT, picture.ruler);
  const noted = note === "" ? 0 : picture.ruler(note, NOTE_FONT) * grow + 8;
  const [x, y] = [box.x + 10, box.y + HEAD / 2];
  const frames = FRAMES[picture.theme];
  pen.fillStyle = frames[(item.depth - 1) % frames.length] ?? inks.grid;
  pen.fillRect(x - 4, y - size * 0.7, titled + noted + 8, size * 1.4);
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.font = `600 ${round(size)}px ${FONT}`;
  pen.fillStyle = inks.text;
  pen.fillText(title, x, y);
  if (note === "") return;
  pen.font = `${round(size * 0.92)}px ${FONT}`;
  pen.fillStyle = inks.soft;
  pen.fillText(note, x + titled + 8, y);
}

function drawBox(pen: Pen, picture: Picture, box: Box, scale: number): void {
  const item = picture.tree.items[box.item];
  if (item === undefined) return;
  const inks = INKS[picture.theme];
  const paint = paintOf(item.family, picture.theme);
  const scope = item.kind === "scope";
  if (scope && scale > 0.3) stacked(pen, picture, box);
  outline(pen, box, scale);
  pen.fillStyle = scope ? inks.paper : paint.fill;
  pen.fill();
  edge(pen, picture, box, scope ? LINE[picture.theme] : paint.edge, scale);
  if (item.kind === "node" && scale > 0.25) {
    pen.fillStyle = paint.edge;
    pen.fillRect(box.x, box.y + RADIUS - 1, 3, box.h - 2 * RADIUS + 2);
  }
  writeBox(pen, picture, item, box, scale);
}

function writeBox(pen: Pen, picture: Picture, item: Item, box: Box, scale: number): void {
  const inks = INKS[picture.theme];
  const note = noteOf(item, picture.counted);
  const io = item.kind === "input" || item.kind === "output";
  const middle = box.x + box.w / 2 + (item.kind === "node" ? 1 : 0);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  if (12 * scale < 5) {
    // Far away only modules have names, as large as their boxes allow.
    const size = Math.min(box.h * 0.6, (box.w * 12) / (picture.ruler(item.title, TITLE_FONT) + 12));
    if (item.kind !== "scope" || size * scale < 6) return;
    pen.font = `600 ${round(size)}px ${FONT}`;
    pen.fillStyle = inks.text;
    pen.fillText(item.title, middle, box.y + box.h / 2);
    return;
  }
  const room = box.w - (item.kind === "scope" ? 40 : 18);
  pen.font = TITLE_FONT;
  pen.fillStyle = io ? inks.paper : inks.text;
  pen.fillText(
    fit(item.title, room, TITLE_FONT, picture.ruler),
    middle,
    box.y + (note === "" ? box.h / 2 : box.h / 2 - 8),
  );
  if (note !== "") {
    pen.font = NOTE_FONT;
    pen.fillStyle = io ? inks.paper : picture.theme === "light" ? "#4a5361" : "#b3bbc7";
    pen.fillText(fit(note, room, NOTE_FONT, picture.ruler), middle, box.y + box.h / 2 + 8);
  }
  if (item.kind !== "scope") return;
  pen.font = `600 14px ${FONT}`;
  pen.fillStyle = inks.soft;
  pen.fillText("+", box.x + box.w - 13, box.y + box.h / 2);
}

/** A closed module looks like a pile: there is more below. */
function stacked(pen: Pen, picture: Picture, box: Box): void {
  pen.strokeStyle = LINE[picture.theme];
  pen.lineWidth = 1;
  pen.fillStyle = INKS[picture.theme].grid;
  roundPath(pen, box.x + 3, box.y + 3, box.w, box.h);
  pen.fill();
  pen.stroke();
}

function edge(pen: Pen, picture: Picture, box: Box, color: string, scale: number): void {
  const inks = INKS[picture.theme];
  const chosen = box.item === picture.chosen;
  const marked = chosen || box.item === picture.hovered || picture.lit?.boxes.has(box.item) === true;
  pen.strokeStyle = marked ? inks.accent : color;
  pen.lineWidth = chosen ? Math.max(2.5, 2 / scale) : marked ? Math.max(1.5, 1.5 / scale) : Math.max(1, 0.6 / scale);
  pen.stroke();
}

function outline(pen: Pen, box: Box, scale: number): void {
  if (scale < 0.3) {
    pen.beginPath();
    pen.rect(box.x, box.y, box.w, box.h);
  } else roundPath(pen, box.x, box.y, box.w, box.h);
}

/** A rectangle with round corners, in short strokes: an arc would start a new piece of the path. */
function roundPath(pen: Pen, x: number, y: number, w: number, h: number): void {
  const r = Math.min(RADIUS, w / 2, h / 2);
  const corners = [
    [x + w - r, y + r, -0.5],
    [x + w - r, y + h - r, 0],
    [x + r, y + h - r, 0.5],
    [x + r, y + r, 1],
  ] as const;
  pen.beginPath();
  corners.forEach(([cx, cy, turn], i) => {
    for (let step = 0; step <= 4; step++) {
      const angle = Math.PI * (turn + step / 8);
      const [px, py] = [cx + r * Math.cos(angle), cy + r * Math.sin(angle)];
      if (i === 0 && step === 0) pen.moveTo(px, py);
      else pen.lineTo(px, py);
    }
  });
  pen.closePath();
}

function drawLines(pen: Pen, picture: Picture, view: View): void {
  const inks = INKS[picture.theme];
  const { lit, scene } = picture;
  const plain: Line[] = [];
  const bright: Line[] = [];
  scene.lines.forEach((line, i) => {
    if (inView(line, view)) (lit?.lines.has(i) === true ? bright : plain).push(line);
  });
  const dim = lit !== null && lit.lines.size > 0;
  pen.lineJoin = "round";
  pen.lineCap = "butt";
  pen.globalAlpha = dim ? 0.45 : 1;
  strokes(pen, plain, LINE[picture.theme], Math.max(1.2, 0.8 / view.scale), view.scale);
  pen.globalAlpha = 1;
  strokes(pen, bright, inks.accent, Math.max(2, 1.6 / view.scale), view.scale);
  if (view.scale < 0.7) return;
  for (const line of plain) writeLine(pen, picture, line, inks.soft);
  for (const line of bright) writeLine(pen, picture, line, inks.accent);
}

function inView({ points }: Line, view: View): boolean {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i + 1 < points.length; i += 2) {
    const [x, y] = [points[i] ?? 0, points[i + 1] ?? 0];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return left <= view.right && right >= view.left && top <= view.bottom && bottom >= view.top;
}

/** Many lines as one path and all their heads as another: two calls for thousands of lines. */
function strokes(pen: Pen, lines: readonly Line[], color: string, width: number, scale: number): void {
  if (lines.length === 0) return;
  // From far away every fourth point is as good as all.
  const step = scale < 0.25 ? 8 : 2;
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.beginPath();
  for (const { points } of lines) {
    pen.moveTo(points[0] ?? 0, points[1] ?? 0);
    for (let i = step; i < points.length - 2; i += step) pen.lineTo(points[i] ?? 0, points[i + 1] ?? 0);
    pen.lineTo(points.at(-2) ?? 0, points.at(-1) ?? 0);
  }
  pen.stroke();
  if (scale < 0.3) return;
  pen.fillStyle = color;
  pen.beginPath();
  for (const line of lines) if (line.kind !== "out") head(pen, line.points, 4 + width);
  pen.fill();
}

function head(pen: Pen, points: readonly number[], size: number): void {
  const [x, y] = [points.at(-2) ?? 0, points.at(-1) ?? 0];
  // The direction over a few of the short strokes: the last alone may have no length.
  let i = points.length - 4;
  while (i > 0 && Math.hypot(x - (points[i] ?? 0), y - (points[i + 1] ?? 0)) < size) i -= 2;
  const [dx, dy] = [x - (points[Math.max(0, i)] ?? 0), y - (points[Math.max(0, i) + 1] ?? 0)];
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [(dx / length) * size, (dy / length) * size];
  pen.moveTo(x, y);
  pen.lineTo(x - ux - uy / 2, y - uy + ux / 2);
  pen.lineTo(x - ux + uy / 2, y - uy - ux / 2);
  pen.closePath();
}

function writeLine(pen: Pen, picture: Picture, line: Line, color: string): void {
  // A weight says its shape itself.
  if (line.kind !== "level" || picture.tree.items[line.from]?.kind === "weight") return;
  const note = picture.lineNote(line);
  if (note === "") return;
  const place = Math.floor(line.points.length / 4) * 2;
  const [x, y] = middleOf(line.points, place);
  const width = picture.ruler(note, NOTE_FONT) + 6;
  // Across, a note longer than its line would be hidden by the boxes at its ends.
  if (picture.across && width > Math.abs((line.points.at(-2) ?? 0) - (line.points[0] ?? 0))) return;
  pen.globalAlpha = 0.9;
  pen.fillStyle = INKS[picture.theme].paper;
  pen.fillRect(x - width / 2, y - 7, width, 14);
  pen.globalAlpha = 1;
  pen.font = NOTE_FONT;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = color;
  pen.fillText(note, x, y);
}

function middleOf(points: readonly number[], place: number): [number, number] {
  if (points.length > 4) return [points[place] ?? 0, points[place + 1] ?? 0];
  return [((points[0] ?? 0) + (points[2] ?? 0)) / 2, ((points[1] ?? 0) + (points[3] ?? 0)) / 2];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The innermost thing at a point of the graph: a closed box, else the frame of an open scope; null for neither. */
export function itemAt(scene: Scene, x: number, y: number): number | null {
  for (let i = scene.boxes.length - 1; i >= 0; i--) {
    const box = scene.boxes[i];
    if (box !== undefined && x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h) return box.item;
  }
  return null;
}

/** Whether a point is on the head of an open frame. */
export function onHead(scene: Scene, item: number, y: number): boolean {
  const box = scene.boxes.find((one) => one.item === item);
  return box !== undefined && box.open && y <= box.y + HEAD;
}
