"""How a writing process may end: each test ends a real one, and reads back what it had logged."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visualdl.log.reader import FileSet, find_file_sets
from visualdl.log.writer import Log

Child = Callable[..., "subprocess.Popen[str]"]
Read = Callable[[Path], dict[str, tuple[Any, Any]]]

needs_posix = pytest.mark.xfail(sys.platform == "win32", reason="signals and fork are POSIX", run=False)

# A child that counts its returned calls in shared memory; `pace` is hot, paced or c (a C call that holds the GIL).
TRAIN = """
import ctypes, mmap, sys, time
from visualdl.log.writer import Log
directory, counter, pace, durability = sys.argv[1:]
with open(counter, "r+b") as file:
    returned = ctypes.c_uint64.from_buffer(mmap.mmap(file.fileno(), 8))
log = Log(directory, durability=durability)
append = log.row_appender(log.tag("scalar", "loss"))
step = 0
while True:
    for _ in range(20):
        append(step, step * 0.5)
        step += 1
        returned.value = step
    if pace == "paced":
        time.sleep(0.001)
    elif pace == "c" and step > 2000:
        ctypes.PyDLL(None).sleep(60)
"""


def returned_calls(counter: Path) -> int:
    return int(struct.unpack("<Q", counter.read_bytes())[0])


def killed(child: Child, directory: Path, pace: str, durability: str, seconds: float) -> tuple[int, list[int]]:
    """Kills a training child; (calls that had returned, steps that are read back). Values are compared here."""
    counter = directory / "returned"
    counter.write_bytes(bytes(8))
    process = child(TRAIN, directory / "run", counter, pace, durability)
    while returned_calls(counter) == 0:
        assert process.poll() is None
        time.sleep(0.002)
    time.sleep(seconds)
    process.kill()
    process.wait()
    [path] = find_file_sets(directory / "run")
    log = FileSet(path)
    log.refresh()
    step, _, value = log.rows(0)
    assert value.tolist() == (step * 0.5).tolist()
    assert log.gaps == ()
    assert not log.live
    assert log.closed is None
    return returned_calls(counter), step.tolist()


@needs_posix
@pytest.mark.parametrize("pace", ["hot", "paced", "c"])
def test_kill_9_loses_no_row_whose_call_returned(child: Child, tmp_path: Path, pace: str) -> None:
    chance = random.Random(pace)
    for turn in range(3):
        directory = tmp_path / str(turn)
        directory.mkdir()
        returned, steps = killed(child, directory, pace, "mmap", chance.uniform(0, 0.3))
        assert steps == list(range(len(steps)))
        assert len(steps) - returned in (0, 1)


@needs_posix
def test_kill_9_in_pwrite_mode_keeps_all_but_the_last_moments(child: Child, tmp_path: Path) -> None:
    returned, steps = killed(child, tmp_path, "paced", "pwrite", 1.5)
    assert steps == list(range(len(steps)))
    assert len(steps) > returned / 3  # 0.25 s of 1.5 s, on a machine that has other things to do


@needs_posix
def test_kill_9_while_closing_loses_nothing(child: Child, tmp_path: Path, read: Read) -> None:
    code = """
    import sys
    from visualdl.log.writer import Log
    log = Log(sys.argv[1], ring_rows=65536)
    append = log.row_appender(log.tag("scalar", "loss"))
    for i in range(60_000):
        append(i, i * 0.5)
    print("closing", flush=True)
    log.close()
    """
    for turn, seconds in enumerate([0.0, 0.003, 0.01, 0.02, 0.04]):
        directory = tmp_path / str(turn)
        process = child(code, directory)
        assert process.stdout is not None
        assert process.stdout.readline() == "closing\n"
        time.sleep(seconds)
        process.kill()
        process.wait()
        step, value = read(directory)["loss"]
        assert step.tolist() == list(range(60_000))
        assert value.tolist() == (step * 0.5).tolist()


LOG_AND = """
import os, signal, sys, threading, time
from visualdl.log.writer import Log
log = Log(sys.argv[1])
append = log.row_appender(log.tag("scalar", "loss"))
for i in range(1000):
    append(i, 1.0)
