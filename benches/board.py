"""How soon the board shows a chart and how fast it answers the hand, in a real browser.

    python -m benches.board [--size small] [--passes 3] [--screenshot FOLDER]

Sizes: small = 10 runs × 10 tags × 1,000 points, medium = 100 × 20 × 5,000. For each pass a fresh browser context (cold
cache) opens the board of a warm server at 1400 × 900 with software rendering. Times begin at the navigation or at the
event's own time stamp and end at the first frame that sees the change, found by comparing what the canvases hold; that
frame is on screen one frame later. An idle frame is 16.7 ms. Beside the figures stand the best peer's
(TensorBoard 2.20, VisualDL 2.5.3, Trackio, Aim on the same machine and the same logs).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from visualdl import LogWriter

SIZES: Final = {"small": (10, 10, 1000), "medium": (100, 20, 5000)}
CHROMIUM: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
BEST_PEER: Final[dict[str, dict[str, str]]] = {
    "small": {
        "first chart, ms": "2300 (TensorBoard)",
        "requests until then": "19 (TensorBoard)",
        "kB until then": "2501 (TensorBoard)",
        "charts on the first screen": "6 (Trackio, Aim)",
        "smoothing step, ms": "195 (VisualDL 2)",
        "run toggle, ms": "155 (TensorBoard)",
        "hover frame p95, ms": "22 (TensorBoard)",
        "scroll frame p95, ms": "17 (Aim)",
    },
    "medium": {
        "first chart, ms": "4950 (TensorBoard)",
        "kB until then": "5667 (TensorBoard)",
        "smoothing step, ms": "1286 (TensorBoard)",
        "run toggle, ms": "909 (TensorBoard)",
        "hover frame p95, ms": "58 (TensorBoard)",
        "scroll frame p95, ms": "18 (TensorBoard)",
    },
}

# Runs in the page before its own scripts. `ink()` is what the canvases hold, each scaled to a stamp; a chart is drawn
# when its stamp has colour.
PROBE: Final = """
(() => {
  const stamp = document.createElement("canvas");
  [stamp.width, stamp.height] = [48, 32];
  const pen = stamp.getContext("2d", { willReadFrequently: true });
  const plots = () => [...document.querySelectorAll("article .chart canvas:first-child")].filter((canvas) => {
    const box = canvas.getBoundingClientRect();
    return box.top < innerHeight && box.bottom > 0;
  });
  const read = (canvas) => {
    pen.clearRect(0, 0, 48, 32);
    pen.drawImage(canvas, 0, 0, 48, 32);
    return pen.getImageData(0, 0, 48, 32).data;
  };
  const coloured = (canvas) => {
    const data = read(canvas);
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b, a] = data.subarray(i, i + 4);
      if (a > 20 && Math.max(r, g, b) - Math.min(r, g, b) > 60) return true;
    }
    return false;
  };
  const sum = (canvas) => read(canvas).reduce((hash, byte) => (hash * 31 + byte) | 0, 0);
  const probe = (window.probe = { first: 0, all: 0, longest: 0, frames: [], change: null });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) probe.longest = Math.max(probe.longest, task.duration);
  }).observe({ type: "longtask", buffered: true });
  const watchStart = () => {
    const all = plots();
    const seen = all.filter(coloured).length;
    const waiting = document.querySelectorAll('article[data-state="waiting"]').length;
    if (seen > 0 && probe.first === 0) probe.first = performance.now();
    if (seen > 0 && seen === all.length && waiting === 0) probe.all = performance.now();
    if (probe.all === 0) requestAnimationFrame(watchStart);
  };
  requestAnimationFrame(watchStart);
  // What had come when the first chart was seen: sizes as transferred, the page itself included.
  probe.report = () => {
    const came = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .filter((entry) => entry.responseEnd > 0 && entry.responseEnd <= probe.first);
    const bytes = came.reduce((total, entry) => total + (entry.encodedBodySize || 0) + 300, 0);
    const whole = plots().filter((canvas) => canvas.getBoundingClientRect().bottom <= innerHeight && coloured(canvas));
    const { first, all, longest } = probe;
    return { first, all, longest, whole: whole.length, requests: came.length, bytes };
  };
  // Sets probe.change to the milliseconds from the next event of this type to the frame in which the first chart has
  // changed and to the one in which every chart in sight has. Looked at after the page's own work of the frame.
  probe.changed = (type, target) => {
    const before = plots().map(sum);
    const out = { first: 0, every: 0 };
    probe.change = null;
    document.querySelector(target).addEventListener(type, (event) => {
      const look = () => {
        const at = performance.now() - event.timeStamp;
        const changed = plots().map(sum).filter((value, i) => value !== before[i]).length;
        if (changed > 0) out.first ||= at;
        if (changed === before.length) out.every ||= at;
        if (out.every === 0 && at < 3000) requestAnimationFrame(() => setTimeout(look, 0));
        else probe.change = out;
      };
      requestAnimationFrame(() => setTimeout(look, 0));
    }, { once: true, capture: true });
  };
  probe.time = (on) => {
    probe.timing = on;
    if (!on) return;
    probe.frames = [];
    let before = performance.now();
    const tick = (now) => {
      probe.frames.push(now - before);
      before = now;
      if (probe.timing) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  };
})();
"""


def write_logs(root: Path, size: str) -> None:
    """Losses that fall, with noise, as the peers were measured on."""
    runs, tags, points = SIZES[size]
    for run in range(runs):
        with LogWriter(str(root / f"run{run}")) as writer:
            for tag in range(tags):
                noise = np.random.default_rng(run * 1000 + tag).normal(0, 0.08, points)
                value = (2 + run / runs) * np.exp(-np.arange(points) / points * (3 + tag)) + 0.3 + noise
                for step, number in enumerate(value.tolist()):
                    writer.add_scalar(f"group{tag % 4}/t{tag}", number, step)


@contextmanager
def serve(root: Path) -> Iterator[str]:
    """The board's address while its server runs."""
    server = subprocess.Popen(
        [sys.executable, "-m", "visualdl", "--logdir", str(root)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if found := re.search(r"http://\S+", line):
                yield found[0]
                return
        raise RuntimeError("the server ended without printing its address")
    finally:
        server.terminate()
        server.wait(10)


def until(page: Page, expression: str, seconds: float = 60) -> None:
    """Wait until a JavaScript expression holds. (The board's policy forbids Playwright's own wait_for_function.)"""
    end = time.monotonic() + seconds
    while not page.evaluate(f"() => {expression}"):
        if time.monotonic() > end:
            raise TimeoutError(f"{expression} was not true within {seconds} s")
        page.wait_for_timeout(5)


def open_board(page: Page, url: str) -> dict[str, float]:
    """From an empty page to charts."""
    page.add_init_script(PROBE)
    page.goto(url, wait_until="commit")
    until(page, "probe.all > 0")
    page.wait_for_timeout(1000)
    seen = page.evaluate("() => probe.report()")
    return {
        "first chart, ms": seen["first"],
        "all charts of the screen, ms": seen["all"],
        "requests until then": seen["requests"],
        "kB until then": seen["bytes"] / 1000,
        "longest task until then, ms": seen["longest"],
        "charts on the first screen": seen["whole"],
    }


def change(page: Page, event: str, selector: str, act: str) -> tuple[float, float]:
    """Milliseconds from the event to the frames in which the first chart and every chart in sight has changed."""
    page.evaluate("([event, selector]) => probe.changed(event, selector)", [event, selector])
    if act == "click":
        page.locator(selector).click()
    else:
        page.locator(selector).press(act)
    until(page, "probe.change !== null")
    change: dict[str, float] = page.evaluate("probe.change")
    if change["every"] == 0:
        raise RuntimeError(f"not every chart changed within 3 s of {act} on {selector}")
    page.wait_for_timeout(700)
    return change["first"], change["every"]


def frames(page: Page) -> list[float]:
    """Milliseconds between the frames since `probe.time(true)`, in order of size."""
    page.evaluate("probe.time(false)")
    taken: list[float] = page.evaluate("probe.frames.slice(1)")
    return sorted(taken)


def use_board(page: Page) -> dict[str, float]:
    """Smoothing, a run off and on, the pointer over a chart, the wheel."""
    slider = '[data-testid="smoothing"]'
    page.evaluate("probe.longest = 0")
    smoothing = [change(page, "input", slider, key) for key in ("ArrowRight", "ArrowRight", "ArrowLeft")]
    checkbox = '[data-testid="run-run3"] input'
    toggles = [change(page, "change", checkbox, "click") for _ in range(4)]
    box = page.locator("article .chart").nth(1).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.evaluate("probe.time(true)")
    for i in range(90):
        page.mouse.move(box["x"] + 60 + 2 * i, box["y"] + 60 + i % 40)
        page.wait_for_timeout(8)
    hover = frames(page)
    page.mouse.move(5, 5)
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.evaluate("probe.time(true)")
    for _ in range(30):
        page.mouse.wheel(0, 60)
        page.wait_for_timeout(16)
    scroll = frames(page)
    return {
        "smoothing step, ms": statistics.median(first for first, _ in smoothing),
        "smoothing step, every chart, ms": statistics.median(every for _, every in smoothing),
        "run toggle, ms": statistics.median(first for first, _ in toggles),
        "run toggle, every chart, ms": statistics.median(every for _, every in toggles),
        "longest task in these, ms": page.evaluate("probe.longest"),
        "hover frame p50, ms": hover[len(hover) // 2],
        "hover frame p95, ms": hover[int(len(hover) * 0.95)],
        "scroll frame p50, ms": scroll[len(scroll) // 2],
        "scroll frame p95, ms": scroll[int(len(scroll) * 0.95)],
    }


def measure(browser: Browser, url: str, passes: int, screenshot: Path | None) -> dict[str, float]:
    """Medians over the passes."""
    taken: list[dict[str, float]] = []
    for _ in range(passes):
        context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-US")
        page = context.new_page()
        taken.append(open_board(page, url))
        if screenshot is not None:
            page.screenshot(path=screenshot)
        taken[-1] |= use_board(page)
        context.close()
    return {name: statistics.median(one[name] for one in taken) for name in taken[0]}


def main() -> int:
    """Measure and print; 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=[*SIZES, "all"], default="all")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--screenshot", type=Path, help="a folder for a picture of each size")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args()
    browser_path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    out: dict[str, dict[str, float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(CHROMIUM))
        for size in SIZES if asked.size == "all" else [asked.size]:
            with tempfile.TemporaryDirectory() as folder:
                write_logs(Path(folder), size)
                with serve(Path(folder)) as url:
                    picture = asked.screenshot / f"{size}.png" if asked.screenshot else None
                    out[size] = measure(browser, url, asked.passes, picture)
        browser.close()
    if asked.json:
        print(json.dumps(out, indent=1))
        return 0
    for size, figures in out.items():
        print(f"\n{size}: {' × '.join(map(str, SIZES[size]))}")
        for name, value in figures.items():
            peer = BEST_PEER[size].get(name)
            print(f"  {name:32} {value:9.1f}{f'   best peer {peer}' if peer else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
