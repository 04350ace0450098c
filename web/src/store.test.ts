import { describe, expect, test, vi } from "vitest";
import { SeriesStore, type Wish } from "./store";
import { encode } from "./wire.sample";

/** A server with one kind and any runs: run -> values; counts questions and keeps their addresses. */
class Server {
  readonly asked: URL[] = [];
  readonly values = new Map<string, number[]>();
  failing = 0;
  /** The cursor that an answer says it follows. */
  since = (asked: number): number => asked;

  readonly fetch = (url: string): Promise<Response> => {
    const address = new URL(url);
    this.asked.push(address);
    if (this.failing-- > 0) return Promise.resolve(Response.json({ error: "no such tag" }, { status: 404 }));
    const since = new Map(
      (address.searchParams.get("since") ?? "").split(",").map((item) => item.split(":") as [string, string]),
    );
    const n = Number(address.searchParams.get("n"));
    const series = (address.searchParams.get("runs") ?? "").split(",").flatMap((run) => {
      const all = this.values.get(run);
      if (all === undefined) return [];
      const from = since.has(run) ? this.since(Number(since.get(run))) : 0;
      const kept = all.slice(from).slice(-n);
      return [
        {
          run,
          since: from,
          cursor: all.length,
          total: all.length - from,
          exact: kept.length === all.length - from,
          step: kept.map((_, i) => from + i),
          value: kept,
        },
      ];
    });
    return Promise.resolve(new Response(encode(series)));
  };
}

const wish = (runs: string[], n = 1000): Wish => ({ kind: "scalar", tag: "loss", runs, n });
const settled = (): Promise<void> => new Promise((done) => setTimeout(done, 5));

function started(values: Record<string, number[]>): { server: Server; store: SeriesStore } {
  const server = new Server();
  for (const [run, list] of Object.entries(values)) server.values.set(run, list);
  return { server, store: new SeriesStore("http://board/", { fetcher: server.fetch }) };
}

