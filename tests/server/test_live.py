"""Live hints of a real server: at once, coalesced, bounded, and never held up by a slow client."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection as SyncConnection
from websockets.sync.client import connect as connect_once

from tests.server.boards import PATIENCE, Served, serving
from visualdl import LogWriter
from visualdl.server.news import MAX_REMEMBERED, MAX_TOLD, News
from visualdl.server.refresh import IDLE_SECONDS, LIVE_SECONDS, UNWATCHED_SECONDS, pause_after

Hint = dict[str, Any]


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[tuple[Served, LogWriter]]:
    """A board with one run that is still being written."""
    with LogWriter(tmp_path / "run") as writer, serving(tmp_path) as served:
        writer.add_scalar("a", 0.0, 0)
        served.when(lambda board: bool(board["tags"]["scalar"]))
        yield served, writer


def connect(url: str, max_size: int | None = 1 << 20) -> SyncConnection:
    """One client. That a busy machine is late with a handshake or a pong says nothing about the board."""
    return connect_once(url, max_size=max_size, open_timeout=PATIENCE, ping_timeout=None)


def next_hint(live: SyncConnection) -> Hint:
    hint: Hint = json.loads(live.recv(timeout=PATIENCE))
    return hint


def hear_out(live: SyncConnection) -> None:
    while True:
        live.recv(timeout=PATIENCE)


def test_the_first_hint_comes_at_once_and_says_where_things_stand(growing: tuple[Served, LogWriter]) -> None:
    served, _ = growing
    with connect(served.live) as live:
        hint = next_hint(live)
    board = served.board()
    assert hint["advanced"] == []
    assert hint["loading"] is None
    assert hint["structure"] <= board["structure"]


def test_a_new_point_is_told_by_kind_tag_and_run(growing: tuple[Served, LogWriter]) -> None:
    served, writer = growing
    run = served.run("run")
    with connect(served.live) as live:
        before = next_hint(live)
        writer.add_scalar("a", 1.0, 1)
        hint = next_hint(live)
        while not hint["advanced"]:
            hint = next_hint(live)
    assert hint["advanced"] == [["scalar", "a", run]]
    assert hint["revision"] > before["revision"]


def test_a_new_tag_changes_the_structure(growing: tuple[Served, LogWriter]) -> None:
    served, writer = growing
    with connect(served.live) as live:
        structure = next_hint(live)["structure"]
        writer.add_scalar("b", 1.0, 1)
        while next_hint(live)["structure"] == structure:
            pass
    assert [entry["tag"] for entry in served.board()["tags"]["scalar"]] == ["a", "b"]


def test_a_paused_client_hears_nothing_and_then_everything_at_once(growing: tuple[Served, LogWriter]) -> None:
    served, writer = growing
    with connect(served.live) as paused, connect(served.live) as other:
        next_hint(paused)
        next_hint(other)
        paused.send('{"pause": true}')
        writer.add_scalar("b", 1.0, 1)
        while not any(tag == "b" for _, tag, _ in next_hint(other)["advanced"]):
            pass
        writer.add_scalar("c", 1.0, 1)
        while not any(tag == "c" for _, tag, _ in next_hint(other)["advanced"]):
            pass
        paused.send('{"pause": false}')
        told = {tag for _, tag, _ in next_hint(paused)["advanced"]}
        while not {"b", "c"} <= told:
            told |= {tag for _, tag, _ in next_hint(paused)["advanced"]}


@pytest.mark.parametrize("said", ["hello", "[]", '{"pause": 1}', "{}", "[" * 3000, b"\x00\x01"])
def test_a_client_that_says_something_else_is_sent_away(growing: tuple[Served, LogWriter], said: str | bytes) -> None:
    served, _ = growing
    with connect(served.live) as live:
        live.send(said)
        with pytest.raises(ConnectionClosed) as closed:
            hear_out(live)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1003


def test_a_client_that_says_too_much_is_cut_off(growing: tuple[Served, LogWriter]) -> None:
    served, _ = growing
    with connect(served.live) as live:
        live.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            hear_out(live)


def test_two_hundred_clients_hear_of_a_point_and_one_that_never_reads_holds_up_none(
    growing: tuple[Served, LogWriter],
) -> None:
    served, writer = growing

    async def told(live: ClientConnection, tag: str) -> None:
        while not any(name == tag for _, name, _ in json.loads(await live.recv())["advanced"]):
            pass

    async def listen_all() -> None:
        clients = await asyncio.gather(
            *(connect_async(served.live, open_timeout=PATIENCE, ping_timeout=None, close_timeout=1) for _ in range(200))
        )
        try:
            for number in range(5):
                tag = f"tag-{number}"
                writer.add_scalar(tag, 1.0, number)
                await asyncio.wait_for(asyncio.gather(*(told(live, tag) for live in clients)), PATIENCE)
        finally:
            await asyncio.gather(*(live.close() for live in clients))

    with _client_that_never_reads(served):
        asyncio.run(listen_all())
    assert served.client.get("api/board", timeout=20).status_code == 200


def _client_that_never_reads(served: Served) -> socket.socket:
    """A WebSocket whose buffers fill up, as a suspended laptop's do."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    made.connect(("127.0.0.1", served.port))
    made.sendall(
        b"GET /api/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    return made


def test_more_than_the_buffers_hold_for_one_client_reaches_the_other(growing: tuple[Served, LogWriter]) -> None:
    served, writer = growing
    tags = [f"{'long' * 60}/{number}" for number in range(1_000)]
    with _client_that_never_reads(served), connect(served.live, max_size=None) as live:
        next_hint(live)
        for step in range(18):  # about 300 kB of hint each time, 5 MB in all
            for tag in tags:
                writer.add_scalar(tag, 1.0, step)
            told: set[str] = set()
            while not told.issuperset(tags):
                told |= {tag for _, tag, _ in next_hint(live)["advanced"]}
        assert served.client.get("api/board", timeout=20).status_code == 200


def test_a_client_may_leave_without_a_word(growing: tuple[Served, LogWriter]) -> None:
    served, writer = growing
    for _ in range(20):
        _client_that_never_reads(served).close()
    with connect(served.live) as live:
        next_hint(live)
        writer.add_scalar("after", 1.0, 1)
        while not any(tag == "after" for _, tag, _ in next_hint(live)["advanced"]):
            pass


# ---------------------------------------------------------------------------------------------- the news alone


def names(count: int, tag: str = "t") -> list[tuple[str, str, str]]:
    return [("scalar", f"{tag}{number}", "0123456789ab") for number in range(count)]


def test_what_advanced_meanwhile_is_told_once() -> None:
    news = News()
    start = news.moment.revision
    for _ in range(10):
        news.note(names(3))
    text, revision = news.hint(start)
    assert json.loads(text)["advanced"] == [list(name) for name in names(3)]
    assert news.hint(revision) == (news.hint(revision)[0], revision)
    assert json.loads(news.hint(revision)[0])["advanced"] == []


def test_before_the_first_look_the_board_is_loading() -> None:
    news = News()
    assert json.loads(news.hint(None)[0])["loading"] == {"done": 0, "total": 0}
    assert news.note(loading=(10, 30)) is True
    assert json.loads(news.hint(None)[0])["loading"] == {"done": 10, "total": 30}
    assert news.note(loading=None) is True
    assert json.loads(news.hint(None)[0])["loading"] is None


def test_nothing_new_is_nothing_to_tell() -> None:
    news = News()
    news.note(loading=None)
    assert news.note() is False
    assert news.note(names(1)) is True


def test_too_much_to_list_or_to_remember_is_told_as_all() -> None:
    news = News()
    start = news.moment.revision
    news.note(names(MAX_TOLD + 1))
    assert json.loads(news.hint(start)[0])["all"] is True
    for number in range(30):
        news.note(names(1_000, f"{number}-"))
    assert json.loads(news.hint(start)[0])["all"] is True
    latest = json.loads(news.hint(news.moment.revision - 1)[0])
    assert len(latest["advanced"]) == 1_000


def test_memory_stays_bounded_however_much_is_new() -> None:
    news = News()
    for number in range(100):
        news.note(names(5_000, f"{number}-"))
    assert sum(len(series) for _, series in news._history) <= MAX_REMEMBERED
    assert len(news._advanced_at) <= MAX_REMEMBERED


def test_an_etag_never_stays_when_its_series_advanced() -> None:
    news = News()
    [name] = names(1)
    seen = {news.series_etag([name])}
    for number in range(60):
        news.note([name, *names(2_000, f"{number}-")])
        etag = news.series_etag([name])
        assert etag not in seen
        seen.add(etag)


def test_the_refresher_looks_often_only_when_it_matters_and_never_takes_a_core() -> None:
    assert pause_after(0.001, live=True, watched=True) == LIVE_SECONDS
    assert pause_after(0.001, live=False, watched=True) == IDLE_SECONDS
    assert pause_after(0.001, live=True, watched=False) == UNWATCHED_SECONDS
    assert pause_after(1.0, live=True, watched=True) == pytest.approx(9.0)


def test_a_point_is_told_soon(growing: tuple[Served, LogWriter]) -> None:
    served, writer = growing
    with connect(served.live) as live:
        next_hint(live)
        waits = []
        for step in range(1, 6):
            began = time.monotonic()
            writer.add_scalar("a", 1.0, step)
            while not next_hint(live)["advanced"]:
                pass
            waits.append(time.monotonic() - began)
    print(f"append to hint: {1e3 * sorted(waits)[2]:.0f} ms")
