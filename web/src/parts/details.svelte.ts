/* What a card needs beyond its whole series (a zoomed range, smoothing of thinned points): asked once a need, one request in flight. */

import type { Needs } from "../kinds/card";
import type { SeriesStore, Wish } from "../store";
import type { Series } from "../wire";

const NONE: ReadonlyMap<string, Series> = new Map();

/** Milliseconds between two questions that differ only in that the series have grown: what is shown is continued from what is held. */
const REST = 3000;

export class Details {
  /** The last answer, by run. Reactive; may be one need behind. */
  series = $state.raw<ReadonlyMap<string, Series>>(NONE);
  /** What `series` is the answer to. */
  answered = $state.raw<Needs | null>(null);
  readonly #store: SeriesStore;
  #wanted: { need: string; points: string; needs: Needs; ask: () => Promise<readonly Series[]> } | null = null;
  #need = "";
  #points = "";
  #asked = -Infinity;
  #busy = false;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: SeriesStore) {
    this.#store = store;
  }

  /** Say what is needed now; null: nothing. Equal needs on equal data are asked once. */
  want(wish: Wish, needs: Needs | null, data: ReadonlyMap<string, Series>): void {
    clearTimeout(this.#timer);
    if (needs === null) {
      this.#wanted = null;
      this.#need = this.#points = "";
      if (this.series !== NONE) this.series = NONE;
      return;
    }
    const runs = needs.runs ?? wish.runs;
    if (runs.length === 0) return;
    const detail = { ...needs, kind: wish.kind, tag: wish.tag, runs, n: wish.n };
    const need = JSON.stringify(detail);
    const points = runs.map((run) => data.get(run)?.cursor ?? 0).join();
    if (need === this.#need && points === this.#points) {
      this.#wanted = null;
      return;
    }
    this.#wanted = { need, points, needs, ask: () => this.#store.ask(detail) };
    const rest = need === this.#need ? Math.max(0, this.#asked + REST - performance.now()) : 0;
    if (rest > 0) this.#timer = setTimeout(() => this.#start(), rest);
    else this.#start();
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
    this.#wanted = null;
    this.#busy = true;
    this.#need = wanted.need;
    this.#points = wanted.points;
    this.#asked = performance.now();
    try {
      const series = await wanted.ask();
      // Shown even when the need has moved on meanwhile: a slider that is still moving shows its last but one step.
      if (!this.#closed && this.#need !== "") {
        this.answered = wanted.needs;
        this.series = new Map(series.map((one) => [one.run, one]));
      }
    } catch {
      // The whole series stays on screen; the next need asks again.
      if (this.#need === wanted.need) this.#need = this.#points = "";
    } finally {
      this.#busy = false;
    }
    if (!this.#closed) void this.#next();
  }
}
