"""The writing side of a .vdl file: appends whole frames, or nothing."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import NamedTuple

from visualdl.log.frame import RAW, Buffer, pack_frame

_SMALL_BYTES = 1 << 16  # up to here one write of a copy is cheaper than two writes


class _Owed(NamedTuple):
    type: int
    n: int
    body: bytes


class FrameFile:
    """An append-only file of frames that this process alone writes. Thread safe."""

    def __init__(self, path: str) -> None:
        """Creates the file. OSError when it exists or cannot be created."""
        self.path = path
        self._file = open(path, "xb", buffering=0)  # noqa: SIM115 - lives as long as the log
        self._lock = threading.Lock()
        self._good = 0  # length of the whole frames
        self._torn = False  # a failed write left bytes behind that could not be cut off yet
        self._seq = 0
        self._owed: list[_Owed] = []

    def append(
        self, type: int, *, n: int = 1, index: bytes = b"", body: Buffer = b"", codec: int = RAW, flags: int = 0
    ) -> None:
        """Puts one frame into the page cache, after all that is owed.

        OSError when that fails: the file then ends with the last whole frame. LogError when the frame is too large.
        """
        with self._lock:
            self._pay()
            self._append(type, n, index, body, codec, flags)

    def owe(self, type: int, body: bytes, *, n: int = 1) -> None:
        """A frame that must stand before every later one: written now or, when that raises OSError, before the next."""
        with self._lock:
            self._owed.append(_Owed(type, n, body))
            self._pay()

    def pay(self) -> None:
        """Writes what is owed, if anything is. OSError as ever."""
        with self._lock:
            self._pay()

    def _pay(self) -> None:
        while self._owed:
            self._append(self._owed[0].type, self._owed[0].n, b"", self._owed[0].body, RAW, 0)
            del self._owed[0]

    def _append(self, type: int, n: int, index: bytes, body: Buffer, codec: int, flags: int) -> None:
        head = pack_frame(type, self._seq, n=n, index=index, body=body, codec=codec, flags=flags)
        if self._torn:
            self._cut()
        self._torn = True
        try:
            if len(body) <= _SMALL_BYTES:
                self._write(head + body)
            else:
                self._write(head)
                self._write(body)
        except BaseException:
            with contextlib.suppress(OSError):  # tried again before the next frame; readers see a torn tail until then
                self._cut()
            raise
        self._good += len(head) + len(body)
        self._torn = False
        self._seq += 1

    def _write(self, data: Buffer) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def _cut(self) -> None:
        self._file.truncate(self._good)
        self._file.seek(self._good)
        self._torn = False

    def gone(self) -> bool:
        """Was the file deleted under us?"""
        return os.fstat(self._file.fileno()).st_nlink == 0

    def close(self) -> None:
        """Closes the file in this process."""
        self._file.close()
