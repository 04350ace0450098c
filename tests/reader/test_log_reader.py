"""LogReader in both dialects: what it answers for our own logs, whole, growing, resumed or not there at all."""

from __future__ import annotations

import pickle
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from visualdl import LogReader, LogWriter


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Two modes and the logdir itself, each with something of its own."""
    writer = LogWriter(tmp_path, sync_cycle=10, display_name="first")
    with writer.mode("train"):
        loss, weights, crops = writer.scalar("loss"), writer.histogram("weights", 4), writer.image("crops", 2)
    with writer.mode("test"):
        accuracy = writer.scalar("accuracy")
    for step in range(5):
        loss.add_record(step * 10, step / 2)
        weights.add_record(step * 10, np.arange(step + 1))
        accuracy.add_record(step, step)
        crops.start_sampling()
        crops.add_sample([2, 2, 3], np.full(12, 7.0))
        crops.finish_sampling()
    writer.add_scalar("top", 1.5, 0, walltime=1_600_000_000_250)
    writer.close()
    return tmp_path


def test_modes_come_in_the_order_of_their_first_records_without_default(logs: Path) -> None:
    assert LogReader(logs).modes() == ["train", "test"]
    assert LogReader(dir=str(logs)).modes() == ["train", "test"]


def test_mode_returns_itself_and_its_block_ends_in_default_and_as_mode_is_another(logs: Path) -> None:
    reader = LogReader(logs)
    with reader.mode("train") as same:
        assert same is reader
        assert reader.tags("scalar") == ["loss"]
    assert reader.tags("scalar") == ["top"]
    other = reader.as_mode("test")
    assert other is not reader
    assert other.tags("scalar") == ["accuracy"]
    assert other.dir == reader.dir == str(logs)


def test_tags_are_empty_when_only_other_modes_have_some_and_an_error_when_none_has(logs: Path) -> None:
    reader = LogReader(logs).mode("test")
    assert reader.tags("image") == []
    for nothing in ("audio", "nonsense"):
        with pytest.raises(RuntimeError, match="scalar, image, histogram"):
            reader.tags(nothing)


def test_a_scalar_is_read_with_steps_times_and_caption(logs: Path) -> None:
    loss = LogReader(logs).mode("train").scalar("loss")
    assert loss.records() == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert loss.ids() == [0, 10, 20, 30, 40]
    assert loss.timestamps() == sorted(loss.timestamps())
    assert loss.caption() == "train"
    top = LogReader(logs).scalar("top")
    assert (top.timestamps(), top.caption()) == ([1_600_000_000.25], "default")
    whole = LogReader(logs).mode("test").scalar("accuracy", type="int").records()
    assert whole == [0, 1, 2, 3, 4]
    assert all(isinstance(value, int) for value in whole)


def test_every_histogram_is_read_the_last_one_too(logs: Path) -> None:
    weights = LogReader(logs).mode("train").histogram("weights")
    assert weights.num_records() == 5
    last = weights.record(4)
    assert (last.step(), last.num_instances()) == (40, 4)
    assert last.timestamp() >= weights.record(0).timestamp()
    buckets = [last.instance(number) for number in range(4)]
    assert [(bucket.left(), bucket.right(), bucket.frequency()) for bucket in buckets] == [
        (0, 1, 1), (1, 2, 1), (2, 3, 1), (3, 4, 2),
    ]  # fmt: skip


def test_images_are_read_phase_by_phase_and_slot_by_slot(logs: Path) -> None:
    crops = LogReader(logs).mode("train").image("crops")
    assert (crops.num_records(), crops.num_samples(), crops.caption()) == (5, 2, "crops")
    record = crops.record(4, 0)
    assert (record.shape(), record.data(), record.step_id()) == ([2, 2, 3], [255] * 12, 4)
    assert (crops.record(4, 1).shape(), crops.record(4, 1).data()) == ([], [])


def test_a_number_past_the_end_is_an_index_error_that_says_how_many_there_are(logs: Path) -> None:
    reader = LogReader(logs).mode("train")
    calls: list[Any] = [
        lambda: reader.histogram("weights").record(5),
        lambda: reader.histogram("weights").record(-1),
        lambda: reader.image("crops").record(5, 0),
        lambda: reader.image("crops").timestamp(5),
    ]
    for call in calls:
        with pytest.raises(IndexError, match="there are 5, 0 to 4"):
            call()
    with pytest.raises(IndexError, match="there are 2, 0 to 1"):
        reader.image("crops").record(0, 2)
    with pytest.raises(IndexError, match="there are 4, 0 to 3"):
        reader.histogram("weights").record(0).instance(4)


def test_images_of_one_sample_with_equal_step_and_time_are_all_read(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        for shade in (10, 20):
            writer.add_image("a", np.full((1, 2, 2), shade), 5, walltime=1_600_000_000_000)
    images = LogReader(tmp_path).image("a")
    assert [images.record(number, 0).data() for number in range(images.num_records())] == [[10] * 4, [20] * 4]
    assert images.record(0, 0).shape() == [1, 2, 2]


def test_a_run_resumed_with_another_number_of_samples_is_read_whole(tmp_path: Path) -> None:
    for samples in (1, 3, 2):
        writer = LogWriter(tmp_path, sync_cycle=10)
        image = writer.image("a", samples)
        image.start_sampling(step=samples)
        for _ in range(samples):
            image.add_sample([1, 1], [1])
        image.finish_sampling()
        writer.close()
    images = LogReader(tmp_path).image("a")
    assert (images.num_records(), images.num_samples()) == (3, 3)
    there = [[images.record(phase, slot).data() for slot in range(3)] for phase in range(3)]
    assert there == [[[255], [], []], [[255], [255], [255]], [[255], [255], []]]
    assert [images.record(phase, 0).step_id() for phase in range(3)] == [1, 3, 2]


def test_a_missing_tag_is_a_runtime_error_that_names_those_there_are(logs: Path) -> None:
    reader = LogReader(logs).mode("train")
    for missing in (lambda: reader.scalar("los"), lambda: reader.image("loss")):
        with pytest.raises(RuntimeError, match="there: '"):
            missing()
    with pytest.raises(RuntimeError, match="there: none"):
        LogReader(logs).mode("nowhere").histogram("a")
    with pytest.raises(KeyError, match="'float', 'double', 'int'"):
        reader.scalar("loss", type="half")


def test_a_reserved_character_in_a_mode_is_an_assertion_error(logs: Path) -> None:
    for mode in ("a%b", "a/b"):
        with pytest.raises(AssertionError, match="reserved"):
            LogReader(logs).mode(mode)


def test_the_2x_calls_give_records_with_the_names_of_their_fields(logs: Path) -> None:
    reader = LogReader(logdir=str(logs)).mode("train")
    assert reader.get_tags() == {"scalar": ["loss"], "histogram": ["weights"], "image": ["crops/0"]}
    assert [(record.id, record.tag, record.value) for record in reader.get_data("scalar", "loss")[:2]] == [
        (0, "loss", 0.0), (10, "loss", 0.5),
    ]  # fmt: skip
    histogram = reader.get_data("histogram", "weights")[4].histogram
    assert (histogram.hist, histogram.bin_edges) == ((1, 1, 1, 2), (0, 1, 2, 3, 4))
    picture = Image.open(BytesIO(reader.get_data("image", "crops/0")[0].image.encoded_image_string))
    assert (picture.format, picture.size) == ("PNG", (2, 2))
    assert LogReader(logs).get_scalar("top")[0].timestamp == 1_600_000_000_250
    assert reader.get_data("scalar", "no such tag") == []
    assert reader.get_data("no such component", "loss") == []


def test_a_resumed_run_is_read_as_one_and_each_file_by_itself(tmp_path: Path) -> None:
    names = []
    for start in (0, 3):
        with LogWriter(tmp_path) as writer:
            for step in range(start, start + 4):
                writer.add_scalar("a", step + start / 10, step)
            names.append(writer.file_name)
    reader = LogReader(tmp_path)
    assert reader.scalar("a").ids() == [0, 1, 2, 3, 3, 4, 5, 6]
    assert [LogReader(file_path=name).scalar("a").ids() for name in names] == [[0, 1, 2, 3], [3, 4, 5, 6]]
    assert LogReader(file_path=names[0]).modes() == []


def test_each_call_reads_what_has_been_logged_by_then(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)
    reader = LogReader(tmp_path)
    for step in range(3):
        writer.add_scalar("a", 1.0, step)
        assert reader.scalar("a").ids() == list(range(step + 1))
    before = reader.scalar("a")
    writer.add_scalar("a", 1.0, 3)
    assert before.ids() == [0, 1, 2]  # an answer is a snapshot
    writer.close()


def test_what_was_read_once_is_not_read_again_however_many_files_a_run_has(tmp_path: Path) -> None:
    for rank in range(8):
        with LogWriter(str(tmp_path)) as writer:
            writer.add_scalar("loss", float(rank), rank)
    reader = LogReader(str(tmp_path))
    first = [record.value for record in reader.get_scalar("loss")]
    for path in tmp_path.glob("*.vdl"):
        path.write_bytes(bytes(path.stat().st_size))
    assert [record.value for record in reader.get_scalar("loss")] == first == [float(rank) for rank in range(8)]


def test_a_reader_that_has_read_may_be_pickled(logs: Path) -> None:
    reader = LogReader(str(logs)).mode("train")
    tags = reader.get_tags()
    copy = pickle.loads(pickle.dumps(reader))  # noqa: S301 - what was pickled is known
    assert (repr(copy), copy.get_tags()) == (repr(reader), tags)


def test_reading_changes_nothing_on_disk(logs: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in logs.rglob("*")}
    reader = LogReader(logs).mode("train")
    reader.scalar("loss"), reader.image("crops"), reader.histogram("weights"), reader.get_tags()
    assert before == {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in logs.rglob("*")}


def test_a_path_that_is_not_there_or_is_not_a_log_is_told_at_the_first_question(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        LogReader(tmp_path / "nowhere").get_tags()
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(FileNotFoundError, match="give it as file_path"):
        LogReader(tmp_path / "file.txt").get_tags()
    with pytest.raises(ValueError, match=r"wanted a \.vdl file"):
        LogReader(file_path=tmp_path / "file.txt").get_tags()
    with pytest.raises(FileNotFoundError, match="none at"):
        LogReader(file_path=tmp_path / "none.vdl").get_tags()
    with pytest.raises(TypeError, match="give one"):
        LogReader()
    with pytest.raises(TypeError, match="give one"):
        LogReader(tmp_path, file_path=tmp_path)
    assert LogReader(tmp_path).get_tags() == {}
