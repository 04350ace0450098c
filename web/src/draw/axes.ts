/* The frame of a picture: grid, tick labels and the box that is left for the data. */

import { LABEL_FONT, type Inks } from "./ink";
import type { Pen } from "./pen";
import type { Scale, Tick } from "./scale";

/** The part of a picture that the data may use, in CSS pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The box for data in a picture of width × height whose left labels are these. */
export function boxFor(pen: Pen, width: number, height: number, labels: readonly string[], title = 0): Box {
  pen.font = LABEL_FONT;
  let widest = 18;
  for (const label of labels) widest = Math.max(widest, pen.measureText(label).width);
  return { left: Math.ceil(widest) + 12, top: 8 + title, right: width - 10, bottom: height - 22 };
}

/** How many ticks fit: one about every `space` CSS pixels, never fewer than two. */
export function tickCount(length: number, space: number): number {
  return Math.max(2, Math.floor(length / space));
}

/** Grid lines and labels of both axes. Labels that would touch their neighbour or leave the picture are left out. */
export function drawAxes(
  pen: Pen,
  inks: Inks,
  box: Box,
  x: Scale,
  xTicks: readonly Tick[],
  y: Scale,
  yTicks: readonly Tick[],
): void {
  pen.save();
  pen.font = LABEL_FONT;
  pen.lineWidth = 1;
  drawLeft(pen, inks, box, y, yTicks);
  drawBottom(pen, inks, box, x, xTicks);
  pen.restore();
}

function drawLeft(pen: Pen, inks: Inks, box: Box, scale: Scale, ticks: readonly Tick[]): void {
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.strokeStyle = inks.grid;
  pen.beginPath();
  for (const tick of ticks) {
    const at = crisp(scale.to(tick.at));
    if (tick.minor && ticks.length > 40) continue;
    pen.moveTo(box.left, at);
    pen.lineTo(box.right, at);
  }
  pen.stroke();
  pen.fillStyle = inks.soft;
  let last = Infinity;
  for (const tick of ticks) {
    const at = scale.to(tick.at);
    if (tick.label === "" || Math.abs(last - at) < 13 || at < box.top - 2 || at > box.bottom + 2) continue;
    pen.fillText(tick.label, box.left - 6, at);
    last = at;
  }
}

function drawBottom(pen: Pen, inks: Inks, box: Box, scale: Scale, ticks: readonly Tick[]): void {
  pen.textAlign = "center";
  pen.textBaseline = "top";
  pen.strokeStyle = inks.grid;
  pen.beginPath();
  for (const tick of ticks) {
    if (tick.minor) continue;
    const at = crisp(scale.to(tick.at));
    pen.moveTo(at, box.top);
    pen.lineTo(at, box.bottom);
  }
  pen.stroke();
  pen.strokeStyle = inks.axis;
  pen.beginPath();
  pen.moveTo(box.left, crisp(box.bottom));
  pen.lineTo(box.right, crisp(box.bottom));
  pen.stroke();
  pen.fillStyle = inks.soft;
  let last = -Infinity;
  for (const tick of ticks) {
    if (tick.label === "") continue;
    const half = pen.measureText(tick.label).width / 2;
    const at = Math.min(box.right + 8 - half, scale.to(tick.at));
    if (at - half < last + 8) continue;
    pen.fillText(tick.label, at, box.bottom + 6);
    last = at + half;
  }
}

/** A sentence in the middle of a picture of width × height. */
export function drawNote(pen: Pen, inks: Inks, text: string, width: number, height: number): void {
  pen.font = LABEL_FONT;
  pen.fillStyle = inks.soft;
  pen.textAlign = "center";
  pen.fillText(text, width / 2, height / 2);
}

/** The middle of a pixel, where a 1 px line is sharp. */
export function crisp(value: number): number {
  return Math.floor(value) + 0.5;
}

/** Run `draw` with everything outside the box cut off. */
export function inBox(pen: Pen, box: Box, draw: () => void): void {
  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  pen.clip();
  draw();
  pen.restore();
}
