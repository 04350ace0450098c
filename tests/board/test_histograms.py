"""Histograms on the real board: four shapes, the bucket under the pointer, zoom into steps, NaN, saving."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from visualdl import LogWriter

STEPS = 1000
# Ten values, one in each of ten buckets but for 3 in the first: what a bucket holds is known at every step.
VALUES = np.array([0.0, 0.05, 0.09, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 1.0])


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long series that is thinned, one with NaN, one that is nothing but NaN, and one that begins as a constant."""
    directory = tmp_path_factory.mktemp("logs")
    with LogWriter(str(directory / "run")) as writer:
        for step in range(STEPS):
            writer.add_histogram("long", VALUES, step, buckets=10)
        for step in range(12):
            broken = [np.nan, np.nan, np.inf] if step == 5 else []
            writer.add_histogram("broken", np.array([*VALUES, *broken]), step, buckets=10)
            writer.add_histogram("start", np.zeros(9) if step == 0 else VALUES / 100, step, buckets=10)
        writer.add_histogram("nothing", np.full(50, np.nan), 0)
    return directory


@pytest.fixture(scope="module")
def url(logs: Path, serve: Callable[..., str]) -> str:
    return serve("--logdir", logs)


def opened(page: Page, url: str, tag: str = "long", query: str = "") -> Locator:
    """The card of one tag, drawn."""
    page.goto(f"{url}#/histograms?tag=^{tag}${query}")
    card = page.get_by_test_id(f"card-{tag}")
    expect(card).to_have_attribute("data-state", "ready")
    page.wait_for_function("(card) => card.querySelector('canvas')?.width > 300", arg=card.element_handle())
    return card


def ink(card: Locator) -> int:
    """How many pixels of the picture have a colour that is neither paper nor grey."""
    found: int = card.locator("canvas").first.evaluate(
        """async (canvas) => {
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let n = 0;
            for (let i = 0; i < data.length; i += 4) {
                const [r, g, b, a] = data.slice(i, i + 4);
                if (a > 0 && Math.max(r, g, b) - Math.min(r, g, b) > 40) n++;
            }
            return n;
        }"""
    )
    return found


