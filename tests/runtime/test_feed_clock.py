"""The feed's clock: a step disables the forecast, says so, and is over after a whole window or a forecast."""

from __future__ import annotations

import pytest

from barocast.runtime.feed_clock import FeedClock


def heard(*pairs: tuple[float | None, float]) -> FeedClock:
    clock = FeedClock()
    for newest_s, arrival_s in pairs:
        clock.hear(newest_s, arrival_s)
    return clock


def test_a_clock_that_runs_is_no_trouble_nor_is_a_gap_of_the_feed():
    assert heard((100.0, 0.0), (101.0, 1.0), (None, 2.0), (9000.0, 8900.0)).trouble(8900.0) == ""
    assert heard((100.0, 0.0), (9000.0, 8900.0)).trouble(8900.0) == ""


@pytest.mark.req("RUN-04")
@pytest.mark.parametrize(
    ("newest_s", "said"), [(6400.0, "it was set back by 3600 s"), (17201.0, "it was set forward by 7200 s")]
)
def test_a_step_lasts_until_the_history_is_whole_again(newest_s, said):
    clock = heard((10000.0, 0.0), (newest_s, 1.0))

    assert clock.trouble(1.0).startswith(said)
    assert (clock.trouble(900.0) != "", clock.trouble(901.0)) == (True, "")


def test_a_step_is_over_with_the_first_forecast():
    clock = heard((10000.0, 0.0), (6400.0, 1.0))
    clock.forecast()

    assert clock.trouble(2.0) == ""
