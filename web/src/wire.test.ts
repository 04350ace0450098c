import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decode, WireError, type Answer, type Series } from "./wire";
import { encode } from "./wire.sample";

const GOLDEN = new URL("../../tests/golden/wire/", import.meta.url);

interface Golden {
  readonly header: Answer;
  readonly content: readonly Record<string, readonly (number | string)[]>[];
}

function contentOf(series: Series): Record<string, readonly (number | string)[]> {
  return Object.fromEntries(
    Object.entries(series.columns).map(([name, column]) => [name, Array.from(column as ArrayLike<number>, plain)]),
  );
}

/** NaN and ±inf have no JSON; the golden files spell them. */
function plain(value: number): number | string {
  return Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? value : value > 0 ? "Infinity" : "-Infinity";
}

describe("the wire", () => {
  const names = readdirSync(GOLDEN).filter((name) => name.endsWith(".bin"));

  test("there are golden answers", () => expect(names.length).toBeGreaterThan(0));

  test.each(names)("%s says what its JSON says", (name) => {
    const bytes = readFileSync(new URL(name, GOLDEN));
    const answer = decode(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    const said = JSON.parse(readFileSync(new URL(name.replace(".bin", ".json"), GOLDEN), "utf8")) as Golden;
    expect(answer).toMatchObject({ kind: said.header.kind, tag: said.header.tag, axis: said.header.axis });
    expect(
      answer.series.map(({ run, total, exact, cursor, segments }) => ({ run, total, exact, cursor, segments })),
    ).toEqual(
      said.header.series.map(({ run, total, exact, cursor, segments }) => ({ run, total, exact, cursor, segments })),
    );
    expect(answer.series.map(({ nonfinite }) => nonfinite)).toEqual(
      said.header.series.map(({ nonfinite }) => nonfinite),
    );
    expect(answer.series.map(contentOf)).toEqual(said.content);
  });

  test("bytes that are no frame are refused with what came", () => {
    expect(() => decode(new TextEncoder().encode("<html>").buffer as ArrayBuffer)).toThrow(WireError);
    expect(() => decode(new ArrayBuffer(3))).toThrow(/3 bytes/);
  });

  test("a frame that was cut is refused", () => {
    const whole = encode([{ run: "a", step: [1, 2], value: [3, 4] }]);
    expect(() => decode(whole.slice(0, whole.byteLength - 1))).toThrow(/ends past the end/);
    expect(() => decode(whole.slice(0, 40))).toThrow(WireError);
  });
});
