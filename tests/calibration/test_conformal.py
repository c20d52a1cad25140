"""The conformal band: it covers new patients, and few patients make it wide or refuse it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from barocast.calibration.conformal import ConformalBand, fit_band
from barocast.calibration.forecast_error import coverage

STEPS = 3


def _rows(patients, seed, rows=30):
    """Patients whose pressure is off by a level of their own, under a band that is far too narrow."""
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(patients), rows)
    middle = np.full((who.size, STEPS), 75.0)
    observed = middle + random.normal(0, 6, patients)[who][:, None] + random.normal(0, 4, middle.shape)
    return observed, middle - 2, middle, middle + 2, who


def test_new_patients_are_covered_as_promised():
    """Mean over many calibration sets of 15 patients: the promise is about that mean."""
    held = []
    for seed in range(40):
        observed, low, _, high, who = _rows(15, seed)
        band = fit_band(observed, low, high, who)
        new, low, middle, high, _ = _rows(40, 1000 + seed)
        held.append(coverage(new, *band(low, middle, high)))

    assert 0.8 <= np.mean(held) < 0.87


def test_a_band_that_was_too_wide_is_narrowed_but_never_past_the_median():
    observed, low, middle, high, who = _rows(200, 1, rows=10)

    band = fit_band(observed, low - 40, high + 40, who)
    tight = ConformalBand((-50.0,) * STEPS)(low, middle, high)

    assert max(band.widenings_mmhg) < -25
    assert (tight[0] == middle).all()
    assert (tight[1] == middle).all()


def test_a_patient_with_a_thousand_rows_counts_once():
    observed, low, _, high, who = _rows(20, 2)
    often = np.repeat(np.arange(observed.shape[0]), np.where(who == 7, 50, 1))

    expected = fit_band(observed, low, high, who)

    assert fit_band(observed[often], low[often], high[often], who[often]) == expected


def test_missing_observations_are_left_out():
    observed, low, _, high, who = _rows(20, 3)
    gone = np.random.default_rng(0).random(observed.shape) < 0.3
    rest = np.where(gone, np.nan, observed)

    band = fit_band(rest, low, high, who)

    kept = ~gone[:, 0]
    (first,) = fit_band(observed[kept, :1], low[kept, :1], high[kept, :1], who[kept]).widenings_mmhg
    assert band.widenings_mmhg[0] == first


def test_too_few_patients_are_refused():
    observed, low, _, high, who = _rows(3, 4)

    with pytest.raises(ValueError, match="3 patients"):
        fit_band(observed, low, high, who)
    assert len(fit_band(*_rows(4, 4)[:2], *_rows(4, 4)[3:]).widenings_mmhg) == STEPS


def test_what_a_manifest_holds_reads_back():
    band = ConformalBand((0.5, -1.25))

    assert ConformalBand.from_dict(json.loads(json.dumps(band.to_dict()))) == band


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "magic", "widenings_mmhg": [1.0]},
        {"kind": "conformal", "widenings_mmhg": []},
        {"kind": "conformal", "widenings_mmhg": [0.0] * 257},
        {"kind": "conformal", "widenings_mmhg": [float("nan")]},
        {"kind": "conformal", "widenings_mmhg": [101.0]},
    ],
)
def test_what_no_manifest_may_hold_is_refused(given):
    with pytest.raises(ValueError, match="band"):
        ConformalBand.from_dict(given)
