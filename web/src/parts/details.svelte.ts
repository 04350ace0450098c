/* What a card needs beyond its whole series (a zoomed range, smoothing of thinned points): asked once a need, one request in flight. */

import type { Needs } from "../kinds/card";
import type { SeriesStore, Wish } from "../store";
import type { Series } from "../wire";

const NONE: ReadonlyMap<string, Series> = new Map();

export class Details {
  /** The last answer, by run. Reactive; may be one need behind. */
  series = $state.raw<ReadonlyMap<string, Series>>(NONE);
  /** What `series` is the answer to. */
  answered = $state.raw<Needs | null>(null);
  readonly #store: SeriesStore;
  #wanted: { key: string; needs: Needs; ask: () => Promise<readonly Series[]> } | null = null;
  #key = "";
  #busy = false;
  #closed = false;

  constructor(store: SeriesStore) {
    this.#store = store;
  }

  /** Say what is needed now; null: nothing. Equal needs on equal data are asked once. */
  want(wish: Wish, needs: Needs | null, data: ReadonlyMap<string, Series>): void {
    if (needs === null) {
      this.#wanted = null;
      this.#key = "";
      if (this.series !== NONE) this.series = NONE;
      return;
    }
    const runs = needs.runs ?? wish.runs;
    const points = runs.map((run) => data.get(run)?.cursor ?? 0);
    const detail = { ...needs, kind: wish.kind, tag: wish.tag, runs, n: wish.n };
    const key = JSON.stringify([detail, points]);
    if (key === this.#key || runs.length === 0) return;
    this.#key = key;
    this.#wanted = { key, needs, ask: () => this.#store.ask(detail) };
    if (!this.#busy) void this.#next();
  }

  close(): void {
    this.#closed = true;
    this.#wanted = null;
  }

  async #next(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === null) return;
    this.#wanted = null;
    this.#busy = true;
    try {
      const series = await wanted.ask();
      // Shown even when the need has moved on meanwhile: a slider that is still moving shows its last but one step.
      if (!this.#closed && this.#key !== "") {
        this.answered = wanted.needs;
        this.series = new Map(series.map((one) => [one.run, one]));
      }
    } catch {
      // The whole series stays on screen; the next need asks again.
      if (this.#key === wanted.key) this.#key = "";
    } finally {
      this.#busy = false;
    }
    if (!this.#closed) void this.#next();
  }
}
