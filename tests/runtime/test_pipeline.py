"""The pipeline: one decision per period of the device's clock, the same however the events were cut."""

from __future__ import annotations

import math

import pytest
from builders import elderly_patient, sample, series
from toy_bundle import toy_bundle

from barocast.runtime.domain import Abstain, Fault, Risk
from barocast.runtime.engines import OrtEngine
from barocast.runtime.pipeline import Pipeline


@pytest.fixture
def bundle(tmp_path):
    return toy_bundle(tmp_path / "b").read()


def steady(map_mmhg: float, samples: int, **more) -> list:
    """A living pressure: two samples in a row are never the same to the decimal."""
    return series([map_mmhg + 0.1 * (i % 2) for i in range(samples)], **more)


def pipeline(bundle, **more) -> Pipeline:
    return Pipeline(bundle, OrtEngine(bundle), **more)


def test_it_decides_every_thirty_seconds_and_forecasts_after_fifteen_minutes(bundle):
    bed = pipeline(bundle)
    decisions = bed.feed(steady(80.0, 121)) + bed.finish()

    assert [d.t_s for d in decisions] == [30.0 * k for k in range(41)]
    assert [type(d) for d in decisions] == [Abstain] * 30 + [Risk] * 11


def test_the_risk_is_the_calibrated_logit(bundle):
    bed = pipeline(bundle)
    risk = (bed.feed(steady(74.95, 100)) + bed.finish())[-1]

    assert isinstance(risk, Risk)
    assert risk.p == pytest.approx([1 / (1 + math.exp(-x)) for x in (0.0, 0.5, 1.0)], abs=1e-6)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_any_chunking_gives_the_same_decisions(bundle, chunk):
    events = series([80 - i / 20 for i in range(200)])
    whole, cut = pipeline(bundle), pipeline(bundle)
    expected = whole.feed(events) + whole.finish()
    given = [d for i in range(0, 200, chunk) for d in cut.feed(events[i : i + chunk])] + cut.finish()

    assert repr(expected) == repr(given)


def test_other_periods_are_kept(bundle):
    decisions = pipeline(bundle, every_s=60.0).feed(steady(80.0, 121))

    assert [d.t_s for d in decisions] == [60.0 * k for k in range(20)]


@pytest.mark.req("ACQ-04")
def test_a_gap_is_abstained_on_and_then_the_history_is_too_thin(bundle):
    bed = pipeline(bundle)
    decisions = bed.feed(steady(80.0, 121)) + bed.feed(steady(80.0, 70, start_s=1800.0))
    by_time = {d.t_s: d for d in decisions}

    assert by_time[1500.0] == Abstain(1500.0, "no current MAP: none in the last 30 s")
    assert by_time[1830.0] == Abstain(1830.0, "too little MAP: 34% of the last 15 min, need 70%")
    assert isinstance(by_time[2460.0], Risk)


def test_a_calibrator_out_of_order_is_a_fault(bundle, monkeypatch):
    bed = pipeline(bundle)
    monkeypatch.setattr(type(bundle.calibrators.default), "__call__", lambda _, logits: logits[::-1])

    assert isinstance((bed.feed(steady(74.95, 100)) + bed.finish())[-1], Fault)


def test_admitting_a_patient_changes_the_text_that_the_model_reads(bundle):
    bed = pipeline(bundle)
    before = bed.text.copy()
    bed.admit(elderly_patient())

    assert before.sum() == 0
    assert (bed.text == 2).sum() == 1  # "asa"


def test_samples_without_a_time_or_channel_pass_by(bundle):
    bed = pipeline(bundle)

    assert bed.feed([sample(0.0, 80.0, channel=None)]) == []
    assert bed.silent(7.0, 12.0) == Abstain(7.0, "no data: nothing for 12 s")


def test_after_a_restart_the_devices_new_clock_dates_at_once(bundle):
    bed = Pipeline(bundle, OrtEngine(bundle))
    for i in range(10):
        bed.steady([sample(7200.0 + i, 80.0)], 100.0 + i)
    for i in range(2):
        bed.steady([sample(1.0 + i, 80.0)], 112.0 + i)

    assert bed.steady([sample(None, 97.0, channel="SPO2")], 114.0)[0].t_s == 3.0
