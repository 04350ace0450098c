"""The answers that tests/golden/wire holds, made from plain arrays; run as a module, it writes the files anew."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from visualdl.server.wire import SeriesColumns, pack

FOLDER = Path(__file__).parents[1] / "golden" / "wire"


def answers() -> Iterator[tuple[str, dict[str, Any], list[SeriesColumns]]]:
    """Name, header without its series, and series of each golden answer."""
    yield (
        "scalar",
        {"kind": "scalar", "tag": "loss/训练", "axis": "step"},
        [
            SeriesColumns(
                {
                    "run": "0c9a6f1f2b7e",
                    "total": 7,
                    "exact": True,
                    "cursor": 7,
                    "segments": [
                        {"start": 0, "stop": 4, "ghost_from": 20.0},
                        {"start": 4, "stop": 7, "ghost_from": None},
                    ],
                    "nonfinite": {"nan": 1, "inf": 1, "ninf": 1},
                },
                {
                    "step": np.array([0, 10, 20, 30, 20, 30, 2**53], dtype=np.float64),
                    "time": 1767225600.0 + 0.125 * np.arange(7),
                    "value": np.array([2.5, math.nan, math.inf, -math.inf, 1e-300, -0.0, 1e308]),
                    "smooth": np.array([2.5, 2.5, 2.5, 2.5, 1.25, 0.625, 0.1]),
                },
            ),
            SeriesColumns(
                {"run": "ffffffffffff", "total": 0, "exact": True, "cursor": 123456789012, "segments": []},
                {"step": np.zeros(0), "time": np.zeros(0), "value": np.zeros(0)},
            ),
        ],
    )
    # Columns whose lengths are no multiple of 8 bytes, and tables: what pictures have.
    yield (
        "image",
        {"kind": "image", "tag": "images/image0", "axis": "time"},
        [
            SeriesColumns(
                {
                    "run": "0123456789ab",
                    "total": 3,
                    "exact": True,
                    "cursor": 3,
                    "segments": [{"start": 0, "stop": 3, "ghost_from": None}],
                },
                {
                    "step": np.array([1.0, 2.0, 3.0]),
                    "time": np.array([1767225600.0, 1767225601.0, 1767225602.5]),
                    "height": np.array([32, 64, 4294967295], dtype=np.uint32),
                    "width": np.array([32, 48, 1], dtype=np.uint32),
                    "channels": np.array([1, 3, 4], dtype=np.uint32),
                    "blob": np.arange(48, dtype=np.uint8).reshape(3, 16) * 5,
                },
            )
        ],
    )
    # Ragged columns, with offsets that have one more entry than there are points.
    yield (
        "histogram",
        {"kind": "histogram", "tag": "weights", "axis": "relative"},
        [
            SeriesColumns(
                {
                    "run": "0123456789ab",
                    "total": 5000,
                    "exact": False,
                    "cursor": 5000,
                    "segments": [{"start": 0, "stop": 2, "ghost_from": None}],
                },
                {
                    "step": np.array([0.0, 4999.0]),
                    "time": np.array([1767225600.0, 1767229200.0]),
                    "counts": np.array([3, 40, 7, 5, 450], dtype=np.uint32),
                    "offsets": np.array([0, 3, 5], dtype=np.uint32),
                    "edges": np.array([-1.0, -0.5, 0.5, 1.0, -2.0, 2.0]),
                    "edge_offsets": np.array([0, 4, 6], dtype=np.uint32),
                    "nonfinite": np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 1.0]], dtype=np.float32),
                },
            )
        ],
    )
    yield "nothing", {"kind": "scalar", "tag": "a", "axis": "step"}, []


def plain(value: float) -> float | int | str:
    """A number as JSON can say it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def described(header: dict[str, Any], series: list[SeriesColumns], packed: bytes) -> dict[str, Any]:
    """What NAME.json says of an answer."""
    length = int.from_bytes(packed[4:8], "little")
    return {
        "header": json.loads(packed[8 : 8 + length]),
        "content": [
            {name: [plain(v) for v in column.reshape(-1).tolist()] for name, column in one.columns.items()}
            for one in series
        ],
    }


if __name__ == "__main__":
    for name, header, series in answers():
        packed = pack(header, series)
        (FOLDER / f"{name}.bin").write_bytes(packed)
        text = json.dumps(described(header, series, packed), ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
