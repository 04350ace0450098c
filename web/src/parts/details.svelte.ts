/* What a card needs beyond its whole series (a zoomed range, smoothing of thinned points): asked once a need, one request in flight. */

import type { Needs } from "../kinds/card";
import type { SeriesStore, Wish } from "../store";
import type { Series } from "../wire";

const NONE: ReadonlyMap<string, Series> = new Map();

/** Milliseconds between two questions that differ only in that the series have grown: what is shown is continued from what is held. */
const REST = 3000;
/** Milliseconds that a slider must rest before it is asked what it stands for: meanwhile the card shows its own estimate. */
const HAND = 120;
/** Points wanted, over points held, that are worth another question. */
const FINER = 1.9;

interface Asked {
  readonly question: string;
  readonly needs: Needs;
  readonly runs: readonly string[];
  readonly cursors: ReadonlyMap<string, number>;
  readonly n: number;
  readonly wish: Wish;
  /** The answer is added to what is held. */
  readonly joins: boolean;
}

export class Details {
  /** The last answer, by run. Reactive; may be one need behind. */
  series = $state.raw<ReadonlyMap<string, Series>>(NONE);
  /** What `series` is the answer to. */
  answered = $state.raw<Needs | null>(null);
  readonly #store: SeriesStore;
  #wanted: Asked | null = null;
  /** What was asked last, the cursor that each run had then, and for how many points a run. */
  #question = "";
  #cursors = new Map<string, number>();
  #n = 0;
  #asked = -Infinity;
  /** The smoothing wanted last, and since when. */
  #smooth: string | undefined;
  #moved = -Infinity;
  #busy = false;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: SeriesStore) {
    this.#store = store;
  }

  /** Say what is needed now; null: nothing. A run is asked for again only when the question is another, it has grown, or much finer
   * points are wanted: hiding a run asks nothing. */
  want(wish: Wish, needs: Needs | null, data: ReadonlyMap<string, Series>): void {
    clearTimeout(this.#timer);
    if (needs === null) {
      this.#wanted = null;
      this.#question = "";
      if (this.series !== NONE) this.series = NONE;
      return;
    }
    const moved = needs.smooth !== this.#smooth && this.#question !== "";
    this.#smooth = needs.smooth;
    this.#wanted = null;
    if (moved) this.#moved = performance.now();
    const hand = this.#moved + HAND - performance.now();
    // Nothing of this while a slider moves: with thirty cards it would cost the frame.
    if (hand > 0) this.#timer = setTimeout(() => this.#compare(wish, needs, data), hand);
    else this.#compare(wish, needs, data);
  }

  /** Find out what is missing, and ask for it. */
  #compare(wish: Wish, needs: Needs, data: ReadonlyMap<string, Series>): void {
    const { runs: all = wish.runs, ...rest } = needs;
    const question = JSON.stringify([wish.kind, wish.tag, rest]);
    this.#takeReady(wish, all, needs, question, data);
    const known = question === this.#question && wish.n <= this.#n * FINER ? this.#cursors : null;
    const cursors = new Map(all.map((run) => [run, data.get(run)?.cursor ?? 0]));
    const runs = all.filter((run) => known?.get(run) !== cursors.get(run));
    if (runs.length === 0) return;
    const more = known !== null && runs.every((run) => known.has(run));
    this.#wanted = { question, needs, runs, cursors, n: wish.n, wish, joins: known !== null };
    const wait = more ? this.#asked + REST - performance.now() : 0;
    if (wait > 0) this.#timer = setTimeout(() => this.#start(), wait);
    else this.#start();
  }

  /** What came together with the whole series need not be asked for. */
  #takeReady(
    wish: Wish,
    runs: readonly string[],
    needs: Needs,
    question: string,
    data: ReadonlyMap<string, Series>,
  ): void {
    if (needs.smooth === undefined || needs.start !== undefined) return;
    const known = question === this.#question && wish.n <= this.#n * FINER ? this.#cursors : null;
    const missing = runs.filter((run) => known?.get(run) !== data.get(run)?.cursor);
    const ready = this.#store.smoothed(wish, missing, needs.smooth);
    if (ready.size === 0) return;
    this.series = known === null ? ready : new Map([...this.series, ...ready]);
    this.answered = needs;
    const cursors = [...ready].map(([run, { cursor }]) => [run, cursor] as const);
    this.#cursors = new Map(known === null ? cursors : [...known, ...cursors]);
    this.#n = known === null ? wish.n : this.#n;
    this.#question = question;
  }

  close(): void {
    this.#closed = true;
    this.#wanted = null;
    clearTimeout(this.#timer);
  }

  #start(): void {
    if (!this.#busy) void this.#next();
  }

  async #next(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === null) return;
    const { question, needs, runs, cursors, n, wish, joins } = wanted;
    this.#wanted = null;
    this.#busy = true;
    if (!joins) this.#cursors = new Map();
    for (const run of runs) this.#cursors.set(run, cursors.get(run) ?? 0);
    this.#question = question;
    this.#n = joins ? this.#n : n;
    this.#asked = performance.now();
    try {
      const series = await this.#store.ask({ ...needs, kind: wish.kind, tag: wish.tag, runs, n });
      // Shown even when the need has moved on meanwhile, unless what is needed now was at hand.
      if (!this.#closed && this.#question === question) {
        this.answered = needs;
        const held: Iterable<readonly [string, Series]> = joins ? this.series : [];
        this.series = new Map([...held, ...series.map((one) => [one.run, one] as const)]);
      }
    } catch {
      // The whole series stays on screen; the next need asks again.
      this.#question = "";
      this.#dropJoin();
    } finally {
      this.#busy = false;
    }
    if (!this.#closed) void this.#next();
  }

  /** What was to be added to an answer that did not come has nothing to be added to. */
  #dropJoin(): void {
    if (this.#wanted?.joins === true) this.#wanted = null;
  }
}
