"""Writing: what was logged is read back, nothing is there before the first record, and misuse is told at the call."""

from __future__ import annotations

import errno
import gc
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import numpy as np
import pytest

from visualdl.errors import LogClosed
from visualdl.log import lifetime
from visualdl.log.columns import encode_rows
from visualdl.log.filesystem import Mode
from visualdl.log.frame_file import FrameFile
from visualdl.log.head import Ring
from visualdl.log.payloads import Payloads
from visualdl.log.reader import FileSet, find_file_sets
from visualdl.log.writer import Closed, Log

Read = Callable[[Path], dict[str, tuple[Any, Any]]]
DURABILITIES: list[Literal["mmap", "pwrite"]] = ["mmap", "pwrite"]


def reader_of(log: Log) -> FileSet:
    reader = FileSet(log.path)
    reader.refresh()
    return reader


def test_writing_loads_no_numpy_before_or_after() -> None:
    code = (
        "import sys, tempfile; from visualdl.log.writer import Log; assert 'numpy' not in sys.modules\n"
        "with tempfile.TemporaryDirectory() as where:\n"
        "    log = Log(where); append = log.row_appender(log.tag('scalar', 'x'))\n"
        "    for i in range(50_000): append(i, i / 3)\n"
        "    assert log.close().rows == 50_000\n"
        "assert 'numpy' not in sys.modules and 'ctypes' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unused_writer_leaves_nothing_behind(tmp_path: Path) -> None:
    log = Log(tmp_path / "run")
    log.row_appender(log.tag("scalar", "loss"))
    log.flush()
    assert log.close() == Closed(0, 0, 0)
    assert not (tmp_path / "run").exists()
    assert log.path.parent == tmp_path / "run"


@pytest.mark.parametrize("durability", DURABILITIES)
def test_rows_are_read_back_in_order_with_every_bit(
    tmp_path: Path, durability: Literal["mmap", "pwrite"], read: Read
) -> None:
    log = Log(tmp_path, durability=durability, ring_rows=1024)
    appenders = [log.row_appender(log.tag("scalar", f"tag {i}")) for i in range(3)]
    values = np.random.default_rng(0).integers(0, 2**64, 5000, dtype=np.uint64).view(np.float64)
    for i, value in enumerate(values.tolist()):
        appenders[i % 3](i, value)
    assert log.close() == Closed(5000, 0, 0)
    found = read(tmp_path)
    for i in range(3):
        step, value = found[f"tag {i}"]
        assert step.tolist() == list(range(i, 5000, 3))
        np.testing.assert_array_equal(value.view(np.uint64), np.array(values.tolist())[i::3].view(np.uint64))
    assert [path.suffix for path in tmp_path.iterdir()] == [".vdl"]


@pytest.mark.parametrize("durability", DURABILITIES)
def test_a_flushed_row_is_visible_while_the_log_is_open(tmp_path: Path, durability: Literal["mmap", "pwrite"]) -> None:
    log = Log(tmp_path, durability=durability)
    append = log.row_appender(log.tag("scalar", "loss"))
    reader = None
    for i in range(50):
        append(i, float(i), time=1000.5 + i)
        log.flush()
        reader = reader or FileSet(log.path)
        reader.refresh()
        step, seconds, value = reader.rows(0)
        assert (len(step), step[-1], seconds[-1], value[-1]) == (i + 1, i, 1000.5 + i, float(i))
        assert reader.live
    log.close()


def test_mapped_rows_are_visible_without_a_flush(tmp_path: Path) -> None:
    log = Log(tmp_path, durability="mmap")
    append = log.row_appender(log.tag("scalar", "loss"))
    append(1, 2.0)
    reader = reader_of(log)
    append(2, 3.0)
    assert reader.refresh() == {0}
    assert reader.rows(0)[2].tolist() == [2.0, 3.0]
    log.close()


def test_pwrite_mode_shows_rows_by_itself_before_long(tmp_path: Path) -> None:
    log = Log(tmp_path, durability="pwrite")
    append = log.row_appender(log.tag("scalar", "loss"))
    reader = FileSet(log.path)
    for i in range(3):
        append(i, 1.0)
        while reader.count(0) <= i:  # the test's own time limit ends this if it never comes
            time.sleep(0.01)
            reader.refresh()
    log.close()


def test_a_time_is_the_same_from_head_and_frame(tmp_path: Path) -> None:
    log = Log(tmp_path)
    append = log.row_appender(log.tag("scalar", "loss"))
    times = [1.7e9 + i * 0.1234567 for i in range(100)]
    for i, moment in enumerate(times):
        append(i, 1.0, moment)
    reader = reader_of(log)
    from_head = reader.rows(0)[1].tolist()
    log.close()
    reader.refresh()
    assert reader.rows(0)[1].tolist() == from_head
    np.testing.assert_allclose(from_head, times, rtol=0, atol=1e-6)


def test_the_same_tag_has_one_id_and_a_later_call_adds_to_it(tmp_path: Path) -> None:
    log = Log(tmp_path)
    first = log.tag("scalar", "损失 \udc80 %")
    assert log.tag("scalar", "损失 \udc80 %") == first
    assert log.tag("image", "损失 \udc80 %") != first
    log.row_appender(first)(0, 1.0)
    assert log.tag("scalar", "损失 \udc80 %", unit="nats") == first
    assert log.tag("scalar", "损失 \udc80 %", caption="x") == first
    for close in (False, True):
        if close:
            log.close()
        reader = reader_of(log)
        assert reader.tags[first].name == "损失 \udc80 %"
        assert dict(reader.tags[first].meta) == {"unit": "nats", "caption": "x"}


def test_metadata_is_merged_and_makes_the_files(tmp_path: Path) -> None:
    log = Log(tmp_path / "a" / "b")
    log.meta(display_name="一", buckets=30)
    log.meta(buckets=10, nested={"list": [1, None, "x"]})
    assert reader_of(log).meta == {"display_name": "一", "buckets": 10, "nested": {"list": [1, None, "x"]}}
    with pytest.raises(TypeError):
        log.meta(bad=object())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="JSON"):
        log.meta(bad=float("nan"))
    log.close()


