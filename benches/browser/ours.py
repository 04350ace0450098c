"""Our board: how it is served, and where it has what the tasks touch."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page


class Ours:
    """A visit of the board at `address`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.facts: dict[str, Any] = {
            "cards": "article",
            "charts": ".chart canvas:first-child",
            "waiting": '[data-state="waiting"]',
            "ground": False,
        }
        self.remembered = {"visualdl.theme": "light"}

    def smoothing(self, page: Page) -> Locator:
        """The slider."""
        return page.get_by_test_id("smoothing")

    def run(self, page: Page, name: str) -> Locator:
        """The box of a run."""
        return page.get_by_test_id(f"run-{name}").locator("input")

    def scroller(self, page: Page) -> Locator:
        """What scrolls the charts."""
        return page.get_by_test_id("grid")

    def run_filter(self, page: Page) -> Locator:
        """The field that filters runs."""
        return page.get_by_test_id("run-filter")

    def prepare_axis(self, page: Page) -> Locator:
        """What chooses time since the start."""
        return page.get_by_test_id("axis").get_by_text("Relative")

    def prepare_theme(self, page: Page) -> Locator:
        """What chooses the dark theme, from the light one."""
        return page.get_by_test_id("theme")


@contextmanager
def serve(logs: Path) -> Iterator[Ours]:
    """The board while its server runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "visualdl", "--logdir", str(logs), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as server:
        try:
            assert server.stdout is not None
            found = next((match for line in server.stdout if (match := re.search(r"http://\S+", line))), None)
            if found is None:
                raise RuntimeError("the server ended without printing its address")
            _until_read(found[0])
            yield Ours(found[0])
        finally:
            server.terminate()


def _until_read(address: str, seconds: float = 120) -> None:
    """Wait until the server has read what there is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with urllib.request.urlopen(address + "api/board") as answer:
            if json.load(answer)["loading"] is None:
                return
        time.sleep(0.1)
    raise TimeoutError(f"the server had not read the logs within {seconds} s")
