/* The histogram kind: one card a (tag, run); ridges, overlay, quantile bands or heat over the steps. */

import type { KindView } from "../card";
import Card from "./Card.svelte";
import Options from "./Options.svelte";
import { DEFAULTS, type HistogramOptions } from "./scene";
import { joinSpreads } from "./spread";

/** Histograms asked for at first: about one a pixel of a card. Zoomed in, the server gives every one. */
const POINTS = 300;

export const HISTOGRAM: KindView<HistogramOptions> = {
  name: "histogram",
  perRun: true,
  defaults: DEFAULTS,
  points: () => POINTS,
  bodyHeight: (_, __, wide) => (wide ? 460 : 260),
  minWidth: 320,
  needs: (_, view, data) => {
    const [series] = data.values();
    if (view.range === undefined || series === undefined || series.exact) return null;
    return { axis: "step", start: view.range[0], stop: view.range[1] };
  },
  join: joinSpreads,
  Card,
  Options,
  example: `from visualdl import LogWriter

with LogWriter("./log/run1") as writer:
    for step in range(100):
        writer.add_histogram("weights/conv1", model.conv1.weight, step, buckets=50)`,
};
