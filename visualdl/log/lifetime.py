"""What happens to the open logs of a process when it forks, is told to end (SIGTERM), or ends.

The set of open logs is the one thing here that is global, as the process is. Nothing in a signal handler takes a lock:
the handler may have interrupted the very thread that holds it.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import importlib
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Protocol


class Log(Protocol):
    """A log, open or not, as this room sees it."""

    def forked(self) -> None: ...


class Open(Protocol):
    """The open files of a log, as this room sees them."""

    def close(self, *, patience: float) -> object: ...

    def wake(self) -> None: ...

    def die(self) -> None: ...


_logs: weakref.WeakSet[Log] = weakref.WeakSet()
_open: set[Open] = set()
_before_end: list[Callable[[], None]] = []
_finalized = 0  # the child of multiprocessing whose finalizers close its logs
_ending = False  # the process closes its logs because it ends
_previous: Any = None  # the SIGTERM handler that ours replaced; None while ours is not installed
_SECONDS_TO_SEAL = 5.0  # after SIGTERM
_SECONDS_TO_IMPORT = 5.0
_importing = threading.RLock()  # a signal may make the thread that imports open another log
_held: list[bool] = []  # whether the fork under way got that lock
_SECONDS_TO_CLOSE = 30.0  # when the interpreter ends


def born(log: Log) -> None:
    """From now on `log` is told when the process forks."""
    _logs.add(log)


def opened(log: Open) -> None:
    """From now on `log` is sealed when the process ends."""
    _open.add(log)
    _install()
    will_end()


def before_end(finish: Callable[[], None]) -> None:
    """`finish` is called when the process ends, before its logs are closed; perhaps more than once."""
    _before_end.append(finish)


def will_end() -> None:
    """See to it that this process does not end without `close_all`: for whoever holds something back for a log."""
    global _finalized
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and processes.parent_process() is not None and _finalized != os.getpid():
        _finalized = os.getpid()
        # A child of multiprocessing ends by os._exit; only its own finalizers run.
        from multiprocessing.util import Finalize

        Finalize(None, close_all, exitpriority=0)


def closed(log: Open) -> None:
    """`log` needs nothing any more."""
    _open.discard(log)


def settle() -> None:
    """When no log is open any more, SIGTERM is handled as before."""
    if not _open:
        _uninstall()


@atexit.register
def close_all() -> None:
    """Closes every open log of this process; a disk that hangs holds up its end for a while only."""
    global _ending
    try:
        for finish in tuple(_before_end):
            finish()
    finally:
        _ending = True
        deadline = time.monotonic() + _SECONDS_TO_CLOSE
        for log in tuple(_open):
            log.close(patience=max(0.0, deadline - time.monotonic()))


def ending() -> bool:
    """Does the process end, and has it begun to close its logs?"""
    return _ending


# ------------------------------------------------------------------------------------------------ fork


def load(*modules: str) -> None:
    """Imports what a log needs later, if it is there. No fork happens meanwhile.

    A module that another thread is importing at the moment of a fork stays locked in the child for ever, and whoever
    imports it there hangs.
    """
    with _importing:
        for name in modules:
            if name not in sys.modules:
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)


def _before_fork() -> None:
    # Not for ever: a fork from within an import (by the same thread) must not hang either.
    _held.append(_importing.acquire(timeout=_SECONDS_TO_IMPORT))


def _after_fork() -> None:
    if _held and _held.pop():
        _importing.release()


def _forked() -> None:
    _after_fork()
    _open.clear()
    _uninstall()  # a child that logs nothing ends by SIGTERM at once, as before
    for log in tuple(_logs):
        log.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_forked)


# ------------------------------------------------------------------------------------------------ SIGTERM


def _install() -> None:
    global _previous
    if _previous is not None or sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return
    before = signal.getsignal(signal.SIGTERM)
    if before is None or before is signal.SIG_IGN:
        return  # set by C code, or meant to be ignored: not ours to change
    try:
        _previous = before
        signal.signal(signal.SIGTERM, _terminated)
    except BaseException:  # Ctrl-C, this moment
        _previous = None
        raise


def _uninstall() -> None:
    global _previous
    if _previous is None or threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is _terminated:
        signal.signal(signal.SIGTERM, _previous)
        _previous = None


def _terminated(number: int, frame: Any) -> None:
    """Seals the logs, then does what SIGTERM did before: the process dies by it, or the previous handler runs."""
    if callable(_previous):
        for log in tuple(_open):
            log.wake()  # what is queued goes to the file while the previous handler decides
        _previous(number, frame)
    elif signal.getsignal(signal.SIGTERM) is _terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second SIGTERM kills at once
        try:
            _thread.start_new_thread(_seal_and_die, (number,))
        except RuntimeError:
            os.kill(os.getpid(), number)
    else:  # a later handler calls us as its predecessor: whether to die is its decision
        for log in tuple(_open):
            log.wake()


def _seal_and_die(number: int) -> None:
    timer = threading.Timer(_SECONDS_TO_SEAL, os.kill, (os.getpid(), number))
    timer.daemon = True
    timer.start()
    try:
        for log in tuple(_open):
            log.die()
    finally:
        os.kill(os.getpid(), number)
        time.sleep(_SECONDS_TO_SEAL)
