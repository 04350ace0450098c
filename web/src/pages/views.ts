/* What was done to single cards, as parameters: `wide=tag,…`, `log=tag,…` and `zoom=tag:from:to,…`. Pure.

A card of one run is `tag~run`: inside the board a NUL stands between the two, in the address a character that can be seen
and that chat programs leave in a link. A `~` of the tag's or run's own has a backslash before it. */

import type { CardView } from "../kinds/card";
import { formatList, parseList } from "../url";

export type Views = Readonly<Record<string, CardView>>;

/** The parameters that say it. */
interface Written {
  readonly wide?: string | undefined;
  readonly log?: string | undefined;
  readonly zoom?: string | undefined;
}

/** Card id -> view, from the address. What cannot be read is left out. */
export function parseViews(params: Written): Views {
  const out = Object.create(null) as Record<string, CardView>; // a tag may be called __proto__
  for (const id of cards(params.wide)) out[id] = { wide: true };
  for (const id of cards(params.log)) out[id] = { ...out[id], log: true };
  for (const item of parseList(params.zoom)) {
    const match = /^(.*):([^:]+):([^:]+)$/s.exec(item);
    const [from, to] = [Number(match?.[2]), Number(match?.[3])];
    if (match?.[1] === undefined || !(from < to)) continue;
    const id = readId(match[1]);
    out[id] = { ...out[id], range: [from, to] };
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
    range ? [`${writtenId(id)}:${within(range[0], range)}:${within(range[1], range)}`] : [],
  );
  const list = (items: readonly string[]): string | undefined => (items.length > 0 ? formatList(items) : undefined);
  return { wide: list(wide.map(writtenId)), log: list(log.map(writtenId)), zoom: list(zoom) };
}

const BETWEEN = "\u0000";

function writtenId(id: string): string {
  return id.replace(/[\\~]/g, (c) => `\\${c}`).replaceAll(BETWEEN, "~");
}
function readId(text: string): string {
  return text.replace(/\\(.)|~/gs, (_, escaped: string | undefined) => escaped ?? BETWEEN);
}
function cards(text: string | undefined): readonly string[] {
  return parseList(text).map(readId);
}

/** An end of a range, to a hundred-thousandth of its width: what a screen can show, and no digit more. */
function within(value: number, [from, to]: readonly [number, number]): string {
  const digits = 5 - Math.floor(Math.log10(to - from));
  return String(Number(digits >= 0 && digits <= 100 ? value.toFixed(digits) : value.toPrecision(12)));
}
