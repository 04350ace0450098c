"""What goes wrong behind a log's back: said once, counted, tried again. Never an exception in the training."""

from __future__ import annotations

import contextlib
import threading
import time
import warnings

RETRY_SECONDS = 1.0


class Trouble:
    """The troubles of one file set. Thread safe.

    error: why the files cannot be written now; None while they can. gone: the files were deleted, for good.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.error: BaseException | None = None
        self.gone = False
        self.dropped = 0
        self._reasons: dict[str, int] = {}
        self._retry_at = 0.0
        self._warned = False
        self._lock = threading.RLock()  # a signal or the collector may make the thread that holds it log something

    def note(self, error: BaseException) -> None:
        """The files cannot be written: warns the first time; to be tried again in a second."""
        self.error = error
        self._retry_at = time.monotonic() + RETRY_SECONDS
        self.warn(f"the log cannot be written for now: {self.why()}")

    def waiting(self) -> bool:
        """Is it too early to try again?"""
        return self.error is not None and time.monotonic() < self._retry_at

    def over(self) -> None:
        """The files could be written again."""
        self.error = None

    def vanished(self) -> None:
        """The files were deleted while they were written."""
        self.gone = True
        self.warn("the log was deleted while it was being written")

    def why(self) -> str:
        """The reason for dropping something now."""
        if self.gone:
            return "the log was deleted"
        if isinstance(self.error, OSError):
            return self.error.strerror or str(self.error)
        if self.error is not None:
            return f"{type(self.error).__name__}: {self.error}"
        return "the disk was slower than the training"

    def drop(self, count: int, reason: str = "") -> None:
        """Counts what could not be kept."""
        with self._lock:
            reason = reason or self.why()
            self.dropped += count
            self._reasons[reason] = self._reasons.get(reason, 0) + count

    def remark(self, text: str) -> None:
        """Something to be told at close() that dropped nothing."""
        with self._lock:
            self._reasons.setdefault(text, 0)

    def reasons(self) -> tuple[str, ...]:
        """One sentence a reason."""
        with self._lock:
            return tuple(f"{count} dropped: {why}" if count else why for why, count in self._reasons.items())

    def warn(self, text: str) -> None:
        """One warning for each file set, whatever happens to it."""
        with self._lock:
            if self._warned:
                return
            self._warned = True
        with contextlib.suppress(Warning):  # where warnings are errors, training goes on all the same
            message = f"{text}: {self.path}. Training goes on; close() tells what was dropped"
            warnings.warn(message, RuntimeWarning, stacklevel=3)
