"""The board's server as people start it, in a process of its own: asked, watched, ended."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds after which something that has to come is given up."""


class Figures(NamedTuple):
    """What the server's process takes at one moment. cpu: seconds of processor time since it began."""

    cpu: float
    rss: int
    fds: int
    threads: int


class Ended(NamedTuple):
    """How a server ended: after how many seconds, with which status, and what it said on standard error."""

    seconds: float
    status: int
    said: str


def environment() -> dict[str, str]:
    """That of a program of ours, whatever folder it is started in."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    """A port of the loopback that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NotServing(Exception):
    """A server that should have started did not."""


class Served:
    """One server. program: what is run instead of `python -m visualdl`, with the same arguments."""

    def __init__(self, logdir: Path, port: int, program: Sequence[str] = ("-m", "visualdl"), files: int = 0) -> None:
        self.port = port
        command = [sys.executable, *program, "--logdir", str(logdir), "--port", str(port)]
        self._said = logdir.parent / f"{logdir.name}-{port}-{time.monotonic_ns()}.err"
        with open(self._said, "wb") as said:
            self._process = subprocess.Popen(
                command, cwd=logdir.parent, env=environment(), stdout=subprocess.PIPE, stderr=said
            )
        if files:
            self._limit_files(files)
        assert self._process.stdout is not None
        self.process = psutil.Process(self._process.pid)
        if b"http://127.0.0.1" not in self._process.stdout.readline():
            self.kill()
            raise NotServing(f"the server did not start: {self.said()[-500:]!r}")

    def _limit_files(self, files: int) -> None:
        import resource

        resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (files, files))

    @property
    def runs(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def said(self) -> str:
        """What it has said on standard error."""
        return self._said.read_text(errors="replace")

    def figures(self) -> Figures:
        """What it takes now."""
        with self.process.oneshot():
            cpu = self.process.cpu_times()
            return Figures(
                cpu.user + cpu.system,
                self.process.memory_info().rss,
                self.process.num_fds(),
                self.process.num_threads(),
            )

    def busy(self, seconds: float) -> float:
        """The part of one core that it takes, over so many seconds."""
        before = self.figures().cpu
        time.sleep(seconds)
        return (self.figures().cpu - before) / seconds

    def get(self, path: str, timeout: float = PATIENCE) -> tuple[int, bytes]:
        """The status and the body of one answer, over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", "/" + path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def board(self) -> dict[str, Any]:
        """What api/board says."""
        found: dict[str, Any] = json.loads(self.get("api/board")[1])
        return found

    def when(self, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What api/board says as soon as `true` of it."""
        limit = time.monotonic() + PATIENCE
        while not true(board := self.board()):
            if time.monotonic() > limit:
                raise TimeoutError("the board never came to that")
            time.sleep(0.05)
        return board

    def end(self, how: signal.Signals) -> Ended:
        """Send a signal, and see how it ends; it is killed when it does not."""
        began = time.monotonic()
        self._process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        seconds = time.monotonic() - began
        self.kill()
        return Ended(seconds, self._process.returncode, self.said())

    def kill(self) -> None:
        """Make sure that nothing of it is left."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextlib.contextmanager
def serving(
    logdir: Path, port: int = 0, program: Sequence[str] = ("-m", "visualdl"), files: int = 0
) -> Iterator[Served]:
    """A server until the end of the block."""
    served = Served(logdir, port or free_port(), program, files)
    try:
        yield served
    finally:
        served.kill()


def child(name: str, *arguments: object) -> subprocess.Popen[bytes]:
    """A program of torture/children, which ends when its standard input does."""
    command = [sys.executable, "-m", f"torture.children.{name}", *map(str, arguments)]
    return subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The same program; its end is seen to at the end of the block."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
