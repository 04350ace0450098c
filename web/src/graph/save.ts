/* Saving the whole graph, seen or not, as SVG or PNG. */

import { INKS } from "../draw/ink";
import { SvgPen } from "../draw/pen";
import { download, fileName } from "../draw/save";
import { drawGraph, type Picture, type View } from "./draw";

/* What every present browser draws: sides up to 16,384 pixels, and an area that phones manage too. */
const MOST_SIDE = 16_384;
const MOST_AREA = 64_000_000;
const MARGIN = 8;

/** Pixels per unit of a PNG of a graph of this size: two where the browser can. */
export function pngScale(width: number, height: number): number {
  const [w, h] = [width + 2 * MARGIN, height + 2 * MARGIN];
  return Math.min(2, MOST_SIDE / w, MOST_SIDE / h, Math.sqrt(MOST_AREA / (w * h)));
}

/** Save as SVG: text stays text, every detail is in it. */
export function saveSvg(picture: Picture, name: string): void {
  const { width, height } = picture.scene;
  const pen = new SvgPen(width + 2 * MARGIN, height + 2 * MARGIN);
  compose(pen, picture, 1);
  download(new Blob([pen.toString()], { type: "image/svg+xml" }), `${fileName(name)}.svg`);
}

/** Save as PNG; the scale it was saved at, or null where the browser could not. */
export async function savePng(picture: Picture, name: string): Promise<number | null> {
  const { width, height } = picture.scene;
  const scale = pngScale(width, height);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.floor((width + 2 * MARGIN) * scale));
  canvas.height = Math.max(1, Math.floor((height + 2 * MARGIN) * scale));
  const pen = canvas.getContext("2d");
  if (pen === null) return null;
  pen.scale(scale, scale);
  compose(pen, picture, scale);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (blob === null) return null;
  download(blob, `${fileName(name)}.png`);
  return scale;
}

function compose(pen: Parameters<typeof drawGraph>[0], picture: Picture, scale: number): void {
  const { width, height } = picture.scene;
  pen.fillStyle = INKS[picture.theme].paper;
  pen.fillRect(0, 0, width + 2 * MARGIN, height + 2 * MARGIN);
  pen.save();
  pen.translate(MARGIN, MARGIN);
  const view: View = { left: -MARGIN, top: -MARGIN, right: width + MARGIN, bottom: height + MARGIN, scale };
  drawGraph(pen, { ...picture, hovered: null }, view);
  pen.restore();
}
