"""What is seen in thirty seconds of waves: known pulses are measured right, broken waves give NaN."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from toy_waves import breaths, pulses

from barocast.export.waves.morphology import ABP, CO2, NAMES, PLETH, TREND, morphology

NOTHING = {"abp": np.full(1500, np.nan), "pleth": np.full(750, np.nan), "co2": np.full(300, np.nan)}


def seen(**waves):
    return dict(zip(NAMES, morphology(**(NOTHING | waves)).tolist(), strict=True))


def known(found, names):
    return [name for name in names if np.isfinite(found[name])]


def test_a_known_pulse_is_measured_right():
    wave = pulses(rate=75, low=70, high=120)

    found = seen(abp=wave)

    assert found["MAP"] == pytest.approx(wave[: 36 * 40].mean(), abs=0.5)
    assert found["SBP"] == pytest.approx(120, abs=1)
    assert found["DBP"] == pytest.approx(70, abs=3)  # the next foot comes before the decay has ended
    assert found["PP"] == pytest.approx(found["SBP"] - found["DBP"], abs=1)
    assert found["interval_s"] == pytest.approx(0.8, abs=0.02)
    assert found["rise_s"] == pytest.approx(0.12, abs=0.03)


def test_of_an_arterial_wave_alone_everything_arterial_is_known_and_nothing_else():
    found = seen(abp=pulses())

    assert known(found, ABP) == list(ABP)
    assert known(found, (*PLETH, *CO2)) == []


def test_a_pulse_that_breathes_varies_more():
    assert seen(abp=pulses(swing=0.3))["ppv"] > seen(abp=pulses())["ppv"] + 0.1


def test_a_falling_pressure_has_a_falling_slope_and_drift():
    found = seen(abp=pulses(fall=15))

    assert found["map_slope"] == pytest.approx(-15 / 30, abs=0.05)
    assert found["MAP_drift"] < -5


def test_breaths_are_counted_and_their_end_is_measured():
    found = seen(co2=breaths(rate=12, top=40))

    assert found["respiratory_rate"] == pytest.approx(12, abs=0.5)
    assert found["etco2"] == 40
    assert found["co2_expired_share"] == pytest.approx(0.5, abs=0.02)


def test_the_pleth_is_measured_beat_by_beat():
    found = seen(abp=pulses(rate=75), pleth=pulses(rate=75, low=20, high=60, hz=25))

    assert known(found, PLETH) == list(PLETH)
    assert found["pleth_amplitude"] == pytest.approx(40, abs=4)


def test_what_one_wave_tells_does_not_hang_on_another():
    alone, together = seen(abp=pulses()), seen(abp=pulses(), co2=breaths())

    assert [alone[name] for name in ABP] == [together[name] for name in ABP]


def test_the_trend_is_part_of_what_the_arterial_wave_tells():
    assert set(TREND) <= set(ABP)


@pytest.mark.parametrize(
    "abp",
    [
        np.full(1500, 80.0),
        np.zeros(1500),
        np.full(1500, np.nan),
        np.full(1500, np.inf),
        np.full(1500, 300.0),
        np.random.default_rng(0).normal(0, 1, 1500),
    ],
    ids=["flat", "zero", "missing", "infinite", "flush", "noise"],
)
def test_a_wave_without_a_pulse_is_nan_and_no_exception(abp):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = seen(abp=abp, pleth=np.zeros(750), co2=np.zeros(300))

    assert known(found, NAMES) == []


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_wave_with_holes_is_measured_where_it_is_known_or_not_at_all(share):
    random = np.random.default_rng(1)
    wave = pulses()
    holes = np.repeat(random.random(30) < share, 50)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = seen(abp=np.where(holes, np.nan, wave), pleth=np.where(holes[::2], np.nan, 30.0))

    assert np.isnan(found["MAP"]) or found["MAP"] == pytest.approx(wave.mean(), abs=3)


def test_a_clipped_wave_is_measured_as_it_stands():
    found = seen(abp=np.minimum(pulses(high=160), 130.0))

    assert found["SBP"] == 130
    assert {*ABP} - {*known(found, ABP)} <= {"sbp_memory", "baroreflex"}  # a systole that never moves
