/* The image kind: one card a (tag, run), a slider over every step. */

import type { KindView } from "../card";
import Card from "./Card.svelte";
import Options from "./Options.svelte";
import { DEFAULTS, type ImageOptions } from "./options";

/** An answer holds addresses, not pixels: every step is asked for. */
const EVERY = 100_000;

export const IMAGE: KindView<ImageOptions> = {
  name: "image",
  perRun: true,
  defaults: DEFAULTS,
  points: () => EVERY,
  bodyHeight: (width, _, wide) => (wide ? 560 : Math.round(Math.min(340, Math.max(200, width * 0.83))) + 62),
  minWidth: 280,
  Card,
  Options,
  example: `from visualdl import LogWriter

with LogWriter("./log/run1") as writer:
    for step in range(100):
        writer.add_image("samples/first", image, step)  # array of height × width × 3`,
};
