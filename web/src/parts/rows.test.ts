import { describe, expect, test } from "vitest";
import { columnsFor, layOut, rowsBetween } from "./rows";

const cards = (n: number): string[] => Array.from({ length: n }, (_, i) => `c${i}`);

describe("the grid", () => {
  test("fits as many columns as it can, and one in any case", () => {
    expect([columnsFor(1100, 330, 12), columnsFor(300, 330, 12), columnsFor(0, 330, 12)]).toEqual([3, 1, 1]);
  });

  test("a few cards share the width of a wide screen, but none becomes a ribbon", () => {
    const columns = (few: number): number => columnsFor(1640, 330, 12, few);
    expect([columns(1), columns(2), columns(3), columns(9)]).toEqual([2, 2, 3, 4]);
    expect([columnsFor(800, 330, 12, 1), columnsFor(360, 330, 12, 5)]).toEqual([1, 1]);
  });

  test("a wide card takes the row after the one it would stand in, and leaves no hole", () => {
    const grid = layOut(
      cards(7),
      (card) => card === "c1",
      1000,
      3,
      10,
      (wide) => (wide ? 500 : 200),
    );
    expect(grid.rows.map((row) => row.cards.map((placed) => placed.card))).toEqual([
      ["c0", "c2", "c3"],
      ["c1"],
      ["c4", "c5", "c6"],
    ]);
    expect(grid.rows.map((row) => row.top)).toEqual([0, 210, 720]);
    expect(grid.height).toBe(920);
  });

  test("every card is placed once, whichever are wide", () => {
    for (const wide of [[], [0], [6], [0, 1, 2], [2, 5]]) {
      const grid = layOut(
        cards(7),
        (card) => wide.includes(Number(card.slice(1))),
        1000,
        3,
        10,
        () => 100,
      );
      expect(grid.rows.flatMap((row) => row.cards.map((placed) => placed.card)).toSorted()).toEqual(cards(7));
    }
  });

  test("only the rows in sight are found, among thousands", () => {
    const grid = layOut(
      cards(9000),
      () => false,
      1000,
      3,
      10,
      () => 200,
    );
    const rows = rowsBetween(grid, 100_000, 100_900);
    expect(rows.length).toBeLessThanOrEqual(6);
    expect(rows.every((row) => row.top <= 100_900 && row.top + row.height >= 100_000)).toBe(true);
    expect(rowsBetween(grid, -500, -1)).toEqual([]);
  });
});
