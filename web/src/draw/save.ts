/* Saving a picture as a file: PNG at twice the size, or SVG, with title and legend. The same draw function as on screen. */

import { FONT, INKS, LABEL_FONT, type Theme } from "./ink";
import { SvgPen, type Pen } from "./pen";

export interface LegendEntry {
  readonly label: string;
  readonly color: string;
}
export interface Picture {
  readonly title: string;
  /** What the file is called after; the title when not given. */
  readonly file?: string;
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  readonly legend: readonly LegendEntry[];
  /** Words under the title (smoothing, range); may be empty. */
  readonly note: string;
  /** Draw the data part, width × height, its origin already moved below the title. */
  readonly draw: (pen: Pen, width: number, height: number) => void;
}

const TITLE = 30;
const ROW = 18;
const MARGIN = 14;

/** Save as SVG: text stays text, lines stay lines. */
export function saveSvg(picture: Picture): void {
  const layout = legendLayout(picture);
  const pen = new SvgPen(picture.width + 2 * MARGIN, layout.height);
  compose(pen, picture, layout);
  download(new Blob([pen.toString()], { type: "image/svg+xml" }), `${fileName(picture.file ?? picture.title)}.svg`);
}

/** Save as PNG with two pixels per CSS pixel. */
export async function savePng(picture: Picture): Promise<void> {
  const layout = legendLayout(picture);
  const canvas = document.createElement("canvas");
  canvas.width = (picture.width + 2 * MARGIN) * 2;
  canvas.height = layout.height * 2;
  const pen = canvas.getContext("2d");
  if (pen === null) return;
  pen.scale(2, 2);
  compose(pen, picture, layout);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (blob !== null) download(blob, `${fileName(picture.file ?? picture.title)}.png`);
}

interface LegendLayout {
  readonly height: number;
  readonly places: readonly { readonly x: number; readonly y: number; readonly entry: LegendEntry }[];
}

function legendLayout(picture: Picture): LegendLayout {
  const ruler = document.createElement("canvas").getContext("2d");
  const top = TITLE + (picture.note === "" ? 0 : ROW) + picture.height + MARGIN + 6;
  let [x, y] = [MARGIN, top];
  const places = picture.legend.map((entry) => {
    if (ruler !== null) ruler.font = LABEL_FONT;
    const width = (ruler?.measureText(entry.label).width ?? entry.label.length * 7) + 34;
    if (x > MARGIN && x + width > picture.width + MARGIN) [x, y] = [MARGIN, y + ROW];
    const place = { x, y, entry };
    x += width;
    return place;
  });
  return { height: Math.ceil(y + (picture.legend.length > 0 ? ROW : 0) + MARGIN / 2), places };
}

function compose(pen: Pen, picture: Picture, layout: LegendLayout): void {
  const inks = INKS[picture.theme];
  const width = picture.width + 2 * MARGIN;
  pen.fillStyle = inks.paper;
  pen.fillRect(0, 0, width, layout.height);
  pen.fillStyle = inks.text;
  pen.font = `600 14px ${FONT}`;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillText(picture.title, MARGIN, 18);
  if (picture.note !== "") {
    pen.font = LABEL_FONT;
    pen.fillStyle = inks.soft;
    pen.fillText(picture.note, MARGIN, TITLE + 6);
  }
  pen.save();
  pen.translate(MARGIN, TITLE + (picture.note === "" ? 0 : ROW));
  picture.draw(pen, picture.width, picture.height);
  pen.restore();
  pen.font = LABEL_FONT;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  for (const { x, y, entry } of layout.places) {
    pen.fillStyle = entry.color;
    pen.fillRect(x, y + 6, 14, 3);
    pen.fillStyle = inks.text;
    pen.fillText(entry.label, x + 20, y + 8);
  }
}

/** A tag as a file name: everything that a file system could take amiss becomes `_`. */
export function fileName(title: string): string {
  const name = title.slice(0, 200).replace(/[^\p{L}\p{N}.-]+|\.{2,}/gu, "_");
  return name.replace(/^[_.]+|_+$/g, "").slice(0, 100) || "chart";
}

/** Hand a file to the browser. */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
