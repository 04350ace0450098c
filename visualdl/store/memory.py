"""The bound on what the store holds in memory: the series used least recently are forgotten first."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Protocol


def sensible_bytes() -> int:
    """An eighth of the memory that this process may use, but 64 MiB at least and 192 MiB at most.

    With Python, numpy and an answer under way the board then stays below 500 MB, whatever is asked of it.
    """
    amounts = []
    with contextlib.suppress(AttributeError, OSError, ValueError):  # not on this system
        amounts.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with contextlib.suppress(OSError, ValueError):  # no such file, or "max" in it
        amounts.append(int(Path("/sys/fs/cgroup/memory.max").read_text("ascii")))
    return min(max(min(amounts, default=0) // 8, 64 << 20), 192 << 20)


class Forgettable(Protocol):
    """Something that holds bytes which it can get back."""

    @property
    def nbytes(self) -> int:
        """Bytes held now."""

    def drop(self) -> None:
        """Hold nothing; unless it is in use just now, and whoever uses it tells the memory so afterwards."""


class Memory:
    """A bound in bytes over everything that was `used`. Thread safe.

    The one used last is never forgotten, so one series larger than the bound can still be shown.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._held: OrderedDict[Forgettable, int] = OrderedDict()
        self._bytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes held by all, as of when each was used last."""
        with self._lock:
            return self._bytes

    def used(self, thing: Forgettable) -> None:
        """`thing` was used just now, and holds as many bytes as it says."""
        size = thing.nbytes
        victims = []
        with self._lock:
            self._bytes += size - self._held.pop(thing, 0)
            self._held[thing] = size
            while self._bytes > self._limit and len(self._held) > 1:
                victim, freed = self._held.popitem(last=False)
                self._bytes -= freed
                victims.append(victim)
        for victim in victims:  # outside of the lock, which victims know nothing of
            victim.drop()

    def forget(self, thing: Forgettable) -> None:
        """`thing` is gone."""
        with self._lock:
            self._bytes -= self._held.pop(thing, 0)
        thing.drop()
