"""What a LogWriter, its siblings and their handles share: a session, and in it a run (a folder and its log) a mode."""

from __future__ import annotations

import operator
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from visualdl.errors import LogClosed
from visualdl.log import lifetime
from visualdl.log.payloads import AppendRecord, Encode
from visualdl.log.writer import Log
from visualdl.writer.names import DEFAULT_MODE


class Append(Protocol):
    """Adds one row: step int64, value float64 (NaN and ±inf are values), time in seconds since 1970, None for now."""

    def __call__(self, step: int, value: float, time: float | None = None, /) -> None: ...


class Unfinished(Protocol):
    """A handle that holds something back for its log."""

    def write(self) -> None:
        """Log it."""

    def forget(self) -> None:
        """Drop it."""


class Run:
    """One run as this process writes it: its folder, its log, and the tags that the script declared.

    The log makes its files at the first record, so a run that is only talked about leaves nothing behind. Thread safe.
    """

    def __init__(self, session: Session, parts: tuple[str, ...]) -> None:
        self.session = session
        self.parts = parts
        self.rows: dict[str, Append] = {}
        """The bound appender of each scalar tag that has a record: all that add_scalar looks up."""
        self.records: dict[tuple[str, str], AppendRecord] = {}
        """The bound appender of each (kind, tag) of payload records that has one."""
        self.curves: dict[tuple[str, str], Run] = {}
        """The run of each (main_tag, name) of add_scalars."""
        self._log: Log | Discard = Log(str(self)) if session.write else Discard()
        self._lock = threading.RLock()
        self._declared: dict[str, str] = {}
        self._captions: dict[str, str] = {}
        self.begun = False
        self.closed = False
        """Did the script close it? `check_open` knows of other ends, and takes longer."""

    def __reduce__(self) -> tuple[Callable[..., Run], tuple[Any, ...]]:
        return Session.run, (self.session, *self.parts)

    def __deepcopy__(self, memo: object) -> Run:
        return self

    def __str__(self) -> str:
        return os.path.join(self.session.folder, *self.parts)

    @property
    def path(self) -> str:
        """The path of the log's file; "" when nothing is written to disk."""
        return "" if isinstance(self._log, Discard) else str(self._log.path)

    def declare(self, kind: str, tag: str) -> None:
        """Take a tag for one handle. Raises RuntimeError (as 1.x) when this mode has a handle of that name already."""
        with self._lock:
            earlier = self._declared.get(tag)
            if earlier is None:
                self._declared[tag] = kind
                return
        mode = self.parts[-1] if self.parts else DEFAULT_MODE
        raise RuntimeError(
            f"the mode {mode!r} already has a handle for the tag {tag!r} ({earlier}); keep that handle and use it "
            "again, or give this one another tag or another mode"
        )

    def row_appender(self, tag: str) -> Append:
        """The way to append rows to a scalar tag, bound at the first call for it."""
        with self._lock:
            append = self.rows.get(tag)
            if append is None:
                append = self.rows[tag] = self._begin().row_appender(self._log.tag("scalar", tag))
            return append

    def record_appender(self, kind: str, tag: str, **meta: Any) -> AppendRecord:
        """The way to append payload records to a tag, see Log.record_appender; it may wait for room in the queue.

        meta: what the tag itself is, written once, before its first record.
        """
        with self._lock:
            append = self.records.get((kind, tag))
            if append is None:
                append = self._log.record_appender(self._begin().tag(kind, tag, **meta))
                self.records[kind, tag] = append
            return append

    def set_caption(self, tag: str, caption: str) -> None:
        """Give a tag a caption, for board and reader; no file is made for it alone. Raises LogClosed after close()."""
        if not isinstance(caption, str):
            raise TypeError(f"wanted the caption of {tag!r} as text, got {caption!r} of type {type(caption).__name__}")
        self.check_open()
        with self._lock:
            self._captions[tag] = caption
            if self.begun:
                self._log.meta(captions=dict(self._captions))

    def set_meta(self, **values: Any) -> None:
        """Merge values into what the log says of the run."""
        with self._lock:
            self._begin().meta(**values)

    def check_open(self) -> None:
        """Raises LogClosed after close()."""
        if self._log.closed:
            raise LogClosed(closed_message(str(self)))

    def flush(self) -> None:
        """Everything whose call has returned is in the files when this returns."""
        if self.begun:
            self._log.flush()

    def close(self) -> None:
        """Write what waits, seal the log; a record after it raises LogClosed."""
        self.closed = True
        self._log.close()

    def forked(self) -> None:
        """In a forked child: a lock that another thread held at the fork would never be released."""
        self._lock = threading.RLock()

    def _begin(self) -> Log | Discard:
        """The log, after it has been told once what run it holds; called under the lock by whatever makes a record."""
        if not self.begun:
            self.check_open()
            meta = self.session.meta(self.parts)
            if self._captions:
                meta["captions"] = dict(self._captions)
            self._log.meta(**meta)
            self.begun = True
        return self._log


