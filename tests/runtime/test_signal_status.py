"""The signal's status: every artefact is said at once, in words, and is over when the pressure is back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import sample

from barocast.runtime.domain import DERIVED, Reason
from barocast.runtime.quality import NumericsGate
from barocast.runtime.signal_status import CLEAR_S, WORDS, SignalStatus, words_of


def bad(t_s: float, reason: Reason, code: str = "column"):
    return replace(sample(t_s, 250.0, code=code), valid=False, reason=reason)


def after(*judged) -> SignalStatus:
    status = SignalStatus()
    status.hear(judged)
    return status


@pytest.mark.req("ACQ-01")
@pytest.mark.parametrize("reason", WORDS)
@pytest.mark.parametrize("code", ["column", DERIVED])
def test_one_sample_that_cannot_be_used_is_enough(reason, code):
    assert after(sample(1.0, 80.0), bad(2.0, reason, code)).reason is reason


@pytest.mark.parametrize("reason", [Reason.MISSING, Reason.UNAVAILABLE, Reason.CODE, Reason.SPIKE])
def test_what_is_not_there_or_not_yet_confirmed_is_no_bad_signal(reason):
    assert after(bad(2.0, reason)).reason is None


def test_the_stretch_ends_when_the_pressure_has_been_back_for_a_while():
    status = after(bad(2.0, Reason.FLUSH), sample(3.0, 80.0), sample(2.0 + CLEAR_S - 0.1, 80.0))
    assert status.reason is Reason.FLUSH

    status.hear([sample(2.0 + CLEAR_S, 80.0)])
    assert status.reason is None


def test_spurts_of_a_flush_are_one_stretch():
    status, seen = SignalStatus(), []
    for second in range(12):
        status.hear([bad(second, Reason.FLUSH) if second % 3 == 0 else sample(second, 80.0)])
        seen.append(status.reason)

    assert set(seen) == {Reason.FLUSH}


@pytest.mark.req("ACQ-01")
def test_a_wave_that_stops_counts_while_the_monitors_number_goes_on():
    status = after(sample(1.0, 80.0), bad(1.0, Reason.FLAT, DERIVED), sample(9.0, 80.0))

    assert status.reason is Reason.FLAT


def test_the_latest_of_two_reasons_is_said():
    assert after(bad(1.0, Reason.FLUSH), bad(2.0, Reason.ZEROING, DERIVED)).reason is Reason.ZEROING


def test_a_signal_that_is_gone_is_no_longer_bad():
    status = after(bad(1.0, Reason.DISCONNECTED))
    status.hear([], 92.0)

    assert status.reason is None


def test_other_channels_say_nothing_of_the_pressure():
    assert after(replace(bad(1.0, Reason.DISCONNECTED), channel="SPO2")).reason is None


def test_what_was_said_before_a_clock_was_set_back_is_forgotten():
    assert after(bad(5000.0, Reason.FLUSH), sample(1400.0, 80.0)).reason is None


@pytest.mark.parametrize(
    ("triple", "reason"),
    [((1.0, 0.0, 0.0), "zeroing"), ((290.0, 280.0, 285.0), "flush"), ((90.0, 86.0, 88.0), "flat")],
)
def test_what_the_gate_judges_is_said(triple, reason):
    gate, status = NumericsGate(), SignalStatus()
    channels = ("ABP_SYS", "ABP_DIA", "ABP_MEAN")
    status.hear(gate.feed([sample(1.0, v, c) for v, c in zip(triple, channels, strict=True)]))

    assert status.reason == reason


def test_the_words_say_what_is_wrong_and_what_follows():
    assert words_of(Reason.FLUSH) == (
        "the arterial line is being flushed; forecasts wait until the pressure is back"
    )
    assert all(words_of(reason).isascii() and str(reason) for reason in WORDS)
