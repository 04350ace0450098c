/* Fitting, zooming and panning. */

import { describe, expect, test } from "vitest";
import { fitted, panned, percent, pixelAt, realSize, zoomed } from "./zoom";

const STAGE = { width: 400, height: 300 };

describe("fitting", () => {
  test("a small image is enlarged by a whole number, in the middle", () => {
    expect(fitted({ width: 32, height: 32 }, STAGE)).toEqual({ scale: 9, x: 56, y: 6 });
    expect(fitted({ width: 25, height: 96 }, STAGE)).toEqual({ scale: 3, x: 163, y: 6 });
  });
  test("a large image is shrunk until all of it is seen", () => {
    expect(fitted({ width: 1600, height: 600 }, STAGE)).toEqual({ scale: 0.25, x: 0, y: 75 });
  });
  test("a little enlargement need not be whole", () => {
    expect(fitted({ width: 260, height: 100 }, STAGE).scale).toBeCloseTo(400 / 260);
  });
  test("real size is one to one", () => {
    expect(realSize({ width: 100, height: 100 }, STAGE)).toEqual({ scale: 1, x: 150, y: 100 });
  });
});

describe("zooming", () => {
  const image = { width: 100, height: 100 };
  test("keeps what is under the pointer where it is", () => {
    let place = fitted(image, STAGE);
    for (const [factor, x, y] of [
      [2, 200, 150],
      [1.5, 230, 140],
      [1.3, 180, 160],
    ] as const) {
      const before = { x: (x - place.x) / place.scale, y: (y - place.y) / place.scale };
      place = zoomed(image, STAGE, place, factor, x, y);
      expect(place.x + before.x * place.scale).toBeCloseTo(x, -0.5);
      expect(place.y + before.y * place.scale).toBeCloseTo(y, -0.5);
    }
  });
  test("ends at 64 and at half of fitted", () => {
    expect(zoomed(image, STAGE, fitted(image, STAGE), 1e9, 0, 0).scale).toBe(64);
    expect(zoomed(image, STAGE, fitted(image, STAGE), 1e-9, 0, 0).scale).toBe(0.5);
  });
  test("a tiny image that fills a large stage can still be zoomed in", () => {
    const tiny = { width: 4, height: 4 };
    const fit = fitted(tiny, STAGE);
    expect(fit.scale).toBe(75);
    expect(zoomed(tiny, STAGE, fit, 2, 200, 150).scale).toBe(150);
  });
  test("panning leaves no gap and does not move what fits", () => {
    const near = zoomed(image, STAGE, fitted(image, STAGE), 4, 200, 150);
    expect(panned(image, STAGE, near, 1e9, 1e9)).toMatchObject({ x: 0, y: 0 });
    expect(panned(image, STAGE, near, -1e9, -1e9)).toMatchObject({
      x: 400 - 100 * near.scale,
      y: 300 - 100 * near.scale,
    });
    const small = realSize({ width: 10, height: 10 }, STAGE);
    expect(panned({ width: 10, height: 10 }, STAGE, small, 50, 50)).toEqual(small);
  });
});

test("the pixel under a point is found, and none beside the image", () => {
  const image = { width: 4, height: 3 };
  const place = { scale: 10, x: 20, y: 30 };
  expect(pixelAt(image, place, 20, 30)).toEqual({ x: 0, y: 0 });
  expect(pixelAt(image, place, 59, 59)).toEqual({ x: 3, y: 2 });
  expect(pixelAt(image, place, 60, 59)).toBeNull();
  expect(pixelAt(image, place, 19, 40)).toBeNull();
});

test("scales are told as percent", () => {
  expect([percent(12), percent(0.374)]).toEqual(["1200 %", "37 %"]);
});
