"""Somebody who only looks: asks one small question again and again, and tells how long each answer took.

`python -m torture.children.flood_probe PORT PATH`; until standard input ends. A line for each: when, seconds, status.
"""

from __future__ import annotations

import http.client
import sys
import time

from torture.flood.parent import until_told

PAUSE = 0.04
PATIENCE = 60.0


def ask(port: int, path: str) -> int:
    """The status of one answer, over a connection of its own; 0 when there was none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def main(port: int, path: str) -> None:
    """Ask until standard input ends."""
    ended = until_told()
    while not ended.wait(PAUSE):
        began = time.monotonic()
        status = ask(port, path)
        print(f"{began:.4f} {time.monotonic() - began:.4f} {status}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