def point(page: Page, card: Locator, x: float, y: float) -> None:
    """Move the pointer to a place of the picture that is painted by now, both from 0 to 1."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    box = card.locator("canvas").last.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)


def facts(card: Locator) -> dict[str, str]:
    """What the tip under the pointer says, row by row."""
    tip = card.get_by_test_id("tip")
    expect(tip).to_be_visible()
    return dict(zip(tip.locator("dt").all_inner_texts(), tip.locator("dd").all_inner_texts(), strict=True))


@pytest.mark.parametrize("mode", ["ridge", "overlay", "bands", "heat"])
def test_every_shape_is_drawn_and_remembered_in_the_address(page: Page, url: str, mode: str) -> None:
    card = opened(page, url)
    page.locator(f"[data-testid=mode] label:has(input[value={mode}])").click()
    assert ink(card) > 500
    if mode != "ridge":
        expect(page).to_have_url(re.compile(f"mode={mode}"))
        page.reload()
        assert page.locator(f"input[value={mode}]").is_checked()
        assert ink(opened(page, url, query=f"&mode={mode}")) > 500


@pytest.mark.parametrize("mode", ["ridge", "overlay"])
def test_the_tip_says_the_step_and_the_exact_bucket_and_count(page: Page, url: str, mode: str) -> None:
    card = opened(page, url, query=f"&mode={mode}")
    point(page, card, 0.09, 0.6)
    assert facts(card) == {"bucket": "[0, 0.1000)", "count": "3", "values": "12"}
    expect(card.get_by_test_id("tip")).to_contain_text("step")
    point(page, card, 0.5, 0.6)
    assert facts(card)["count"] == "1"
    page.mouse.move(0, 0)
    expect(card.get_by_test_id("tip")).to_have_count(0)


def test_quantiles_and_heat_say_what_lies_under_the_pointer(page: Page, url: str) -> None:
    card = opened(page, url, query="&mode=bands")
    point(page, card, 0.5, 0.5)
    said = facts(card)
    assert said["greatest"] == "1"
    assert said["least"] == "0"
    assert said["values"] == "12"
    card = opened(page, url, query="&mode=heat")
    point(page, card, 0.5, 0.86)
    assert facts(card)["count"] == "3"


def test_dragging_chooses_steps_and_brings_every_one_of_them(page: Page, url: str) -> None:
    card = opened(page, url, query="&mode=bands")
    expect(card.get_by_test_id("badge")).to_contain_text("of 1,000")
    point(page, card, 0.4, 0.5)
    page.mouse.down()
    point(page, card, 0.5, 0.5)
    page.mouse.up()
    expect(page).to_have_url(re.compile("zoom=long~run:"))
    expect(card.get_by_test_id("badge")).to_have_count(0)  # it stays until every histogram of these steps is here
    card.locator("canvas").last.press("Home")
    steps = []
    for _ in range(4):
        steps.append(int(card.get_by_test_id("tip").locator("b").inner_text().removeprefix("step ")))
        card.locator("canvas").last.press("ArrowRight")
    assert steps == list(range(steps[0], steps[0] + 4)), "zoomed in, no step is missing"
    card.locator("canvas").last.dblclick()
    expect(page).not_to_have_url(re.compile("zoom="))
    expect(card.get_by_test_id("badge")).to_contain_text("of 1,000")


def test_until_the_steps_that_were_zoomed_to_are_here_the_card_says_that_some_are_missing(page: Page, url: str) -> None:
    held: list[Route] = []
    page.route("**/api/series?*start=*", lambda route: held.append(route))
    card = opened(page, url, query="&mode=bands")
    badge = card.get_by_test_id("badge")
    point(page, card, 0.4, 0.5)
    page.mouse.down()
    point(page, card, 0.5, 0.5)
    with page.expect_request("**/api/series?*start=*"):
        page.mouse.up()
    expect(card.get_by_test_id("action-reset")).to_be_visible()
    expect(badge).to_contain_text("of 1,000")
    for route in held:
        route.continue_()
    expect(badge).to_have_count(0)


def test_ridges_are_zoomed_by_dragging_down_and_reset_by_a_button(page: Page, url: str) -> None:
    card = opened(page, url)
    point(page, card, 0.5, 0.5)
    page.mouse.down()
    point(page, card, 0.5, 0.7)
    page.mouse.up()
    expect(page).to_have_url(re.compile("zoom="))
    card.get_by_test_id("action-reset").click()
    expect(page).not_to_have_url(re.compile("zoom="))


def test_keys_choose_a_step_and_escape_lets_go(page: Page, url: str) -> None:
    card = opened(page, url, "broken")
    picture = card.get_by_role("slider")
    for key, step in (("Home", 0), ("ArrowRight", 1), ("ArrowDown", 2), ("ArrowLeft", 1), ("End", 11)):
        picture.press(key)
        expect(card.get_by_test_id("tip")).to_contain_text(f"step {step}")
        expect(picture).to_have_attribute("aria-valuenow", str(step))
    picture.press("Escape")
    expect(card.get_by_test_id("tip")).to_have_count(0)


def test_values_that_are_not_finite_are_marked_and_counted(page: Page, url: str) -> None:
    card = opened(page, url, "broken")
    expect(card.get_by_test_id("warnings")).to_have_attribute("aria-label", "NaN or ±∞ in shown steps: 1")
    picture = card.get_by_role("slider")
    picture.press("Home")
    for _ in range(5):
        picture.press("ArrowRight")
    assert {"NaN": "2", "+∞": "1", "values": "12"}.items() <= facts(card).items()


def test_a_histogram_without_a_finite_value_says_so(page: Page, url: str) -> None:
    page.goto(f"{url}#/histograms?tag=nothing")
    expect(page.get_by_test_id("card-nothing")).to_contain_text("None of the 50 values of this histogram is finite.")


def test_a_constant_start_does_not_flatten_what_follows(page: Page, url: str) -> None:
    card = opened(page, url, "start", "&mode=bands")
    card.get_by_role("slider").press("Home")
    assert {"greatest": "0", "least": "0"}.items() <= facts(card).items()
    point(page, card, 0.6, 0.05)
    assert float(facts(card)["greatest"]) == pytest.approx(0.01)
    assert ink(card) > 3000, "the bands fill the picture"


def test_a_range_of_values_and_of_steps_can_be_set(page: Page, url: str) -> None:
    card = opened(page, url)
    page.get_by_test_id("ranges").click()
    page.get_by_test_id("values-low").fill("0.5")
    page.get_by_test_id("values-high").fill("0.8")
    page.get_by_test_id("steps-high").fill("20")
    expect(page).to_have_url(re.compile(r"steps=,20&tag=\S*&values=0\.5,0\.8"))
    page.keyboard.press("Escape")
    point(page, card, 0.1, 0.6)
    assert facts(card)["bucket"] == "[0.5000, 0.6000)"
    page.get_by_test_id("ranges").click()
    page.get_by_test_id("values-high").fill("x")
    expect(page.get_by_test_id("values-high")).to_have_attribute("aria-invalid", "true")


def test_png_svg_and_csv_say_tag_run_and_every_count(page: Page, url: str, tmp_path: Path) -> None:
    card = opened(page, url, "broken")

    def saved(kind: str) -> bytes:
        card.get_by_test_id("action-more").click()
        with page.expect_download() as download:
            page.get_by_test_id(f"action-{kind}").click()
        download.value.save_as(tmp_path / kind)
        return (tmp_path / kind).read_bytes()

    assert saved("png").startswith(b"\x89PNG")
    svg = saved("svg").decode()
    assert ">broken<" in svg
    assert ">run<" in svg
    rows = list(csv.DictReader(saved("csv").decode().splitlines()))
    assert sum(float(row["count"]) for row in rows) == 12 * len(VALUES) + 3
    assert [(row["left"], row["count"]) for row in rows if row["left"] in ("nan", "inf")] == [
        ("nan", "2"),
        ("inf", "1"),
    ]
    assert {row["run"] for row in rows} == {"run"}


def test_the_cursor_is_shared_by_the_cards_of_the_page(page: Page, url: str) -> None:
    page.goto(f"{url}#/histograms?tag=broken|start&mode=bands")
    one, other = page.get_by_test_id("card-broken"), page.get_by_test_id("card-start")
    expect(other).to_have_attribute("data-state", "ready")
    marks = other.locator("canvas").last
    blank = marks.evaluate("(canvas) => canvas.toDataURL()")
    point(page, one, 0.5, 0.5)
    page.wait_for_function("([canvas, blank]) => canvas.toDataURL() !== blank", arg=[marks.element_handle(), blank])
    expect(other.get_by_test_id("tip")).to_have_count(0)


def test_a_new_histogram_appears_by_itself(page: Page, tmp_path: Path, serve: Callable[..., str]) -> None:
    with LogWriter(str(tmp_path / "run")) as writer:
        writer.add_histogram("long", VALUES, 0)
        writer.flush()
        card = opened(page, serve("--logdir", tmp_path / "run"))
        picture = card.get_by_role("slider")
        expect(picture).to_have_attribute("aria-valuemax", "0")
        for step in (1, 2):
            writer.add_histogram("long", VALUES * step, step)
            writer.flush()
            expect(picture).to_have_attribute("aria-valuemax", str(step))
        picture.press("End")
        assert facts(card)["greatest"] == "2"
        writer.add_histogram("long", VALUES * 3, 3)
        writer.flush()
        expect(picture).to_have_attribute("aria-valuemax", "3")
        picture.press("ArrowLeft")
        expect(card.get_by_test_id("tip")).to_contain_text("step 1")


def test_the_page_speaks_chinese_in_the_dark(browser: Browser, url: str) -> None:
    with browser.new_context(locale="zh-CN", color_scheme="dark") as context:
        page = context.new_page()
        card = opened(page, url)
        expect(page.get_by_test_id("mode")).to_have_text(re.compile(r"错开\s*重叠\s*分位数\s*热力图"))
        point(page, card, 0.09, 0.6)
        assert facts(card)["计数"] == "3"
        assert ink(card) > 500
