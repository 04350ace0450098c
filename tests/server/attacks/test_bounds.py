"""(6) Too much of everything: addresses, heads, numbers, parameters, requests on one connection; half a request."""

from __future__ import annotations

import itertools
import math
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.server.attacks.sockets import get, handshake, say
from tests.server.boards import PATIENCE, Served, serving
from visualdl import LogWriter
from visualdl.server import protocol

MIB = 1 << 20
OPEN = b"GET /api/board HTTP/1.1\r\nHost: localhost\r\n"


@contextmanager
def connection(served: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as opened:
        yield opened


def pushed(opened: socket.socket, piece: bytes, most: int, pause: float = 0.0) -> int:
    """How many bytes of an endless request the server takes before it ends the connection; `most` if it never does."""
    sent = 0
    try:
        while sent < most:
            opened.sendall(piece)
            sent += len(piece)
            time.sleep(pause)
    except ConnectionError:
        pass
    return sent


def test_an_address_is_bounded(served: Served) -> None:
    for length, statuses in ((50_000, (404,)), (57_400, (414,)), (100_000, (414,)), (MIB, (414, 0))):
        said = get(served, "/api/series?kind=scalar&runs=000000000000&tag=" + "x" * length)
        assert said.status in statuses
        assert get(served, "/" + "x" * length).status in statuses
        assert handshake(served, target="/api/live?" + "x" * length).status in (414, 431, 0)
    assert served.board()["runs"]


@pytest.mark.parametrize(
    ("what", "piece"),
    [
        ("an address", b"x"), ("a header", b"x"), ("a name of a header", b"x"), ("headers", b"X-A: a\r\n"),
        ("empty lines before it", b"\r\n"), ("trailers", b"X-A: a\r\n"),
    ],
)  # fmt: skip
def test_a_head_without_an_end_is_ended(served: Served, what: str, piece: bytes) -> None:
    chunked = b"POST /api/graph HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    begins = {
        "an address": b"GET /", "a header": OPEN + b"X-A: ", "a name of a header": OPEN + b"X-", "headers": OPEN,
        "empty lines before it": b"", "trailers": chunked + b"0\r\n",
    }  # fmt: skip
    with connection(served) as opened:
        opened.sendall(begins[what])
        assert pushed(opened, piece * (65_536 // len(piece)), 64 * MIB) < 64 * MIB
    assert served.board()["runs"]


def test_headers_are_counted(served: Served) -> None:
    assert get(served, "/api/board", *["X-A: a"] * 90).status == 200
    said = get(served, "/api/board", *["X-A: a"] * 20_000)
    assert said.status in (431, 0)
    assert get(served, "/api/board", "X-A: " + "a" * 60_000).status == 200
    assert get(served, "/api/board", "Cookie: " + "; ".join(f"a{i}=b" for i in range(5_000))).status == 200
    for headers in (["X-A: a"] * 120, ["X-A: " + "a" * 9_000]):
        refused = handshake(served, *headers)
        assert (refused.status, refused.fenced) == (431, True)


def test_requests_that_wait_on_one_connection_are_counted(served: Served) -> None:
    many = (OPEN + b"\r\n") * 20_000
    before = psutil.Process().memory_info().rss
    with connection(served) as opened:
        assert pushed(opened, many, 64 * MIB) < 64 * MIB
    assert psutil.Process().memory_info().rss - before < 200 * MIB
    with connection(served) as opened:  # as many as a hasty client may send at once
        opened.sendall((OPEN + b"\r\n") * 20)
        answered = b""
        while answered.count(b"HTTP/1.1 200") < 20:
            answered += opened.recv(65536)


def test_what_is_begun_and_not_ended_is_ended(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    begun = {
        b"": b"", b"GET /api": b" 408 ", OPEN: b" 408 ", OPEN + b"X: ": b" 408 ",
        OPEN + b"Content-Length: 100\r\n\r\n": b" 200 ",
    }  # fmt: skip
    for request, status in begun.items():
        with connection(served) as opened:
            opened.sendall(request)
            said = b""
            while piece := opened.recv(65536):  # until the server has ended it
                said += piece
            assert status in said
            assert said.count(b"HTTP/1.1") <= 2


def test_a_letter_now_and_then_does_not_keep_a_connection(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    for request in (OPEN, OPEN + b"Content-Length: 1000\r\n\r\n"):
        with connection(served) as opened:
            opened.sendall(request)
            assert pushed(opened, b"x", 2_000, pause=0.05) < 2_000


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(served: Served) -> None:
    for length in (b"99999999999", b"536870913", b"9" * 19):
        head = b"POST /api/graph HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
        assert say(served, head + length + b"\r\n\r\n").status == 413
    head = b"POST /api/graph HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n"
    assert say(served, head).status in (400, 413)


# ------------------------------------------------------------------------------------------------- questions


ASK = {"kind": "scalar", "tag": "loss/total"}
NUMBERS = (
    "", "0", "-1", "1e3", "1.5", " 5", "5 ", "+5", "1_0", "٣", "0x10", "NaN", "inf",
    "9" * 15, "9" * 16, "9" * 50_000, "-0", "∞", "5\0",
)  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_a_count_is_a_plain_number_within_its_bounds(served: Served, number: str) -> None:
    run = served.run("train")
    for params in ({"n": number}, {"since": f"{run}:{number}"}):
        answer = served.client.get("api/series", params={**ASK, "runs": run, **params})
        assert answer.status_code in (200, 400), answer.text
        assert answer.status_code == 400 or number.isascii()


BOUNDS = (
    "nan",
    "inf",
    "-inf",
    "1e308",
    "-1e308",
    "1e999",
    "5e-324",
    "9" * 400,
    "-0",
    "1e-400",
    "0x1",
    "1_0",
    "",
    " 1 ",
    "x",
    "1" * 9_000,
)


@pytest.mark.parametrize(("axis", "bound"), [*itertools.product(("step", "time", "relative"), BOUNDS)])
def test_no_bound_of_a_range_is_too_much(served: Served, axis: str, bound: str) -> None:
    run = served.run("train")
    for params in (
        {"start": bound},
        {"stop": bound},
        {"start": bound, "stop": bound},
        {"start": "1e300", "stop": bound},
    ):
        for smooth in ("", "ema:0.5", "median:0.9"):
            asked = {**ASK, "runs": run, "axis": axis, "n": "50", "smooth": smooth, **params}
            assert served.client.get("api/series", params=asked).status_code in (200, 400)


@pytest.mark.parametrize(
    "weight", ["nan", "inf", "-1", "1", "1.0000001", "0.9999999999999999", "1e-320", "", "0.5:0.5", "x", "9" * 40_000]
)
def test_no_weight_of_smoothing_is_too_much(served: Served, weight: str) -> None:
    run = served.run("train")
    for method in ("ema", "gaussian", "median"):
        answer = served.client.get(
            "api/series", params={**ASK, "runs": run, "smooth": f"{method}:{weight}", "n": "100"}
        )
        assert answer.status_code in (200, 400)


def test_runs_are_counted_and_points_too(served: Served) -> None:
    run = served.run("train")
    ids = [f"{number:012x}" for number in range(1_001)]
    for runs, n, status in (
        (ids, "2", 400),
        (ids[:1_000], "2", 404),
        (ids[:1_000], "100000", 400),
        ([run] * 3_000, "100000", 200),
        ([run], "100001", 400),
    ):
        answer = served.client.get("api/series", params={**ASK, "runs": ",".join(runs), "n": n})
        assert answer.status_code == status


def test_parameters_given_twice_many_times_or_by_other_names_do_no_harm(served: Served) -> None:
    run = served.run("train")
    question = f"kind=scalar&tag=loss/total&runs={run}"
    assert get(served, f"/api/series?{question}&kind=image&kind=scalar").status in (200, 400)
    assert get(served, f"/api/series?{question}" + "&n=50" * 5_000).status == 200
    assert get(served, f"/api/series?{question}" + "".join(f"&{i}" for i in range(9_000))).status in (200, 414)
    assert get(served, f"/api/series?{question};n=1&&&=&=x&%00=%00&[]=1&n[$gt]=1").status == 400  # ; is part of the id
    assert get(served, "/api/series?" + "%" * 10_000).status == 400
    assert get(served, f"/api/series?{question}#n=1").status == 200


def test_numbers_beyond_all_bounds_are_served_as_they_were_logged(tmp_path: Path) -> None:
    steps = (0, -(2**63), 2**63 - 1, 2**53, 2**53 + 1, 2**32, -1)
    values = (1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf, -0.0)
    with LogWriter(tmp_path / "run") as writer:
        for step, value in zip(steps, values, strict=True):
            writer.add_scalar("a", value, step)
        writer.add_histogram("h", np.array([1e308, -1e308, np.inf, np.nan, 5e-324]), 2**62)
    with serving(tmp_path) as served:
        served.when(lambda board: bool(board["tags"]["histogram"]))
        run = served.run("run")
        found = sorted(repr(float(value)) for value in served.series("a", run)[1][0]["value"])
        assert found == sorted(map(repr, values))
        for smooth in ("ema:0.9", "gaussian:0.9", "median:0.9"):
            for n in ("2", "3", "100"):
                for bounds in ({}, {"start": "-1e308", "stop": "1e308"}):
                    asked = {"kind": "scalar", "tag": "a", "runs": run, "smooth": smooth, "n": n, **bounds}
                    assert served.client.get("api/series", params=asked).status_code == 200
        assert served.client.get("api/series", params={"kind": "histogram", "tag": "h", "runs": run}).status_code == 200
        for axis in ("step", "time", "relative"):
            assert (
                served.client.get(
                    "api/csv", params={"kind": "scalar", "tag": "a", "runs": run, "axis": axis}
                ).status_code
                == 200
            )


# --------------------------------------------------------------------------------------------- live connections


@pytest.mark.parametrize(
    "said",
    ["", "x", "[]", "1", '{"pause": 1}', "[" * 4_000, '{"pause":' * 400, '{"pause": NaN}',
    "9" * 4_000, "x" * 5_000, b"\0", b"\xff" * 100],
)  # fmt: skip
def test_whoever_says_what_is_not_understood_is_not_listened_to(served: Served, said: str | bytes) -> None:
    with connect(served.live) as live:
        live.recv(timeout=PATIENCE)
        with suppress(ConnectionClosed):
            live.send(said)
        with pytest.raises(ConnectionClosed) as closed:
            deque(iter(lambda: live.recv(timeout=PATIENCE), None), 0)  # until it is closed
        assert closed.value.rcvd is None or closed.value.rcvd.code in (1003, 1009, 1007)
    assert served.board()["runs"]


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
        b"\x81\x02ab",
        b"\xf1\x80\0\0\0\0", b"\x83\x80\0\0\0\0", b"\x89\xfe\x00\x7e\0\0\0\0" + b"a" * 126, b"\x80\x80\0\0\0\0",
        b"\x09\x80\0\0\0\0",
        b"\x81\x82\0\0\0\0\xff\xff", b"\x88\x81\0\0\0\0a", b"\x88\x82\0\0\0\0\x00\x01", b"\x01\xfe\x10\x01\0\0\0\0",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)  # fmt: skip
def test_a_frame_that_is_none_ends_the_connection_and_nothing_else(served: Served, frame: bytes) -> None:
    with connection(served) as opened:
        opened.sendall(
            b"GET /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert b"101" in opened.recv(65536)
        opened.sendall(frame)
        opened.settimeout(PATIENCE)
        while opened.recv(65536):
            pass
    assert served.board()["runs"]