log.append(log.tag("image", "photo"), 1, None, lambda: (b"payload", [b"blob"]), 10)
"""


def ended(child: Child, directory: Path, code: str, *, signal_number: int | None = None) -> tuple[int, FileSet]:
    """Runs a child that logs and then does `code`; (its exit status, its log)."""
    process = child(LOG_AND + code, directory)
    if signal_number is not None:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal_number)
    status = process.wait()
    log = FileSet(find_file_sets(directory)[0])
    log.refresh()
    assert log.rows(0)[0].tolist()[:1000] == list(range(1000))
    return status, log


def test_the_end_of_the_interpreter_closes_the_log(child: Child, tmp_path: Path) -> None:
    for name, code, expected in (("end", "", 0), ("exit", "sys.exit(3)", 3), ("error", "1 / 0", 1)):
        status, log = ended(child, tmp_path / name, code)
        assert status == expected
        assert log.closed is not None
        assert (log.closed.rows, log.closed.records) == (1000, 1)
        assert [path.suffix for path in (tmp_path / name).iterdir()] == [".vdl"]


def test_a_daemon_thread_that_logs_to_the_end_is_not_blamed_and_the_main_thread_is_told(
    child: Child, tmp_path: Path
) -> None:
    process = child(
        """
import atexit, sys, threading, time
calls = [0, 0]  # of each thread

def end():  # registered first, so it runs when the log is closed already
    before = list(calls)
    while calls[0] < before[0] + 3 or calls[1] < before[1] + 3:
        assert all(thread.is_alive() for thread in threads)
        time.sleep(0.001)
    try:
        append(0, 1.0)
    except LogClosed:
        print("told")

atexit.register(end)
from visualdl.errors import LogClosed
from visualdl.log.writer import Log
log = Log(sys.argv[1])
append = log.row_appender(log.tag("scalar", "loss"))
image = log.tag("image", "photo")

def watch(number, call):
    while True:
        call()
        calls[number] += 1
        time.sleep(0.001)

work = (lambda: append(calls[0], 1.0), lambda: log.append(image, calls[1], None, lambda: (b"payload", []), 10))
threads = [threading.Thread(target=watch, args=pair, daemon=True) for pair in enumerate(work)]
for thread in threads:
    thread.start()
while min(calls) < 20:
    time.sleep(0.001)
""",
        tmp_path,
    )
    assert process.communicate() == ("told\n", "")
    assert process.returncode == 0
    log = FileSet(find_file_sets(tmp_path)[0])
    log.refresh()
    assert log.closed is not None
    assert log.rows(0)[0].tolist() == list(range(log.count(0)))
    assert min(log.count(0), log.count(1)) >= 20


def test_os_exit_loses_no_row(child: Child, tmp_path: Path) -> None:
    status, log = ended(child, tmp_path, "os._exit(7)")
    assert status == 7
    assert log.closed is None
    assert not log.live or sys.platform == "win32"


@needs_posix
def test_sigterm_seals_and_the_process_dies_by_it(child: Child, tmp_path: Path) -> None:
    status, log = ended(child, tmp_path, "print('ready', flush=True); time.sleep(60)", signal_number=signal.SIGTERM)
    assert status == -signal.SIGTERM
    assert log.closed is not None
    assert (log.closed.rows, log.closed.records) == (1000, 1)
    assert log.closed.reasons == ("the process was told to end (SIGTERM)",)


@needs_posix
def test_sigterm_in_a_hot_loop_loses_no_call_and_raises_nothing(child: Child, tmp_path: Path) -> None:
    code = """
print('ready', flush=True)
try:
    i = 1000
    while True:
        append(i, 1.0)
        i += 1
except BaseException as error:
    print(repr(error), flush=True)
"""
    process = child(LOG_AND + code, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    process.terminate()
    assert process.wait() == -signal.SIGTERM
    assert process.stdout.read() == ""
    log = FileSet(find_file_sets(tmp_path)[0])
    log.refresh()
    steps = log.rows(0)[0]
    assert steps.tolist() == list(range(len(steps)))
    assert log.closed is not None
    assert log.closed.rows == len(steps)


@needs_posix
def test_a_sigterm_handler_of_the_user_runs_and_the_log_goes_on(child: Child, tmp_path: Path) -> None:
    before = """
import signal
def mine(number, frame):
    append(1000, 2.0)
    print("mine", flush=True)
    raise SystemExit(9)
signal.signal(signal.SIGTERM, mine)
"""
    after = "\nprint('ready', flush=True)\nwhile True: time.sleep(1)\n"
    for name, code in (("before", before + LOG_AND + after), ("after", LOG_AND + before + after)):
        process = child(code, tmp_path / name)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.stdout.readline() == "mine\n"
        assert process.wait() == 9
        log = FileSet(find_file_sets(tmp_path / name)[0])
        log.refresh()
        assert log.rows(0)[0].tolist() == list(range(1001))
        assert log.closed is not None


@needs_posix
def test_a_later_handler_that_calls_ours_decides_itself(child: Child, tmp_path: Path) -> None:
    code = """
