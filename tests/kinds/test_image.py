"""The kind image: scaling of both dialects, the PNG, the record's bytes, thinning and columns."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from visualdl.errors import CorruptRecord
from visualdl.kinds import image
from visualdl.kinds.kind import AnyArray, Payload, Points

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "image" / "images.json").read_text(encoding="utf-8"))
CASES = pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
ADDRESS = bytes(range(16))


def accepted(case: dict[str, Any]) -> image.Image:
    data = [float(value) if isinstance(value, str) else value for value in case["data"]]
    if case["dialect"] == "1.x":
        return image.accept_sample(case["shape"], data)
    return image.accept(np.array(data, case["dtype"]).reshape(case["shape"]), case["dataformats"])


def pixels(logged: image.Image) -> AnyArray:
    """What a viewer of the PNG sees."""
    (png,) = image.encode(logged).blobs
    with PIL.Image.open(io.BytesIO(png)) as opened:
        assert opened.format == "PNG"
        return np.asarray(opened)


def decoded(logged: image.Image, address: bytes = ADDRESS) -> image.DecodedImage:
    return image.decode(Payload(image.encode(logged).payload, (address,)))


def points_of(images: list[image.DecodedImage]) -> Points:
    step = np.arange(len(images))
    return Points(step, step.astype(np.float64), None, images)


@CASES
def test_golden_images_have_the_pixels_that_the_file_says(case: dict[str, Any]) -> None:
    seen = pixels(accepted(case))
    if case["channels"] == 2:
        assert not seen[..., 2].any(), "red and green only: no blue"
        seen = seen[..., :2]
    assert seen.shape[:2] == (case["height"], case["width"])
    assert seen.reshape(-1).tolist() == case["pixels"]


@CASES
def test_golden_records_have_the_bytes_that_the_file_says_and_read_back(case: dict[str, Any]) -> None:
    assert image.encode(accepted(case)).payload.hex() == case["payload"]
    one = image.decode(Payload(bytes.fromhex(case["payload"]), (ADDRESS,)))
    assert one == image.DecodedImage(
        blob=ADDRESS,
        **{key: case[key] for key in ("height", "width", "channels", "low", "high", "clipped", "nonfinite")},
    )


def test_the_columns_are_those_of_the_golden_file() -> None:
    images = [decoded(accepted(case), bytes(range(i, i + 16))) for i, case in enumerate(GOLDEN["cases"])]
    columns = image.columns(points_of(images))
    assert {name: column.tolist() for name, column in columns.items()} == GOLDEN["columns"]
    assert {name: column.dtype.str for name, column in columns.items()} == {
        **dict.fromkeys(("height", "width", "channels", "clipped", "nonfinite"), "<u4"),
        **dict.fromkeys(("low", "high"), "<f8"),
        "blob": "|u1",
    }


def test_the_columns_of_no_points_are_empty_and_keep_their_shape() -> None:
    columns = image.columns(points_of([]))
    assert columns["blob"].shape == (0, 16)
    assert columns["height"].shape == (0,)


# ------------------------------------------------------------------------------------------- the 1.x dialect


def test_the_tutorials_weights_are_96_rows_of_25_columns() -> None:
    weights = np.random.default_rng(0).normal(size=(2400, 1)).astype(np.float32)
    one = decoded(image.accept_sample([96, 25], weights))
    assert (one.height, one.width, one.channels) == (96, 25, 1)


@pytest.mark.parametrize("form", [list, tuple, np.array, lambda data: np.array(data).reshape(6, 1)])
@pytest.mark.parametrize("shape", [(2, 3), [2, 3], np.array([2, 3]), (2, 3, 1), (1, 2, 3)])
def test_a_sample_comes_in_any_form_with_as_many_numbers(form: Any, shape: Any) -> None:
    assert decoded(image.accept_sample(shape, form([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))).channels in (1, 3)


@pytest.mark.parametrize(
    ("shape", "count", "says"),
    [
        ((4,), 4, "height, width"),
        ((1, 2, 2, 1), 4, "height, width"),
        ((0, 4), 0, "at least one pixel"),
        ((-2, -2), 4, "at least one pixel"),
        ((1, 1, 4), 4, "1 to 3 channels"),
        ((3, 8, 8), 192, "move the channels"),
        ((2, 2), 5, "needs 4 values"),
        ((1 << 20, 1), 1 << 20, "pixels a side"),
    ],
)
def test_a_shape_that_no_image_has_is_a_runtime_error_that_says_why(
    shape: tuple[int, ...], count: int, says: str
) -> None:
    with pytest.raises(RuntimeError, match=says):
        image.accept_sample(shape, np.zeros(count, np.uint8))


def test_a_shape_of_floats_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        image.accept_sample([2.0, 2.0], [1, 2, 3, 4])  # type: ignore[list-item]  # the mistake under test


@pytest.mark.parametrize("data", [["a", "b"], [1j, 2j], [None, 1.0], [[1.0, 2.0], [3.0]]])
def test_data_that_are_not_real_numbers_are_a_type_error(data: Any) -> None:
    with pytest.raises(TypeError, match="image's values"):
        image.accept_sample([1, 2], data)
    with pytest.raises(TypeError, match="image's values"):
        image.accept(data, "HW")


def stretched(value: float, least: float, greatest: float) -> int:
    """The rule of VisualDL 1.x for one value, in plain Python."""
    if least < 0:
        return int(value * 127 / max(-least, greatest) + 127)
    return 0 if greatest < 1e-6 else int(value * 255 / greatest)


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)),
                  elements=st.floats(-1e6, 1e6, width=32)))  # fmt: skip
def test_the_stretch_is_the_rule_of_1_x_for_every_pixel(values: AnyArray) -> None:
    got, about = image.to_bytes(image.accept_sample(values.shape, values))
    least, greatest = float(values.min()), float(values.max())
    assert got.reshape(-1).tolist() == [stretched(float(v), least, greatest) for v in values.reshape(-1)]
    assert about.low <= least + 1e-6 * abs(least)
    assert about.high >= greatest - 1e-6 * abs(greatest)


@given(hnp.arrays(np.float64, (4, 5, 2), elements=st.floats(width=64)))
def test_no_float_breaks_the_stretch_and_a_pixel_that_is_not_finite_is_black(values: AnyArray) -> None:
    got, about = image.to_bytes(image.accept_sample((4, 5, 2), values))
    finite = np.isfinite(values).all(axis=-1)
    assert not got[~finite].any()
    assert about.nonfinite == values.size - np.count_nonzero(np.isfinite(values))
    assert math.isfinite(about.low)
    assert about.low <= about.high < math.inf
    if finite.any() and values[finite].min() >= 0 and values[finite].max() >= 1e-6:
        assert got.max() == 255, "the greatest value is white"
    if finite.any() and values[finite].min() < 0:
        assert got.max() <= 254


@pytest.mark.parametrize(
    "odd",
    [
        np.array([0x7D00], np.uint16).view(np.float16),
        np.array([0x7FA00000], np.uint32).view(np.float32),  # a signalling NaN, as torch.empty() may hold
        np.array([0x7FF4 << 48], np.uint64).view(np.float64),
        np.array(["1e400"], np.longdouble),  # beyond float64, where a long double is longer
    ],
)
@pytest.mark.parametrize("how", ["raise", "warn"])
def test_a_value_that_numpy_warns_of_is_black_or_white_in_silence(odd: AnyArray, how: Any) -> None:
    values = np.array([odd[0], 1], odd.dtype).reshape(1, 2)
    with np.errstate(all=how):
        assert pixels(image.accept_sample([1, 2], values)).tolist() == [[0, 255]]
        left, right = pixels(image.accept(values, "HW"))[0].tolist()
    assert left == (0 if np.isnan(odd[0]) else 255)
    assert right == 255


def test_the_bytes_lead_back_to_the_values_of_a_stretched_image() -> None:
    values = np.linspace(-3.0, 2.0, 1000).reshape(20, 50)
    got, about = image.to_bytes(image.accept_sample((20, 50), values))
    back = about.low + got[..., 0] / 255 * (about.high - about.low)
    assert np.abs(back - values).max() <= (about.high - about.low) / 255


# ------------------------------------------------------------------------------------------- the 2.x dialect


@given(hnp.arrays(st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.int32, np.uint16, np.bool_]),
                  (3, 4, 3)))  # fmt: skip
def test_the_argument_is_never_changed_nor_kept(values: AnyArray) -> None:
    before = values.copy()
    kept = image.accept(values)
    sampled = image.accept_sample((3, 4, 3), values)
    first = image.to_bytes(kept)[0]
    image.to_bytes(sampled)
    assert values.tobytes() == before.tobytes()
    values[...] = 1 - values if values.dtype != np.bool_ else ~values
    assert (image.to_bytes(kept)[0] == first).all()


@given(hnp.arrays(np.float64, (3, 7), elements=st.floats(width=64)))
def test_out_of_range_floats_are_clipped_and_counted_never_wrapped(values: AnyArray) -> None:
    got, about = image.to_bytes(image.accept(values, "HW"))
    finite = values[np.isfinite(values)]
    unit = bool(((finite >= 0) & (finite <= 1)).all())
    assert about.high == (1.0 if unit else 255.0)
    assert about.clipped == np.count_nonzero((finite < 0) | (finite > about.high))
    inside = np.clip(np.nan_to_num(values, nan=0.0), -1e9, 1e9)
    scaled = np.clip(inside * (255.0 if unit else 1.0), 0, 255)
    assert (got[..., 0] == scaled.astype(np.uint8)).all()


@pytest.mark.parametrize("axes", ["HWC", "HCW", "WHC", "WCH", "CHW", "CWH"])
def test_every_order_of_the_axes_gives_the_same_picture(axes: str) -> None:
    picture = np.arange(2 * 5 * 3, dtype=np.uint8).reshape(2, 5, 3)
    turned = picture.transpose(["HWC".index(letter) for letter in axes])
    assert (pixels(image.accept(turned, axes)) == picture).all()
    assert (pixels(image.accept(turned, axes.lower())) == picture).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_one_to_four_channels_are_kept(channels: int) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (3, 4, channels), dtype=np.uint8)
    seen = pixels(image.accept(picture))
    wanted = {1: picture[..., 0], 2: np.concatenate([picture, np.zeros((3, 4, 1), np.uint8)], -1)}.get(
        channels, picture
    )
    assert (seen == wanted).all()
    assert decoded(image.accept(picture)).channels == channels


@given(st.integers(1, 20), st.sampled_from(["NCHW", "NHWC", "NHW", "CNHW"]))
def test_a_batch_becomes_a_grid_of_eight_columns_with_black_places(count: int, axes: str) -> None:
    sides = {"N": count, "C": 3, "H": 2, "W": 4}
    batch = np.full([sides[letter] for letter in axes], 9, np.uint8)
    grid, about = image.to_bytes(image.accept(batch, axes))
    across, down = min(count, 8), -(-count // 8)
    assert (about.height, about.width) == (2 * down, 4 * across)
    tiles = grid.reshape(down, 2, across, 4, -1)[:, 0, :, 0, 0].reshape(-1)
    assert tiles.tolist() == [9] * count + [0] * (across * down - count)


@pytest.mark.parametrize(
    ("shape", "dataformats", "error", "says"),
    [
        ((4, 4), "HWC", AssertionError, 'dataformats.*"?HW'),
        ((4, 4, 3), "HW", AssertionError, "HWC or CHW"),
        ((3, 8, 8), "HWC", ValueError, 'dataformats="CHW"'),
        ((8, 8, 5), "HWC", ValueError, "1 to 4 channels"),
        ((8, 8, 3), "HWX", ValueError, "names each axis once"),
        ((8, 8, 3), "HHW", ValueError, "names each axis once"),
        ((8, 8), "HC", ValueError, "names each axis once"),
        ((0, 8, 3), "HWC", ValueError, "at least one pixel"),
        ((0, 3, 8, 8), "NCHW", ValueError, "holds no image"),
        ((40_000, 1), "HW", ValueError, "pixels a side"),
        ((9000, 9000), "HW", ValueError, "pixels a side"),
        ((), "HW", AssertionError, "has 0"),
    ],
)
def test_what_is_not_an_image_is_refused_at_the_call(
    shape: tuple[int, ...], dataformats: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        image.accept(np.broadcast_to(np.uint8(0), shape), dataformats)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (5, 1), (33, 64), (129, 257)])
def test_the_png_holds_every_pixel_at_any_size(height: int, width: int, channels: int) -> None:
    values = np.random.default_rng(height).integers(0, 256, (height, width, channels), np.uint8)
    seen = pixels(image.accept(values)).reshape(height, width, -1)
    assert (seen[..., :channels] == values).all()
    assert not seen[..., channels:].any()


@pytest.mark.parametrize("shape", [(300, 20), (300, 300)])  # kept as bytes, kept as an array
def test_a_copied_image_does_not_change_with_its_array_and_keeps_the_order_of_its_axes(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(0).integers(0, 256, shape, np.uint8).T
    before = values.copy()
    kept = image.accept(values, "HW")
    values[:] = 0
    assert (pixels(kept) == before).all()


def test_an_owned_array_is_not_copied() -> None:
    values = np.zeros((4, 4, 3), np.float32)
    assert np.shares_memory(image.accept(values, owned=True).values, values)
    assert np.shares_memory(image.accept_sample((4, 4, 3), values, owned=True).values, values)
    assert not np.shares_memory(image.accept(values).values, values)
    assert image.accept(values).nbytes == values.nbytes


# ------------------------------------------------------------------------------------------------ the record

GOOD = bytes.fromhex(GOLDEN["cases"][0]["payload"])


def with_field(at: int, raw: bytes) -> bytes:
    return GOOD[:at] + raw + GOOD[at + len(raw) :]


@pytest.mark.parametrize(
    "record",
    [
        Payload(b"", (ADDRESS,)),
        Payload(GOOD[:-1], (ADDRESS,)),
        Payload(GOOD + b"\0", (ADDRESS,)),
        Payload(GOOD, ()),
        Payload(GOOD, (ADDRESS, ADDRESS)),
        Payload(GOOD, (b"short",)),
        Payload(with_field(0, b"\x02"), (ADDRESS,)),
        Payload(with_field(1, b"\x00"), (ADDRESS,)),
        Payload(with_field(1, b"\x05"), (ADDRESS,)),
        Payload(with_field(2, b"\x01"), (ADDRESS,)),
        Payload(with_field(4, b"\xff\xff\xff\xff"), (ADDRESS,)),
        Payload(with_field(8, b"\0\0\0\0"), (ADDRESS,)),
        Payload(with_field(12, b"\x07"), (ADDRESS,)),
        Payload(with_field(20, np.float64(np.nan).tobytes()), (ADDRESS,)),
        Payload(with_field(20, np.float64(1e9).tobytes()), (ADDRESS,)),
    ],
)
def test_a_record_that_encode_never_wrote_is_corrupt(record: Payload) -> None:
    with pytest.raises(CorruptRecord, match="image record"):
        image.decode(record)


@settings(max_examples=300)
@given(st.binary(max_size=60), st.lists(st.binary(max_size=20), max_size=3))
def test_any_bytes_decode_or_are_corrupt_and_nothing_else(raw: bytes, blobs: list[bytes]) -> None:
    try:
        one = image.decode(Payload(raw, tuple(blobs)))
    except CorruptRecord:
        return
    assert 1 <= one.channels <= 4
    assert one.height * one.width <= image.MAX_PIXELS


def test_the_slider_reaches_every_step_however_few_points_are_asked_for() -> None:
    points = points_of([decoded(accepted(GOLDEN["cases"][0]))] * 5000)
    assert image.thin(points.step.astype(np.float64), points, 2).tolist() == list(range(5000))


def test_only_a_huge_series_is_thinned_and_keeps_its_ends() -> None:
    points = points_of([decoded(accepted(GOLDEN["cases"][0]))] * (image.MAX_POINTS + 1000))
    kept = image.thin(points.step.astype(np.float64), points, 1600)
    assert len(kept) <= image.MAX_POINTS
    assert (kept[0], kept[-1]) == (0, len(points) - 1)
    assert (np.diff(kept) > 0).all()
