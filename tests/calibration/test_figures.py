"""The sections of a validation on rows whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judged_cases import STEP_S, judged, perfect
from sklearn.metrics import average_precision_score, roc_auc_score

from barocast.calibration.bootstrap import Estimate
from barocast.calibration.figures import (
    alarms,
    all_windows,
    comparison,
    damage,
    forecast,
    paradox,
    risk,
    subgroups,
    worst,
)
from barocast.calibration.figures.verdict import AIMS, Aim, Verdict, verdict
from barocast.calibration.trigger import TriggerRules

HORIZONS = (5, 10, 15)
RULES = TriggerRules(p_on=0.5, p_off=0.4)
DRAWS = 60


def test_a_perfectly_calibrated_forecast_meets_every_aim():
    found = risk.figures(perfect(rows=60_000), HORIZONS, DRAWS)["10"]

    assert found["slope"]["value"] == pytest.approx(1, abs=0.05)
    assert found["observed_expected"]["value"] == pytest.approx(1, abs=0.03)
    assert found["ici"]["value"] < 0.01
    assert found["verdicts"] == {"slope": "met", "observed_expected": "met", "ici": "met"}


def test_risks_that_are_twice_too_high_miss_their_aim():
    rows = perfect(rows=40_000)
    found = risk.figures(replace(rows, p=np.minimum(2 * rows.p, 1)), HORIZONS, DRAWS)["5"]

    assert found["observed_expected"]["value"] == pytest.approx(0.5, abs=0.03)
    assert found["verdicts"]["observed_expected"] == "missed"


def test_few_patients_are_too_few_to_tell():
    found = risk.figures(perfect(rows=300, patients=5), HORIZONS, DRAWS)["5"]

    assert found["verdicts"]["slope"] == "too few patients to tell"


def test_one_patient_meets_no_aim():
    """All draws of one patient are alike: an interval without width must not look like certainty."""
    rows = perfect(rows=20_000, patients=1)
    found = risk.figures(rows, HORIZONS, DRAWS)["10"]
    band = forecast.figures(rows, (0.5,), DRAWS)

    assert found["slope"]["value"] == pytest.approx(1, abs=0.1)
    assert np.isnan([found["slope"]["low"], found["slope"]["high"]]).all()
    assert set(found["verdicts"].values()) == set(band["verdicts"].values()) == {"too few patients to tell"}


def test_windows_without_forecast_or_label_are_left_out_of_all_windows():
    rows = perfect(rows=1000)
    rows.p[:100] = np.nan
    rows.labels[100:150] = np.nan
    windows = all_windows.Windows(rows.subjects, rows.labels, rows.p)
    found = all_windows.figures(windows, HORIZONS, DRAWS)["5"]
    y, p = rows.labels[150:, 0], rows.p[150:, 0]

    assert (found["rows"], found["prevalence"]["value"]) == (850, y.mean())
    assert found["auroc"]["value"] == pytest.approx(roc_auc_score(y, p))
    assert found["auroc"]["low"] < found["auroc"]["value"] < found["auroc"]["high"]


def test_discrimination_is_that_of_an_independent_library():
    rows = perfect(rows=3000)
    found = risk.figures(rows, HORIZONS, DRAWS)["15"]

    assert found["auroc"]["value"] == pytest.approx(roc_auc_score(rows.labels[:, 2], rows.p[:, 2]))
    assert found["auprc"]["value"] == pytest.approx(average_precision_score(rows.labels[:, 2], rows.p[:, 2]))


def test_rows_without_forecast_or_label_are_counted_and_left_out():
    rows = perfect(rows=1000)
    rows.p[:100] = np.nan
    rows.labels[100:150] = np.nan
    found = risk.figures(rows, HORIZONS, DRAWS)["5"]

    assert (found["rows"], found["unknown_labels"]) == (850, 50)
    assert sum(found["histogram"]["rows"]) == 850


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.9, 1.1, Verdict.MET),
        (0.9, 1.2, Verdict.UNCLEAR),
        (1.2, 1.4, Verdict.MISSED),
        (0.3, 0.8, Verdict.MISSED),
        (np.nan, np.nan, Verdict.UNCLEAR),
    ],
)
def test_the_interval_speaks_and_not_the_value(low, high, said):
    assert verdict(Estimate(1.0, low, high), Aim(0.85, 1.15)) is said


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.05, 0.021, 0.083, Verdict.UNCLEAR),  # its lower end leans: 2 x 0.05 - 0.083 is inside
        (0.05, 0.045, 0.06, Verdict.MISSED),
        (0.01, 0.008, 0.019, Verdict.MET),
    ],
)
def test_an_interval_that_leans_upwards_is_not_read_as_missed(value, low, high, said):
    assert verdict(Estimate(value, low, high), AIMS["ici"]) is said


def test_a_calibrated_forecast_on_few_patients_never_misses_its_ici():
    """Patients differ, rows of one go together: chance alone lifts the ICI above its aim."""
    random = np.random.default_rng(9)
    shifts = random.normal(0, 1.2, 400)
    z = random.normal(-2.8, 1.0, (20, 350))
    p = np.mean([1 / (1 + np.exp(-z - shift)) for shift in shifts], axis=0)
    own = random.normal(0, 1.2, (20, 1))
    labels = random.random(z.shape) < 1 / (1 + np.exp(-z - own))
    found = risk.figures(judged(p.ravel(), labels.ravel()), HORIZONS, DRAWS)["10"]

    assert found["ici"]["value"] > 0.005
    assert found["verdicts"]["ici"] != "missed"


def test_a_band_that_always_holds_is_no_80_percent_band():
    found = forecast.figures(perfect(rows=400), tuple(0.5 * (i + 1) for i in range(30)), DRAWS)

    assert found["coverage_80"]["value"] == 1
    assert found["verdicts"]["coverage_80"] == "missed"
    assert found["mae_mmhg"]["value"] == found["last_value_mae_mmhg"]["value"] == 0
    assert found["width_80_mmhg"]["value"] == 20
    assert len(found["by_minute"]) == 30


def test_a_score_that_knows_more_wins_paired():
    rows = perfect(rows=5000)
    random = np.random.default_rng(1)
    worse = rows.p + random.normal(0, 0.2, rows.p.shape)
    found = comparison.figures(replace(rows, others={"noisy": worse}), HORIZONS, DRAWS)["5"]

    assert found["scores"]["Barocast"]["ours_minus"]["value"] == 0
    assert found["scores"]["noisy"]["ours_minus"]["low"] > 0
    assert found["matched"]["noisy"]["difference"]["value"] > 0
    assert found["matched"]["noisy"]["mcnemar_p"] < 0.05


def test_nobody_is_judged_on_easier_rows():
    rows = perfect(rows=1000)
    partial = rows.p.copy()
    partial[:400] = np.nan
    found = comparison.figures(replace(rows, others={"sometimes": partial}), HORIZONS, DRAWS)["5"]

    assert found["rows"] == 600


def test_a_score_that_is_told_rarely_takes_no_row_from_the_others():
    rows = perfect(rows=3000)
    rare = np.where(np.arange(3000)[:, None] % 10 == 0, rows.p, np.nan)
    found = comparison.apart(
        rows, {"call": rare, "index": rows.p, "never": rare * np.nan}, HORIZONS, 1, 1.0, DRAWS
    )

    assert [found[name]["comparison"]["10"]["rows"] for name in ("call", "index", "never")] == [300, 3000, 0]
    assert found["call"]["comparison"]["10"]["scores"]["call"]["ours_minus"]["value"] == 0


def falling_cases():
    """Give rows of five cases with a fall after 33 min, foreseen 4 min ahead."""
    series = np.full(600, 80.0)
    series[200:230] = 55.0
    rows = judged(np.full(50, 0.1), np.zeros(50), patients=5, map_mmhg=series)
    at = np.tile(np.arange(140, 200, 6), 5)
    p = np.where(at >= 170, 0.9, 0.1)
    return replace(rows, at=at, p=np.repeat(p[:, None], 3, axis=1))


def test_alarms_are_counted_with_their_leads():
    found = alarms.figures(falling_cases(), RULES, 10, 1, DRAWS)

    assert found["all_onsets"] == found["shipped"]["events"] == found["shipped"]["detected"] == 5
    assert found["shipped"]["event_sensitivity"] == 1
    assert found["leads_min"] == pytest.approx([(200 - 176) * STEP_S / 60] * 5)
    assert found["shipped"]["time_in_alarm"] == pytest.approx(4 / 10)
    assert len(found["sweep"]) == 80
    assert found["shipped"]["event_sensitivity_interval"]["low"] == 1
    assert found["shipped"]["ppv_interval"] == {"value": 1, "low": 1, "high": 1}


def test_the_worst_case_comes_first_and_is_whole():
    rows = perfect(rows=200, patients=4)
    rows.p[rows.case == 2] = 1 - rows.labels[rows.case == 2]
    found = worst.figures(rows, RULES, 1)

    assert found[0]["case_id"] == "c2"
    assert len(found) == 4
    assert len(found[0]["map_mmhg"]) == rows.cases[2].map_mmhg.size


def test_a_group_with_few_events_is_suppressed():
    series = np.full(900, 80.0)
    series[100:110] = 50.0
    rows = perfect(
        rows=4000,
        map_mmhg=series,
        groups=lambda i: {"sex": "F" if i < 3 else "M", "ward": "only" if i else "x"},
    )
    found = subgroups.figures(rows, 1, DRAWS)

    assert found["sex"]["F"] == {
        "patients": 3,
        "events": 3,
        "rows": 600,
        "suppressed": "fewer than 10 events or 5 patients",
    }
    assert found["sex"]["M"]["auroc"]["value"] == pytest.approx(0.75, abs=0.1)


def test_onsets_that_nobody_could_foresee_are_no_events_of_a_group():
    series = np.full(900, 80.0)
    series[20:30] = 50.0  # before the first landmark
    rows = perfect(rows=4000, map_mmhg=series, groups=lambda _: {"sex": "F"})

    found = subgroups.figures(rows, 1, DRAWS)["sex"]["F"]

    assert (found["patients"], found["events"]) == (20, 0)
    assert "suppressed" in found


def test_damage_shows_what_it_costs_and_what_it_silences():
    rows = perfect(rows=4000)
    random = np.random.default_rng(2)
    blurred = np.clip(rows.p + random.normal(0, 0.2, rows.p.shape), 0, 1)
    silent = np.full(rows.p.shape, np.nan)
    half = np.where(np.arange(4000)[:, None] % 2 == 0, rows.p, np.nan)
    found = damage.figures(rows, {"blurred": blurred, "silent": silent, "half": half}, HORIZONS, DRAWS)

    assert found["blurred"]["horizons"]["5"]["change"]["high"] < 0
    assert found["silent"] == {"answered": 0.0, "horizons": {"5": None, "10": None, "15": None}}
    assert found["half"]["answered"] == 0.5
    assert found["half"]["horizons"]["10"]["change"]["value"] == 0


def test_a_false_alarm_before_a_sudden_rise_may_have_been_treated():
    series = np.full(900, 80.0)
    series[112:] = 95.0
    rows = judged(np.tile([0.1, 0.9, 0.9, 0.1, 0.1], 2), np.zeros(10), patients=2, map_mmhg=series)
    found = paradox.figures(rows, RULES, 1, 600.0)
    steady = paradox.figures(judged(rows.p[:, 0], np.zeros(10), patients=2), RULES, 1, 600.0)

    assert (found["alarms"], found["false_alarms"], found["false_then_risen"]) == (2, 2, 2)
    assert found["false_alarms_per_hour_without_them"] == 0
    assert steady["false_then_risen"] == 0


def test_true_alarms_that_a_rise_followed_are_left_out_as_well():
    series = np.full(900, 80.0)
    series[112:118] = 95.0
    series[118:130] = 55.0
    rows = judged(np.tile([0.1, 0.9, 0.9, 0.1, 0.1], 2), np.zeros(10), patients=2, map_mmhg=series)
    flat = replace(rows.cases[1], map_mmhg=np.full(900, 80.0))
    found = paradox.figures(replace(rows, cases=(rows.cases[0], flat)), RULES, 1, 600.0)

    assert (found["true_then_risen"], found["false_then_risen"]) == (1, 0)
    assert (found["ppv"], found["ppv_without_them"], found["ppv_without_any_risen"]) == (0.5, 0.5, 0)
