"""A tool's server, started, watched and asked: how soon it answers, how fast, and how big."""

from __future__ import annotations

import gzip
import http.client
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benches.peers.children import Failed, Watch, last_words, start
from benches.peers.contract import Board, Seen, Tool


class Client:
    """Asks over one connection that is kept, as a browser does; what it does with an answer afterwards is not timed."""

    def __init__(self, port: int, patience: float) -> None:
        self.spent = 0.0  # seconds from a question to the last byte of its answer, since `reset`
        self.wire = 0  # bytes of the bodies as they came
        self.answered = 0.0  # when the last byte of the last answer came
        self._port = port
        self._patience = patience
        self._connection: http.client.HTTPConnection | None = None

    def reset(self) -> None:
        """Start to count anew."""
        self.spent, self.wire = 0.0, 0

    def get(self, path: str) -> bytes:
        """The body of the answer to a GET."""
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: str, content: str) -> bytes:
        """The body of the answer to a POST with that content type."""
        return self._ask("POST", path, body.encode(), {"Content-Type": content})

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        begun = time.perf_counter()
        try:
            try:
                answer, data = self._exchange(method, path, body, headers)
            except http.client.RemoteDisconnected:  # it was idle for too long: as a browser does, try a new one
                self.close()
                answer, data = self._exchange(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswer(repr(error)) from error
        self.answered = time.perf_counter()
        self.spent += self.answered - begun
        self.wire += len(data)
        if answer.status != 200:
            raise NoAnswer(f"{path.split('?')[0]}: status {answer.status}")
        return gzip.decompress(data) if answer.headers.get("Content-Encoding") == "gzip" else data

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._patience)
        self._connection.request(method, path, body, {"Accept-Encoding": "gzip", **headers})
        answer = self._connection.getresponse()
        return answer, answer.read()

    def close(self) -> None:
        """The next question opens another connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class NoAnswer(Exception):
    """Nobody listens yet, or the answer is an error, or takes too long."""


@dataclass
class Server:
    """A running server."""

    begun: float  # when its process was started
    client: Client
    watch: Watch
    process: subprocess.Popen[bytes]
    output: Path

    def check(self) -> None:
        """Raises Failed when it has ended by itself."""
        if self.process.poll() is not None:
            raise Failed(f"its server ended: {last_words(self.output)}")


@contextmanager
def running(tool: Tool, board: Board, scratch: Path, patience: float) -> Iterator[Server]:
    """The tool's server on the logs of a scratch folder, ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    output = scratch / "server"
    with output.open("wb") as out:
        begun = time.perf_counter()
        process = start(tool, board.command(scratch / "logs", port), scratch, out)
        watch = Watch(process.pid)
        client = Client(port, patience)
        try:
            while board.ready and board.ready.encode() not in output.read_bytes():
                if process.poll() is not None or time.perf_counter() > begun + patience:
                    raise Failed(f"its server did not start: {last_words(output)}")
                time.sleep(0.02)
            yield Server(begun, client, watch, process, output)
        finally:
            client.close()
            watch.stop()
            process.wait(10)


@dataclass
class Opening:
    """What opening logs took. Seconds; None: not within the limit."""

    first: float | None = None  # to the first points of the tag, of any run
    whole: float | None = None  # to those of all runs, up to their last steps
    peak_mb: float = 0.0
    seen: int = 0  # points of the first run in the answer
    every: tuple[float, float] | None = None  # warm: seconds and bytes of the answer for all runs
    single: tuple[float, float] | None = None  # and for one
    trouble: str = ""  # what stood in the way last


def open_logs(tool: Tool, board: Board, scratch: Path, runs: Sequence[str], steps: int, limit: float) -> Opening:
    """Start the server on logs of so many steps, ask until everything is there, then ask again and again."""
    found = Opening()
    with running(tool, board, scratch, limit) as server:
        end = server.begun + limit
        while found.whole is None and time.perf_counter() < end:
            server.check()
            server.client.reset()
            try:
                seen = board.ask(server.client, runs, "t0")
                if seen and found.first is None:
                    found.first = server.client.answered - server.begun
                if complete(seen, len(runs), steps, every=board.every_point):
                    found.whole = server.client.answered - server.begun
                    found.seen = next(iter(seen.values())).points
            except NoAnswer as none:
                found.trouble = str(none)
            if found.whole is None:  # no oftener than it can answer: asking must not take the time from reading
                time.sleep(max(0.03, server.client.spent))
        if found.whole is not None:
            found.trouble = ""
            try:
                found.every = warm(server.client, lambda: board.ask(server.client, runs, "t0"))
                found.single = warm(server.client, lambda: board.ask(server.client, runs[:1], "t0"))
            except NoAnswer as none:
                found.trouble = str(none)
        server.watch.look()
        found.peak_mb = server.watch.peak_mb
    return found


def complete(seen: dict[str, Seen], runs: int, steps: int, *, every: bool) -> bool:
    """Is every run there, and to its end? A random sample need not hold the very last step, so 99 % are enough."""
    if len(seen) < runs:
        return False
    if every:
        return all(one.points >= steps for one in seen.values())
    return all(one.last >= 0.99 * (steps - 1) for one in seen.values())


def warm(client: Client, ask: Callable[[], object]) -> tuple[float, float]:
    """The median seconds of an answer, and its bytes; up to seven answers or five seconds."""
    taken: list[float] = []
    end = time.perf_counter() + 5
    while len(taken) < 7 and (not taken or time.perf_counter() < end):
        client.reset()
        ask()
        taken.append(client.spent)
    return sorted(taken)[len(taken) // 2], client.wire
