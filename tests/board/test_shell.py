"""The shell of the board: pages, runs, tags, language, theme, keys, and what is shown while something is missing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, WebSocketRoute, expect

from visualdl import LogWriter

Serve = Callable[..., str]
TAGS = ("train/loss", "train/accuracy", "eval/loss", "eval/accuracy", "lr", "grad/norm", "grad/max", "speed", "memory")


def write(
    directory: Path, *, steps: int, tags: tuple[str, ...] = TAGS, runs: tuple[str, ...] = ("run1", "run2", "run10")
) -> None:
    for number, run in enumerate(runs):
        with LogWriter(str(directory / run)) as writer:
            for tag in tags:
                for step in range(steps):
                    writer.add_scalar(tag, (number + 1) / (step + 1), step)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("logs")
    write(directory / "exp", steps=50)
    return directory


@pytest.fixture(scope="module")
def url(logs: Path, serve: Serve) -> str:
    return serve("--logdir", logs)


@pytest.fixture
def board(page: Page, url: str) -> Page:
    page.goto(url)
    expect(cards(page).first).to_have_attribute("data-state", "ready")
    return page


def cards(page: Page) -> Locator:
    return page.locator("article")


def run(page: Page, name: str) -> Locator:
    return page.get_by_test_id(f"run-{name}").get_by_role("checkbox")


def ink(page: Page, tag: str) -> str:
    """What the picture of a card holds, as text that is equal when the picture is."""
    found: str = page.get_by_test_id(f"card-{tag}").locator("canvas").first.evaluate("canvas => canvas.toDataURL()")
    return found


def until(page: Page, true: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + 60
    while not true():
        assert time.monotonic() < limit, f"never: {what}"
        page.wait_for_timeout(20)  # not time.sleep: events of the page are heard only in here


def changed_board(page: Page, change: Callable[[dict[str, Any]], None]) -> None:
    """Let the board see another answer of api/board than the server's."""

    def answer(route: Route) -> None:
        response = route.fetch()
        board = response.json()
        change(board)
        route.fulfill(status=200, content_type="application/json", body=json.dumps(board))

    page.route("**/api/board", answer)


def test_the_board_opens_on_scalars_with_six_whole_charts_and_no_click(board: Page) -> None:
    expect(board).to_have_url(re.compile(r"#/scalars$"))
    expect(board).to_have_title("Scalars · VisualDL")
    boxes = [card.bounding_box() for card in cards(board).all()]
    whole = [box for box in boxes if box and box["y"] + box["height"] <= 900 and box["x"] + box["width"] <= 1400]
    assert len(whole) >= 6


def test_runs_are_in_natural_order_and_without_the_prefix_that_all_share(board: Page) -> None:
    shown = board.locator("[data-testid^='run-exp/'] .name")
    expect(shown).to_have_text(["run1", "run2", "run10"])


def test_every_run_has_a_colour_of_its_own_that_is_the_same_after_a_reload(board: Page) -> None:
    def colours() -> list[str]:
        return [
            box.evaluate("e => getComputedStyle(e).borderColor")
            for box in board.locator("li input[type=checkbox]").all()
        ]

    before = colours()
    assert len(set(before)) == 3
    board.reload()
    expect(cards(board).first).to_be_visible()
    assert colours() == before


def test_a_run_switched_off_leaves_the_chart_at_once_and_the_address_remembers_it(board: Page) -> None:
    before = ink(board, "lr")
    run(board, "exp/run2").uncheck()
    until(board, lambda: ink(board, "lr") != before, "the chart without run2")
    expect(board).to_have_url(re.compile(r"hide=exp/run2"))
    board.reload()
    expect(run(board, "exp/run2")).not_to_be_checked()
    expect(run(board, "exp/run1")).to_be_checked()
    run(board, "exp/run2").check()
    until(board, lambda: ink(board, "lr") == before, "the chart as it was")


def test_solo_shows_one_run_and_again_all(board: Page) -> None:
    board.get_by_test_id("run-exp/run2").hover()
    solo = board.get_by_role("button", name="Show only run2")
    solo.click()
    expect(board.get_by_test_id("runs-shown")).to_have_text("1 of 3")
    expect(board).to_have_url(re.compile(r"runs=exp/run2"))
    solo.click()
    expect(board.get_by_test_id("runs-shown")).to_have_text("3 of 3")


