/* Text as a cell of a CSV file, as visualdl/server/csv.py writes it: tests/golden/csv/ has the same cells for both. */

/* Signs that begin a formula, also the wide ones that some editions take for them, after whatever is not seen. */
// eslint-disable-next-line no-control-regex -- they are what is not seen
const FORMULA = /^(?:[\s\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*[=+\-@＝＋－＠]|[\t\r\n])/u;
const PLAIN = /^[\p{L}\p{N}_ ./:=+@()-]*$/u;

/** A cell. What a spreadsheet would run as a formula gets an apostrophe before it; quoted is all that is not plain. */
export function textCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return PLAIN.test(safe) ? safe : `"${safe.replace(/"/g, '""')}"`;
}
