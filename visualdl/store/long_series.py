"""What is held of a series too long to be held: the digests of its parts, its smoothed lines as digests."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

from visualdl.kinds.kind import Points
from visualdl.sources.source import Outline, Part
from visualdl.store.decoded import Damaged
from visualdl.store.long import LongSegment, Piece, Reader, arranged
from visualdl.store.long_line import LongLine
from visualdl.store.question import Smoothing
from visualdl.store.trail import AT_ONCE, Trace, followed, nothing

_SMOOTHINGS: Final = 2
"""Smoothed lines kept: the slider's place, and the one before."""


class LongSeries:
    """The parts of one series of a row kind. Not thread safe, but for its `reader`."""

    def __init__(self, fetch: Callable[[str, int, int], Points], outline: Callable[[str, int], list[Outline]]) -> None:
        """fetch: (part, start, stop) -> its points, fewer when they are gone. outline: as a source gives it."""
        self.reader = Reader(fetch)
        self.segments: tuple[LongSegment, ...] = ()
        self.earliest: float | None = None
        self._fetch = fetch
        self._outline = outline
        self._traces: dict[str, Trace] = {}
        self._lines: OrderedDict[Smoothing, list[LongLine]] = OrderedDict()

    def follow(self, parts: tuple[Part, ...]) -> None:
        """The parts are now these: read what is new of them. Raises Damaged when less is there than they say."""
        self._traces = {part.id: self._followed(part) for part in parts}
        traces = list(self._traces.values())
        self.segments = arranged(traces, [part.started for part in parts], self.reader)
        self.earliest = min((trace.span("times")[0] for trace in traces if len(trace)), default=None)

    def _followed(self, part: Part) -> Trace:
        held = self._traces.get(part.id)
        if held is None or len(held) > part.count:
            held = nothing(part.id)

        def fetch(start: int, stop: int) -> Points:
            points = self._fetch(part.id, start, stop)
            if len(points) != stop - start:
                raise Damaged
            return points

        return followed(held, self._outline(part.id, held.blocked), part.count, fetch)

    def lines(self, segments: tuple[LongSegment, ...], smoothing: Smoothing) -> list[LongLine]:
        """The smoothed line of each segment; of a series that grows only its end is computed."""
        held = self._lines.get(smoothing, [])
        lines = [
            LongLine(segment, smoothing, self.reader, held[i] if i < len(held) else None)
            for i, segment in enumerate(segments)
        ]
        self._lines[smoothing] = lines
        self._lines.move_to_end(smoothing)
        while len(self._lines) > _SMOOTHINGS:
            self._lines.popitem(last=False)
        return lines

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        traces = sum(trace.nbytes for trace in self._traces.values())
        return traces + self.reader.nbytes + sum(line.nbytes for lines in self._lines.values() for line in lines)


def pieces_of(segments: tuple[LongSegment, ...]) -> list[Piece]:
    """All of them, segment after segment."""
    return [piece for segment in segments for piece in segment.pieces]


def chunks(segments: tuple[LongSegment, ...], reader: Reader) -> Iterator[Points]:
    """All points, segment after segment, some at a time; those of several writers side by side one after the other."""
    for piece in pieces_of(segments):
        blocked = piece.trace.blocked
        for start, stop in ((piece.start, min(piece.stop, blocked)), (max(piece.start, blocked), piece.stop)):
            for at in range(start, stop, AT_ONCE):
                yield reader.fetch(piece.trace, at, min(at + AT_ONCE, stop))
