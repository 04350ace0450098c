/* The kind scalar, as the board sees it: one card a tag, all chosen runs in one chart. */

import type { KindView } from "../card";
import ScalarCard from "./ScalarCard.svelte";
import ScalarOptionsBar from "./ScalarOptionsBar.svelte";
import { needsOf, rangeOf } from "./model";
import { DEFAULTS, smoothingOf, type ScalarOptions } from "./options";

/** Points of a whole card: what a few runs need to look right, and little enough to travel and to draw when there are a hundred. */
const CARD_POINTS = 16_000;
/** Points of a run at least, however many runs share the card: extremes are exact in any case. */
const RUN_POINTS = 64;

export const SCALAR: KindView<ScalarOptions> = {
  name: "scalar",
  perRun: false,
  defaults: DEFAULTS,
  points: (runs, wide) => {
    const points = Math.max(RUN_POINTS, Math.min(2000, Math.round(CARD_POINTS / Math.max(1, runs))));
    return wide ? Math.max(points, Math.min(2000, points * 3)) : points;
  },
  bodyHeight: (width, _options, wide) => (wide ? 560 : Math.round(Math.min(360, Math.max(200, width * 0.56)))),
  minWidth: 330,
  needs: needsOf,
  smooth: (options, view) => (rangeOf(options, view) === null ? smoothingOf(options) : ""),
  Card: ScalarCard,
  Options: ScalarOptionsBar,
  example: `from visualdl import LogWriter

with LogWriter("./log/run1") as writer:
    for step in range(100):
        writer.add_scalar(tag="train/loss", step=step, value=1 / (step + 1))`,
};
