"""(2) Text that would like to be code: whatever can be logged, and what leaves the server with it.

The board itself is tried in tests/board/test_hostile_text.py, with a browser.
"""

from __future__ import annotations

import csv as csv_reader
import io
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from tests.server.attacks.sockets import get
from tests.server.boards import Served, serving
from visualdl import LogWriter
from visualdl.server.api import picture_type
from visualdl.server.csv import disposition, text_cell

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
    "{{7*7}}${7*7}#{7*7}<?=7*7?>{0.__class__}",
    "=1+1",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "a\r\nSet-Cookie: stolen=1\r\n\r\n<html>",
    "\"'`&<>",
    "\u2028\u2029",
)
FORMULAS = (
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\ufeff=1",
    "\u200b@A",
    "＝1+1",
    "＋1",
    "－1",
    "＠A",
)
PICTURES = {"image/png", "image/jpeg", "image/gif", "image/bmp", "image/webp"}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    with LogWriter(folder / "=cmd()", display_name=HOSTILE[0]) as writer:
        for tag in HOSTILE:
            writer.add_scalar(tag, 1.0, 0)
        writer.add_scalar("numbers", -1.5, -3)
        for step, value in enumerate((math.nan, -math.inf, 1e308, 5e-324)):
            writer.add_scalar("numbers", value, step)
        writer.add_image("picture", np.zeros((4, 4, 3), np.uint8), 0)
    return folder


def test_hostile_names_travel_as_data_and_never_as_a_page(hostile: Path) -> None:
    with serving(hostile) as served:
        board = served.when(lambda board: bool(board["tags"]["scalar"]))
        assert {entry["tag"] for entry in board["tags"]["scalar"]} == {*HOSTILE, "numbers"}
        run = board["runs"][0]["id"]
        assert board["runs"][0]["display_name"] == HOSTILE[0]
        for tag in HOSTILE:
            for address in ("api/board", "api/series", "api/csv"):
                answer = served.client.get(address, params={"kind": "scalar", "tag": tag, "runs": run})
                assert answer.status_code == 200
                assert "html" not in answer.headers["content-type"]
                assert "set-cookie" not in answer.headers
                assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("text", HOSTILE)
def test_an_error_repeats_hostile_text_as_json_only(served: Served, text: str) -> None:
    for params in (
        {"kind": text, "tag": "a", "runs": "0" * 12},
        {"kind": "scalar", "tag": text, "runs": "0" * 12},
        {"kind": "scalar", "tag": "a", "runs": text},
        {"kind": "scalar", "tag": "a", "runs": "0" * 12, "n": text},
        {"kind": "scalar", "tag": "a", "runs": "0" * 12, "smooth": text},
        {"kind": "scalar", "tag": "a", "runs": "0" * 12, "axis": text},
        {"kind": "scalar", "tag": "a", "runs": "0" * 12, "start": text},
        {"kind": "scalar", "tag": "a", "runs": "0" * 12, "since": text},
    ):
        answer = served.client.get("api/series", params=params)
        assert answer.status_code in (400, 404)
        assert answer.headers["content-type"] == "application/json"
        assert set(answer.json()) == {"error"}
    sent = served.client.post("api/graph", params={"name": text}, content=b"no model")
    assert (sent.status_code, sent.headers["content-type"]) == (422, "application/json")


def test_what_names_nothing_is_not_repeated_as_a_page(served: Served) -> None:
    for target in ("/<script>alert(1)</script>", "/assets/%3Cimg%20src=x%20onerror=alert(1)%3E", "/?<script>"):
        said = get(served, target, "Content-Type: <script>alert(1)</script>", "Accept: text/html")
        assert b"<script>alert" not in said.body
        assert said.fenced
    refused = get(served, "/api/board", host="<script>alert(1)</script>")
    assert refused.status == 421
    assert b"script" not in refused.body


