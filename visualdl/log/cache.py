"""A memory-bounded cache of decoded frames, shared by all file sets of a process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")


class FrameCache:
    """The most recently used values, as many as fit in `memory_bytes`. Thread safe."""

    def __init__(self, memory_bytes: int = 256 << 20) -> None:
        self.memory_bytes = memory_bytes
        self.used_bytes = 0
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], tuple[T, int]]) -> T:
        """The value of `key`; when it is not here, `make()` gives it and its size in bytes. Errors are not kept."""
        with self._lock:
            found = self._values.get(key)
            if found is not None:
                self._values.move_to_end(key)
                return cast(T, found[0])
        value, size = make()  # two threads may both make it: better than waiting for each other
        with self._lock:
            if key not in self._values and size <= self.memory_bytes:
                self._values[key] = (value, size)
                self.used_bytes += size
                while self.used_bytes > self.memory_bytes:
                    self.used_bytes -= self._values.popitem(last=False)[1][1]
        return value
