"""Text that would like to be code, on every page of the board: it is shown as it is, nothing runs and nothing is asked.

Each test is done twice: with the content security policy, of which no rule may be touched, and with a browser that
ignores it, so that the policy is the second wall and not the only one.
"""

from __future__ import annotations

import csv
import os
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from tests.conftest import watch
from tests.graph import wire
from visualdl import LogWriter

Serve = Callable[..., str]

RUN = "window.__pwned=1"
MARKUP = f'<img src=x onerror="{RUN}">'
TAGS = (
    MARKUP,
    f"</script><script>{RUN}</script>",
    f"</title></style></textarea><svg/onload={RUN}>",
    f"javascript:{RUN}",
    f"\"'`onmouseover='{RUN}' x='",
    f"{{{{constructor.constructor('{RUN}')()}}}}${{{RUN}}}{{@html '<b>'}}",
    f"<a href=javascript:{RUN}>x</a>/<iframe srcdoc='<script>parent.{RUN}</script>'>",
    "&lt;b&gt;&#x3c;script&#x3e;",
    "\u202egnp.exe\u2066 \u200b\ufeff\x1b[31m\x07",
    "=HYPERLINK(1)",
    "__proto__",
    "constructor",
)
FOLDER = f"=cmd()<img src=x onerror={RUN}>"
ACTIVE = "script:not([src]), iframe, frame, object, embed, base, meta[http-equiv], form, img[src='x']"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> str:
    """A board on which every text that can be logged is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, label in ((FOLDER, MARKUP), ("__proto__", f"javascript:{RUN}"), ("constructor", "")):
        with LogWriter(folder / "logs" / name, display_name=label) as writer:
            for tag in TAGS:
                for step in range(3):
                    writer.add_scalar(tag, step, step)
                writer.add_image(tag, np.full((8, 8, 3), 200, np.uint8), 0)
                writer.add_histogram(tag, np.arange(10.0), 0)
            captioned = writer.scalar("captioned")
            captioned.set_caption(MARKUP)
            captioned.add_record(0, 1.0)
    damaged = next((folder / "logs" / FOLDER).glob("*.vdl"))
    with open(damaged, "r+b") as log:  # a gap, to be told on the board
        log.seek(-200, os.SEEK_END)
        log.write(b"\0" * 100)
    name = f"{MARKUP}\u202e"
    nodes = [
        wire.node(name, [MARKUP], ["m"], name=f"/{MARKUP}/{name}"),
        wire.node(f"javascript:{RUN}", ["m"], ["y"], name=f"/</script><script>{RUN}</script>/b"),
    ]
    (folder / f"{MARKUP.replace('/', '')}.onnx").write_bytes(
        wire.model(wire.value(11, MARKUP), *nodes, wire.value(12, "y"))
    )
    return serve("--logdir", folder / "logs", "--model", folder / f"{MARKUP.replace('/', '')}.onnx")


@pytest.fixture(params=[False, True], ids=["with the policy", "without it"])
def board(browser: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that at its end has run nothing of this, asked nobody else, and seen no error and no dialog."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-US", bypass_csp=request.param)
    page = context.new_page()
    trouble = watch(page)
    own = urlsplit(url).netloc

    def refuse(dialog: Dialog) -> None:
        trouble.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def asked(address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("blob", "data") and parts.netloc != own:
            trouble.append(f"asked another origin: {address}")

    page.on("dialog", refuse)
    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))
    page.add_init_script("addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.blockedURI))")
    yield page
    assert page.evaluate("window.__pwned") is None
    handlers = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => n.startsWith('on'))"
    assert page.evaluate(handlers) == []
    assert page.locator(ACTIVE).count() == 0
    assert page.locator("a[href^='javascript:' i]").count() == 0
    assert len(context.pages) == 1
    context.close()
    assert not trouble, "the page was not quiet:\n" + "\n".join(trouble)


def card(page: Page, tag: str) -> Locator:
    return page.locator("article").and_(page.get_by_label(tag, exact=True))


def shows_all_of_it(page: Page) -> None:
    """Search for each tag, letter by letter: the title of its card is the tag."""
    for tag in TAGS:
        page.get_by_test_id("tag-search").fill("^" + "".join(f"\\u{{{ord(letter):x}}}" for letter in tag) + "$")
        titles: list[str] = []
        limit = time.monotonic() + 60
        while not titles or not all(title.startswith(tag.strip()) for title in titles):
            assert time.monotonic() < limit, f"{titles} and not {tag!r}"
            page.wait_for_timeout(20)
            titles = page.locator("article h3").evaluate_all("them => them.map(it => it.textContent.trim())")


@pytest.mark.parametrize("page_name", ["scalars", "images", "histograms"])
def test_every_tag_is_shown_letter_for_letter(board: Page, url: str, page_name: str) -> None:
    board.goto(f"{url}#/{page_name}")
    expect(board.locator("article").first).to_be_visible()
    shows_all_of_it(board)


def test_runs_are_shown_letter_for_letter_and_their_damage_too(board: Page, url: str) -> None:
    board.goto(url)
    expect(board.get_by_test_id(f"run-{FOLDER}").locator(".name")).to_have_text(MARKUP)
    expect(board.get_by_test_id("run-__proto__").locator(".name")).to_have_text(f"javascript:{RUN}")
    board.get_by_test_id("run-constructor").get_by_role("checkbox").uncheck()
    expect(board.get_by_test_id("runs-shown")).to_have_text("2 of 3")
    board.get_by_test_id("run-__proto__").get_by_role("checkbox").uncheck()
    board.reload()
    expect(board.get_by_test_id("runs-shown")).to_have_text("1 of 3")
    expect(board.locator(".trouble").first).to_be_visible()


def test_what_is_saved_is_data(board: Page, url: str, tmp_path: Path) -> None:
    board.goto(url)
    board.get_by_test_id("tag-search").fill("<img")
    one = card(board, MARKUP)
    expect(one).to_have_attribute("data-state", "ready")
    one.get_by_test_id("plot").hover()
    expect(board.get_by_test_id("tooltip")).to_contain_text(MARKUP)
    for kind in ("svg", "csv", "png"):
        one.get_by_test_id("action-more").click()
        with board.expect_download() as download:
            board.get_by_test_id(f"action-{kind}").click()
        assert not set(download.value.suggested_filename) & set("<>\"'/\\=()\u202e")
        download.value.save_as(tmp_path / kind)
    root = ET.parse(tmp_path / "svg").getroot()
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not names & {"script", "foreignObject", "image", "a", "style", "use", "iframe", "set", "animate"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    assert MARKUP in {element.text for element in root.iter()}
    with open(tmp_path / "csv", newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["run"] for row in rows} == {"'" + FOLDER, "__proto__", "constructor"}
    assert {float(row["value"]) for row in rows} == {0.0, 1.0, 2.0}


def test_a_model_is_shown_letter_for_letter(board: Page, url: str, tmp_path: Path) -> None:
    board.goto(f"{url}#/graphs?open=*")
    expect(board.get_by_test_id("graph-outline")).to_contain_text("<img src=x onerror=")
    expect(board.get_by_test_id("graph-outline")).to_contain_text(f"javascript:{RUN}")
    board.get_by_test_id("graph-search").fill("img")
    board.keyboard.press("Enter")
    expect(board.get_by_test_id("graph-details")).to_contain_text("<img src=x onerror=")
    board.get_by_test_id("graph-save").click()
    with board.expect_download() as saved:
        board.get_by_test_id("graph-svg").click()
    saved.value.save_as(tmp_path / "svg")
    root = ET.parse(tmp_path / "svg").getroot()
    assert "script" not in {element.tag.rpartition("}")[2] for element in root.iter()}


CHOICES = (
    f"tag={MARKUP}", f"filter={MARKUP}", f"hide={MARKUP}", f"runs={MARKUP}", f"smooth={MARKUP}&axis={MARKUP}",
    f"wide={MARKUP}",
    f"zoom={MARKUP}:0:1", "__proto__=1&constructor=1", "wide=__proto__,constructor&log=__proto__",
)  # fmt: skip
PLACES = (
    f"javascript:{RUN}",
    f"/{MARKUP}",
    "/__proto__?__proto__=1",
    "/constructor?toString=1",
    "/scalars?%",
    "/%00",
    "/graphs?open=%ff",
)


@pytest.mark.parametrize("board", [True], indirect=True, ids=["without the policy"])
def test_an_address_made_by_somebody_else_runs_nothing(board: Page, url: str) -> None:
    for place in (*(f"/scalars?{choice}" for choice in CHOICES), *PLACES):
        board.goto(f"{url}#{place}")
        board.reload(wait_until="commit")
        expect(board.get_by_test_id("tab-scalars")).to_be_visible()
    board.goto(f"{url}#/scalars")
    expect(board.locator("article").first).to_be_visible()


def test_a_filter_that_would_hang_the_browser_is_answered_at_once(board: Page, url: str) -> None:
    board.goto(f"{url}#/scalars")
    expect(board.locator("article").first).to_be_visible()
    for field in ("run-filter", "tag-search"):
        for source in ("(.*)*(.*)*(.*)*\\d$", "((.+)+)+\\d$", "(?:.|.)*(?:.|.)*\\d$"):
            board.get_by_test_id(field).fill(source)
            expect(board.get_by_test_id("runs-shown")).to_be_visible()
        board.get_by_test_id(field).fill("")
    expect(board.locator("article").first).to_be_visible()


def test_no_picture_opened_by_itself_runs_anything(board: Page, url: str) -> None:
    board.goto(f"{url}#/images")
    source = board.locator("article img").first.get_attribute("src")
    assert source is not None
    answer = board.request.get(source if "://" in source else url + source)
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
