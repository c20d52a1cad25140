"""The newest columns of a grid: what is kept, what goes, and that memory is taken once."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.kept_columns import SPARE, KeptColumns

EMPTY = np.array(math.nan)
MOST = 500


def kept(first=None) -> KeptColumns:
    return KeptColumns(EMPTY, MOST, first)


def filled(columns: KeptColumns, numbers) -> KeptColumns:
    """Put each number into the column that bears it."""
    for number in numbers:
        columns.reach(number)
        columns.reach(number + 1)
        columns.rows[number - columns.first] = number
    return columns


def test_what_was_put_in_is_given_and_what_was_not_is_empty():
    columns = filled(kept(), [3, 4, 7])

    assert (columns.first, columns.stop) == (3, 8)
    np.testing.assert_array_equal(
        columns.between(1, 9), [math.nan, math.nan, 3, 4, math.nan, math.nan, 7, math.nan]
    )


def test_nothing_is_kept_before_the_first_column():
    columns = kept()

    assert (columns.first, columns.stop, columns.rows.size) == (0, 0, 0)
    assert columns.newest()[1].size == 0


def test_a_column_that_is_reached_already_stays_as_it_is():
    columns = filled(kept(), range(10))
    columns.reach(4)

    np.testing.assert_array_equal(columns.rows, np.arange(10.0))


@pytest.mark.parametrize("last", [MOST - 1, MOST + SPARE, 10 * MOST])
def test_the_newest_are_kept(last):
    first, newest = filled(kept(), range(last + 1)).newest()

    assert first == last + 1 - MOST
    np.testing.assert_array_equal(newest, np.arange(first, last + 1.0))


def test_a_jump_over_everything_leaves_nothing_of_before():
    columns = filled(kept(), range(20))
    columns.reach(10**18)

    assert columns.stop == 10**18
    assert np.isnan(columns.rows).all()


def test_it_can_begin_anew_at_an_earlier_column():
    columns = filled(kept(), range(100, 120))
    columns.begin(7)

    np.testing.assert_array_equal(filled(columns, [7]).rows, [7.0])


@pytest.mark.req("RUN-06")
def test_what_is_reserved_never_grows():
    columns = kept(0)
    columns.reserve()
    room = columns.rows.base
    tracemalloc.start()
    filled(columns, range(20 * MOST))
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert columns.rows.base is room
    assert grown < 1000


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 3 * MOST), max_size=200), st.booleans())
def test_it_is_as_good_as_a_dictionary_that_forgets(steps, reserved):
    columns, known = kept(0), {}
    if reserved:
        columns.reserve()
    at = 0
    for step in steps:
        at += step % 40 if step % 7 else step
        filled(columns, [at])
        known[at] = float(at)
        first, newest = columns.newest()
        expected = [known.get(number, math.nan) for number in range(first, at + 1)]

        np.testing.assert_array_equal(newest, expected)
        assert first == max(0, at + 1 - MOST)
