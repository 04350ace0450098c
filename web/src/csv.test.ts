/* Cells are the same in downloads of the server and of the board. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { textCell } from "./csv";

const cells = JSON.parse(readFileSync(new URL("../../tests/golden/csv/cells.json", import.meta.url), "utf8")) as {
  readonly text: string;
  readonly cell: string;
}[];

test.each(cells)("$text", ({ text, cell }) => expect(textCell(text)).toBe(cell));
