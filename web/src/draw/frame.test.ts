import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { forget, redraw } from "./frame";

// A window and a clock of our own: frames come when the test says so.
let frames: (() => void)[] = [];
const nextFrame = (): void => {
  const due = frames;
  frames = [];
  for (const callback of due) callback();
};
let clock = 0;
const costly = (milliseconds: number): void => void (clock += milliseconds);

beforeEach(() => {
  frames = [];
  vi.spyOn(performance, "now").mockImplementation(() => clock);
  vi.stubGlobal("requestAnimationFrame", (callback: () => void) => frames.push(callback));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("however often a picture is asked to redraw, it draws once, in the next frame", () => {
  const draw = vi.fn();
  for (let i = 0; i < 5; i++) redraw(draw);
  expect([draw.mock.calls.length, frames.length]).toEqual([0, 1]);
  nextFrame();
  nextFrame();
  expect(draw).toHaveBeenCalledOnce();
});

test("cheap pictures come in one frame, costly ones share the frames, and none is left out", () => {
  const cheap = Array.from({ length: 20 }, () => vi.fn());
  cheap.forEach((draw) => redraw(draw));
  nextFrame();
  for (const draw of cheap) expect(draw).toHaveBeenCalledOnce();

  const drawn: number[] = [];
  const pictures = Array.from({ length: 4 }, (_, i) => () => {
    costly(15);
    drawn.push(i);
  });
  pictures.forEach((draw) => redraw(draw));
  for (let frame = 1; frame <= 4; frame++) {
    nextFrame();
    expect(drawn.length).toBe(frame);
  }
  expect(drawn).toEqual([0, 1, 2, 3]);
  expect(frames).toEqual([]);
});

test("pictures out of sight wait for those in sight, and come one a frame", () => {
  const drawn: string[] = [];
  const [far, farther, near] = ["far", "farther", "near"].map((name) => () => void drawn.push(name));
  vi.stubGlobal("innerHeight", 900);
  const at = (top: number): Element => ({ getBoundingClientRect: () => ({ top, bottom: top + 300 }) }) as Element;
  redraw(far as () => void, at(1000));
  redraw(farther as () => void, at(-400));
  redraw(near as () => void, at(700));
  nextFrame();
  expect(drawn).toEqual(["near"]);
  nextFrame();
  expect(drawn).toEqual(["near", "far"]);
  nextFrame();
  expect(drawn).toEqual(["near", "far", "farther"]);
});

test("a picture that fails takes no other with it, and one that went away draws no more", () => {
  const reported = vi.fn();
  vi.stubGlobal("reportError", reported);
  const [gone, other] = [vi.fn(), vi.fn()];
  redraw(() => {
    throw new Error("broken");
  });
  redraw(gone);
  redraw(other);
  forget(gone);
  nextFrame();
  expect(reported).toHaveBeenCalledOnce();
  expect(gone).not.toHaveBeenCalled();
  expect(other).toHaveBeenCalledOnce();
});