def test_misuse_is_told_at_the_call(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="durability"):
        Log(tmp_path, durability="fast")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="when_full"):
        Log(tmp_path, when_full="explode")  # type: ignore[arg-type]
    for rows in (0, 3, 1 << 23):
        with pytest.raises(ValueError, match="power of two"):
            Log(tmp_path, ring_rows=rows)
    log = Log(tmp_path)
    with pytest.raises(KeyError, match="never given"):
        log.row_appender(0)
    tag = log.tag("image", "x")
    with pytest.raises(OverflowError):
        log.append(tag, 2**63, None, lambda: (b"", ()), 0)
    with pytest.raises(TypeError):
        log.append(tag, 1.5, None, lambda: (b"", ()), 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="time"):
        log.append(tag, 1, float("nan"), lambda: (b"", ()), 0)
    append = log.row_appender(tag)
    with pytest.raises(TypeError):
        append("1", 1.0)
    append(1, 1.0)
    assert log.close() == Closed(1, 0, 0)


def test_after_close_everything_that_logs_raises_and_close_tells_the_same(tmp_path: Path) -> None:
    for used in (False, True):
        log = Log(tmp_path)
        append = log.row_appender(log.tag("scalar", "loss"))
        if used:
            append(1, 1.0)
        closed = log.close()
        assert log.closed
        for call in (
            partial(append, 2, 2.0),
            partial(log.append, 0, 1, None, lambda: (b"", ()), 0),
            partial(log.meta, x=1),
        ):
            with pytest.raises(LogClosed):
                call()
        log.flush()
        assert log.close() == closed == Closed(int(used), 0, 0)


