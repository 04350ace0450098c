"""Thousands of requests, of all routes, parameters, headers and methods: each answer is one of docs/http_api.md.

No answer is a 500, every error is `{"error": …}`, every answer is fenced in, and the server is there afterwards.
`VISUALDL_EXAMPLES=100000 python -m pytest tests/server/attacks/test_contract.py` tries for longer.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.attacks.sockets import HANDSHAKE, TOKEN, Said, say
from tests.server.boards import Served, read_answer, serving, write_logs, write_model
from visualdl.server.guard import Policy

EXAMPLES = int(os.environ.get("VISUALDL_EXAMPLES", "2000"))
DOCUMENTED = Path(__file__).parents[3] / "docs" / "http_api.md"
TYPES = {  # of an answer with status 200
    "/": "text/html",
    "/icon.svg": "image/svg+xml",
    "/index.html": "text/html",
    "/assets/index-abc123.js": "text/javascript",
    "/api/board": "application/json",
    "/api/series": "application/octet-stream",
    "/api/csv": "text/csv",
    "/api/graph": "application/json",
    "/api/blob": "image/png",
}


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Served]]:
    """One board for everybody and one with a token, of the same logs."""
    folder = tmp_path_factory.mktemp("contract")
    (folder / "web" / "assets").mkdir(parents=True)
    (folder / "web" / "index.html").write_text("<!doctype html><title>VisualDL</title>")
    (folder / "web" / "icon.svg").write_text("<svg/>")
    (folder / "web" / "assets" / "index-abc123.js").write_text("export {};")
    logs, model = write_logs(folder / "logs"), write_model(folder / "m.onnx")
    pages, policy = folder / "web", Policy(TOKEN, cookie="v")
    with (
        serving(logs, model=model, pages=pages) as free,
        serving(logs, model=model, pages=pages, policy=policy, prefix="/team") as locked,
    ):
        free.when(lambda board: len(board["runs"]) == 2 and board["graph"])
        yield {"free": free, "locked": locked}


@pytest.fixture(scope="module")
def known(boards: dict[str, Served]) -> dict[str, str]:
    """What only the board knows: ids, an address of a blob, an ETag."""
    free = boards["free"]
    train = free.run("train")
    _, [columns] = free.series("images/box", train, kind="image")
    etag = free.client.get("api/board").headers["etag"]
    return {"<train>": train, "<test>": free.run("test"), "<blob>": bytes(columns["blob"][0]).hex(), "<etag>": etag}


anything = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "0", "-1", "nan", "inf", "1e308", "9" * 15, "9" * 40, "../..", "%2e%2e", "\0", "<script>", "=1+1", "💥"]
    ),
    st.integers().map(str),
    st.floats().map(str),
)
VALUES = {
    "kind": st.one_of(st.sampled_from(["scalar", "image", "histogram"]), anything),
    "tag": st.one_of(st.sampled_from(["loss/total", "images/box", "weights"]), anything),
    "runs": st.one_of(
        st.sampled_from(["<train>", "<test>", "<train>,<test>", "<train>,000000000000", "0" * 12]), anything
    ),
    "axis": st.one_of(st.sampled_from(["step", "time", "relative"]), anything),
    "start": anything,
    "stop": anything,
    "n": st.one_of(st.sampled_from(["2", "50", "1600", "100000"]), anything),
    "smooth": st.one_of(
        st.builds("{}:{}".format, st.sampled_from(["ema", "gaussian", "median", ""]), anything), anything
    ),
    "since": st.one_of(st.builds("<train>:{}".format, anything), anything),
    "name": anything,
    "token": st.one_of(st.just(TOKEN), anything),
}
required = st.fixed_dictionaries({name: VALUES[name] for name in ("kind", "tag", "runs")})
optional = st.dictionaries(st.sampled_from(sorted(VALUES)), st.none(), max_size=4).flatmap(
    lambda names: st.fixed_dictionaries({name: VALUES[name] for name in names})
)
strange = st.dictionaries(st.text(max_size=8), anything, max_size=2)
queries: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    strange,
    optional,
    st.builds(lambda a, b: a | b, required, optional),
    st.builds(lambda a, b: a | b, optional, strange),
)
paths = st.one_of(
    st.sampled_from([path for path in TYPES if path != "/api/blob"]),
    st.sampled_from(
        [
            "/api/blob/<train>/<blob>",
            "/api/blob/<test>/<blob>",
            "/api/blob/<train>/" + "0" * 32,
            "/api/live",
            "*",
            "/team",
            "/team/",
        ]
    ),
    st.builds("/api/blob/{}/{}".format, anything, anything),
    st.builds("/assets/{}".format, anything),
    st.builds("/{}".format, st.text(max_size=20)),
    st.builds("/team{}".format, st.sampled_from(sorted(TYPES))),
)
headers = st.lists(
    st.sampled_from([
        "If-None-Match: *", "If-None-Match: <etag>", "If-None-Match: W/\"x\", <etag>", "If-None-Match: ,,,",
        "Accept-Encoding: gzip",
        "Accept-Encoding: gzip;q=0", "Accept-Encoding: *", "Accept-Encoding: ,;=", "Accept: text/html",
        "Range: bytes=0-10",
        "Range: bytes=-1", "If-Modified-Since: never", "X-Forwarded-For: 8.8.8.8", "X-Forwarded-Host: evil.com",
        "Via: x", "Forwarded: x",
        "X-Forwarded-Proto: https", "Origin: http://localhost", "Origin: http://evil.com", "Origin: null",
        "Origin: ://[",
        "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate",
        "Sec-Fetch-Dest: document",
        f"Authorization: Bearer {TOKEN}", "Authorization: Bearer", "Authorization: Basic eDp5", f"Cookie: v={TOKEN}",
        "Cookie: v", "Cookie: ;=;",
        "Content-Type: application/json", "Content-Type: multipart/form-data", "Content-Encoding: gzip",
        "Expect: 100-continue",
        "Upgrade: h2c", "X-HTTP-Method-Override: DELETE", "Referer: http://evil.com/", "User-Agent: ", "X-A: \xe9\xff",
    ]),
    max_size=4,
    unique_by=lambda header: header.partition(":")[0],
)  # fmt: skip
methods = st.sampled_from(
    ["GET"] * 8 + ["HEAD", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]
)
hosts = st.sampled_from(["localhost"] * 8 + ["127.0.0.1", "[::1]:1", "evil.com", "", "a b", "localhost:"])
bodies = st.one_of(st.just(b""), st.binary(max_size=60), st.just(b"\x08\x07"))
sockets = st.sampled_from([False] * 15 + [True])


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    at=st.sampled_from(["free", "free", "locked"]), method=methods, path=paths, query=queries, host=hosts,
    given_headers=headers, body=bodies, upgrade=sockets,
)  # fmt: skip
def test_every_answer_is_one_that_is_documented(
    boards: dict[str, Served], known: dict[str, str], at: str, method: str, path: str, query: dict[str, str], host: str,
    given_headers: list[str], body: bytes, upgrade: bool,
) -> None:  # fmt: skip
    target = quote(path, safe="/<>*%") + ("?" if query else "")
    target += "&".join(f"{quote(name, safe='')}={quote(value, safe='<>,:')}" for name, value in query.items())
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *given_headers, f"Content-Length: {len(body)}"]
    head = "\r\n".join(lines)
    for name, value in known.items():
        head = head.replace(name, value)
    connection = HANDSHAKE if upgrade else b"Connection: close\r\n"
    said = say(
        boards[at],
        head.replace("<", "%3C").replace(">", "%3E").encode("latin-1") + b"\r\n" + connection + b"\r\n" + body,
    )
    check(said, method, path)


STATUSES = {
    int(status) for status in re.findall(r"\b[2-5]\d\d\b(?= [a-z])", DOCUMENTED.read_text("utf-8").split("## Who")[0])
}


def check(said: Said, method: str, path: str) -> None:
    """One answer by the words of the document."""
    while said.status == 100:  # Continue: the answer itself comes after it
        head, _, rest = said.body.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        said = Said(int(first.split(" ")[1]), found, rest, said.all)
    assert said.status in STATUSES | {101, 200, 304, 307}, said.all[:300]
    assert b"Traceback" not in said.all
    assert not said.headers.keys() & {"server", "x-powered-by", "access-control-allow-origin"}
    if said.status == 101:
        assert path == "/api/live"
        return
    assert said.fenced, said.all[:600]
    if said.status >= 400:
        page = said.status == 401 and said.headers["content-type"].startswith("text/html")
        assert page or said.headers["content-type"] == "application/json"
        if method != "HEAD" and not page:
            error = json.loads(said.body)
            assert set(error) == {"error"}
            assert error["error"]
            assert "\n" not in error["error"].strip("\n")[:20]
    elif said.status == 200 and said.headers.get("content-encoding") != "gzip":
        route = "/api/blob" if path.startswith("/api/blob") else path.removeprefix("/team") or "/"
        assert said.headers["content-type"].startswith(TYPES[route])
        if route == "/api/series" and method == "GET":
            read_answer(said.body)


def test_the_statuses_are_read_from_the_document() -> None:
    assert {400, 401, 403, 404, 405, 408, 413, 414, 421, 422, 431, 503} == STATUSES


def test_the_servers_are_there_afterwards(boards: dict[str, Served]) -> None:
    assert len(boards["free"].board()["runs"]) == 2
    assert boards["locked"].client.get("api/board", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
