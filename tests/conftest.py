"""What every test may ask for: the browser on this machine, and a page that refuses errors and foreign hosts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

# A busy machine is slow, not wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Everything a browser does of its own accord is switched off: a test talks to its own server only.
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser: $CHROMIUM, or the first known name on PATH. A missing one fails the test; nothing is skipped."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if not found:
        pytest.fail(
            f"the board's tests need a browser: none of {', '.join(CHROMIUM_NAMES)} is on PATH; "
            "install Debian's package chromium, or name one in the variable CHROMIUM"
        )
    return found


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One headless browser a module. Not one a session: Playwright keeps an event loop running in this thread
    for as long as it lives, and later tests that call asyncio.run() would fail."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page, 1400 × 900, English, light; by the end of the test it has seen no error and no foreign host."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-US", color_scheme="light")
    page = context.new_page()
    trouble = watch(page)
    yield page
    context.close()
    assert not trouble, "the page was not quiet:\n" + "\n".join(trouble)


def watch(page: Page) -> list[str]:
    """A list that grows with each error on the page's console, uncaught exception and request to another machine."""
    trouble: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            trouble.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def on_request(request: Request) -> None:
        host = urlsplit(request.url).hostname
        if host not in (None, "127.0.0.1", "localhost", "::1"):
            trouble.append(f"asked a foreign host: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: trouble.append(f"uncaught: {error}"))
    page.on("request", on_request)
    return trouble
