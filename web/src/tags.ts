/* Groups of tags: the text before the first `/`, with counts. Pure. */

import { natural } from "./runs";

export interface TagGroup {
  /** "" for tags without a slash. */
  readonly name: string;
  readonly tags: readonly string[];
}

/** The group of a tag: its text before the first `/`, or "". */
export function groupOf(tag: string): string {
  const at = tag.indexOf("/");
  return at > 0 ? tag.slice(0, at) : "";
}

/** The end of a name that stays in sight, in characters: what tells `layers.11.weight` from `layers.12.weight`. */
const END = 14;

/** A tag in the three parts of a title, to be shortened in this order: its folders, its name, and the end of its name. */
export function titleOf(tag: string): { readonly folder: string; readonly name: string; readonly end: string } {
  const at = tag.endsWith("/") ? 0 : tag.lastIndexOf("/") + 1;
  const name = [...tag.slice(at)];
  const cut = Math.max(0, name.length - END);
  return { folder: tag.slice(0, at), name: name.slice(0, cut).join(""), end: name.slice(cut).join("") };
}

/** Tags in groups, both in natural order; tags without a slash come first, in one group. */
export function groupTags(tags: readonly string[]): readonly TagGroup[] {
  const groups = new Map<string, string[]>();
  for (const tag of tags) {
    const name = groupOf(tag);
    const list = groups.get(name);
    if (list === undefined) groups.set(name, [tag]);
    else list.push(tag);
  }
  return [...groups]
    .map(([name, list]) => ({ name, tags: list.sort(natural) }))
    .sort((a, b) => natural(a.name, b.name));
}
