"""A gate lets nothing through unseen."""

from __future__ import annotations

import math

import pytest

from barocast.calibration.gate import Floor, hold

REPORT = {
    "risk": {"10": {"auroc": {"value": 0.83, "low": 0.79}, "slope": {"value": math.nan}}},
    "alarm": {"shipped": {"alarms_per_hour": 0.8}},
    "about": {"bundle": "b"},
    "subgroups": {
        "BMI": {"18.5 to 25": {"auroc": {"low": 0.7}}, "under 18.5": {"events": 3, "suppressed": "few"}}
    },
    "quantized": None,
    "damage": {},
}


@pytest.mark.parametrize(
    ("floor", "passed", "said"),
    [
        (Floor("risk.10.auroc.low", at_least=0.78), True, "0.79 is at least 0.78"),
        (Floor("risk.10.auroc.low", at_least=0.80), False, "0.79 is not at least 0.8"),
        (Floor("alarm.shipped.alarms_per_hour", at_most=0.8), True, "0.8 is at most 0.8"),
        (Floor("alarm.shipped.alarms_per_hour", at_least=1, at_most=2), False, "at least 1 and at most 2"),
        (Floor("risk.10.slope.value", at_least=0), False, "could not be computed"),
        (Floor("quantized.horizons.10.max_risk_change", at_most=0.02), False, "could not be computed"),
        (Floor("quantized", at_most=1), False, "could not be computed"),
        (Floor("damage.no text.10.auroc.low", at_least=0.7), False, "could not be computed"),
        (Floor("subgroups.BMI.18.5 to 25.auroc.low", at_least=0.7), True, "0.7 is at least 0.7"),
        (Floor("subgroups.BMI.under 18.5.auroc.low", at_least=0.7), False, "could not be computed"),
        (Floor("subgroups.BMI.under 18.5.events", at_least=1), True, "3 is at least 1"),
    ],
)
def test_a_floor_holds_or_breaks_with_its_reason(floor, passed, said):
    (finding,) = hold(REPORT, [floor])

    assert finding.passed is passed
    assert said in finding.reason


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("risk.10.aurok.low", "nearest is risk.10.auroc.low"),
        ("risk.10.auroc", "is no number"),
        ("about.bundle", "is no number"),
        ("damaged.no text", "a report has no such figure"),
        ("subgroups.BMI.18.5 to 26.auroc.low", "nearest is subgroups.BMI.18.5 to 25.auroc.low"),
    ],
)
def test_a_path_that_no_report_has_is_refused(path, said):
    with pytest.raises(ValueError, match=said):
        hold(REPORT, [Floor(path, at_least=0)])


@pytest.mark.parametrize("limits", [{}, {"at_least": 2, "at_most": 1}])
def test_a_floor_that_accepts_everything_or_nothing_is_refused(limits):
    with pytest.raises(ValueError, match="x: "):
        Floor("x", **limits)
