"""What a run should hold after its writers ended, against what readers find in it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from torture.children.ledger import BURST, IMAGES, STAMPS, THREADS, Ledger, blobs_of, payload_of
from visualdl.kinds import histogram, image
from visualdl.kinds.kind import AnyArray, Payload
from visualdl.log.reader import FileSet, Record, find_file_sets
from visualdl.store.store import Store

CHECKED = ("raw", "image", "histogram")  # the kinds whose records follow the ledger
CLOCK_SLACK = 0.01  # seconds between a row's own time and ours


@dataclass
class Finding:
    """What one writer left behind. lost: what had returned and is not there; lost_seconds: how old the oldest was."""

    rows: int = 0
    records: int = 0
    lost_rows: int = 0
    lost_records: int = 0
    lost_seconds: float = 0.0
    broke: list[str] = field(default_factory=list)


def values_of(step: AnyArray, thread: int = 0) -> AnyArray:
    """`ledger.value_of` of many steps."""
    mixed = step.astype(np.uint64) * np.uint64(2654435761) + np.uint64(thread * 40503)
    values: AnyArray = (mixed % np.uint64(4294967296)).astype(np.float64) / 7.0
    return values


def picture_of(step: int) -> AnyArray:
    """The image that is logged at `step`."""
    side = IMAGES * (1 + step % 8)
    return ((np.arange(side * side * 3, dtype=np.int64) * 7 + step * 31) % 256).astype(np.uint8).reshape(side, side, 3)


def weights_of(step: int) -> AnyArray:
    """The values whose histogram is logged at `step`."""
    return np.random.default_rng(step).normal(size=1000 + step % 500)


def read_sets(run: Path) -> list[FileSet]:
    """The file sets of a run as a board reads them, refreshed, the earliest first."""
    found = [FileSet(path) for path in find_file_sets(run)]
    for one in found:
        one.refresh()
    return found


def told_damage(sets: Iterable[FileSet]) -> list[str]:
    """One sentence for each gap: no end of a process may damage a log."""
    return [f"{one.path.name}: damage, {gap.reason} at byte {gap.offset}" for one in sets for gap in one.gaps]


# ------------------------------------------------------------------------------------------------ one writer


def check_rows(
    found: Finding, sets: Sequence[FileSet], ledger: Ledger, *, ended: float, window: float, most: int | None = None
) -> None:
    """Every returned row is there, none twice, none changed, none invented, all in the order of the calls.

    sets: what the writer wrote. ended: when it was killed (monotonic). window: seconds of returned rows that may be
    lost. most: rows that must be there; without, all that returned.
    """
    for thread in range(THREADS):
        must = ledger.returned[thread] if most is None else min(most, ledger.returned[thread])
        step, value = rows_of(sets, f"loss/{thread}")
        found.rows += len(step)
        found.broke += _wrong_rows(step, value, thread, max(ledger.started[thread] - 1, ledger.returned[thread]))
        there = np.zeros(must, bool)
        there[step[step < must]] = True
        there[[skip for skip in ledger.skips if skip < must]] = True
        missing = np.flatnonzero(~there)
        if len(missing):
            _lost_rows(found, missing, ledger, ended, window, f"thread {thread}: of {must} returned rows")


def _wrong_rows(step: AnyArray, value: AnyArray, thread: int, last: int) -> Iterator[str]:
    if (np.diff(step) <= 0).any():
        yield f"thread {thread}: rows twice or out of order"
    wrong = int(np.count_nonzero(value != values_of(step, thread)))
    if wrong:
        yield f"thread {thread}: {wrong} rows with another value than was logged"
    if len(step) and int(step.max()) > last:  # the call of the last one was under way
        yield f"thread {thread}: row {int(step.max())} was never logged"


def _lost_rows(found: Finding, missing: AnyArray, ledger: Ledger, ended: float, window: float, whose: str) -> None:
    first = int(missing[0])
    found.lost_rows += len(missing)
    stamp = ledger.row_stamps[first // BURST + 1] if first // BURST + 1 < STAMPS else 0.0
    lost = ended - stamp if stamp else 0.0
    found.lost_seconds = max(found.lost_seconds, lost)
    if lost > window or not window:
        found.broke.append(f"{whose} {len(missing)} are lost, the first is {first}, {lost:.2f} s old")
    elif len(missing) != int(missing[-1]) - first + 1:
        found.broke.append(f"{whose} some after the first lost one ({first}) are there, and others are not")


def check_times(found: Finding, one: FileSet, since: float, until: float) -> None:
    """Rows carry the time of their call."""
    for tag in one.tags.values():
        time = one.rows(tag.id)[1]
        if len(time) and (time[0] < since - CLOCK_SLACK or time[-1] > until + CLOCK_SLACK or (np.diff(time) < 0).any()):
            found.broke.append(f"{tag.name}: rows with another time than that of their call")


def check_records(found: Finding, sets: Sequence[FileSet], ledger: Ledger, *, ended: float, window: float) -> None:
    """Payload records: each whole and unchanged, none invented, and at most `window` seconds are missing."""
    steps: list[int] = []
    for file_set, tag in ((one, tag) for one in sets for tag in one.tags.values() if tag.kind in CHECKED):
        for record in file_set.records(tag.id, slice(None)):
            steps.append(record.step)
            if wrong := wrong_record(file_set, tag.kind, record):
                found.broke.append(f"record {record.step} of {tag.kind}: {wrong}")
    found.records += len(steps)
    there = set(steps)
    if len(there) != len(steps):
        found.broke.append("payload records twice")
    if there and max(there) > ledger.records:
        found.broke.append(f"payload record {max(there)} was never logged")
    missing = [step for step in range(ledger.records) if step not in there]
    if missing:
        lost = ended - ledger.record_stamps[missing[0] % STAMPS]
        found.lost_records += len(missing)
        found.lost_seconds = max(found.lost_seconds, lost)
        if lost > window:
            found.broke.append(
                f"{len(missing)} payload records are lost, the oldest {lost:.2f} s old, of {window:.2f} s"
            )


def rows_of(sets: Sequence[FileSet], name: str) -> tuple[AnyArray, AnyArray]:
    """step and value of a scalar tag, file set after file set."""
    parts = [one.rows(tag.id) for one in sets for tag in one.tags.values() if (tag.kind, tag.name) == ("scalar", name)]
    parts.insert(0, (np.empty(0, np.int64), np.empty(0), np.empty(0)))
    step, _, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    return step, value


def wrong_record(one: FileSet, kind: str, record: Record) -> str:
    """What is wrong with a record that was read back; empty when it is just what was logged."""
    if kind == "raw":
        blobs = [one.blob(address) for address in record.blobs]
        return "" if (record.payload, blobs) == (payload_of(record.step), blobs_of(record.step)) else "changed"
    payload = Payload(record.payload, record.blobs)
    if kind == "histogram":
        expected = histogram.count_values(weights_of(record.step), 10)
        got = histogram.decode(payload)
        same = np.array_equal(expected.counts, got.counts) and np.array_equal(expected.edges, got.edges)
        return "" if same else "changed"
    blob = one.blob(image.decode(payload).blob)
    if blob is None:
        return "its pixels are lost"
    return "" if np.array_equal(np.asarray(Image.open(io.BytesIO(blob))), picture_of(record.step)) else "changed"


# ------------------------------------------------------------------------------------------------ the board's view


def board_counts(run: Path) -> dict[tuple[str, str], int]:
    """(kind, tag) -> points, as the board gets them: all segments of all file sets of the run."""
    store = Store([run])
    store.refresh()
    [info] = store.runs()
    return {
        (kind, tag): len(store.raw(info.id, kind, tag).step)
        for kind, tags in store.tags().items()
        for tag, runs in tags.items()
        if info.id in runs
    }
