"""The image handle of the 1.x dialect: sampling phases, and in each a reservoir of a few of the images that went by."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from visualdl.writer.handles import Handle
from visualdl.writer.later import ImageHalves, image_halves
from visualdl.writer.moments import to_step

if TYPE_CHECKING:
    from random import Random
    from typing import SupportsIndex

    from visualdl.kinds.image import Image
    from visualdl.log.payloads import AppendRecord
    from visualdl.writer.runs import Run

NOT_TAKEN = -1
"""What is_sample_taken() answers for an image that is not to be kept."""


class Reservoir:
    """Chooses `size` of a stream of unknown length so that each item is kept with the same probability.

    It draws from a generator of its own: the global one, which the training may have seeded, is left alone. Equal
    seeds choose alike, so a repeated training keeps the same images.

    seen: how many came so far; 0 begins a new stream, and the random numbers go on.
    """

    def __init__(self, size: int, seed: str) -> None:
        self.size = size
        self.seen = 0
        self._seed = seed
        self._random: Random | None = None

    def place(self) -> int:
        """The slot (0…size - 1) that the next item takes, from whichever item was there, or NOT_TAKEN."""
        self.seen += 1
        if self.seen <= self.size:
            return self.seen - 1
        if self._random is None:
            from random import Random

            self._random = Random(self._seed)  # noqa: S311 - a sample to look at, not a secret
        slot = self._random.randrange(self.seen)
        return slot if slot < self.size else NOT_TAKEN


class ImageHandle(Handle):
    """`LogWriter.image(tag, num_samples, step_cycle)`: up to num_samples images a phase, every step_cycle-th phase.

    A phase is start_sampling(), any number of add_sample(), finish_sampling(). Its step is the number of phases before
    it, as in 1.x, unless start_sampling(step=...) gives one. The images of a phase are logged when it is finished, or
    when the writer is closed in the middle of it, with the time at which it was started.
    """

    __slots__ = ("_appends", "_cycle", "_halves", "_images", "_open", "_phases", "_reservoir", "_started", "_step")

    def __init__(self, run: Run, tag: str, num_samples: int, step_cycle: int) -> None:
        super().__init__(run, tag)
        self._cycle = step_cycle
        self._reservoir = Reservoir(num_samples, f"{run.parts}{tag}")
        self._phases = 0  # finished ones
        self._open = False  # between start_sampling() and finish_sampling()
        self._images: dict[int, Image] | None = None  # of each slot, while a phase is open that is to be logged
        self._step = 0  # what they are logged with
        self._started = 0.0
        self._halves: ImageHalves | None = None
        self._appends: dict[int, AppendRecord] = {}  # of each slot

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), (self._run, self.tag, self._reservoir.size, self._cycle)

    @property
    def num_samples(self) -> int:
        """The most images that a phase keeps."""
        return self._reservoir.size

    def start_sampling(self, *, step: SupportsIndex | None = None) -> None:
        """Begin a phase. step: what its images are logged with, instead of the number of phases before it."""
        run = self._run
        if run.closed:
            run.check_open()
        if self._images is not None:
            self.write()  # a phase that was never finished is not thrown away
        number = self._phases if step is None else to_step(step)
        self._reservoir.seen = 0
        self._open = True
        if self._phases % self._cycle == 0:
            self._step, self._started, self._images = number, time.time(), {}
            run.session.holds_back(self)

    def is_sample_taken(self) -> int:
        """Count one more image of this phase: the slot it should be set_sample() to, or -1 when it is not to be kept.

        The first num_samples are kept, the n-th after them with probability num_samples / n in a random slot. -1 in a
        phase that step_cycle leaves out.
        """
        self._check_open()
        return NOT_TAKEN if self._images is None else self._reservoir.place()

    def set_sample(self, index: SupportsIndex, image_shape: Sequence[int], image_data: Any) -> None:
        """Put an image in a slot of this phase, in place of any that was there.

        index: as is_sample_taken() gave it. image_shape: (height, width) or (height, width, channels), 1 to 3
        channels. image_data: so many numbers, channels fastest, in a tensor, array or list of any shape; copied.
        The values are stretched so that the greatest becomes 255 (with negative ones, 0 becomes 127); NaN is black.

        Raises RuntimeError for a slot, a shape or an amount of data that does not fit, TypeError for what is not
        numbers.
        """
        self._check_open()
        slot = operator.index(index)
        image = self._accepted(image_shape, image_data, keep=self._images is not None)
        if self._images is None:
            return
        if not 0 <= slot < self.num_samples or slot > self._reservoir.seen:
            most = min(self.num_samples - 1, self._reservoir.seen)
            raise RuntimeError(
                f"wanted a slot from 0 to {most} of {self.tag!r}, got {slot}; pass what is_sample_taken() returned, "
                "and only when that is not -1"
            )
        self._images[slot] = image

    def add_sample(self, image_shape: Sequence[int], image_data: Any) -> None:
        """is_sample_taken() and, if it is, set_sample(): the data are checked in any case."""
        slot = self.is_sample_taken()
        image = self._accepted(image_shape, image_data, keep=slot != NOT_TAKEN)
        if self._images is not None and slot != NOT_TAKEN:
            self._images[slot] = image

    def finish_sampling(self) -> None:
        """End the phase and log what it kept."""
        self.write()
        self._open = False
        self._phases += 1

    def forget(self) -> None:
        """Let go of the open phase; it stays open to images, and keeps none."""
        self._images = None

    def _check_open(self) -> None:
        if not self._open:
            raise RuntimeError(f"no sampling phase of {self.tag!r} is open; call start_sampling() before its samples")

    def write(self) -> None:
        """Log the images of the open phase, if there are any; afterwards it is not open to images any more."""
        images, self._images = self._images, None
        if images:
            halves = self._halves or self._get_halves()
            for slot in sorted(images):
                append = self._appends.get(slot) or self._get_append(slot)
                append(self._step, self._started, halves.encode, images[slot], images[slot].nbytes)

    def _accepted(self, shape: Sequence[int], data: Any, *, keep: bool) -> Image:
        """The image, checked; with `keep` a copy of its own, else perhaps a view that must be dropped at once."""
        halves = self._halves or self._get_halves()
        array, owned = halves.to_array(data)
        return halves.accept_sample(shape, array, owned=owned or not keep)

    def _get_halves(self) -> ImageHalves:
        self._halves = image_halves()
        return self._halves

    def _get_append(self, slot: int) -> AppendRecord:
        tag, meta = self.tag, {}
        if self.num_samples > 1:
            tag = f"{self.tag}/{slot}"
            meta = {"sample_of": self.tag, "sample": slot, "samples": self.num_samples}
        append = self._appends[slot] = self._run.record_appender("image", tag, **meta)
        return append


def check_sampling(num_samples: SupportsIndex, step_cycle: SupportsIndex) -> tuple[int, int]:
    """Both as positive ints. Raises RuntimeError (as 1.x) when one is not positive, TypeError when it is no integer."""
    samples, cycle = operator.index(num_samples), operator.index(step_cycle)
    if samples < 1 or cycle < 1:
        raise RuntimeError(f"wanted num_samples and step_cycle of at least 1, got {samples} and {cycle}")
    return samples, cycle
