"""Images on the real board: every step, what a pixel was, zoom, full screen, live, and what cannot be shown."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from visualdl import LogWriter

STEPS = 300


def shade(step: int) -> npt.NDArray[np.uint8]:
    """An image that tells its step by its colour: 8 high, 16 wide."""
    return np.full((8, 16, 3), (step % 256, step // 256, 77), np.uint8)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs: `long` logs every step, `sparse` every 40th; and an image with negative values, by the 1.x calls."""
    directory = tmp_path_factory.mktemp("logs")
    with LogWriter(str(directory / "long")) as writer:
        for step in range(STEPS):
            writer.add_image("shade", shade(step), step)
        writer.add_image("wide", np.random.default_rng(0).integers(0, 256, (300, 1200, 3), dtype=np.uint8), 0)
        writer.add_image("clipped", np.full((4, 4), 300.0), 0, dataformats="HW")
    with LogWriter(str(directory / "sparse")) as writer:
        for step in range(0, STEPS, 40):
            writer.add_image("shade", shade(step), step)
        with writer.mode("weights") as logger:
            sampler = logger.image("matrix", 1)
            sampler.start_sampling()
            sampler.add_sample([2, 2], [-1.0, 0.0, 0.5, 1.0])
            sampler.finish_sampling()
    return directory


@pytest.fixture(scope="module")
def url(logs: Path, serve: Callable[..., str]) -> str:
    return serve("--logdir", logs)


def card(page: Page, tag: str = "shade", run: str = "long") -> Locator:
    found = page.get_by_test_id(f"card-{tag}").filter(has_text=run)
    expect(found.get_by_test_id("image")).to_be_visible()
    return found


def opened(page: Page, url: str, query: str = "") -> Page:
    page.goto(f"{url}#/images{query}")
    return page


def colour(one: Locator) -> list[int]:
    """The colour in the middle of the picture that is shown."""
    found: list[int] = one.get_by_test_id("image").evaluate(
        """async (image) => {
            await image.decode();
            const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
            const pen = canvas.getContext("2d");
            pen.drawImage(image, -2, -2);
            return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }"""
    )
    return found


def width(one: Locator) -> float:
    box = one.bounding_box()
    assert box is not None
    return box["width"]


