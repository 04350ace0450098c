"""Who may ask, tried on a real server: each class of hole that was found in other boards, and variants of it."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.server.boards import PATIENCE, Served, serving, write_logs, write_model
from visualdl import LogWriter
from visualdl.server.api import picture_type
from visualdl.server.csv import disposition, text_cell
from visualdl.server.guard import FENCES, Policy, host_name, new_token

TOKEN = "correct-horse-battery-staple-0123456789"


@pytest.fixture
def locked(signed_out: Served) -> Served:
    """A board that asks for a token, and a client that has forgotten any it was given."""
    signed_out.client.cookies.clear()
    return signed_out


@pytest.fixture(scope="module")
def signed_out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("locked")
    (folder / "web").mkdir()
    (folder / "web" / "index.html").write_text("<!doctype html><title>VisualDL</title>")
    policy = Policy(
        TOKEN, frozenset({"trainbox", "board.example.org"}), frozenset({"board.example.org"}), "visualdl-8040"
    )
    with serving(write_logs(folder / "logs"), policy=policy, pages=folder / "web") as served:
        served.client.headers["authorization"] = f"Bearer {TOKEN}"
        served.when(lambda board: len(board["runs"]) == 2)
        del served.client.headers["authorization"]
        yield served


def raw(served: Served, request: bytes) -> bytes:
    """What the server answers to these very bytes: no client tidies them up."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


# ------------------------------------------------------------------------------------- (1) paths and ids


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../secret.txt",
        "/assets/../../secret.txt",
        "/assets/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%252e%252e%252fsecret.txt",
        "/assets/..%5c..%5csecret.txt",
        "/assets/..\\..\\secret.txt",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/index-abc123.js%00.png",
        "/assets/file:%2f%2f%2fetc%2fpasswd",
        "//etc/passwd",
        "/secret.txt",
        "/api/blob/../../secret.txt",
        "/api/blob/%2e%2e%2f%2e%2e%2f/00000000000000000000000000000000",
        "/api/blob/0123456789ab/..%2f..%2fsecret.txt",
        "/api/blob/0123456789ab/0000000000000000000000000000000%00",
        "/api/blob/0123456789AB/00000000000000000000000000000000",
        "/api/blob/0123456789ab%0a/00000000000000000000000000000000",
        "/api/blob/0123456789ab/00000000000000000000000000000000",
    ],
)
def test_no_address_becomes_a_path(served: Served, path: str) -> None:
    answer = raw(served, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ", 2)[1] in (b"404", b"400"), answer[:200]
    assert b"secret\n" not in answer
    assert b"root:" not in answer


@pytest.mark.parametrize("run", ["..", "../..", "%2e%2e", "/etc/passwd", "C:\\x", "0123456789ab\0", "", "x" * 10_000])
def test_a_run_is_asked_for_by_id_only(served: Served, run: str) -> None:
    for address in ("api/series", "api/csv"):
        answer = served.client.get(address, params={"kind": "scalar", "tag": "loss/total", "runs": run})
        assert answer.status_code == 400


def test_a_link_out_of_the_web_folder_is_not_a_way_to_other_names(tmp_path: Path) -> None:
    (tmp_path / "web" / "assets").mkdir(parents=True)
    (tmp_path / "web" / "index.html").write_text("<!doctype html>")
    (tmp_path / "web" / "assets" / "outside").symlink_to(tmp_path)
    (tmp_path / "secret.txt").write_text("secret\n")
    with serving(pages=tmp_path / "web") as served:
        for path in ("assets/outside", "assets/outside/secret.txt", "assets/outside%2fsecret.txt"):
            assert served.client.get(path).status_code == 404


# ------------------------------------------------------------------------- (2) text that would like to be code


HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "</script><script>alert(1)</script>",
    "{{7*7}}",
    "=1+1",
)


