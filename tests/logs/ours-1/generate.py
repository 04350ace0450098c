"""Makes the frozen log of format version 1. Run it once for a new version, into a new folder; never over an old one.

python tests/logs/ours-1/generate.py FOLDER
"""

from __future__ import annotations

import math
import os
import struct
import sys
from unittest import mock

from visualdl.log.identity import Identity
from visualdl.log.writer import Log

NAN_WITH_A_PAYLOAD = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_BEEF))[0]


def write(folder: str) -> None:
    """One closed file set, and one that was cut off with rows in its head; both by a machine that is no more."""
    names = [f"20260102T03040{i}.678901Z-frozen-1234-0000000{i}.vdl" for i in range(2)]
    mock.patch("visualdl.log.writer._file_name", side_effect=names).start()
    mock.patch("visualdl.log.head.this_process", return_value=Identity(1234, 0, "frozen", "", "")).start()
    mock.patch("visualdl.log.head.clock.time", return_value=1767323045.0).start()
    log = Log(folder, ring_rows=64)
    loss = log.row_appender(log.tag("scalar", "train/loss", unit="nats"))
    exact = log.row_appender(log.tag("scalar", "准确率"))
    image = log.tag("image", "photo")
    log.meta(display_name="frozen", dialect="1.x")
    for step in range(100):
        loss(step, 1 / (step + 1), 1767322800.25 + step)
        exact(-step, float(step), 1767322800.5 + step)
    for i, value in enumerate([math.nan, NAN_WITH_A_PAYLOAD, math.inf, -math.inf, -0.0, 5e-324]):
        loss(100 + i, value, 1767322900.0 + i)
    for step in range(3):
        payload = b"payload %d " % step * 20
        log.append(image, step, 1767322800.0 + step, lambda payload=payload: (payload, [b"blob", payload[:9]]), 100)  # type: ignore[misc]
    print(log.close())

    cut_off = Log(folder, ring_rows=64)
    loss = cut_off.row_appender(cut_off.tag("scalar", "train/loss"))
    for step in range(200, 210):
        loss(step, 0.5, 1767323000.0 + step)
    cut_off.flush()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    write(sys.argv[1])
