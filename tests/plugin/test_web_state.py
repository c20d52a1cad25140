"""View -> the page's JSON: what is missing is null, and a silent trial keeps its forecasts to itself."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from builders import elderly_patient

from barocast.calibration.trigger import TriggerRules
from barocast.plugin.cases.case import Case
from barocast.plugin.sinks.view import Feed, Numeric, View
from barocast.plugin.web.signal import signal_of
from barocast.plugin.web.state import HISTORY, Told, state_of
from barocast.runtime.alarm.events import AlarmSnapshot, Condition, Inactivation
from barocast.runtime.alarm.rules import AlarmRules, Priority
from barocast.runtime.domain import Abstain, FeedCounts, Forecast, Reason, Risk
from barocast.runtime.influence import Influence
from barocast.runtime.patient_file import parse_patient
from barocast.runtime.signal_status import words_of

NAN = float("nan")
LINE = np.array([70.0, 68.0])
RISK = Risk(
    1800.0, (0.03, 0.47, 0.51), Forecast(LINE, np.array([5.0, 10.0]), LINE - 5, LINE, LINE + 5, {"text": 0.2})
)
FORECAST = Condition(
    "forecast hypotension",
    Priority.MEDIUM,
    technical=False,
    text="hypotension forecast: 47%",
    since_s=90.0,
    occurrence=3,
)
LOST = Condition(
    "feed lost", Priority.LOW, technical=True, text="feed lost: quiet", inactivation=Inactivation.ACKNOWLEDGED
)
VIEW = View(
    title="OR 3",
    bundle_id="b-1",
    alarm=AlarmSnapshot(100.0, (FORECAST, LOST), audio_pause_left_s=42.0),
    numerics={
        "ABP_MEAN": Numeric(71.0, 1.2),
        "HR": Numeric(NAN, 3.0, "missing"),
        "SPO2": Numeric(98.0, 3.0, "invalid"),
    },
    trend_min=np.array([-1 / 6, 0.0]),
    trend_map=np.array([NAN, 71.04]),
    decision=RISK,
    feeds=(Feed("bed 3", "associated", FeedCounts(frames=7, corrupt=1), {"stray times": 2}),),
    troubles=("log: disk full",),
    case_s=1830.0,
    decision_age_s=4.0,
)
TOLD = Told(
    "or-3",
    512,
    "2026-11-22T21:00:05.123+00:00",
    AlarmRules(TriggerRules(0.31, 0.2)),
    influence=Influence(-6.5, -4.0, 0.11, 0.02, "leans"),
)


def row(condition: str, **more) -> dict:
    told = {"now_s": 1.0, "transition": "raised", "condition": condition, "source": "", "priority": "low"}
    return {**told, "occurrence": 1, "reason": "", "score": 0.47, "threshold": 0.31, "wall": "w", **more}


def test_the_object_has_the_fields_of_the_contract():
    state = state_of(VIEW, TOLD)

    assert " ".join(state) == (
        "bed title bundle simulated silent serial wall case_s alarm numerics signal decision rules trend "
        "feeds troubles case history"
    )
    assert (state["bed"], state["serial"], state["case_s"]) == ("or-3", 512, 1830.0)
    assert state["rules"] == {"map_mmhg": 65.0, "horizon_min": 10, "p_on": 0.31, "p_off": 0.2}
    assert state["feeds"] == [
        {"name": "bed 3", "status": "associated", "frames": 7, "corrupt": 1, "losses": {"stray times": 2}}
    ]
    assert state["troubles"] == ["log: disk full"]


def test_the_alarm_is_told_in_the_standards_words():
    alarm = state_of(VIEW, TOLD)["alarm"]

    assert (alarm["priority"], alarm["sounding"], alarm["audio_pause_left_s"]) == ("medium", "medium", 42.0)
    assert alarm["conditions"][0] == {
        "name": "forecast hypotension",
        "priority": "medium",
        "technical": False,
        "text": "hypotension forecast: 47%",
        "source": "",
        "active": True,
        "latching": False,
        "age_s": 10.0,
        "occurrence": 3,
        "inactivation": "enabled",
    }
    assert alarm["conditions"][1]["inactivation"] == "acknowledged"


def test_what_is_missing_or_must_not_be_used_is_null_with_its_reason():
    state = state_of(VIEW, TOLD)

    assert state["numerics"] == {
        "ABP_MEAN": {"value": 71.0, "unit": "mmHg", "age_s": 1.2, "reason": None},
        "HR": {"value": None, "unit": "1/min", "age_s": 3.0, "reason": "missing"},
        "SPO2": {"value": None, "unit": "%", "age_s": 3.0, "reason": "invalid"},
    }
    assert state["trend"] == {"step_s": 10.0, "minutes": [-0.167, 0.0], "map_mmhg": [None, 71.0]}
    assert "NaN" not in json.dumps(state)


def test_a_forecast_is_told_with_what_it_leans_on():
    assert state_of(VIEW, TOLD)["decision"] == {
        "state": "forecast",
        "reason": None,
        "risk": {"5": 0.03, "10": 0.47, "15": 0.51},
        "map": {"minutes": [5.0, 10.0], "q10": [65.0, 63.0], "q50": [70.0, 68.0], "q90": [75.0, 73.0]},
        "gates": {"text": 0.2},
        "age_s": 4.0,
        "influence": {
            "from_min": -6.5,
            "to_min": -4.0,
            "change": 0.11,
            "without_text": 0.02,
            "words": "leans",
        },
    }


def test_an_abstention_has_a_reason_and_neither_risk_nor_influence():
    decision = state_of(replace(VIEW, decision=Abstain(1800.0, "no current MAP")), TOLD)["decision"]

    assert decision == {
        "state": "abstain",
        "reason": "no current MAP",
        "gates": {},
        "age_s": 4.0,
        "influence": None,
    }


def test_a_forecast_that_is_not_finite_is_told_as_a_fault():
    broken = replace(RISK, p=(0.1, NAN, 0.3))

    assert state_of(replace(VIEW, decision=broken), TOLD)["decision"]["state"] == "fault"


def test_before_the_first_decision_there_is_none():
    assert state_of(replace(VIEW, decision=None), TOLD)["decision"] is None


def test_the_case_is_told_as_its_file_and_as_the_model_reads_it():
    case = state_of(VIEW, replace(TOLD, case=Case("a1b2", "2026-11-22T20:00:00+00:00", elderly_patient())))[
        "case"
    ]

    assert (case["id"], case["admitted"]) == ("a1b2", "2026-11-22T20:00:00+00:00")
    assert parse_patient(json.dumps(case["patient"]), "case") == elderly_patient()
    assert case["sections"][0] == {
        "name": "demographics",
        "text": "68 years, aged 60 to 69, man, bmi 19 normal weight",
    }
    assert [section["name"] for section in case["sections"]][-1] == "assessment"


def test_the_history_is_the_newest_rows_oldest_first():
    rows = [row("forecast hypotension", occurrence=n) for n in range(HISTORY + 5)]

    told = state_of(VIEW, replace(TOLD, history=rows))["history"]

    assert [entry["occurrence"] for entry in told] == list(range(5, HISTORY + 5))
    assert told[0] == {
        "wall": "w",
        "transition": "raised",
        "condition": "forecast hypotension",
        "priority": "low",
        "occurrence": 5,
        "reason": "",
        "score": 0.47,
        "threshold": 0.31,
    }


def test_in_a_silent_trial_no_forecast_and_no_sign_of_one_leaves():
    rows = [
        row("forecast hypotension"),
        row("frequent forecasts"),
        row("feed lost"),
        row("", transition="audio enabled", reason="broken by forecast hypotension"),
        row("a condition of a later version"),
    ]

    state = state_of(replace(VIEW, silent=True), replace(TOLD, history=rows))

    assert state["decision"] is None
    assert (state["alarm"]["priority"], state["alarm"]["sounding"]) == ("low", None)
    assert [entry["name"] for entry in state["alarm"]["conditions"]] == ["feed lost"]
    assert [(entry["condition"], entry["score"]) for entry in state["history"]] == [("feed lost", None)]
    assert "hypotension" not in json.dumps(state)
    assert "0.47" not in json.dumps(state)


def test_a_signal_that_is_good_needs_no_words():
    assert state_of(VIEW, TOLD)["signal"] == {"usable": True, "reason": None, "words": ""}


@pytest.mark.parametrize("reason", [Reason.FLUSH, Reason.ZEROING, Reason.FLAT, Reason.DISCONNECTED])
def test_a_signal_that_the_alarm_system_calls_bad_is_told_in_its_words(reason):
    signal = signal_of(replace(VIEW, signal=reason))

    assert (signal.usable, signal.reason) == (False, str(reason))
    assert signal.words.lower() == f"{words_of(reason)}.".lower()
    assert signal.words[0].isupper()


@pytest.mark.parametrize(
    ("numerics", "reason", "words"),
    [
        ({}, "missing", "The monitor gives no arterial pressure;"),
        (
            {"ABP_MEAN": Numeric(NAN, 1.0, "unavailable")},
            "missing",
            "The monitor gives no arterial pressure;",
        ),
        ({"ABP_MEAN": Numeric(71.0, 31.0)}, "stale", "The last arterial pressure is 31 s old;"),
    ],
)
def test_a_pressure_that_is_absent_or_old_cannot_be_used(numerics, reason, words):
    signal = signal_of(replace(VIEW, numerics=numerics))

    assert (signal.usable, signal.reason) == (False, reason)
    assert signal.words.startswith(words)


def test_a_jump_that_is_to_be_confirmed_is_no_news_of_the_signal():
    assert signal_of(replace(VIEW, numerics={"ABP_MEAN": Numeric(110.0, 1.0, "spike")})).usable
