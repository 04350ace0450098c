"""Records that are decoded when somebody looks at them, and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, overload

from visualdl.kinds.kind import IntArray

_AT_ONCE: Final = 64


class Damaged(Exception):
    """Some records could not be decoded and are left out from now on: take a new snapshot."""


class Decoded(Sequence[Any]):
    """The decoded records of some points, decoded when they are looked at and not kept here: they may be large."""

    def __init__(self, fetch: Callable[[IntArray], list[Any]], where: IntArray) -> None:
        self._fetch = fetch
        self._where = where

    def __len__(self) -> int:
        return len(self._where)

    @overload
    def __getitem__(self, at: int) -> Any: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Any]: ...

    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return self.part(at)
        return self._fetch(self._where[[at]])[0]

    def __iter__(self) -> Iterator[Any]:
        damaged: Damaged | None = None
        for at in range(0, len(self._where), _AT_ONCE):
            try:
                found = self._fetch(self._where[at : at + _AT_ONCE])
            except Damaged as error:  # go on, so that all that is damaged is known before anybody asks again
                damaged = error
            else:
                if damaged is None:
                    yield from found
        if damaged is not None:
            raise damaged

    def part(self, where: slice | IntArray) -> Decoded:
        """The records at these places; whatever is not decoded yet stays so."""
        return Decoded(self._fetch, self._where[where])