before = signal.getsignal(signal.SIGTERM)
def later(number, frame):
    before(number, frame)
    append(1000, 2.0)
    log.close()
    sys.exit(4)
signal.signal(signal.SIGTERM, later)
print('ready', flush=True)
time.sleep(60)
"""
    status, log = ended(child, tmp_path, code, signal_number=signal.SIGTERM)
    assert status == 4
    assert log.count(0) == 1001


@needs_posix
def test_closing_gives_sigterm_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    log = Log(tmp_path)
    log.meta(x=1)
    assert signal.getsignal(signal.SIGTERM) is not before
    log.close()
    assert signal.getsignal(signal.SIGTERM) is before


@needs_posix
def test_a_log_opened_on_another_thread_leaves_signals_alone(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    log = Log(tmp_path)
    thread = threading.Thread(target=lambda: log.meta(x=1))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
    log.close()


# ---------------------------------------------------------------------------------------------------- fork

FORK = """
import os, sys, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 and later warn of fork with threads
from visualdl.log.writer import Log
log = Log(sys.argv[1])
append = log.row_appender(log.tag("scalar", "loss"))
"""


@needs_posix
def test_a_forked_child_opens_its_own_files_with_its_first_record(child: Child, tmp_path: Path) -> None:
    code = """
for i in range(100): append(i, 1.0)
log.append(log.tag("image", "photo"), 1, None, lambda: (time.sleep(0.05), (b"once", ()))[1], 10)
before = log.path
pid = os.fork()
for i in range(100, 200): append(i, 2.0 if pid else 3.0)
assert (log.path == before) == bool(pid)
if pid == 0:
    log.tag("scalar", "more")
    log.append(log.tag("image", "photo"), 2, None, lambda: (b"mine", ()), 10)
    log.flush()
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""
    assert child(FORK + code, tmp_path).wait() == 0
    first, second = [FileSet(path) for path in find_file_sets(tmp_path)]
    first.refresh()
    second.refresh()
    assert first.rows(0)[2].tolist() == [1.0] * 100 + [2.0] * 100
    assert second.rows(0)[2].tolist() == [3.0] * 100
    assert [record.payload for record in first.records(1, slice(None))] == [b"once"]
    assert [record.payload for record in second.records(1, slice(None))] == [b"mine"]
    assert first.closed is not None
    assert (second.closed, second.live) == (None, False)


@needs_posix
def test_a_forked_child_that_logs_nothing_leaves_nothing_and_dies_at_once(child: Child, tmp_path: Path) -> None:
    code = """
import signal
log.meta(x=1)
pid = os.fork()
if pid == 0:
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    log.flush(); log.close(); sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
append(1, 1.0)
"""
    assert child(FORK + code, tmp_path).wait() == 0
    [path] = find_file_sets(tmp_path)
    log = FileSet(path)
    log.refresh()
    assert log.closed is not None
    assert log.closed.rows == 1


@needs_posix
def test_a_log_forked_before_its_first_record_is_opened_by_each(child: Child, tmp_path: Path) -> None:
    code = """
pids = []
for k in range(3):
    pid = os.fork()
    if pid == 0:
        for i in range(50): append(k * 100 + i, 1.0)
        sys.exit(0)
    pids.append(pid)
append(999, 1.0)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in pids)
"""
    assert child(FORK + code, tmp_path).wait() == 0
    found = [FileSet(path) for path in find_file_sets(tmp_path)]
    for log in found:
        log.refresh()
    assert sorted(log.count(0) for log in found) == [1, 50, 50, 50]
    assert all(log.closed for log in found)


@needs_posix
def test_forking_while_other_threads_log_hangs_nobody(child: Child, tmp_path: Path) -> None:
    code = """
import threading
stop = False
def train():
    mine = log.row_appender(log.tag("scalar", "thread"))
    i = 0
    while not stop:
        mine(i, 1.0); i += 1
        log.append(log.tag("image", "x"), i, None, lambda: (b"x", ()), 10)
thread = threading.Thread(target=train); thread.start()
for turn in range(20):
    pid = os.fork()
    if pid == 0:
        append(turn, 1.0)
        log.append(log.tag("image", "y"), turn, None, lambda: (b"y", ()), 10)
        log.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
thread.join()
"""
    process = child(FORK + code, tmp_path)
    assert process.wait(timeout=60) == 0
    found = [FileSet(path) for path in find_file_sets(tmp_path)]
    assert len(found) == 21
    for log in found:
        log.refresh()
        assert log.closed is not None
    assert sum(log.count(0) for log in found) == 20