class Session:
    """One LogWriter(...) call: a folder, whether anything is written, and the runs in it by the names of their folders.

    Pickled or sent to another process it stands for the same folder; the other process writes its own files there.
    """

    def __init__(
        self, folder: str, write: bool, dialect: str, display_name: str = "", notes: dict[str, Any] | None = None
    ) -> None:
        self.folder = folder
        self.write = write
        self.dialect = dialect
        self.display_name = display_name
        self.notes = notes or {}
        self.closed = False
        self.reserved = False  # the folder was made for this session alone, before anything was logged
        self._runs: dict[tuple[str, ...], Run] = {}
        self.unfinished: set[Unfinished] = set()
        """The handles that may hold something back, to be told before the logs are closed."""
        self._lock = threading.Lock()
        _SESSIONS.add(self)

    def __reduce__(self) -> tuple[type[Session], tuple[Any, ...]]:
        return Session, (self.folder, self.write, self.dialect, self.display_name, self.notes)

    def __deepcopy__(self, memo: object) -> Session:
        return self

    def run(self, *parts: str) -> Run:
        """The run in the folder `parts` below the logdir, made at the first call. Raises LogClosed after close()."""
        found = self._runs.get(parts)
        if found is None:
            with self._lock:
                if self.closed:
                    raise LogClosed(closed_message(self.folder))
                found = self._runs.setdefault(parts, Run(self, parts))
        return found

    def mode(self, mode: str) -> Run:
        """The run of a mode: a folder of its name, or the logdir itself for the default one."""
        return self.run() if mode == DEFAULT_MODE else self.run(mode)

    def meta(self, parts: tuple[str, ...]) -> dict[str, Any]:
        """What the first frame of a run says about it."""
        values: dict[str, Any] = {"dialect": self.dialect, **self.notes}
        if parts:
            values["mode"] = parts[-1]
        if self.display_name:
            values["display_name"] = "/".join([self.display_name, *parts])
        return values

    def forked(self) -> None:
        """In a forked child: as Run.forked, for all runs."""
        self._lock = threading.Lock()
        for handle in self.unfinished:
            handle.forget()  # the parent logs what it has begun
        self.unfinished = set()
        for run in self._runs.values():
            run.forked()

    def holds_back(self, handle: Unfinished) -> None:
        """From now on the handle may have something for its log, which the end of the process must not lose."""
        if handle not in self.unfinished:
            self.unfinished.add(handle)
            lifetime.will_end()

    def finish(self) -> None:
        """Log what handles still hold back."""
        for handle in tuple(self.unfinished):
            handle.write()

    def flush(self) -> None:
        for run in tuple(self._runs.values()):
            run.flush()

    def close(self) -> None:
        """Write and seal everything; again is harmless."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
        self.finish()
        for run in tuple(self._runs.values()):
            run.close()
        if self.reserved and not any(run.begun for run in self._runs.values()):
            from contextlib import suppress

            with suppress(OSError):  # somebody else put something there, or took it away
                os.rmdir(self.folder)


class Discard:
    """A log that keeps nothing, for write_to_disk=False. It checks what a log checks, so that misuse still shows."""

    closed = False

    def tag(self, kind: str, tag: str, **meta: Any) -> int:
        return 0

    def row_appender(self, tag_id: int) -> Append:
        def append(step: int, value: float, time: float | None = None, /) -> None:
            self._check(step)
            float(value)

        return append

    def record_appender(self, tag_id: int) -> AppendRecord:
        def append(step: int, time: float | None, encode: Encode, value: Any, size: int) -> None:
            self._check(step)

        return append

    def _check(self, step: int) -> None:
        if self.closed:
            raise LogClosed(closed_message("a writer with write_to_disk=False"))
        if not -(1 << 63) <= operator.index(step) < 1 << 63:
            raise OverflowError(f"wanted a step that fits 64 bits, got {step}")

    def meta(self, **values: Any) -> None:
        pass

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def closed_message(where: str) -> str:
    """Why LogClosed was raised, and what to do."""
    return f"{where} was closed, nothing more can be logged; make another LogWriter for the same folder to go on in it"


_SESSIONS: weakref.WeakSet[Session] = weakref.WeakSet()


def _forked() -> None:
    for session in list(_SESSIONS):
        session.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _ended() -> None:
    for session in list(_SESSIONS):
        session.finish()


lifetime.before_end(_ended)