# ---------------------------------------------------------------------------------------------------- payloads


def test_payload_records_come_back_with_their_blobs(tmp_path: Path) -> None:
    log = Log(tmp_path)
    tag = log.tag("image", "photo")
    for i in range(20):
        log.append(tag, i, 100.0 + i, lambda i=i: (b"payload %d" % i, [b"same" * 50, b"blob %d" % i]), 300)  # type: ignore[misc]
    log.flush()
    reader = reader_of(log)
    step, seconds = reader.record_index(tag)
    assert step.tolist() == list(range(20))
    assert seconds.tolist() == [100.0 + i for i in range(20)]
    for i, record in enumerate(reader.records(tag, slice(None))):
        assert record.payload == b"payload %d" % i
        assert [reader.blob(where) for where in record.blobs] == [b"same" * 50, b"blob %d" % i]
    assert log.close() == Closed(0, 20, 0)
    assert log.path.read_bytes().count(b"same" * 50) == 1


def test_encoding_runs_on_the_pump_thread(tmp_path: Path) -> None:
    log = Log(tmp_path)
    seen: list[threading.Thread] = []
    log.append(log.tag("image", "x"), 0, None, lambda: (seen.append(threading.current_thread()), (b"", ()))[1], 0)  # type: ignore[func-returns-value]
    log.close()
    assert seen[0] is not threading.current_thread()


def test_an_encoding_that_fails_is_told_once_and_kills_nothing(tmp_path: Path) -> None:
    log = Log(tmp_path)
    tag = log.tag("image", "x")

    def fail(error: BaseException) -> Callable[[], tuple[bytes, tuple[bytes, ...]]]:
        def encode() -> tuple[bytes, tuple[bytes, ...]]:
            raise error

        return encode

    with pytest.warns(RuntimeWarning, match="could not be encoded: ZeroDivisionError") as warned:  # noqa: PT031
        log.append(tag, 0, None, fail(ZeroDivisionError("nothing")), 10)
        log.append(tag, 1, None, lambda: (b"good", ()), 10)
        log.append(tag, 2, None, fail(SystemExit(3)), 10)
        log.append(tag, 3, None, lambda: ("text", ()), 10)  # type: ignore[arg-type,return-value]
        log.flush()
    assert len(warned) == 1
    assert log.dropped == 3
    assert reader_of(log).record_index(tag)[0].tolist() == [1]
    closed = log.close()
    assert (closed.records, closed.dropped) == (1, 3)
    assert closed.reasons[0] == "1 dropped: a record could not be encoded: ZeroDivisionError: nothing"
    assert reader_of(log).dropped == 3


def test_a_full_queue_makes_the_caller_wait_or_drops_and_counts(tmp_path: Path) -> None:
    gate = threading.Event()

    def slow() -> tuple[bytes, tuple[bytes, ...]]:
        gate.wait()
        return b"x", ()

    log = Log(tmp_path / "drop", queue_bytes=2000, when_full="drop")
    tag = log.tag("image", "x")
    for i in range(10):
        log.append(tag, i, None, slow, 400)
    gate.set()
    closed = log.close()
    assert (closed.records, closed.dropped) == (2, 8)
    assert closed.reasons == ("8 dropped: the disk was slower than the training",)

    gate.clear()
    log = Log(tmp_path / "wait", queue_bytes=2000)
    tag = log.tag("image", "x")
    done: list[None] = []
    caller = threading.Thread(target=lambda: [done.append(log.append(tag, i, None, slow, 400)) for i in range(10)])  # type: ignore[func-returns-value]
    caller.start()
    while len(done) < 2:
        time.sleep(0.001)
    assert len(done) == 2
    gate.set()
    caller.join()
    assert log.close() == Closed(0, 10, 0)


def test_a_record_larger_than_the_queue_is_taken_when_it_is_alone(tmp_path: Path) -> None:
    log = Log(tmp_path, queue_bytes=10)
    tag = log.tag("image", "x")
    for i in range(3):
        log.append(tag, i, None, lambda: (b"x" * 100_000, ()), 100_000)
    assert log.close() == Closed(0, 3, 0)


