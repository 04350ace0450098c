"""The 1.x dialect of LogWriter: what its users wrote still runs, and does what its documentation said."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from visualdl import LogReader, LogWriter
from visualdl.errors import LogClosed


def folders(path: Path) -> list[str]:
    return sorted(child.name for child in path.iterdir() if child.is_dir())


def test_the_calls_of_the_pytorch_tutorial_run_unchanged(tmp_path: Path) -> None:
    logger = LogWriter(str(tmp_path), sync_cycle=100)
    with logger.mode("train"):
        loss = logger.scalar("scalars/scalar_pytorch_train_loss")
        image1 = logger.image("images/image1", 1)
        image2 = logger.image("images/image2", 1)
        histogram0 = logger.histogram("histogram/histogram0", num_buckets=100)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 5), torch.nn.Conv2d(6, 16, 5))
    conv1, conv2 = net[0].weight, net[1].weight
    assert isinstance(conv1, torch.Tensor)
    assert isinstance(conv2, torch.Tensor)
    for step in range(3):
        loss.add_record(step, float(step) / 2)
        histogram0.add_record(step, conv1.view(6 * 3 * 5 * 5, -1))
        image1.start_sampling()
        image1.add_sample([96, 25], conv2.view(16 * 6 * 5 * 5, -1))
        image1.finish_sampling()
        image2.start_sampling()
        image2.add_sample([18, 25], conv1.view(6 * 3 * 5 * 5, -1))
        image2.finish_sampling()
    logger.save()

    assert folders(tmp_path) == ["train"]
    assert not list(tmp_path.glob("*.vdl"))
    reader = LogReader(str(tmp_path)).mode("train")
    assert reader.scalar("scalars/scalar_pytorch_train_loss").records() == [0.0, 0.5, 1.0]
    assert reader.scalar("scalars/scalar_pytorch_train_loss").ids() == [0, 1, 2]
    assert reader.histogram("histogram/histogram0").num_records() == 3
    first = reader.histogram("histogram/histogram0").record(0)
    assert sum(first.instance(i).frequency() for i in range(first.num_instances())) == 450
    assert reader.image("images/image1").num_records() == 3
    assert reader.image("images/image1").record(2, 0).shape() == [96, 25, 1]
    logger.close()


def test_logdir_and_sync_cycle_come_by_position_and_by_1x_name(tmp_path: Path) -> None:
    for writer in (LogWriter(str(tmp_path), 30), LogWriter(dir=str(tmp_path), sync_cycle=30)):
        assert writer.dir == str(tmp_path)
        assert writer.sync_cycle == 30


def test_an_unused_writer_leaves_nothing_behind(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "logs", sync_cycle=10)
    with writer.mode("train") as same:
        assert same is writer
        writer.scalar("a").set_caption("not logged")
        writer.image("b", 1)
    writer.close()
    assert not (tmp_path / "logs").exists()


def test_leaving_a_mode_goes_back_to_the_default_one_and_makes_no_run_of_it(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, sync_cycle=10)
    with writer.mode("train"):
        train = writer.scalar("loss")
    train.add_record(0, 1.0)
    assert not list(tmp_path.glob("*.vdl"))
    writer.scalar("loss").add_record(0, 2.0)
    writer.close()
    assert LogReader(tmp_path).scalar("loss").records() == [2.0]
    assert LogReader(tmp_path).modes() == ["train"]


def test_mode_default_by_name_is_the_logdir_itself(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, sync_cycle=10)
    writer.mode("default").scalar("loss").add_record(0, 2.0)
    writer.close()
    assert folders(tmp_path) == []


def test_leaving_a_mode_does_not_close_even_when_the_block_raises(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, sync_cycle=10)
    kept = []

    def fail_in_a_block() -> None:
        with writer.mode("train"):
            kept.append(writer.scalar("loss"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_a_block()
    kept[0].add_record(0, 1.0)
    writer.close()
    assert LogReader(tmp_path).mode("train").scalar("loss").records() == [1.0]


def test_a_writer_of_the_1x_dialect_is_not_closed_by_its_own_block(tmp_path: Path) -> None:
    with LogWriter(tmp_path, sync_cycle=10) as writer:
        loss = writer.scalar("loss")
    loss.add_record(0, 1.0)
    writer.close()
    with pytest.raises(LogClosed):
        loss.add_record(1, 1.0)


def test_as_mode_is_a_sibling_that_shares_the_logs_and_leaves_the_first_in_its_mode(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, sync_cycle=10)
    train, test = writer.as_mode("train"), writer.as_mode("test")
    assert train is not writer
    train.scalar("loss").add_record(0, 1.0)
    with test as entered:
        assert entered is test
        loss = test.scalar("loss")
    loss.add_record(0, 2.0)
    writer.scalar("loss").add_record(0, 3.0)
    with pytest.raises(RuntimeError, match="already has a handle"):
        writer.mode("train").scalar("loss")
    writer.close()
    reader = LogReader(tmp_path)
    assert [reader.as_mode(mode).scalar("loss").records() for mode in ("train", "test", "default")] == [[1], [2], [3]]


def test_a_handle_outlives_its_writer_and_the_collector(tmp_path: Path) -> None:
    def make() -> Any:
        writer = LogWriter(tmp_path, sync_cycle=10)
        with writer.mode("train"):
            return writer.scalar("loss"), writer.image("image", 1), writer.histogram("histogram", 3)

    loss, image, histogram = make()
    gc.collect()
    for step in range(3):
        loss.add_record(step, 0.5)
        histogram.add_record(step, [1, 2, 3])
        image.start_sampling()
        image.add_sample([1, 2], [0, 1])
        image.finish_sampling()
    gc.collect()
    loss._run.flush()
    reader = LogReader(tmp_path).mode("train")
    assert reader.scalar("loss").ids() == [0, 1, 2]
    assert reader.image("image").num_records() == 3
    assert reader.histogram("histogram").num_records() == 3


def test_everything_is_there_when_writer_and_handles_were_dropped_without_a_word(tmp_path: Path) -> None:
    def train() -> None:
        writer = LogWriter(tmp_path, sync_cycle=10)
        writer.scalar("loss").add_record(0, 0.5)

    train()
    gc.collect()
    assert LogReader(tmp_path).scalar("loss").records() == [0.5]


# ------------------------------------------------------------------------------------------------------------- misuse


@pytest.mark.parametrize("tag", ["a%b", "%", "embedding"])
def test_a_reserved_tag_is_an_assertion_error(tmp_path: Path, tag: str) -> None:
    with pytest.raises(AssertionError, match="reserved"):
        LogWriter(tmp_path, 10).scalar(tag)


@pytest.mark.parametrize("tag", ["with space", "损失", "", "/a/", "a/b/c", "a" * 300, "embedding/1"])
def test_other_tags_are_accepted_whatever_they_hold(tmp_path: Path, tag: str) -> None:
    writer = LogWriter(tmp_path, 10)
    writer.scalar(tag).add_record(0, 1.0)
    writer.close()
    assert LogReader(tmp_path).tags("scalar") == [tag]


@pytest.mark.parametrize("mode", ["a%b", "a/b", "", ".", "..", "a\0b", "a" * 256])
def test_a_mode_that_cannot_be_a_folder_is_an_assertion_error(tmp_path: Path, mode: str) -> None:
    writer = LogWriter(tmp_path, 10)
    for switch in (writer.mode, writer.as_mode):
        with pytest.raises(AssertionError, match="mode"):
            switch(mode)


def test_a_tag_that_is_no_text_is_a_type_error(tmp_path: Path) -> None:
    writer: Any = LogWriter(tmp_path, 10)
    with pytest.raises(TypeError, match="wanted a tag as text, got 3"):
        writer.scalar(3)
    with pytest.raises(TypeError, match="wanted a mode as text"):
        writer.mode(None)


def test_the_same_tag_twice_in_one_mode_is_a_runtime_error_whatever_the_kind(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    writer.scalar("a")
    for again in (lambda: writer.scalar("a"), lambda: writer.image("a", 1), lambda: writer.histogram("a", 10)):
        with pytest.raises(RuntimeError, match=r"mode 'default' already has a handle for the tag 'a' \(scalar\)"):
            again()
    with writer.mode("test"):
        writer.scalar("a")


def test_an_unknown_type_is_a_key_error(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    with pytest.raises(KeyError, match="'float', 'double', 'int'"):
        writer.scalar("a", type="half")
    with pytest.raises(KeyError, match="'float', 'double', 'int'"):
        writer.histogram("a", 10, type="half")


@pytest.mark.parametrize("step", [1.0, np.float32(1), "1", None])
def test_a_step_that_is_no_integer_is_a_type_error(tmp_path: Path, step: Any) -> None:
    writer = LogWriter(tmp_path, 10)
    scalar, histogram, image = writer.scalar("s"), writer.histogram("h", 3), writer.image("i", 1)
    for _ in range(2):  # the first record and the later ones go different ways
        with pytest.raises(TypeError):
            scalar.add_record(step, 1.0)
        scalar.add_record(0, 1.0)
    with pytest.raises(TypeError):
        histogram.add_record(step, [1, 2, 3])
    if step is not None:
        with pytest.raises(TypeError):
            image.start_sampling(step=step)
    writer.close()
    assert LogReader(tmp_path).scalar("s").records() == [1.0, 1.0]


def test_a_step_beyond_64_bits_is_an_overflow_error(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    scalar, histogram = writer.scalar("s"), writer.histogram("h", 3)
    with pytest.raises(OverflowError):
        scalar.add_record(1 << 63, 1.0)
    with pytest.raises(OverflowError):
        histogram.add_record(1 << 63, [1.0])
    writer.close()


@pytest.mark.parametrize("cycle", [0, -1])
def test_a_sync_cycle_below_one_is_a_value_error_and_not_a_crash(tmp_path: Path, cycle: int) -> None:
    with pytest.raises(ValueError, match="sync_cycle"):
        LogWriter(tmp_path, cycle)


def test_two_logdirs_or_two_cycles_are_a_type_error(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="one logdir"):
        LogWriter(tmp_path, dir=tmp_path)
    with pytest.raises(TypeError, match="one sync_cycle"):
        LogWriter(tmp_path, 10, sync_cycle=20)


# ------------------------------------------------------------------------------------------------------------ scalars


def test_steps_are_kept_in_the_order_of_the_calls_negative_and_repeated_ones_too(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    scalar = writer.scalar("a")
    steps = [5, 3, 3, -7, np.int32(9), 2**31, torch.tensor(11)]
    for step in steps:
        scalar.add_record(step, 1.0)
    writer.close()
    assert LogReader(tmp_path).scalar("a").ids() == [5, 3, 3, -7, 9, 2**31, 11]


def test_values_of_any_numeric_type_are_kept_as_float64(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    scalar = writer.scalar("a")
    weight = torch.tensor(0.1, requires_grad=True)
    values = [
        0.1, 1, True, np.float32(0.5), np.float64(0.1), np.int64(3), np.array(2.5), np.array([2.5]), np.array([[2.5]]),
        torch.tensor(2.5), torch.tensor([[2.5]]), weight * 2, torch.tensor(2.5, dtype=torch.bfloat16), 1 << 2000,
    ]  # fmt: skip
    for step, value in enumerate(values):
        scalar.add_record(step, value)
    writer.close()
    wanted = [0.1, 1.0, 1.0, 0.5, 0.1, 3.0, 2.5, 2.5, 2.5, 2.5, 2.5, (weight * 2).item(), 2.5, float("inf")]
    assert LogReader(tmp_path).scalar("a").records() == wanted


def test_nan_and_infinities_are_kept_as_they_are(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    scalar = writer.scalar("a")
    for step, value in enumerate((float("nan"), float("inf"), float("-inf"))):
        scalar.add_record(step, value)
    writer.close()
    records = LogReader(tmp_path).scalar("a").records()
    assert np.isnan(records[0])
    assert records[1:] == [float("inf"), float("-inf")]


@pytest.mark.parametrize("value", ["0.5", None, [1.0, 2.0], np.zeros(2), torch.zeros(2), 1j, object()])
def test_a_value_that_is_not_one_number_is_a_type_error_and_logs_nothing(tmp_path: Path, value: Any) -> None:
    writer = LogWriter(tmp_path, 10)
    scalar = writer.scalar("a")
    with pytest.raises(TypeError):
        scalar.add_record(0, value)
    scalar.add_record(1, 1.0)
    writer.close()
    assert LogReader(tmp_path).scalar("a").ids() == [1]


def test_an_int_scalar_takes_whole_numbers_only(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    scalar = writer.scalar("a", type="int")
    for step, value in enumerate((3, np.int16(4), torch.tensor(5), torch.tensor([6]), np.array([[7]]))):
        scalar.add_record(step, value)
    for wrong in (1.0, np.float32(1), torch.tensor(1.0), "1"):
        with pytest.raises(TypeError, match='type "int"'):
            scalar.add_record(9, wrong)
    scalar.add_record(10, -(1 << 2000))
    writer.close()
    assert LogReader(tmp_path).scalar("a", type="int").records() == [3, 4, 5, 6, 7, float("-inf")]


def test_a_caption_is_read_back_and_is_the_mode_by_default(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    with writer.mode("train"):
        early, late, none = writer.scalar("early"), writer.scalar("late"), writer.scalar("none")
    early.set_caption("before the first record")
    for handle in (early, late, none):
        handle.add_record(0, 1.0)
    late.set_caption("after it")
    with pytest.raises(TypeError, match="caption"):
        late.set_caption(3)  # type: ignore[arg-type]  # what is tested
    unused = writer.as_mode("unused").scalar("never logged")
    writer.close()
    for handle in (late, unused):
        with pytest.raises(LogClosed):
            handle.set_caption("too late")
    reader = LogReader(tmp_path).mode("train")
    captions = [reader.scalar(tag).caption() for tag in ("early", "late", "none")]
    assert captions == ["before the first record", "after it", "train"]


# ---------------------------------------------------------------------------------------------------------- histograms


def test_a_histogram_takes_short_constant_negative_and_odd_data(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    histogram = writer.histogram("h", num_buckets=10)
    for step, data in enumerate(([1, 2], [3.0] * 20, [-1.0, -2.0], [float("nan"), 1.0], torch.zeros(2, 2, 2))):
        histogram.add_record(step, data)
    writer.close()
    reader = LogReader(tmp_path).histogram("h")
    counts = [
        sum(record.instance(i).frequency() for i in range(record.num_instances()))
        for record in map(reader.record, range(reader.num_records()))
    ]
    assert counts == [2, 20, 2, 1, 8]


def test_the_data_of_a_histogram_may_change_after_the_call(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    histogram = writer.histogram("h", num_buckets=1)
    values = torch.ones(1000)
    histogram.add_record(0, values)
    values.fill_(100.0)
    writer.close()
    bucket = LogReader(tmp_path).histogram("h").record(0).instance(0)
    assert bucket.left() <= 1.0 <= bucket.right() < 3.0


def test_an_int_histogram_refuses_floats_and_num_buckets_must_be_positive(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 10)
    histogram = writer.histogram("h", 10, type="int")
    histogram.add_record(0, np.arange(10))
    with pytest.raises(TypeError, match="whole numbers"):
        histogram.add_record(1, np.arange(10.0))
    with pytest.raises(RuntimeError, match="num_buckets"):
        writer.histogram("i", 0)
    with pytest.raises(TypeError):
        writer.histogram("j", 2.5)  # type: ignore[arg-type]  # what is tested
