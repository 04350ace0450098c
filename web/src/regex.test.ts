/* The board's own matcher against the browser's, and against expressions that hang the browser's. */

import { describe, expect, test } from "vitest";
import { matcher } from "./regex";

const EXPRESSIONS = [
  "", "a", "run1$|run10", "^exp.*seed[12]", "a*", "(a|b)*c", "a+?b", "a{2}", "a{2,}b", "a{1,3}$", "(?:ab)+", "(?<n>a)b",
  "[a-c]+", "[^a]", "[\\]a]", "[\\w-]+$", "\\d+", "\\D", "\\w\\s\\w", "\\bab\\b", "\\Bb", "^$", "^", "$", "a|", "|a", "()", "(|a)+b",
  "^(?!.*val)", "(?=.*a)(?=.*b)", "(?<=a)b", "(?<!a)b", "(?!$)", "\\.", "\\u0061", "\\u{61}", "\\x61", "\\p{Lu}", "\\P{L}",
  "é", "É", "训练|测试", "😀", ".", "^.$", "\\uD83D\\uDE00", "[😀-😂]", "s", "ſ", "K", "(a*)*", "(a*)+b", "((a|ab)(c|bcd))", "a**",
  "[", "(", "*a", "\\", "a{2,1}", "(?<n", "x{0}y", "(a?){3}a{3}", "a.c", "\\/", "^[^/]+/loss$", "(?<=^|/)a", "\\cA", "[\\b]",
]; // prettier-ignore
const TEXTS = [
  "", "a", "b", "ab", "abc", "aab", "AB", "aaa", "aaaa", "run1", "run10", "run11", "exp/lr=0.1/seed2", "exp/seed3", "val/a", "x val",
  "train/loss", "loss", "a b", "a-b", "a.c", "abcd", "é", "É", "训练", "😀", "😁x", "S", "ſ", "k", "K", "12", "a\nc", "]", "\u0001", "\b", "/", "xy", "y",
]; // prettier-ignore

describe("an expression finds what the browser finds", () => {
  test.each(EXPRESSIONS)("%s", (source) => {
    let native: RegExp;
    try {
      native = new RegExp(source, "iu");
    } catch {
      expect(() => matcher(source)).toThrow(SyntaxError);
      return;
    }
    const found = matcher(source);
    expect(TEXTS.filter(found)).toEqual(TEXTS.filter((text) => native.test(text)));
  });

  test("made up by chance, from pieces", () => {
    const pieces = [
      "a",
      "b",
      "c",
      ".",
      "a*",
      "b+",
      "c?",
      "(",
      ")",
      "(?:",
      "|",
      "[ab]",
      "[^c]",
      "^",
      "$",
      "\\b",
      "{2}",
      "{1,2}",
      "*",
      "+",
      "?",
      "(?=",
      "(?!",
      "(?<=",
      "(?<!",
    ];
    let seed = 7;
    const chance = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
    const words = Array.from({ length: 40 }, () => Array.from({ length: chance(9) }, () => "abc "[chance(4)]).join(""));
    let valid = 0;
    for (let i = 0; i < 20_000; i++) {
      const source = Array.from({ length: 1 + chance(8) }, () => pieces[chance(pieces.length)]).join("");
      let native: RegExp;
      try {
        native = new RegExp(source, "iu");
      } catch {
        continue;
      }
      valid++;
      const found = matcher(source);
      for (const word of words)
        if (found(word) !== native.test(word)) expect.fail(`${source} in "${word}": ${found(word)}`);
    }
    expect(valid).toBeGreaterThan(2_000);
  });
});

describe("no expression hangs the tab", () => {
  const CATASTROPHES = [
    "(a+)+$", "(a*)*$", "(a|a)*$", "(a|aa)+$", "^(a+)*b", "(.*a){20}$", "(.*)*x", "([a-zA-Z]+)*$", "(a?){30}a{30}$", "^(([a-z])+.)+[A-Z]([a-z])+$",
    ".*.*.*.*.*=.*", "(?=(a+)+$)b", "(?<=(a+)+)b", "((a*)*)*$", "(\\w+\\s?)*$", "^(?!(a+)+$)", "(?:(?=.*b).)*$",
  ]; // prettier-ignore
  const LONG = ["a".repeat(40) + "!", "a".repeat(4_000) + "!", "a".repeat(1_000_000) + "!"];

  test.each(CATASTROPHES)("%s", (source) => {
    const found = matcher(source); // with the browser's engine this test does not end
    for (const text of LONG) expect(typeof found(text)).toBe("boolean");
  });

  test("what would become too large or needs what was found before is refused", () => {
    for (const source of ["(a{100}){100}", "(((a{9}){9}){9}){9}", "(a)\\1", "(?<n>a)\\k<n>"]) {
      expect(() => matcher(source)).toThrow(SyntaxError);
    }
  });
});
