"""What a monitor averages into an artefact and out of it never becomes part of a window."""

from __future__ import annotations

import math

import numpy as np
import pytest

from barocast.runtime.domain import DERIVED, Reason, Sample
from barocast.runtime.timeline import AVERAGED_S, STEP_S, Timeline

NAN = math.nan
ARTEFACT_S = 100.0


def told(t_s: float, value: float, reason: Reason | None = None, code: str = "MAP") -> Sample:
    return Sample("ABP_MEAN", code, t_s, value, "mmHg", reason is None, reason)


def slide(reason: Reason, code: str = "MAP") -> list[Sample]:
    """80 mmHg, a slide of 8 s into one artefact at ARTEFACT_S, another out of it, 80 mmHg again."""
    before = [told(t, 80.0) for t in np.arange(0.0, 92.0)]
    into = [told(92.0 + i, 80.0 - 10 * i) for i in range(8)]
    out = [told(ARTEFACT_S + 1 + i, 10.0 * i) for i in range(8)]
    after = [told(t, 80.0) for t in np.arange(109.0, 200.0)]
    return [*before, *into, told(ARTEFACT_S, NAN, reason, code), *out, *after]


def columns(events: list[Sample]) -> np.ndarray:
    timeline = Timeline(("ABP_MEAN",))
    timeline.take(events)
    return timeline.recent("ABP_MEAN")


@pytest.mark.req("P5")
@pytest.mark.parametrize(
    "reason", [Reason.FLUSH, Reason.ZEROING, Reason.DISCONNECTED, Reason.RANGE, Reason.FLAT]
)
def test_nothing_of_the_slide_into_an_artefact_and_out_of_it_is_left(reason):
    found = columns(slide(reason))

    assert set(found[~np.isnan(found)]) == {80.0}


@pytest.mark.req("P5")
@pytest.mark.parametrize("reason", [Reason.FLUSH, Reason.ZEROING, Reason.DISCONNECTED])
def test_an_artefact_that_only_the_wave_shows_takes_out_the_monitors_numbers_beside_it(reason):
    found = columns(slide(reason, code=DERIVED))

    assert set(found[~np.isnan(found)]) == {80.0}


def test_columns_further_away_keep_their_values():
    found = columns(slide(Reason.ZEROING))

    ends_s = np.arange(found.size) * STEP_S
    far = (ends_s <= ARTEFACT_S - AVERAGED_S) | (ends_s - STEP_S >= ARTEFACT_S + AVERAGED_S)
    assert np.all(found[far] == 80.0)
    assert np.isnan(found[round(ARTEFACT_S / STEP_S)])


def test_a_low_that_is_no_artefact_is_kept():
    low = [told(float(t), 30.0) for t in range(60)]

    assert np.all(columns(low) == 30.0)


@pytest.mark.parametrize("reason", [Reason.MISSING, Reason.SPIKE, Reason.DISAGREE])
def test_what_is_merely_missing_or_doubtful_takes_nothing_else_out(reason):
    found = columns([told(float(t), 80.0) if t != 50 else told(50.0, NAN, reason) for t in range(100)])

    assert np.all(found == 80.0)


def test_numbers_of_whole_beats_of_the_wave_stay():
    derived = [told(float(t), 80.0, code=DERIVED) for t in range(100)]
    derived[50] = told(50.0, NAN, Reason.FLUSH, DERIVED)

    assert np.all(columns(derived) == 80.0)


def test_other_channels_are_not_touched():
    timeline = Timeline(("ABP_MEAN", "HR"))
    for t_s in np.arange(0.0, 60.0):
        timeline.take([Sample("HR", "HR", t_s, 70.0, "1/min"), told(t_s, 80.0)])
    timeline.take([told(60.0, NAN, Reason.ZEROING)])

    assert np.all(timeline.recent("HR") == 70.0)


def test_a_value_that_was_taken_out_is_not_current_and_does_not_hold():
    timeline = Timeline(("ABP_MEAN",))
    timeline.take([told(10.0 * i, 80.0) for i in range(120)])
    timeline.take([told(1195.0, NAN, Reason.ZEROING), told(1232.0, NAN, Reason.ZEROING)])

    found = timeline.recent("ABP_MEAN")

    assert np.isnan(found[-4:]).all()
    assert "no current MAP" in str(timeline.window(1232.0))


@pytest.mark.req("P5")
def test_told_every_ten_seconds_an_artefact_may_have_lasted_until_just_before_the_next_report():
    shares = {110.0: 20.0, 120.0: 62.0}
    values = {10.0 * n: shares.get(10.0 * n, 80.0) for n in range(20) if n != ARTEFACT_S / 10}
    events = [told(t_s, value) for t_s, value in values.items()]
    events.insert(10, told(ARTEFACT_S, NAN, Reason.RANGE))

    found = columns(events)

    assert set(found[~np.isnan(found)]) == {80.0}
    assert np.isnan(found).sum() == 4
