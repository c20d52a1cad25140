"""The numbers that may be chosen, and those that are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alarm_bed import RULES

from barocast.runtime.alarm.rules import Priority, forecast_priority
from barocast.runtime.errors import SettingsError


def test_the_settings_words_for_priority():
    assert [forecast_priority(word) for word in ("advisory", "medium")] == [Priority.LOW, Priority.MEDIUM]


@pytest.mark.req("ALM-01")
@pytest.mark.parametrize(("word", "said"), [("high", "never a high-priority"), ("loud", "'loud' is not one")])
def test_a_priority_that_a_forecast_cannot_have_is_refused(word: str, said: str):
    with pytest.raises(SettingsError, match=said):
        forecast_priority(word)


@pytest.mark.req("ALM-01", "ALM-05")
@pytest.mark.parametrize(
    "changes",
    [
        {"forecast_priority": Priority.HIGH},
        {"horizon_min": 7},
        {"budget_per_h": 0},
        {"unavailable_low_s": 400.0},
        {"audio_pause_max_s": 121.0},
        {"alarm_pause_max_s": 601.0},
        {"reminder_s": 5.0},
        {"reminder_s": 301.0},
        {"reassert_s": 6.0},
        {"escalate_at": 0.42},
    ],
)
def test_rules_that_cannot_be_meant_are_refused(changes: dict[str, float]):
    with pytest.raises(SettingsError, match="alarm rules: "):
        replace(RULES, **changes)