describe("the client's store", () => {
  test("all runs of a tag are asked for at once, however many cards look at them", async () => {
    const { server, store } = started({ a: [1, 2], b: [3] });
    const heard = vi.fn();
    store.watch(wish(["a"]), heard);
    store.watch(wish(["b"]), heard);
    await settled();
    expect(server.asked.map((url) => url.searchParams.get("runs"))).toEqual(["a,b"]);
    expect(heard).toHaveBeenCalledTimes(2);
    expect([...(store.held(wish(["a", "b"])).get("a")?.columns.value ?? [])]).toEqual([1, 2]);
  });

  test("a hint fetches only what came after the cursor, and only what is watched", async () => {
    const { server, store } = started({ a: [1, 2], b: [3] });
    store.watch(wish(["a"]), () => undefined);
    await settled();
    server.values.set("a", [1, 2, 5]);
    store.advance([
      ["scalar", "loss", "a"],
      ["scalar", "other", "a"],
      ["scalar", "loss", "b"],
    ]);
    await settled();
    expect(server.asked[1]?.searchParams.get("since")).toBe("a:2");
    expect(server.asked).toHaveLength(2);
    const series = store.held(wish(["a"])).get("a");
    expect([...(series?.columns.value ?? [])]).toEqual([1, 2, 5]);
    expect(series).toMatchObject({ cursor: 3, total: 3, exact: true, segments: [{ start: 0, stop: 3 }] });
  });

  test("hints while a question is on its way lead to one more question, not to one each", async () => {
    const { server, store } = started({ a: [1] });
    store.watch(wish(["a"]), () => undefined);
    for (let i = 0; i < 20; i++) store.advance([["scalar", "loss", "a"]]);
    await Promise.resolve();
    for (let i = 0; i < 20; i++) store.advance([["scalar", "loss", "a"]]);
    await settled();
    expect(server.asked.length).toBeLessThanOrEqual(2);
  });

  test("a run switched on again is there at once; one never seen is fetched", async () => {
    const { server, store } = started({ a: [1], b: [2] });
    const watch = store.watch(wish(["a", "b"]), () => undefined);
    await settled();
    watch.change(wish(["a"]));
    watch.change(wish(["a", "b"]));
    await settled();
    expect(server.asked).toHaveLength(1);
    expect(store.waiting(wish(["a", "b"]))).toBe(false);
  });

  test("a series that grew far beyond what was asked for is thinned anew", async () => {
    const { server, store } = started({ a: [...Array(100).keys()] });
    store.watch(wish(["a"], 100), () => undefined);
    await settled();
    for (let points = 200; points <= 700; points += 100) {
      server.values.set("a", [...Array(points).keys()]);
      store.advance([["scalar", "loss", "a"]]);
      await settled();
    }
    const whole = server.asked.filter((url) => !url.searchParams.has("since"));
    expect(whole).toHaveLength(2);
    expect(store.held(wish(["a"])).get("a")?.columns.value?.length).toBeLessThan(450);
  });

  test("a cursor that does not follow what is held (the server began anew) is asked for whole", async () => {
    const { server, store } = started({ a: [1, 2, 3] });
    store.watch(wish(["a"]), () => undefined);
    await settled();
    const honest = server.since;
    server.since = () => 1;
    store.advance("all");
    await settled();
    server.since = honest;
    expect(server.asked.at(-1)?.searchParams.has("since")).toBe(false);
    expect([...(store.held(wish(["a"])).get("a")?.columns.value ?? [])]).toEqual([1, 2, 3]);
  });

  test("thinned points are fetched finer when fewer runs share the card", async () => {
    const { server, store } = started({ a: [...Array(500).keys()] });
    const watch = store.watch(wish(["a"], 50), () => undefined);
    await settled();
    watch.change(wish(["a"], 60));
    await settled();
    expect(server.asked).toHaveLength(1);
    watch.change(wish(["a"], 200));
    await settled();
    expect(server.asked).toHaveLength(2);
    expect(store.held(wish(["a"])).get("a")?.columns.value?.length).toBe(200);
  });

  test("a refusal is told to the card and not repeated by itself; trying again asks again", async () => {
    const { server, store } = started({ a: [1] });
    server.failing = 1;
    const heard = vi.fn();
    store.watch(wish(["a"]), heard);
    await settled();
    expect(heard.mock.calls[0]?.[0]).toMatchObject({ message: "no such tag", status: 404 });
    expect(server.asked).toHaveLength(1);
    store.advance("all");
    await settled();
    expect(store.held(wish(["a"])).size).toBe(1);
  });

  test("what nobody looks at goes, the longest unused first, when it is more than may be kept", async () => {
    const server = new Server();
    for (const run of ["a", "b", "c"]) server.values.set(run, [1, 2, 3, 4]);
    const bytes = 4 * 3 * 8;
    const store = new SeriesStore("http://board/", { fetcher: server.fetch, most: bytes });
    for (const run of ["a", "b", "c"]) {
      const watch = store.watch(wish([run]), () => undefined);
      await settled();
      watch.stop();
    }
    // The last is looked at while its answer comes; of the two before, one may stay.
    expect(["a", "b", "c"].map((run) => store.held(wish([run])).size)).toEqual([0, 1, 1]);
  });

  test("smoothing comes with whole series only, and leaves with the first new point", async () => {
    const { server, store } = started({ a: [1, 2, 3] });
    const wanted: Wish = { ...wish(["a"]), smooth: () => "ema:0.6" };
    store.watch(wanted, () => undefined);
    await settled();
    server.values.set("a", [1, 2, 3, 4]);
    store.advance([["scalar", "loss", "a"]]);
    await settled();
    expect(server.asked.map((url) => url.searchParams.get("smooth"))).toEqual(["ema:0.6", null]);
    expect(store.smoothed(wanted, ["a"], "ema:0.6").size).toBe(0);
  });

  test("a card of very many runs is completed before the next one is begun", async () => {
    const runs = Array.from({ length: 250 }, (_, i) => `r${i}`);
    const { server, store } = started(Object.fromEntries(runs.map((run) => [run, [1]])));
    for (const tag of ["a", "b"]) store.watch({ ...wish(runs), tag }, () => undefined);
    await settled();
    await settled();
    const asked = server.asked.map(({ searchParams }) => [
      searchParams.get("tag"),
      searchParams.get("runs")?.split(",").length,
    ]);
    expect(asked).toEqual([
      ["a", 200],
      ["a", 50],
      ["b", 200],
      ["b", 50],
    ]);
  });
});
