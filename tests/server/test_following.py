"""Following what changes: nothing is missed, nothing comes twice, whatever comes, grows and goes meanwhile."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.server.boards import PATIENCE, read_answer, serving, write_model
from visualdl import LogWriter
from visualdl.server import model

# The run of each writer: one writes alone, and begins again half-way.
RUNS = ("alone", "together", "together", "together", "crowd", "crowd", "crowd", "crowd")
TAGS, POINTS = 5, 1_500

# Each writer has steps of its own, so that every point can be told from every other.
WRITER = """
import sys, time
from visualdl import LogWriter
from visualdl.server import model
folder, writer, writers, tags, points = sys.argv[1], *map(int, sys.argv[2:])
log = LogWriter(folder)
for i in range(points):
    for tag in range(tags):
        log.add_scalar(f"tag/{tag}", writer + i / points, i * writers + writer)
    if i % 10 == 0:
        time.sleep(0.01)
    if writer == 0 and i == points // 2:
        log.close()
        log = LogWriter(folder)
log.close()
"""


class Client:
    """Follows all series by cursors, as docs/http_api.md tells a client to."""

    def __init__(self, url: str) -> None:
        self.held: dict[tuple[str, str], tuple[int, np.ndarray]] = {}
        self.joined = 0
        self._url = url

    def follow(self, done: threading.Event) -> None:
        """Ask until everything is written, and once more then."""
        with httpx.Client(base_url=self._url, timeout=PATIENCE) as http:
            last = False
            etags: dict[str, str] = {}
            while not last:
                last = done.is_set()
                board = http.get("api/board").raise_for_status().json()
                for entry in board["tags"]["scalar"]:
                    self._ask(http, entry["tag"], [board["runs"][at]["id"] for at in entry["runs"]], etags)
                time.sleep(0.03)

    def _ask(self, http: httpx.Client, tag: str, runs: list[str], etags: dict[str, str]) -> None:
        since = ",".join(f"{run}:{self.held[tag, run][0]}" for run in runs if (tag, run) in self.held)
        asked = {"kind": "scalar", "tag": tag, "runs": ",".join(runs), "n": "100000", "since": since}
        known = {"if-none-match": etags[tag]} if tag in etags else {}
        answer = http.get("api/series", params=asked, headers=known)
        if answer.status_code == 304:
            return
        assert answer.status_code == 200, answer.text
        etags[tag] = answer.headers["etag"]
        header, content = read_answer(answer.content)
        for about, columns in zip(header["series"], content, strict=True):
            points = np.stack([columns["step"].astype(float), columns["value"].astype(float)])
            if about["since"]:
                before, held = self.held[tag, about["run"]]
                assert about["since"] == before
                points = np.concatenate([held, points], axis=1)
                self.joined += 1
            assert about["exact"]
            self.held[tag, about["run"]] = about["cursor"], points


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Eight processes, each writing to its run."""
    started = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / run), *map(str, (i, len(RUNS), TAGS, POINTS))])
        for i, run in enumerate(RUNS)
    ]
    yield started
    for process in started:
        process.kill()
        process.wait()


def written(run: str) -> np.ndarray:
    """All points that were logged to one tag of a run, by step."""
    mine = [i for i, name in enumerate(RUNS) if name == run]
    step = np.concatenate([np.arange(POINTS) * len(RUNS) + i for i in mine])
    value = np.concatenate([i + np.arange(POINTS) / POINTS for i in mine])
    return np.stack([step, value])[:, np.argsort(step)]


def test_clients_that_follow_by_cursors_hold_what_several_processes_wrote(
    tmp_path: Path, writers: list[subprocess.Popen[bytes]]
) -> None:
    with serving(tmp_path) as served:
        done = threading.Event()
        clients = [Client(served.url) for _ in range(3)]
        failures: list[BaseException] = []

        def follow(client: Client) -> None:
            try:
                client.follow(done)
            except BaseException as error:
                failures.append(error)
                raise

        threads = [threading.Thread(target=follow, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        assert [process.wait(PATIENCE) for process in writers] == [0] * len(RUNS)
        served.when(lambda board: len(board["runs"]) == 3 and not any(run["live"] for run in board["runs"]))
        done.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert failures == []
        names = {run["id"]: run["name"] for run in served.board()["runs"]}
        for client in clients:
            assert client.joined > TAGS
            assert len(client.held) == 3 * TAGS
            for (tag, run), (_, points) in client.held.items():
                assert np.array_equal(points, written(names[run])), (tag, names[run])


def test_a_thousand_runs_that_appear_at_once_are_followed_in_one_question(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "first") as log:
        for step in range(10):
            log.add_scalar("loss", step / 10, step)
    with serving(tmp_path) as served:
        served.when(lambda board: len(board["runs"]) == 1)
        for i in range(999):
            shutil.copytree(tmp_path / "first", tmp_path / f"run{i}")
        board = served.when(lambda board: len(board["runs"]) == 1_000)
        ids = [run["id"] for run in board["runs"]]
        header, content = served.series("loss", *ids)
        assert [one["run"] for one in header["series"]] == ids
        assert all(columns["step"].tolist() == list(range(10)) for columns in content)
        cursors = {one["run"]: one["cursor"] for one in header["series"]}
        header, content = served.series("loss", *ids, since=",".join(f"{run}:{at}" for run, at in cursors.items()))
        assert {one["run"]: one["since"] for one in header["series"]} == cursors
        assert sum(len(columns["step"]) for columns in content) == 0


def test_a_run_that_is_deleted_while_a_csv_is_on_its_way_is_left_out(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with LogWriter(tmp_path / name) as log:
            for step in range(250_000):
                log.add_scalar("loss", 0.5, step)
    with serving(tmp_path) as served:
        first, second = served.run("a"), served.run("b")
        with served.client.stream("GET", f"api/csv?kind=scalar&tag=loss&runs={first},{second}") as answer:
            rows = answer.iter_lines()
            assert next(rows) == "run,step,time,value"
            shutil.rmtree(tmp_path / "b")
            served_runs = [run["id"] for run in served.when(lambda board: len(board["runs"]) == 1)["runs"]]
            assert served_runs == [first]
            assert [row.split(",")[0] for row in rows] == ["a"] * 250_000


def test_a_model_file_that_could_not_be_read_is_read_when_it_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = model.read_graph
    failures = iter([MemoryError()])

    def once(path: Path, shown: str) -> bytes:
        for failure in failures:
            raise failure
        return read(path, shown)

    monkeypatch.setattr(model, "read_graph", once)
    file = write_model(tmp_path / "model.onnx")
    with serving(tmp_path, model=file) as served:
        limit = time.monotonic() + PATIENCE
        while "could not be read just now" not in caplog.text:
            assert time.monotonic() < limit
            time.sleep(0.02)
        file.write_bytes(file.read_bytes())
        served.when(lambda board: bool(board["graph"]))
