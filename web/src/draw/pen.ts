/* The pen: what drawing code may use of a canvas, and a pen that writes SVG with the same strokes.

Every picture is drawn by one function of a Pen, so what is saved as SVG is what is seen. */

export type Pen = Pick<
  CanvasRenderingContext2D,
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "closePath"
  | "arc"
  | "rect"
  | "stroke"
  | "fill"
  | "fillRect"
  | "strokeRect"
  | "fillText"
  | "measureText"
  | "save"
  | "restore"
  | "clip"
  | "translate"
  | "rotate"
  | "setLineDash"
  | "strokeStyle"
  | "fillStyle"
  | "lineWidth"
  | "lineJoin"
  | "lineCap"
  | "globalAlpha"
  | "font"
  | "textAlign"
  | "textBaseline"
>;

interface PenState {
  strokeStyle: string;
  fillStyle: string;
  lineWidth: number;
  lineJoin: CanvasLineJoin;
  lineCap: CanvasLineCap;
  globalAlpha: number;
  font: string;
  textAlign: CanvasTextAlign;
  textBaseline: CanvasTextBaseline;
  dash: readonly number[];
}

/** A Pen that writes an SVG document. Supports what Pen lists; nested clips are nested groups. */
export class SvgPen implements PenState {
  strokeStyle = "#000";
  fillStyle = "#000";
  lineWidth = 1;
  lineJoin: CanvasLineJoin = "miter";
  lineCap: CanvasLineCap = "butt";
  globalAlpha = 1;
  font = "12px sans-serif";
  textAlign: CanvasTextAlign = "start";
  textBaseline: CanvasTextBaseline = "alphabetic";
  dash: readonly number[] = [];
  readonly #parts: string[] = [];
  readonly #stack: { state: PenState; groups: number }[] = [];
  #groups = 0;
  #clips = 0;
  #path: string[] = [];
  readonly #ruler: CanvasRenderingContext2D | null;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.#ruler = globalThis.document?.createElement("canvas").getContext("2d") ?? null;
  }

  beginPath(): void {
    this.#path = [];
  }
  moveTo(x: number, y: number): void {
    this.#path.push(`M${n(x)} ${n(y)}`);
  }
  lineTo(x: number, y: number): void {
    this.#path.push(`L${n(x)} ${n(y)}`);
  }
  closePath(): void {
    this.#path.push("Z");
  }
  rect(x: number, y: number, w: number, h: number): void {
    this.#path.push(`M${n(x)} ${n(y)}h${n(w)}v${n(h)}h${n(-w)}Z`);
  }
  arc(x: number, y: number, r: number, from: number, to: number): void {
    const whole = Math.abs(to - from) >= Math.PI * 2 - 1e-6;
    if (whole) {
      this.#path.push(`M${n(x - r)} ${n(y)}a${n(r)} ${n(r)} 0 1 0 ${n(2 * r)} 0a${n(r)} ${n(r)} 0 1 0 ${n(-2 * r)} 0Z`);
      return;
    }
    const large = Math.abs(to - from) > Math.PI ? 1 : 0;
    const start = `${n(x + r * Math.cos(from))} ${n(y + r * Math.sin(from))}`;
    const end = `${n(x + r * Math.cos(to))} ${n(y + r * Math.sin(to))}`;
    this.#path.push(`M${start}A${n(r)} ${n(r)} 0 ${large} 1 ${end}`);
  }
  stroke(): void {
    const dash = this.dash.length > 0 ? ` stroke-dasharray="${this.dash.map(n).join(" ")}"` : "";
    this.#add(
      `<path d="${this.#path.join("")}" fill="none" ${paint("stroke", this.strokeStyle)} stroke-width="${n(this.lineWidth)}" stroke-linejoin="${this.lineJoin}" stroke-linecap="${this.lineCap}"${dash}${this.#alpha()}/>`,
    );
  }
  fill(): void {
    this.#add(`<path d="${this.#path.join("")}" ${paint("fill", this.fillStyle)}${this.#alpha()}/>`);
  }
  fillRect(x: number, y: number, w: number, h: number): void {
    this.#add(
      `<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" ${paint("fill", this.fillStyle)}${this.#alpha()}/>`,
    );
  }
  strokeRect(x: number, y: number, w: number, h: number): void {
    this.beginPath();
    this.rect(x, y, w, h);
    this.stroke();
  }
  fillText(text: string, x: number, y: number): void {
    const anchor = { start: "start", left: "start", center: "middle", end: "end", right: "end" }[this.textAlign];
    const baseline = {
      alphabetic: "auto",
      middle: "central",
      top: "hanging",
      bottom: "text-after-edge",
      hanging: "hanging",
      ideographic: "auto",
    }[this.textBaseline];
    const [, weight = "", size = "12", family = "sans-serif"] = /^(?:(\w+) )?([\d.]+)px (.*)$/.exec(this.font) ?? [];
    this.#add(
      `<text x="${n(x)}" y="${n(y)}" font-family="${escapeXml(family)}" font-size="${size}"${weight ? ` font-weight="${weight}"` : ""} text-anchor="${anchor}" dominant-baseline="${baseline}" ${paint("fill", this.fillStyle)}${this.#alpha()}>${escapeXml(text)}</text>`,
    );
  }
  measureText(text: string): TextMetrics {
    if (this.#ruler === null) return { width: text.length * 6.5 } as TextMetrics;
    this.#ruler.font = this.font;
    return this.#ruler.measureText(text);
  }
  save(): void {
    const { strokeStyle, fillStyle, lineWidth, lineJoin, lineCap, globalAlpha, font, textAlign, textBaseline, dash } =
      this;
    const state = {
      strokeStyle,
      fillStyle,
      lineWidth,
      lineJoin,
      lineCap,
      globalAlpha,
      font,
      textAlign,
      textBaseline,
      dash,
    };
    this.#stack.push({ state, groups: this.#groups });
  }
  restore(): void {
    const top = this.#stack.pop();
    if (top === undefined) return;
    Object.assign(this, top.state);
    for (; this.#groups > top.groups; this.#groups--) this.#parts.push("</g>");
  }
  clip(): void {
    const id = `clip${++this.#clips}`;
    this.#add(`<clipPath id="${id}"><path d="${this.#path.join("")}"/></clipPath>`);
    this.#open(`clip-path="url(#${id})"`);
  }
  translate(x: number, y: number): void {
    this.#open(`transform="translate(${n(x)} ${n(y)})"`);
  }
  rotate(angle: number): void {
    this.#open(`transform="rotate(${n((angle * 180) / Math.PI)})"`);
  }
  setLineDash(dash: number[]): void {
    this.dash = dash;
  }

  /** The whole document. */
  toString(): string {
    const size = `width="${n(this.width)}" height="${n(this.height)}" viewBox="0 0 ${n(this.width)} ${n(this.height)}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${this.#parts.join("\n")}${"</g>".repeat(this.#groups)}</svg>`;
  }

  #open(attributes: string): void {
    this.#parts.push(`<g ${attributes}>`);
    this.#groups++;
  }
  #add(part: string): void {
    this.#parts.push(part);
  }
  #alpha(): string {
    return this.globalAlpha < 1 ? ` opacity="${n(this.globalAlpha)}"` : "";
  }
}

function paint(attribute: string, color: string): string {
  return `${attribute}="${escapeXml(color)}"`;
}
function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}
function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
