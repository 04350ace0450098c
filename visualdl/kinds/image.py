"""The kind "image": one picture a record, kept as a PNG blob of 8-bit pixels plus what those pixels mean.

The caller's thread checks and copies (`accept`, `accept_sample`); the pump thread scales to bytes and compresses
(`encode`). Two dialects scale differently, and the record keeps the way back: `low` and `high` are the values that the
bytes 0 and 255 stand for, so that the board can say what a pixel was before it became a byte.
"""

from __future__ import annotations

import math
import operator
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from visualdl.errors import CorruptRecord
from visualdl.kinds.kind import SMALL_BYTES, AnyArray, Encoded, FloatArray, IntArray, Kind, Payload, Points

ByteArray = npt.NDArray[np.uint8]

MAX_SIDE: Final = 32_767
"""The longest side, in pixels, that every browser still draws."""
MAX_PIXELS: Final = 1 << 26
"""The most pixels in one image: below Pillow's decompression-bomb warning, so that everyone can open the PNG."""
MAX_POINTS: Final = 65_536
"""The most images of one series in one answer. An image in an answer is its address, not its bytes: 68 bytes."""
GRID_COLUMNS: Final = 8
"""Images in one row of the grid that a batch ("N" in dataformats) becomes."""

# version u8 | channels u8 | reserved u16 | height u32 | width u32 | clipped u32 | nonfinite u32 | low f64 | high f64
_HEADER: Final = struct.Struct("<BBHIIIIdd")
_VERSION: Final = 1
_PNG_LEVEL: Final = 2  # measured on a 512 × 512 photograph: 10 ms for 470 kB; level 3 takes 14 ms for 465 kB
_PNG_BEGIN: Final = b"\x89PNG\r\n\x1a\n"
_PNG_SIZE: Final = struct.Struct(">IIBBBBB")  # width, height, bits a value, colours, and the only ways there are
_PNG_COLOURS: Final = {1: 0, 3: 2, 4: 6}  # channels: how PNG calls them
_PNG_UP: Final = 2  # the filter of a row: what stands there is the difference to the row above
_GREATEST: Final = float(np.finfo(np.float64).max)
_DARKEST_MAXIMUM: Final = 1e-6  # VisualDL 1.x: an image whose maximum is below this is black, not stretched


class Image(NamedTuple):
    """An accepted image that waits for the pump thread: its own copy of the values, and how to read them.

    held: the values, any real dtype, in the user's layout; as an array, or the bytes of a small one (see SMALL_BYTES).
    axes: one letter an axis out of N, H, W, C. stretch: True for the contrast stretch of VisualDL 1.x, False for the
    range rules of 2.x.
    """

    held: AnyArray | bytes
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    axes: str
    stretch: bool
    nbytes: int

    @property
    def values(self) -> AnyArray:
        """The values, in their shape."""
        flat = np.frombuffer(self.held, self.dtype) if isinstance(self.held, bytes) else self.held
        return flat.reshape(self.shape)


@dataclass(frozen=True)
class DecodedImage:
    """A stored image, without its bytes.

    height, width: pixels. channels: 1 (grey), 2 (red and green), 3 (RGB) or 4 (RGB and opacity), as they were logged.
    blob: the 16-byte content address of the PNG. low, high: the values that the bytes 0 and 255 stand for.
    clipped: how many values lay outside low…high and were cut. nonfinite: how many were NaN or ±inf.
    """

    height: int
    width: int
    channels: int
    blob: bytes
    low: float = 0.0
    high: float = 255.0
    clipped: int = 0
    nonfinite: int = 0


def accept_sample(shape: Sequence[int], data: object, *, owned: bool = False) -> Image:
    """Check and copy one sample of the 1.x dialect: `data` holds the values of an image of `shape`.

    shape: (height, width) or (height, width, channels), channels 1 to 3, last axis fastest.
    data: real numbers, in an array (or anything numpy makes one of) of any shape with as many elements.
    owned: True when nobody else will ever write to `data`, so that no copy is needed.
    The contrast is always stretched, see `docs/kinds/image.md`. A pixel with NaN or ±inf becomes black.

    Raises TypeError for a shape that is not integers or data that are not real numbers, RuntimeError (as VisualDL 1.x)
    for a shape that no image has or that does not fit the data.
    """
    size = tuple(map(operator.index, shape))
    if len(size) not in (2, 3):
        raise RuntimeError(f"an image's shape is [height, width] or [height, width, channels], not {list(size)}")
    height, width, channels = size if len(size) == 3 else (*size, 1)
    if not 1 <= channels <= 3:
        hint = "; move the channels to the last axis" if size[0] in (1, 3) else "; add_image takes 4 (RGBA)"
        raise RuntimeError(f"add_sample takes 1 to 3 channels on the last axis; {list(size)} has {channels}{hint}")
    problem = _size_problem(height, width)
    if problem:
        raise RuntimeError(problem)
    values = _real_array(data)
    if values.size != height * width * channels:
        raise RuntimeError(
            f"the shape {list(size)} needs {height * width * channels} values, the data hold {values.size} "
            f"(an array of shape {list(values.shape)})"
        )
    return Image(_kept(values, owned), values.dtype, (height, width, channels), "HWC", True, values.nbytes)