def test_hostile_names_travel_as_data_and_never_as_a_page(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "run") as writer:
        for tag in HOSTILE:
            writer.add_scalar(tag, 1.0, 0)
    with serving(tmp_path) as served:
        board = served.when(lambda board: bool(board["tags"]["scalar"]))
        assert {entry["tag"] for entry in board["tags"]["scalar"]} == set(HOSTILE)
        run = board["runs"][0]["id"]
        for address in ("api/board", "api/series", "api/csv"):
            for tag in HOSTILE:
                answer = served.client.get(address, params={"kind": "scalar", "tag": tag, "runs": run})
                assert answer.status_code == 200
                assert "html" not in answer.headers["content-type"]
                assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_error_repeats_hostile_text_as_json_only(served: Served) -> None:
    answer = served.client.get("api/series", params={"kind": "<script>alert(1)</script>", "tag": "a", "runs": "0" * 12})
    assert answer.headers["content-type"] == "application/json"
    assert served.client.get("<script>alert(1)</script>").headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"GIF<script>", b" \x89PNG"]
)
def test_what_may_carry_scripts_is_never_shown_as_a_picture(content: bytes) -> None:
    assert picture_type(content) is None


def test_a_spreadsheet_finds_no_formula_in_a_csv() -> None:
    for text in ("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assert text_cell(text).lstrip('"').startswith("'")
    assert text_cell("a,b") == '"a,b"'
    assert text_cell('say "x"') == '"say ""x"""'
    assert text_cell("lr=0.1") == "lr=0.1"


def test_a_tag_cannot_end_the_header_of_its_download() -> None:
    made = disposition('../../x"\r\nSet-Cookie: a=b;/训练')
    assert re.fullmatch(r"attachment; filename=\"[\w.-]+\.csv\"; filename\*=UTF-8''[\w.%-]+\.csv", made, re.ASCII)
    assert 'filename="_' in made


# ----------------------------------------------------------- (3) host, origin, methods, and other people's pages


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8040", "LOCALHOST", "127.0.0.1:1", "[::1]:8040", "192.168.1.7:8040", "a.localhost"]
)
def test_the_board_answers_to_its_own_names(served: Served, host: str) -> None:
    assert served.client.get("api/board", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.com",
        "localhost.evil.com",
        "127.0.0.1.evil.com",
        "evil.com:8040",
        "localhost@evil.com",
        "evil.com#localhost",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "localhost:8040:1",
        "trainbox",
        "",
    ],
)
def test_a_foreign_host_name_is_refused(served: Served, host: str) -> None:
    request = f"GET /api/board HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert raw(served, request.encode()).split(b" ", 2)[1] in (b"421", b"400")


def test_two_host_headers_or_none_are_refused(served: Served) -> None:
    twice = b"GET /api/board HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\nConnection: close\r\n\r\n"
    none = b"GET /api/board HTTP/1.0\r\n\r\n"
    for request in (twice, none):
        assert raw(served, request).split(b" ", 2)[1] in (b"421", b"400")


