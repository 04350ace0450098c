"""Answers of a real server over a socket: what is said in docs/http_api.md, route by route."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

from tests.server.boards import PATIENCE, Served, serving, write_logs, write_model
from visualdl import LogWriter
from visualdl.server import api


def test_the_board_names_runs_kinds_and_tags(served: Served) -> None:
    board = served.board()
    assert [run["name"] for run in board["runs"]] == ["test", "train"]
    assert board["kinds"][:3] == ["scalar", "image", "histogram"]
    assert board["tags"]["scalar"] == [{"tag": "loss/total", "runs": [0, 1]}]
    assert board["tags"]["image"] == [{"tag": "images/box", "runs": [1]}]
    assert board["tags"]["histogram"] == [{"tag": "weights", "runs": [1]}]
    assert (board["version"], board["language"], board["roots"]) == ("1.2.3", "en", ["logs"])
    assert board["loading"] is None
    assert board["graph"] is True
    assert all(len(run["id"]) == 12 and not run["live"] and run["dropped"] == 0 for run in board["runs"])


def test_a_series_within_n_is_every_raw_point(served: Served) -> None:
    test = served.run("test")
    header, [columns] = served.series("loss/total", test)
    [about] = header["series"]
    assert (about["run"], about["total"], about["exact"], about["cursor"] % 10**9) == (test, 50, True, 50)
    assert columns["step"].tolist() == [100 * step for step in range(50)]
    assert columns["value"].tolist() == [2.0 / (step + 1) for step in range(50)]
    assert about["columns"]["time"]["type"] == "f8"
    assert "nonfinite" not in about


def test_a_thinned_series_keeps_extremes_and_every_non_finite_point(served: Served) -> None:
    header, [columns] = served.series("loss/total", served.run("train"), n=100)
    assert header["series"][0]["total"] == 5_000
    assert header["series"][0]["exact"] is False
    assert header["series"][0]["nonfinite"] == {"nan": 1, "inf": 1, "ninf": 0}
    assert len(columns["step"]) < 1_000
    values = dict(zip(columns["step"].tolist(), columns["value"].tolist(), strict=True))
    assert math.isnan(values[1_234])
    assert values[4_321] == math.inf
    assert values[0] == 1.0
    assert values[4_999] == 1.0 / 5_000


def test_runs_come_in_the_order_asked_for_and_those_without_the_tag_are_left_out(served: Served) -> None:
    train, test = served.run("train"), served.run("test")
    header, _ = served.series("loss/total", train, "0" * 12, test)
    assert [series["run"] for series in header["series"]] == [train, test]


def test_smoothing_comes_with_a_range_and_is_left_to_who_has_every_point(served: Served) -> None:
    train = served.run("train")
    _, [part] = served.series("loss/total", train, smooth="ema:0.6", start=10, stop=20)
    assert part["smooth"].shape == part["value"].shape
    assert np.all(part["smooth"] > part["value"])  # a falling curve: its past is higher
    _, [whole] = served.series("loss/total", served.run("test"), smooth="ema:0.6")
    assert "smooth" not in whole


def test_a_cursor_gets_only_what_came_after_it(served: Served) -> None:
    test = served.run("test")
    header, _ = served.series("loss/total", test)
    cursor = header["series"][0]["cursor"]
    header, [columns] = served.series("loss/total", test, since=f"{test}:{cursor - 2}")
    assert columns["step"].tolist() == [4_800, 4_900]
    assert (header["series"][0]["since"], header["series"][0]["cursor"]) == (cursor - 2, cursor)


def test_what_is_known_already_is_answered_by_304_without_a_body(served: Served) -> None:
    params = {"kind": "scalar", "tag": "loss/total", "runs": served.run("train")}
    for address in ("api/board", "api/graph", "api/series"):
        first = served.client.get(address, params=params)
        again = served.client.get(address, params=params, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), address
        assert again.headers["etag"] == first.headers["etag"]


def test_a_new_point_changes_the_etag_of_its_own_series_only(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer, serving(tmp_path) as served:
        writer.add_scalar("a", 1.0, 0)
        writer.add_scalar("b", 1.0, 0)
        served.when(lambda board: len(board["tags"]["scalar"]) == 2)
        run = served.run(tmp_path.name)

        def etag(tag: str) -> str:
            answer = served.client.get("api/series", params={"kind": "scalar", "tag": tag, "runs": run})
            return str(answer.headers["etag"])

        before, revision = (etag("a"), etag("b")), served.board()["revision"]
        writer.add_scalar("a", 2.0, 1)
        served.when(lambda board: board["revision"] > revision)
        assert etag("a") != before[0]
        assert etag("b") == before[1]
        _, [columns] = served.series("a", run)
        assert columns["value"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("tag=a&runs=0123456789ab", "kind="),
        ("kind=nothing&tag=a&runs=0123456789ab", "kind is one of scalar"),
        ("kind=scalar&runs=0123456789ab", "tag="),
        ("kind=scalar&tag=a", "runs="),
        ("kind=scalar&tag=a&runs=../../etc", "12 hexadecimal"),
        ("kind=scalar&tag=a&runs=0123456789ab&n=1", "from 2 to"),
        ("kind=scalar&tag=a&runs=0123456789ab&n=1e9", "whole number"),
        ("kind=scalar&tag=a&runs=0123456789ab&n=100001", "from 2 to"),
        ("kind=scalar&tag=a&runs=0123456789ab&n=" + "9" * 5000, "whole number"),
        ("kind=scalar&tag=a&runs=0123456789ab&axis=wall", "axis is one of"),
        ("kind=scalar&tag=a&runs=0123456789ab&start=now", "start is a number"),
        ("kind=scalar&tag=a&runs=0123456789ab&start=nan", "NaN"),
        ("kind=scalar&tag=a&runs=0123456789ab&smooth=ema", "smooth"),
        ("kind=scalar&tag=a&runs=0123456789ab&smooth=ema:1", "weight"),
        ("kind=scalar&tag=a&runs=0123456789ab&smooth=mean:0.5", "ema, gaussian, median"),
        ("kind=scalar&tag=a&runs=0123456789ab&since=0123456789ab:-1", "cursor"),
        ("kind=scalar&tag=a&runs=0123456789ab&since=x:1", "run:cursor"),
        ("kind=scalar&tag=a&runs=" + ",".join(f"{i:012x}" for i in range(1_001)), "1000 runs"),
        ("kind=scalar&tag=a&n=100000&runs=" + ",".join(f"{i:012x}" for i in range(100)), "5000000 points"),
    ],
)
def test_a_question_that_makes_no_sense_gets_one_sentence(served: Served, query: str, sentence: str) -> None:
    answer = served.client.get("api/series?" + query)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]
    assert len(answer.text) < 300


@pytest.mark.parametrize("address", ["api/series", "api/csv"])
def test_a_series_that_is_not_there_is_404(served: Served, address: str) -> None:
    answer = served.client.get(address, params={"kind": "scalar", "tag": "nothing", "runs": served.run("train")})
    assert answer.status_code == 404
    assert "'nothing'" in answer.json()["error"]


def test_a_csv_reads_back_as_the_same_numbers(served: Served) -> None:
    runs = ",".join([served.run("train"), served.run("test")])
    answer = served.client.get("api/csv", params={"kind": "scalar", "tag": "loss/total", "runs": runs})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="loss_total.csv"' in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["run", "step", "time", "value"]
    assert len(rows) == 1 + 5_000 + 50
    assert [row[0] for row in rows[1::5_000]] == ["train", "test"]
    assert float(rows[1 + 41][3]) == 1.0 / 42
    assert rows[1 + 1_234][3] == "nan"
    assert rows[1 + 4_321][3] == "inf"


def test_a_csv_may_count_time_from_the_beginning(served: Served) -> None:
    params = {"kind": "scalar", "tag": "loss/total", "runs": served.run("train"), "axis": "relative"}
    rows = list(csv.reader(io.StringIO(served.client.get("api/csv", params=params).text)))
    assert rows[0] == ["run", "step", "relative", "value"]
    header, [columns] = served.series("loss/total", served.run("train"), n=5_000)
    assert float(rows[1][2]) == columns["time"][0] - header["series"][0]["origin"]


def test_only_numbers_have_a_csv(served: Served) -> None:
    answer = served.client.get("api/csv", params={"kind": "image", "tag": "images/box", "runs": served.run("train")})
    assert answer.status_code == 400


def test_a_picture_is_found_by_the_address_in_its_column(served: Served) -> None:
    train = served.run("train")
    _, [columns] = served.series("images/box", train, kind="image")
    assert columns["blob"].shape == (1, 16)
    answer = served.client.get(f"api/blob/{train}/{bytes(columns['blob'][0]).hex()}")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.content.startswith(b"\x89PNG")


def test_a_histogram_comes_as_ragged_columns(served: Served) -> None:
    _, [columns] = served.series("weights", served.run("train"), kind="histogram")
    assert len(columns["offsets"]) == 2
    assert columns["counts"].sum() == 1_000


def test_the_graph_of_the_model_is_there(served: Served) -> None:
    graph = served.client.get("api/graph").json()
    assert graph["name"] == "shapes"
    assert graph["file"] == "shapes.onnx"
    assert [node["op"] for node in graph["nodes"]][:2] == ["Flatten", "Gemm"]


def test_a_dropped_model_is_read_and_forgotten(served: Served, tmp_path: Path) -> None:
    content = write_model(tmp_path / "m.onnx").read_bytes()
    answer = served.client.post("api/graph", params={"name": "dropped.onnx"}, content=content)
    assert answer.status_code == 200
    assert answer.json()["file"] == "dropped.onnx"


def test_what_is_no_model_is_refused_without_naming_a_path(served: Served) -> None:
    answer = served.client.post("api/graph", params={"name": "notes.txt"}, content=b"hello " * 100)
    assert answer.status_code == 422
    assert "notes.txt" in answer.json()["error"]
    assert "tmp" not in answer.json()["error"]


def test_a_model_that_trickles_in_gives_up_its_place(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "UPLOAD_SECONDS", 0.5)

    def trickle() -> Iterator[bytes]:
        for _ in range(1_000):
            yield b"x"
            time.sleep(0.01)

    answer = served.client.post("api/graph", content=trickle())
    assert answer.status_code == 408
    assert "did not come" in answer.json()["error"]


def test_a_model_that_is_written_later_appears(tmp_path: Path) -> None:
    model = tmp_path / "later.onnx"
    with serving(model=model) as served:
        missing = served.client.get("api/graph")
        assert missing.status_code == 404
        assert "later.onnx" in missing.json()["error"]
        structure = served.board()["structure"]
        model.write_bytes(b"half")
        write_model(model)
        assert served.when(lambda board: board["graph"])["structure"] > structure
        assert served.client.get("api/graph").json()["file"] == "later.onnx"


def test_without_a_model_the_graph_says_how_to_get_one(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        answer = served.client.get("api/graph")
        assert answer.status_code == 404
        assert "--model" in answer.json()["error"]


def test_a_run_that_begins_later_appears_without_asking_twice_for_the_old(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert served.when(lambda board: board["loading"] is None)["runs"] == []
        with LogWriter(tmp_path / "later") as writer:
            writer.add_scalar("a", 1.0, 0)
            board = served.when(lambda board: board["runs"] != [])
            assert [run["name"] for run in board["runs"]] == ["later"]


def test_answers_that_travel_are_compressed_and_others_are_not(served: Served) -> None:
    params = {"kind": "scalar", "tag": "loss/total", "runs": served.run("train"), "n": "5000"}
    here = served.client.get("api/series", params=params)
    assert "content-encoding" not in here.headers
    away = served.client.get("api/series", params=params, headers={"x-forwarded-for": "10.1.2.3"})
    assert away.headers["content-encoding"] == "gzip"
    assert away.content == here.content
    refusing = {"x-forwarded-for": "10.1.2.3", "accept-encoding": "gzip;q=0, identity"}
    assert "content-encoding" not in served.client.get("api/series", params=params, headers=refusing).headers


def test_the_page_and_its_files_are_served_by_name(served: Served) -> None:
    page = served.client.get("")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    script = served.client.get("assets/index-abc123.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]
    assert served.client.get("icon.svg").headers["content-type"] == "image/svg+xml"


def test_a_board_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    with serving(tmp_path, pages=tmp_path / "nothing") as served:
        page = served.client.get("")
        assert page.status_code == 503
        assert "pip install ." in page.text


def test_a_proxy_may_leave_its_prefix_or_take_it_away(tmp_path: Path) -> None:
    write_logs(tmp_path)
    with serving(tmp_path, prefix="/team/board") as served:
        assert served.client.get("api/board").status_code == 200
        assert httpx.get(f"http://127.0.0.1:{served.port}/api/board").status_code == 200
        with connect(served.live) as live:
            assert "revision" in str(live.recv(timeout=PATIENCE))
        bare = httpx.get(f"http://127.0.0.1:{served.port}/team/board")
        assert bare.status_code == 307
        assert httpx.URL(str(bare.url)).join(bare.headers["location"]).path == "/team/board/"


def test_every_error_is_json_with_one_sentence(served: Served) -> None:
    for answer in (served.client.get("api/nothing"), served.client.get("a/b/c"), served.client.put("api/board")):
        assert answer.status_code in (404, 405)
        assert set(answer.json()) == {"error"}
