"""Every kind there is. Their order is the order of the pages on the board; a new kind is one more line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from visualdl.kinds.histogram import HISTOGRAM
from visualdl.kinds.image import IMAGE
from visualdl.kinds.kind import Kind
from visualdl.kinds.scalar import SCALAR

KINDS: Final[tuple[Kind, ...]] = (SCALAR, IMAGE, HISTOGRAM)
KIND_BY_NAME: Final[Mapping[str, Kind]] = {kind.name: kind for kind in KINDS}
