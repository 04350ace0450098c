"""The server on a disk that has a slow corner: what is read of runs called `slow…` takes seconds, once a file says so.

`python -m torture.children.flood_slow_disk FLAG SECONDS …`: the other arguments are those of `visualdl`.
"""

from __future__ import annotations

import os
import sys
import time

from visualdl.cli import main

_read = os.pread


def slowly(flag: str, seconds: float) -> None:
    """Let every read of such a file wait, while the flag is there."""

    def pread(file: int, length: int, at: int) -> bytes:
        if os.path.exists(flag) and "/slow" in os.readlink(f"/proc/self/fd/{file}"):
            time.sleep(seconds)
        return _read(file, length, at)

    os.pread = pread


if __name__ == "__main__":
    slowly(sys.argv[1], float(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
