/* A canvas that keeps its device pixels in step with its CSS size. */

/** Size a canvas to width × height CSS pixels and return its context, scaled so that one unit is one CSS pixel, cleared. */
export function surface(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d");
  if (context === null) return null;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** The width of one device pixel in CSS pixels: the thinnest line, and ten times cheaper than 1 CSS pixel on dense screens. */
export function hairline(): number {
  return 1 / (globalThis.devicePixelRatio || 1);
}