def accept(array: object, dataformats: str = "HWC", *, owned: bool = False) -> Image:
    """Check and copy one image, or a batch that becomes a grid, of the 2.x dialect. The argument is never changed.

    array: real numbers. dataformats: one letter for each axis, in order: H and W always, C for 1 (grey), 2 (red and
    green), 3 (RGB) or 4 (RGBA) channels, N for a batch, drawn eight to a row.
    owned: True when nobody else will ever write to `array`, so that no copy is needed.
    Values: floats within 0…1 are scaled by 255, booleans are black and white, everything else is taken as 0…255 and
    clipped to that range. NaN is black.

    Raises TypeError for data that are not real numbers, AssertionError (as VisualDL 2.x) when the letters do not fit
    the number of axes, ValueError for anything else that is not an image.
    """
    values = _real_array(array)
    axes = dataformats.upper()
    if len(set(axes)) != len(axes) or not {"H", "W"} <= set(axes) <= set("NHWC"):
        raise ValueError(
            f'dataformats names each axis once, of N, H, W and C, as in "HWC" or "NCHW", not {dataformats!r}'
        )
    if values.ndim != len(axes):
        fits = {2: "HW", 3: "HWC or CHW", 4: "NCHW or NHWC"}.get(values.ndim, "H, W, maybe C, maybe N")
        raise AssertionError(
            f"dataformats={dataformats!r} names {len(axes)} axes, the array of shape {list(values.shape)} has "
            f"{values.ndim}; pass the letters that fit ({fits})"
        )
    sides = dict(zip(axes, values.shape, strict=True))
    channels = sides.get("C", 1)
    if not 1 <= channels <= 4:
        hint = '; for channels first pass dataformats="CHW"' if axes == "HWC" and values.shape[0] in (1, 3, 4) else ""
        raise ValueError(f"an image has 1 to 4 channels; {list(values.shape)} as {axes} has {channels}{hint}")
    count = sides.get("N", 1)
    if count < 1:
        raise ValueError(f"the batch of shape {list(values.shape)} as {axes} holds no image")
    columns, rows = _grid(count)
    problem = _size_problem(sides["H"] * rows, sides["W"] * columns)
    if problem:
        raise ValueError(problem)
    return Image(_kept(values, owned), values.dtype, values.shape, axes, False, values.nbytes)


def to_bytes(image: Image) -> tuple[ByteArray, DecodedImage]:
    """The pixels as uint8 (height, width, channels), and the record that describes them (its blob still empty)."""
    values = _arrange(image.values, image.axes)
    # No warning: a signalling NaN, as in memory nobody has written to, and a long double beyond float64 are expected.
    with np.errstate(all="ignore"):
        pixels, low, high, clipped, nonfinite = _stretch(values) if image.stretch else _fit_range(values)
    height, width, channels = pixels.shape
    return pixels, DecodedImage(height, width, channels, b"", low, high, clipped, nonfinite)


def encode(image: Image) -> Encoded:
    """Scale to bytes and compress: the heavy half, for the pump thread."""
    pixels, about = to_bytes(image)
    if about.channels == 2:  # PNG's two channels are grey and opacity; red and green need a blue
        pixels = np.concatenate([pixels, np.zeros_like(pixels[..., :1])], axis=-1)
    header = _HEADER.pack(
        _VERSION, about.channels, 0, about.height, about.width, about.clipped, about.nonfinite, about.low, about.high
    )
    return Encoded(header, (_png(pixels),))


