/* Where cards go: rows of equal height, wide cards in rows of their own, all heights known before anything is drawn. Pure. */

export interface Placed<C> {
  readonly card: C;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}
export interface Row<C> {
  readonly top: number;
  readonly height: number;
  readonly cards: readonly Placed<C>[];
}
export interface Grid<C> {
  readonly rows: readonly Row<C>[];
  readonly height: number;
}

/** How many columns of at least `least` pixels fit; at least one. Where fewer cards than that are to come at all, so many that none is
 * wider than two and a half times that: a wide screen is not left empty, and a chart no ribbon. */
export function columnsFor(width: number, least: number, gap: number, few = Infinity): number {
  const fit = Math.max(1, Math.floor((width + gap) / (least + gap)));
  return Math.min(fit, Math.max(few, 1, Math.ceil((width + gap) / (least * 2.5 + gap))));
}

/** Lay out cards in reading order. A wide card takes the row after the one it would stand in, so that no hole is left.
 * height: of a card, whole; width: of the grid. */
export function layOut<C>(
  cards: readonly C[],
  isWide: (card: C) => boolean,
  width: number,
  columns: number,
  gap: number,
  height: (wide: boolean) => number,
): Grid<C> {
  const rows: Row<C>[] = [];
  const each = (width - gap * (columns - 1)) / columns;
  let top = 0;
  let row: C[] = [];
  let wides: C[] = [];
  const push = (held: readonly C[], wide: boolean): void => {
    const h = height(wide);
    const w = wide ? width : Math.floor(each);
    const place = (card: C, i: number): Placed<C> => ({
      card,
      left: Math.round(i * (each + gap)),
      top,
      width: w,
      height: h,
    });
    rows.push({ top, height: h, cards: held.map(place) });
    top += h + gap;
  };
  const flush = (): void => {
    if (row.length > 0) push(row, false);
    row = [];
    for (const card of wides) push([card], true);
    wides = [];
  };
  for (const card of cards) {
    if (isWide(card)) wides.push(card);
    else row.push(card);
    if (row.length === columns || (row.length === 0 && wides.length > 0)) flush();
  }
  flush();
  return { rows, height: Math.max(0, top - gap) };
}

/** The rows that touch [from, to]. */
export function rowsBetween<C>(grid: Grid<C>, from: number, to: number): readonly Row<C>[] {
  let [low, high] = [0, grid.rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = grid.rows[middle];
    if (row !== undefined && row.top + row.height < from) low = middle + 1;
    else high = middle;
  }
  const out: Row<C>[] = [];
  for (let i = low; i < grid.rows.length; i++) {
    const row = grid.rows[i];
    if (row === undefined || row.top > to) break;
    out.push(row);
  }
  return out;
}
