"""(3) Other people's pages in the same browser: rebinding, foreign origins, requests that act, smuggled requests."""

from __future__ import annotations

from itertools import product

import pytest
from starlette.routing import Route, WebSocketRoute
from websockets.sync.client import connect

from tests.server.attacks.sockets import HANDSHAKE, TOKEN, get, handshake, say
from tests.server.boards import PATIENCE, Served, serving, write_model
from visualdl.server import app
from visualdl.server.api import About
from visualdl.server.guard import FENCES, Policy
from visualdl.store.store import Store

READ = (
    "",
    "api/board",
    "api/series",
    "api/csv",
    "api/graph",
    "api/blob/0123456789ab/" + "0" * 32,
    "icon.svg",
    "nothing",
)


# ------------------------------------------------------------------------------------------------- rebinding


OWN_NAMES = (
    "localhost", "localhost:8040", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1:1", "127.8.8.8", "[::1]:8040",
    "[::1]", "127.0.0.1.", "192.168.1.7:8040", "[fe80::1]", "0.0.0.0", "[::ffff:127.0.0.1]",
)  # fmt: skip


@pytest.mark.parametrize("host", OWN_NAMES)
def test_the_board_answers_to_its_own_names(served: Served, host: str) -> None:
    assert served.client.get("api/board", headers={"host": host}).status_code == 200


FOREIGN_NAMES = (
    "evil.com", "localhost.evil.com", "127.0.0.1.evil.com", "evil.com:8040", "evil.com.",
    "localhost@evil.com", "evil.com@localhost", "evil.com#localhost", "evil.com/localhost", "evil.com?localhost",
    "evil.com\\localhost", "evil.com%00.localhost", "localhost,evil.com", "localhost evil.com", "127.1", "2130706433",
    "0x7f.0.0.1", "0177.0.0.1", "127.0.0.1.nip.io", "localtest.me", "localhost:8040:1", "localhost:", "localhost:x",
    "localhost:999999", "::1", "[::1", "[::1%lo]", "[::1].evil.com", "[evil.com]", "xn--lcalhost-54a", "localhоst",
    "ⓛocalhost", "notlocalhost", "trainbox", "", ".", "*", "_", "-", "localhost\t.evil.com", "LOCALHOST.EVIL.COM",
    "evil.com:80@localhost:8040",
)  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN_NAMES)
def test_a_foreign_host_name_is_refused(served: Served, host: str) -> None:
    lines = b"GET /api/board HTTP/1.1\r\nHost: " + host.encode() + b"\r\nConnection: close\r\n\r\n"
    said = say(served, lines)
    assert said.status in (400, 421)
    assert said.fenced
    ws = b"GET /api/live HTTP/1.1\r\nHost: " + host.encode() + b"\r\n" + HANDSHAKE + b"\r\n"
    assert say(served, ws).status in (400, 421)


def test_two_hosts_or_none_are_refused(served: Served) -> None:
    for request in (
        b"GET /api/board HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\nConnection: close\r\n\r\n",
        b"GET /api/board HTTP/1.1\r\nHost: evil.com\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /api/board HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /api/board HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /api/board HTTP/1.0\r\n\r\n",
        b"GET /api/board\r\n\r\n",
        b"GET /api/board HTTP/1.1\r\nHost : localhost\r\nConnection: close\r\n\r\n",
        b"GET /api/board HTTP/1.1\r\nHost: evil.com\r\n localhost\r\nConnection: close\r\n\r\n",
    ):
        assert say(served, request).status in (400, 421), request


