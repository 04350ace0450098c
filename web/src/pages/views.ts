/* What was done to single cards, as parameters: `wide=tag,…`, `log=tag,…` and `zoom=tag:from:to,…`. Pure. */

import type { CardView } from "../kinds/card";
import { formatList, parseList, type Params } from "../url";

export type Views = Readonly<Record<string, CardView>>;

/** Card id -> view, from the address. What cannot be read is left out. */
export function parseViews(params: Params): Views {
  const out: Record<string, CardView> = {};
  for (const id of parseList(params.wide)) out[id] = { wide: true };
  for (const id of parseList(params.log)) out[id] = { ...out[id], log: true };
  for (const item of parseList(params.zoom)) {
    const match = /^(.*):([^:]+):([^:]+)$/s.exec(item);
    const [from, to] = [Number(match?.[2]), Number(match?.[3])];
    if (match?.[1] !== undefined && from < to) out[match[1]] = { ...out[match[1]], range: [from, to] };
  }
  return out;
}

/** The parameters that say the same. */
export function formatViews(views: Views): {
  wide: string | undefined;
  log: string | undefined;
  zoom: string | undefined;
} {
  const wide = Object.keys(views).filter((id) => views[id]?.wide === true);
  const log = Object.keys(views).filter((id) => views[id]?.log === true);
  const zoom = Object.entries(views).flatMap(([id, { range }]) =>
    range ? [`${id}:${number(range[0])}:${number(range[1])}`] : [],
  );
  const list = (items: readonly string[]): string | undefined => (items.length > 0 ? formatList(items) : undefined);
  return { wide: list(wide), log: list(log), zoom: list(zoom) };
}

function number(value: number): string {
  return String(Number(value.toPrecision(12)));
}
