"""Which process writes a log, and whether it still lives."""

from __future__ import annotations

import os
import sys
import time as clock
from typing import NamedTuple


class Identity(NamedTuple):
    """The process that writes a head, so that a reader can tell whether it lives. Empty or 0: not known."""

    pid: int
    start: int
    host: str
    boot: str
    namespace: str


def this_process() -> Identity:
    """The identity of the calling process."""
    pid = os.getpid()
    return Identity(pid, process_start(pid), host_name(), _first_line("/proc/sys/kernel/random/boot_id"), _namespace())


def host_name() -> str:
    """This machine's name; no network is asked."""
    if sys.platform == "win32":
        return os.environ.get("COMPUTERNAME", "")
    return os.uname().nodename


def process_start(pid: int) -> int:
    """When process `pid` started, in clock ticks since boot; 0 when there is none or it cannot be told."""
    fields = _first_line(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 else 0


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except (OSError, AttributeError):
        return ""


def seems_alive(writer: Identity, beat: float) -> bool:
    """Does the writer of a head still live? Certain on its own machine (Linux), else: did it show life this minute?"""
    here = this_process()
    same = (writer.boot, writer.namespace, writer.host) == (here.boot, here.namespace, here.host)
    if same and writer.boot and writer.start:
        return process_start(writer.pid) == writer.start
    return abs(clock.time() - beat) < 60
