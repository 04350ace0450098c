"""The bound on memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from visualdl.store.memory import Memory, sensible_bytes


@dataclass(eq=False)
class Shelf:
    """Something of a size that is gone once dropped."""

    nbytes: int
    dropped: list[str] = field(default_factory=list)

    def drop(self) -> None:
        self.nbytes = 0
        self.dropped.append("yes")


def test_the_default_bound_is_a_share_of_the_machine_within_limits() -> None:
    assert 64 << 20 <= sensible_bytes() <= 192 << 20


def test_the_least_recently_used_is_forgotten_first() -> None:
    memory = Memory(100)
    one, two, three = Shelf(40), Shelf(40), Shelf(40)
    for shelf in (one, two, one, three):
        memory.used(shelf)
    assert [bool(shelf.dropped) for shelf in (one, two, three)] == [False, True, False]
    assert memory.nbytes == 80


def test_what_grew_is_counted_anew() -> None:
    memory = Memory(100)
    one, two = Shelf(40), Shelf(10)
    memory.used(two)
    memory.used(one)
    one.nbytes = 95
    memory.used(one)
    assert two.dropped
    assert memory.nbytes == 95


def test_one_that_is_larger_than_the_bound_is_kept_while_it_is_the_only_one() -> None:
    memory = Memory(10)
    one, two = Shelf(1000), Shelf(1)
    memory.used(one)
    assert not one.dropped
    memory.used(two)
    assert one.dropped
    assert memory.nbytes == 1


def test_what_is_forgotten_is_dropped_and_no_longer_counted() -> None:
    memory = Memory(10)
    one = Shelf(5)
    memory.used(one)
    memory.forget(one)
    memory.forget(one)
    assert one.dropped
    assert memory.nbytes == 0
