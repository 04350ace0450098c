"""Real runs on disk for the tests of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from visualdl.log.writer import Log

Append = Callable[[int, float, float | None], None]
Written = Callable[..., "LiveRun"]


class LiveRun:
    """One writer of one run; `rows` appends points of a scalar, flushed."""

    def __init__(self, folder: Path) -> None:
        self.log = Log(folder)

    def rows(
        self,
        values: Iterable[float],
        *,
        tag: str = "loss",
        steps: Iterable[int] | None = None,
        time: float | None = None,
    ) -> LiveRun:
        """Points at `steps` (default: 0, 1, 2, …), one a second from `time` on (default: now)."""
        append = self.log.row_appender(self.log.tag("scalar", tag))
        values = list(values)
        for i, (step, value) in enumerate(zip(range(len(values)) if steps is None else steps, values, strict=True)):
            append(step, value, None if time is None else time + i)
        self.log.flush()
        return self

    def record(self, kind: str, tag: str, step: int, payload: bytes, *blobs: bytes) -> LiveRun:
        """One payload record, flushed."""
        self.log.append(self.log.tag(kind, tag), step, None, lambda: (payload, blobs), len(payload))
        self.log.flush()
        return self

    def close(self) -> None:
        """End of the writer."""
        self.log.close()


@pytest.fixture
def live() -> Iterator[Callable[[Path], LiveRun]]:
    """Opens a writer in a folder, and closes it after the test."""
    runs: list[LiveRun] = []

    def begin(folder: Path) -> LiveRun:
        runs.append(LiveRun(folder))
        return runs[-1]

    yield begin
    for run in runs:
        run.close()
