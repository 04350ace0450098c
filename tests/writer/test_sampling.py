"""Sampling phases of the 1.x image handle: which images are kept, and with which step."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from visualdl import LogReader, LogWriter
from visualdl.errors import LogClosed
from visualdl.writer.sampling import NOT_TAKEN, Reservoir


def phase(image: Any, *values: float, step: int | None = None) -> None:
    """One phase of 1 × 2 images, white on the right, each told apart by its left pixel."""
    image.start_sampling(step=step)
    for value in values:
        image.add_sample([1, 2], [value, 255])
    image.finish_sampling()


def test_the_step_of_a_phase_is_the_number_of_phases_before_it(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    image = writer.image("a", 1)
    for value in (1, 2, 3):
        phase(image, value)
    writer.close()
    reader = LogReader(tmp_path).image("a")
    assert [reader.record(i, 0).step_id() for i in range(reader.num_records())] == [0, 1, 2]
    assert [reader.record(i, 0).data() for i in range(3)] == [[1, 255], [2, 255], [3, 255]]
    assert reader.record(0, 0).shape() == [1, 2, 1]


def test_step_cycle_records_every_so_many_phases_and_keeps_counting(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    image = writer.image("a", 1, step_cycle=3)
    for value in range(7):
        image.start_sampling()
        assert image.is_sample_taken() == (0 if value % 3 == 0 else NOT_TAKEN)
        image.set_sample(0, [1, 2], [value, 255])  # left out by itself in a phase that is not recorded
        image.finish_sampling()
    writer.close()
    reader = LogReader(tmp_path).image("a")
    assert [reader.record(i, 0).step_id() for i in range(reader.num_records())] == [0, 3, 6]
    assert [reader.record(i, 0).data()[0] for i in range(3)] == [0, 3, 6]


def test_a_phase_may_be_given_the_step_of_the_training(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    image = writer.image("a", 1)
    for step in (100, 200):
        phase(image, 7, step=step)
    writer.close()
    reader = LogReader(tmp_path).image("a")
    assert [reader.record(i, 0).step_id() for i in range(2)] == [100, 200]


def test_a_phase_is_not_begun_at_a_step_beyond_64_bits_and_the_writer_still_closes(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    image, scalar = writer.image("a", 1), writer.scalar("s", type="int")
    for step in (1 << 63, -(1 << 63) - 1):
        with pytest.raises(OverflowError, match="64 bits"):
            image.start_sampling(step=step)
    phase(image, 7, step=(1 << 63) - 1)
    scalar.add_record(-(1 << 63), 3)
    writer.close()
    assert LogReader(tmp_path).image("a").record(0, 0).step_id() == (1 << 63) - 1
    assert LogReader(tmp_path).scalar("s").ids() == [-(1 << 63)]


def test_several_samples_are_a_series_each_and_one_tag_of_the_1x_reader(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    image = writer.image("a/b", num_samples=3)
    image.set_caption("crops")
    phase(image, 10, 20, 30)
    phase(image, 40, 50)  # the last slot stays empty
    writer.close()
    reader = LogReader(tmp_path)
    assert reader.get_tags() == {"image": ["a/b/0", "a/b/1", "a/b/2"]}
    assert reader.tags("image") == ["a/b"]
    images = reader.image("a/b")
    assert (images.num_records(), images.num_samples(), images.caption()) == (2, 3, "crops")
    assert [images.record(0, slot).data()[:1] for slot in range(3)] == [[10], [20], [30]]
    assert [images.record(1, slot).data()[:1] for slot in range(3)] == [[40], [50], []]
    assert images.record(1, 2).shape() == []
    assert images.record(1, 2).step_id() == 1
    assert images.timestamp(0) <= images.timestamp(1)


def test_a_reservoir_keeps_every_item_with_the_same_probability() -> None:
    kept: Counter[int] = Counter()
    reservoir = Reservoir(3, "a")
    for _ in range(4000):
        reservoir.seen = 0
        slots: dict[int, int] = {}
        for item in range(8):
            slot = reservoir.place()
            assert NOT_TAKEN <= slot < 3
            if slot != NOT_TAKEN:
                slots[slot] = item
        kept.update(slots.values())
    # 4000 * 3/8 = 1500 each; the standard deviation is 31, and the generator's seed is fixed
    assert all(1300 < kept[item] < 1700 for item in range(8)), kept


def test_sampling_is_repeatable_and_leaves_the_global_generators_alone(tmp_path: Path) -> None:
    def places() -> list[int]:
        image = LogWriter(tmp_path, 10).image("a", 2)
        image.start_sampling()
        return [image.is_sample_taken() for _ in range(50)]

    before = random.getstate(), torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]
    first = places()
    assert first[:2] == [0, 1]
    assert first == places()
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert np.random.get_state()[1].tolist() == before[2]  # type: ignore[index]


def test_an_image_that_took_a_slot_replaces_the_one_before(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    image = writer.image("a", 1)
    image.start_sampling()
    image.set_sample(0, [1, 2], [1, 255])
    image.set_sample(0, [1, 2], [2, 255])
    image.finish_sampling()
    writer.close()
    reader = LogReader(tmp_path).image("a")
    assert reader.num_records() == 1
    assert reader.record(0, 0).data() == [2, 255]


def test_a_phase_that_was_not_finished_is_logged_when_the_next_begins_and_at_close(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    image = writer.image("a", 1)
    for value in (1, 2):
        image.start_sampling()
        image.add_sample([1, 2], [value, 255])
    writer.close()
    reader = LogReader(tmp_path).image("a")
    assert [reader.record(i, 0).data()[0] for i in range(reader.num_records())] == [1, 2]


def test_a_phase_after_close_is_refused(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    image = writer.image("a", 1)
    writer.close()
    with pytest.raises(LogClosed):
        image.start_sampling()


def test_the_pixels_are_copied_when_they_are_added(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    image = writer.image("a", 1)
    pixels = torch.tensor([[10.0], [255.0]])
    image.start_sampling()
    image.add_sample([1, 2], pixels)
    pixels.fill_(0.0)
    image.finish_sampling()
    writer.close()
    assert pixels.tolist() == [[0.0], [0.0]]
    assert LogReader(tmp_path).image("a").record(0, 0).data() == [10, 255]


def test_samples_outside_a_phase_are_a_runtime_error(tmp_path: Path) -> None:
    image = LogWriter(tmp_path, 10).image("a", 1)
    calls = (
        lambda: image.add_sample([1, 1], [0]),
        lambda: image.set_sample(0, [1, 1], [0]),
        lambda: image.is_sample_taken(),
    )
    for _ in range(2):  # before the first phase, and after one
        for call in calls:
            with pytest.raises(RuntimeError, match=r"call start_sampling\(\)"):
                call()
        phase(image, 1)


@pytest.mark.parametrize(
    ("shape", "data"),
    [([2, 2], [1, 2, 3]), ([4], [1, 2, 3, 4]), ([1, 1, 4], [1, 2, 3, 4]), ([0, 2], []), ([1, 1, 1, 1], [1])],
)
def test_a_shape_that_no_image_has_or_that_does_not_fit_is_a_runtime_error(
    tmp_path: Path, shape: list[int], data: list[float]
) -> None:
    writer = LogWriter(tmp_path, 10)
    for image in (writer.image("taken", 1), writer.image("left out", 1, step_cycle=2)):
        phase(image)
        image.start_sampling()
        with pytest.raises(RuntimeError):
            image.add_sample(shape, data)
    writer.close()


def test_a_slot_that_is_not_there_is_a_runtime_error(tmp_path: Path) -> None:
    image = LogWriter(tmp_path, 10).image("a", 3)
    image.start_sampling()
    for index in (-1, 1, 3):
        with pytest.raises(RuntimeError, match="wanted a slot from 0 to 0"):
            image.set_sample(index, [1, 1], [0])


def test_a_shape_of_floats_and_data_that_are_no_numbers_are_type_errors(tmp_path: Path) -> None:
    image: Any = LogWriter(tmp_path, 10).image("a", 1)
    image.start_sampling()
    with pytest.raises(TypeError):
        image.add_sample([1.0, 2.0], [0, 1])
    with pytest.raises(TypeError):
        image.add_sample([1, 2], ["a", "b"])


@pytest.mark.parametrize(("samples", "cycle"), [(0, 1), (1, 0), (-1, 1)])
def test_num_samples_and_step_cycle_must_be_positive(tmp_path: Path, samples: int, cycle: int) -> None:
    with pytest.raises(RuntimeError, match="at least 1"):
        LogWriter(tmp_path, 10).image("a", samples, cycle)
