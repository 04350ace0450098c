"""Walking a .vdl file that may still grow: whole frames, "later" for a torn tail, a gap for damage."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from visualdl.log.frame import BLOB, HEADER_BYTES, MAX_DIRECTORY_BYTES, Header, find_header, unpack_header

CHUNK_BYTES = 1 << 18
JUMP_BYTES = 1 << 12


@dataclass(frozen=True)
class Gap:
    """Bytes of a log that could not be read, and why."""

    offset: int
    length: int
    reason: str


class Frame(NamedTuple):
    """A frame found whole: its header, where it starts, and its clear index, checked."""

    header: Header
    offset: int
    directory: bytes

    @property
    def body_at(self) -> int:
        """Where the stored body starts in the file."""
        return self.offset + HEADER_BYTES + self.header.index_bytes


class Window:
    """Reads of one open file through a buffer of a few chunks."""

    def __init__(self, file: int, size: int) -> None:
        self.size = size
        self._file = file
        self._start = 0
        self._data = b""
        self._chunk = JUMP_BYTES

    def read(self, at: int, length: int) -> memoryview:
        """`length` bytes at `at`; fewer at the end of the file."""
        start = at - self._start
        if start < 0 or start + length > len(self._data):
            # After a jump over a blob little is read: just a header is wanted. Reading on, ever larger pieces.
            self._chunk = min(4 * self._chunk, CHUNK_BYTES) if 0 <= start <= len(self._data) else JUMP_BYTES
            self._data = read_at(self._file, at, min(max(length, self._chunk), max(0, self.size - at)))
            self._start, start = at, 0
        return memoryview(self._data)[start : start + length]


@contextlib.contextmanager
def open_to_read(path: str) -> Iterator[int]:
    """A file's descriptor, for reading only."""
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        yield file
    finally:
        os.close(file)


def read_at(file: int, at: int, length: int) -> bytes:
    """`length` bytes of an open file from `at` on; fewer at its end."""
    pieces = []
    while length > 0:
        if hasattr(os, "pread"):
            piece = os.pread(file, min(length, 1 << 30), at)
        else:
            os.lseek(file, at, os.SEEK_SET)
            piece = os.read(file, min(length, 1 << 30))
        if not piece:
            break
        pieces.append(piece)
        at += len(piece)
        length -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Scan:
    """Where the reading of one .vdl file stands."""

    def __init__(self) -> None:
        self.offset = 0  # everything before it is indexed, or a gap
        self.gaps: list[Gap] = []
        self._searched = 0  # while the header at `offset` is bad: no good header starts before this

    def frames(self, file: int, size: int) -> Iterator[Frame]:
        """The whole, good frames from `offset` on. Bodies are checked too, except those of blobs: when read."""
        window = Window(file, size)
        while self.offset + HEADER_BYTES <= size:
            header = unpack_header(window.read(self.offset, HEADER_BYTES))
            if header is None:
                if not self._resync(window):
                    return
                continue
            end = self.offset + HEADER_BYTES + header.length
            if end > size:
                return  # a torn tail: the rest comes later
            fault = self._fault(window, header)
            frame = Frame(header, self.offset, b"")
            if fault:
                self.reject(frame, fault)
            else:
                frame = frame._replace(directory=bytes(window.read(self.offset + HEADER_BYTES, header.index_bytes)))
            self.offset = end
            if not fault:
                yield frame

    def reject(self, frame: Frame, reason: str) -> None:
        """Notes a frame that cannot be used."""
        self.gaps.append(Gap(frame.offset, HEADER_BYTES + frame.header.length, reason))

    def open_gap(self, size: int) -> Gap | None:
        """The damage that the file ends with so far, if it does."""
        if self._searched > self.offset and size > self.offset:
            return Gap(self.offset, size - self.offset, "no good frame header up to the end of the file")
        return None

    def _fault(self, window: Window, header: Header) -> str:
        at = self.offset + HEADER_BYTES
        if header.index_bytes > MAX_DIRECTORY_BYTES:
            return f"an index of {header.index_bytes} bytes is over the limit of {MAX_DIRECTORY_BYTES}"
        if _crc(window, at, header.index_bytes) != header.index_crc:
            return "the index does not fit its checksum"
        if header.type != BLOB and _crc(window, at + header.index_bytes, header.body_bytes) != header.body_crc:
            return "the body does not fit its checksum"
        return ""

    def _resync(self, window: Window) -> bool:
        """Finds the next good header; False when there is none yet."""
        at = max(self._searched, self.offset + 1)
        while at + HEADER_BYTES <= window.size:
            # A header that starts in this piece may end in the next: each piece overlaps the next by one header.
            piece = bytes(window.read(at, min(CHUNK_BYTES, window.size - at)))
            found = find_header(piece)
            if found >= 0:
                self.gaps.append(Gap(self.offset, at + found - self.offset, "a damaged frame header"))
                self.offset, self._searched = at + found, 0
                return True
            at += max(1, len(piece) - HEADER_BYTES + 1)
        self._searched = max(at, self.offset + 1)
        return False


def _crc(window: Window, at: int, length: int) -> int:
    crc = 0
    while length > 0:
        piece = window.read(at, min(length, CHUNK_BYTES))
        if not piece:
            return -1
        crc = zlib.crc32(piece, crc)
        at += len(piece)
        length -= len(piece)
    return crc
