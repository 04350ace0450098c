"""Payload records on their way to the file: a queue bounded in bytes and in time, encoded on the pump's thread."""

from __future__ import annotations

import threading
import time as clock
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from visualdl.log.columns import Entry, encode_records
from visualdl.log.frame import ADDRESS_BYTES, BLOB, RECORDS
from visualdl.log.frame_file import FrameFile
from visualdl.log.trouble import Trouble

Encode = Callable[[], tuple[bytes, Sequence[bytes]]]

BACKLOG_SECONDS = 0.75  # the queue holds no more than what can be written in so long, so a kill loses no more
FIRST_RATE = 30e6  # bytes a second, until measured
BATCH_BYTES = 1 << 18
BATCH_SECONDS = 0.1


class Item(NamedTuple):
    """A payload record that waits for its encoding; `size`: bytes held until then."""

    tag: int
    step: int
    time: float
    encode: Encode
    size: int


class _Encoded(NamedTuple):
    entry: Entry
    blobs: tuple[bytes, ...]
    size: int


class Payloads:
    """The queue of one log. Any thread puts; one at a time drains."""

    def __init__(
        self, file: FrameFile, trouble: Trouble, *, queue_bytes: int, when_full: Literal["wait", "drop"]
    ) -> None:
        self.written = 0
        self._file = file
        self._trouble = trouble
        self._limit = queue_bytes
        self._when_full = when_full
        self._lock = threading.Lock()
        self._queue: deque[Item] = deque()
        self._held = 0  # bytes in the queue and in _encoded
        self._rate = FIRST_RATE  # bytes a second that are encoded and written
        self._encoded: list[_Encoded] = []
        self._addresses: set[bytes] = set()  # of the blobs in the file

    def put(self, item: Item, *, force: bool) -> bool:
        """Queues a record, or drops and counts it; False: there is no room yet, come again. `force` makes room."""
        with self._lock:
            room = min(self._limit, self._rate * BACKLOG_SECONDS)
            if self._trouble.gone:
                self._trouble.drop(1)
            elif force or not self._held or self._held + item.size <= room:
                self._held += max(1, item.size)
                self._queue.append(item)
            elif self._trouble.error is not None or self._when_full == "drop":
                self._trouble.drop(1)
            else:
                return False
            return True

    def waiting(self) -> int:
        """Records that are not in the file yet."""
        return len(self._queue) + len(self._encoded)

    def drain(self) -> None:
        """Encodes and writes everything. OSError when the file cannot be written; nothing is lost by that."""
        begun = clock.monotonic()
        size, measured = 0, begun
        while self._queue or self._encoded:
            if self._queue:
                size += self._encode(self._queue.popleft())
            now = clock.monotonic()
            if size >= BATCH_BYTES or now - begun > BATCH_SECONDS or not self._queue:
                self._write()
                begun = clock.monotonic()
                if size and begun - measured > 0.001:
                    self._rate += 0.3 * (size / (begun - measured) - self._rate)
                size, measured = 0, begun

    def _encode(self, item: Item) -> int:
        try:
            payload, blobs = item.encode()
            blobs = tuple(blobs)
            entry = Entry(item.tag, item.step, item.time, bytes(payload), tuple(map(address, blobs)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a user's object raises, the pump goes on
            reason = f"a record could not be encoded: {type(error).__name__}: {error}"
            with self._lock:
                self._held -= max(1, item.size)
            self._trouble.drop(1, reason)
            self._trouble.warn(reason)
            return 0
        self._encoded.append(_Encoded(entry, blobs, max(1, item.size)))
        return max(1, item.size)

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
        with self._lock:
            self._held -= sum(encoded.size for encoded in self._encoded)
        self.written += len(self._encoded)
        self._encoded = []


def address(blob: bytes) -> bytes:
    """The content address of a blob: the first 16 bytes of its sha256."""
    import hashlib  # takes 3 ms, which a script without blobs need not spend

    return hashlib.sha256(blob).digest()[:ADDRESS_BYTES]
