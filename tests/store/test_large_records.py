"""Histograms of 65,536 buckets by the thousand, in a file of a few kilobytes: answered in bounded memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from visualdl.kinds import histogram
from visualdl.log.columns import Entry, encode_records
from visualdl.log.frame import RECORDS, TAGS, pack_frame
from visualdl.store import series, thin
from visualdl.store.store import Question, Store

BUCKETS = 65_536


def write(folder: Path, count: int, *, broken: int = 0) -> None:
    """A log of so many histograms, each of all buckets, the last `broken` of which are no histograms."""
    payloads = [histogram.to_payload(histogram.count_values(np.array([0.0, i + 1.0]), BUCKETS)) for i in range(count)]
    payloads += [b"?" * 48] * broken
    body = b'[{"id":0,"kind":"histogram","tag":"weights"}]'
    frames = pack_frame(TAGS, 0, body=body) + body
    for seq, start in enumerate(range(0, len(payloads), 100), 1):
        entries = [Entry(0, start + i, 1.0 + start + i, p, ()) for i, p in enumerate(payloads[start : start + 100])]
        part = encode_records(entries)
        frames += pack_frame(RECORDS, seq, n=part.n, index=part.directory, body=part.body, codec=part.codec) + part.body
    (folder / "a.vdl").write_bytes(frames)


def opened(folder: Path) -> tuple[Store, str]:
    store = Store([folder], memory_bytes=96 << 20)
    store.refresh()
    return store, store.runs()[0].id


def test_records_that_are_too_large_together_are_thinned_further(tmp_path: Path) -> None:
    write(tmp_path, 300)
    store, run = opened(tmp_path)
    question = Question(kind="histogram", tag="weights", run=run)
    tracemalloc.start()
    answer = store.read(question)
    assert tracemalloc.get_traced_memory()[1] < 400 << 20  # all of them are 300 MiB, and as much again to send
    tracemalloc.stop()
    assert (answer.total, answer.exact) == (300, False)
    assert 2 < len(answer.points) < 64
    assert answer.points.step[[0, -1]].tolist() == [0, 299]
    decoded = answer.points.decoded
    assert decoded is not None
    assert sum(one.nbytes for one in decoded) <= thin.ANSWER_BYTES
    assert float(decoded[-1].edges[-1]) == 300.0  # the widest one is kept


def test_one_record_is_answered_however_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thin, "ANSWER_BYTES", 1000)
    write(tmp_path, 1)
    store, run = opened(tmp_path)
    assert len(store.read(Question(kind="histogram", tag="weights", run=run)).points) == 1


def test_an_answer_ends_even_if_nothing_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thin, "ANSWER_BYTES", 1000)
    write(tmp_path, 40)
    store, run = opened(tmp_path)
    answer = store.read(Question(kind="histogram", tag="weights", run=run))
    assert 1 <= len(answer.points) < 40


def test_large_records_are_not_kept_for_the_next_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "_KEPT_BYTES", 10 << 20)
    write(tmp_path, 130)
    store, run = opened(tmp_path)
    for n in (2, 20, 1600):
        store.read(Question(kind="histogram", tag="weights", run=run, n=n))
        assert store._memory.nbytes <= (10 << 20) + 100_000


def test_however_many_records_are_broken_the_others_are_read_at_once(tmp_path: Path) -> None:
    write(tmp_path, 3, broken=1500)
    store, run = opened(tmp_path)
    answer = store.read(Question(kind="histogram", tag="weights", run=run))
    assert len(answer.points) == 3
    assert dict(store.runs()[0].skipped) == {"damaged histogram": 1500}
