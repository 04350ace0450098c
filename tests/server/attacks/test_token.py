"""(4) The token: who has none sees nothing, and it is left lying about nowhere."""

from __future__ import annotations

import ast
import hmac
import inspect
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.server.attacks.sockets import TOKEN, get, handshake, say
from tests.server.boards import PATIENCE, Served, serving
from visualdl.server import guard
from visualdl.server.guard import Policy

ROOT = Path(__file__).parents[3]
ADDRESSES = (
    "api/board", "api/series", "api/csv", "api/graph", "api/blob/0123456789ab/" + "0" * 32, "assets/index-abc123.js",
    "nothing",
)  # fmt: skip


def test_without_the_token_nothing_is_told(locked: Served) -> None:
    for address in ADDRESSES:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
            answer = locked.client.request(method, address)
            assert answer.status_code == 401
            assert method == "HEAD" or set(answer.json()) == {"error"}
            assert answer.headers["cache-control"] == "no-store"
    page = locked.client.get("")
    assert page.status_code == 401
    assert "the board" not in page.text.lower().replace("this board", "")
    assert page.headers["cache-control"] == "no-store"
    said = handshake(locked)
    assert (said.status, said.fenced) == (401, True)
    assert handshake(locked, target="/nothing").status == 401


def test_whether_something_is_there_is_not_told_either(locked: Served) -> None:
    answers = {locked.client.get(address).text for address in ADDRESSES}
    assert len(answers) == 1


WRONG = (
    "", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), TOKEN + " " + TOKEN, "é" * 20, TOKEN + "\x00",
    TOKEN[::-1], "null", "None",
    "undefined", "*", "true", "x" * 40_000,
)  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_token_opens_nothing(locked: Served, wrong: str) -> None:
    answer = locked.client.get("", params={"token": wrong})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    request = b"GET /api/board HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    for header in (b"Authorization: Bearer " + wrong.encode(), b"Cookie: visualdl-8040=" + wrong.encode()):
        assert say(locked, request + header + b"\r\n\r\n").status in (400, 401)


@pytest.mark.parametrize(
    "header",
    [
        f"Authorization: Basic {TOKEN}", f"Authorization: {TOKEN}", f"Authorization: Bearer{TOKEN}",
        f"Cookie: visualdl={TOKEN}",
        f"Cookie: visualdl-8041={TOKEN}", f"Cookie: xvisualdl-8040={TOKEN}", f"Cookie: VISUALDL-8040={TOKEN}",
        f"X-Token: {TOKEN}",
        f"Proxy-Authorization: Bearer {TOKEN}", f"Sec-WebSocket-Protocol: {TOKEN}",
        f"Referer: http://localhost/?token={TOKEN}",
    ],
)  # fmt: skip
def test_the_token_in_the_wrong_place_opens_nothing(locked: Served, header: str) -> None:
    assert get(locked, "/api/board", header).status == 401
    assert handshake(locked, header).status == 401


def test_an_address_with_the_token_opens_the_page_and_nothing_else(locked: Served) -> None:
    for address in ADDRESSES:
        assert locked.client.get(address, params={"token": TOKEN}).status_code == 401
    assert handshake(locked, target=f"/api/live?token={TOKEN}").status == 401
    assert locked.client.post("", params={"token": TOKEN}).status_code == 401
    assert locked.client.get(f"?token={TOKEN}&token={TOKEN}").status_code == 401
    assert locked.client.get(f"?TOKEN={TOKEN}").status_code == 401


def test_the_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch, locked: Served) -> None:
    compared: list[bytes] = []

    def digest(given: bytes, wanted: bytes) -> bool:
        assert wanted == TOKEN.encode()
        compared.append(given)
        return given == wanted

    monkeypatch.setattr(hmac, "compare_digest", digest)
    two = "Cookie: visualdl-8040=wrong; visualdl-8040=wrong too"
    get(locked, "/api/board", two, f"Authorization: Bearer {TOKEN}")
    get(locked, "/?token=guess")
    assert compared == [b"wrong", b"wrong too", TOKEN.encode(), b"guess"]  # all of them, also after the right one
    tree = ast.parse(inspect.getsource(guard))
    plain = [node for node in ast.walk(tree) if isinstance(node, ast.Compare) and "token" in ast.unparse(node).lower()]
    assert {ast.unparse(node) for node in plain} == {"policy.token is None", "token is not None"}


