/* Pixels of our own: many thin lines drawn into memory, many times faster than a canvas strokes them.

A picture of a hundred runs holds a hundred thousand segments, most of them a pixel wide and some pixels high. Everything here is in
device pixels; the middle of the first pixel is at 0.5. The ground is opaque, so that a blend is three multiplications. */

import type { Pen } from "./pen";

/** Pixels of width × height, packed as a canvas of a little-endian machine holds them (alpha, blue, green, red). */
export class Raster {
  width = 0;
  height = 0;
  #memory = new ArrayBuffer(0);
  #pixels = new Uint32Array();

  /** Begin a picture: everything has the colour `paper`. The memory is that of the picture before. */
  begin(width: number, height: number, paper: number): void {
    this.width = width;
    this.height = height;
    const size = width * height * 4;
    if (this.#memory.byteLength < size) this.#memory = new ArrayBuffer(size);
    this.#pixels = new Uint32Array(this.#memory, 0, width * height);
    this.#pixels.fill(opaque(paper));
  }

  /** The picture, as a canvas takes it. Holds until the next `begin`. */
  image(): ImageData {
    return new ImageData(new Uint8ClampedArray(this.#memory, 0, this.width * this.height * 4), this.width, this.height);
  }

  /** The pixels of the picture, for `put`. */
  copy(): Uint32Array {
    return this.#pixels.slice();
  }
  /** Go on from a picture of the same size. */
  put(pixels: Uint32Array): void {
    this.#pixels.set(pixels);
  }

  /** The colour of a pixel, 0xrrggbb. */
  at(column: number, row: number): number {
    return swapped((this.#pixels[row * this.width + column] as number) & 0xffffff);
  }

  /** Fill whole pixels [left, right) × [top, bottom). */
  rect(left: number, top: number, right: number, bottom: number, color: number): void {
    const [a, b] = [Math.max(0, left), Math.min(this.width, right)];
    for (let row = Math.max(0, top); row < Math.min(this.height, bottom) && a < b; row++) {
      this.#pixels.fill(opaque(color), row * this.width + a, row * this.width + b);
    }
  }

  /** Blend the stretch of a column from `low` to `high` and half a pixel beyond either, ends by their share. strength: 0 … 256. */
  span(column: number, low: number, high: number, color: number, strength: number): void {
    const { width, height } = this;
    if (!(column >= 0 && column < width && high > -0.5 && low < height + 0.5)) return;
    const from = low > 0.5 ? low - 0.5 : 0;
    const to = high < height - 0.5 ? high + 0.5 : height;
    const first = from | 0;
    const last = to | 0;
    const top = first * width + column;
    if (first === last) return this.#blend(top, color, ((to - from) * strength) | 0);
    this.#blend(top, color, ((first + 1 - from) * strength) | 0);
    const bottom = last * width + column;
    if (strength === 256) this.#cover(top + width, bottom, opaque(color));
    else this.#tint(top + width, bottom, color, strength);
    if (last < height) this.#blend(bottom, color, ((to - last) * strength) | 0);
  }

  /** Pixels of a column, from the index `at` to before `stop`. */
  #cover(at: number, stop: number, ink: number): void {
    const { width } = this;
    const pixels = this.#pixels;
    for (; at < stop; at += width) pixels[at] = ink;
  }
  #tint(at: number, stop: number, color: number, share: number): void {
    const { width } = this;
    const pixels = this.#pixels;
    const even = color & 0xff00ff;
    const green = color & 0xff00;
    for (; at < stop; at += width) {
      const under = pixels[at] as number;
      const e = under & 0xff00ff;
      const g = under & 0xff00;
      pixels[at] =
        0xff000000 |
        ((e + (Math.imul(even - e, share) >>> 8)) & 0xff00ff) |
        ((g + (Math.imul(green - g, share) >>> 8)) & 0xff00);
    }
  }

  /** A line one pixel wide from a to b, its edges smooth; b's own pixel belongs to what follows. */
  line(ax: number, ay: number, bx: number, by: number, color: number): void {
    const [dx, dy] = [bx - ax, by - ay];
    if (Math.abs(dx) >= Math.abs(dy)) {
      if (dx < 0) this.#flat(bx, by, ax, dy / dx, color);
      else if (dx > 0) this.#flat(ax, ay, bx, dy / dx, color);
    } else if (dy < 0) this.#steep(bx, by, ay, dx / dy, color);
    else this.#steep(ax, ay, by, dx / dy, color);
  }

  /** The four pixels around a place, by their share: the end of a line. */
  point(x: number, y: number, color: number): void {
    const column = Math.floor(x - 0.5);
    const share = x - 0.5 - column;
    this.span(column, y, y, color, 256 * (1 - share));
    this.span(column + 1, y, y, color, 256 * share);
  }

  #flat(ax: number, ay: number, bx: number, slope: number, color: number): void {
    const { width } = this;
    const end = this.height - 1;
    const stop = Math.min(width, Math.round(bx - 0.5));
    for (let column = Math.max(0, Math.round(ax - 0.5)); column < stop; column++) {
      const y = ay + (column + 0.5 - ax) * slope - 0.5;
      if (!(y >= 0 && y < end)) continue;
      const row = y | 0;
      const share = ((y - row) * 256) | 0;
      const at = row * width + column;
      this.#blend(at, color, 256 - share);
      this.#blend(at + width, color, share);
    }
  }

  #steep(ax: number, ay: number, by: number, slope: number, color: number): void {
    const { width } = this;
    const end = width - 1;
    const stop = Math.min(this.height, Math.round(by - 0.5));
    for (let row = Math.max(0, Math.round(ay - 0.5)); row < stop; row++) {
      const x = ax + (row + 0.5 - ay) * slope - 0.5;
      if (!(x >= 0 && x < end)) continue;
      const column = x | 0;
      const share = ((x - column) * 256) | 0;
      const at = row * width + column;
      this.#blend(at, color, 256 - share);
      this.#blend(at + 1, color, share);
    }
  }

  #blend(at: number, color: number, share: number): void {
    const under = this.#pixels[at] as number;
    const e = under & 0xff00ff;
    const g = under & 0xff00;
    this.#pixels[at] =
      0xff000000 |
      ((e + (Math.imul((color & 0xff00ff) - e, share) >>> 8)) & 0xff00ff) |
      ((g + (Math.imul((color & 0xff00) - g, share) >>> 8)) & 0xff00);
  }
}

const known = new Map<string, number>();

/** A CSS colour as the raster wants it: blue, green and red from high to low. `pen` reads what it does not know. */
export function packed(color: string, pen: Pick<Pen, "fillStyle">): number {
  let value = known.get(color);
  if (value === undefined) {
    const before = pen.fillStyle;
    pen.fillStyle = color;
    // A canvas says every opaque colour as #rrggbb.
    value = swapped(parseInt(String(pen.fillStyle).slice(1, 7), 16) || 0);
    pen.fillStyle = before;
    known.set(color, value);
  }
  return value;
}

function swapped(color: number): number {
  return ((color & 0xff) << 16) | (color & 0xff00) | ((color >> 16) & 0xff);
}
function opaque(color: number): number {
  return (0xff000000 | color) >>> 0;
}
