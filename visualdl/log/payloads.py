"""Payload records on their way to the file: a queue bounded in bytes and in time, encoded on the pump's thread.

What a caller pays is mostly memory that is far away: after a training step nothing of ours is in the processor's
caches. So the way into the queue is one function (`appender`) with one lock and one tuple, and the pump encodes what
came in a while at once, kind by kind, instead of each record with cold caches.
"""

from __future__ import annotations

import threading
import time as clock
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from visualdl.log.columns import Entry, encode_records
from visualdl.log.frame import ADDRESS_BYTES, BLOB, MAX_BODY_BYTES, RECORDS
from visualdl.log.frame_file import FrameFile
from visualdl.log.head import LATEST
from visualdl.log.trouble import Trouble

Encode: TypeAlias = Callable[[Any], tuple[bytes, Sequence[bytes]]]
Item: TypeAlias = tuple[int, int, float, Encode, Any, int]
"""A record that waits: tag, step, time, `encode`, what that is called with, and how many bytes both hold until then."""
AppendRecord: TypeAlias = Callable[[int, "float | None", Encode, Any, int], None]

BACKLOG_SECONDS = 0.75  # the queue holds no more than what can be written in so long, so a kill loses no more
CALM_SECONDS = 0.2  # and when more than this waits, the pump is called at once
CALM_BYTES = 1 << 20  # … or more than this: memory that is free again soon is used again, and costs no page faults
FIRST_RATE = 30e6  # bytes a second, until measured
RECORD_BYTES = 512  # about what a record takes in memory beside its value: many small ones are a backlog too
BATCH_BYTES = 1 << 18
BATCH_SECONDS = 0.1


class Queue:
    """What waits for the pump, and where callers and pump meet. One for a log, for all its life; it knows neither.

    room: a record that would make `held` greater goes the slow way; -1: all do. awake: the pump will look by itself.
    """

    __slots__ = ("awake", "held", "items", "lock", "ring", "room")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """At first, and in a forked child: nothing waits, and there are no files yet."""
        self.lock = threading.RLock()  # the collector or a signal may make the thread that holds it log something
        self.items: deque[Item] = deque()
        self.held = 0  # bytes of what is queued, being encoded or being written
        self.room: float = -1
        self.awake = False
        self.ring: Callable[[], object] = bool


def appender(queue: Queue, tag: int, stuck: Callable[[Item], None]) -> AppendRecord:
    """append(step, time, encode, value, size): queues a record; time None: now. `stuck` takes what does not fit."""
    now = clock.time

    def append(step: int, time: float | None, encode: Encode, value: Any, size: int) -> None:
        if not -0x8000_0000_0000_0000 <= step <= 0x7FFF_FFFF_FFFF_FFFF:
            raise OverflowError(f"step must fit in 64 bits, but {step} came")
        if time is None:
            time = now()
        elif not -LATEST < time < LATEST:
            raise ValueError(f"time must be finite seconds since 1970 UTC, but {time!r} came")
        size += RECORD_BYTES
        item = (tag, step, time, encode, value, size)
        with queue.lock:
            fits = queue.held + size <= queue.room
            if fits:
                queue.items.append(item)  # first: Ctrl-C in between must not take bytes that nobody gives back
                queue.held += size
                if queue.awake:
                    return
                queue.awake = True
        if fits:
            queue.ring()
        else:
            stuck(item)

    return append


class _Encoded(NamedTuple):
    entry: Entry
    blobs: tuple[bytes, ...]
    size: int


