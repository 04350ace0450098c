"""A training process that ends in one particular way: `python -m torture.children.endings NAME RUN LEDGER SEED`.

It logs scalars, raw records beside them, and then comes to its end: by a signal, an exception, a crash or none.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import faulthandler
import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from torture.children.ledger import Ledger, value_of
from torture.children.victims import log_record
from visualdl.log.writer import Log

ROWS = 5000
RECORDS = 20
STRIKES = 50


class Training:
    """What a script has at hand when its end comes."""

    def __init__(self, run: Path, ledger: Ledger, chance: random.Random) -> None:
        self.run, self.ledger, self.chance = run, ledger, chance
        self.log = Log(run, durability="mmap", ring_rows=chance.choice([1024, 65536]))
        self.append = self.log.row_appender(self.log.tag("scalar", "loss/0"))
        self.raw = self.log.tag("raw", "record")

    def rows(self, count: int) -> None:
        """The next rows. Of a row whose call was struck by an exception nobody knows; its step is not used again."""
        started, returned = self.ledger.started, self.ledger.returned
        for _ in range(count):
            step = started[0]
            for struck in range(returned[0], step):
                self.ledger.skip(struck)
            returned[0] = step
            started[0] = step + 1
            self.append(step, value_of(step))
            returned[0] = step + 1

    def records(self, count: int) -> None:
        """The next records."""
        for _ in range(count):
            log_record(self.log, self.ledger, self.raw)

    def on(self, until: Callable[[], bool] = lambda: False) -> None:
        """Trains on, until something ends it."""
        while not until():
            self.rows(20)

    def soon(self, act: Callable[[], object]) -> None:
        """Does something on another thread, in the midst of the training."""

        def later() -> None:
            time.sleep(self.chance.uniform(0, 0.05))
            act()

        threading.Thread(target=later, daemon=True).start()


def _signal(number: int) -> Callable[[Training], None]:
    def end(training: Training) -> None:
        training.soon(lambda: os.kill(os.getpid(), number))
        training.on()

    return end


def _crash(act: Callable[[], object]) -> Callable[[Training], None]:
    def end(training: Training) -> None:
        training.soon(act)
        training.on()

    return end


def two_sigterms(training: Training) -> None:
    """The second one while the first is being served."""

    def insist() -> None:
        for _ in range(5):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.002)

    training.soon(insist)
    training.on()


def sigterm_in_close(training: Training) -> None:
    """The signal comes while the script closes its log."""
    training.rows(50_000)
    threading.Timer(training.chance.uniform(0, 0.02), os.kill, (os.getpid(), signal.SIGTERM)).start()
    training.log.close()
    time.sleep(60)


def struck(training: Training, number: int, error: type[BaseException], send: Callable[[], object]) -> None:
    """Exceptions between any two steps of the script's calls, 50 of them, in the loop and in close(); all caught."""
    ours = {Training.rows.__code__, Log.close.__code__}

    def strike(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code in ours:  # and not on the way from one call to the next, where nobody catches it
                raise error
            frame = frame.f_back

    def insist() -> None:
        for _ in range(STRIKES):
            send()
            time.sleep(0.002)

    signal.signal(number, strike)
    thread = threading.Thread(target=insist, daemon=True)
    thread.start()
    while thread.is_alive():
        with contextlib.suppress(error):
            training.on(until=lambda: training.ledger.returned[0] % 1000 > 900 or not thread.is_alive())
            training.log.flush()
    while True:
        with contextlib.suppress(error):
            training.log.close()
            break


def ctrl_c_hammered(training: Training) -> None:
    """Somebody leans on Ctrl-C."""
    struck(training, signal.SIGINT, KeyboardInterrupt, lambda: os.kill(os.getpid(), signal.SIGINT))


def time_limits(training: Training) -> None:
    """A library for time limits raises an exception out of whatever takes too long."""
    struck(training, signal.SIGALRM, TimeoutError, lambda: os.kill(os.getpid(), signal.SIGALRM))


def ctrl_c_in_close(training: Training) -> None:
    """Ctrl-C at some moment of close(); the end of the interpreter closes what is left."""
    training.rows(50_000)
    threading.Timer(training.chance.uniform(0, 0.02), os.kill, (os.getpid(), signal.SIGINT)).start()
    training.log.close()
    time.sleep(0.1)


def unhandled(training: Training) -> None:
    """An exception that nobody catches."""
    raise ZeroDivisionError("the training is wrong")


def unhandled_in_a_thread(training: Training) -> None:
    """sys.exit, and an exception, on threads: the training goes on and ends well."""
    threading.excepthook = lambda _: None
    for act in (sys.exit, training.log.row_appender):  # the latter wants an argument
        threading.Thread(target=act).start()
        training.rows(1000)


def at_exit(training: Training) -> None:
    """Exceptions and more rows while the interpreter ends. Registered later, so it runs before the log's own."""

    def late() -> None:
        training.rows(1000)
        raise ZeroDivisionError("at exit")

    atexit.register(late)


def daemons(training: Training) -> None:
    """A daemon thread goes on logging while the interpreter ends. What it logs after the log was closed is not kept."""

    def remember() -> None:
        training.ledger.ending = training.ledger.returned[0]

    atexit.register(remember)
    threading.Thread(target=training.on, daemon=True).start()
    time.sleep(training.chance.uniform(0.01, 0.1))


def forgotten(training: Training) -> None:
    """The script loses its log without closing it."""
    training.rows(1000)
    training.log = None  # type: ignore[assignment]
    training.append = None  # type: ignore[assignment]
    time.sleep(0.3)


def out_of_memory(training: Training) -> None:
    """The address space is full: big records raise MemoryError at the call or are dropped and told; rows go on."""
    size = Path("/proc/self/statm")
    if size.exists():
        now = int(size.read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
        resource.setrlimit(resource.RLIMIT_AS, (now + (48 << 20), resource.RLIM_INFINITY))
    held: list[object] = []
    with contextlib.suppress(MemoryError):
        while len(held) < 1000:
            held.append(bytearray(1 << 20))
    tag = training.log.tag("noise", "big")
    for step in range(30):
        with contextlib.suppress(MemoryError):
            training.rows(500)
            noise = os.urandom(1 << 20)
            training.log.append(tag, step, None, lambda noise=noise: (noise * 2, ()), len(noise))  # type: ignore[misc]
    held.clear()
    training.rows(500)
    training.log.close()


def no_threads(training: Training) -> None:
    """No thread can be started: the log is served by its callers."""
    training.log.close()
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    setattr(threading.Thread, "start", refuse)  # noqa: B010 - mypy forbids the assignment
    again = Training(training.run, training.ledger, training.chance)
    again.rows(5000)
    again.log.close()
    setattr(threading.Thread, "start", start)  # noqa: B010


def deep(training: Training) -> None:
    """The C stack overflows."""
    threading.stack_size(1 << 20)
    sys.setrecursionlimit(1 << 30)
    callback = ctypes.CFUNCTYPE(None)

    def fall() -> None:
        callback(fall)()

    training.soon(fall)
    training.on()


def another_program() -> None:
    """exec: the process lives on, the interpreter is gone without a word."""
    os.execv(sys.executable, [sys.executable, "-S", "-c", ""])


class Ending(NamedTuple):
    """One way to end. status: which exit statuses are right. closed: whether the log must be closed and whole."""

    act: Callable[[Training], object]
    status: tuple[int, ...]
    closed: bool


_SEGV = (-signal.SIGSEGV,)

ENDINGS = {
    "SIGTERM": Ending(_signal(signal.SIGTERM), (-signal.SIGTERM,), closed=True),
    "five SIGTERMs": Ending(two_sigterms, (-signal.SIGTERM,), closed=False),
    "SIGTERM in close()": Ending(sigterm_in_close, (-signal.SIGTERM,), closed=True),
    "SIGINT": Ending(_signal(signal.SIGINT), (1, -signal.SIGINT), closed=True),
    "Ctrl-C, 50 times": Ending(ctrl_c_hammered, (0,), closed=True),
    "Ctrl-C in close()": Ending(ctrl_c_in_close, (0, 1, -signal.SIGINT), closed=True),
    "time limits, 50 times": Ending(time_limits, (0,), closed=True),
    "SIGHUP": Ending(_signal(signal.SIGHUP), (-signal.SIGHUP,), closed=False),
    "SIGQUIT": Ending(_signal(signal.SIGQUIT), (-signal.SIGQUIT,), closed=False),
    "SIGALRM": Ending(_signal(signal.SIGALRM), (-signal.SIGALRM,), closed=False),
    "os._exit": Ending(_crash(lambda: os._exit(7)), (7,), closed=False),
    "sys.exit": Ending(lambda _: sys.exit(3), (3,), closed=True),
    "an exception": Ending(unhandled, (1,), closed=True),
    "sys.exit and an exception in threads": Ending(unhandled_in_a_thread, (0,), closed=True),
    "an exception at exit": Ending(at_exit, (0,), closed=True),
    "a daemon thread that logs at exit": Ending(daemons, (0,), closed=True),
    "a log that is forgotten": Ending(forgotten, (0,), closed=True),
    "segmentation fault": Ending(_crash(lambda: ctypes.string_at(0)), _SEGV, closed=False),
    "abort()": Ending(_crash(os.abort), (-signal.SIGABRT,), closed=False),
    "faulthandler, then abort": Ending(_crash(faulthandler._sigabrt), (-signal.SIGABRT,), closed=False),  # type: ignore[attr-defined]
    "fatal error of the interpreter": Ending(
        _crash(lambda: ctypes.pythonapi.Py_FatalError(b"torture")), (-signal.SIGABRT,), closed=False
    ),
    "stack overflow": Ending(deep, _SEGV, closed=False),
    "bus error": Ending(_signal(signal.SIGBUS), (-signal.SIGBUS,), closed=False),
    "no memory left in a call": Ending(out_of_memory, (0,), closed=True),
    "no threads to be had": Ending(no_threads, (0,), closed=True),
    "another program in its place": Ending(_crash(another_program), (0,), closed=False),
}


def main() -> None:
    """Train, then end."""
    name, run, ledger, seed = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM):  # nohup has us ignore some
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    training = Training(Path(run), Ledger(Path(ledger)), random.Random(seed))
    training.rows(training.chance.randrange(ROWS))
    training.records(training.chance.randrange(RECORDS))
    ENDINGS[name].act(training)


if __name__ == "__main__":
    main()
