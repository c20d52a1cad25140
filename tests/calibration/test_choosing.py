"""The choice of a calibrator is the simplest kind that serves, and patterns with patients have their own."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration.choosing import choose, fit_by_pattern
from barocast.calibration.fitting import FITS, CalibrationRows, fit
from barocast.calibration.log_odds import sigmoid
from barocast.calibration.parametric import TemperatureBias


def _rows(n=6000, seed=0, patients=60, distort=lambda z: z, level=0.0):
    """CalibrationRows whose risk is sigmoid(distort(logit)); patients differ by `level` in log-odds."""
    random = np.random.default_rng(seed)
    who = random.integers(0, patients, n)
    logits = random.normal(-2, 1.5, (n, 1)) + np.array([0.0, 0.5, 0.8])
    own = level * random.normal(size=patients)[who][:, None]
    labels = (random.random(logits.shape) < sigmoid(distort(logits) + own)).astype(float)
    return CalibrationRows(logits, labels, who)


def test_the_simplest_kind_is_chosen_where_it_serves_as_well():
    choice = choose(_rows(6000, distort=lambda z: 0.6 * z - 0.4, level=0.5))

    assert choice.kind == "temperature-bias"
    assert isinstance(choice.calibrator, TemperatureBias)
    assert set(choice.losses) == set(FITS)
    assert not choice.refused


def test_a_bend_that_no_line_follows_is_given_to_a_kind_that_does():
    bent = _rows(12_000, distort=lambda z: np.where(z > -2, -1.0, -4.0))

    choice = choose(bent)

    assert choice.kind in {"isotonic", "venn-abers"}
    above, error = choice.behind["temperature-bias"]
    assert above > error


def test_a_kind_that_would_turn_risks_around_is_refused_and_said_so():
    rows = _rows(4000, distort=lambda z: -z - 3)

    assert {"temperature-bias", "platt"} <= set(choose(rows).refused)


def test_a_pattern_of_enough_patients_has_its_own_fit():
    full, bare = _rows(4000, 1, 40), _rows(4000, 2, 40, distort=lambda z: 0.5 * z)
    rows = CalibrationRows(
        np.concatenate([full.logits, bare.logits]),
        np.concatenate([full.labels, bare.labels]),
        np.concatenate([full.patients, 100 + bare.patients]),
    )
    patterns = np.repeat(["series+text", "series"], 4000)

    own = fit_by_pattern("temperature-bias", rows, patterns)
    few = fit_by_pattern("temperature-bias", rows, np.where(rows.patients < 5, "series", "series+text"))

    assert own.of("series").scale == pytest.approx(0.5, abs=0.06)
    assert own.of("series+text").scale == pytest.approx(1, abs=0.1)
    assert own.default == fit("temperature-bias", rows)
    assert few.of("series") == few.default


def test_patients_with_rows_of_both_patterns_count_in_both():
    full, bare = _rows(4000, 1, 40), _rows(4000, 2, 40, distort=lambda z: 0.5 * z)
    rows = CalibrationRows(*(np.concatenate(of) for of in zip(_parts(full), _parts(bare), strict=True)))

    own = fit_by_pattern("temperature-bias", rows, np.repeat(["series+text", "series"], 4000))
    alone = fit_by_pattern("temperature-bias", rows, np.repeat("series", 8000))

    assert own.of("series").scale == pytest.approx(0.5, abs=0.06)
    assert own.of("series+text").scale == pytest.approx(1, abs=0.1)
    assert alone.patterns == {}


def test_too_few_patients_or_events_are_refused():
    rows = _rows(400)
    rows.labels[9:, 1] = 0

    with pytest.raises(ValueError, match="4 calibration patients"):
        choose(_rows(400, patients=4))
    with pytest.raises(ValueError, match="no kind"):
        choose(rows)


def test_patients_count_alike_where_asked():
    """One patient of thousands of rows, bent otherwise than all the rest, chooses only where rows count."""
    many, one = _rows(3000, 1, 60), _rows(9000, 2, 1, distort=lambda z: np.where(z > -2, -1.0, -4.0))
    rows = CalibrationRows(*(np.concatenate(of) for of in zip(_parts(many), _parts(one, 1000), strict=True)))

    by_row, by_patient = (choose(rows, ["temperature-bias"], by_patient=by) for by in (False, True))

    assert by_patient.calibrator.scale == pytest.approx(1, abs=0.1)
    assert abs(by_row.calibrator.scale - 1) > 0.05
    assert by_row.losses["temperature-bias"] != by_patient.losses["temperature-bias"]


def _parts(rows, first=0):
    return rows.logits, rows.labels, rows.patients + first