def test_guessing_tells_nothing_and_never_locks_the_owner_out(locked: Served) -> None:
    said = {locked.client.get("", params={"token": f"{TOKEN[:-3]}{guess:03}"}).text for guess in range(300)}
    assert len(said) == 1
    assert locked.client.get("api/board", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_the_token_of_an_earlier_server_opens_nothing(locked: Served) -> None:
    with serving(policy=Policy(guard.new_token(), cookie="visualdl-8040")) as later:
        assert get(later, "/api/board", f"Cookie: visualdl-8040={TOKEN}").status == 401
        assert handshake(later, f"Cookie: visualdl-8040={TOKEN}").status == 401


# ------------------------------------------------------------------------------------------------- the cookie


def test_the_printed_address_sets_a_cookie_and_moves_on_to_the_clean_one(locked: Served) -> None:
    welcome = locked.client.get("", params={"token": TOKEN})
    assert welcome.status_code == 200
    assert 'content="0; url=./"' in welcome.text
    assert TOKEN not in welcome.text
    assert welcome.headers["cache-control"] == "no-store"
    assert welcome.headers["referrer-policy"] == "no-referrer"
    cookie = welcome.headers["set-cookie"]
    assert cookie == f"visualdl-8040={TOKEN}; HttpOnly; SameSite=Strict"
    with httpx.Client(base_url=locked.url, cookies={"visualdl-8040": TOKEN}) as browser:
        assert browser.get("").status_code == 200
        assert browser.get("api/board").status_code == 200
        assert 'content="0; url=./"' in browser.get("", params={"token": TOKEN}).text


def test_behind_https_the_cookie_is_for_https_only(locked: Served) -> None:
    answer = httpx.get(locked.url, params={"token": TOKEN}, headers={"x-forwarded-proto": "https"})
    assert answer.headers["set-cookie"].endswith("; Secure")


def test_a_bearer_and_a_cookie_open_the_live_connection(locked: Served) -> None:
    for headers in ({"Authorization": f"Bearer {TOKEN}"}, {"Cookie": f"a=b; visualdl-8040={TOKEN}; c=d"}):
        with connect(locked.live, additional_headers=headers) as live:
            assert "revision" in str(live.recv(timeout=PATIENCE))


def test_no_answer_but_the_cookie_has_the_token_in_it_and_no_log(
    locked: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bearer = {"authorization": f"Bearer {TOKEN}"}
    locked.client.get("", params={"token": TOKEN})
    for address in ADDRESSES:
        for answer in (
            locked.client.get(address, params={"token": TOKEN}, headers=bearer),
            locked.client.get(address, params={"token": TOKEN}),
        ):
            assert TOKEN not in answer.text
            assert TOKEN not in str(answer.headers)
    get(locked, f"/?token={TOKEN}", "Upgrade: h2c", "Connection: Upgrade")
    say(locked, f"GET /?token={TOKEN} HTTP/1.1\r\nBroken\r\n\r\n".encode())
    handshake(locked, f"Authorization: Bearer {TOKEN}", target=f"/api/live?token={TOKEN}")
    own = [
        record
        for record in caplog.records
        if record.name.startswith(("visualdl", "uvicorn", "starlette", "websockets"))
    ]
    assert not [record for record in own if record.levelno >= logging.WARNING]
    told = [record for record in own if TOKEN in record.getMessage() and not record.name.startswith("uvicorn")]
    assert not told  # uvicorn says it below the level that the server sets for it: see the next test


# ------------------------------------------------------------------------- the command, as people start it


@contextmanager
def command(*arguments: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`visualdl` as a process: the address it printed, and the process; ends it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VISUALDL_")}
    with subprocess.Popen(
        [sys.executable, "-m", "visualdl", *arguments, "--port", "0"],
        env={**clean, "PYTHONPATH": str(ROOT), **environment}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found
            yield found[0], process
        finally:
            process.kill()


def test_a_board_listens_on_this_machine_alone_and_any_other_address_needs_a_token(tmp_path: Path) -> None:
    with command("--logdir", str(tmp_path)) as (url, _):
        assert url.startswith("http://127.0.0.1:")
        assert "token" not in url
    with command("--logdir", str(tmp_path), "--host", "0.0.0.0") as (url, _):
        found = re.search(r":(\d+)/\?token=([\w-]{43})$", url)
        assert found
        board = f"http://127.0.0.1:{found[1]}/api/board"
        assert httpx.get(board).status_code == 401
        assert httpx.get(board, headers={"authorization": f"Bearer {found[2]}"}).status_code == 200


def test_the_output_of_the_command_has_the_token_once(tmp_path: Path) -> None:
    with command("--logdir", str(tmp_path), VISUALDL_TOKEN=TOKEN) as (url, process):
        base = url.partition("?")[0]
        assert url == f"{base}?token={TOKEN}"
        for address in ("", "api/nothing", "api/live"):
            httpx.get(base + address, params={"token": TOKEN}, headers={"authorization": f"Bearer {TOKEN}"})
        with pytest.raises(InvalidStatus):
            connect(base.replace("http", "ws") + f"api/live?token={TOKEN}")
        process.send_signal(signal.SIGINT)
        assert TOKEN not in "".join(process.communicate(timeout=PATIENCE))


def test_a_token_of_ones_own_must_not_be_short(tmp_path: Path) -> None:
    for token in (
        "short",
        "fifteen-letters",
        "has spaces in it, many",
        "line\nbreak-line-break",
        "tag=x;path=/;domain=evil",
    ):
        done = subprocess.run(
            [sys.executable, "-m", "visualdl", "--logdir", str(tmp_path)],
            capture_output=True, text=True, timeout=PATIENCE,
            env={**os.environ, "PYTHONPATH": str(ROOT), "VISUALDL_TOKEN": token},
        )  # fmt: skip
        assert done.returncode == 2
        assert "at least 16 characters" in done.stderr
        assert token not in done.stdout + done.stderr
