"""What the 2.x calls of LogReader return: one record each, with the names of 2.x's fields."""

from __future__ import annotations

from dataclasses import dataclass

from visualdl.reader.run import Entry, RunFiles


@dataclass(frozen=True)
class Record:
    """What every record has. id: the step. timestamp: milliseconds since 1970."""

    id: int
    tag: str
    timestamp: int


@dataclass(frozen=True)
class ScalarRecord(Record):
    """One number: NaN and ±inf included."""

    value: float


@dataclass(frozen=True)
class EncodedImage:
    """A picture as the bytes of a PNG file."""

    encoded_image_string: bytes


@dataclass(frozen=True)
class ImageRecord(Record):
    """One picture."""

    image: EncodedImage


@dataclass(frozen=True)
class Bins:
    """n counts and the n + 1 edges between which they were found."""

    hist: tuple[float, ...]
    bin_edges: tuple[float, ...]


@dataclass(frozen=True)
class HistogramRecord(Record):
    """One distribution."""

    histogram: Bins


def read_scalars(run: RunFiles, tag: str) -> list[ScalarRecord]:
    """The records of a scalar tag in the order of the calls."""
    rows = run.rows("scalar", tag)
    return [
        ScalarRecord(step, tag, _milliseconds(time), value)
        for step, time, value in zip(rows.step.tolist(), rows.time.tolist(), rows.value.tolist(), strict=True)
    ]


def read_images(run: RunFiles, tag: str) -> list[ImageRecord]:
    """The records of an image tag, each with its bytes. Raises CorruptLog when the log has lost a picture."""
    return [
        ImageRecord(entry.step, tag, _milliseconds(entry.time), EncodedImage(entry.blob(entry.decoded.blob)))
        for entry in run.entries("image", tag)
    ]


def read_histograms(run: RunFiles, tag: str) -> list[HistogramRecord]:
    """The records of a histogram tag."""
    return [
        HistogramRecord(entry.step, tag, _milliseconds(entry.time), _bins(entry))
        for entry in run.entries("histogram", tag)
    ]


def _bins(entry: Entry) -> Bins:
    return Bins(tuple(map(float, entry.decoded.counts)), tuple(map(float, entry.decoded.edges)))


def _milliseconds(time: float) -> int:
    return round(time * 1000)
