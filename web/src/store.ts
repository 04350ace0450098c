/* The board's copy of the series that are looked at, and the one place that asks for them.

A card watches (kind, tag, runs); what is missing is fetched, one request for all runs of a tag; a hint that a series advanced fetches
only what came after the cursor, and only while somebody watches. Listeners are called once an answer. No framework. */

import { joinColumns } from "./join";
import { decode, type Answer, type Series } from "./wire";

export type Join = (held: Series, more: Series) => Series | null;
export type Fetch = (url: string, init: { readonly signal: AbortSignal }) => Promise<Response>;

/** What one card looks at. */
export interface Wish {
  readonly kind: string;
  readonly tag: string;
  readonly runs: readonly string[];
  /** About how many points a run; more held than two and a half times this are thinned anew by the server. */
  readonly n: number;
  readonly join?: Join | undefined;
  /** Smoothing that the card will want where the points are thinned (`ema:0.6`), or "": asked along with them. */
  readonly smooth?: (() => string) | undefined;
}

/** A question beyond the whole series: a range, smoothing. */
export interface Detail {
  readonly kind: string;
  readonly tag: string;
  readonly runs: readonly string[];
  readonly n: number;
  readonly axis: string;
  readonly start?: number | undefined;
  readonly stop?: number | undefined;
  readonly smooth?: string | undefined;
}

/** Thrown when the server answers with a status that is no success; `message` is its `error`. */
export class AnswerError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface Entry {
  series: Series | null;
  /** The same points with the smoothing that was asked along with them, until there are more points. */
  smoothed: { readonly smooth: string; readonly series: Series } | null;
  /** There is more at the server than `series`. */
  stale: boolean;
  /** Fetch all of it: `since` would not do. */
  whole: boolean;
  /** Points that were asked for when `series` came whole. */
  n: number;
  /** The server had nothing for this run. */
  none: boolean;
  asked: boolean;
  used: number;
}
/** One request for some runs of a tag. */
interface Question {
  readonly runs: readonly string[];
  readonly n: number;
  readonly join: Join | undefined;
  readonly smooth: string;
}
interface Watched {
  wish: Wish;
  readonly listener: (error: Error | null) => void;
}

const AT_ONCE = 3;
const RUNS_AT_ONCE = 200;
const MOST_POINTS = 5_000_000;

/** Bytes that may come before it is looked again for what can be dropped. */
const LITTER = 16 << 20;

/** Rows joined at most before the server thins anew, as a multiple of the points asked for. */
const GROWTH = 2.5;

export class SeriesStore {
  readonly #entries = new Map<string, Entry>();
  readonly #watched = new Map<string, Set<Watched>>();
  readonly #queue: string[] = [];
  readonly #fetch: Fetch;
  readonly #base: string;
  readonly #most: number;
  readonly #breathe: () => Promise<void>;
  readonly #abort = new AbortController();
  #running = 0;
  #answered = false;
  #clock = 0;
  /** Bytes that came since it was last looked for what can be dropped. */
  #came = 0;

  /** base: where `api/…` is; breathe: resolves when the first answer has been painted; most: bytes of unwatched series that are kept. */
  constructor(
    base: string,
    { fetcher, breathe, most }: { fetcher?: Fetch; breathe?: () => Promise<void>; most?: number } = {},
  ) {
    this.#base = base;
    this.#fetch = fetcher ?? ((url, init) => fetch(url, init));
    this.#breathe = breathe ?? (() => Promise.resolve());
    this.#most = most ?? 192 << 20;
  }

  /** Look at some series until `stop`; `listener` is called after each answer (with why, when it failed). */
  watch(wish: Wish, listener: (error: Error | null) => void): { change: (wish: Wish) => void; stop: () => void } {
    const watched: Watched = { wish, listener };
    const add = (): void => {
      const key = tagKey(watched.wish.kind, watched.wish.tag);
      const set = this.#watched.get(key) ?? new Set();
      set.add(watched);
      this.#watched.set(key, set);
      this.#want(key);
    };
    const remove = (): void => {
      const key = tagKey(watched.wish.kind, watched.wish.tag);
      const set = this.#watched.get(key);
      set?.delete(watched);
      if (set?.size === 0) this.#watched.delete(key);
    };
    add();
    return {
      change: (next) => {
        remove();
        watched.wish = next;
        add();
      },
      stop: remove,
    };
  }

  /** What is held of a wish, by run. A run without an entry has not come yet. */
  held(wish: Wish): Map<string, Series> {
    const out = new Map<string, Series>();
    for (const run of wish.runs) {
      const entry = this.#entries.get(seriesKey(wish.kind, wish.tag, run));
      if (entry?.series == null) continue;
      entry.used = ++this.#clock;
      out.set(run, entry.series);
    }
    return out;
  }

