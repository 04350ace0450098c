/* A layout together with everything it is a layout of: what is drawn always fits together, also while the next one is on its way. */

import type { Direction, Scene, Shape } from "./scene";
import type { Tree } from "./tree";

export interface Laid {
  readonly tree: Tree;
  readonly shape: Shape;
  readonly scene: Scene;
  readonly open: ReadonlySet<number>;
  readonly direction: Direction;
}
