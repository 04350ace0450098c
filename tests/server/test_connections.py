"""Places for connections: whoever asks is answered, however many only hold one; what nobody takes is not kept."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest

from tests.server.boards import PATIENCE, Served, serving
from visualdl import LogWriter
from visualdl.server import connections, serve
from visualdl.server.connections import FILES_FOR_LOGS, MAX_CONNECTIONS, ROOM, most_connections

FEW = 30
ASKS = b"GET /api/board HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A board with few places, and one series that is larger than the buffers of a socket."""
    monkeypatch.setattr(serve, "most_connections", lambda: FEW)
    monkeypatch.setattr(connections, "STALLED_SECONDS", 0.3)
    with LogWriter(tmp_path / "run") as log:
        for step in range(300_000):
            log.add_scalar("long", step / 7, step)
    with serving(tmp_path) as served:
        yield served


def connected(served: Served, says: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
    made.sendall(says)
    return made


def answer(one: socket.socket) -> bytes:
    """The first line of an answer; empty when the connection was closed instead."""
    try:
        return one.recv(65536).partition(b"\r\n")[0]
    except ConnectionError:
        return b""


@pytest.mark.parametrize("says", [b"", b"GET /api", ASKS], ids=["silent", "half a request", "answered and kept"])
def test_connections_that_ask_nothing_give_way_to_those_that_do(small: Served, says: bytes) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(connected(small, says)) for _ in range(4 * FEW)]
        for one in held if says == ASKS else ():
            answer(one)
        assert answer(stack.enter_context(connected(small, ASKS))) == b"HTTP/1.1 200 OK"


def test_a_connection_whose_question_is_under_way_keeps_its_place(small: Served) -> None:
    with ExitStack() as stack:
        run = small.run("run")
        asks = f"GET /api/csv?kind=scalar&tag=long&runs={run} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        busy = stack.enter_context(connected(small, asks))
        assert answer(busy) == b"HTTP/1.1 200 OK"
        for _ in range(2 * FEW):
            stack.enter_context(connected(small))
        received = 0
        while received < 10_000_000 and (piece := busy.recv(1 << 20)):
            received += len(piece)
            if piece.endswith(b"\r\n0\r\n\r\n"):
                break
        assert received > 5_000_000


def test_a_connection_keeps_its_place_until_its_answer_was_taken(tmp_path: Path, small: Served) -> None:
    with LogWriter(tmp_path / "drawn") as log:  # larger than what the system holds of an answer
        log.add_image("noise", np.random.default_rng(0).integers(0, 256, (2_000, 2_000, 3), np.uint8), 0)
    run = small.run("drawn")
    small.when(lambda _: small.series("noise", run, kind="image")[0]["series"][0]["total"] == 1)
    blob = bytes(small.series("noise", run, kind="image")[1][0]["blob"][0]).hex()
    with ExitStack() as stack:
        slow = stack.enter_context(socket.socket())
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(PATIENCE)
        slow.connect(("127.0.0.1", small.port))
        slow.sendall(f"GET /api/blob/{run}/{blob} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head, _, body = slow.recv(4096).partition(b"\r\n\r\n")
        left = int(head.lower().partition(b"content-length: ")[2].split()[0]) - len(body)
        for _ in range(FEW):  # each place is asked for
            answer(stack.enter_context(connected(small, ASKS)))
        while left and (piece := slow.recv(1 << 20)):
            left -= len(piece)
        assert not left, "its place was given to another while it took its answer"


def test_a_client_that_takes_nothing_of_its_answer_is_cut_off(small: Served) -> None:
    run = small.run("run")
    asks = f"GET /api/csv?kind=scalar&tag=long&runs={run} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", small.port))
        deaf.sendall(asks)
        time.sleep(2)
        deaf.settimeout(PATIENCE)
        last = b""
        with suppress(ConnectionError):
            while piece := deaf.recv(1 << 20):
                last = last[-10:] + piece
        assert not last.endswith(b"\r\n0\r\n\r\n"), "all of it was kept for a client that took nothing"
        assert small.client.get("api/board").status_code == 200


def test_a_client_that_takes_its_answer_slowly_is_not(small: Served) -> None:
    run = small.run("run")
    asks = f"GET /api/csv?kind=scalar&tag=long&runs={run} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.settimeout(PATIENCE)
        slow.connect(("127.0.0.1", small.port))
        slow.sendall(asks)
        last = b""
        for _ in range(20):  # for longer than a stalled client has
            last += slow.recv(65536)
            time.sleep(0.05)
        while not last.endswith(b"\r\n0\r\n\r\n"):
            piece = slow.recv(1 << 20)
            assert piece, "it was cut off"
            last = last[-10:] + piece


def test_where_every_place_is_taken_by_somebody_who_listens_the_next_one_is_told_so(small: Served) -> None:
    listens = (
        b"GET /api/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with ExitStack() as stack:
        for _ in range(FEW):
            assert answer(stack.enter_context(connected(small, listens))).startswith(b"HTTP/1.1 101 ")
        one = stack.enter_context(connected(small, ASKS))
        said = b""
        while piece := one.recv(65536):  # until it is closed
            said += piece
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b"\r\ncontent-security-policy: " in said
        assert said.endswith(b'{"error":"Too many connections at once: try again in a moment"}')


@pytest.mark.parametrize(("files", "places"), [(64, ROOM), (256, 256 - FILES_FOR_LOGS), (65536, MAX_CONNECTIONS)])
def test_there_are_fewer_places_where_few_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch, files: int, places: int
) -> None:
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    monkeypatch.setattr(resource, "getrlimit", lambda what: (files, files))
    assert most_connections() == places
