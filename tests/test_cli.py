"""The command as a person at a terminal meets it: a process of its own, its sentences, its address, its end."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.server.boards import write_logs, write_model
from visualdl import LogWriter, __version__
from visualdl.cli import _WORDS, main

ROOT = Path(__file__).parents[1]
# Seconds after which a test gives up: many times what a machine with too much to do needs.
PATIENCE = 120.0
get = partial(httpx.get, timeout=PATIENCE)
# The command must not depend on what the machine it is tested on happens to have set.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("VISUALDL_")}
CLEAN["PYTHONPATH"] = str(ROOT)


def visualdl(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "visualdl", *map(str, arguments)],
        cwd=cwd,
        env={**CLEAN, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )


@dataclass(frozen=True)
class Running:
    """The command while it serves: the first line that it printed, and the address in it."""

    process: subprocess.Popen[str]
    line: str
    url: str


@contextmanager
def running(
    *arguments: str | Path, cwd: Path | None = None, environment: Mapping[str, str] = CLEAN
) -> Iterator[Running]:
    """Run the command until the end of the block."""
    command = [sys.executable, "-m", "visualdl", *map(str, arguments)]
    process = subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, f"no address in {line!r}, but: {process.stderr and process.stderr.read()}"
            yield Running(process, line, found[0])
        finally:
            process.kill()


def until(board: Running, true: Callable[[], bool]) -> None:
    """Wait for a fact while the command goes on; fails when it ended or the patience did."""
    limit = time.monotonic() + PATIENCE
    while not true():
        assert board.process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.02)


# --------------------------------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--logdir", "nowhere"], "No such directory: nowhere"),
        (["--logdir", "a.vdl"], "a.vdl is a file: give the directory that it is in, --logdir ."),
        (["--logdir", "logs", "nowhere"], "No such directory: nowhere"),
        (["--logdir", "x" * 5_000], "No such directory: xxx"),
        (["--logdir", "~nobody-has-this-name/logs"], "No such directory: ~nobody-has-this-name/logs"),
        (["--model", "~nobody-has-this-name/model.onnx"], "No such model file: ~nobody-has-this-name/model.onnx"),
        (["demo", "x" * 5_000], "The example cannot be written to xxx"),
        (["--logdir", "logs", "--model", "notes.txt"], "ONNX"),
        (["--logdir", "logs", "-m", "logs"], "logs is a directory: give the model file itself"),
        (["--model_pb", "no/where.onnx"], "No such model file: no/where.onnx"),
        ([], "Nothing to show: give --logdir DIR, --model FILE, or both"),
        (["logs"], "logs is not an option: a directory of logs is given with --logdir logs"),
        (["service", "upload", "--logdir", "logs"], "nothing leaves this machine"),
        (["--logdir", "logs", "--port", "eighty"], "a port is a number from 0 to 65535, not 'eighty'"),
        (["--logdir", "logs", "--port", "65536"], "a port is a number from 0 to 65535, not '65536'"),
        (["--logdir", "logs", "--host", "192.0.2.1"], "192.0.2.1 is not an address of this machine"),
        (["--logdir", "logs", "--host", "no such host"], "is not an address of this machine"),
        (["--logdir", "logs", "--language", "fr"], "--language"),
        (["--logdir", "logs", "--public-path", "/a b"], "--public-path begins with /"),
        (["--logdir", "logs", "--nothing"], "--nothing"),
        (["--logdir"], "--logdir"),
        (["demo", "notes.txt"], "notes.txt is there already and is not a directory"),
    ],
)
def test_wrong_input_gets_one_clear_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "a.vdl").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("hello")
    done = visualdl(*arguments, cwd=tmp_path)
    said = [line for line in done.stderr.splitlines() if "is empty" not in line]
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(said) == 1, done.stderr
    assert said[0].startswith("visualdl: ")
    assert sentence in said[0]


def test_a_directory_that_may_not_be_looked_into_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refused)  # the tests may be run by root, to whom nothing is forbidden
    assert main(["--logdir", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"visualdl: The directory cannot be read: {tmp_path}\n"


def test_a_port_in_use_is_said_when_it_was_asked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = visualdl("--logdir", tmp_path, "--port", str(port))
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(f"visualdl: Port {port} is in use: give another --port")


def test_without_a_port_the_next_free_one_is_taken(tmp_path: Path) -> None:
    with running("--logdir", tmp_path) as first, running("--logdir", tmp_path) as second:
        ports = [int(board.url.rsplit(":", 1)[1].strip("/")) for board in (first, second)]
        assert 8040 <= ports[0] < ports[1]
        for board in (first, second):
            assert get(board.url + "api/board").status_code == 200


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    done = visualdl("--logdir", tmp_path, VISUALDL_TOKEN="short")
    assert done.returncode == 2
    assert "at least 16 characters" in done.stderr


def test_the_sentences_are_chinese_when_the_language_is(tmp_path: Path) -> None:
    done = visualdl("--logdir", tmp_path / "nowhere", "--language", "zh")
    assert done.returncode == 2
    assert "目录不存在" in done.stderr


def test_both_languages_have_the_same_sentences_with_the_same_blanks() -> None:
    blanks = [{key: set(re.findall(r"{(\w+)}", text)) for key, text in words.items()} for words in _WORDS.values()]
    assert blanks[0] == blanks[1]


# ------------------------------------------------------------------------------------------------ what goes well


def test_the_version_is_told() -> None:
    done = visualdl("--version")
    assert (done.returncode, done.stdout) == (0, f"visualdl {__version__}\n")


def test_logs_and_model_are_served_at_the_printed_address(tmp_path: Path) -> None:
    logs, model = write_logs(tmp_path / "logs"), write_model(tmp_path / "m.onnx")
    with running("--logdir", logs, "--model_pb", model, "--port", "0", "-L", "zh") as board:
        assert board.line.startswith("VisualDL 已启动： http://127.0.0.1:")
        found = get(board.url + "api/board").json()
        assert found["language"] == "zh"
        assert found["roots"] == [str(logs)]
        assert found["graph"] is True


def test_a_model_alone_is_enough(tmp_path: Path) -> None:
    with running("-m", write_model(tmp_path / "m.onnx"), "-p", "0") as board:
        assert get(board.url + "api/graph").json()["name"] == "shapes"
        assert get(board.url + "api/board").json()["runs"] == []


def test_an_empty_directory_opens_and_is_mentioned(tmp_path: Path) -> None:
    with running("--logdir", tmp_path, "--port", "0") as board:
        assert get(board.url + "api/board").status_code == 200
        board.process.send_signal(signal.SIGINT)
        _, said = board.process.communicate(timeout=PATIENCE)
        assert f"{tmp_path} is empty" in said


def test_old_options_are_taken_with_a_word(tmp_path: Path) -> None:
    old = ["--cache_timeout", "20", "--theme", "dark", "--api-only", "-v", "--product", "x", "--disable-telemetry"]
    with running(*old, "--component_tabs", "scalar", "image", "--logdir", tmp_path, "--port", "0") as board:
        board.process.send_signal(signal.SIGINT)
        _, said = board.process.communicate(timeout=PATIENCE)
    for flag in (
        "--cache_timeout",
        "--theme",
        "--api-only",
        "-v",
        "--product",
        "--disable-telemetry",
        "--component_tabs",
    ):
        assert f"visualdl: {flag} has no effect" in said


def test_bound_elsewhere_the_address_has_a_token_and_nothing_else_opens(tmp_path: Path) -> None:
    with running("--logdir", tmp_path, "--host", "0.0.0.0", "--port", "0") as board:
        address = httpx.URL(board.url)
        here = f"http://127.0.0.1:{address.port}/"
        assert len(address.params["token"]) == 43
        assert get(here + "api/board").status_code == 401
        with httpx.Client(base_url=here) as browser:
            assert browser.get("", params={"token": address.params["token"]}).status_code == 200
            assert browser.get("api/board").status_code == 200


def test_open_hands_the_address_to_the_browser(tmp_path: Path) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}.part && mv {seen}.part {seen}\n')
    browser.chmod(0o700)
    (tmp_path / "logs").mkdir()
    with running(
        "--logdir", tmp_path / "logs", "--port", "0", "--open", environment={**CLEAN, "BROWSER": f"{browser} %s"}
    ) as board:
        until(board, seen.exists)
        assert seen.read_text() == board.url


def test_a_token_of_ones_own_is_asked_for_on_this_machine_too(tmp_path: Path) -> None:
    token = "a-token-of-my-own-0123"
    with running("--logdir", tmp_path, "--port", "0", environment={**CLEAN, "VISUALDL_TOKEN": token}) as board:
        bare, _, shown = board.url.partition("?token=")
        assert shown == token
        assert get(bare + "api/board").status_code == 401
        assert get(bare + "api/board", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_a_public_path_and_another_host_name_are_taken(tmp_path: Path) -> None:
    with running(
        "--logdir", tmp_path, "--port", "0", "--public-path", "/board", "--allow-host", "box.example.org"
    ) as board:
        assert board.url.endswith("/board/")
        assert get(board.url + "api/board", headers={"host": "box.example.org"}).status_code == 200
        assert get(board.url + "api/board", headers={"host": "other.example.org"}).status_code == 421


# ------------------------------------------------------------------------------------------------------ the end


async def hear_out(tab: ClientConnection) -> None:
    while True:
        await tab.recv()


def test_ctrl_c_ends_it_at_once_with_tabs_open_and_a_download_half_done(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "train") as writer:
        for step in range(200_000):
            writer.add_scalar("loss/total", 0.1 * step, step)

    async def watch_it_end(board: Running) -> int:
        live = board.url.replace("http://", "ws://") + "api/live"
        tabs = await asyncio.gather(*(connect(live, open_timeout=PATIENCE) for _ in range(5)))
        for tab in tabs:
            await tab.recv()
        port = httpx.URL(board.url).port
        runs: dict[str, str] = {}
        while "train" not in runs:
            runs = {run["name"]: run["id"] for run in get(board.url + "api/board").json()["runs"]}
        with socket.socket() as stalled:
            # The answer, about 9 MB, does not fit into the buffers: the server is still sending when it has to end.
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            stalled.connect(("127.0.0.1", port))
            query = "&".join(["kind=scalar", "tag=loss/total", f"runs={runs['train']}"])
            stalled.sendall(f"GET /api/csv?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            stalled.recv(1)
            board.process.send_signal(signal.SIGINT)
            status = await asyncio.to_thread(board.process.wait, 10)
        for tab in tabs:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(hear_out(tab), 10)
        return status

    with running("--logdir", tmp_path, "--port", "0") as board:
        assert asyncio.run(watch_it_end(board)) == 0
        assert board.process.stderr is not None
        assert board.process.stderr.read() == ""


def test_the_demo_is_written_served_and_kept(tmp_path: Path) -> None:
    done = visualdl("demo", "--exit", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "Wrote the example to scratch_log\n")
    again = visualdl("demo", "--no-serve", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, "scratch_log is there already: shown as it is\n")
    with running("demo", "--port", "0", cwd=tmp_path) as board:
        found = get(board.url + "api/board").json()
        assert found["roots"] == ["scratch_log"]
        assert found["graph"] is True


def test_a_fresh_demo_goes_on_training_while_the_board_is_open(tmp_path: Path) -> None:
    def live_train(board: Running) -> dict[str, object]:
        runs = get(board.url + "api/board").json()["runs"]
        return next((run for run in runs if run["name"].endswith("live/train")), {})

    with running("demo", "--port", "0", cwd=tmp_path) as board:
        until(board, lambda: bool(live_train(board).get("live")))
        board.process.send_signal(signal.SIGINT)
        assert board.process.wait(timeout=PATIENCE) == 0
    with running("demo", "--port", "0", cwd=tmp_path) as board:
        until(board, lambda: bool(live_train(board)))
        assert live_train(board)["live"] is False
