/* The one board of this tab: what there is, which runs are chosen, what is new. Reactive; the only place where the parts meet. */

import { painted } from "./draw/frame";
import { runColor, type Theme } from "./draw/ink";
import type { RunView } from "./kinds/card";
import { Live, type LiveState } from "./live";
import { change, place } from "./place.svelte";
import { choiceFor, hiddenNames, labelsOf, natural, pattern, runNumbers } from "./runs";
import { reason, SeriesStore } from "./store";
import { theme } from "./theme.svelte";
import type { WireBoard, WireLive, WireRun } from "./wire";
import { suggestLanguage } from "./words/words.svelte";

/** A run in the list at the left. */
export interface RunRow extends RunView {
  readonly wire: WireRun;
  /** Its place in the server's list, by which tags name their runs. */
  readonly index: number;
  readonly shown: boolean;
}

export class Board {
  /** The board's own address, ending in `/`. */
  readonly base: string;
  readonly store: SeriesStore;
  readonly #live: Live;
  readonly #numbers = new Map<string, number>();
  #wire = $state.raw<WireBoard | null>(null);
  #loading = $state.raw<WireBoard["loading"]>(null);
  #error = $state<string | null>(null);
  #state = $state<LiveState>("lost");
  #asking = false;
  /** The last revision that was heard of: what is held is as new as this. */
  #revision = 0;
  #again = false;

  // Single words of the address, so that a slider's step does not make every run anew.
  readonly #hide = $derived(place().params.hide);
  readonly #only = $derived(place().params.runs);
  readonly #filter = $derived(place().params.filter ?? "");
  /** In the order of the list. Sorted when there are other runs, not when one is hidden. */
  readonly #sorted = $derived.by(() => {
    const runs = this.#wire?.runs ?? [];
    const labels = labelsOf(runs);
    const named = runs.map((wire, index) => ({ wire, index, label: labels[index] ?? wire.name }));
    return named.sort((a, b) => natural(a.wire.name, b.wire.name));
  });
  readonly rows: readonly RunRow[] = $derived.by(() => this.#rows(theme()));
  /** The rows that the filter leaves. */
  readonly listed: readonly RunRow[] = $derived.by(() => {
    const { test } = pattern(this.filter);
    return this.rows.filter((row) => test(row.name));
  });
  /** The runs that charts show: listed and switched on. */
  readonly chosen: readonly RunRow[] = $derived(this.listed.filter((row) => row.shown));

  constructor(base: string) {
    this.base = base;
    this.store = new SeriesStore(base, { breathe: painted });
    void this.reload();
    this.#live = new Live(base, {
      onhint: (hint, first) => this.#hint(hint, first),
      onboard: (wire) => this.#take(wire, true),
      onstate: (state) => (this.#state = state),
    });
  }

  get wire(): WireBoard | null {
    return this.#wire;
  }
  /** Bytes read so far while the logs are opened; null once they are. */
  get loading(): WireBoard["loading"] {
    return this.#loading;
  }
  /** Why the list could not be had, in words; null while all is well. */
  get error(): string | null {
    return this.#error;
  }
  get live(): LiveState {
    return this.#state;
  }
  get filter(): string {
    return this.#filter;
  }
  set filter(text: string) {
    change({ filter: text === "" ? undefined : text });
  }

  /** Ask for the list of runs and tags. */
  async reload(): Promise<void> {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    try {
      const response = await fetch(`${this.base}api/board`);
      if (response.ok) this.#take((await response.json()) as WireBoard, false);
      else this.#error = await reason(response);
    } catch (cause) {
      this.#error = cause instanceof Error ? cause.message : String(cause);
    } finally {
      this.#asking = false;
      if (this.#again) {
        this.#again = false;
        void this.reload();
      }
    }
  }

  pause(paused: boolean): void {
    this.#live.pause(paused);
  }

  /** Show or hide one run everywhere. */
  toggle(name: string): void {
    const hidden = new Set(this.#hidden);
    if (!hidden.delete(name)) hidden.add(name);
    this.#choose(hidden, this.#only !== undefined);
  }
  /** Show one run alone; when it is alone already, show all. */
  solo(name: string): void {
    const alone = this.chosen.length === 1 && this.chosen[0]?.name === name;
    if (alone) this.#choose(new Set(), false);
    else this.#choose(new Set(this.#names.filter((other) => other !== name)), true);
  }
  /** Show or hide all listed runs. */
  all(shown: boolean): void {
    const hidden = new Set(this.#hidden);
    for (const row of this.listed) {
      if (shown) hidden.delete(row.name);
      else hidden.add(row.name);
    }
    this.#choose(hidden, false);
  }

  /** Kinds in the order of the board, each with its number of tags. */
  tagCount(kind: string): number {
    return this.#wire?.tags[kind]?.length ?? 0;
  }

  get #names(): readonly string[] {
    return this.#wire?.runs.map((run) => run.name) ?? [];
  }
  get #hidden(): ReadonlySet<string> {
    const [hide, runs] = [this.#hide, this.#only];
    return hiddenNames({ ...(hide !== undefined && { hide }), ...(runs !== undefined && { runs }) }, this.#names);
  }
  #choose(hidden: ReadonlySet<string>, only: boolean): void {
    change(choiceFor(hidden, this.#names, only));
  }

  #rows(shownTheme: Theme): readonly RunRow[] {
    const hidden = this.#hidden;
    return this.#sorted.map(({ wire, index, label }) => ({
      id: wire.id,
      name: wire.name,
      label,
      captions: wire.captions ?? {},
      color: runColor(this.#numbers.get(wire.id) ?? 0, shownTheme),
      live: wire.live,
      wire,
      index,
      shown: !hidden.has(wire.name),
    }));
  }

  #take(wire: WireBoard, changed: boolean): void {
    const restarted = this.#wire !== null && wire.revision < this.#wire.revision;
    runNumbers(wire.runs, this.#numbers);
    suggestLanguage(wire.language);
    if (this.#wire === null || changed) this.#revision = wire.revision;
    this.#wire = wire;
    this.#loading = wire.loading;
    this.#error = null;
    if (changed || restarted) this.store.advance("all");
  }

  #hint(hint: WireLive, first: boolean): void {
    this.#loading = hint.loading;
    const wire = this.#wire;
    const missed = first && wire !== null && hint.revision !== this.#revision;
    this.#revision = hint.revision;
    if (wire === null || hint.structure !== wire.structure || hint.revision < wire.revision) void this.reload();
    if (hint.all === true || missed) this.store.advance("all");
    else if (hint.advanced !== undefined && hint.advanced.length > 0) this.store.advance(hint.advanced);
  }
}
