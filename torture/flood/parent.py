"""How a program knows that whoever started it is done with it, or dead: its standard input ends."""

from __future__ import annotations

import sys
import threading


def until_told() -> threading.Event:
    """An event that is set when standard input ends."""
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.buffer.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    return ended
