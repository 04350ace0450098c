"""The 2.x dialect of LogWriter: one call a record, and a block that closes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from visualdl import LogReader, LogWriter
from visualdl.errors import LogClosed
from visualdl.writer.log_writer import NOT_YET

mpl.use("Agg")


def pixels(path: Path, tag: str, index: int = 0) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(BytesIO(LogReader(path).get_image(tag)[index].image.encoded_image_string)))


def test_the_calls_of_the_2x_documentation_run(tmp_path: Path) -> None:
    with LogWriter(
        logdir=str(tmp_path), max_queue=5, flush_secs=1, filename_suffix=".a", display_name="first"
    ) as writer:
        for step in range(3):
            writer.add_scalar(tag="loss", value=step / 2, step=step)
            writer.add_scalar("acc", step, step, walltime=1_600_000_000_000 + step)
            writer.add_image("img", np.full((4, 5, 3), 0.5), step)
            writer.add_histogram(tag="weights", values=np.arange(10), step=step, buckets=5)
        writer.flush()
    reader = LogReader(logdir=str(tmp_path))
    assert reader.get_tags() == {"scalar": ["loss", "acc"], "image": ["img"], "histogram": ["weights"]}
    assert [(record.id, record.value, record.tag) for record in reader.get_scalar("loss")] == [
        (0, 0.0, "loss"), (1, 0.5, "loss"), (2, 1.0, "loss"),
    ]  # fmt: skip
    assert [record.timestamp for record in reader.get_scalar("acc")] == [1_600_000_000_000 + step for step in range(3)]
    assert reader.get_histogram("weights")[0].histogram.hist == (2, 2, 2, 2, 2)
    assert pixels(tmp_path, "img").shape == (4, 5, 3)


def test_its_block_closes_and_a_record_after_close_raises(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        writer.add_scalar("a", 1.0, 0)
    writer.close()  # again is harmless
    records: list[Callable[[], object]] = [
        lambda: writer.add_scalar("a", 1.0, 1),
        lambda: writer.add_scalar("new", 1.0, 1),
        lambda: writer.add_image("b", np.zeros((2, 2, 3)), 1),
        lambda: writer.add_histogram("c", [1.0], 1),
        lambda: writer.mode("train"),
    ]
    for record in records:
        with pytest.raises(LogClosed, match="close"):
            record()


def test_a_mode_block_inside_a_closing_block_does_not_close(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        with writer.mode("train"):
            writer.add_scalar("a", 1.0, 0)
        writer.add_scalar("a", 2.0, 0)
    with pytest.raises(LogClosed):
        writer.add_scalar("a", 3.0, 0)
    assert LogReader(tmp_path).mode("train").get_scalar("a")[0].value == 1.0
    assert LogReader(tmp_path).get_scalar("a")[0].value == 2.0


def test_both_dialects_log_to_the_same_series(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        handle = writer.scalar("loss")
        handle.add_record(0, 1.0)
        writer.add_scalar("loss", 2.0, 1)
    assert LogReader(tmp_path).scalar("loss").records() == [1.0, 2.0]


def test_without_a_logdir_the_run_is_named_by_the_date_and_never_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    writers = [LogWriter(comment="hello"), LogWriter("", "hello"), LogWriter(comment="a/b")]
    names = [Path(writer.logdir).relative_to(tmp_path) for writer in writers]
    assert len(set(names)) == 3
    assert all(name.parts[0] == "runs" for name in names)
    assert re.fullmatch(r"[A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d\.hello(-2)?", names[1].name)
    assert names[2].name.endswith(".a_b")
    for writer in writers:
        writer.close()
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_relative_logdir_stays_where_it_was_when_the_script_changes_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with LogWriter("logs") as writer:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        writer.add_scalar("a", 1.0, 0)
    assert LogReader(tmp_path / "logs").get_tags() == {"scalar": ["a"]}


def test_write_to_disk_false_checks_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with LogWriter(write_to_disk=False, display_name="x") as writer:
        writer.add_scalar("a", 1.0, 0)
        writer.add_scalar("a", 1.0, 1)
        writer.add_image("b", np.zeros((2, 2, 3)), 0)
        writer.add_histogram("c", [1.0], 0)
        writer.add_meta(display_name="y")
        writer.flush()
        with pytest.raises(TypeError):
            writer.add_scalar("a", 1.0, 0.5)  # type: ignore[arg-type]  # what is tested
        with writer.mode("train"):
            loss = writer.scalar("loss")
        loss.add_record(0, 1.0)
        loss.set_caption("caption")
        assert writer.file_name == ""
    with pytest.raises(LogClosed):
        loss.add_record(1, 1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_second_writer_goes_on_in_the_same_folder_as_file_name_did(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as first:
        first.add_scalar("a", 1.0, 0)
    with LogWriter(tmp_path, file_name=first.file_name) as second:
        second.add_scalar("a", 2.0, 1)
    assert first.file_name != second.file_name
    assert LogReader(tmp_path).scalar("a").records() == [1.0, 2.0]
    assert LogReader(file_path=second.file_name).get_scalar("a")[0].value == 2.0


def test_the_reader_sees_what_a_writer_that_is_still_open_has_logged(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)
    writer.add_scalar("a", 1.0, 0)
    assert LogReader(tmp_path).scalar("a").records() == [1.0]
    writer.add_histogram("h", [1.0], 0)
    writer.flush()
    assert LogReader(tmp_path).histogram("h").num_records() == 1
    writer.close()


# ------------------------------------------------------------------------------------------------------------- misuse


def test_a_percent_sign_in_a_tag_is_a_runtime_error(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        records: list[Callable[[], object]] = [
            lambda: writer.add_scalar("a%", 1.0, 0),
            lambda: writer.add_scalars("a%", {"b": 1.0}, 0),
            lambda: writer.add_image("a%", np.zeros((2, 2, 3)), 0),
            lambda: writer.add_histogram("a%", [1.0], 0),
            lambda: writer.add_figure("a%", Figure(), 0),
        ]
        for record in records:
            with pytest.raises(RuntimeError, match="% can't appear in a tag"):
                record()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", [1.0, "1", np.float64(1)])
def test_a_float_step_is_a_type_error_from_the_first_record_on(tmp_path: Path, step: Any) -> None:
    with LogWriter(tmp_path) as writer:
        for _ in range(2):
            records: list[Callable[[], object]] = [
                lambda: writer.add_scalar("a", 1.0, step),
                lambda: writer.add_image("b", np.zeros((2, 2, 3)), step),
                lambda: writer.add_histogram("c", [1.0], step),
            ]
            for record in records:
                with pytest.raises(TypeError):
                    record()
            writer.add_scalar("a", 1.0, 0)
    assert LogReader(tmp_path).scalar("a").ids() == [0, 0]


def test_step_none_counts_as_zero(tmp_path: Path) -> None:
    none: Any = None
    with LogWriter(tmp_path) as writer:
        for _ in range(2):
            writer.add_scalar("a", 1.0, none)
        writer.add_histogram("h", [1.0], none)
    assert LogReader(tmp_path).scalar("a").ids() == [0, 0]


def test_text_of_a_number_is_a_number_and_other_text_is_a_value_error(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        writer.add_scalar("a", "0.5", 0)
        with pytest.raises(ValueError, match="half"):
            writer.add_scalar("a", "half", 1)
    assert LogReader(tmp_path).scalar("a").records() == [0.5]


def test_walltime_may_be_milliseconds_or_seconds_of_any_numeric_type(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        for step, walltime in enumerate((1_700_000_000_123, 1_700_000_000.123, np.float64(1_700_000_000_123))):
            writer.add_scalar("a", 1.0, step, walltime)
        writer.add_scalar("a", 1.0, 3, 1_700_000_000)
        writer.add_histogram("h", [1.0], 0, 1_700_000_000_123)
        writer.add_scalar("now", 1.0, 0)
        for wrong in (float("nan"), float("inf"), -1):
            with pytest.raises(ValueError, match="walltime"):
                writer.add_scalar("a", 1.0, 0, wrong)
        with pytest.raises(TypeError, match="walltime"):
            writer.add_scalar("a", 1.0, 0, "noon")  # type: ignore[arg-type]  # what is tested
    reader = LogReader(tmp_path)
    assert [record.timestamp for record in reader.get_scalar("a")] == [1_700_000_000_123] * 3 + [1_700_000_000_000]
    assert reader.get_histogram("h")[0].timestamp == 1_700_000_000_123
    assert abs(reader.get_scalar("now")[0].timestamp / 1000 - time.time()) < 60


def test_an_address_of_another_machine_and_a_file_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folder on this machine"):
        LogWriter("hdfs://host/logs")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="another logdir"):
        LogWriter(tmp_path / "file")
    with pytest.raises(TypeError, match="display_name"):
        LogWriter(tmp_path, display_name=3)  # type: ignore[arg-type]  # what is tested


# -------------------------------------------------------------------------------------------- images, figures, curves


def test_add_image_never_changes_its_argument_and_never_keeps_it(tmp_path: Path) -> None:
    image = np.array([[[0.0], [1.0]]], np.float32)
    tensor = torch.tensor([[[0.0, 1.0]]], requires_grad=True)
    mask = np.array([[0, 1]], np.uint8)
    with LogWriter(tmp_path) as writer:
        writer.add_image("a", image, 0)
        writer.add_image("b", tensor, 0, dataformats="CHW")
        writer.add_image("c", mask, 0, dataformats="HW")
        assert image.reshape(-1).tolist() == [0.0, 1.0]
        image[:] = 0.5
        with torch.no_grad():
            tensor.fill_(0.5)
        mask[:] = 9
    assert pixels(tmp_path, "a").tolist() == [[0, 255]]
    assert pixels(tmp_path, "b").tolist() == [[0, 255]]
    assert pixels(tmp_path, "c").tolist() == [[0, 1]]


def test_a_batch_becomes_a_grid_and_wrong_letters_are_an_assertion_error(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        writer.add_image("grid", torch.rand(10, 3, 4, 5), 0, dataformats="NCHW")
        with pytest.raises(AssertionError, match="axes"):
            writer.add_image("grid", torch.rand(3, 4, 5), 0, dataformats="NCHW")
    assert pixels(tmp_path, "grid").shape == (8, 40, 3)


def test_a_figure_is_logged_as_it_looks_and_closed_in_pyplot(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(2, 1), dpi=50)
    axes.plot([0, 1])
    own = Figure(figsize=(1, 1), dpi=30, facecolor="red")
    canvas = own.canvas
    with LogWriter(tmp_path) as writer:
        writer.add_figure("figure", figure, 3)
        writer.add_figure("own", own, 3)
        with pytest.raises(TypeError, match=r"give its \.figure"):
            writer.add_figure("axes", axes, 0)
        with pytest.raises(TypeError, match="matplotlib figure"):
            writer.add_figure("axes", "figure", 0)
    assert own.canvas is canvas
    assert plt.get_fignums() == []
    assert pixels(tmp_path, "figure").shape == (50, 100, 4)
    assert pixels(tmp_path, "own")[0, 0].tolist() == [255, 0, 0, 255]


def test_add_scalars_gives_each_name_a_run_with_the_same_tag(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        for step in range(2):
            writer.add_scalars("a/loss", {"train": 1.0, "te/st": 2}, step)
        with pytest.raises(RuntimeError, match="wanted a dict"):
            writer.add_scalars("a/loss", [1.0], 0)  # type: ignore[arg-type]  # what is tested
    reader = LogReader(tmp_path)
    assert sorted(reader.modes()) == ["a_loss_te_st", "a_loss_train"]
    assert reader.mode("a_loss_te_st").scalar("a/loss").records() == [2.0, 2.0]


def test_a_histogram_of_nothing_is_a_value_error(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer, pytest.raises(ValueError, match="at least one value"):
        writer.add_histogram("h", [], 0)


@pytest.mark.parametrize("name", sorted(NOT_YET))
def test_a_call_whose_kind_is_still_missing_says_so(name: str) -> None:
    writer = LogWriter("unused")
    assert not hasattr(writer, name), "so that scripts which look first can go another way"
    with pytest.raises(AttributeError, match=f"{name}.* not in this version"):
        getattr(writer, name)


def test_a_misspelt_call_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'add_scaler'"):
        LogWriter("unused").add_scaler  # type: ignore[attr-defined]  # what is tested  # noqa: B018


def test_a_call_that_is_refused_leaves_no_tag_and_no_folder(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "run") as writer:
        with pytest.raises(TypeError, match="numbers"):
            writer.add_image("x", np.array(["a"]), 0)
        with pytest.raises(ValueError, match="at least one value"):
            writer.add_histogram("x", [], 0)
        with pytest.raises(TypeError, match="step"):
            writer.add_histogram("x", [1.0], 0.5)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()
