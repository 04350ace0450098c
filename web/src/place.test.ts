import { beforeEach, describe, expect, it, vi } from "vitest";

let writes: string[] = [];
const address = { hash: "" };

async function freshPlace(): Promise<typeof import("./place.svelte")> {
  vi.resetModules();
  return import("./place.svelte");
}

describe("the address", () => {
  beforeEach(() => {
    writes = [];
    address.hash = "#/scalars";
    vi.useFakeTimers();
    vi.stubGlobal("location", address);
    const write = (_state: unknown, _title: string, hash: string): void => {
      address.hash = hash;
      writes.push(hash);
    };
    vi.stubGlobal("history", { replaceState: write, pushState: write });
  });

  it("has a choice at once, also right after another", async () => {
    const { change } = await freshPlace();
    change({ group: "grad" });
    expect(address.hash).toContain("group=grad");
    change({ tag: "loss" });
    expect(address.hash).toContain("tag=loss");
  });

  it("is not changed more often than browsers allow, and ends with the last of a slider's steps", async () => {
    const { change } = await freshPlace();
    for (let step = 0; step < 1000; step += 1) {
      change({ smooth: String(step) });
      vi.advanceTimersByTime(30);
    }
    expect(writes.length).toBeLessThan(100);
    expect(writes.length).toBeGreaterThan(50);
    vi.advanceTimersByTime(1000);
    expect(address.hash).toContain("smooth=999");
  });

  it("takes a choice at once again when the slider has rested", async () => {
    const { change } = await freshPlace();
    for (let step = 0; step < 100; step += 1) change({ smooth: String(step) });
    vi.advanceTimersByTime(2000);
    change({ group: "grad" });
    expect(address.hash).toContain("group=grad");
  });
});
