"""What the 1.x calls of LogReader return: snapshots of one tag, with 1.x's methods."""

from __future__ import annotations

from dataclasses import dataclass

from visualdl.reader.run import Entry, Rows, pixels


class ScalarReader:
    """The records of one scalar tag, in the order in which they were logged."""

    def __init__(self, rows: Rows, caption: str, whole: bool) -> None:
        self._rows = rows
        self._caption = caption
        self._whole = whole

    def records(self) -> list[float]:
        """The values; whole numbers as int when the reader was asked for type "int"."""
        values: list[float] = self._rows.value.tolist()
        return [int(value) if self._whole and value.is_integer() else value for value in values]

    def ids(self) -> list[int]:
        """The steps."""
        steps: list[int] = self._rows.step.tolist()
        return steps

    def timestamps(self) -> list[float]:
        """The times in seconds since 1970, with their fraction."""
        times: list[float] = self._rows.time.tolist()
        return times

    def caption(self) -> str:
        """The caption that was set; the mode by default."""
        return self._caption


@dataclass(frozen=True)
class HistogramInstance:
    """One bucket: from `left()` up to `right()`, with `frequency()` values in it."""

    edges: tuple[float, float]
    count: int

    def left(self) -> float:
        return self.edges[0]

    def right(self) -> float:
        return self.edges[1]

    def frequency(self) -> int:
        return self.count


class HistogramRecord:
    """One histogram: its step, its time, its buckets."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def step(self) -> int:
        return self._entry.step

    def timestamp(self) -> float:
        """Seconds since 1970, with their fraction."""
        return self._entry.time

    def num_instances(self) -> int:
        """The number of buckets; 0 when no value was finite."""
        return len(self._entry.decoded.counts)

    def instance(self, index: int) -> HistogramInstance:
        """One bucket. Raises IndexError when there is none of that number."""
        check_index(index, self.num_instances(), "bucket")
        edges, counts = self._entry.decoded.edges, self._entry.decoded.counts
        return HistogramInstance((float(edges[index]), float(edges[index + 1])), int(counts[index]))


class HistogramReader:
    """The records of one histogram tag; all of them, where 1.x hid the last."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries

    def num_records(self) -> int:
        return len(self._entries)

    def record(self, index: int) -> HistogramRecord:
        """One histogram. Raises IndexError when there is none of that number."""
        check_index(index, len(self._entries), "record")
        return HistogramRecord(self._entries[index])


class ImageRecord:
    """One slot of one sampling phase: its image, or nothing when the slot stayed empty."""

    def __init__(self, step: int, entry: Entry | None) -> None:
        self._step = step
        self._entry = entry

    def data(self) -> list[int]:
        """The pixels, 0…255, row after row, channels fastest; [] for an empty slot."""
        if self._entry is None:
            return []
        values: list[int] = pixels(self._entry).reshape(-1).tolist()
        return values

    def shape(self) -> list[int]:
        """[height, width, channels]; [] for an empty slot."""
        if self._entry is None:
            return []
        about = self._entry.decoded
        return [about.height, about.width, about.channels]

    def step_id(self) -> int:
        """The step of the phase: the number of phases before it, unless it was given one."""
        return self._step


class ImageReader:
    """The phases of one image tag, each with num_samples() slots."""

    def __init__(self, slots: dict[int, list[Entry]], samples: int, caption: str) -> None:
        """slots: the images of each of the `samples` slots that has some."""
        self._caption = caption
        self._samples = samples
        self._phases = [{0: entry} for entry in slots.get(0, ())] if samples == 1 else _phases(slots)

    def caption(self) -> str:
        """The caption that was set; the tag by default."""
        return self._caption

    def num_records(self) -> int:
        """The number of phases with an image."""
        return len(self._phases)

    def num_samples(self) -> int:
        """The number of slots of a phase."""
        return self._samples

    def record(self, step_offset: int, sample_index: int) -> ImageRecord:
        """A slot of the step_offset-th phase, of those with an image. Raises IndexError when there is none."""
        check_index(step_offset, len(self._phases), "record")
        check_index(sample_index, self._samples, "sample")
        phase = self._phases[step_offset]
        return ImageRecord(next(iter(phase.values())).step, phase.get(sample_index))

    def timestamp(self, step_offset: int) -> float:
        """When the phase was started, in seconds since 1970. Raises IndexError when there is none."""
        check_index(step_offset, len(self._phases), "record")
        return next(iter(self._phases[step_offset].values())).time


def _phases(slots: dict[int, list[Entry]]) -> list[dict[int, Entry]]:
    """The images of each phase by their slot. What one phase logged has one time and one step."""
    found: dict[tuple[float, int], dict[int, Entry]] = {}
    for slot, entries in slots.items():
        for entry in entries:
            found.setdefault((entry.time, entry.step), {})[slot] = entry
    return [found[moment] for moment in sorted(found)]


def check_index(index: int, count: int, what: str) -> None:
    """Raises IndexError that says how many there are."""
    if not 0 <= index < count:
        there = f"there are {count}, 0 to {count - 1}" if count else "there is none"
        raise IndexError(f"wanted {what} {index}, but {there}")
