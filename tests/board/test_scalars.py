"""Scalars on the real board: tooltip, zoom to raw points, smoothing, axes, values that are no numbers, files."""

from __future__ import annotations

import csv
import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, Request, expect

from visualdl import LogWriter

Serve = Callable[..., str]
LONG = 30_000


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`train` and `test` with a short series each and one of 30,000 points with a spike, NaN and ±inf in `train`."""
    directory = tmp_path_factory.mktemp("logs")
    for number, run in enumerate(("train", "test")):
        with LogWriter(str(directory / run)) as writer:
            for step in range(200):
                writer.add_scalar("loss", math.exp(-step / 40) + number, step)
                writer.add_scalar("accuracy", 1 - math.exp(-step / 40), step)
            for step in range(LONG):
                writer.add_scalar("long", 1e6 if step == 12_345 else math.sin(step / 2000) + number, step)
    with LogWriter(str(directory / "broken")) as writer:
        for step, value in enumerate([1.0, math.nan, 2.0, math.inf, -math.inf, 3.0, math.nan]):
            writer.add_scalar("strange", value, step)
    return directory


@pytest.fixture(scope="module")
def url(logs: Path, serve: Serve) -> str:
    return serve("--logdir", logs)


@pytest.fixture
def board(page: Page, url: str) -> Page:
    page.goto(url)
    for tag in ("loss", "long", "strange"):
        expect(card(page, tag)).to_have_attribute("data-state", "ready")
    return page


def card(page: Page, tag: str) -> Locator:
    return page.get_by_test_id(f"card-{tag}")


def plot(page: Page, tag: str) -> FloatRect:
    box = card(page, tag).get_by_test_id("plot").bounding_box()
    assert box is not None
    return box


def ink(page: Page, tag: str) -> str:
    found: str = card(page, tag).locator("canvas").first.evaluate("canvas => canvas.toDataURL()")
    return found


def until(page: Page, true: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + 60
    while not true():
        assert time.monotonic() < limit, f"never: {what}"
        page.wait_for_timeout(20)  # not time.sleep: events of the page are heard only in here


def point(page: Page, tag: str, x: float, y: float = 0.5) -> None:
    """Put the pointer at these shares of a chart."""
    box = plot(page, tag)
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)


def drag(page: Page, tag: str, start: float, stop: float) -> None:
    point(page, tag, start)
    page.mouse.down()
    point(page, tag, (start + stop) / 2)
    point(page, tag, stop)
    page.mouse.up()


def questions(page: Page) -> list[dict[str, str]]:
    """A list that grows with each question for points."""
    asked: list[dict[str, str]] = []

    def on_request(request: Request) -> None:
        address = urlsplit(request.url)
        if address.path.endswith("/api/series"):
            asked.append({name: values[0] for name, values in parse_qs(address.query).items()})

    page.on("request", on_request)
    return asked


def option(page: Page, name: str) -> None:
    page.get_by_test_id("more-options").click()
    page.get_by_test_id(name).click()
    page.keyboard.press("Escape")


def test_the_tooltip_has_every_run_and_stands_beside_the_chart(board: Page) -> None:
    point(board, "loss", 0.5)
    tooltip = board.get_by_test_id("tooltip")
    expect(tooltip).to_contain_text(re.compile(r"Step \d+"))
    expect(tooltip.locator("tbody tr")).to_have_count(2)
    box, chart = tooltip.bounding_box(), plot(board, "loss")
    assert box is not None
    assert box["x"] >= chart["x"] + chart["width"] or box["x"] + box["width"] <= chart["x"]
    board.mouse.move(5, 5)
    expect(tooltip).to_have_count(0)


def test_the_tooltip_is_sorted_as_chosen(board: Page) -> None:
    names = board.get_by_test_id("tooltip").locator(".name")
    point(board, "loss", 0.5, 0.1)
    expect(names.first).to_have_text("test")
    point(board, "loss", 0.5, 0.9)
    expect(names.first).to_have_text("train")
    board.get_by_test_id("more-options").click()
    board.get_by_test_id("sort").select_option("descending")
    board.keyboard.press("Escape")
    point(board, "loss", 0.5, 0.9)
    expect(names).to_have_text(["test", "train"])
    expect(board).to_have_url(re.compile("sort=descending"))


def test_the_cursor_is_shown_in_every_chart_of_the_axis(board: Page) -> None:
    above = card(board, "accuracy").get_by_test_id("plot")
    before = above.evaluate("canvas => canvas.toDataURL()")
    point(board, "loss", 0.4)
    until(board, lambda: above.evaluate("canvas => canvas.toDataURL()") != before, "the cursor in the other chart")


def test_smoothing_redraws_and_asks_the_server_only_where_points_were_thinned(board: Page) -> None:
    asked = questions(board)
    loss, long = ink(board, "loss"), ink(board, "long")
    board.get_by_test_id("smoothing").fill("0.95")
    until(board, lambda: ink(board, "loss") != loss and ink(board, "long") != long, "both charts smoothed")
    until(board, lambda: any(one.get("smooth") == "ema:0.95" for one in asked), "the exact line of the long series")
    assert {one["tag"] for one in asked} == {"long"}
    until(board, lambda: "smooth=0.95" in board.url, "the address")
    option(board, "smoothed-only")
    until(board, lambda: "smoothedonly=1" in board.url, "the address")


def test_a_thinned_chart_says_so_and_a_range_shows_every_raw_point(board: Page) -> None:
    badge = card(board, "long").get_by_test_id("badge")
    expect(badge).to_contain_text("of 60,000 points, extremes exact")
    asked = questions(board)
    drag(board, "long", 0.50, 0.52)
    until(board, lambda: any("start" in one and "stop" in one for one in asked), "the question for the range")
    expect(badge).to_have_count(0)
    expect(board).to_have_url(re.compile(r"zoom=long:\d"))
    before = ink(board, "long")
    board.reload()
    expect(card(board, "long")).to_have_attribute("data-state", "ready")
    until(board, lambda: ink(board, "long") == before, "the same range after a reload")


def test_a_zoom_ends_by_double_click_by_its_button_and_by_escape(board: Page) -> None:
    box = plot(board, "loss")
    reset = card(board, "loss").get_by_test_id("action-reset")
    whole = ink(board, "loss")
    for end in ("double click", "button", "escape"):
        drag(board, "loss", 0.3, 0.6)
        expect(reset).to_be_visible()
        until(board, lambda: ink(board, "loss") != whole, "the range")
        if end == "double click":
            board.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        elif end == "button":
            reset.click()
        else:
            card(board, "loss").get_by_role("slider").focus()
            board.keyboard.press("Escape")
        expect(reset).to_have_count(0)
        until(board, lambda: ink(board, "loss") == whole, f"the whole series after {end}")


def test_charts_zoom_together_when_asked_to(board: Page) -> None:
    option(board, "link")
    drag(board, "loss", 0.3, 0.6)
    expect(card(board, "accuracy").get_by_test_id("action-reset")).to_be_visible()
    expect(board).to_have_url(re.compile(r"link=1.*span="))
    card(board, "accuracy").get_by_test_id("action-reset").click()
    expect(card(board, "loss").get_by_test_id("action-reset")).to_have_count(0)


def test_the_axis_is_step_relative_or_time_and_ranges_are_asked_for_on_it(board: Page) -> None:
    pictures = {ink(board, "long")}
    for word in ("Relative", "Time"):
        board.get_by_test_id("axis").get_by_text(word, exact=True).click()
        until(board, lambda: ink(board, "long") not in pictures, word)
        pictures.add(ink(board, "long"))
    asked = questions(board)
    drag(board, "long", 0.4, 0.5)
    until(
        board,
        lambda: any(one.get("axis") == "time" and float(one["start"]) > 1e9 for one in asked if "start" in one),
        "a range of time",
    )


def test_what_is_no_number_is_counted_and_named(board: Page) -> None:
    expect(card(board, "strange").get_by_test_id("badge")).to_have_text("2 NaN · 2 ±∞")
    chart = card(board, "strange").get_by_role("slider")
    chart.focus()
    board.keyboard.press("End")
    expect(board.get_by_test_id("tooltip")).to_contain_text("NaN")


def test_outliers_left_out_of_the_scale_are_counted(board: Page) -> None:
    option(board, "outliers")
    expect(card(board, "long").get_by_test_id("badge")).to_contain_text(re.compile(r"\d+ outside the scale"))


def test_a_logarithmic_scale_is_one_click_away_and_says_what_has_no_place(board: Page) -> None:
    before = ink(board, "long")
    card(board, "long").get_by_test_id("action-log").click()
    until(board, lambda: ink(board, "long") != before, "the logarithmic scale")
    expect(card(board, "long").get_by_test_id("badge")).to_contain_text("≤ 0")
    expect(board).to_have_url(re.compile("log=long"))


def test_a_chart_is_read_and_zoomed_with_keys(board: Page) -> None:
    chart = card(board, "loss").get_by_role("slider")
    chart.focus()
    board.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("Step 0: "))
    board.keyboard.press("ArrowRight")
    board.keyboard.press("ArrowRight")
    expect(chart).not_to_have_attribute("aria-valuetext", re.compile("Step 0: "))
    board.keyboard.press("+")
    expect(card(board, "loss").get_by_test_id("action-reset")).to_be_visible()
    board.keyboard.press("-")
    expect(card(board, "loss").get_by_test_id("action-reset")).to_have_count(0)


def test_a_wide_card_lists_every_digit(board: Page) -> None:
    card(board, "loss").get_by_test_id("action-wide").click()
    table = card(board, "loss").get_by_test_id("values")
    expect(table.locator("tbody tr")).to_have_count(2)
    expect(table).to_contain_text(str(math.exp(-199 / 40)))
    box = card(board, "loss").bounding_box()
    assert box is not None and box["width"] > 1000
    expect(board).to_have_url(re.compile("wide=loss"))


def test_pictures_have_title_legend_and_axes(board: Page, tmp_path: Path) -> None:
    found = {}
    for kind in ("svg", "png"):
        card(board, "loss").get_by_test_id("action-more").click()
        with board.expect_download() as download:
            board.get_by_test_id(f"action-{kind}").click()
        assert download.value.suggested_filename == f"loss.{kind}"
        download.value.save_as(tmp_path / kind)
        found[kind] = (tmp_path / kind).read_bytes()
    svg = found["svg"].decode()
    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {"loss", "train", "test", "100"} <= set(words)
    assert found["png"].startswith(b"\x89PNG")


def test_the_csv_has_every_raw_point_of_the_shown_runs(board: Page, tmp_path: Path) -> None:
    board.get_by_test_id("run-test").get_by_role("checkbox").uncheck()
    card(board, "long").get_by_test_id("action-more").click()
    with board.expect_download() as download:
        board.get_by_test_id("action-csv").click()
    download.value.save_as(tmp_path / "csv")
    with open(tmp_path / "csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == LONG
    assert {row["run"] for row in rows} == {"train"}
    assert float(rows[12_345]["value"]) == 1e6


def test_a_finger_shows_the_values_and_they_stay_when_it_is_lifted(browser: Browser, url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(url)
    expect(card(page, "loss")).to_have_attribute("data-state", "ready")
    card(page, "loss").get_by_test_id("plot").tap()
    expect(page.get_by_test_id("tooltip")).to_be_visible()
    page.get_by_test_id("help").tap()
    expect(page.get_by_test_id("tooltip")).to_have_count(0)
    context.close()
