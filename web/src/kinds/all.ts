/* Every kind that has cards: one line each; the order is the order of the tabs. */

import type { KindEntry } from "./card";
import { SCALAR } from "./scalar/kind";
import { anyKind } from "./card";

export const KINDS: readonly KindEntry[] = [
  // Scalars are the first page that nearly everyone opens, so they travel with the shell; the others are loaded when asked for.
  {
    name: "scalar",
    page: "scalars",
    title: { en: "Scalars", zh: "标量" },
    load: () => Promise.resolve(anyKind(SCALAR)),
  },
  {
    name: "image",
    page: "images",
    title: { en: "Images", zh: "图像" },
    load: async () => anyKind((await import("./image/kind")).IMAGE),
  },
  {
    name: "histogram",
    page: "histograms",
    title: { en: "Histograms", zh: "直方图" },
    load: async () => anyKind((await import("./histogram/kind")).HISTOGRAM),
  },
];
