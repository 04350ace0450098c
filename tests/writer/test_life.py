"""What becomes of writers and handles: threads, forks, other processes, copies, and the end of the program."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from visualdl import LogReader, LogWriter


def test_threads_may_share_a_writer_and_its_handles_and_lose_nothing(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)
    handle = writer.scalar("handle")
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        for step in range(500):
            handle.add_record(step, float(number))
            writer.add_scalar(f"tag{step % 5}", float(number), step)
            if step % 100 == 0:
                writer.add_histogram("histogram", np.arange(10.0), step)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    reader = LogReader(tmp_path)
    assert len(reader.scalar("handle").records()) == 4000
    assert sum(len(reader.scalar(f"tag{number}").records()) for number in range(5)) == 4000
    assert reader.histogram("histogram").num_records() == 40
    records = list(zip(reader.scalar("handle").ids(), reader.scalar("handle").records(), strict=True))
    for number in range(8):  # each thread's own records are in its own order
        assert [step for step, value in records if value == number] == list(range(500))


class LoggingDataset(torch.utils.data.Dataset[int]):
    """A dataset that logs from the workers of its loader, with a writer made in the parent."""

    def __init__(self, writer: LogWriter) -> None:
        self.writer = writer
        self.handle = writer.as_mode("data").scalar("index")

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        self.handle.add_record(index, index)
        self.writer.add_scalar("loaded", index, index)
        return index


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_workers_of_a_data_loader_log_to_files_of_their_own(tmp_path: Path, method: str) -> None:
    writer = LogWriter(tmp_path)
    writer.add_scalar("loaded", -1.0, -1)
    dataset = LoggingDataset(writer)
    # A process that fork()s with other threads alive is warned by Python; the pump thread is one, and is fork-safe.
    loader = torch.utils.data.DataLoader(dataset, num_workers=2, multiprocessing_context=method)
    assert sorted(int(batch) for batch in loader) == list(range(8))
    writer.add_scalar("loaded", 8.0, 8)
    writer.close()
    reader = LogReader(tmp_path)
    assert sorted(reader.scalar("loaded").ids()) == list(range(-1, 9))
    assert sorted(reader.mode("data").scalar("index").ids()) == list(range(8))
    assert len(list(tmp_path.glob("*.vdl"))) == 3


def test_a_fork_while_another_thread_logs_does_not_hang_the_child(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)
    ended = threading.Event()

    def work() -> None:
        number = 0
        while not ended.is_set():
            writer.add_histogram(f"h{number % 50}", [1.0], number)
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(5):
            child = multiprocessing.get_context("fork").Process(target=writer.add_scalar, args=("child", 1.0, number))
            child.start()
            child.join(30)
            assert child.exitcode == 0
    finally:
        ended.set()
        thread.join()
    writer.close()
    assert sorted(LogReader(tmp_path).scalar("child").ids()) == list(range(5))


def test_a_forked_child_does_not_log_the_open_phase_of_its_parent_again(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)
    image = writer.image("a", 1)
    image.start_sampling()
    image.add_sample([1, 1], [1.0])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            image.add_sample([1, 1], [1.0])
            image.finish_sampling()
            image.start_sampling(step=7)  # a phase of its own
            image.add_sample([1, 1], [1.0])
            writer.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    image.finish_sampling()
    writer.close()
    images = LogReader(tmp_path).image("a")
    assert sorted(images.record(phase, 0).step_id() for phase in range(images.num_records())) == [0, 7]


def begin_phase(image: Any, number: int) -> None:
    image.start_sampling(step=number)
    image.add_sample([1, 1], [1.0])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_of_multiprocessing_that_ends_in_a_phase_logs_its_images(tmp_path: Path, method: str) -> None:
    writer = LogWriter(tmp_path)
    image = writer.image("a", 1)
    context: Any = multiprocessing.get_context(method)
    for number in range(2):  # nothing but the phase: no log is open yet when it begins
        child = context.Process(target=begin_phase, args=(image, number))
        child.start()
        child.join(60)
        assert child.exitcode == 0
    writer.close()
    reader = LogReader(tmp_path).image("a")
    assert sorted(reader.record(at, 0).step_id() for at in range(reader.num_records())) == [0, 1]
    assert not list(tmp_path.glob("*.head"))


def test_a_pickled_writer_and_its_handles_log_to_the_same_folder(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, sync_cycle=10)
    with writer.mode("train"):
        things: tuple[Any, ...] = (
            writer.scalar("s"), writer.scalar("i", type="int"), writer.histogram("h", 3), writer.image("p", 2), writer,
        )  # fmt: skip
        things[0].add_record(0, 1.0)
        scalar, whole, histogram, image, other = pickle.loads(pickle.dumps(things))  # noqa: S301  # our own bytes
    scalar.add_record(1, 2.0)
    whole.add_record(0, 3)
    histogram.add_record(0, [1.0, 2.0])
    image.start_sampling()
    image.add_sample([1, 1], [1])
    image.finish_sampling()
    other.add_scalar("by mode", 4.0, 0)
    assert other.sync_cycle == 10
    writer.close()
    other.close()
    reader = LogReader(tmp_path).mode("train")
    assert reader.scalar("s").records() == [1.0, 2.0]
    assert reader.scalar("by mode").records() == [4.0]
    assert reader.tags("image") == ["p"]


def test_a_deep_copy_of_what_holds_a_writer_holds_the_same_writer(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)
    holder = {"writer": writer, "handle": writer.scalar("a")}
    copied = copy.deepcopy(holder)
    assert copied["writer"] is writer
    assert copied["handle"] is holder["handle"]
    writer.close()


def test_a_writer_and_its_files_go_when_nobody_holds_them(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)
    writer.add_scalar("a", 1.0, 0)
    watch = weakref.ref(writer._session)
    del writer
    gc.collect()
    assert watch() is None
    soon = time.monotonic() + 20
    while list(tmp_path.glob("*.head")) and time.monotonic() < soon:
        time.sleep(0.02)  # the log's own thread seals it
    assert not list(tmp_path.glob("*.head"))
    assert LogReader(tmp_path).scalar("a").records() == [1.0]


def test_a_program_that_ends_without_close_loses_nothing_not_even_an_open_phase(tmp_path: Path) -> None:
    script = f"""
import sys
from visualdl import LogWriter
logger = LogWriter({str(tmp_path)!r}, sync_cycle=100)
scalar, image, histogram = logger.scalar("s"), logger.image("i", 1), logger.histogram("h", 10)
for step in range(10):
    scalar.add_record(step, 0.5)
    histogram.add_record(step, [1.0, 2.0])
    image.start_sampling()
    image.add_sample([1, 2], [0, 1])
    if step < 9:
        image.finish_sampling()
raise SystemExit(3)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (3, "")
    reader = LogReader(tmp_path)
    assert reader.scalar("s").ids() == list(range(10))
    assert reader.histogram("h").num_records() == 10
    assert reader.image("i").num_records() == 10


def test_a_folder_that_cannot_be_written_warns_once_and_training_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    writer = LogWriter(tmp_path / "logs")
    os.symlink(tmp_path / "file", tmp_path / "logs")  # became a file after the writer was made
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for step in range(100):
            writer.add_scalar("a", 1.0, step)
            writer.add_histogram("h", [1.0], step)
        writer.flush()
        writer.close()
    assert 1 <= len(warned) <= 2, warned  # when it happened, and what was lost at close()
