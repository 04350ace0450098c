"""Real images of CIFAR-10's shape where CIFAR-10 itself cannot be had: 32 × 32 crops of ten photographs.

scikit-learn and scikit-image ship these photographs inside their wheels, so nothing is downloaded. Ten photographs are
ten classes: the network is asked which photograph a crop was cut from. Each photograph is divided into squares of
48 × 48 pixels; every fifth square belongs to the test set, the others to the training set, and a crop lies within one
square. So no pixel of a test image was ever trained on. The choice of the crops is the same on every machine.
"""

from __future__ import annotations

from importlib import resources
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

CROP = 32
SQUARE = 48

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


class Photograph(NamedTuple):
    """A class of the data set: its name, the package and file it comes from, and who made it under which terms."""

    name: str
    package: str
    file: str
    credit: str


PHOTOGRAPHS = (
    Photograph("astronaut", "skimage.data", "astronaut.png", "NASA; public domain"),
    Photograph("cat", "skimage.data", "chelsea.png", "Stéfan van der Walt; CC0"),
    Photograph("coffee", "skimage.data", "coffee.png", "Rachel Michetti; CC0"),
    Photograph("galaxies", "skimage.data", "hubble_deep_field.jpg", "NASA, Hubble eXtreme Deep Field; public domain"),
    Photograph(
        "tissue", "skimage.data", "ihc.png", "Center for Microscopy and Molecular Imaging; no known restriction"
    ),
    Photograph("motorcycle", "skimage.data", "motorcycle_left.png", "D. Scharstein et al., Middlebury Stereo 2014"),
    Photograph("retina", "skimage.data", "retina.jpg", "Mikael Häggström; CC0"),
    Photograph("rocket", "skimage.data", "rocket.jpg", "SpaceX; public domain"),
    Photograph("temple", "sklearn.datasets.images", "china.jpg", "danielbuechele; CC BY 2.0"),
    Photograph("flower", "sklearn.datasets.images", "flower.jpg", "vultilion; CC BY 2.0"),
)
CLASSES = tuple(photograph.name for photograph in PHOTOGRAPHS)


class Crops(NamedTuple):
    """images: uint8 (n, 3, 32, 32), channels first; labels: int64 (n,), indices into CLASSES; shuffled."""

    images: Pixels
    labels: Labels


def crops(*, train: bool, count: int, seed: int = 0) -> Crops:
    """`count` crops, equally many of each photograph, from the training or the test squares.

    The same arguments give the same crops. Raises ValueError when `count` is not a positive multiple of ten.
    """
    if count <= 0 or count % len(PHOTOGRAPHS):
        raise ValueError(f"count must be a positive multiple of {len(PHOTOGRAPHS)}, got {count}")
    random = np.random.default_rng([seed, int(train)])
    each = count // len(PHOTOGRAPHS)
    images = np.concatenate([_cut(pixels(p), train=train, count=each, random=random) for p in PHOTOGRAPHS])
    labels = np.repeat(np.arange(len(PHOTOGRAPHS), dtype=np.int64), each)
    order = random.permutation(count)
    return Crops(np.ascontiguousarray(images[order].transpose(0, 3, 1, 2)), labels[order])


def pixels(photograph: Photograph) -> Pixels:
    """The whole photograph, uint8 (height, width, 3)."""
    with resources.files(photograph.package).joinpath(photograph.file).open("rb") as file, Image.open(file) as image:
        array: Pixels = np.asarray(image.convert("RGB"))
        return array


def _cut(photograph: Pixels, *, train: bool, count: int, random: np.random.Generator) -> Pixels:
    """`count` crops, uint8 (count, 32, 32, 3), each within one of the squares of its side of the division."""
    rows, columns = (side // SQUARE for side in photograph.shape[:2])
    row, column = np.divmod(np.arange(rows * columns), columns)
    is_test = (row + 2 * column) % 5 == 0  # spread evenly: no two test squares touch
    squares = np.stack([row, column], axis=1)[is_test != train] * SQUARE
    corners = squares[random.integers(len(squares), size=count)] + random.integers(SQUARE - CROP + 1, size=(count, 2))
    windows = np.lib.stride_tricks.sliding_window_view(photograph, (CROP, CROP), axis=(0, 1))
    cut: Pixels = windows[corners[:, 0], corners[:, 1]].transpose(0, 2, 3, 1)
    return cut