def test_a_name_may_be_allowed(locked: Served) -> None:
    headers = {"host": "TrainBox:8040", "authorization": f"Bearer {TOKEN}"}
    assert locked.client.get("api/board", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.com"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"origin": "file://"},
        {"origin": "http://localhost.evil.com"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_foreign_page_may_neither_post_nor_listen(served: Served, headers: dict[str, str]) -> None:
    assert served.client.post("api/graph", content=b"x", headers=headers).status_code == 403
    with pytest.raises(InvalidStatus) as refused, connect(served.live, additional_headers=headers, origin=None):
        pass
    assert refused.value.response.status_code == 403


def test_the_own_page_may_post_and_listen_also_through_a_proxy(served: Served, tmp_path: Path) -> None:
    content = write_model(tmp_path / "m.onnx").read_bytes()
    direct = {"origin": f"http://127.0.0.1:{served.port}"}
    proxied = {"origin": "https://board.example.org", "x-forwarded-host": "board.example.org"}
    for headers in (direct, proxied):
        assert served.client.post("api/graph", content=content, headers=headers).status_code == 200
        with connect(served.live, additional_headers=headers) as live:
            assert "revision" in str(live.recv(timeout=PATIENCE))


def test_a_page_on_another_port_of_this_machine_is_foreign_and_that_of_an_allowed_proxy_is_not(locked: Served) -> None:
    headers = {"host": "trainbox:8040", "authorization": f"Bearer {TOKEN}"}
    for origin, status in (
        ("http://trainbox:9999", 403),
        ("http://trainbox:8040", 422),
        ("https://board.example.org", 422),
    ):
        answer = locked.client.post("api/graph", content=b"no model", headers={**headers, "origin": origin})
        assert answer.status_code == status, origin


def test_nothing_but_reading_can_be_done_by_get_and_no_answer_opens_cors(served: Served) -> None:
    for address in ("", "api/board", "api/graph", "api/series", "nothing"):
        answer = served.client.get(address, headers={"origin": "http://evil.com"})
        assert not [name for name in answer.headers if name.startswith("access-control")]
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            if (method, address) != ("POST", "api/graph"):
                assert served.client.request(method, address).status_code in (404, 405)
    asked = served.client.options(
        "api/graph", headers={"origin": "http://evil.com", "access-control-request-method": "POST"}
    )
    assert not [name for name in asked.headers if name.startswith("access-control")]


def test_every_answer_is_fenced_in(served: Served, locked: Served) -> None:
    answers = [
        served.client.get(""),
        served.client.get("api/board"),
        served.client.get("nothing"),
        served.client.get("api/board", headers={"host": "evil.com"}),
        locked.client.get(""),
        locked.client.get("", params={"token": TOKEN}),
        locked.client.get("api/board"),
    ]
    for answer in answers:
        assert {name: answer.headers[name] for name in FENCES} == FENCES
    assert "unsafe" not in FENCES["content-security-policy"]


# ------------------------------------------------------------------------------------------------ (4) the token


def test_without_the_token_nothing_is_told(locked: Served) -> None:
    for address in (
        "api/board",
        "api/series",
        "api/csv",
        "api/graph",
        "api/blob/0123456789ab/" + "0" * 32,
        "assets/x.js",
    ):
        answer = locked.client.get(address)
        assert (answer.status_code, set(answer.json())) == (401, {"error"})
    assert locked.client.post("api/graph", content=b"x").status_code == 401
    page = locked.client.get("")
    assert page.status_code == 401
    assert "token" in page.text
    with pytest.raises(InvalidStatus) as refused, connect(locked.live):
        pass
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("wrong", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é" * 20, TOKEN + "\x00"])
def test_a_wrong_token_opens_nothing(locked: Served, wrong: str) -> None:
    assert locked.client.get("", params={"token": wrong}).status_code == 401
    assert "set-cookie" not in locked.client.get("", params={"token": wrong}).headers
    request = b"GET /api/board HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    for header in (b"Authorization: Bearer " + wrong.encode(), b"Cookie: visualdl-8040=" + wrong.encode()):
        assert raw(locked, request + header + b"\r\n\r\n").split(b" ", 2)[1] in (b"401", b"400")


def test_the_token_twice_in_an_address_opens_nothing(locked: Served) -> None:
    assert locked.client.get(f"?token={TOKEN}&token={TOKEN}").status_code == 401


def test_the_printed_address_sets_a_cookie_and_moves_on_to_the_clean_one(locked: Served) -> None:
    welcome = locked.client.get("", params={"token": TOKEN})
    assert welcome.status_code == 200
    assert 'content="0; url=./"' in welcome.text
    assert TOKEN not in welcome.text
    assert welcome.headers["cache-control"] == "no-store"
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


def test_the_token_is_never_logged(locked: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    locked.client.get("", params={"token": TOKEN})
    locked.client.get("api/nothing", params={"token": TOKEN}, headers={"authorization": f"Bearer {TOKEN}"})
    own = [record for record in caplog.records if record.name.startswith(("visualdl", "uvicorn", "starlette"))]
    assert not [record for record in own if TOKEN in record.getMessage()]


def test_tokens_are_long_and_never_the_same() -> None:
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) == 43


# --------------------------------------------------------------------------------------- (6), (7), (8) bounds


def test_an_address_is_bounded(served: Served) -> None:
    assert served.client.get("api/series?kind=scalar&tag=" + "x" * 60_000).status_code == 414


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(served: Served) -> None:
    request = b"POST /api/graph HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n"
    assert raw(served, request).split(b" ", 2)[1] == b"413"


def test_a_client_that_sends_half_a_question_holds_up_nobody(served: Served) -> None:
    stalled = [socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) for _ in range(50)]
    try:
        for connection in stalled:
            connection.sendall(b"POST /api/graph HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
        for _ in range(20):
            assert served.client.get("api/board", timeout=20).status_code == 200
    finally:
        for connection in stalled:
            connection.close()


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("A.b:80", "a.b"),
        ("[::1]", "::1"),
        ("x.", "x"),
        ("a b", None),
        ("", None),
        (".", None),
        ("a/b", None),
        ("[x]", None),
    ],
)
def test_a_host_header_is_read_strictly(host: str, name: str | None) -> None:
    assert host_name(host) == name