def _png(pixels: ByteArray) -> bytes:
    """uint8 (height, width, 1, 3 or 4) as a PNG, each row as the difference to the one above.

    Pillow tries five filters on each row, for files that are 1 % smaller in twice the time.
    """
    height, width, channels = pixels.shape
    flat = pixels.reshape(height, width * channels)
    rows = np.empty((height, 1 + width * channels), np.uint8)
    rows[:, 0] = _PNG_UP
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    size = _PNG_SIZE.pack(width, height, 8, _PNG_COLOURS[channels], 0, 0, 0)
    chunks = ((b"IHDR", size), (b"IDAT", zlib.compress(rows.data, _PNG_LEVEL)), (b"IEND", b""))
    return _PNG_BEGIN + b"".join(
        len(data).to_bytes(4, "big") + name + data + zlib.crc32(data, zlib.crc32(name)).to_bytes(4, "big")
        for name, data in chunks
    )


def decode(payload: Payload) -> DecodedImage:
    """Read a record back. Raises CorruptRecord unless every byte is one that `encode` could have written."""
    if len(payload.payload) != _HEADER.size:
        raise CorruptRecord(f"an image record has {_HEADER.size} bytes, this one {len(payload.payload)}")
    if len(payload.blobs) != 1 or len(payload.blobs[0]) != 16:
        raise CorruptRecord(f"an image record refers to one blob by 16 bytes, this one to {len(payload.blobs)} blobs")
    version, channels, reserved, height, width, clipped, nonfinite, low, high = _HEADER.unpack(payload.payload)
    if version != _VERSION or reserved:
        raise CorruptRecord(f"an image record of version {version}; this VisualDL reads version {_VERSION}")
    problem = _size_problem(height, width)
    if problem or not 1 <= channels <= 4:
        raise CorruptRecord(f"an image record of {height} × {width} × {channels}: {problem or '1 to 4 channels'}")
    values = height * width * channels
    if not (math.isfinite(low) and math.isfinite(high) and low <= high) or clipped > values or nonfinite > values:
        raise CorruptRecord(f"an image record of {low}…{high}, {clipped} clipped, {nonfinite} not finite of {values}")
    return DecodedImage(height, width, channels, bytes(payload.blobs[0]), low, high, clipped, nonfinite)


def thin(x: FloatArray, points: Points, n: int) -> IntArray:
    """Every point, whatever `n`: the board's slider reaches every step, and an answer carries addresses, not pixels.

    Only past MAX_POINTS are they thinned, evenly, keeping the first and the last.
    """
    count = len(points)
    if count <= max(n, MAX_POINTS):
        return np.arange(count, dtype=np.int64)
    return np.unique(np.linspace(0, count - 1, MAX_POINTS).astype(np.int64))


def columns(points: Points) -> Mapping[str, AnyArray]:
    """height, width, channels, clipped, nonfinite uint32 (n,); low, high float64 (n,); blob uint8 (n, 16)."""
    images: Sequence[DecodedImage] = points.decoded or ()

    def whole(name: str) -> AnyArray:
        return np.fromiter((getattr(image, name) for image in images), np.uint32, len(images))

    def real(name: str) -> AnyArray:
        return np.fromiter((getattr(image, name) for image in images), np.float64, len(images))

    addresses = np.frombuffer(b"".join(image.blob for image in images), np.uint8).reshape(len(images), 16)
    whole_names = ("height", "width", "channels", "clipped", "nonfinite")
    return {"blob": addresses, "low": real("low"), "high": real("high"), **{name: whole(name) for name in whole_names}}


IMAGE: Final = Kind("image", rows=False, encode=encode, decode=decode, thin=thin, columns=columns)


def _real_array(data: object) -> AnyArray:
    """`data` as an array of real numbers, not copied when it is one already; TypeError otherwise."""
    try:
        values: AnyArray = data if type(data) is np.ndarray else np.asarray(data)
    except ValueError as error:
        raise TypeError(f"an image's values form one array of numbers; numpy says: {error}") from error
    if values.dtype.kind not in "biuf":
        raise TypeError(f"an image's values are real numbers, not {values.dtype} (from {type(data).__name__})")
    return values


def _kept(values: AnyArray, owned: bool) -> AnyArray | bytes:
    """A copy of the values that nobody else can change, unless they are that already; rows first when it is bytes."""
    if owned:
        return values
    return values.tobytes() if values.nbytes <= SMALL_BYTES else np.array(values, order="C")


def _size_problem(height: int, width: int) -> str | None:
    """Why no image has this size, in a sentence, or None."""
    if height < 1 or width < 1:
        return f"an image has at least one pixel each way, this one is {height} high and {width} wide"
    if height > MAX_SIDE or width > MAX_SIDE or height * width > MAX_PIXELS:
        return (
            f"an image has at most {MAX_SIDE} pixels a side and {MAX_PIXELS} in all, this one is {height} high and "
            f"{width} wide; log a part of it, or a smaller copy"
        )
    return None


