/* Which step the reader chose last, on whatever card of the page: where one slider for all begins. */

let last: number | null = null;

/** Remember the step that was chosen on a card; null when the card was sent back to its newest. */
export function touch(step: number | null): void {
  last = step;
}

/** The option `at` for cards that move together from now on: the step chosen last, or "" for the newest of each. */
export function startOfAll(): string {
  return last === null ? "" : String(last);
}
