"""Records that are decoded when somebody looks at them, and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from visualdl.kinds.kind import IntArray


class Damaged(Exception):
    """Some records could not be decoded and are left out from now on: take a new snapshot."""


class Decoded(Sequence[Any]):
    """The decoded records of some points, decoded when the first of them is looked at."""

    def __init__(self, fetch: Callable[[IntArray], list[Any]], where: IntArray) -> None:
        self._fetch = fetch
        self._where = where
        self._found: list[Any] | None = None

    def _all(self) -> list[Any]:
        if self._found is None:
            self._found = self._fetch(self._where)
        return self._found

    def __len__(self) -> int:
        return len(self._where)

    @overload
    def __getitem__(self, at: int) -> Any: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Any]: ...

    def __getitem__(self, at: int | slice) -> Any:
        return self._all()[at]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all())

    def part(self, where: slice | IntArray) -> Decoded:
        """The records at these places; whatever is not decoded yet stays so."""
        part = Decoded(self._fetch, self._where[where])
        if self._found is not None:
            part._found = self._found[where] if isinstance(where, slice) else [self._found[i] for i in where.tolist()]
        return part