def _grid(count: int) -> tuple[int, int]:
    """(columns, rows) of the grid that a batch of `count` images becomes."""
    columns = min(count, GRID_COLUMNS)
    return columns, -(-count // columns)


def _arrange(values: AnyArray, axes: str) -> AnyArray:
    """The values as (height, width, channels); a batch as a grid whose unused places are 0."""
    if "C" not in axes:
        values, axes = values[..., np.newaxis], axes + "C"
    if "N" not in axes:
        return np.transpose(values, [axes.index(letter) for letter in "HWC"])
    batch = values.transpose([axes.index(letter) for letter in "NHWC"])
    count, height, width, channels = batch.shape
    across, down = _grid(count)
    tiles = np.zeros((across * down, height, width, channels), batch.dtype)
    tiles[:count] = batch
    grid: AnyArray = tiles.reshape(down, across, height, width, channels).transpose(0, 2, 1, 3, 4)
    return grid.reshape(down * height, across * width, channels)


def _stretch(values: AnyArray) -> tuple[ByteArray, float, float, int, int]:
    """The contrast stretch of VisualDL 1.x: (pixels, low, high, clipped, nonfinite).

    With m and M the least and the greatest value of the wholly finite pixels: 255·v/M for m ≥ 0 (black when M < 1e-6),
    127·v/max(|m|, M) + 127 otherwise; cut towards zero, not rounded. Every other pixel is black.
    """
    values = values.astype(np.float64)
    least, greatest, nonfinite = float(values.min()), float(values.max()), 0
    if not (math.isfinite(least) and math.isfinite(greatest)):  # NaN is contagious: one look tells for the whole image
        finite = np.isfinite(values)
        nonfinite = values.size - int(np.count_nonzero(finite))
        values[~finite.all(axis=-1)] = np.nan
        least, greatest = float(np.fmin.reduce(values, axis=None)), float(np.fmax.reduce(values, axis=None))
    if not least < 0 and not greatest >= _DARKEST_MAXIMUM:  # also when no pixel is finite and both are NaN
        return np.zeros(values.shape, np.uint8), 0.0, greatest if greatest > 0 else 0.0, 0, nonfinite
    reach = max(-least, greatest)
    if reach > 1e300:  # 255 times that would overflow; a power of two changes no other bit
        values *= 2.0**-16
    top, offset = (127.0, 127.0) if least < 0 else (255.0, 0.0)
    peak = reach * 2.0**-16 if reach > 1e300 else reach
    at_peak = values >= peak  # v·top/M may land a hair under top when v is M; it must not be cut to top - 1
    values *= top
    values /= peak
    values += offset
    values[at_peak] = top + offset
    if nonfinite:
        np.nan_to_num(values, copy=False, nan=0.0)
    low, high = (-reach, reach / 127.0 * 128.0) if least < 0 else (0.0, greatest)
    # Nothing to clip: all lies between -reach and reach, and a hair below 0 is cut to 0 as well.
    return values.astype(np.uint8), low, min(high, _GREATEST), 0, nonfinite


def _fit_range(values: AnyArray) -> tuple[ByteArray, float, float, int, int]:
    """The range rules of VisualDL 2.x, without its wrapping: (pixels, low, high, clipped, nonfinite)."""
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255), 0.0, 1.0, 0, 0
    if values.dtype.kind in "iu":
        if values.dtype == np.uint8:
            return np.ascontiguousarray(values), 0.0, 255.0, 0, 0
        if values.dtype.itemsize < 8:  # not every numpy compares or clips a narrow integer with 255
            values = values.astype(np.int64)
        clipped = int(np.count_nonzero((values < 0) | (values > 255)))
        return np.clip(values, 0, 255).astype(np.uint8), 0.0, 255.0, clipped, 0
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    nonfinite = values.size - int(np.count_nonzero(finite))
    unit = bool(np.all((values >= 0) & (values <= 1) | ~finite))
    high = 1.0 if unit else 255.0
    clipped = int(np.count_nonzero(finite & ((values < 0) | (values > high))))
    if unit:
        values *= 255.0
    pixels = np.clip(np.nan_to_num(values, copy=False, nan=0.0), 0.0, 255.0).astype(np.uint8)
    return pixels, 0.0, high, clipped, nonfinite