def test_the_queue_holds_no_more_than_can_be_written_in_a_second(tmp_path: Path) -> None:
    log = Log(tmp_path, when_full="drop")
    tag = log.tag("image", "x")
    for _ in range(5):  # 100 kB/s, so the pump learns
        log.append(tag, 0, None, lambda: (time.sleep(0.05), (b"", ()))[1], 5000)  # type: ignore[func-returns-value]
        log.flush()
    queue = log._pump.payloads if log._pump else None
    assert isinstance(queue, Payloads)
    gate = threading.Event()
    for i in range(400):
        log.append(tag, i, None, lambda: (gate.wait(), (b"", ()))[1], 50_000)
    assert queue.waiting() * 50_000 < 30e6
    assert log.dropped > 0
    gate.set()
    log.close()


def test_what_comes_in_a_while_is_encoded_at_once_kind_by_kind_and_each_tag_in_its_order(tmp_path: Path) -> None:
    log = Log(tmp_path)
    gate, encoded = threading.Event(), list[str]()

    def encoder(kind: str) -> Callable[[int], tuple[bytes, tuple[bytes, ...]]]:
        def encode(value: int) -> tuple[bytes, tuple[bytes, ...]]:
            gate.wait()
            encoded.append(kind)
            return b"%d" % value, ()

        return encode

    tags = {kind: log.tag(kind, "x") for kind in ("image", "histogram")}
    appends = [(log.record_appender(tag), encoder(kind)) for kind, tag in tags.items()]
    appends[0][0](0, None, appends[0][1], 0, 1)
    while log._queue.items:  # the pump has taken it, and waits at the gate
        time.sleep(0.001)
    for i in range(1, 51):
        for append, encode in appends:
            append(i, None, encode, i, 1)
    gate.set()
    log.flush()
    assert len(list(itertools.groupby(encoded[1:]))) == 2
    reader = reader_of(log)
    for kind, first in (("image", 0), ("histogram", 1)):
        payloads = [record.payload for record in reader.records(tags[kind], slice(None))]
        assert payloads == [b"%d" % i for i in range(first, 51)]
    log.close()


def test_a_large_record_is_encoded_at_once_so_that_its_memory_is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualdl.log.pump.AGAIN_SECONDS", 60)
    first, second = threading.Event(), threading.Event()

    def encode(encoded: threading.Event) -> tuple[bytes, tuple[bytes, ...]]:
        encoded.set()
        return b"", ()

    log = Log(tmp_path)
    append = log.record_appender(log.tag("image", "x"))
    append(0, None, encode, first, 100)
    assert first.wait(20)
    while log._queue.held:  # and then the pump means to look again in a minute
        time.sleep(0.001)
    append(1, None, encode, second, 2 << 20)
    assert second.wait(20)
    log.close()


@pytest.mark.parametrize("step", [2**63, -(2**63) - 1])
def test_a_payload_record_whose_step_has_too_many_bits_is_refused_at_the_call(tmp_path: Path, step: int) -> None:
    log = Log(tmp_path)
    append = log.record_appender(log.tag("image", "x"))
    with pytest.raises(OverflowError, match="step must fit in 64 bits"):
        append(step, None, lambda value: (value, ()), b"", 1)
    with pytest.raises(ValueError, match="time must be finite"):
        append(0, float("inf"), lambda value: (value, ()), b"", 1)
    assert log.close() == Closed(0, 0, 0)
    with pytest.raises(LogClosed):
        append(0, None, lambda value: (value, ()), b"", 1)