# --------------------------------------------------------------------------------- pictures that are no pictures


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='f()'/>", b"<?xml version='1.0'?><svg/>", b"<html><script",
        b"GIF<script>", b" \x89PNG\r\n\x1a\n", b"%PDF-1.7", b"\xef\xbb\xbf<svg/>", b"PK\x03\x04", b"RIFFxxxxWAVE", b"",
        b"/*GIF89a*/alert(1)", b"\xfe\xff\0<\0s\0v\0g",
    ],
)  # fmt: skip
def test_what_may_carry_scripts_is_never_shown_as_a_picture(content: bytes) -> None:
    assert picture_type(content) is None


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n<script>alert(1)</script>", b"GIF89a/*<svg onload=alert(1)>*/=1;alert(1)", b"BM<html><script>"],
)
def test_what_is_two_things_at_once_is_a_picture_only(content: bytes) -> None:
    assert picture_type(content) in PICTURES


def test_a_picture_is_fenced_so_that_even_a_browser_that_guesses_runs_nothing(hostile: Path) -> None:
    with serving(hostile) as served:
        run = served.run("=cmd()")
        _, [columns] = served.series("picture", run, kind="image")
        address = bytes(columns["blob"][0]).hex()
        answer = served.client.get(f"api/blob/{run}/{address}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


# ------------------------------------------------------------------------------------------------ spreadsheets


@pytest.mark.parametrize("text", FORMULAS)
def test_a_spreadsheet_finds_no_formula_in_a_cell(text: str) -> None:
    assert text_cell(text).lstrip('"').startswith("'")


def test_cells_are_as_the_board_makes_them() -> None:
    golden = json.loads((Path(__file__).parents[2] / "golden" / "csv" / "cells.json").read_text("utf-8"))
    assert {case["text"]: text_cell(case["text"]) for case in golden} == {case["text"]: case["cell"] for case in golden}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_no_cell_is_two_cells_whatever_a_spreadsheet_takes_for_the_comma(separator: str) -> None:
    text = f"run{separator}=1+1"
    line = text_cell(text) + separator + "0\n"
    assert next(csv_reader.reader(io.StringIO(line), delimiter=separator)) == [text, "0"]


def test_numbers_stay_numbers_also_below_zero(hostile: Path) -> None:
    with serving(hostile) as served:
        run = served.run("=cmd()")
        answer = served.client.get("api/csv", params={"kind": "scalar", "tag": "numbers", "runs": run})
        heading, *rows = csv_reader.reader(io.StringIO(answer.text))
        assert heading == ["run", "step", "time", "value"]
        assert {row[0] for row in rows} == {"'=cmd()"}
        assert {int(row[1]) for row in rows} == {-3, 0, 1, 2, 3}
        values = [float(row[3]) for row in rows]
        assert [value for value in values if not math.isnan(value)] == [-1.5, -math.inf, 1e308, 5e-324]
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == (
            "attachment; filename=\"numbers.csv\"; filename*=UTF-8''numbers.csv"
        )


NAMES = (
    '../../x"\r\nSet-Cookie: a=b;/训练', "\u202eexe.txt", "..", "...", "", ".htaccess", "a/b\\c:d*e?f", "x" * 1_000,
    "训" * 1_000, "a\0b", "nul", "%2e%2e%2f", "~", "$(id)", "`id`", "a;b", "\u2066x\u2069", "😀", "e\u0301",
)  # fmt: skip


@pytest.mark.parametrize("tag", NAMES)
def test_a_tag_cannot_end_the_header_of_its_download_or_leave_its_folder(tag: str) -> None:
    made = disposition(tag)
    found = re.fullmatch(r"attachment; filename=\"([\w.-]+)\.csv\"; filename\*=UTF-8''([\w.%-]+)\.csv", made, re.ASCII)
    assert found, made
    exact = found[2]
    for name in (found[1], exact):
        assert ".." not in name
        assert not name.startswith((".", "-r"))
        assert not re.search(r"%(2[Ff]|5[Cc]|00|0[AaDd]|E2%80%AE|E2%81%A6)", name)
    assert len(made) < 1_200


def test_the_header_of_a_download_names_it_in_its_own_script() -> None:
    assert disposition("损失/训练") == (
        "attachment; filename=\"series.csv\"; filename*=UTF-8''%E6%8D%9F%E5%A4%B1_%E8%AE%AD%E7%BB%83.csv"
    )
