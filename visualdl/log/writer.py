"""Writing: one log is one file set, written by one process. Loads no numpy.

    log = Log("runs/one")
    append = log.row_appender(log.tag("scalar", "loss"))
    append(0, 2.3)
    log.close()
"""

from __future__ import annotations

import operator
import os
import re
import time as clock
import weakref
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from visualdl.errors import LogClosed
from visualdl.log.frame import JSON, Closed, encode_json
from visualdl.log.head import MAX_CAPACITY, Append, host_name
from visualdl.log.pump import Item, Pump

__all__ = ["Closed", "Log"]


class Log:
    """A log being written. Thread safe; a forked child gets a new file set in the same folder with its first record.

    directory: the run's folder. It and the files are created with the first record or metadata, not before.
    durability: "mmap" loses no row whose call returned, however the process dies; "pwrite" loses at most 0.25 s;
        "auto" takes mmap where the filesystem is known to be right for it.
    queue_bytes: memory that payload records may hold until they are encoded and written.
    when_full: what a call does when the disk is slower than the training: "wait", or "drop" and count.
    ring_rows: rows that wait for sealing, a power of two.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        durability: Literal["auto", "mmap", "pwrite"] = "auto",
        queue_bytes: int = 64 << 20,
        when_full: Literal["wait", "drop"] = "wait",
        ring_rows: int = 65536,
    ) -> None:
        if durability not in ("auto", "mmap", "pwrite"):
            raise ValueError(f"durability must be 'auto', 'mmap' or 'pwrite', but {durability!r} came")
        if when_full not in ("wait", "drop"):
            raise ValueError(f"when_full must be 'wait' or 'drop', but {when_full!r} came")
        if not 1 <= ring_rows <= MAX_CAPACITY or ring_rows & (ring_rows - 1):
            raise ValueError(f"ring_rows must be a power of two up to {MAX_CAPACITY}, but {ring_rows!r} came")
        if queue_bytes < 0:
            raise ValueError(f"queue_bytes must not be negative, but {queue_bytes!r} came")
        self._pump = Pump(
            os.path.abspath(os.fsdecode(directory)),
            _file_name,
            durability=durability,
            queue_bytes=queue_bytes,
            when_full=when_full,
            ring_rows=ring_rows,
        )
        self._ids: dict[tuple[str, str], int] = {}
        # A log that nobody can reach any more is closed by its pump. The collector may call this anywhere, also with
        # our locks held: it only sets a flag and rings the bell.
        weakref.finalize(self, _abandon, self._pump).atexit = False

    @property
    def path(self) -> Path:
        """The .vdl file. Known before it exists; a forked child has its own."""
        return Path(self._pump.path)

    @property
    def closed(self) -> bool:
        """Was close() called?"""
        return self._pump.closing

    @property
    def dropped(self) -> int:
        """Records and rows that could not be kept so far."""
        return self._pump.dropped

    def tag(self, kind: str, tag: str, **meta: JSON) -> int:
        """The id of a tag; the first call declares it. `meta` is JSON about the series; a later call may add to it."""
        pump = self._pump
        with pump.lock:
            known = self._ids.get((kind, tag))
            if known is None:
                entry: dict[str, Any] = {**meta, "id": len(pump.tags), "kind": kind, "tag": tag}
                encode_json(entry)
                pump.tags.append(entry)
                self._ids[kind, tag] = entry["id"]
            else:
                entry = {**pump.tags[known], **meta, "id": known, "kind": kind, "tag": tag}
                if entry == pump.tags[known]:
                    return known
                encode_json(entry)
                pump.tags[known] = entry
        pump.say(tag=entry)
        return int(entry["id"])

    def row_appender(self, tag_id: int) -> Append:
        """append(step, value, time=None): logs one number. The hot path, well under 1 µs.

        step: an integer in 64 bits; value: anything with __float__, kept as float64 (NaN and ±inf are values like any
        other); time: seconds since 1970 UTC, None for now. TypeError, OverflowError, ValueError at the call for
        anything else; LogClosed after close().
        """
        self._known(tag_id)
        append = self._pump.hot.appender(tag_id)
        append.__dict__["log"] = self  # whoever can append keeps the log open
        return append

    def append(
        self, tag_id: int, step: int, time: float | None, encode: Callable[[], tuple[bytes, Sequence[bytes]]], size: int
    ) -> None:
        """Logs one payload record. `encode` runs later, on the pump's thread, and gives (payload, blobs).

        size: bytes that `encode` holds on to until it has run; they count against queue_bytes. When it raises, the
        record is dropped, counted, and told.
        """
        self._known(tag_id)
        step = operator.index(step)
        if not -(1 << 63) <= step < 1 << 63:
            raise OverflowError(f"step must fit in 64 bits, but {step} came")
        time = clock.time() if time is None else float(time)
        if not -9.2e12 < time < 9.2e12:
            raise ValueError(f"time must be finite seconds since 1970 UTC, but {time!r} came")
        self._pump.put(Item(tag_id, step, time, encode, max(0, size)))

    def _known(self, tag_id: int) -> None:
        if not 0 <= operator.index(tag_id) < len(self._pump.tags):
            raise KeyError(f"tag id {tag_id!r} was never given by tag()")

    def meta(self, **values: JSON) -> None:
        """Merges JSON values into the run's metadata; creates the files."""
        encode_json(values)
        pump = self._pump
        with pump.lock:
            if pump.closing:
                raise LogClosed(f"metadata came after close(): {pump.path}")
            pump.metas.update(values)
            fresh = pump.unopened
            pump.open()
        if not fresh:
            pump.say(meta=values)

    def flush(self) -> None:
        """When this returns, every call that returned before is in the files, and visible to a reader."""
        self._pump.flush()

    def close(self) -> Closed:
        """Seals and closes the files, quickly; tells what they hold and what was dropped. Again: the same answer."""
        return self._pump.close()


def _abandon(pump: Pump) -> None:
    pump.abandoned = True
    pump.wake()


def _file_name() -> str:
    now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    host = re.sub(r"[^A-Za-z0-9_.-]", "_", host_name())[:64] or "host"
    return f"{now}-{host}-{os.getpid()}-{os.urandom(4).hex()}.vdl"
