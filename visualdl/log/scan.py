"""Walking a .vdl file that may still grow: whole frames, "later" for a torn tail, a gap for damage."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from visualdl.log.frame import BLOB, HEADER_BYTES, MAX_DIRECTORY_BYTES, Header, find_header, unpack_header

CHUNK_BYTES = 1 << 18
JUMP_BYTES = 1 << 12
MAX_GAPS = 1000  # told one by one; all further damage of a file is one gap more
_MAX_MISSING = 4096
_READ_ONLY = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


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

    def skip_hole(self, at: int) -> int:
        """The first byte at or after `at` that was ever written, as far as the filesystem tells."""
        if hasattr(os, "SEEK_DATA") and hasattr(os, "pread"):
            try:
                return min(os.lseek(self._file, at, os.SEEK_DATA), self.size)
            except OSError as error:
                return self.size if error.errno == errno.ENXIO else at
        return at


def open_regular(path: str) -> int:
    """A descriptor of the regular file at `path`, for reading only.

    OSError also when it is something else: opening a pipe would wait for whoever writes to it, and what opening a
    device does nobody knows.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no regular file", path)
    return os.open(path, _READ_ONLY)


@contextlib.contextmanager
def open_to_read(path: str) -> Iterator[int]:
    """A file's descriptor, for reading only, as `open_regular` gives it."""
    file = open_regular(path)
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


def file_size(path: str) -> int:
    """Bytes of a file; -1 when it is not there."""
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def file_stamp(path: str) -> tuple[int, int] | None:
    """What changes when a file is written to; None when it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


class Scan:
    """Where the reading of one .vdl file stands."""

    def __init__(self) -> None:
        self.offset = 0  # everything before it is indexed, or a gap
        self.gaps: list[Gap] = []
        self._searched = 0  # while the header at `offset` is bad: no good header starts before this
        self._numbers = _Numbers()

    def frames(self, file: int, size: int) -> Iterator[Frame]:
        """The whole, good frames from `offset` on. Bodies are checked too, except those of blobs: when read."""
        window = Window(file, size)
        while self.offset + HEADER_BYTES <= size:
            header = unpack_header(window.read(self.offset, HEADER_BYTES))
            if header is None:
                if not self._resync(window):
                    return
                continue
            start, end = self.offset, self.offset + HEADER_BYTES + header.length
            if end > size:
                return  # a torn tail: the rest comes later
            fault = self._fault(window, header)
            if fault:
                end = self._end_of_damage(window, end)
            else:
                missing = self._numbers.take(header.seq)
                if missing is None:
                    fault = "a frame that was read before, or one of another log"
                elif missing and not self._follows_a_gap():
                    self.note(Gap(start, 0, f"{missing} frames are missing before this byte"))
            self.offset = end
            if fault:
                self.note(Gap(start, end - start, fault))
            else:
                directory = bytes(window.read(start + HEADER_BYTES, header.index_bytes))
                yield Frame(header, start, directory)

    def reject(self, frame: Frame, reason: str) -> None:
        """Notes a frame that cannot be used."""
        self.note(Gap(frame.offset, HEADER_BYTES + frame.header.length, reason))

    def note(self, gap: Gap) -> None:
        """Keeps a gap: one by one up to MAX_GAPS, after that all in one."""
        if len(self.gaps) <= MAX_GAPS:
            self.gaps.append(gap)
            return
        last = self.gaps[-1]
        start, stop = min(last.offset, gap.offset), max(last.offset + last.length, gap.offset + gap.length)
        self.gaps[-1] = Gap(start, stop - start, "so many damaged places that the rest is told as one")

    def open_gap(self, size: int) -> list[Gap]:
        """The damage that the file ends with so far; empty when it does not."""
        if self._searched > self.offset and size > self.offset:
            return [Gap(self.offset, size - self.offset, "no good frame header up to the end of the file")]
        return []

    def _follows_a_gap(self) -> bool:
        last = self.gaps[-1] if self.gaps else None
        return last is not None and last.offset + last.length == self.offset

    def _fault(self, window: Window, header: Header) -> str:
        at = self.offset + HEADER_BYTES
        if header.index_bytes > MAX_DIRECTORY_BYTES:
            return f"an index of {header.index_bytes} bytes is over the limit of {MAX_DIRECTORY_BYTES}"
        if _crc(window, at, header.index_bytes) != header.index_crc:
            return "the index does not fit its checksum"
        if header.type != BLOB and _crc(window, at + header.index_bytes, header.body_bytes) != header.body_crc:
            return "the body does not fit its checksum"
        return ""

    def _end_of_damage(self, window: Window, end: int) -> int:
        """Where to go on after a damaged frame that should end at `end`: sooner when bytes of it are not there."""
        if end + HEADER_BYTES > window.size or unpack_header(window.read(end, HEADER_BYTES)) is not None:
            return end
        found = _find(window, self.offset + HEADER_BYTES, end)
        return end if found is None else found

    def _resync(self, window: Window) -> bool:
        """Finds the next good header; False when there is none yet."""
        found = _find(window, max(self._searched, self.offset + 1), window.size)
        if found is None:
            self._searched = max(window.size - HEADER_BYTES + 1, self.offset + 1)
            return False
        self.note(Gap(self.offset, found - self.offset, "a damaged frame header"))
        self.offset, self._searched = found, 0
        return True


class _Numbers:
    """Which of the numbers 0, 1, 2, … that a writer gives its frames were met."""

    def __init__(self) -> None:
        self._next = 0
        self._missing: list[tuple[int, int]] = []  # ranges below _next, ascending

    def take(self, number: int) -> int | None:
        """How many are missing right before this one; None when it was met before."""
        if number >= self._next:
            missing = number - self._next
            if missing:
                self._missing.append((self._next, number))
                del self._missing[:-_MAX_MISSING]
            self._next = number + 1
            return missing
        at = bisect_right(self._missing, number, key=lambda one: one[0]) - 1
        if at < 0 or number >= self._missing[at][1]:
            return None
        start, stop = self._missing[at]
        rest = [one for one in ((start, number), (number + 1, stop)) if one[0] < one[1]]
        self._missing[at : at + 1] = rest
        return 0


def is_whole(file: int, frame: Frame) -> bool:
    """Whether the body of a frame, which was checked once, is still what it was."""
    window = Window(file, os.fstat(file).st_size)
    return _crc(window, frame.body_at, frame.header.body_bytes) == frame.header.body_crc


def _find(window: Window, at: int, stop: int) -> int | None:
    """Where the first good header begins that starts at or after `at` and before `stop`."""
    while at < stop and at + HEADER_BYTES <= window.size:
        at = window.skip_hole(at)
        # A header that starts in this piece may end in the next: each piece overlaps the next by one header.
        piece = bytes(window.read(at, min(CHUNK_BYTES, window.size - at)))
        found = find_header(piece)
        if found >= 0:
            return at + found if at + found < stop else None
        at += max(1, len(piece) - HEADER_BYTES + 1)
    return None


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
