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
