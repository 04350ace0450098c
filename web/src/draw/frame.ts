/* One animation frame for all pictures: however often a picture is asked to redraw, it draws once, before the next paint. Costly pictures
share the frames: what does not fit into this one comes in the next, so that no slider and no scroll wheel stutters. Pictures out of
sight wait for those in sight. */

/** Milliseconds of drawing in one frame, of the 16.7 that there are: the last picture goes beyond, and the browser has to show it all. */
const BUDGET = 7;

/** Each with the element whose sight decides about its turn. */
const waiting = new Map<() => void, Element | undefined>();
let asked = false;

/** Draw before the next paint; a picture of an element that is out of sight, when nothing in sight has to be drawn. The same function
 * asked for twice draws once. */
export function redraw(draw: () => void, element?: Element): void {
  waiting.set(draw, element);
  if (asked) return;
  asked = true;
  requestAnimationFrame(flush);
}

/** A picture that goes away draws no more. */
export function forget(draw: () => void): void {
  waiting.delete(draw);
}

function inSight(element: Element): boolean {
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

function flush(): void {
  asked = false;
  const end = performance.now() + BUDGET;
  // All are looked at before any draws: a picture that changes the size of its canvas makes the browser lay the page out again.
  const near: (() => void)[] = [];
  const far: (() => void)[] = [];
  for (const [draw, element] of waiting) (element === undefined || inSight(element) ? near : far).push(draw);
  // What is asked for while drawing comes in the next frame.
  const now = near.length > 0 ? near : far.slice(0, 1);
  for (const draw of now) {
    waiting.delete(draw);
    // A picture that fails must not take the others with it; its error still reaches the console.
    try {
      draw();
    } catch (error) {
      reportError(error);
    }
    if (performance.now() > end) break;
  }
  if (waiting.size > 0 && !asked) {
    asked = true;
    requestAnimationFrame(flush);
  }
}
