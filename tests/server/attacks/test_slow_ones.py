"""(8) One slow client, or one slow file, is slow for itself alone. (torture/floods.py does the same by the hundred.)"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.server.attacks.sockets import HANDSHAKE
from tests.server.boards import PATIENCE, Served, serving, write_logs, write_model
from visualdl import LogWriter


def answers(served: Served) -> None:
    """Others are answered, each kind of question."""
    run = served.run("train")
    for address in ("", "api/board", f"api/series?kind=scalar&tag=loss/total&runs={run}", "api/graph"):
        assert served.client.get(address, timeout=PATIENCE).status_code in (200, 404, 503)
    with connect(served.live) as live:
        assert "revision" in str(live.recv(timeout=PATIENCE))


@pytest.fixture
def slow(served: Served) -> Iterator[list[socket.socket]]:
    """Twelve connections with a small window: three times as many as there are threads that read."""
    opened = []
    for _ in range(12):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        one.settimeout(PATIENCE)
        one.connect(("127.0.0.1", served.port))
        opened.append(one)
    yield opened
    for one in opened:
        one.close()


def test_who_takes_one_byte_now_and_then_holds_up_nobody(served: Served, slow: list[socket.socket]) -> None:
    run = served.run("train")
    for one in slow:
        target = f"/api/csv?kind=scalar&tag=loss/total&runs={run}"
        one.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 30)
    for _ in range(5):
        for one in slow:
            assert one.recv(1)
        answers(served)


def test_who_sends_one_byte_now_and_then_holds_up_nobody(served: Served, slow: list[socket.socket]) -> None:
    parts = (
        b"POST /api/graph HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
        b"GET /api/board HT",
        b"",
        b"P",
    )
    for number, one in enumerate(slow):
        one.sendall(parts[number % len(parts)])
    for _ in range(3):
        for one in slow:
            with contextlib.suppress(ConnectionError):  # what is no request by now is refused
                one.sendall(b"x")
        answers(served)


def test_who_listens_and_never_reads_holds_up_nobody(served: Served, slow: list[socket.socket]) -> None:
    for one in slow:
        one.sendall(b"GET /api/live HTTP/1.1\r\nHost: localhost\r\n" + HANDSHAKE + b"\r\n")
        one.recv(16)
    ping = b"\x89\xfd\0\0\0\0" + b"x" * 125
    for one in slow:
        one.setblocking(False)
        for _ in range(2_000):  # each asks for a pong that nobody takes
            try:
                one.send(ping)
            except BlockingIOError:
                break
    answers(served)


def test_who_asks_for_pongs_without_end_and_takes_none_is_let_go(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as one:
        one.sendall(b"GET /api/live HTTP/1.1\r\nHost: localhost\r\n" + HANDSHAKE + b"\r\n")
        one.recv(16)
        pings = b"\x89\xfd\0\0\0\0" + b"x" * 125
        with pytest.raises(ConnectionError):
            one.sendall(pings * 500_000)  # 64 MiB that would wait in the server


def test_who_goes_away_in_the_middle_leaves_nothing_behind(served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    run = served.run("train")
    for target in ("/api/board", f"/api/csv?kind=scalar&tag=loss/total&runs={run}", "/api/graph"):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", served.port)) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset, not closed
                one.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 5)
    answers(served)
    assert capfd.readouterr().err == ""  # and the log is not for strangers to fill


# ------------------------------------------------------------------------------------------------- slow files


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_file_that_never_ends_or_never_comes_holds_up_no_other_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = write_logs(tmp_path / "logs")
    real = next((logs / "train").glob("*.vdl")).stem
    odd = ("events.out.tfevents.1.host", "vdlrecords.1.log", f"{real}.vdl", f"{real}.head", "meta.json")
    (logs / "odd").mkdir()
    for name in odd:
        os.mkfifo(logs / "odd" / name)
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(logs / "odd")  # the path of a socket is short
        listening.bind("socket.vdl")
        (logs / "full").mkdir()
        (logs / "full" / f"{real}.vdl").symlink_to("/dev/zero")
        with serving(logs) as served:
            served.when(lambda board: {"train", "test"} <= {run["name"] for run in board["runs"]})
            answers(served)
            with LogWriter(logs / "later") as writer:
                writer.add_scalar("a", 1.0, 0)
            assert served.series("a", served.run("later"))[1][0]["value"].tolist() == [1.0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_model_that_never_comes_holds_up_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.onnx")
    with serving(write_logs(tmp_path / "logs"), model=tmp_path / "m.onnx") as served:
        answers(served)
        assert served.client.get("api/graph").status_code == 404
        (tmp_path / "m.onnx").unlink()
        write_model(tmp_path / "m.onnx")
        served.when(lambda board: board["graph"])


def test_a_run_that_cannot_be_read_is_not_the_end_of_the_others(tmp_path: Path) -> None:
    logs = write_logs(tmp_path / "logs")
    (logs / "broken").mkdir()
    real = next((logs / "train").glob("*.vdl"))
    (logs / "broken" / real.name).write_bytes(real.read_bytes()[:5_000] + os.urandom(5_000))
    (logs / "empty").mkdir()
    (logs / "empty" / real.name).touch()
    with serving(logs) as served:
        served.when(lambda board: {"train", "test"} <= {run["name"] for run in board["runs"]})
        answers(served)
