import { describe, expect, test } from "vitest";
import { formatViews, parseViews } from "./pages/views";
import { formatList, formatOptions, formatPlace, parseList, parseOptions, parsePlace } from "./url";

describe("the address", () => {
  test("of a place is read back as it was", () => {
    const place = { page: "scalars", params: { filter: "a|b &#%=+", smooth: "0.9", wide: "train/loss,训练" } };
    expect(parsePlace(formatPlace(place))).toEqual(place);
  });

  test("keeps tags legible", () => {
    expect(formatPlace({ page: "scalars", params: { wide: "train/loss,lr" } })).toBe("#/scalars?wide=train/loss,lr");
  });

  test("that is foreign means the first page", () => {
    expect(parsePlace("#main")).toEqual({ page: "", params: {} });
    expect(parsePlace("")).toEqual({ page: "", params: {} });
  });

  test("holds lists whose items hold commas and backslashes", () => {
    const items = ["a,b", "c\\", "\\,", "d"];
    expect(parseList(formatList(items))).toEqual(items);
    expect(parseList(undefined)).toEqual([]);
  });
});

describe("options", () => {
  const defaults = { smooth: 0.6, log: false, x: "step" };

  test("are in the address only where they differ from the defaults", () => {
    expect(formatOptions(defaults, { smooth: 0.6, log: true, x: "time" })).toEqual({
      smooth: undefined,
      log: "1",
      x: "time",
    });
    expect(parseOptions(defaults, { log: "1", x: "time" })).toEqual({ smooth: 0.6, log: true, x: "time" });
  });

  test("that make no sense are the defaults", () => {
    expect(parseOptions(defaults, { smooth: "fast", log: "maybe" })).toEqual(defaults);
    expect(parseOptions(defaults, { smooth: "" })).toEqual(defaults);
  });
});

describe("views of cards", () => {
  test("come back from the address, colons and commas in tags included", () => {
    const views = {
      "train/loss": { wide: true, log: true },
      "a:b,c": { range: [1.5, 200] as const },
      lr: { range: [-3, 4e9] as const, wide: true },
    };
    const params = Object.fromEntries(
      Object.entries(formatViews(views)).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    expect(parseViews(params)).toEqual(views);
  });

  test("of one run show tag and run with a ~ between, which no chat program eats", () => {
    const views = { "images/w\u0000runs/a": { range: [1, 2] as const, wide: true } };
    const { wide, zoom } = formatViews(views);
    expect(formatPlace({ page: "images", params: { wide: wide ?? "", zoom: zoom ?? "" } })).toBe(
      "#/images?wide=images/w~runs/a&zoom=images/w~runs/a:1:2",
    );
  });

  test.each([
    ["a~", "b"],
    ["a", "~b"],
    ["a\\", "b"],
    ["a", "\\~,:b"],
    ["~", "~"],
  ])("tell the tag %j from the run %j", (tag, run) => {
    const views = { [`${tag}\u0000${run}`]: { wide: true, log: true, range: [0, 1] as const } };
    const { wide = "", log = "", zoom = "" } = formatViews(views);
    const address = formatPlace({ page: "images", params: { wide, log, zoom } });
    expect(address).not.toContain("%00");
    expect(parseViews(parsePlace(address).params)).toEqual(views);
  });

  test("that are empty leave nothing in the address", () => {
    expect(formatViews({ lr: { wide: false }, loss: {} })).toEqual({
      wide: undefined,
      log: undefined,
      zoom: undefined,
    });
  });
});