  /** What is held of these runs with just this smoothing, and is as new as the whole series. */
  smoothed({ kind, tag }: Wish, runs: readonly string[], smooth: string): Map<string, Series> {
    const out = new Map<string, Series>();
    for (const run of runs) {
      const smoothed = this.#entries.get(seriesKey(kind, tag, run))?.smoothed;
      if (smoothed?.smooth === smooth) out.set(run, smoothed.series);
    }
    return out;
  }

  /** True while an answer for some run of the wish is still to come. */
  waiting(wish: Wish): boolean {
    return wish.runs.some((run) => {
      const entry = this.#entries.get(seriesKey(wish.kind, wish.tag, run));
      return entry === undefined || (entry.series === null && !entry.none);
    });
  }

  /** These series have new points (or, with "all", any may have). Watched ones are fetched, the others when they are next watched. */
  advance(what: readonly (readonly [kind: string, tag: string, run: string])[] | "all"): void {
    if (what === "all") {
      for (const entry of this.#entries.values()) this.#stale(entry);
      for (const key of this.#watched.keys()) this.#want(key);
      return;
    }
    const tags = new Set<string>();
    for (const [kind, tag, run] of what) {
      const entry = this.#entries.get(seriesKey(kind, tag, run));
      if (entry !== undefined) this.#stale(entry);
      tags.add(tagKey(kind, tag));
    }
    for (const key of tags) this.#want(key);
  }

  /** Answer a question beyond the whole series. Not cached: the card holds it as long as it shows it. */
  async ask(detail: Detail, signal?: AbortSignal): Promise<readonly Series[]> {
    const out: Series[] = [];
    for (let at = 0; at < detail.runs.length; at += RUNS_AT_ONCE) {
      const runs = detail.runs.slice(at, at + RUNS_AT_ONCE);
      const query = new URLSearchParams({
        kind: detail.kind,
        tag: detail.tag,
        runs: runs.join(","),
        axis: detail.axis,
      });
      query.set("n", String(pointsFor(detail.n, runs.length)));
      if (detail.start !== undefined) query.set("start", String(detail.start));
      if (detail.stop !== undefined) query.set("stop", String(detail.stop));
      if (detail.smooth !== undefined) query.set("smooth", detail.smooth);
      const answer = await this.#get(`${this.#base}api/series?${query}`, signal ?? this.#abort.signal);
      out.push(...answer.series);
    }
    return out;
  }

  /** No more answers are wanted. */
  close(): void {
    this.#abort.abort();
    this.#watched.clear();
  }

  #stale(entry: Entry): void {
    entry.stale = true;
    entry.none = false;
  }

  #want(key: string, next = false): void {
    if (!this.#watched.has(key) || this.#queue.includes(key)) return;
    if (this.#missing(key).runs.length === 0) return;
    if (next) this.#queue.unshift(key);
    else this.#queue.push(key);
    // A microtask later, so that wishes and hints of one moment become one request.
    queueMicrotask(() => this.#pump());
  }

  #missing(key: string): Question {
    const runs = new Set<string>();
    let n = 0;
    let join: Join | undefined;
    let smooth = "";
    for (const { wish } of this.#watched.get(key) ?? []) {
      n = Math.max(n, wish.n);
      join = wish.join ?? join;
      smooth = wish.smooth?.() ?? smooth;
      for (const run of wish.runs) {
        const entry = this.#entries.get(seriesKey(wish.kind, wish.tag, run));
        if (entry === undefined) runs.add(run);
        else if (!entry.asked && !entry.none && lacks(entry, wish.n)) {
          entry.whole ||= coarse(entry, wish.n);
          runs.add(run);
        }
      }
    }
    return { runs: [...runs].slice(0, RUNS_AT_ONCE), n, join, smooth };
  }

  #pump(): void {
    // The very first question goes alone: nothing shares the line with the first chart.
    while (this.#running < (this.#answered ? AT_ONCE : 1)) {
      const key = this.#queue.shift();
      if (key === undefined) return;
      const question = this.#missing(key);
      if (question.runs.length === 0) continue;
      this.#running++;
      void this.#load(key, question)
        .then(() => (this.#answered ? undefined : this.#breathe()))
        .finally(() => {
          this.#running--;
          this.#answered = true;
          // A card of more runs than one question takes is completed before the next one is begun.
          this.#want(key, question.runs.length === RUNS_AT_ONCE);
          this.#pump();
        });
    }
  }

  async #load(key: string, { runs, n, join, smooth }: Question): Promise<void> {
    const [kind = "", tag = ""] = key.split("\u0000");
    const entries = runs.map((run) => this.#entry(seriesKey(kind, tag, run)));
    const since: string[] = [];
    entries.forEach((entry, i) => {
      entry.asked = true;
      entry.stale = false;
      if (entry.series !== null && !entry.whole) since.push(`${runs[i] ?? ""}:${entry.series.cursor}`);
    });
    const query = new URLSearchParams({ kind, tag, runs: runs.join(","), n: String(pointsFor(n, runs.length)) });
    if (since.length > 0) query.set("since", since.join(","));
    // What comes after a cursor is joined to raw points: only whole answers are smoothed.
    else if (smooth !== "") query.set("smooth", smooth);
    let error: Error | null = null;
    try {
      const answer = await this.#get(`${this.#base}api/series?${query}`, this.#abort.signal);
      const got = new Map(answer.series.map((series) => [series.run, series]));
      runs.forEach((run, i) => {
        const entry = entries[i];
        if (entry !== undefined) this.#take(entry, got.get(run), { n, join, smooth });
      });
    } catch (cause) {
      error = cause instanceof Error ? cause : new Error(String(cause));
      // Not asked again by itself: the next hint, or the reader's "try again", does.
      for (const entry of entries) entry.none = entry.series === null;
    } finally {
      for (const entry of entries) entry.asked = false;
    }
    if (error === null) this.#forgetOld();
    for (const { listener } of this.#watched.get(key) ?? []) listener(error);
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const used = ++this.#clock;
      entry = { series: null, smoothed: null, stale: false, whole: false, n: 0, none: false, asked: false, used };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #take(entry: Entry, series: Series | undefined, { n, join, smooth }: Omit<Question, "runs">): void {
    entry.used = ++this.#clock;
    if (series === undefined) {
      entry.none = entry.series === null;
      return;
    }
    const held = entry.series;
    if (held === null || series.since === 0) {
      entry.series = unsmoothed(series);
      entry.smoothed = entry.series === series ? null : { smooth, series };
      entry.whole = false;
      entry.n = n;
      return;
    }
    if (series.since !== held.cursor) return this.#askWhole(entry);
    if ((series.columns.step?.length ?? 0) === 0) return;
    const joined = (join ?? joinColumns)(held, series);
    if (joined === null) return this.#askWhole(entry);
    entry.series = joined;
    entry.smoothed = null;
    if ((joined.columns.step?.length ?? 0) > n * GROWTH + 200) entry.whole = true;
  }

  #askWhole(entry: Entry): void {
    entry.whole = true;
    entry.stale = true;
  }

  async #get(url: string, signal: AbortSignal): Promise<Answer> {
    const response = await this.#fetch(url, { signal });
    if (!response.ok) throw new AnswerError(response.status, await reason(response));
    const body = await response.arrayBuffer();
    this.#came += body.byteLength;
    return decode(body);
  }

  /** Drop the series that nobody watches, the longest unused first, until the rest fits. Looked at now and then: with a hundred
   * thousand series it takes as long as a picture. */
  #forgetOld(): void {
    if (this.#came < Math.min(LITTER, this.#most)) return;
    this.#came = 0;
    const watched = new Set<string>();
    for (const set of this.#watched.values()) {
      for (const { wish } of set) for (const run of wish.runs) watched.add(seriesKey(wish.kind, wish.tag, run));
    }
    const idle = [...this.#entries].filter(
      ([key, entry]) => entry.series !== null && !watched.has(key) && !entry.asked,
    );
    let size = idle.reduce((sum, [, entry]) => sum + sizeOf(entry.series), 0);
    if (size <= this.#most) return;
    idle.sort(([, a], [, b]) => a.used - b.used);
    for (const [key, entry] of idle) {
      if (size <= this.#most) return;
      size -= sizeOf(entry.series);
      this.#entries.delete(key);
    }
  }
}

/** Why the server refused, in its own words. */
export async function reason(response: Response): Promise<string> {
  const body = (await response.json().catch(() => null)) as { error?: unknown } | null;
  return typeof body?.error === "string" ? body.error : `${response.status} ${response.statusText}`;
}

function lacks(entry: Entry, n: number): boolean {
  return entry.series === null || entry.stale || coarse(entry, n);
}
/** Thinned to about half of what is wanted now (fewer runs share the card, or it is wide): the server has finer points. */
function coarse(entry: Entry, n: number): boolean {
  return entry.series !== null && !entry.series.exact && n > entry.n * 1.9;
}
function pointsFor(n: number, runs: number): number {
  return Math.max(2, Math.min(100_000, n, Math.floor(MOST_POINTS / Math.max(1, runs))));
}
/** A series without its smoothed column, which belongs to one setting of a slider. */
function unsmoothed(series: Series): Series {
  const { smooth, ...columns } = series.columns;
  if (smooth === undefined) return series;
  return { ...series, columns };
}
function tagKey(kind: string, tag: string): string {
  return `${kind}\u0000${tag}`;
}
function seriesKey(kind: string, tag: string, run: string): string {
  return `${kind}\u0000${tag}\u0000${run}`;
}
function sizeOf(series: Series | null): number {
  return series === null ? 0 : Object.values(series.columns).reduce((sum, column) => sum + column.byteLength, 0);
}
