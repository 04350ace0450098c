"""Which process writes a log, and whether it still lives."""

from __future__ import annotations

import os
import sys
import time as clock
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

SILENT_SECONDS = 60.0  # a living writer shows life each 5 s
DEAD_SECONDS = 3600.0


class Identity(NamedTuple):
    """The process that writes a head, so that a reader can tell whether it lives. Empty or 0: not known."""

    pid: int
    start: int
    host: str
    boot: str
    namespace: str


def this_process() -> Identity:
    """The identity of the calling process."""
    return _identity(os.getpid())


@lru_cache(maxsize=1)
def _identity(pid: int) -> Identity:
    return Identity(pid, process_start(pid), host_name(), _first_line("/proc/sys/kernel/random/boot_id"), _namespace())


def host_name() -> str:
    """This machine's name; no network is asked."""
    if sys.platform == "win32":
        return os.environ.get("COMPUTERNAME", "")
    return os.uname().nodename


def process_start(pid: int) -> int:
    """When process `pid` started, in clock ticks since boot; 0 when there is none or it cannot be told."""
    fields = _first_line(f"/proc/{pid}/stat").rpartition(")")[2].split()
    ended = len(fields) < 20 or fields[0] in "ZX"  # a zombie waits for its parent only
    return 0 if ended else int(fields[19])


def _first_line(path: str) -> str:
    try:
        # In bytes: a text file may import its codec, and a fork meanwhile would leave that import locked in the child.
        with open(path, "rb") as file:
            return file.readline().strip().decode("ascii", "replace")
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except (OSError, AttributeError):
        return ""


class Life(Enum):
    """What a reader knows of a writer."""

    LIVES = auto()
    SILENT = auto()  # it has shown no life for a while; on another machine that may be a clock that goes wrong
    DEAD = auto()


def life(writer: Identity, beat: float) -> Life:
    """Does the writer of a head still live? Certain on its own machine (Linux), else by its last sign of life."""
    here = this_process()
    same = (writer.boot, writer.namespace, writer.host) == (here.boot, here.namespace, here.host)
    if same and writer.boot and writer.start:
        return Life.LIVES if process_start(writer.pid) == writer.start else Life.DEAD
    silence = abs(clock.time() - beat)
    if silence < SILENT_SECONDS:
        return Life.LIVES
    return Life.SILENT if silence < DEAD_SECONDS else Life.DEAD
