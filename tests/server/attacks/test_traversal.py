"""(1) Names that would like to be paths: in addresses, ids, parameters, and folders that somebody else has filled."""

from __future__ import annotations

import os
import sys
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.server.attacks.sockets import get
from tests.server.boards import Served, serving, write_logs, write_model
from visualdl import LogWriter

SECRET = b"classified"

# What is between two names, and what goes up: plain, encoded, encoded twice, overlong UTF-8, of another system.
SLASHES = ("/", "%2f", "%2F", "%252f", "%c0%af", "\\", "%5c", "%255C", "//", "/./", "%u2215", "%ef%bc%8f")
UPS = ("..", "%2e%2e", "%2E.", "%252e%252e", "%c0%ae%c0%ae", "..;", "..%00", "...", "....//", "%uff0e%uff0e")
BEFORE = ("/", "/assets/", "/api/blob/", "/api/blob/0123456789ab/")
ABSOLUTE = (
    "//etc/passwd", "/%2fetc%2fpasswd", "/assets//etc/passwd", "/assets/%2fetc%2fpasswd",
    "/assets/file:%2f%2f%2fetc%2fpasswd", "/C:/Windows/win.ini", "/assets/C:%5cWindows%5cwin.ini",
    "/assets/C:win.ini", "/assets/%5c%5chost%5cshare%5csecret.txt", "/assets/%5c%5c?%5cC:%5cwin.ini", "/assets/CON",
    "/assets/NUL", "/assets/index-abc123.js::$DATA", "/assets/INDEX-ABC123.JS", "/assets/index-abc123.js%00.png",
    "/assets/index-abc123.js%20", "/assets/index-abc123.js.", "/assets/", "/assets", "/assets/.", "/~root/",
    "/secret.txt", "/.git/config", "/index.html/../secret.txt", "/api/blob/../../secret.txt",
    "/api/blob/0123456789AB/00000000000000000000000000000000",
    "/api/blob/0123456789ab%0a/00000000000000000000000000000000",
    "/api/blob/0123456789ab/0000000000000000000000000000000%00",
    "/api/blob/0123456789ab/00000000000000000000000000000000%0a",
    "/api/blob/0123456789ab/00000000000000000000000000000000", "/api/blob/" + "０" * 12 + "/" + "0" * 32,
)  # fmt: skip


@pytest.mark.parametrize("before", BEFORE)
def test_no_way_up_leads_anywhere(served: Served, before: str) -> None:
    for up, slash in product(UPS, SLASHES):
        for depth in (1, 3, 8):
            for name in ("secret.txt", f"etc{slash}passwd"):
                said = get(served, before + (up + slash) * depth + name)
                assert said.status in (400, 404), (up, slash, said.all[:200])
                assert SECRET not in said.body
                assert b"root:" not in said.body


def test_no_absolute_name_no_device_and_no_other_spelling_leads_anywhere(served: Served) -> None:
    for target in ABSOLUTE:
        said = get(served, target)
        assert said.status in (400, 404), (target, said.all[:200])
        assert b"root:" not in said.body


def test_an_address_with_a_host_in_it_is_read_as_any_other(served: Served) -> None:
    assert get(served, "http://localhost/../secret.txt").status == 404
    assert get(served, "http://localhost/assets/..%2f..%2fsecret.txt").status == 404
    assert get(served, "file:///etc/passwd").status in (400, 404, 421)


NO_IDS = (
    "..", "../..", "%2e%2e", "/etc/passwd", "C:\\x", "\\\\host\\share", "0123456789ab\0", "0123456789ab\n",
    "0123456789AB", "٠١٢٣٤٥٦٧٨٩ab", "", ",", "0123456789ab,..", "x" * 10_000, "0123456789a", "0123456789abc", "train",
    "*", "0123456789ab/../train",
)  # fmt: skip


@pytest.mark.parametrize("run", NO_IDS)
def test_a_run_is_asked_for_by_its_id_only(served: Served, run: str) -> None:
    for address in ("api/series", "api/csv"):
        answer = served.client.get(address, params={"kind": "scalar", "tag": "loss/total", "runs": run})
        assert answer.status_code == 400
    assert served.client.get(f"api/blob/{quote(run, safe='')}/{'0' * 32}").status_code == 404
    since = served.client.get(
        "api/series", params={"kind": "scalar", "tag": "a", "runs": "0" * 12, "since": f"{run or ','}:1"}
    )
    assert since.status_code == 400


@pytest.mark.parametrize(
    "tag", ["../../secret.txt", "/etc/passwd", "..\\..\\secret.txt", "a\0b", "%2e%2e%2fsecret.txt"]
)
def test_a_tag_is_looked_up_and_never_opened(served: Served, tag: str) -> None:
    for address in ("api/series", "api/csv"):
        answer = served.client.get(address, params={"kind": "scalar", "tag": tag, "runs": "0" * 12})
        assert answer.status_code == 404
        assert set(answer.json()) == {"error"}


def test_a_tag_that_looks_like_a_path_is_served_as_the_tag_that_it_is(tmp_path: Path) -> None:
    tags = ("../../secret.txt", "/etc/passwd", "C:\\x", "a\0b", ".")
    (tmp_path / "secret.txt").write_bytes(SECRET)
    with LogWriter(tmp_path / "logs" / "run") as writer:
        for tag in tags:
            writer.add_scalar(tag, 1.0, 0)
    with serving(tmp_path / "logs") as served:
        run = served.run("run")
        for tag in tags:
            assert served.series(tag, run)[1][0]["value"].tolist() == [1.0]
            answer = served.client.get("api/csv", params={"kind": "scalar", "tag": tag, "runs": run})
            assert answer.status_code == 200
            name = answer.headers["content-disposition"]
            assert not set(name.replace("filename*=UTF-8''", "")) & set("/\\\0:")
            assert ".." not in name


