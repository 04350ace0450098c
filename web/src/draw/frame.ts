/* One animation frame for all pictures: however often a picture is asked to redraw, it draws once, before the next paint. Costly pictures
share the frames: what does not fit into this one comes in the next, so that no slider and no scroll wheel stutters. Pictures out of
sight wait for those in sight. */

/** Milliseconds of drawing in one frame, of the 16.7 that there are. */
const BUDGET = 9;

const waiting = new Set<() => void>();
const patient = new Set<() => void>();
let asked = false;

/** Draw before the next paint. The same function asked for twice draws once. */
export function redraw(draw: () => void): void {
  patient.delete(draw);
  waiting.add(draw);
  ask();
}

/** Draw soon: when nothing in sight has to be drawn. */
export function redrawLater(draw: () => void): void {
  if (waiting.has(draw)) return;
  patient.add(draw);
  ask();
}

/** A picture that goes away draws no more. */
export function forget(draw: () => void): void {
  waiting.delete(draw);
  patient.delete(draw);
}

/** Whether any part of an element is in the window. */
export function inSight(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

/** Resolves when what is drawn now is on screen; soon in any case (a hidden tab paints nothing). */
export function painted(): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, 150);
    requestAnimationFrame(() => requestAnimationFrame(() => done()));
  });
}

function ask(): void {
  if (asked) return;
  asked = true;
  requestAnimationFrame(flush);
}

function flush(): void {
  asked = false;
  const end = performance.now() + BUDGET;
  // What is asked for while drawing comes in the next frame.
  const now = waiting.size > 0 ? [...waiting] : [...patient].slice(0, 1);
  for (const draw of now) {
    waiting.delete(draw);
    patient.delete(draw);
    // A picture that fails must not take the others with it; its error still reaches the console.
    try {
      draw();
    } catch (error) {
      reportError(error);
    }
    if (performance.now() > end) break;
  }
  if (waiting.size + patient.size > 0) ask();
}
