"""Signing in with a real browser: the printed address, also when it is clicked on another site's page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.server.boards import Served, serving, write_logs
from visualdl.server.guard import Policy

TOKEN = "correct-horse-battery-staple-0123456789"


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text(
        "<!doctype html><title>board</title><link rel=icon href=data:,>the board"
    )
    policy = Policy(TOKEN, cookie="visualdl-8040")
    with serving(write_logs(tmp_path / "logs"), policy=policy, pages=tmp_path / "web", prefix="/team") as served:
        yield served


@pytest.fixture
def other_site(locked: Served) -> Iterator[str]:
    """A page on another host name with a link to the board, as in a chat."""

    class Chat(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(f"<link rel=icon href=data:,><a href='{locked.url}?token={TOKEN}'>look</a>".encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Chat) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_address[1]}/"
        server.shutdown()


def test_the_printed_address_opens_the_board_and_leaves_no_token_behind(locked: Served, page: Page) -> None:
    page.goto(f"{locked.url}?token={TOKEN}")
    expect(page).to_have_url(locked.url)
    expect(page.locator("body")).to_have_text("the board")
    [cookie] = page.context.cookies()
    assert cookie["httpOnly"] is True
    assert cookie["sameSite"] == "Strict"
    assert cookie["path"] == "/team"
    assert page.evaluate("document.cookie") == ""
    page.reload()
    expect(page.locator("body")).to_have_text("the board")


def test_a_click_on_another_site_opens_it_as_well(locked: Served, other_site: str, page: Page) -> None:
    page.goto(other_site)
    page.get_by_role("link").click()
    expect(page).to_have_url(locked.url)
    expect(page.locator("body")).to_have_text("the board")
    assert page.evaluate("document.referrer") in ("", locked.url)
