/* What is lit up when something is chosen: the lines that its values run along, and the boxes at their other ends. */

import { routeOf, type Scene, type Shape } from "./scene";
import { isWithin, visible, type Tree } from "./tree";

export interface Lit {
  /** Places in `scene.lines`. */
  readonly lines: ReadonlySet<number>;
  readonly boxes: ReadonlySet<number>;
}

/** Lines and neighbours of `chosen` (an item; a scope stands for all that is in it). */
export function litBy(tree: Tree, shape: Shape, scene: Scene, open: ReadonlySet<number>, chosen: number): Lit {
  const strokes = new Set<string>();
  const boxes = new Set<number>();
  tree.wires.forEach(({ from, to }, i) => {
    const [makes, reads] = [isWithin(tree, from, chosen), isWithin(tree, to, chosen)];
    if (makes === reads) return;
    boxes.add(visible(tree, makes ? to : from, open));
    const route = routeOf(shape, open, from, to);
    if (route === null) return;
    const value = shape.wires[3 * i + 2] ?? 0;
    strokes.add(`level ${route.a} ${route.b} ${value}`);
    for (const [scope, child] of route.outs) strokes.add(`out ${child} ${scope} ${value}`);
    for (const [scope, child] of route.ins) strokes.add(`in ${scope} ${child} ${value}`);
  });
  const lines = new Set<number>();
  scene.lines.forEach(({ kind, from, to, values }, i) => {
    if (values.some((value) => strokes.has(`${kind} ${from} ${to} ${value}`))) lines.add(i);
  });
  return { lines, boxes };
}
