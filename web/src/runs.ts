/* What the board does with names: natural order, the prefix that all share, which runs are chosen. Pure. */

import { matcher, type Matcher } from "./regex";
import { formatList, parseList } from "./url";

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** run2 before run10; equal but for case: capital letters first. */
export function natural(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** The folder prefix ("exp/2024/") that every name has, cut at a `/`; "" for fewer than two names. */
export function commonPrefix(names: readonly string[]): string {
  const [first, ...rest] = names;
  if (first === undefined || rest.length === 0) return "";
  let end = first.lastIndexOf("/") + 1;
  while (end > 0 && !names.every((name) => name.startsWith(first.slice(0, end)) && name.length > end)) {
    end = first.lastIndexOf("/", end - 2) + 1;
  }
  return first.slice(0, end);
}

/** What the board calls runs: what their scripts say, else the name without the shared prefix. Of equal ones, each with its folder. */
export function labelsOf(
  runs: readonly { readonly name: string; readonly display_name?: string | null }[],
): readonly string[] {
  const prefix = commonPrefix(runs.map((run) => run.name)).length;
  const labels = runs.map((run) => run.display_name ?? run.name.slice(prefix));
  const times = new Map<string, number>();
  for (const label of labels) times.set(label, (times.get(label) ?? 0) + 1);
  return runs.map((run, i) => {
    const [label, folder] = [labels[i] ?? run.name, run.name.slice(prefix)];
    return label !== folder && (times.get(label) ?? 0) > 1 ? `${label} (${folder})` : label;
  });
}

/** A user's regular expression, or that it is none. "" matches everything. Not case sensitive. Never hangs: see regex.ts. */
export function pattern(text: string): { readonly test: Matcher; readonly wrong: boolean } {
  if (text === "") return { test: () => true, wrong: false };
  try {
    return { test: matcher(text), wrong: false };
  } catch {
    const plain = text.toLowerCase();
    return { test: (value) => value.toLowerCase().includes(plain), wrong: true };
  }
}

/** Which runs are chosen, as the address says it: all but some, or only some. */
export interface Choice {
  readonly hide?: string;
  readonly runs?: string;
}

/** The names that are not shown. */
export function hiddenNames(choice: Choice, names: readonly string[]): ReadonlySet<string> {
  if (choice.runs !== undefined) {
    const shown = new Set(parseList(choice.runs));
    return new Set(names.filter((name) => !shown.has(name)));
  }
  return new Set(parseList(choice.hide));
}

/** The shortest choice that shows all names but `hidden`. New runs appear by themselves unless `only` pins the list. */
export function choiceFor(
  hidden: ReadonlySet<string>,
  names: readonly string[],
  only: boolean,
): { hide: string | undefined; runs: string | undefined } {
  const shown = names.filter((name) => !hidden.has(name));
  if (only || shown.length < names.length / 2) return { hide: undefined, runs: formatList(shown) };
  const listed = names.filter((name) => hidden.has(name));
  return { hide: listed.length > 0 ? formatList(listed) : undefined, runs: undefined };
}

/** A number for every run id that stays when runs are added: runs are counted in the order in which they started. */
export function runNumbers(
  runs: readonly { readonly id: string; readonly name: string; readonly started: number | null }[],
  known: Map<string, number>,
): ReadonlyMap<string, number> {
  const fresh = runs.filter((run) => !known.has(run.id));
  fresh.sort((a, b) => natural(a.name, b.name));
  // The exact start decides, so that a reload counts as the session did; runs that started at once follow their names.
  fresh.sort((a, b) => (a.started ?? 0) - (b.started ?? 0));
  for (const run of fresh) known.set(run.id, known.size);
  return known;
}
