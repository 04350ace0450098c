"""TensorBoard's Time Series page: how it is served, and where it has what the tasks touch. Seen in version 2.21."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page


class TensorBoard:
    """A visit of the Time Series page at `address`. Its side pane with the smoothing slider is open by default."""

    def __init__(self, address: str, cards_a_page: int = 12) -> None:
        self.address = address
        self.facts: dict[str, Any] = {
            "cards": "card-view",
            "charts": "line-chart .series-view canvas",
            "waiting": "mat-spinner",
            "ground": True,
        }
        # Cards of a group that are on one page of it; 12 unless the user says otherwise.
        self.remembered = {"TF.TensorBoard.PaginatedView.limit": str(cards_a_page)}

    def smoothing(self, page: Page) -> Locator:
        """The slider."""
        return page.locator('mat-slider[aria-labelledby="scalars-smoothing-label"] input')

    def run(self, page: Page, name: str) -> Locator:
        """The box of a run."""
        return page.locator(f'tb-data-table-content-row[data-id$="/{name}"] input[type=checkbox]')

    def scroller(self, page: Page) -> Locator:
        """What scrolls the charts."""
        return page.locator("metrics-main-view .main")

    def run_filter(self, page: Page) -> Locator:
        """The field that filters runs."""
        return page.locator("tb-filter-input.run-filter input")

    def prepare_axis(self, page: Page) -> Locator:
        """Open the list of axes, and return the one of time since the start."""
        page.locator(".x-axis-type mat-select").click()
        page.wait_for_timeout(500)
        return page.locator("mat-option").get_by_text("Relative")

    def prepare_theme(self, page: Page) -> Locator:
        """Open the menu of themes, and return the dark one."""
        page.locator('button[aria-label="Menu for changing light or dark theme"]').click()
        page.wait_for_timeout(500)
        return page.locator("[mat-menu-item]").get_by_text("Dark")

    def reload(self, page: Page) -> Locator:
        """What asks for new points, as its timer does every 30 s."""
        return page.locator("app-header-reload button")


@contextmanager
def serve(
    events: Path, runs: int, tag: str, points: int, cards_a_page: int = 12, seconds: float = 60
) -> Iterator[TensorBoard]:
    """The board while its server runs, from when it has read `points` points (at most 1,000) of a tag in all runs."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(events), "--port", "0"]
    with subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--reload_interval", "0.2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stderr is not None
            found = next((match for line in server.stderr if (match := re.search(r"http://127\S+", line))), None)
            if found is None:
                raise RuntimeError("TensorBoard ended without printing its address")
            _until_read(found[0], runs, tag, min(points, 1000), seconds)
            yield TensorBoard(found[0] + "#timeseries", cards_a_page)
        finally:
            server.terminate()


def _until_read(address: str, runs: int, tag: str, points: int, seconds: float) -> None:
    """Wait until the server answers so many points of a tag for so many runs."""
    question = urllib.parse.urlencode({"requests": json.dumps([{"plugin": "scalars", "tag": tag}])}).encode()
    where = address + "experiment/defaultExperimentId/data/plugin/timeseries/timeSeries"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.5)
        with urllib.request.urlopen(where, question) as answer:
            series = json.load(answer)[0].get("runToSeries", {})
        if len(series) == runs and all(len(one) >= points for one in series.values()):
            return
    raise TimeoutError(f"TensorBoard had not read {points} points of {tag} in {runs} runs within {seconds} s")