# ------------------------------------------------------------------------------------- what lies in the folders


def test_a_link_in_the_pages_is_not_a_way_to_other_names(tmp_path: Path) -> None:
    (tmp_path / "web" / "assets").mkdir(parents=True)
    (tmp_path / "web" / "index.html").write_text("<!doctype html>")
    (tmp_path / "web" / "assets" / "outside").symlink_to(tmp_path)
    (tmp_path / "secret.txt").write_bytes(SECRET)
    with serving(pages=tmp_path / "web") as served:
        for path in ("assets/outside", "assets/outside/secret.txt", "assets/outside%2fsecret.txt"):
            assert served.client.get(path).status_code == 404


def test_links_in_a_folder_of_logs_show_no_file_that_is_no_log(tmp_path: Path) -> None:
    logs = write_logs(tmp_path / "logs")
    (tmp_path / "secret.txt").write_bytes(SECRET * 1_000)
    real = next((logs / "train").glob("*.vdl")).name
    (logs / "stolen").mkdir()
    for name in ("secret.vdl", f"x{real}", "vdlrecords.1.log", "events.out.tfevents.1.x", "meta.json"):
        (logs / "stolen" / name).symlink_to(tmp_path / "secret.txt")
    for name in ("20260101T000000.000000Z-h-1-aaaaaaaa.vdl", "20260101T000000.000000Z-h-1-aaaaaaaa.head"):
        (logs / "stolen" / name).symlink_to("/etc/passwd")
    (logs / "device").mkdir()
    (logs / "device" / "20260101T000000.000000Z-h-1-bbbbbbbb.vdl").symlink_to("/dev/zero")
    (logs / "loop").symlink_to(logs)
    (logs / "itself").symlink_to("itself")
    with serving(logs) as served:
        board = served.when(lambda board: board["loading"] is None and len(board["runs"]) >= 2)
        text = served.client.get("api/board").text
        assert SECRET.decode() not in text
        assert "root:" not in text
        assert {"train", "test"} <= {run["name"] for run in board["runs"]}
        train = served.run("train")
        assert served.series("loss/total", train, n=10)[0]["series"][0]["total"] == 5_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such names")
def test_names_inside_a_folder_of_logs_are_names(tmp_path: Path) -> None:
    names = (
        b"..%2f..%2fetc",
        b"%2e%2e",
        b"\\..\\..\\x",
        b"C:\\x",
        b"...",
        b"-rf",
        b"~",
        b"$HOME",
        b"\xff\xfe",
        b"a\nb",
        b"CON",
    )
    root = os.fsencode(tmp_path / "logs")
    for name in names:
        with LogWriter(os.fsdecode(os.path.join(root, name))) as writer:
            writer.add_scalar("a", 1.0, 0)
    with serving(tmp_path / "logs") as served:
        board = served.when(lambda board: len(board["runs"]) == len(names))
        assert len({run["id"] for run in board["runs"]}) == len(names)
        shown = {run["name"] for run in board["runs"]}
        assert {name.decode() for name in names if name != b"\xff\xfe"} < shown
        for run in board["runs"]:
            assert served.series("a", run["id"])[1][0]["value"].tolist() == [1.0]
            answer = served.client.get("api/csv", params={"kind": "scalar", "tag": "a", "runs": run["id"]})
            assert answer.status_code == 200


# ------------------------------------------------------------------------------------------------- the model


def test_the_path_of_a_model_is_told_to_nobody(tmp_path: Path) -> None:
    hidden = tmp_path / "private-folder"
    hidden.mkdir()
    (hidden / "broken.onnx").write_bytes(b"\x08\x07\x12")
    with serving(model=hidden / "broken.onnx") as served:
        answer = served.client.get("api/graph")
        assert answer.status_code == 404
        assert "private-folder" not in answer.text
    with serving(model=write_model(hidden / "good.onnx")) as served:
        served.when(lambda board: board["graph"])
        answer = served.client.get("api/graph")
        assert answer.json()["file"] == "good.onnx"
        assert "private-folder" not in answer.text


@pytest.mark.parametrize("name", ["../../x.onnx", "/etc/passwd", "..\\x", "a\0b", "%2e%2e/x", "x" * 100_000 + "y"])
def test_the_name_of_a_model_that_is_sent_is_shown_and_never_opened(served: Served, tmp_path: Path, name: str) -> None:
    content = write_model(tmp_path / "m.onnx").read_bytes()
    answer = served.client.post("api/graph", params={"name": name[:20_000]}, content=content)
    assert answer.status_code == 200
    assert answer.json()["file"] == name[:200]


@pytest.mark.parametrize(
    "kind", ["../scalar", "/etc/passwd", "Scalar", "scalar\0", "__class__", "visualdl.kinds.scalar"]
)
def test_a_kind_is_one_of_a_list(served: Served, kind: str) -> None:
    answer = served.client.get("api/series", params={"kind": kind, "tag": "loss/total", "runs": "0" * 12})
    assert answer.status_code == 400