class Payloads:
    """The pump's side of the queue of one open file set. One thread at a time drains."""

    def __init__(
        self,
        queue: Queue,
        file: FrameFile,
        trouble: Trouble,
        *,
        queue_bytes: int,
        when_full: Literal["wait", "drop"],
    ) -> None:
        self.written = 0
        self._queue = queue
        self._file = file
        self._trouble = trouble
        self._limit = queue_bytes
        self._when_full = when_full
        self._rate = FIRST_RATE  # bytes a second that are encoded and written
        self._batch: deque[Item] = deque()  # taken from the queue
        self._encoded: list[_Encoded] = []
        self._addresses: set[bytes] = set()  # of the blobs in the file
        self._shut = False

    def make_room(self) -> None:
        """Lets records into the queue, as many as should wait for the pump to look by itself."""
        with self._queue.lock:
            self._queue.room = -1 if self._shut else self._calm()

    def shut(self) -> None:
        """From now on every record comes to `put`."""
        with self._queue.lock:
            self._shut = True
            self._queue.room = -1

    def put(self, item: Item, *, force: bool) -> bool:
        """Queues a record, or drops and counts it; False: no room yet, or shut: come again. `force` makes room."""
        queue, size = self._queue, item[-1]
        with queue.lock:
            limit = min(self._limit, self._rate * BACKLOG_SECONDS)
            if self._trouble.gone:
                self._trouble.drop(1)
            elif self._shut and not force:
                return False  # the last turn may have begun, and what is queued now would stay behind
            elif force or queue.held <= 0 or queue.held + size <= limit:
                queue.items.append(item)
                queue.held += size
                queue.awake = True
                if not self._shut:
                    queue.room = limit  # the pump is called now: no need to come here again until it was there
            elif self._trouble.error is not None or self._when_full == "drop":
                self._trouble.drop(1)
            else:
                return False
            return True

    def pressing(self) -> bool:
        """Does more wait than should wait for the pump to look by itself?"""
        return self._queue.held > self._calm()

    def _calm(self) -> float:
        return min(self._limit, self._rate * CALM_SECONDS, CALM_BYTES)

    def waiting(self) -> int:
        """Records that are not in the file yet."""
        return len(self._queue.items) + len(self._batch) + len(self._encoded)

    def rest(self, *, awake: bool) -> bool:
        """The pump's turn is over: will it look again by itself? It must when it is awake or something waits."""
        with self._queue.lock:
            self._queue.awake = awake or bool(self._queue.items)
            return self._queue.awake

    def drain(self) -> None:
        """Encodes and writes what waits now. OSError when the file cannot be written; nothing is lost by that.

        What comes meanwhile is for the next turn: callers as fast as we are must not keep rows and `flush` waiting.
        """
        self._write()
        begun, size, left = clock.monotonic(), 0, len(self._queue.items)
        while self._batch or left:
            if not self._batch:
                left -= self._take(left)
            while self._batch:
                size += self._encode(self._batch.popleft())
                if clock.monotonic() - begun > BATCH_SECONDS:
                    break
            self._write()
            now = clock.monotonic()
            if size and now - begun > 0.001:
                self._rate += 0.3 * (size / (now - begun) - self._rate)
            begun, size = now, 0
            self.make_room()

    def _take(self, most: int) -> int:
        """Takes a batch of at most so many records, and at least one, from the queue, where they are; how many.

        Sorted by what encodes it: the code and the tables that one record brought into the caches serve the next. What
        belongs to one tag stays in order.
        """
        size = 0
        with self._queue.lock:
            while len(self._batch) < most and size < BATCH_BYTES:
                self._batch.append(self._queue.items.popleft())
                size += self._batch[-1][-1]
        self._batch = deque(sorted(self._batch, key=lambda item: id(item[3])))
        return len(self._batch)

    def _encode(self, item: Item) -> int:
        tag, step, time, encode, value, size = item
        try:
            payload, blobs = encode(value)
            blobs = tuple(blobs)
            longest = max(map(len, (payload, *blobs)))
            if longest > MAX_BODY_BYTES:
                raise ValueError(f"a reader takes {MAX_BODY_BYTES} bytes at once, not {longest} bytes")
            entry = Entry(tag, step, time, bytes(payload), tuple(map(address, blobs)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a user's object raises, the pump goes on
            reason = f"a record could not be encoded: {type(error).__name__}: {error}"
            with self._queue.lock:
                self._queue.held -= size
            self._trouble.drop(1, reason)
            self._trouble.warn(reason)
            return 0
        self._encoded.append(_Encoded(entry, blobs, size))
        return size

    def _write(self) -> None:
        if not self._encoded:
            return
        for encoded in self._encoded:
            for where, blob in zip(encoded.entry.blobs, encoded.blobs, strict=True):
                if where not in self._addresses:
                    self._file.append(BLOB, index=where, body=blob)
                    self._addresses.add(where)
        frame = encode_records([encoded.entry for encoded in self._encoded])
        self._file.append(RECORDS, n=frame.n, index=frame.directory, body=frame.body, codec=frame.codec)
        size = sum(encoded.size for encoded in self._encoded)
        with self._queue.lock:
            self._queue.held -= size
        self.written += len(self._encoded)
        self._encoded = []


def address(blob: bytes) -> bytes:
    """The content address of a blob: the first 16 bytes of its sha256."""
    import hashlib  # takes 3 ms, which a script without blobs need not spend

    return hashlib.sha256(blob).digest()[:ADDRESS_BYTES]
