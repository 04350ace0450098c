/* Where the board is, reactively: the parsed hash, and the two ways to change it. */

import { formatPlace, parsePlace, type Params, type Place } from "./url";

let current = $state.raw<Place>(parsePlace(globalThis.location?.hash ?? ""));
let pending = 0;

// Browsers refuse more than about a hundred address changes in half a minute. So each choice is written at once, as long
// as no slider has used up the changes of a burst; then there is one every 0.4 s.
const BURST = 20;
const REFILL_MS = 400;
let spent = 0;
let spentAt = 0;

globalThis.addEventListener?.("hashchange", () => {
  const next = parsePlace(location.hash);
  if (formatPlace(next) !== formatPlace(current)) current = next;
});

/** The present place. Reactive. */
export function place(): Place {
  return current;
}

/** Go to a page; what belongs to the whole board (runs, filter) goes along, what belongs to a page stays in its own memory. */
export function goTo(page: string): void {
  if (page === current.page) return;
  remembered.set(current.page, current.params);
  const shared = pickShared(current.params);
  current = { page, params: { ...dropShared(remembered.get(page) ?? {}), ...shared } };
  write("push");
}

/** Change parameters of the present place; undefined removes one. Steps of a slider do not fill the browser's history. */
export function change(patch: Readonly<Record<string, string | undefined>>): void {
  const params: Record<string, string> = {};
  for (const [key, value] of Object.entries({ ...current.params, ...patch })) {
    if (value !== undefined) params[key] = value;
  }
  current = { page: current.page, params };
  clearTimeout(pending);
  const rest = untilNextWrite();
  if (rest <= 0) write("replace");
  else pending = globalThis.setTimeout(() => write("replace"), rest) as unknown as number;
}

/** The page that the board opens with when the address names none. */
export function settle(page: string): void {
  if (current.page === page) return;
  current = { page, params: current.params };
  write("replace");
}

/** The address of a page, for links. */
export function hrefOf(page: string): string {
  const own =
    page === current.page
      ? current.params
      : { ...dropShared(remembered.get(page) ?? {}), ...pickShared(current.params) };
  return formatPlace({ page, params: own });
}

const SHARED = ["runs", "hide", "filter"];
const remembered = new Map<string, Params>();

function pickShared(params: Params): Params {
  return Object.fromEntries(Object.entries(params).filter(([key]) => SHARED.includes(key)));
}
function dropShared(params: Params): Params {
  return Object.fromEntries(Object.entries(params).filter(([key]) => !SHARED.includes(key)));
}
/** Milliseconds until the address may be changed again. */
function untilNextWrite(): number {
  const now = performance.now();
  spent = Math.max(0, spent - (now - spentAt) / REFILL_MS);
  spentAt = now;
  return Math.max(0, (spent + 1 - BURST) * REFILL_MS);
}

function write(how: "push" | "replace"): void {
  clearTimeout(pending);
  const hash = formatPlace(current);
  if (hash === location.hash) return;
  spent += 1;
  if (how === "push") history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
}
globalThis.addEventListener?.("popstate", () => {
  current = parsePlace(location.hash);
});
