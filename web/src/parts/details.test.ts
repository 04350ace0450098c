import { describe, expect, test } from "vitest";
import type { Needs } from "../kinds/card";
import { SeriesStore, type Wish } from "../store";
import type { Series } from "../wire";
import { encode } from "../wire.sample";
import { Details } from "./details.svelte";

const settled = (ms = 5): Promise<void> => new Promise((done) => setTimeout(done, ms));
/** Longer than a slider must rest. */
const RESTED = 200;
const SMOOTH: Needs = { axis: "step", smooth: "ema:0.6" };

/** Details of a store whose server answers two points for every run; `asked` holds the runs and n of each question. */
function started(): { details: Details; store: SeriesStore; asked: string[]; fail: { next: boolean } } {
  const asked: string[] = [];
  const fail = { next: false };
  const fetcher = (url: string): Promise<Response> => {
    const { searchParams } = new URL(url);
    const runs = searchParams.get("runs") ?? "";
    asked.push(`${runs} ${searchParams.get("smooth") ?? ""}`);
    if (fail.next) return Promise.resolve(Response.json({ error: "no" }, { status: 503 }));
    const smooth = searchParams.has("smooth") ? { smooth: [2, 2.5] } : {};
    const series = runs.split(",").map((run) => ({ run, cursor: 10, step: [0, 1], value: [2, 3], ...smooth }));
    return Promise.resolve(new Response(encode(series)));
  };
  const store = new SeriesStore("http://board/", { fetcher });
  return { details: new Details(store), store, asked, fail };
}
function want(details: Details, runs: readonly string[], needs: Needs = SMOOTH, cursor = 10, n = 240): Promise<void> {
  const wish: Wish = { kind: "scalar", tag: "loss", runs, n };
  const data = new Map(runs.map((run) => [run, { run, cursor } as Series]));
  details.want(wish, { ...needs, runs }, data);
  return settled();
}

describe("details", () => {
  test("a run that is hidden and shown again is not asked for again, nor are the others", async () => {
    const { details, asked } = started();
    await want(details, ["a", "b", "c"]);
    await want(details, ["a", "c"], SMOOTH, 10, 250);
    await want(details, ["a", "b", "c"]);
    expect(asked).toEqual(["a,b,c ema:0.6"]);
    expect([...details.series.keys()]).toEqual(["a", "b", "c"]);
  });

  test("a run that comes is asked for alone, and joins what is held", async () => {
    const { details, asked } = started();
    await want(details, ["a"]);
    await want(details, ["a", "b"]);
    expect(asked).toEqual(["a ema:0.6", "b ema:0.6"]);
    expect([...details.series.keys()]).toEqual(["a", "b"]);
  });

  test("another question, or much finer points, replace what is held", async () => {
    const { details, asked } = started();
    await want(details, ["a", "b"]);
    await want(details, ["a"], { ...SMOOTH, smooth: "ema:0.9" });
    await settled(RESTED);
    expect([...details.series.keys()]).toEqual(["a"]);
    await want(details, ["a"], { ...SMOOTH, smooth: "ema:0.9" }, 10, 2000);
    expect(asked).toEqual(["a,b ema:0.6", "a ema:0.9", "a ema:0.9"]);
    expect(details.answered?.smooth).toBe("ema:0.9");
  });

  test("a slider is asked about when it rests, not at every step", async () => {
    const { details, asked } = started();
    for (const smooth of ["ema:0.6", "ema:0.7", "ema:0.8", "ema:0.9"])
      await want(details, ["a"], { ...SMOOTH, smooth });
    expect(asked).toEqual(["a ema:0.6"]);
    await settled(RESTED);
    expect(asked).toEqual(["a ema:0.6", "a ema:0.9"]);
    expect(details.answered?.smooth).toBe("ema:0.9");
  });

  test("smoothing that came with the series is not asked for again", async () => {
    const { details, store, asked } = started();
    const wish: Wish = { kind: "scalar", tag: "loss", runs: ["a", "b"], n: 240, smooth: () => "ema:0.6" };
    store.watch(wish, () => undefined);
    await settled();
    details.want(wish, { ...SMOOTH, runs: ["a", "b"] }, store.held(wish));
    await settled();
    expect(asked).toEqual(["a,b ema:0.6"]);
    expect([...(details.series.get("a")?.columns.smooth ?? [])]).toEqual([2, 2.5]);
    expect(store.held(wish).get("a")?.columns.smooth).toBeUndefined();
    await want(details, ["a", "b"], { ...SMOOTH, smooth: "ema:0.9" });
    await settled(RESTED);
    expect(asked).toEqual(["a,b ema:0.6", "a,b ema:0.9"]);
  });

  test("a series that only grew is not asked for at once", async () => {
    const { details, asked } = started();
    await want(details, ["a"]);
    await want(details, ["a"], SMOOTH, 11);
    expect(asked.length).toBe(1);
    details.close();
  });

  test("after a refusal the next need asks for everything", async () => {
    const { details, asked, fail } = started();
    fail.next = true;
    await want(details, ["a", "b"]);
    fail.next = false;
    await want(details, ["a", "b"]);
    expect(asked).toEqual(["a,b ema:0.6", "a,b ema:0.6"]);
    expect([...details.series.keys()]).toEqual(["a", "b"]);
  });

  test("what is needed no more is not shown when its answer comes", async () => {
    const { details } = started();
    const first = want(details, ["a"]);
    details.want({ kind: "scalar", tag: "loss", runs: ["a"], n: 240 }, null, new Map());
    await first;
    expect(details.series.size).toBe(0);
  });
});
