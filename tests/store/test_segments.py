"""The order of a series' points: writers side by side, restarts, late points."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from visualdl.store.segments import MAX_RESTARTS, Stretch, arrange

Written = tuple[list[int], list[float]]


def arranged(*parts: Written, started: list[float | None] | None = None) -> tuple[Stretch, ...]:
    step = np.array([s for steps, _ in parts for s in steps], np.int64)
    time = np.array([t for _, times in parts for t in times], float)
    offsets = np.cumsum([0, *(len(steps) for steps, _ in parts)]).tolist()
    return arrange(step, time, offsets=offsets, started=started or [None] * len(parts))


def steps_of(stretches: tuple[Stretch, ...], *parts: Written) -> list[list[int]]:
    step = np.array([s for steps, _ in parts for s in steps], np.int64)
    return [step[stretch.where].tolist() for stretch in stretches]


def test_one_writer_in_order_is_one_segment_without_any_copy() -> None:
    (only,) = arranged(([1, 2, 2, 3], [1.0, 2.0, 3.0, 4.0]))
    assert only == Stretch(slice(0, 4), None)
    assert len(only) == 4


def test_nothing_written_is_no_segment() -> None:
    assert arranged() == ()
    assert arranged(([], []), ([], [])) == ()


def test_a_resumed_run_goes_on_in_the_same_segment() -> None:
    (only,) = arranged(([0, 1, 2], [0, 1, 2]), ([], []), ([3, 4], [10, 11]))
    assert only == Stretch(slice(0, 5), None)


def test_a_run_started_again_is_a_new_segment_and_the_older_points_are_history_from_there() -> None:
    parts = ([0, 10, 20, 30], [0.0, 1, 2, 3]), ([20, 30, 40], [10.0, 11, 12])
    older, newer = arranged(*parts)
    assert older == Stretch(slice(0, 4), 20)
    assert newer == Stretch(slice(4, 7), None)


def test_a_third_start_that_continues_the_second_joins_it() -> None:
    parts = ([*range(10)], [float(t) for t in range(10)]), ([5, 6], [20.0, 21.0]), ([7, 8, 12], [30.0, 31.0, 32.0])
    assert arranged(*parts) == (Stretch(slice(0, 10), 5), Stretch(slice(10, 15), None))


def test_a_segment_is_history_from_the_earliest_later_start_on() -> None:
    parts = ([0, 1, 2, 3, 4], [0.0] * 5), ([3, 4, 5], [10.0] * 3), ([1, 2], [20.0] * 2)
    assert [stretch.ghost_from for stretch in arranged(*parts)] == [1, 1, None]


def test_the_order_of_the_files_does_not_matter_only_their_times_do() -> None:
    parts = ([20, 30], [10.0, 11]), ([0, 10, 20], [0.0, 1, 2])
    assert steps_of(arranged(*parts), *parts) == [[0, 10, 20], [20, 30]]


def test_writers_side_by_side_are_merged_by_step_and_equal_steps_stay_in_the_order_of_their_files() -> None:
    parts = ([0, 2, 4], [0.0, 2, 4]), ([0, 1, 4, 5], [0.5, 1, 4, 5])
    (only,) = arranged(*parts)
    assert not isinstance(only.where, slice)
    assert only.where.tolist() == [0, 3, 4, 1, 2, 5, 6]
    assert only.ghost_from is None


def test_two_processes_with_one_point_each_are_side_by_side_when_their_writers_were() -> None:
    parts = ([0], [5.0]), ([0], [6.0])
    assert len(arranged(*parts, started=[1.0, 2.0])) == 1
    assert len(arranged(*parts, started=[1.0, 5.5])) == 2
    assert len(arranged(*parts)) == 2


def test_times_given_by_hand_count_instead_of_the_start_of_the_writer() -> None:
    parts = ([0, 1], [5.0, 6.0]), ([0, 1], [15.0, 16.0])
    assert len(arranged(*parts, started=[1e9, 1e9])) == 2


def test_a_writer_beside_both_sides_of_a_restart_makes_all_three_one() -> None:
    parts = ([0, 5], [0.0, 5.0]), ([3, 9], [3.0, 9.0]), ([2, 7], [7.0, 8.0])
    assert steps_of(arranged(*parts), *parts) == [[0, 2, 3, 5, 7, 9]]


def test_a_late_point_is_sorted_in_by_its_step() -> None:
    parts = (([1, 2, 4, 3, 5, 0], [0.0] * 6),)
    assert steps_of(arranged(*parts), *parts) == [[0, 1, 2, 3, 4, 5]]


def test_a_step_written_again_after_going_back_starts_the_run_again() -> None:
    parts = (([0, 1, 2, 3, 1, 2, 3, 4], [0.0] * 8),)
    assert arranged(*parts) == (Stretch(slice(0, 4), 1), Stretch(slice(4, 8), None))


def test_the_same_step_twice_in_a_row_is_no_restart() -> None:
    parts = (([0, 0, 2, 2, 1, 1, 3], [0.0] * 7),)
    assert steps_of(arranged(*parts), *parts) == [[0, 0, 1, 1, 2, 2, 3]]


def test_a_late_point_after_a_restart_belongs_to_the_restarted_segment() -> None:
    parts = (([0, 1, 2, 3, 0, 2, 1, 3], [0.0] * 8),)
    assert steps_of(arranged(*parts), *parts) == [[0, 1, 2, 3], [0, 1, 2, 3]]


def test_a_step_that_starts_over_at_every_epoch_is_a_segment_an_epoch_up_to_a_limit() -> None:
    few = ([*range(5)] * 10, [0.0] * 50)
    assert len(arranged(few)) == 10
    many = ([*range(5)] * (MAX_RESTARTS + 2), [0.0] * 5 * (MAX_RESTARTS + 2))
    (only,) = arranged(many)
    assert len(only) == len(many[0])
    assert only.ghost_from is None


parts_of_a_series = st.lists(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 30).map(float)), max_size=15).map(
        lambda pairs: ([step for step, _ in pairs], sorted(time for _, time in pairs))
    ),
    max_size=5,
)


@given(parts_of_a_series)
def test_every_point_is_in_exactly_one_segment_in_order_of_step(parts: list[Written]) -> None:
    stretches = arranged(*parts)
    everything = np.arange(sum(len(steps) for steps, _ in parts))
    places = np.concatenate([np.empty(0, int), *(everything[stretch.where] for stretch in stretches)])
    assert sorted(places.tolist()) == everything.tolist()
    found = steps_of(stretches, *parts)
    assert all(steps and steps == sorted(steps) for steps in found)
    for i, stretch in enumerate(stretches):
        later = [steps[0] for steps in found[i + 1 :] if steps[0] <= found[i][-1]]
        assert stretch.ghost_from == min(later, default=None)