@needs_posix
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_close_their_logs(child: Child, tmp_path: Path, method: str) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import multiprocessing, sys, warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "from visualdl.log.writer import Log\n"
        "def train(k):\n"
        "    log = Log(sys.argv[1])\n"
        "    append = log.row_appender(log.tag('scalar', str(k)))\n"
        "    for i in range(100): append(i, 1.0)\n"
        "    log.append(log.tag('image', 'x'), k, None, lambda: (b'x', ()), 10)\n"
        "if __name__ == '__main__':\n"
        f"    context = multiprocessing.get_context({method!r})\n"
        "    children = [context.Process(target=train, args=(k,)) for k in range(2)]\n"
        "    for one in children: one.start()\n"
        "    for one in children: one.join()\n"
        "    assert [one.exitcode for one in children] == [0, 0]\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    subprocess.run([sys.executable, str(script), str(tmp_path / "run")], check=True, env=environment)
    found = [FileSet(path) for path in find_file_sets(tmp_path / "run")]
    for log in found:
        log.refresh()
    assert [log.closed and (log.closed.rows, log.closed.records) for log in found] == [(100, 1)] * 2


def test_who_follows_a_writer_that_dies_has_its_last_rows_at_once_and_soon_knows(child: Child, tmp_path: Path) -> None:
    code = """
    import sys
    from visualdl.log.writer import Log
    log = Log(sys.argv[1])
    append = log.row_appender(log.tag("scalar", "loss"))
    for step, _ in enumerate(sys.stdin):
        append(step, 1.0)
        print(step, flush=True)
    """
    process = child(code, tmp_path / "run")
    told, heard = process.stdin, process.stdout
    assert told is not None
    assert heard is not None
    log = None
    for step in range(3):
        print(file=told, flush=True)
        heard.readline()
        log = log or FileSet(find_file_sets(tmp_path / "run")[0])
        if step < 2:
            log.refresh()
            assert (log.count(0), log.live) == (step + 1, True)
    process.kill()
    process.wait()
    assert log is not None
    log.refresh()
    assert log.count(0) == 3
    deadline = time.monotonic() + 30
    while log.live:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        log.refresh()
    assert log.count(0) == 3


# ---------------------------------------------------------------------------------------------------- together


def test_many_processes_write_one_run(child: Child, tmp_path: Path, read: Read) -> None:
    code = """
    import sys
    from visualdl.log.writer import Log
    log = Log(sys.argv[1], ring_rows=1024)
    append = log.row_appender(log.tag("scalar", sys.argv[2]))
    for i in range(5000):
        append(i, i * 0.5)
    """
    processes = [child(code, tmp_path, f"rank {rank}") for rank in range(6)]
    assert [process.wait() for process in processes] == [0] * 6
    found = read(tmp_path)
    assert sorted(found) == [f"rank {rank}" for rank in range(6)]
    for step, _ in found.values():
        assert step.tolist() == list(range(5000))


def test_a_reader_at_full_speed_sees_nothing_lost_doubled_or_torn(child: Child, tmp_path: Path) -> None:
    code = """
    import sys
    from visualdl.log.writer import Log
    log = Log(sys.argv[1], ring_rows=4096)
    appenders = [log.row_appender(log.tag("scalar", str(k))) for k in range(3)]
    for i in range(200_000):
        appenders[i % 3](i, i * 0.5, 1e9 + i)
    """
    process = child(code, tmp_path)
    while not find_file_sets(tmp_path):
        assert process.poll() is None
        time.sleep(0.001)
    log = FileSet(find_file_sets(tmp_path)[0])
    seen: dict[int, list[Any]] = {0: [], 1: [], 2: []}
    looks = 0
    while log.closed is None:
        advanced = log.refresh()
        looks += 1
        for tag in advanced:
            since = sum(len(part) for part in seen[tag])
            step, seconds, value = log.rows(tag, since)
            assert value.tolist() == (step * 0.5).tolist()
            assert seconds.tolist() == (1e9 + step).tolist()
            seen[tag].append(step)
            assert since + len(step) == log.count(tag)
    assert process.wait() == 0
    for tag, parts in seen.items():
        np.testing.assert_array_equal(np.concatenate(parts), np.arange(tag, 200_000, 3))
    assert looks > 3
    assert log.gaps == ()
