"""Questions from strangers: whatever the query holds, it is a bounded question or one sentence about what is wrong."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from visualdl.errors import BadRequest
from visualdl.server import asked

NAMES = ("kind", "tag", "runs", "axis", "start", "stop", "n", "smooth", "since")
GOOD = {"kind": "scalar", "tag": "a", "runs": "0123456789ab", "n": "100"}
NUMBERS = (
    st.floats().map(str) | st.integers().map(str) | st.sampled_from(["1e400", "0x10", "１２", "1_0", " 5", "-0", "nan"])
)
TEXTS = st.text(max_size=40) | NUMBERS
SHAPED = st.one_of(
    TEXTS,
    st.tuples(st.sampled_from(["ema", "gaussian", "median", "0123456789ab"]), NUMBERS).map(":".join),
    st.lists(st.from_regex(r"[0-9a-f]{10,13}", fullmatch=True), max_size=5).map(",".join),
)


def ask(query: dict[str, str]) -> asked.SeriesAsked | BadRequest:
    try:
        return asked.series_asked(QueryParams(query))
    except BadRequest as wrong:
        return wrong


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), SHAPED, max_size=5))
def test_any_query_is_a_bounded_question_or_one_sentence(query: dict[str, str]) -> None:
    found = ask({**GOOD, **query})
    if isinstance(found, BadRequest):
        assert 0 < len(str(found)) < 300
        assert "\n" not in str(found)
        return
    assert 2 <= found.n <= asked.MAX_N
    assert found.n * len(found.runs) <= asked.MAX_POINTS
    assert all(asked.RUN_ID.match(run) for run in found.runs)
    assert all(0 <= cursor < 10**15 for cursor in found.since.values())
    for run in found.runs:
        try:
            question = found.of(run)
        except BadRequest:
            continue
        assert question.start is None or not math.isnan(question.start)


def test_a_run_asked_for_twice_is_answered_once() -> None:
    found = asked.series_asked(QueryParams({**GOOD, "runs": "0123456789ab,ba9876543210,0123456789ab"}))
    assert found.runs == ("0123456789ab", "ba9876543210")
