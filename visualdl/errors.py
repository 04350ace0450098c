"""Every exception that VisualDL raises.

    VisualDLError
    ├── LogError                 a log could not be written or read
    │   ├── CorruptLog           bytes that no writer of ours produced: says file and byte
    │   ├── LogUnreadable        a log that was there cannot be read just now
    │   └── LogClosed            a record after close()
    ├── CorruptRecord            a record's payload is not what its kind writes
    ├── UnknownSeries            no such run, kind or tag (also a KeyError)
    ├── UnreadableModel          a model file that is not one we can read: says why
    └── BadRequest               a question to the store or the server that makes no sense (also a ValueError)

Misuse of the Python API raises the builtin that Python users expect (TypeError, ValueError, KeyError) or, where
VisualDL 1.x or 2.x users know another class, that one; see docs/python_api.md.
"""

from __future__ import annotations


class VisualDLError(Exception):
    """The root of every exception of this package."""


class LogError(VisualDLError):
    """A log could not be written or read."""


class CorruptLog(LogError):
    """Bytes in a log that no writer of ours produced. The message names the file and the byte."""


class LogUnreadable(LogError):
    """A log that was there cannot be read just now: it is gone, or its disk is. The message says why."""


class LogClosed(LogError):
    """A record came after the log was closed."""


class CorruptRecord(VisualDLError):
    """A record's payload is not what its kind writes."""


class UnknownSeries(VisualDLError, KeyError):
    """No such run, kind or tag."""

    def __str__(self) -> str:  # KeyError quotes its argument; a sentence should read as one
        return str(self.args[0]) if self.args else ""


class UnreadableModel(VisualDLError):
    """A model file that cannot be read as one. The message says why."""


class BadRequest(VisualDLError, ValueError):
    """A question to the store or the server that makes no sense. The message says what was wanted."""