def test_the_filter_is_a_regular_expression_and_says_when_it_is_none(board: Page) -> None:
    field = board.get_by_test_id("run-filter")
    field.fill("run1$|run10")
    expect(board.locator("[data-testid^='run-exp/']")).to_have_count(2)
    field.fill("run(")
    expect(board.get_by_text("Not a valid regular expression")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("")
    expect(board.locator("[data-testid^='run-exp/']")).to_have_count(3)


def test_all_runs_off_says_how_to_get_them_back(board: Page) -> None:
    board.get_by_test_id("runs-all").click()
    expect(board.get_by_test_id("empty")).to_contain_text("No run is shown")
    board.get_by_test_id("empty").get_by_role("button").click()
    expect(cards(board).first).to_be_visible()


def test_tag_groups_have_counts_and_leave_their_cards(board: Page) -> None:
    group = board.get_by_test_id("group-grad")
    expect(group).to_contain_text("2")
    group.click()
    expect(cards(board)).to_have_count(2)
    board.reload()
    expect(cards(board)).to_have_count(2)
    group.click()
    expect(cards(board).nth(5)).to_be_visible()


def test_tags_are_searched_by_regular_expression(board: Page) -> None:
    board.get_by_test_id("tag-search").fill("^(train|eval)/loss$")
    expect(cards(board)).to_have_count(2)
    board.get_by_test_id("tag-search").fill("no such tag")
    expect(board.get_by_test_id("empty")).to_contain_text("No tag matches")


def test_the_language_is_the_browsers_until_it_is_chosen(browser: Browser, url: str) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(url)
    expect(page.get_by_test_id("tab-scalars")).to_have_text("标量")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_test_id("language").click()
    expect(page.get_by_test_id("tab-scalars")).to_have_text("Scalars")
    page.reload()
    expect(page.get_by_test_id("tab-scalars")).to_have_text("Scalars")
    context.close()


def test_the_theme_is_the_systems_until_it_is_chosen(browser: Browser, url: str) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(url)
    expect(cards(page).first).to_have_attribute("data-state", "ready")

    def paper() -> str:
        found: str = page.evaluate("() => getComputedStyle(document.querySelector('article')).backgroundColor")
        return found

    dark = paper()
    picture = ink(page, "lr")
    page.get_by_test_id("theme").click()
    until(page, lambda: paper() != dark, "light paper")
    until(page, lambda: ink(page, "lr") != picture, "a picture in light colours")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    context.close()


def test_everything_is_reached_with_keys(board: Page) -> None:
    board.keyboard.press("Tab")
    expect(board.get_by_text("Skip to the charts")).to_be_focused()
    board.keyboard.press("Enter")
    expect(board.locator("main")).to_be_focused()
    board.keyboard.press("r")
    expect(board.get_by_test_id("run-filter")).to_be_focused()
    board.keyboard.press("Tab")
    expect(run(board, "exp/run1")).to_be_focused()
    board.keyboard.press("ArrowDown")
    expect(run(board, "exp/run2")).to_be_focused()
    board.keyboard.press("Space")
    expect(run(board, "exp/run2")).not_to_be_checked()
    board.keyboard.press("s")
    expect(board.get_by_test_id("runs-shown")).to_have_text("1 of 3")
    board.keyboard.press("/")
    expect(board.get_by_test_id("tag-search")).to_be_focused()
    board.keyboard.type("lr?")
    expect(board.get_by_test_id("tag-search")).to_have_value("lr?")
    board.get_by_test_id("tag-search").blur()
    board.keyboard.press("?")
    expect(board.get_by_test_id("help-dialog")).to_be_visible()
    board.keyboard.press("Escape")
    expect(board.get_by_test_id("help-dialog")).to_have_count(0)


def test_pages_have_addresses_and_keep_the_runs(board: Page) -> None:
    run(board, "exp/run10").uncheck()
    board.get_by_test_id("tab-images").click()
    expect(board).to_have_url(re.compile(r"#/images\?hide=exp/run10$"))
    expect(board.get_by_test_id("empty")).to_contain_text("add_image")
    board.go_back()
    expect(board).to_have_url(re.compile(r"#/scalars"))
    expect(cards(board).first).to_be_visible()
    board.goto(re.sub(r"#.*", "#/nowhere", board.url))
    expect(board.get_by_test_id("empty")).to_contain_text("no such page")


def test_a_thousand_tags_exist_only_where_they_are_seen(tmp_path: Path, serve: Serve, page: Page) -> None:
    write(tmp_path, steps=3, tags=tuple(f"layer{i}/norm" for i in range(1000)), runs=("only",))
    page.goto(serve("--logdir", tmp_path))
    expect(page.get_by_text("1,000 cards")).to_be_visible()
    expect(page.get_by_test_id("card-layer0/norm")).to_have_attribute("data-state", "ready")
    assert cards(page).count() < 40
    height = page.get_by_test_id("grid").evaluate("e => e.scrollHeight")
    page.get_by_test_id("grid").evaluate("e => e.scrollTo(0, e.scrollHeight)")
    expect(page.get_by_test_id("card-layer999/norm")).to_have_attribute("data-state", "ready")
    assert cards(page).count() < 40
    assert page.get_by_test_id("grid").evaluate("e => e.scrollHeight") == height


def test_an_empty_directory_says_what_to_log_and_what_is_logged_appears_by_itself(
    tmp_path: Path, serve: Serve, page: Page
) -> None:
    page.goto(serve("--logdir", tmp_path))
    expect(page.get_by_test_id("empty")).to_contain_text("add_scalar")
    with LogWriter(str(tmp_path / "first")) as writer:
        writer.add_scalar("loss", 1.0, 0)
        writer.flush()
        expect(page.get_by_test_id("card-loss")).to_have_attribute("data-state", "ready")
        expect(page.get_by_test_id("run-first").get_by_label("Still being written")).to_be_visible()


def test_new_points_are_drawn_as_they_come_and_not_while_paused(tmp_path: Path, serve: Serve, page: Page) -> None:
    with LogWriter(str(tmp_path / "live")) as writer:
        writer.add_scalar("loss", 1.0, 0)
        writer.add_scalar("loss", 2.0, 1)
        writer.flush()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "api/series" in request.url else None)
        page.goto(serve("--logdir", tmp_path))
        expect(page.get_by_test_id("card-loss")).to_have_attribute("data-state", "ready")
        until(page, lambda: "since=" not in asked[0], "the first question")
        before = ink(page, "loss")
        writer.add_scalar("loss", 3.0, 2)
        until(page, lambda: ink(page, "loss") != before, "the third point")
        assert any("since=" in address for address in asked), "only what is new travels"
        page.get_by_test_id("live").click()
        expect(page.get_by_test_id("live")).to_have_text("Paused")
        page.wait_for_timeout(100)
        questions = len(asked)
        writer.add_scalar("loss", 9.0, 3)
        page.wait_for_timeout(500)
        assert len(asked) == questions
        before = ink(page, "loss")
        page.get_by_test_id("live").click()
        until(page, lambda: ink(page, "loss") != before, "what was missed while paused")


