"""Protobuf's wire format, read lazily from a file: fields of a message one by one, nothing copied that nobody asks for.

A message is a span of bytes in the file; a field that holds bytes, text or a message is again only a span. Bytes come
through a small window by plain reads, not through a memory map: a model that its owner exports anew while we read it
would end a mapped reader with SIGBUS, and the server with it. Every length is checked against the span it stands in
before it is believed, and the number of fields and of characters a file may make us read is bounded.

Wire format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from visualdl.errors import UnreadableModel

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_WINDOW = 1 << 16
# A field's key and its varint or length are at most ten bytes each: with these at hand no second look is needed.
_HEADER = 20
_MASK64 = (1 << 64) - 1


class Malformed(UnreadableModel):
    """Bytes that are no protobuf message. The message names the byte."""


class Field(NamedTuple):
    """One field of a message. BYTES: the span [start, stop) in the file; otherwise `start` is the value, unsigned."""

    number: int
    wire: int
    start: int
    stop: int


class WireFile:
    """One open file in protobuf's wire format.

    file: seekable, opened in binary mode; its owner closes it. size: its length in bytes when opened.
    max_fields, max_texts, max_text_bytes: how much of it may be read before `UnreadableModel` is raised.
    """

    def __init__(
        self,
        file: BinaryIO,
        size: int,
        *,
        max_fields: int = 5_000_000,
        max_texts: int = 2_500_000,
        max_text_bytes: int = 128 << 20,
    ) -> None:
        self.size = size
        self._file = file
        self._window = b""
        self._base = 0
        self._fields_left = max_fields
        self._texts_left = max_texts
        self._text_bytes_left = max_text_bytes

    def fields(self, start: int, stop: int) -> Iterator[Field]:
        """The fields of the message in [start, stop), in the file's order. Raises Malformed at the first wrong byte."""
        position = start
        while position < stop:
            self._fields_left -= 1
            if self._fields_left < 0:
                raise UnreadableModel("the file holds more fields than any model we know: reading it was given up")
            at = position - self._base
            if at < 0 or at + _HEADER > len(self._window):
                self._move(position)
                at = 0
            key, after = self._varint(at, stop)
            wire = key & 7
            number = key >> 3
            if number == 0:
                raise Malformed(f"no message here: field number 0 at byte {position}")
            if wire == VARINT:
                value, after = self._varint(after, stop)
                position = self._base + after
                yield Field(number, wire, value, 0)
            elif wire == BYTES:
                length, after = self._varint(after, stop)
                begin = self._base + after
                position = begin + length
                if position > stop:
                    raise Malformed(
                        f"field {number} at byte {begin} says it is {length} bytes long, "
                        f"but only {max(0, stop - begin)} bytes are left: the file is cut short or damaged"
                    )
                yield Field(number, wire, begin, position)
            elif wire in (FIXED32, FIXED64):
                width = 4 if wire == FIXED32 else 8
                position = self._base + after + width
                if position > stop:
                    raise Malformed(f"field {number} ends after its message, at byte {position}")
                raw = self._window[after : after + width]
                yield Field(number, wire, int.from_bytes(raw, "little"), 0)
            else:
                raise Malformed(f"no message here: wire type {wire} of field {number} at byte {position}")

    def varints(self, field: Field, limit: int) -> list[int]:
        """The first `limit` unsigned varints of a repeated field, packed (BYTES) or single."""
        if field.wire != BYTES:
            return [field.start]
        out: list[int] = []
        raw = self.read(field.start, min(field.stop, field.start + 10 * limit))
        value = shift = 0
        for byte in raw:
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                out.append(value & _MASK64)
                if len(out) == limit:
                    break
                value = shift = 0
            elif shift > 63:
                raise Malformed(f"a number longer than ten bytes, near byte {field.start}")
        return out

    def read(self, start: int, stop: int) -> bytes:
        """The bytes [start, stop), fewer only when the file has become shorter."""
        at = start - self._base
        if at >= 0 and stop - self._base <= len(self._window):
            return self._window[at : stop - self._base]
        self._file.seek(start)
        return self._file.read(stop - start)

    def text(self, field: Field, limit: int = 2000) -> str:
        """A string field. Wrong UTF-8 becomes U+FFFD; past `limit` bytes the text is cut and ends in '…'."""
        if field.wire != BYTES:
            raise Malformed(f"field {field.number} should be text and is a number")
        stop = min(field.stop, field.start + limit)
        self._texts_left -= 1
        self._text_bytes_left -= stop - field.start
        if self._texts_left < 0 or self._text_bytes_left < 0:
            raise UnreadableModel("the file holds more text than any model we know: reading it was given up")
        shown = self.read(field.start, stop).decode("utf-8", "replace")
        return shown if stop == field.stop else f"{shown}… ({field.stop - field.start} bytes)"

    def _move(self, position: int) -> None:
        self._file.seek(position)
        self._window = self._file.read(_WINDOW)
        self._base = position

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        """The varint at `at` of the window and the place after it; never past the message's end at `stop`."""
        window = self._window
        base = self._base
        value = shift = 0
        while True:
            if at >= len(window) or base + at >= stop:
                raise Malformed(f"the message ends inside a number, at byte {base + at}: the file is cut short")
            byte = window[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & _MASK64, at
            shift += 7
            if shift > 63:
                raise Malformed(f"a number longer than ten bytes at byte {base + at}")


def signed(value: int) -> int:
    """An unsigned 64-bit varint as the int64 that it stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value