@pytest.mark.parametrize("parallel", [False, True])
def test_a_signal_handler_may_log_wherever_it_strikes_a_thread_that_is_logging(
    tmp_path: Path, parallel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualdl.log.head.free_threaded", lambda: parallel)
    log = Log(tmp_path, when_full="drop")
    append_row = log.row_appender(log.tag("scalar", "x"))
    append_record = log.record_appender(log.tag("image", "x"))
    calls: list[None] = []

    def call() -> None:
        append_row(0, 0.0)
        append_record(0, None, lambda value: (value, ()), b"", 1)
        log._trouble.drop(1)
        calls.append(None)

    def strike(frame: FrameType, event: str, arg: object) -> Callable[..., Any] | None:
        if Path(frame.f_code.co_filename).parent.name != "log":
            return None
        if event == "line":
            call()  # as a handler would, on the same thread; it is not traced itself
        return strike

    def train() -> None:
        call()
        log._hot.numbering.limit(0)  # so the next row goes the slow way
        before = sys.gettrace()
        sys.settrace(strike)
        try:
            call()
        finally:
            sys.settrace(before)

    training = threading.Thread(target=train, daemon=True)
    training.start()
    training.join(30)
    assert not training.is_alive()
    assert len(calls) > 30
    closed = log.close()
    assert (closed.rows, closed.records) == (len(calls), len(calls))


@pytest.mark.parametrize("made", [False, True], ids=["before", "after"])
def test_a_signal_handler_may_log_while_its_thread_opens_the_log(
    tmp_path: Path, made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(tmp_path)
    append = log.row_appender(log.tag("scalar", "x"))
    make = Log._files

    def struck(self: Log, mode: Mode, first: int) -> tuple[FrameFile, Ring]:
        """The handler logs before or after the files are made."""
        monkeypatch.undo()
        files = make(self, mode, first) if made else None
        append(0, 0.0)
        return files or make(self, mode, first)

    monkeypatch.setattr(Log, "_files", struck)
    with lifetime._importing:  # where a signal may strike as well
        append(1, 1.0)
    assert log.close() == Closed(2, 0, 0)
    assert find_file_sets(tmp_path) == [log.path]
    assert list(tmp_path.iterdir()) == [log.path]


def test_a_flush_returns_while_another_thread_keeps_the_queue_full(tmp_path: Path) -> None:
    log = Log(tmp_path)
    append = log.record_appender(log.tag("image", "x"))
    stop = threading.Event()

    def slow(value: bytes) -> tuple[bytes, tuple[bytes, ...]]:
        stop.wait(0.002)
        return value, ()

    def busy() -> None:
        for i in itertools.count():
            if stop.is_set():
                return
            append(i, None, slow, b"", 20_000)

    training, flush = threading.Thread(target=busy), threading.Thread(target=log.flush)
    training.start()
    while log._queue.held < 1_000_000:
        time.sleep(0.001)
    flush.start()
    flush.join(30)
    returned = not flush.is_alive()
    stop.set()
    training.join()
    log.close()
    assert returned


def test_a_record_is_written_and_a_flush_returns_while_another_thread_keeps_the_ring_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A script without numpy logs rows faster than they are sealed.
    monkeypatch.setattr("visualdl.log.sealing.encode_rows", partial(encode_rows, use_numpy=False))
    log = Log(tmp_path)
    append = log.row_appender(log.tag("scalar", "x"))
    stop = threading.Event()

    def busy() -> None:
        for i in itertools.count():
            if stop.is_set():
                return
            append(i, 0.0)

    def flush() -> None:
        log.append(log.tag("image", "x"), 0, None, lambda: (b"", ()), 1)
        log.flush()

    training, flushing = threading.Thread(target=busy), threading.Thread(target=flush)
    training.start()
    while log._hot.numbering.taken() < 50_000:
        time.sleep(0.001)
    flushing.start()
    flushing.join(30)
    returned = not flushing.is_alive()
    stop.set()
    training.join()
    assert returned
    assert log.close().records == 1


def test_a_log_is_closed_though_a_call_waits_for_room_in_the_ring(tmp_path: Path) -> None:
    log = Log(tmp_path, ring_rows=64)
    append = log.row_appender(log.tag("scalar", "x"))
    append(0, 0.0, None)
    pump = log._pump
    assert pump is not None

    def log_until_closed() -> None:
        with suppress(LogClosed):
            for step in itertools.count(1):
                append(step, float(step), None)

    caller = threading.Thread(target=log_until_closed)
    closer = threading.Thread(target=log.close)
    with pump._turning:  # the pump takes no turn, until one call waits and the log is closing
        caller.start()
        while pump.rows._numbering.taken() <= 64:
            time.sleep(0.001)
        closer.start()
        caller.join()
    closer.join()
    reader = reader_of(log)
    assert reader.closed == log.close()
    assert reader.closed.rows == len(reader.rows(0)[0]) == 64


def test_rows_are_written_as_often_while_the_frames_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visualdl.log.pump.RETRY_SECONDS", 3600)

    def full(self: FrameFile, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fail() -> None:
        log.append(tag, 0, None, lambda: (b"", ()), 1)
        log.flush()

    log = Log(tmp_path, durability="pwrite")
    tag, append = log.tag("image", "x"), log.row_appender(log.tag("scalar", "x"))
    append(0, 0.0)
    log.flush()
    monkeypatch.setattr(FrameFile, "_write", full)
    with pytest.warns(RuntimeWarning, match="No space left"):
        fail()
    reader = reader_of(log)
    deadline = time.monotonic() + 20
    for i in range(1, 4):  # the first rings the bell
        append(i, float(i))
        while reader.count(1) <= i and time.monotonic() < deadline:
            time.sleep(0.01)
            reader.refresh()
    assert reader.count(1) == 4
    monkeypatch.undo()
    log.close()


def test_a_record_larger_than_readers_take_is_told_and_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualdl.log.payloads.MAX_BODY_BYTES", 1000)
    log = Log(tmp_path)
    tag = log.tag("image", "x")

    def train() -> Closed:
        for payload, blob in ((b"x" * 1001, b""), (b"", b"x" * 1001), (b"x", b"x" * 1000)):
            log.append(tag, 0, None, partial(lambda *both: (both[0], both[1:]), payload, blob), 1)
        return log.close()

    with pytest.warns(RuntimeWarning, match="a record could not be encoded: ValueError: .* 1001 bytes"):
        closed = train()
    assert (closed.records, closed.dropped) == (1, 2)


def test_records_of_a_few_bytes_do_not_pile_up_either(tmp_path: Path) -> None:
    log = Log(tmp_path, when_full="drop")
    append = log.record_appender(log.tag("histogram", "x"))
    gate = threading.Event()
    for i in range(100_000):
        append(i, None, lambda value: (gate.wait(), (value, ()))[1], b"", 1)
    assert log._queue.items
    assert log.dropped > 0
    gate.set()
    log.close()


def test_a_record_that_close_overtakes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(tmp_path)
    tag = log.tag("image", "x")
    put = Payloads.put

    def overtaken(self: Payloads, item: Any, *, force: bool) -> bool:
        closer = threading.Thread(target=log.close)
        closer.start()
        closer.join()
        return put(self, item, force=force)

    monkeypatch.setattr(Payloads, "put", overtaken)
    with pytest.raises(LogClosed):
        log.append(tag, 0, None, lambda: (b"", ()), 1)
    assert log.close() == Closed(0, 0, 0)


def test_an_encoding_may_use_the_log_itself(tmp_path: Path) -> None:
    log = Log(tmp_path, queue_bytes=1)
    tag = log.tag("image", "x")

    def encode() -> tuple[bytes, tuple[bytes, ...]]:
        log.tag("image", "late")
        log.append(tag, 2, None, lambda: (b"second", ()), 10)
        log.append(tag, 3, None, lambda: (b"third", ()), 10)
        log.flush()
        return b"first", ()

    log.append(tag, 1, None, encode, 10)
    while log._pump is not None and log._pump.payloads.written < 3:
        time.sleep(0.001)
    assert log.close().records == 3


def test_an_encoding_may_close_the_log(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.append(log.tag("image", "x"), 1, None, lambda: (log.close(), (b"", ()))[1], 10)
    while not log.closed:
        time.sleep(0.001)
    assert log.close().records == 1


# ---------------------------------------------------------------------------------------------------- rings


def test_a_full_ring_makes_the_caller_wait_and_loses_nothing(tmp_path: Path, read: Read) -> None:
    log = Log(tmp_path, ring_rows=4)
    append = log.row_appender(log.tag("scalar", "loss"))
    for i in range(500):
        append(i, float(i))
    assert log.close() == Closed(500, 0, 0)
    assert read(tmp_path)["loss"][0].tolist() == list(range(500))


def test_many_threads_lose_nothing(tmp_path: Path, read: Read) -> None:
    log = Log(tmp_path, ring_rows=256)
    appenders = [log.row_appender(log.tag("scalar", str(i))) for i in range(8)]

    def train(append: Callable[..., None]) -> None:
        for i in range(3000):
            append(i, float(i))

    threads = [threading.Thread(target=train, args=(append,)) for append in appenders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.close() == Closed(24000, 0, 0)
    for step, _ in read(tmp_path).values():
        assert step.tolist() == list(range(3000))


def test_closing_while_others_log_keeps_every_call_that_returned(tmp_path: Path, read: Read) -> None:
    for turn in range(10):
        log = Log(tmp_path / str(turn), ring_rows=1024)
        append = log.row_appender(log.tag("scalar", "loss"))
        returned = [0, 0, 0]

        def train(k: int, append: Callable[..., None] = append, returned: list[int] = returned) -> None:
            for i in itertools.count():
                try:
                    append(3 * i + k, 1.0)
                except LogClosed:
                    return
                returned[k] += 1

        threads = [threading.Thread(target=train, args=(k,)) for k in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.01)
        closed = log.close()
        for thread in threads:
            thread.join()
        steps = read(tmp_path / str(turn))["loss"][0]
        assert [int(np.count_nonzero(steps % 3 == k)) for k in range(3)] == returned
        assert closed.rows == sum(returned)


def test_an_interrupted_call_does_not_hold_up_the_rows_after_it(tmp_path: Path) -> None:
    log = Log(tmp_path, ring_rows=64)
    append = log.row_appender(log.tag("scalar", "loss"))
    append(0, 0.0)
    log._hot.numbering.skip()  # a call that took its number and was interrupted before it could pack its row
    for i in range(1, 300):
        append(i, float(i))
    assert log.close() == Closed(300, 0, 0)


def test_a_resumed_run_is_one_more_file_set(tmp_path: Path, read: Read) -> None:
    for part in range(3):
        log = Log(tmp_path)
        append = log.row_appender(log.tag("scalar", "loss"))
        for i in range(10):
            append(part * 10 + i, 1.0)
        log.close()
    assert len(find_file_sets(tmp_path)) == 3
    assert read(tmp_path)["loss"][0].tolist() == list(range(30))


def test_sixty_four_logs_in_one_process(tmp_path: Path, read: Read) -> None:
    logs = [Log(tmp_path / str(i), ring_rows=1024) for i in range(64)]
    appenders = [log.row_appender(log.tag("scalar", "loss")) for log in logs]
    for i in range(100):
        for append in appenders:
            append(i, float(i))
    assert [log.close() for log in logs] == [Closed(100, 0, 0)] * 64
    for i in range(64):
        assert read(tmp_path / str(i))["loss"][0].tolist() == list(range(100))


def test_a_log_that_nobody_can_reach_is_closed(tmp_path: Path) -> None:
    log = Log(tmp_path)
    append = log.row_appender(log.tag("scalar", "loss"))
    append(1, 1.0)
    reader = reader_of(log)
    del log
    gc.collect()
    append(2, 2.0)  # whoever can append keeps the log open
    del append
    gc.collect()
    while reader.closed is None:
        time.sleep(0.001)
        reader.refresh()
    assert reader.closed == Closed(2, 0, 0)


def test_a_dropped_row_is_counted_when_the_caller_asked_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    append_frame = FrameFile.append
    monkeypatch.setattr(FrameFile, "append", lambda self, *a, **k: (gate.wait(), append_frame(self, *a, **k))[1])
    log = Log(tmp_path, ring_rows=64, when_full="drop")
    append = log.row_appender(log.tag("scalar", "loss"))
    for i in range(100):
        append(i, 1.0)
    with pytest.raises(TypeError):
        append(None, 1.0)
    assert log.dropped == 36
    gate.set()
    while log._pump is not None and log._pump.rows.overflow:
        time.sleep(0.001)
    for i in range(100, 150):
        append(i, 1.0)
    closed = log.close()
    assert closed == Closed(114, 0, 36, ("36 dropped: the disk was slower than the training",))
    reader = reader_of(log)
    assert reader.rows(0)[0].tolist() == [*range(64), *range(100, 150)]


@pytest.mark.parametrize("threads", [1, 8])
def test_without_a_gil_nothing_is_lost_either(
    tmp_path: Path, threads: int, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualdl.log.head.free_threaded", lambda: True)
    log = Log(tmp_path, ring_rows=256)

    def train(k: int) -> None:
        append = log.row_appender(log.tag("scalar", str(k)))
        for i in range(2000):
            append(i, float(i))
        for step, value in ((1.5, 1.0), (2**63, 1.0), (1, "1.5")):
            with pytest.raises((TypeError, OverflowError)):
                append(step, value)

    started = [threading.Thread(target=train, args=(k,)) for k in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert log.close() == Closed(2000 * threads, 0, 0)
    for step, value in read(tmp_path).values():
        assert step.tolist() == value.tolist() == list(range(2000))


def test_without_a_pump_thread_callers_do_its_work(tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    log = Log(tmp_path, ring_rows=64, queue_bytes=100)
    append = log.row_appender(log.tag("scalar", "loss"))
    for i in range(500):
        append(i, float(i))
        log.append(log.tag("image", "x"), i, None, lambda: (b"x", ()), 30)
    log.flush()
    assert reader_of(log).count(1) == 500
    assert log.close() == Closed(500, 500, 0)
    assert read(tmp_path)["loss"][0].tolist() == list(range(500))


def test_rows_that_rest_for_long_are_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visualdl.log.pump.BEAT_SECONDS", 0.005)
    log = Log(tmp_path)
    log.row_appender(log.tag("scalar", "loss"))(1, 1.0)
    reader = FileSet(log.path)
    while not reader._catalog.covered:
        time.sleep(0.005)
        reader.refresh()
    assert reader.rows(0)[2].tolist() == [1.0]
    assert reader.live
    log.close()


def test_records_that_two_threads_queue_at_the_same_moment_are_not_left_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualdl.log.pump.BEAT_SECONDS", 3600)  # nothing but the bell wakes the pump
    put = Payloads.put
    began = threading.Event()

    def overtaken(self: Payloads, item: Any, *, force: bool) -> bool:
        """The first thread has queued its record; before it can look round, a second one queues its own."""
        taken = put(self, item, force=force)
        if not began.is_set():
            began.set()
            other = threading.Thread(target=log.append, args=(tag, 1, None, lambda: (b"second", ()), 6))
            other.start()
            other.join()
        return taken

    monkeypatch.setattr(Payloads, "put", overtaken)
    log = Log(tmp_path)
    tag = log.tag("text", "notes")
    log.append(tag, 0, None, lambda: (b"first", ()), 5)
    files = reader_of(log)
    deadline = time.monotonic() + 20
    while files.count(tag) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
        files.refresh()
    assert files.count(tag) == 2
    log.close()
