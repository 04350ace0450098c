/* One animation frame for all pictures: however often a picture is asked to redraw, it draws once, before the next paint. */

const waiting = new Set<() => void>();
let asked = false;

/** Draw before the next paint. The same function asked for twice draws once. */
export function redraw(draw: () => void): void {
  waiting.add(draw);
  if (asked) return;
  asked = true;
  requestAnimationFrame(flush);
}

/** A picture that goes away draws no more. */
export function forget(draw: () => void): void {
  waiting.delete(draw);
}

function flush(): void {
  asked = false;
  const now = [...waiting];
  waiting.clear();
  for (const draw of now) draw();
}
