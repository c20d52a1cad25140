"""How long a quiet connection is borne: by the feed's own pace, and longer each time in vain."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from barocast.plugin.patience import LONGEST_S, SHORTEST_S, Patience


def ended(patience, start_s, seconds):
    """When patience ends while nothing comes."""
    return [float(now_s) for now_s in np.arange(start_s, start_s + seconds, 0.5) if patience.ends(now_s)]


def after(*times_s):
    patience = Patience()
    for time_s in times_s:
        patience.heard(time_s)
    return patience


def test_before_anything_was_heard_patience_is_short_and_doubles():
    times = ended(Patience(), 0.0, 550.0)

    assert times[:3] == [SHORTEST_S, 3 * SHORTEST_S, 7 * SHORTEST_S]
    assert times[-1] - times[-2] == LONGEST_S


def test_patience_with_a_feed_that_never_speaks_has_no_end():
    """More than 1024 connections in vain: a doubling without end overflows."""
    patience = Patience()

    assert sum(patience.ends(LONGEST_S * turn) for turn in range(2000)) == 1999
    assert patience.seconds == LONGEST_S


def test_a_feed_of_every_second_is_missed_soon_and_then_less_and_less_often():
    times = ended(after(*range(20)), 19.0, 400.0)

    assert times[0] == 19.0 + SHORTEST_S
    assert [later - time for time, later in pairwise(times)] == [30.0, 60.0, 120.0, LONGEST_S]


def test_a_feed_of_every_minute_is_never_called_dead_between_two_messages():
    patience = after(*range(0, 600, 60))

    assert not ended(patience, 540.5, 120.0)
    assert patience.seconds == LONGEST_S


def test_a_message_in_pieces_is_one():
    patience = Patience()
    for start_s in range(0, 300, 30):
        for piece in range(5):
            patience.heard(start_s + 0.01 * piece)

    assert patience.seconds > 140.0


def test_data_give_patience_back():
    patience = after(*range(20))
    ended(patience, 19.0, 100.0)
    patience.heard(120.0)

    assert patience.seconds == SHORTEST_S


def test_a_feed_that_became_slow_is_learned():
    """Every 40 s now: called anew once or twice, then left in peace."""
    patience = after(*range(20))
    ends = []
    for message_s in range(20, 1000, 40):
        ends += ended(patience, message_s, 40.0)
        patience.heard(message_s + 40)

    assert 0 < len(ends) <= 10
    assert max(ends) < 300.0


def test_a_new_connection_begins_the_wait_anew():
    patience = after(*range(20))
    patience.begins(100.0)

    assert ended(patience, 100.0, 20.0) == [100.0 + SHORTEST_S]