def test_an_address_with_a_host_in_it_counts_as_the_host(served: Served) -> None:
    assert get(served, "http://localhost:8040/api/board", host="evil.com").status == 200
    for target in (
        "http://evil.com/api/board", "https://localhost.evil.com/api/board", "http://localhost@evil.com/api/board",
        "http://evil.com?/api/board", "HTTP://EVIL.COM/api/board", "http:///api/board", "gopher://evil.com/api/board",
        "ws://evil.com/api/live",
    ):  # fmt: skip
        assert get(served, target).status in (400, 404, 421), target
        assert handshake(served, target=target).status in (400, 404, 421), target
    assert say(served, b"CONNECT evil.com:80 HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 400


def test_other_ways_to_say_a_host_are_not_listened_to(served: Served) -> None:
    for header in ("X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded", "X-HTTP-Host-Override"):
        assert get(served, "/api/board", f"{header}: localhost", host="evil.com").status == 421


def test_a_name_may_be_allowed(locked: Served) -> None:
    headers = {"host": "TrainBox:8040", "authorization": f"Bearer {TOKEN}"}
    assert locked.client.get("api/board", headers=headers).status_code == 200


# -------------------------------------------------------------------------------------------- foreign origins


FOREIGN = (
    {"origin": "http://evil.com"},
    {"origin": "null"},
    {"origin": "http://localhost:1"},
    {"origin": "https://127.0.0.1"},
    {"origin": "file://"},
    {"origin": ""},
    {"origin": "http://localhost.evil.com"},
    {"origin": "http://127.0.0.1@evil.com"},
    {"origin": "http://127.0.0.1.evil.com"},
    {"origin": "chrome-extension://aaaaaaaaaaaaaaaa"},
    {"origin": "data:text/html,x"},
    {"origin": "http://[::1"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
)


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_foreign_page_may_neither_post_nor_listen(served: Served, headers: dict[str, str]) -> None:
    for body in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
        sent = {**headers, "content-type": body}
        assert served.client.post("api/graph", content=b"a=b", headers=sent).status_code == 403
    said = handshake(served, *(f"{name}: {value}" for name, value in headers.items()))
    assert said.status == 403
    assert said.fenced
    assert b"101" not in said.all[:20]


def test_two_origins_are_none(served: Served) -> None:
    own = f"Origin: http://127.0.0.1:{served.port}"
    host = f"127.0.0.1:{served.port}"
    assert handshake(served, own, host=host).status == 101
    for second in (own, "Origin: http://evil.com", "Origin: null"):
        said = handshake(served, own, second, host=host)
        assert said.status in (400, 403)
        assert said.fenced
        assert get(served, "/api/graph", own, second, host=host).status == 200
        post = f"POST /api/graph HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n"
        assert say(served, f"{post}{own}\r\n{second}\r\n\r\n".encode()).status == 403


def test_a_foreign_page_may_link_here_and_embed_nothing(served: Served) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert served.client.get("", headers=link).status_code == 200
    for dest, mode in product(
        ("script", "image", "style", "empty", "audio", "worker"), ("no-cors", "cors", "same-origin")
    ):
        for site in ("cross-site", "same-site"):
            headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
            for address in READ:
                assert served.client.get(address, headers=headers).status_code == 403
    for dest in ("iframe", "frame", "object", "embed", "fencedframe"):
        headers = {**link, "sec-fetch-dest": dest}
        assert served.client.get("", headers=headers).status_code == 403
    for site in ("same-origin", "none"):
        own = {"sec-fetch-site": site, "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
        assert served.client.get("api/board", headers=own).status_code == 200


def test_another_window_gets_no_hold_of_the_boards_where_browsers_can_see_to_it(served: Served) -> None:
    for host, alone in (("localhost:1", True), ("127.0.0.1", True), ("[::1]", True), ("192.168.1.7", False)):
        assert get(served, "/", host=host).headers.get("cross-origin-opener-policy") == (
            "same-origin" if alone else None
        )
    proxied = get(served, "/", "X-Forwarded-Proto: https", host="192.168.1.7")
    assert proxied.headers["cross-origin-opener-policy"] == "same-origin"


def test_the_own_page_may_post_and_listen_also_through_a_proxy(
    served: Served, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = write_model(tmp_path_factory.mktemp("own") / "m.onnx").read_bytes()
    direct = {"origin": f"http://127.0.0.1:{served.port}", "sec-fetch-site": "same-origin"}
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
        ("https://board.example.org.evil.com", 403),
        ("https://evil-board.example.org", 403),
    ):
        answer = locked.client.post("api/graph", content=b"no model", headers={**headers, "origin": origin})
        assert answer.status_code == status, origin


# ------------------------------------------------------------------------------------- nothing acts, nothing opens


def test_all_routes_are_known_and_only_one_takes_anything_but_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    routes: list[Route | WebSocketRoute] = []
    monkeypatch.setattr(app, "Starlette", _remembering(routes))
    with pytest.raises(_SeenEnough):
        app.create_app(app.Board(Store([]), About("1.2.3", None, ()), Policy()))
    methods = {route.path: set(route.methods or ()) for route in routes if isinstance(route, Route) if route.methods}
    acting = [
        (route.path, route.methods) for route in routes if isinstance(route, Route) and "POST" in (route.methods or ())
    ]
    assert acting == [("/api/graph", {"POST"})]
    assert set().union(*methods.values()) == {"GET", "HEAD", "POST"}
    assert [route.path for route in routes if isinstance(route, WebSocketRoute)] == ["/api/live"]


class _SeenEnough(Exception):
    pass


def _remembering(seen: list[Route | WebSocketRoute]) -> type:
    class Remembering:
        def __init__(self, routes: list[Route | WebSocketRoute], **_: object) -> None:
            seen.extend(routes)
            raise _SeenEnough

    return Remembering


def test_reading_changes_nothing_and_no_answer_opens_cors(served: Served) -> None:
    before = served.board()
    for address in READ:
        for origin in ("http://evil.com", "null", f"http://127.0.0.1:{served.port}"):
            answer = served.client.get(address, headers={"origin": origin})
            assert not [name for name in answer.headers if name.startswith("access-control")]
        for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "MKCOL", "LINK"):
            if (method, address) != ("POST", "api/graph"):
                answer = served.client.request(method, address)
                assert answer.status_code in (404, 405)
                assert set(answer.json()) == {"error"}
        for override in ("X-HTTP-Method-Override", "X-Method-Override"):
            assert served.client.get(address, headers={override: "DELETE"}).status_code in (200, 400, 404)
        asked = served.client.options(
            address, headers={"origin": "http://evil.com", "access-control-request-method": "POST"}
        )
        assert asked.status_code in (404, 405)
        assert not [name for name in asked.headers if name.startswith("access-control")]
    assert served.board() == before


def test_a_preflight_of_a_private_network_is_not_granted(served: Served) -> None:
    asked = served.client.options("api/board", headers={"access-control-request-private-network": "true"})
    assert "access-control-allow-private-network" not in asked.headers


# ------------------------------------------------------------------------------------------- smuggled requests


SMUGGLED = b"GET /api/graph HTTP/1.1\r\nHost: localhost\r\nX-Smuggled: yes\r\n\r\n"
TWO_READINGS = (
    b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
    b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nabcde",
    b"Content-Length: 5, 5\r\n\r\nabcde",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding\n: chunked\r\n\r\n0\r\n\r\n",
    b"Content-Length: -1\r\n\r\n",
    b"Content-Length: +5\r\n\r\nabcde",
    b"Content-Length: 0x5\r\n\r\nabcde",
    b"Content-Length: 5 5\r\n\r\nabcde",
    b"Content-Length: \xd9\xa3\r\n\r\nabc",
    b"Content-Length: 18446744073709551617\r\n\r\na",
    b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
)


@pytest.mark.parametrize("rest", TWO_READINGS)
def test_a_request_that_two_servers_would_read_in_two_ways_ends_the_connection(served: Served, rest: bytes) -> None:
    said = say(served, b"POST /api/graph HTTP/1.1\r\nHost: localhost\r\n" + rest + SMUGGLED)
    assert said.status == 400
    assert said.fenced
    assert said.headers["connection"] == "close"
    assert said.all.count(b"HTTP/1.1 ") == 1


def test_another_protocol_is_not_taken_up_and_lets_nothing_past_the_guard(locked: Served) -> None:
    for upgrade in ("h2c", "HTTP/2.0", "TLS/1.0", "websocket2", "websocket, h2c"):
        upgrading = (
            f"GET /api/board HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
            f"Upgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
        )
        said = say(locked, upgrading.encode() + SMUGGLED)
        assert said.status == 401
        assert b"graph" not in said.body
        assert b" 200 " not in said.all
    assert say(locked, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status == 400


HANDSHAKES = (
    b"", b"Sec-WebSocket-Version: 13\r\n", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    b"Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n",
    b"Sec-WebSocket-Version: 13\r\n" + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" * 2,
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 5\r\n",
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nTransfer-Encoding: chunked\r\n",
)  # fmt: skip


@pytest.mark.parametrize("headers", HANDSHAKES)
def test_half_a_handshake_is_refused_like_everything_else(served: Served, headers: bytes) -> None:
    first = b"GET /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    said = say(served, first + headers + b"\r\n")
    assert said.status == 400
    assert said.fenced
    assert set(said.headers) >= set(FENCES)


def test_there_is_one_place_to_listen_at(served: Served) -> None:
    for target in ("/", "/api/board", "/api/live/", "/api/nothing", "/assets/index-abc123.js", "//api/live"):
        said = handshake(served, target=target)
        assert said.status == 404
        assert said.fenced
    first = b"POST /api/live HTTP/1.1\r\nHost: localhost\r\n"
    assert say(served, first + HANDSHAKE + b"\r\n").status == 400


def test_a_prefix_does_not_lead_past_the_guard_or_to_another_site(locked: Served) -> None:
    with serving(policy=Policy(TOKEN), prefix="/team") as below:
        for target in ("/team/api/board", "/api/board", "//team/api/board", "/team//api/board", "/TEAM/api/board"):
            assert get(below, target).status == 401
        moved = get(below, "/team?next=//evil.com")
        assert moved.status == 307
        assert moved.headers["location"] == "team/?next=//evil.com"
        for target in ("//evil.com/team", "/team/..//evil.com", "///evil.com"):
            assert "location" not in get(below, target).headers