def shows(one: Locator, step: int, run: str = "long") -> None:
    expect(one.get_by_test_id("step")).to_have_text(f"step {step}")
    expect(one.get_by_test_id("image")).to_have_attribute("alt", f"shade, {run}, step {step}")
    assert colour(one) == [step % 256, step // 256, 77]


def test_a_card_opens_on_the_newest_step_and_its_slider_reaches_every_one(page: Page, url: str) -> None:
    one = card(opened(page, url))
    shows(one, STEPS - 1)
    slider = one.get_by_test_id("slider")
    assert slider.get_attribute("max") == str(STEPS - 1)
    for step in (0, 1, 123, 257, STEPS - 2):
        slider.fill(str(step))
        shows(one, step)


def test_keys_and_buttons_move_by_one_step_and_to_the_ends(page: Page, url: str) -> None:
    one = card(opened(page, url))
    slider = one.get_by_test_id("slider")
    for key, step in (("ArrowLeft", 298), ("ArrowLeft", 297), ("ArrowRight", 298), ("Home", 0), ("ArrowRight", 1)):
        slider.press(key)
        shows(one, step)
    one.get_by_test_id("earlier").click()
    shows(one, 0)
    expect(one.get_by_test_id("earlier")).to_be_disabled()
    one.get_by_test_id("newest").click()
    shows(one, STEPS - 1)
    expect(one.get_by_test_id("later")).to_be_disabled()


def test_the_chosen_step_is_in_the_address_and_survives_a_reload(page: Page, url: str) -> None:
    one = card(opened(page, url))
    one.get_by_test_id("slider").fill("41")
    shows(one, 41)
    expect(page).to_have_url(re.compile(r"zoom=shade~long:41:42$"))
    page.reload()
    shows(card(page), 41)
    shows(card(page, run="sparse"), 280, "sparse")


def test_one_slider_moves_all_cards_to_the_last_step_not_after_it(page: Page, url: str) -> None:
    first = card(opened(page, url))
    page.get_by_test_id("together").click()
    first.get_by_test_id("slider").fill("100")
    shows(first, 100)
    shows(card(page, run="sparse"), 80, "sparse")
    expect(page).to_have_url(re.compile("at=100"))
    page.reload()
    shows(card(page, run="sparse"), 80, "sparse")


def test_one_slider_for_all_begins_at_the_step_of_the_card_touched_last(page: Page, url: str) -> None:
    long = card(opened(page, url))
    together, sparse = page.get_by_test_id("together"), card(page, run="sparse")
    together.click()
    shows(long, STEPS - 1)
    together.click()
    long.get_by_test_id("slider").fill("123")
    sparse.get_by_test_id("slider").fill("2")
    shows(sparse, 80, "sparse")
    long.get_by_test_id("slider").fill("170")
    shows(long, 170)
    together.click()
    shows(long, 170)
    shows(sparse, 160, "sparse")
    expect(page).to_have_url(re.compile("at=170"))
    together.click()
    shows(sparse, 80, "sparse")
    long.get_by_test_id("newest").click()
    together.click()
    shows(long, STEPS - 1)
    shows(sparse, 280, "sparse")


def test_a_small_image_is_enlarged_by_a_whole_number_with_sharp_pixels(page: Page, url: str) -> None:
    image = card(opened(page, url)).get_by_test_id("image")
    box = image.bounding_box()
    assert box is not None
    assert box["width"] / 16 == box["height"] / 8 == box["width"] // 16
    assert box["width"] > 200
    assert image.evaluate("(it) => getComputedStyle(it).imageRendering") == "pixelated"
    page.get_by_test_id("smooth-pixels").click()
    assert image.evaluate("(it) => getComputedStyle(it).imageRendering") == "auto"


def test_a_large_image_fits_and_real_size_shows_a_pixel_a_pixel(page: Page, url: str) -> None:
    one = card(opened(page, url), "wide")
    image = one.get_by_test_id("image")
    fitted, stage = image.bounding_box(), one.get_by_test_id("stage").bounding_box()
    assert fitted is not None
    assert stage is not None
    assert fitted["width"] == pytest.approx(stage["width"], abs=1)
    page.get_by_test_id("real-size").click()
    assert width(image) == 1200


def test_zoom_by_buttons_keys_and_wheel_and_dragging_pans(page: Page, url: str) -> None:
    one = card(opened(page, url), "wide")
    image, stage = one.get_by_test_id("image"), one.get_by_test_id("stage")

    def box() -> Any:
        return image.bounding_box()

    start = box()["width"]
    stage.hover()
    one.get_by_test_id("zoom-in").click()
    assert box()["width"] == pytest.approx(start * 1.5)
    stage.press("+")
    assert box()["width"] == pytest.approx(start * 2.25)
    left = box()["x"]
    place = stage.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 100, place["y"] + 100)
    page.mouse.down()
    page.mouse.move(place["x"] + 60, place["y"] + 100, steps=4)
    page.mouse.up()
    assert box()["x"] == pytest.approx(left - 40, abs=1)
    page.mouse.wheel(0, 100)
    assert box()["width"] == pytest.approx(start * 2.25), "the wheel alone scrolls the page"
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_function(
        "([start]) => document.querySelector('[data-testid=\"card-wide\"] img').width > start * 2.3", arg=[start]
    )
    one.get_by_test_id("zoom-fit").click()
    assert box()["width"] == pytest.approx(start)


def test_full_screen_steps_zooms_with_the_wheel_and_closes_with_escape(page: Page, url: str) -> None:
    one = card(opened(page, url))
    one.get_by_test_id("action-preview").click()
    preview = page.get_by_test_id("preview")
    shows(preview, STEPS - 1)
    page.keyboard.press("ArrowLeft")
    shows(preview, STEPS - 2)
    before = width(preview.get_by_test_id("image"))
    preview.get_by_test_id("stage").hover()
    page.mouse.wheel(0, -300)
    page.wait_for_function(
        "(before) => document.querySelector('[data-testid=\"preview\"] img').width > before * 1.5", arg=before
    )
    page.keyboard.press("Escape")
    expect(preview).to_have_count(0)
    shows(one, STEPS - 2)


def test_the_pixel_under_the_pointer_is_told_as_it_was_logged(page: Page, url: str) -> None:
    one = card(opened(page, url), "matrix", "sparse")
    box = one.get_by_test_id("image").bounding_box()
    assert box is not None
    for (x, y), said in (((0.25, 0.25), "x 0, y 0: ≈ −1"), ((0.25, 0.75), "x 0, y 1: ≈ 0.496"), ((0.75, 0.75), "≈ 1")):
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        expect(one.get_by_test_id("pixel")).to_contain_text(said)
    shaded = card(page).get_by_test_id("stage")
    shaded.hover()
    expect(card(page).get_by_test_id("pixel")).to_contain_text("43 1 77")


def test_brightness_and_contrast_change_the_view_only_and_can_be_reset(page: Page, url: str) -> None:
    image = card(opened(page, url)).get_by_test_id("image")
    page.get_by_test_id("brightness").fill("1.5")
    page.get_by_test_id("contrast").fill("0.5")
    assert image.evaluate("(it) => getComputedStyle(it).filter") == "brightness(1.5) contrast(0.5)"
    page.get_by_test_id("reset-light").click()
    assert image.evaluate("(it) => getComputedStyle(it).filter") == "none"


