/* What the cards of a page share while the pointer moves: the cursor and, when linked, the zoom. No framework, no DOM. */

export interface Cursor {
  /** What the horizontal position means: `step`, `time`, `relative`; cards of another axis ignore it. */
  readonly axis: string;
  readonly x: number;
  /** The card that the pointer is over; only it shows a tooltip. */
  readonly source: string;
}

/** The shared cursor of a page. Setting it tells every listener at once; listeners only ask for a frame. */
export class Linked {
  #cursor: Cursor | null = null;
  readonly #listeners = new Set<(cursor: Cursor | null) => void>();

  get cursor(): Cursor | null {
    return this.#cursor;
  }
  point(cursor: Cursor | null): void {
    if (cursor === this.#cursor) return;
    this.#cursor = cursor;
    for (const listener of this.#listeners) listener(cursor);
  }
  /** Returns how to stop listening. */
  listen(listener: (cursor: Cursor | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
