import { describe, expect, test } from "vitest";
import { titleOf } from "./tags";

describe("the title of a card", () => {
  test("keeps the end of the name apart, which tells the layers of a network from each other", () => {
    expect(titleOf("loss")).toEqual({ folder: "", name: "", end: "loss" });
    expect(titleOf("train/loss")).toEqual({ folder: "train/", name: "", end: "loss" });
    expect(titleOf("a/b/encoder.layers.11.weight")).toEqual({
      folder: "a/b/",
      name: "encoder.la",
      end: "yers.11.weight",
    });
  });
});
