/* The layout's worker: is told the tree once, then lays out whatever is asked for, the latest question last. */

import { layoutScene, type Cache } from "./layout";
import { type Direction, type Scene, type Shape } from "./scene";

export type Ask =
  | { readonly kind: "shape"; readonly shape: Shape }
  | {
      readonly kind: "scene";
      readonly question: number;
      readonly open: readonly number[];
      readonly direction: Direction;
    };
export type Told =
  | { readonly question: number; readonly scene: Scene; readonly ms: number }
  | { readonly question: number; readonly error: string };

let shape: Shape | null = null;
let cache: Cache = new Map();
const MOST_CACHED = 5000;

addEventListener("message", ({ data }: MessageEvent<Ask>) => {
  if (data.kind === "shape") {
    shape = data.shape;
    cache = new Map();
    return;
  }
  if (shape === null) return;
  if (cache.size > MOST_CACHED) cache.clear();
  const began = performance.now();
  let told: Told;
  try {
    const scene = layoutScene(shape, new Set(data.open), data.direction, cache);
    told = { question: data.question, scene, ms: performance.now() - began };
  } catch (error) {
    told = { question: data.question, error: error instanceof Error ? error.message : String(error) };
  }
  postMessage(told);
});
