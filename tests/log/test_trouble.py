"""Full disks, deleted folders, forbidden ones: one warning, training goes on, and close() tells what was dropped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from visualdl.log.frame_file import FrameFile
from visualdl.log.reader import FileSet, find_file_sets
from visualdl.log.trouble import Trouble
from visualdl.log.writer import Closed, Log

Child = Callable[..., "subprocess.Popen[str]"]

IN_NAMESPACE = ("unshare", "--mount")


def can_mount() -> bool:
    """May this process mount a small filesystem of its own?"""
    try:
        command = [*IN_NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


# A real full disk where one can be mounted; everywhere else (too) a limit on the size of a file.
DISKS = ["limit", *(["tmpfs"] if can_mount() else [])] if sys.platform != "win32" else []

FULL = """
import os, resource, signal, subprocess, sys, time, warnings
from visualdl.log.reader import FileSet
from visualdl.log.writer import Log
disk, where, durability = sys.argv[1:]
if disk == "tmpfs":
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", where], check=True)
def fill():
    if disk == "limit":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(log.path), resource.RLIM_INFINITY))
        return
    with open(where + "/rest", "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096: pass
        except OSError: pass
def free():
    if disk == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        os.unlink(where + "/rest")
log = Log(where + "/run", durability=durability, ring_rows=16384)
append = log.row_appender(log.tag("scalar", "loss"))
image = log.tag("image", "photo")
noise = iter(lambda: int.from_bytes(os.urandom(4), "little") / 3, None)
def finish(closed):
    reader = FileSet(log.path)
    reader.refresh()
    assert reader.gaps == (), reader.gaps
    return reader
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    append(0, next(noise))
    log.append(image, 0, None, lambda: (os.urandom(600_000), ()), 10)  # so the .vdl is longer than the .head
    log.flush()
"""


@pytest.mark.parametrize("durability", ["mmap", "pwrite"])
@pytest.mark.parametrize("disk", DISKS)
def test_a_full_disk_is_told_counted_and_survived(child: Child, tmp_path: Path, disk: str, durability: str) -> None:
    code = """
    fill()
    total = 40_000
    for i in range(1, total):
        append(i, next(noise))
    log.append(image, 1, None, lambda: (os.urandom(100_000), ()), 10)
    log.flush()
    told = [str(one.message) for one in warned]
    assert len(told) == 1 and "cannot be written" in told[0], told
    dropped = log.dropped
    assert dropped >= total - 2 * 16384, dropped
    free()
    deadline = time.monotonic() + 30
    while log._pump.trouble.error is not None or log._pump.rows.overflow:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for i in range(total, total + 100):
        append(i, 1.0)
    log.flush()
    closed = log.close()
reader = finish(closed)
steps = reader.rows(0)[0].tolist()
assert closed.dropped == dropped == log.dropped
assert closed.rows == len(steps) == total + 100 - dropped, (closed, len(steps))
assert steps == [*range(total - dropped), *range(total, total + 100)]
assert closed.records == 2 and len(reader.records(1, [1])[0].payload) == 100_000
assert reader.closed == closed and closed.reasons[0].startswith(f"{dropped} dropped: "), closed
"""
    process = child(FULL + code, disk, tmp_path, durability, prefix=IN_NAMESPACE if disk == "tmpfs" else ())
    _, errors = process.communicate()
    assert process.returncode == 0, errors


@pytest.mark.parametrize("durability", ["mmap", "pwrite"])
@pytest.mark.parametrize("disk", DISKS)
def test_closing_on_a_full_disk_leaves_the_rows_in_the_head(
    child: Child, tmp_path: Path, disk: str, durability: str
) -> None:
    code = """
    fill()
    for i in range(1, 1000):
        append(i, next(noise))
    log.append(image, 1, None, lambda: (os.urandom(100_000), ()), 10)
    closed = log.close()
assert closed.rows == 0 and closed.records == 1 and closed.dropped == 1, closed
assert "1000 rows stay in the .head file" in closed.reasons, closed
assert len(warned) == 1
reader = finish(closed)
assert reader.rows(0)[0].tolist() == list(range(1000))
assert reader.closed is None
assert log.close() == closed
"""
    process = child(FULL + code, disk, tmp_path, durability, prefix=IN_NAMESPACE if disk == "tmpfs" else ())
    _, errors = process.communicate()
    assert process.returncode == 0, errors


@pytest.mark.xfail(sys.platform == "win32", reason="limits are POSIX", run=False)
def test_a_disk_that_is_full_from_the_start_is_tried_again(child: Child, tmp_path: Path) -> None:
    code = """
import os, resource, signal, sys, time, warnings
from visualdl.log.reader import FileSet
from visualdl.log.writer import Log
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
log = Log(sys.argv[1])
append = log.row_appender(log.tag("scalar", "loss"))
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    for i in range(100): append(i, 1.0)
    log.append(log.tag("image", "x"), 1, None, lambda: (b"", ()), 10)
    try: append("0", 1.0)
    except TypeError: pass
    else: raise AssertionError
assert len(warned) == 1 and log.dropped == 101, (warned, log.dropped)
assert os.listdir(sys.argv[1]) == []
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
time.sleep(1.1)
for i in range(100, 200): append(i, 1.0)
closed = log.close()
assert (closed.rows, closed.dropped) == (100, 101), closed
reader = FileSet(log.path)
reader.refresh()
assert reader.rows(0)[0].tolist() == list(range(100, 200))
"""
    process = child(code, tmp_path)
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def test_a_folder_that_cannot_be_made_is_told_once_and_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    log = Log(tmp_path / "file" / "run")
    append = log.row_appender(log.tag("scalar", "loss"))
    with pytest.warns(RuntimeWarning, match="cannot be written") as warned:  # noqa: PT031
        for i in range(10):
            append(i, 1.0)
        log.append(0, 1, None, lambda: (b"", ()), 10)
        log.meta(x=1)
        log.flush()
    assert len(warned) == 1
    closed = log.close()
    assert (closed.rows, closed.dropped) == (0, 11)
    assert "irector" in closed.reasons[0]


def test_a_folder_without_permission_is_told_once_and_counted(child: Child, tmp_path: Path) -> None:
    code = """
import os, sys, warnings
from visualdl.log.writer import Log
if os.getuid() == 0:
    os.setuid(65534)
log = Log(sys.argv[1])
append = log.row_appender(log.tag("scalar", "loss"))
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    append(1, 1.0)
    append(2, 1.0)
assert "Permission denied" in str(warned[0].message) and len(warned) == 1, warned
assert log.close().reasons == ("2 dropped: Permission denied",)
"""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    modes = {parent: parent.stat().st_mode for parent in (locked, *list(locked.parents)[:3])}
    for parent, mode in modes.items():
        parent.chmod(mode | 0o055)  # another user must be able to come as far as the folder
    process = child(code, locked)
    _, errors = process.communicate()
    for parent, mode in modes.items():
        parent.chmod(mode | 0o200)
    assert process.returncode == 0, errors


def test_where_warnings_are_errors_training_goes_on_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    log = Log(tmp_path / "file")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log.row_appender(log.tag("scalar", "loss"))(1, 1.0)
    assert log.close().dropped == 1


@pytest.mark.parametrize("durability", ["mmap", "pwrite"])
def test_a_deleted_folder_is_told_and_the_rest_is_counted(
    tmp_path: Path, durability: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualdl.log.pump.BEAT_SECONDS", 0.01)
    log = Log(tmp_path / "run", durability=durability)  # type: ignore[arg-type]
    append = log.row_appender(log.tag("scalar", "loss"))
    append(1, 1.0)
    log.flush()
    shutil.rmtree(tmp_path / "run")
    with pytest.warns(RuntimeWarning, match="was deleted"):  # noqa: PT031
        while log.dropped < 5:
            append(2, 1.0)
            log.append(0, 1, None, lambda: (b"", ()), 10)
    closed = log.close()
    assert closed.dropped >= 5
    assert closed.reasons[0].endswith("dropped: the log was deleted")
    assert not (tmp_path / "run").exists()


def test_a_folder_deleted_just_before_closing_is_told(tmp_path: Path) -> None:
    log = Log(tmp_path / "run")
    append = log.row_appender(log.tag("scalar", "loss"))
    append(1, 1.0)
    shutil.rmtree(tmp_path / "run")
    with pytest.warns(RuntimeWarning, match="was deleted"):
        closed = log.close()
    assert closed == Closed(1, 0, 0, ()) or closed.dropped == 1


def test_a_failed_write_leaves_only_whole_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = FrameFile(str(tmp_path / "20260102T030405.678901Z-h-1-00000000.vdl"))
    file.append(5, body=b'{"a":1}')
    write = FrameFile._write

    def half(self: FrameFile, data: bytes) -> None:
        write(self, bytes(data)[: len(data) // 2])
        raise OSError(28, "No space left on device")

    for size in (100, 100_000):
        monkeypatch.setattr(FrameFile, "_write", half)
        with pytest.raises(OSError, match="No space"):
            file.append(5, body=b" " * size)
        with pytest.raises(OSError, match="No space"):
            file.owe(5, b'{"b":2}')
        monkeypatch.setattr(FrameFile, "_write", write)
        file.append(5, body=b'{"c":%d}' % size)
    file.close()
    log = FileSet(find_file_sets(tmp_path)[0])
    log.refresh()
    assert log.gaps == ()
    assert log.meta == {"a": 1, "b": 2, "c": 100_000}
    assert os.path.getsize(log.path) == log.bytes_read


@pytest.mark.xfail(sys.platform == "win32", reason="SIGTERM is POSIX", run=False)
def test_an_exception_that_strikes_while_the_files_are_made_costs_no_later_row(child: Child, tmp_path: Path) -> None:
    """Ctrl-C in a notebook, at each line of the first record's way; then the cell is run again."""
    code = """
import linecache, os, signal, sys
from visualdl.log import writer
from visualdl.log.reader import FileSet
ours = os.path.dirname(writer.__file__)
lines = 0

def strike(frame, event, argument):
    global lines
    if not frame.f_code.co_filename.startswith(ours):
        return None
    source = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    if event == "line" and not source.startswith("with "):  # a signal never strikes between a lock and its `with`
        lines -= 1
        if lines == 0:
            raise KeyboardInterrupt
    return strike

for number in range(1, 1000):
    log = writer.Log(os.path.join(sys.argv[1], str(number)), durability="mmap", ring_rows=1024)
    append = log.row_appender(log.tag("scalar", "loss"))
    lines = number
    sys.settrace(strike)
    try:
        append(0, 1.0)
    except KeyboardInterrupt:
        pass
    sys.settrace(None)
    for step in range(1, 50):
        append(step, 1.0)
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL, number
    closed = log.close()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, number
    reader = FileSet(log.path)
    reader.refresh()
    assert reader.rows(0)[0].tolist()[-49:] == list(range(1, 50)), number
    assert (closed.dropped, reader.closed) == (0, closed), number
    if lines > 0:
        assert number > 100
        break
else:
    raise AssertionError("the way never ended")
"""
    process = child(code, tmp_path)
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def test_a_name_that_another_writer_has_taken_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visualdl.log.writer.clock.time_ns", lambda: 1_700_000_000_000_000_000)  # containers share pids
    names = iter([b"\0\0\0\0", b"\0\0\0\0", b"\0\0\0\1"])
    monkeypatch.setattr("visualdl.log.writer.os.urandom", lambda _: next(names))
    logs = [Log(tmp_path), Log(tmp_path)]
    assert logs[0].path == logs[1].path
    for number, log in enumerate(logs):
        log.row_appender(log.tag("scalar", "loss"))(number, 1.0)
    assert [log.close().rows for log in logs] == [1, 1]
    assert find_file_sets(tmp_path) == [log.path for log in logs]


def test_where_files_cannot_be_mapped_rows_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused:
        def __init__(self, *_: object) -> None:
            raise OSError(19, "No such device")

    monkeypatch.setattr("visualdl.log.head.mmap.mmap", Refused)
    log = Log(tmp_path, durability="mmap")
    append = log.row_appender(log.tag("scalar", "loss"))
    append(1, 1.0)
    log.flush()
    reader = FileSet(log.path)
    reader.refresh()
    assert (reader.count(0), log.close()) == (1, Closed(1, 0, 0))


def test_the_head_tells_what_was_dropped_where_the_end_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: FrameFile, data: object) -> None:
        raise OSError(28, "No space left on device")

    for rows in (0, 1):
        log = Log(tmp_path / str(rows))
        log.meta(x=1)
        with monkeypatch.context() as patch, pytest.warns(RuntimeWarning, match="No space"):  # noqa: PT031
            patch.setattr(FrameFile, "_write", full)
            log.append(log.tag("image", "photo"), 1, None, lambda: (b"", ()), 10)
            for step in range(rows):
                log.row_appender(log.tag("scalar", "loss"))(step, 1.0)
            closed = log.close()
        reader = FileSet(log.path)
        reader.refresh()
        assert (closed.dropped, reader.dropped, reader.count(1)) == (1, 1, rows)


def test_a_filesystem_that_fails_at_the_close_of_its_files_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(tmp_path)
    log.row_appender(log.tag("scalar", "loss"))(1, 1.0)
    close = FrameFile.close

    def fail(self: FrameFile) -> None:
        close(self)
        raise OSError(107, "Transport endpoint is not connected")

    monkeypatch.setattr(FrameFile, "close", fail)
    with pytest.warns(RuntimeWarning, match="not connected"):
        closed = log.close()
    assert closed == Closed(1, 0, 0, ("Transport endpoint is not connected",))


def test_reasons_are_counted_apart_and_one_warning_is_given() -> None:
    trouble = Trouble("there")
    with pytest.warns(RuntimeWarning, match="No space") as warned:  # noqa: PT031
        trouble.note(OSError(28, "No space left on device"))
        trouble.note(OSError(5, "Input/output error"))
    assert len(warned) == 1
    assert trouble.waiting()
    trouble.drop(3)
    trouble.over()
    trouble.drop(2)
    trouble.drop(1)
    trouble.remark("by the way")
    assert (trouble.dropped, trouble.waiting()) == (6, False)
    assert trouble.reasons() == (
        "3 dropped: Input/output error",
        "3 dropped: the disk was slower than the training",
        "by the way",
    )
