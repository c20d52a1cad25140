"""The extremes of a packet leave missing samples out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from barocast.runtime.decoders.extremes import extremes

NAN = math.nan


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, -1.0, 2.0], (-1.0, 3.0)),
        ([5.0], (5.0, 5.0)),
        ([NAN, 3.0, -1.0], (-1.0, 3.0)),
        ([3.0, -1.0, NAN], (-1.0, 3.0)),
        ([-math.inf, NAN, math.inf], (-math.inf, math.inf)),
    ],
)
def test_the_lowest_and_the_highest_sample_are_found(values: list[float], expected: tuple[float, float]):
    assert extremes(np.array(values)) == expected


@pytest.mark.parametrize("values", [[], [NAN], [NAN, NAN]])
def test_without_a_sample_there_is_neither(values: list[float]):
    assert all(math.isnan(end) for end in extremes(np.array(values, dtype=np.float64)))