def test_where_sockets_are_swallowed_the_board_asks(tmp_path: Path, serve: Serve, page: Page) -> None:
    def swallow(socket: WebSocketRoute) -> None:
        socket.close()

    page.route_web_socket(re.compile("api/live"), swallow)
    with LogWriter(str(tmp_path / "live")) as writer:
        writer.add_scalar("loss", 1.0, 0)
        writer.flush()
        page.goto(serve("--logdir", tmp_path))
        expect(page.get_by_test_id("card-loss")).to_have_attribute("data-state", "ready")
        before = ink(page, "loss")
        writer.add_scalar("loss", 3.0, 1)
        until(page, lambda: ink(page, "loss") != before, "the second point")


def test_trouble_in_a_log_is_told_beside_its_run_and_above_the_list(page: Page, url: str) -> None:
    def change(board: dict[str, Any]) -> None:
        board["runs"][0] |= {"dropped": 1234, "gaps": ["4,096 bytes at 77 are damaged"], "skipped": {"audio": 3}}

    changed_board(page, change)
    page.goto(url)
    trouble = page.locator("li .trouble")
    expect(trouble).to_have_count(1)
    expect(trouble).to_have_attribute("title", re.compile("1,234 records.*damaged.*audio", re.DOTALL))
    # A run that is out of sight, or switched off, is told as well.
    page.get_by_test_id("run-filter").fill("no such run")
    page.get_by_role("button", name="1 run is not shown as a whole").click()
    expect(page.locator("dl")).to_contain_text("1,234 records")
    expect(page.locator("dl")).to_contain_text("4,096 bytes at 77 are damaged")


