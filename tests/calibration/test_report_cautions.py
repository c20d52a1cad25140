"""What the tool sees against a validation: leaks, thresholds picked on the patients, too few of anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judged_cases import perfect
from toy_report import RULES, SAID, report_of, theatre

from barocast.calibration.alarm_burden import sweep
from barocast.calibration.report.cautions import cautions


def said(report):
    return " ".join(cautions(report))


def three(values):
    return np.repeat(np.asarray(values, dtype=np.float64)[:, None], 3, axis=1)


@pytest.fixture(scope="module")
def honest():
    """A perfectly calibrated forecast, and a comparator that knows a little less."""
    rows = perfect(rows=6000, patients=60)
    noise = np.random.default_rng(1).normal(0, 0.05, len(rows))
    return replace(rows, others={"-MAP": rows.p + noise[:, None]})


def test_an_honest_forecast_is_not_suspected(honest):
    found = said(report_of(honest))

    assert "leak" not in found
    assert "threshold" not in found
    assert "does not say" not in found


def test_a_perfectly_calibrated_forecast_has_slope_one_and_misses_nothing():
    rows = perfect(rows=20_000, patients=60, seed=4)
    report = report_of(rows)

    assert report["risk"]["10"]["slope"]["value"] == pytest.approx(1, abs=0.08)
    assert "calibration slope" not in said(report)
    assert "Risks came out" not in said(report)


def test_a_score_that_knows_the_future_looks_like_a_leak(honest):
    future = np.clip(0.9 * honest.labels + 0.1 * honest.p, 0, 1)
    found = said(report_of(replace(honest, p=future)))

    assert "looks like leakage: at 10 min Barocast has AUROC 1.000 while no comparator passes" in found


def test_somebody_elses_column_is_suspected_alike(honest):
    found = said(report_of(honest, theirs={"index": honest.labels}))

    assert "at 5 min index has AUROC 1.000" in found
    assert "Barocast has AUROC" not in found


def test_without_a_comparator_only_the_impossible_is_suspected(honest):
    alone = replace(honest, others={})
    leaked = replace(alone, p=np.where(honest.labels == 1, 0.9, 0.1))

    assert "leak" not in said(report_of(alone))
    assert "there is none to compare with" in said(report_of(leaked))


def best_on(rows):
    """Pick the threshold with the highest event sensitivity on these very patients, as one must not."""
    points = sweep(rows.tracks(rows.p, 1), RULES, 600.0)
    return max(points, key=lambda point: (point[1].detected, -point[1].alarms))[0]


def test_a_threshold_picked_on_the_patients_is_noticed():
    rows = theatre()
    weights_only = {"source": "VitalDB", "uses": ["weights"]}
    found = said(report_of(rows, rules=best_on(rows), learned=weights_only))

    assert "whose patients its calibrator and operating point came from" in found
    assert "none with as few alarms per hour finds more events than the shipped" in found


def test_a_record_that_names_other_patients_clears_the_threshold():
    rows = theatre()

    assert "very patients" not in said(report_of(rows, rules=best_on(rows), learned=SAID))


def test_a_bundle_without_a_record_is_told(honest):
    assert "does not say whose patients taught it" in said(report_of(honest, learned=None))


def test_another_hospitals_name_is_all_that_vouches_for_its_patients(honest):
    found = said(report_of(honest, sources=["St Elsewhere"]))

    assert "learned from VitalDB, these cases say they are of St Elsewhere" in found


def test_no_event_is_told_and_nothing_is_concluded_from_it():
    report = report_of(theatre(level_mmhg=100))

    assert "Not one event" in said(report)
    assert "Risks came out" not in said(report)
    assert set(report["risk"]["10"]["verdicts"].values()) == {"too few patients to tell"}


def test_risks_twice_too_high_are_told_with_their_direction(honest):
    doubled = report_of(replace(honest, p=np.minimum(2 * honest.p, 1)))

    assert "Risks came out too high" in said(doubled)
    assert "observed / expected at 5, 10 and 15 min" in said(doubled).partition("The aim is missed")[2]


def test_a_bundle_that_says_nothing_is_told():
    rows = theatre()
    silent = replace(rows, p=np.full_like(rows.p, np.nan), quantiles=np.full_like(rows.quantiles, np.nan))

    assert "Not one landmark got a forecast" in said(report_of(silent))


def test_silence_is_told():
    rows = theatre()
    rows.p[::2] = np.nan  # of an odd number of rows

    assert "Only 49.9\N{NO-BREAK SPACE}% of the landmarks got a forecast" in said(report_of(rows))


def test_events_are_counted_that_could_be_foreseen():
    rows = theatre()
    report = report_of(rows)
    shipped, onsets = report["alarm"]["shipped"], report["about"]["judged"]["onsets"]

    assert shipped["events"] < onsets
    assert f"Only {shipped['events']} events that could be foreseen ({onsets} onsets in all)" in said(report)


@pytest.mark.parametrize(("patients", "told"), [(49, True), (50, False)])
def test_comparators_that_learned_from_few_patients_are_told(honest, patients, told):
    report = report_of(replace(honest, others={"LightGBM, all": honest.p}))
    report["about"]["patients_of_comparators"] = patients

    assert (f"The comparators learned from {patients} patients" in said(report)) is told


def test_comparators_that_learn_nothing_do_not_show_what_the_forecast_adds(honest):
    assert "No comparator that learns could be fitted" in said(report_of(honest))