def test_the_picture_is_saved_as_it_was_logged(page: Page, url: str, tmp_path: Path) -> None:
    one = card(opened(page, url))
    one.get_by_test_id("slider").fill("270")
    shows(one, 270)
    one.get_by_test_id("action-more").click()
    with page.expect_download() as download:
        page.get_by_test_id("action-png").click()
    assert download.value.suggested_filename == "shade-long-270.png"
    download.value.save_as(tmp_path / "saved.png")
    with PIL.Image.open(io.BytesIO((tmp_path / "saved.png").read_bytes())) as saved:
        assert (np.asarray(saved) == shade(270)).all()


def test_clipped_values_are_told(page: Page, url: str) -> None:
    warnings = card(opened(page, url), "clipped").get_by_test_id("warnings")
    expect(warnings).to_have_attribute("aria-label", "values outside 0…255, clipped: 16")


def test_what_is_no_picture_gets_a_placeholder_and_the_rest_goes_on(page: Page, url: str) -> None:
    def broken(route: Route) -> None:
        route.fulfill(status=200, content_type="image/png", body=b"not a picture")

    page.route("**/api/blob/**", broken, times=1)
    opened(page, url, "?tag=wide")
    expect(page.get_by_test_id("card-wide").get_by_test_id("broken")).to_contain_text("not a picture")
    page.reload()
    card(page, "wide")


def test_a_missing_picture_says_what_the_server_says(browser: Browser, url: str) -> None:
    with browser.new_context(locale="en-US") as context:
        page = context.new_page()
        page.route("**/api/blob/**", lambda route: route.fulfill(status=404, json={"error": "the log has a gap there"}))
        opened(page, url, "?tag=wide")
        expect(page.get_by_test_id("broken")).to_contain_text("the log has a gap there")


def test_nothing_jumps_while_pictures_load(page: Page, url: str) -> None:
    held: list[Route] = []
    page.route("**/api/blob/**", lambda route: held.append(route))
    opened(page, url, "?tag=wide")
    one = page.get_by_test_id("card-wide")
    expect(one.get_by_test_id("step")).to_have_text("step 0")
    expect(one.get_by_test_id("stage")).to_have_attribute("aria-busy", "true")
    before = one.get_by_test_id("slider").bounding_box()
    frame = one.locator(".frame").bounding_box()
    for route in held:
        route.continue_()
    expect(one.get_by_test_id("image")).to_be_visible()
    assert one.get_by_test_id("slider").bounding_box() == before
    assert one.get_by_test_id("image").bounding_box() == frame


def test_a_slider_that_is_dragged_far_ends_on_the_right_picture_and_does_not_ask_for_all(page: Page, url: str) -> None:
    asked: list[str] = []
    one = card(opened(page, url, "?tag=shade"))
    page.on("request", lambda request: asked.append(request.url) if "/api/blob/" in request.url else None)
    one.get_by_test_id("slider").evaluate(
        """(slider) => {
            for (let step = 298; step >= 20; step--) {
                slider.value = String(step);
                slider.dispatchEvent(new Event("input", { bubbles: true }));
            }
        }"""
    )
    shows(one, 20)
    assert len(asked) < 30


@pytest.fixture
def live(tmp_path: Path, serve: Callable[..., str]) -> Iterator[tuple[str, LogWriter]]:
    with LogWriter(str(tmp_path / "run")) as writer:
        writer.add_image("shade", shade(0), 0)
        writer.add_image("shade", shade(1), 1)
        writer.flush()
        yield serve("--logdir", tmp_path / "run"), writer


def test_a_card_follows_the_training_until_the_slider_is_moved(page: Page, live: tuple[str, LogWriter]) -> None:
    url, writer = live
    one = card(opened(page, url), run="run")
    shows(one, 1, "run")
    writer.add_image("shade", shade(2), 2)
    writer.flush()
    shows(one, 2, "run")
    one.get_by_test_id("earlier").click()
    shows(one, 1, "run")
    writer.add_image("shade", shade(3), 3)
    writer.flush()
    expect(one.get_by_test_id("slider")).to_have_attribute("max", "3")
    shows(one, 1, "run")
    one.get_by_test_id("newest").click()
    shows(one, 3, "run")


def test_the_page_speaks_chinese(browser: Browser, url: str) -> None:
    with browser.new_context(locale="zh-CN", color_scheme="dark") as context:
        page = context.new_page()
        opened(page, url)
        expect(page.get_by_test_id("together")).to_contain_text("统一滑块")
        expect(page.get_by_test_id("card-wide").get_by_test_id("step")).to_have_text("第 0 步")
