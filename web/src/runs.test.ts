import { describe, expect, test } from "vitest";
import { choiceFor, commonPrefix, hiddenNames, labelsOf, natural, pattern, runNumbers } from "./runs";

describe("names of runs", () => {
  test("numbers in names are ordered as numbers", () => {
    expect(["run10", "run2", "run1", "Run1"].toSorted(natural)).toEqual(["Run1", "run1", "run2", "run10"]);
  });

  test("the folders that all names share are left out, never a part of a word", () => {
    expect(commonPrefix(["exp/2024/run1", "exp/2024/run2"])).toBe("exp/2024/");
    expect(commonPrefix(["exp/run1", "exp/run2/train"])).toBe("exp/");
    expect(commonPrefix(["train", "test"])).toBe("");
    expect(commonPrefix(["a/b"])).toBe("");
    expect(commonPrefix(["exp", "exp/train"])).toBe("");
    expect(commonPrefix(["exp/", "exp/train"])).toBe("");
  });

  test("runs that their scripts call the same are told apart by their folders", () => {
    const runs = [
      { name: "exp/a", display_name: "Base" },
      { name: "exp/b", display_name: "Base" },
      { name: "exp/c", display_name: "Wide" },
      { name: "exp/d", display_name: null },
    ];
    expect(labelsOf(runs)).toEqual(["Base (a)", "Base (b)", "Wide", "d"]);
    expect(labelsOf([])).toEqual([]);
  });

  test("a pattern that is none is searched as plain text and says so", () => {
    expect(pattern("LOSS$").test("train/loss")).toBe(true);
    expect(pattern("(").wrong).toBe(true);
    expect(pattern("(").test("f(x)")).toBe(true);
    expect(pattern("").test("anything")).toBe(true);
  });
});

describe("the choice of runs", () => {
  const names = ["a", "b,c", "d\\e", "f"];

  test("comes back from the address as it was, whatever the names hold", () => {
    for (const hidden of [[], ["a"], ["b,c", "d\\e"], ["a", "b,c", "f"], names]) {
      const choice = choiceFor(new Set(hidden), names, false);
      const found = hiddenNames(
        {
          ...(choice.hide !== undefined && { hide: choice.hide }),
          ...(choice.runs !== undefined && { runs: choice.runs }),
        },
        names,
      );
      expect([...found].toSorted()).toEqual(hidden.toSorted());
    }
  });

  test("a run that appears later is shown, unless only some were chosen", () => {
    expect(hiddenNames({ hide: "a" }, ["a", "new"])).toEqual(new Set(["a"]));
    expect(hiddenNames({ runs: "a" }, ["a", "new"])).toEqual(new Set(["new"]));
  });
});

describe("numbers (colours) of runs", () => {
  const run = (id: string, started: number | null, name = id) => ({ id, name, started });

  test("follow the start, then the natural order of names", () => {
    const numbers = runNumbers([run("x10", 5), run("x2", 5), run("old", 1)], new Map());
    expect([...numbers]).toEqual([
      ["old", 0],
      ["x2", 1],
      ["x10", 2],
    ]);
  });

  test("are the same after a reload, however soon one run followed the other", () => {
    const known = runNumbers([run("1", 100.000001, "train")], new Map());
    const later = [run("2", 100.000042, "test"), run("1", 100.000001, "train")];
    expect(runNumbers(later, new Map(known)).get("1")).toBe(0);
    expect(runNumbers(later, new Map()).get("1")).toBe(0);
  });

  test("stay when runs appear", () => {
    const known = new Map<string, number>();
    runNumbers([run("b", 2)], known);
    expect(runNumbers([run("a", 9), run("b", 2)], known).get("b")).toBe(0);
  });
});