def test_loading_tells_how_much_is_read(page: Page, url: str) -> None:
    page.route_web_socket(re.compile("api/live"), lambda socket: None)
    changed_board(page, lambda board: board.update(loading={"done": 3_100_000_000, "total": 7_400_000_000}))
    page.goto(url)
    expect(page.get_by_test_id("loading")).to_have_text("3.1 of 7.4 GB read")


@pytest.fixture
def loud(browser: Browser) -> Iterator[Page]:
    """A page that may see errors: they are what is tested."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-US")
    yield context.new_page()
    context.close()


def test_a_server_that_does_not_answer_is_told_with_a_way_on(loud: Page, url: str) -> None:
    loud.route("**/api/board", lambda route: route.fulfill(status=503, body='{"error": "too much at once"}'))
    loud.goto(url)
    expect(loud.get_by_test_id("empty")).to_contain_text("too much at once")
    loud.unroute("**/api/board")
    loud.get_by_role("button", name="Try again").click()
    expect(cards(loud).first).to_have_attribute("data-state", "ready")


def test_points_that_cannot_be_read_are_told_on_their_card_only(loud: Page, url: str) -> None:
    loud.route("**/api/series*tag=lr&*", lambda route: route.fulfill(status=500, body='{"error": "the disk is gone"}'))
    loud.goto(url)
    expect(loud.get_by_test_id("card-lr").get_by_role("alert")).to_contain_text("the disk is gone")
    expect(loud.get_by_test_id("card-speed")).to_have_attribute("data-state", "ready")
    loud.unroute("**/api/series*tag=lr&*")
    loud.get_by_test_id("card-lr").get_by_role("button", name="Try again").click()
    expect(loud.get_by_test_id("card-lr").get_by_test_id("plot")).to_be_visible()


def test_on_a_phone_the_runs_are_in_a_drawer_and_nothing_is_wider_than_the_screen(browser: Browser, url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    page = context.new_page()
    page.goto(url)
    expect(cards(page).first).to_have_attribute("data-state", "ready")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    expect(page.get_by_test_id("run-filter")).to_be_hidden()
    page.get_by_role("button", name="Runs and tags").click()
    expect(page.get_by_test_id("run-filter")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("run-filter")).to_be_hidden()
    page.keyboard.press("4")
    expect(page.get_by_test_id("tab-graphs")).to_be_in_viewport(ratio=1)
    context.close()


def test_runs_of_one_display_name_are_told_apart_by_their_folders(tmp_path: Path, serve: Serve, page: Page) -> None:
    for folder in ("seed1", "seed2"):
        with LogWriter(str(tmp_path / folder), display_name="baseline") as writer:
            writer.add_scalar("loss", 1, 0)
    page.goto(serve("--logdir", tmp_path))
    expect(page.locator("[data-testid^='run-seed'] .name")).to_have_text(["baseline (seed1)", "baseline (seed2)"])


def test_long_tags_are_told_apart_by_their_ends(tmp_path: Path, serve: Serve, page: Page) -> None:
    tags = [f"encoder.layers.{n}.self_attention.output_projection.weight.gradient.norm.{n}" for n in (11, 12)]
    write(tmp_path, steps=2, tags=tuple(tags), runs=("run",))
    page.goto(serve("--logdir", tmp_path))
    for tag, n in zip(tags, (11, 12), strict=True):
        end = page.get_by_test_id(f"card-{tag}").locator("h3 .end")
        expect(end).to_have_text(f"adient.norm.{n}")
        expect(end).to_be_in_viewport(ratio=1)


def test_a_filter_that_matches_no_run_is_named_as_the_reason(board: Page) -> None:
    board.get_by_test_id("run-filter").fill("no such run")
    expect(board.get_by_test_id("empty")).to_contain_text("No run matches the filter")
    board.get_by_test_id("empty").get_by_role("button", name="Show all").click()
    expect(cards(board).first).to_be_visible()
