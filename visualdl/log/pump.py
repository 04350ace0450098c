"""The pump: one thread for each open log, that encodes payloads, seals rows into frames and closes the files.

Callers fill the ring and the queue; only a *turn* of the pump empties them. When there is no thread (it could not be
started, or the interpreter is going down) a caller that has to wait takes the turn itself.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time as clock
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from visualdl.errors import LogClosed, LogError
from visualdl.log import lifetime
from visualdl.log.columns import Entry, encode_records, encode_rows
from visualdl.log.filesystem import Mode, ring_mode
from visualdl.log.frame import ADDRESS_BYTES, BLOB, CLOSE, META, RECORDS, ROWS, TAGS, Closed, encode_closed, encode_json
from visualdl.log.frame_file import FrameFile
from visualdl.log.head import Ring, check_row, committed, hot_path

Encode = Callable[[], tuple[bytes, Sequence[bytes]]]

SEAL_ROWS = 16384
BEAT_SECONDS = 5.0
WRITE_SECONDS = 0.25  # pwrite mode: a row is in the file after so long at most
IDLE_BEATS = 12  # so many beats without a new row, and the rest is sealed
RETRY_SECONDS = 1.0
BACKLOG_SECONDS = 0.75  # the queue holds at most what can be written in so long: a kill loses no more
FIRST_RATE = 30e6  # bytes a second, until measured
BATCH_BYTES = 1 << 18
BATCH_SECONDS = 0.1
HOLE_TURNS = 100  # a row still not committed after so many turns of 20 ms was interrupted for good
NEVER = 1 << 63


class Item(NamedTuple):
    """A payload record that waits for its encoding; `size`: bytes held until then."""

    tag: int
    step: int
    time: float
    encode: Encode
    size: int


class Pump:
    """The life of one log: nothing on disk, then a file set, then closed; a forked child starts again with nothing."""

    def __init__(
        self,
        directory: str,
        name: Callable[[], str],
        *,
        durability: Literal["auto", "mmap", "pwrite"],
        queue_bytes: int,
        when_full: Literal["wait", "drop"],
        ring_rows: int,
    ) -> None:
        self.directory = directory
        self._name = name
        self._durability = durability
        self._queue_bytes = queue_bytes
        self._when_full = when_full
        self._ring_rows = ring_rows
        self._seal_rows = max(1, min(SEAL_ROWS, ring_rows // 4))
        self.tags: list[dict[str, Any]] = []
        self.metas: dict[str, Any] = {}
        self.abandoned = False
        self.hot = hot_path(self._stuck)
        self._start_over()

    def _start_over(self) -> None:
        self.path = os.path.join(self.directory, self._name())
        self.lock = threading.RLock()  # the fields below; never held while writing or encoding
        self._writing = threading.RLock()  # the frame file
        self._turning = threading.Lock()  # one turn at a time
        self._bell = threading.Lock()  # a raw lock as a bell: ringing it is safe anywhere, signal handlers included
        self._bell.acquire()
        self._thread: threading.Thread | None = None
        self._tickets: deque[Any] = deque()
        self._file: FrameFile | None = None
        self._ring: Ring | None = None
        self._live_from = 0  # a row number below it was dropped
        self._hard = 0  # a row number at or past it has no slot yet
        self._overflow = False  # rows past `_hard` are dropped until the ring is empty
        self._hole = (-1, 0)
        self._trouble: BaseException | None = None
        self._retry_at = 0.0
        self._warned = False
        self._gone = False
        self._dying = False
        self._queue: deque[Item] = deque()
        self._queued_bytes = 0
        self._rate = FIRST_RATE
        self._encoded: list[tuple[Entry, Sequence[bytes], int]] = []
        self._blobs: set[bytes] = set()
        self._undeclared: list[dict[str, Any]] = []
        self._unsaid: dict[str, Any] = {}
        self._rows = self._records = self.dropped = 0
        self._reasons: dict[str, int] = {}
        self._next_beat = 0.0
        self._seen, self._idle = 0, 0
        self.closing = False
        self.closed: Closed | None = None

    # -------------------------------------------------------------------------------------------- opening

    def open(self) -> bool:
        """Makes sure that there are files; False when that fails (told once, counted by the caller)."""
        with self.lock:
            if self._ring is not None:
                return True
            if self.closing or clock.monotonic() < self._retry_at:
                return False
            try:
                self._create()
            except OSError as error:
                self._in_trouble(error)
                return False
            self._trouble = None
            lifetime.opened(self)
            self._thread = threading.Thread(target=self._run, name="visualdl-log", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no more threads, or too late: callers take the turns
                self._thread = None
            return True

    @property
    def unopened(self) -> bool:
        """Are there no files yet?"""
        return self._ring is None

    def _create(self) -> None:
        os.makedirs(self.directory, exist_ok=True)
        mode: Mode = ring_mode(self.directory) if self._durability == "auto" else self._durability
        first = self.hot.skip() + 1 if self._live_from else 0
        self._file = FrameFile(self.path)
        try:
            self._undeclared, self._unsaid = list(self.tags), dict(self.metas)
            self._declare()
            ring = Ring(os.path.splitext(self.path)[0] + ".head", capacity=self._ring_rows, mode=mode, first=first)
        except BaseException:
            self._file.close()
            self._file = None
            os.unlink(self.path)
            raise
        self._ring = ring
        self._live_from, self._hard = first, first + ring.capacity
        self._next_beat = clock.monotonic() + BEAT_SECONDS
        self.hot.use(ring.buffer, ring.capacity)
        self._set_limit()

    def _declare(self) -> None:
        """Writes the tags and metadata that no frame holds yet."""
        assert self._file is not None
        if self._undeclared:
            self._file.append(TAGS, n=len(self._undeclared), body=encode_json(self._undeclared))
            self._undeclared = []
        if self._unsaid:
            self._file.append(META, body=encode_json(self._unsaid))
            self._unsaid = {}

    def say(self, tag: dict[str, Any] | None = None, meta: dict[str, Any] | None = None) -> None:
        """A new tag, or metadata: in the file when this returns, if there is one."""
        with self._writing:
            if self._file is None or self.closed is not None:
                return
            if tag is not None:
                self._undeclared.append(tag)
            self._unsaid.update(meta or {})
            try:
                self._declare()
            except OSError as error:
                self._in_trouble(error)

    # -------------------------------------------------------------------------------------------- callers

    def _stuck(self, number: int, tag: int, step: int, value: float, time: float) -> None:
        """The slow way of a row: opens, rings the bell, waits for a slot, drops or raises."""
        while True:
            with self.lock:
                free = self._place(number)
                if free is None:
                    check_row(step, value)
                    self._drop(1, self._why())
                    return
                if free:
                    self._set_limit(ring_at_next=False)
            self.wake()
            if free:
                self.hot.put(number, tag, step, value, time)
                return
            if self._dying:
                clock.sleep(3600)  # SIGTERM is on its way to us: a call that cannot be kept must not return
            self._help()
            clock.sleep(0.0005)

    def _place(self, number: int) -> bool | None:
        """Under the lock: True: the slot is free; False: not yet; None: the row is dropped. LogClosed after close()."""
        if self._dying:
            return False
        if self.closing:
            raise LogClosed(f"a row came after close(): {self.path}")
        if self._ring is None and not self.open():
            self._live_from = number + 1
            return None
        if number < self._live_from:
            return None
        if number < self._hard:
            return True
        if self._trouble is not None or self._when_full == "drop":
            self._overflow = True
        return None if self._overflow else False

    def put(self, item: Item) -> None:
        """Queues a payload record; waits for room, or drops and counts. LogClosed after close()."""
        while True:
            with self.lock:
                if self.closing and not self._dying:
                    raise LogClosed(f"a record came after close(): {self.path}")
                if not self._dying:
                    if not self.open() or self._gone:
                        self._drop(1, self._why())
                        return
                    room = min(self._queue_bytes, self._rate * BACKLOG_SECONDS)
                    if not self._queued_bytes or self._queued_bytes + item.size <= room or self._on_pump():
                        self._queue.append(item)
                        self._queued_bytes += max(1, item.size)
                        break
                    if self._trouble is not None or self._when_full == "drop":
                        self._drop(1, self._why())
                        return
            self.wake()
            self._help()
            clock.sleep(0.0005)
        self.wake()

    def wake(self) -> None:
        """Rings the bell: the pump takes a turn soon. Takes no lock."""
        try:
            self._bell.release()
        except RuntimeError:
            pass  # it is ringing already

    def _on_pump(self) -> bool:
        return self._thread is threading.current_thread()

    def _help(self) -> None:
        """Takes a turn here when there is no pump thread to take it."""
        if self._thread is None or not self._thread.is_alive():
            self._turn()

    def flush(self) -> None:
        """Every returned call is in the files when this returns, unless they cannot be written."""
        if self._ring is None or self._on_pump():
            return
        if self._ring.mode == "mmap" and not self._queue and not self._encoded:
            if not self._turning.locked():
                return
        ticket = threading.Lock()
        ticket.acquire()
        self._tickets.append(ticket)
        self._wait(ticket)

    def _wait(self, ticket: Any) -> None:
        while self.closed is None:
            self.wake()
            if ticket.acquire(timeout=0.05):
                return
            self._help()

    def close(self, *, why: str = "") -> Closed:
        """Seals everything and closes the files; the same answer each time."""
        with self.lock:
            first = not self.closing
            self.closing = True
            self.hot.limit(-1)
            if why:
                self._reasons[why] = 0
            if self._ring is None and self.closed is None:
                self.closed = self._tell()
        if self._on_pump() and first:
            return self.closed or self._tell()  # this turn, or the next, closes
        ticket = threading.Lock()
        ticket.acquire()
        self._tickets.append(ticket)
        self._wait(ticket)
        return self.closed or self._tell()

    def die(self) -> None:
        """Closes because the process was told to end: calls from now on do not return."""
        with self.lock:
            self._dying = True
        self.close(why="the process was told to end (SIGTERM)")

    def forked(self) -> None:
        """In a forked child: the parent keeps the files; the next record here opens new ones."""
        if self._ring is not None:
            self._ring.release()
        if self._file is not None:
            self._file.close()
        self.hot.restart()
        self._start_over()

    # -------------------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        while self.closed is None:
            self._bell.acquire(timeout=self._pause())
            if self.abandoned:
                self.closing = True
            self._turn()
            self._seal_mark()

    def _pause(self) -> float:
        ring = self._ring
        if self._hole[1] or self._overflow:
            return 0.02
        if self._trouble is not None:
            return RETRY_SECONDS
        if ring is not None and ring.mode == "pwrite" and not self._idle:
            return WRITE_SECONDS
        return BEAT_SECONDS

    def _turn(self) -> None:
        """Empties the queue and the ring as far as it makes sense now. Never raises."""
        with self._turning:
            if self.closed is not None:
                return
            tickets = [self._tickets.popleft() for _ in range(len(self._tickets))]
            try:
                self._drain()
                self._seal(everything=self.closing)
                self._life()
                if self.closing:
                    self._finish()
            except Exception as error:
                self._in_trouble(error)
                if self.closing:
                    self._give_up()
            for ticket in tickets:
                ticket.release()

    # -------------------------------------------------------------------------------------------- payloads

    def _drain(self) -> None:
        if self._trouble is not None and clock.monotonic() < self._retry_at and not self.closing:
            return
        begun = clock.monotonic()
        size, measured = 0, begun
        while self._queue or self._encoded:
            if self._queue:
                size += self._encode(self._queue.popleft())
            now = clock.monotonic()
            if size >= BATCH_BYTES or now - begun > BATCH_SECONDS or not self._queue:
                self._write_encoded()
                begun = clock.monotonic()
                if size and begun - measured > 0.001:
                    self._rate += 0.3 * (size / (begun - measured) - self._rate)
                size, measured = 0, begun

    def _encode(self, item: Item) -> int:
        try:
            payload, blobs = item.encode()
            entry = Entry(item.tag, item.step, item.time, bytes(payload), tuple(_address(b) for b in blobs))
        except Exception as error:
            reason = f"a record could not be encoded: {type(error).__name__}: {error}"
            with self.lock:
                self._queued_bytes -= max(1, item.size)
            self._drop(1, reason)
            self._warn(reason)
            return 0
        self._encoded.append((entry, blobs, item.size))
        return max(1, item.size)

    def _write_encoded(self) -> None:
        if not self._encoded:
            return
        assert self._file is not None
        with self._writing:
            self._declare()
            for entry, blobs, _ in self._encoded:
                for address, blob in zip(entry.blobs, blobs):
                    if address not in self._blobs:
                        self._file.append(BLOB, index=address, body=blob)
                        self._blobs.add(address)
            frame = encode_records([entry for entry, _, _ in self._encoded])
            self._file.append(RECORDS, n=frame.n, index=frame.index, body=frame.body, codec=frame.codec)
        self._trouble = None
        with self.lock:
            self._records += len(self._encoded)
            self._queued_bytes -= sum(max(1, size) for _, _, size in self._encoded)
        self._encoded = []

    # -------------------------------------------------------------------------------------------- rows

    def _seal(self, *, everything: bool) -> None:
        ring = self._ring
        assert ring is not None
        if self._trouble is not None and clock.monotonic() < self._retry_at and not everything:
            return
        everything = everything or self._overflow or self._idle >= IDLE_BEATS
        patience = 5
        while (stop := min(self.hot.taken(), self._hard)) > ring.tail:
            if stop - ring.tail < self._seal_rows and not everything:
                break
            if not self._seal_some(ring, min(stop, ring.tail + self._seal_rows)):
                if not everything or not self.closing:
                    break
                patience -= 1
                if patience < 0:
                    ring.void(ring.tail)  # its call was interrupted, or never will return
                clock.sleep(0.01)
        self._trouble = None
        if ring.mode == "pwrite":
            self._write_out(ring)
        if self._overflow and ring.tail >= self._hard:
            self._recover(ring)

    def _seal_some(self, ring: Ring, stop: int) -> bool:
        """Seals committed rows from the tail on, before `stop`; False when the first is not committed yet."""
        start = ring.tail
        rows = ring.rows(start, stop)
        n = committed(rows, start)
        if n == 0:
            turns = self._hole[1] + 1 if self._hole[0] == start else 1
            self._hole = (start, turns)
            if turns > HOLE_TURNS:
                ring.void(start)
            return False
        self._hole = (-1, 0)
        part = encode_rows(rows[: n * 32], start, start + n)
        assert self._file is not None
        with self._writing:
            self._declare()
            self._file.append(
                ROWS, n=part.n, index=part.index, body=part.body, codec=part.codec, flags=part.flags
            )
        ring.advance(start + n)
        with self.lock:
            self._rows += part.n
            if not self._overflow:
                self._hard = ring.tail + ring.capacity
                self._set_limit()
        return True

    def _write_out(self, ring: Ring) -> None:
        stop = min(self.hot.taken(), self._hard)
        start = max(ring.tail, ring.written)
        if stop > start:
            ring.write_out(start + committed(ring.rows(start, stop), start))

    def _recover(self, ring: Ring) -> None:
        """The ring is empty after rows had to be dropped: goes on with the next number that nobody has taken."""
        with self.lock:
            if self._gone:
                return
            number = self.hot.skip() + 1
            ring.advance(number)
            self._live_from, self._hard, self._overflow = number, number + ring.capacity, False
            self._set_limit()

    def _set_limit(self, *, ring_at_next: bool = True) -> None:
        """Under the lock: where the next call rings the bell, or has to wait."""
        if self.closing or self._ring is None:
            return
        mark = self._ring.tail + self._seal_rows
        self.hot.limit(min(self._hard, mark) if ring_at_next and self.hot.taken() < mark else self._hard)

    def _seal_mark(self) -> None:
        """pwrite mode: once no rows come, the next one rings the bell; until then the pump looks each 0.25 s."""
        ring = self._ring
        if ring is None or self.closing or ring.mode == "mmap":
            return
        with self.lock:
            taken = self.hot.taken()
            if taken == self._seen:
                self.hot.limit(min(self._hard, taken))
                if self.hot.taken() == taken:
                    self._idle = max(1, self._idle)
                    return
            self._seen, self._idle = taken, 0
            self._set_limit()

    # -------------------------------------------------------------------------------------------- life and trouble

    def _life(self) -> None:
        now = clock.monotonic()
        if now < self._next_beat or self.closing:
            return
        assert self._ring is not None and self._file is not None
        self._next_beat = now + BEAT_SECONDS
        taken = self.hot.taken()
        self._idle = self._idle + 1 if taken == self._seen else 0
        self._seen = taken
        self._ring.beat(self.dropped)
        if not self._gone and self._file.gone():
            self._vanish()

    def _vanish(self) -> None:
        self._warn(f"the log was deleted while it was being written: {self.path}")
        with self.lock:
            self._gone = True
            self._live_from = NEVER
            self.hot.limit(0)

    def _in_trouble(self, error: BaseException) -> None:
        with self.lock:
            self._trouble = error
            self._retry_at = clock.monotonic() + RETRY_SECONDS
        self._warn(f"the log cannot be written for now: {self._why()}: {self.path}")

    def _warn(self, text: str) -> None:
        with self.lock:
            if self._warned:
                return
            self._warned = True
        try:
            warnings.warn(f"{text}. Training goes on; close() tells what was dropped", RuntimeWarning, stacklevel=2)
        except Warning:
            pass  # warnings are errors here, but training goes on all the same

    def _why(self) -> str:
        if self._gone:
            return "the log was deleted"
        if isinstance(self._trouble, OSError):
            return self._trouble.strerror or str(self._trouble)
        if self._trouble is not None:
            return f"{type(self._trouble).__name__}: {self._trouble}"
        return "the disk was slower than the training"

    def _drop(self, count: int, reason: str) -> None:
        with self.lock:
            self.dropped += count
            self._reasons[reason] = self._reasons.get(reason, 0) + count

    # -------------------------------------------------------------------------------------------- closing

    def _tell(self) -> Closed:
        reasons = tuple(f"{count} dropped: {why}" if count else why for why, count in self._reasons.items())
        return Closed(self._rows, self._records, self.dropped, reasons)

    def _finish(self) -> None:
        assert self._file is not None and self._ring is not None
        with self._writing:
            if self._gone or self._file.gone():
                raise LogError("the log was deleted")
            told = self._tell()
            if self.tags:
                self._file.append(TAGS, n=len(self.tags), body=encode_json(self.tags))
            self._file.append(CLOSE, body=encode_closed(told))
        self._let_go(told, remove=True)

    def _give_up(self) -> None:
        """Closing failed: what is in the head stays there for readers; what is in memory only is lost, and counted."""
        ring = self._ring
        assert ring is not None
        lost = len(self._queue) + len(self._encoded)
        left = max(0, min(self.hot.taken(), self._hard) - ring.tail)
        if self._gone or (ring.mode == "pwrite" and left):
            lost += left
        elif left:
            self._reasons[f"{left} rows stay in the .head file"] = 0
        if lost:
            self._drop(lost, self._why())
        self._let_go(self._tell(), remove=False)

    def _let_go(self, told: Closed, *, remove: bool) -> None:
        assert self._file is not None and self._ring is not None
        self._file.close()
        self._ring.close(remove=remove)
        self.closed = told
        lifetime.closed(self)
        for ticket in [self._tickets.popleft() for _ in range(len(self._tickets))]:
            ticket.release()


def _address(blob: bytes) -> bytes:
    return hashlib.sha256(blob).digest()[:ADDRESS_BYTES]
