"""What frames say of a log is bounded before it is believed: tags, names, counts, metadata."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from visualdl.log import catalog
from visualdl.log.columns import ROW, encode_rows
from visualdl.log.frame import CLOSE, META, ROWS, TAGS, Closed, decode_closed, encode_tags, pack_frame
from visualdl.log.reader import FileSet
from visualdl.log.writer import Log

NAME = "20260102T030405.678901Z-host-1-00c0ffee.vdl"


def opened(folder: Path, *frames: tuple[int, bytes]) -> FileSet:
    data = b"".join(pack_frame(type, seq, body=body) + body for seq, (type, body) in enumerate(frames))
    (folder / NAME).write_bytes(data)
    log = FileSet(folder / NAME)
    log.refresh()
    return log


def tags(*names: str, first: int = 0) -> tuple[int, bytes]:
    entries = [{"id": first + at, "kind": "scalar", "tag": name} for at, name in enumerate(names)]
    return TAGS, json.dumps(entries).encode()


def test_more_tags_than_anybody_reads_are_told_and_cost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MAX_TAGS", 10)
    log = opened(tmp_path, tags(*(f"t{i}" for i in range(25))))
    assert len(log.tags) == 10
    assert ["of a file are read, and this one has more" in gap.reason for gap in log.gaps] == [True]


def test_rows_of_tags_past_the_bound_leave_the_others_where_they_are(tmp_path: Path) -> None:
    most = catalog.MAX_TAGS
    packed = b"".join(ROW.pack(i, 1.0, float(i), tag, 1) for i, tag in enumerate((5, most, most - 1, 5, 1 << 31)))
    part = encode_rows(packed, 0, 5)
    frame = pack_frame(ROWS, 0, n=5, index=part.directory, body=part.body, codec=part.codec, flags=part.flags)
    (tmp_path / NAME).write_bytes(frame + part.body)
    log = FileSet(tmp_path / NAME)
    assert log.refresh() == {5, most - 1}
    assert log.rows(5)[2].tolist() == [0.0, 3.0]
    assert log.rows(most - 1)[2].tolist() == [2.0]
    assert [log.count(tag) for tag in (most, 1 << 31)] == [0, 0]
    assert len(log.gaps) == 1


@pytest.mark.parametrize("id", [-1, 1.0, True, None, "0", [0]])
def test_a_tag_whose_number_is_none_is_a_gap(tmp_path: Path, id: object) -> None:
    log = opened(tmp_path, (TAGS, json.dumps([{"id": id, "kind": "scalar", "tag": "a"}]).encode()), tags("b"))
    assert [tag.name for tag in log.tags.values()] == ["b"]
    assert len(log.gaps) == 1


def test_metadata_without_end_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_MAX_META", 1000)
    log = opened(tmp_path, *((META, json.dumps({f"m{i}": "x" * 400}).encode()) for i in range(5)), tags("a"))
    assert list(log.meta) == ["m0", "m1"]
    assert len(log.gaps) == 3
    assert list(log.tags) == [0]


def test_tags_that_are_declared_again_and_again_are_not_paid_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "_MAX_WORDS", 300)
    log = opened(tmp_path, *[tags("a" * 50 + str(i), "b" * 50) for i in range(20)])
    assert ([tag.name[-2:] for tag in log.tags.values()], log.gaps) == (["19", "bb"], ())


def test_names_without_end_are_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_MAX_WORDS", 1000)
    log = opened(tmp_path, *(tags("x" * 200, first=i) for i in range(10)))
    assert len(log.tags) == 3
    assert len(log.gaps) == 7


def test_metadata_that_is_said_anew_takes_the_place_of_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_MAX_META", 1000)
    log = opened(tmp_path, *((META, json.dumps({"captions": f"{i}" + "x" * 400}).encode()) for i in range(9)))
    assert log.meta["captions"][0] == "8"
    assert log.gaps == ()


@pytest.mark.parametrize(
    "said",
    ["[" + "[]," * 20_000 + "[]]", "{" + ",".join(f'"{i}":0' for i in range(70)) + "}"],
    ids=["lists", "keys"],
)
def test_a_tag_of_which_too_much_is_said_is_a_gap(tmp_path: Path, said: str) -> None:
    more = said[1:-1] if said[0] == "{" else f'"more":{said}'
    body = b'[{"id":0,"kind":"scalar","tag":"a",' + more.encode() + b"}]"
    log = opened(tmp_path, (TAGS, body), tags("b", first=1))
    assert list(log.tags) == [1]
    assert len(log.gaps) == 1


def test_tags_nested_without_end_are_a_gap_and_no_error(tmp_path: Path) -> None:
    for depth in (100, 300, 900, 990, 5000, 100_000):
        deep = b"[" * depth + b"]" * depth
        frame = (TAGS, b'[{"id":0,"kind":"scalar","tag":"a","more":' + deep + b"}]")
        log = opened(tmp_path, frame, frame, (META, b'{"a":' + deep + b"}"), tags("b", first=1))
        assert log.tags[1].name == "b"


@pytest.mark.parametrize(
    "body",
    [
        b'{"dropped":-1}',
        b'{"dropped":1e3}',
        b'{"rows":9007199254740992}',
        b'{"dropped":' + b"9" * 400 + b"}",
        b'{"dropped":' + b"9" * 5000 + b"}",
        b'{"reasons":[1]}',
        b'{"reasons":[[[]]]}',
        b'{"reasons":{}}',
        b"[]",
        b"NaN",
    ],
)
def test_an_end_that_says_what_no_writer_says_is_a_gap(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(ValueError):
        decode_closed(body)
    log = opened(tmp_path, tags("a"), (CLOSE, body))
    assert (log.closed, len(log.gaps)) == (None, 1)


def test_tags_are_written_in_frames_that_readers_take() -> None:
    entries = [{"id": i, "kind": "scalar", "tag": f"{i}" * 1000} for i in range(2000)]
    frames = list(encode_tags(entries))
    assert [entry for _, body in frames for entry in json.loads(body)] == entries
    assert [n for n, body in frames] == [len(json.loads(body)) for _, body in frames]
    assert len(frames) > 2
    assert max(len(body) for _, body in frames) <= 1 << 20
    assert list(encode_tags([])) == []


def test_a_log_with_long_names_is_whole_when_it_was_closed(tmp_path: Path) -> None:
    log = Log(tmp_path / "run")
    names = [f"{i}" + "x" * (1 << 20) for i in range(20)]
    for name in names:
        log.row_appender(log.tag("scalar", name))(0, 1.0)
    log.close()
    found = FileSet(log.path)
    found.refresh()
    assert [tag.name for tag in found.tags.values()] == names
    assert (found.gaps, found.closed) == ((), Closed(20, 0, 0))


def test_of_a_long_log_it_is_not_looked_up_anew_where_rows_are_when_cards_are_read_in_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "_LONG_TABLE", 3)
    parts = [
        encode_rows(b"".join(ROW.pack(i, 1.0, 0.5, tag, 1) for tag in range(20)), 20 * i, 20 * i + 20) for i in (0, 1)
    ]
    log = FileSet(tmp_path / NAME)
    with (tmp_path / NAME).open("wb") as file:
        for seq, one in enumerate(parts):
            file.write(
                pack_frame(ROWS, seq, n=20, index=one.directory, body=one.body, codec=one.codec, flags=one.flags)
            )
            file.write(one.body)
            file.flush()
            log.refresh()
            first = [log._catalog.rows_of(tag) for tag in range(8)]
            assert all(log._catalog.rows_of(tag) is one for tag, one in enumerate(first))
            assert [log.rows(tag)[0].tolist() for tag in range(20)] == [list(range(seq + 1))] * 20
            assert len(log._catalog._asked) == 8
