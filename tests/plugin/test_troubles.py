"""Troubles to order: what is drawn, what a monitor in trouble does, and what its line carries."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.plugin.virtual.damage import cut, noisy
from barocast.plugin.virtual.dri import VirtualDri
from barocast.plugin.virtual.drift import DriftingClock
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.monitor import Link, link_of
from barocast.plugin.virtual.tell_tale import RAMP_S, TellTale, seconds_off
from barocast.plugin.virtual.troubled import TroubledMonitor
from barocast.plugin.virtual.troubles import PAUSE_S, Order, Trouble, drawn, parse_order
from barocast.runtime.decoders.dri_frame import frame
from barocast.runtime.decoders.dri_record import DISPLAYED, build
from barocast.runtime.decoders.dri_request import PhysiologyRequest, record_of
from barocast.runtime.decoders.intellivue_association import Act, Association, Terms
from barocast.runtime.decoders.intellivue_builder import build as build_pdu
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.mib import Deframer
from barocast.runtime.decoders.mib import frame as mib_frame
from barocast.runtime.errors import SettingsError


class Clerk:
    """A plain monitor: repeats what it hears, and says each whole second of its patient."""

    def __init__(self, patient, booted_s) -> None:
        self.patient, self.booted_s, self.first_s, self.said = patient, booted_s, None, 0

    def receive(self, data, now_s):
        return data.upper()

    def due(self, now_s):
        self.first_s = now_s if self.first_s is None else self.first_s
        out = b""
        while self.said < int(now_s - self.first_s):
            self.said += 1
            out += b"%d " % round(self.patient.numerics(float(self.said))["t"])
        return out


class Patient:
    def numerics(self, t_s):
        return {"t": t_s}

    def wave(self, channel, t_s, n, rate_hz):
        return t_s + np.arange(n) / rate_hz


def heard(monitor, seconds, start_s=1000.0, step_s=0.5):
    """What the monitor says by itself, with when."""
    times = np.arange(start_s, start_s + seconds, step_s)
    return b"".join(monitor.due(float(now_s)) for now_s in times).split()


def in_trouble(*texts, build=Clerk):
    return TroubledMonitor(build, Patient(), [parse_order(text) for text in texts])


# Plans.


def test_an_order_is_read_as_people_write_it():
    assert parse_order("half-open@120+30.5") == Order(Trouble.HALF_OPEN, 120.0, 30.5)


@pytest.mark.parametrize("text", ["", "silence", "silence@5", "silence@-5+3", "flood@5+3", "silence@5+3s"])
def test_an_order_that_cannot_be_meant_is_refused_with_the_mend(text):
    with pytest.raises(SettingsError, match="kinds are noise, cut, silence"):
        parse_order(text)


@given(st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_a_drawn_plan_holds_every_kind_and_one_trouble_at_a_time(seed):
    plan = drawn(seed, Trouble, 3600.0)
    alone = [order for order in plan if order.trouble is not Trouble.DRIFT]

    assert plan == drawn(seed, Trouble, 3600.0)
    assert {order.trouble for order in plan} == set(Trouble)
    assert all(later.at_s - order.ends_s >= PAUSE_S[0] for order, later in pairwise(alone))
    assert all(0.3 <= abs(order.ms_per_s) <= 1.0 for order in plan)
    assert max(order.ends_s for order in plan) < 3600.0


def test_another_seed_gives_another_plan():
    assert drawn(1, Trouble, 3600.0) != drawn(2, Trouble, 3600.0)


# The clock.


def test_a_fast_clock_is_ahead_by_what_its_drift_amounts_to_for_ever():
    clock = DriftingClock([Order(Trouble.DRIFT, 100.0, 200.0, 0.5), Order(Trouble.SILENCE, 0.0, 1e3)])

    assert [clock.told_s(t_s) for t_s in (100.0, 200.0, 300.0, 1000.0)] == pytest.approx(
        [100.0, 200.05, 300.1, 1000.1]
    )


@given(st.floats(0.0, 4000.0), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_told_time_is_read_back_as_true_time(true_s, seed):
    clock = DriftingClock(drawn(seed, [Trouble.DRIFT], 3600.0))

    assert clock.true_s(clock.told_s(true_s)) == pytest.approx(true_s, abs=1e-6)


# Damage.


@given(st.binary(min_size=1, max_size=2000), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_without_a_check_sum_messages_are_cut_or_stand_beside_noise_and_never_altered(data, seed):
    assert noisy(data, random.Random(seed), checked=False).endswith(data)
    assert data.startswith(left := cut(data, random.Random(seed), checked=False))
    assert len(left) < len(data)


@given(st.binary(min_size=8, max_size=2000), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_with_a_check_sum_anything_may_be_hit(data, seed):
    assert noisy(data, random.Random(seed), checked=True) != data
    assert len(cut(data, random.Random(seed), checked=True)) < len(data)


def test_where_nothing_is_said_nothing_is_damaged():
    assert (noisy(b"", random.Random(1), checked=True), cut(b"", random.Random(1), checked=True)) == (
        b"",
        b"",
    )


# A monitor in trouble.


def test_without_orders_a_monitor_is_itself():
    monitor = in_trouble()

    assert heard(monitor, 5) == [b"1", b"2", b"3", b"4"]
    assert monitor.receive(b"yes", 1005.0) == b"YES"


def test_silence_loses_both_directions_while_the_monitor_goes_on():
    monitor = in_trouble("silence@2+3")

    assert heard(monitor, 4) == [b"1"]
    assert monitor.receive(b"yes", 1004.0) == b""
    assert heard(monitor, 4, 1004.0) == [b"5", b"6", b"7"]
    assert monitor.receive(b"yes", 1008.0) == b"YES"


def test_after_a_reboot_the_monitor_has_forgotten_everything_and_the_patient_nothing():
    monitor = in_trouble("reboot@3+4")

    assert heard(monitor, 12) == [b"1", b"2", b"8", b"9", b"10", b"11"]
    assert monitor.booted_s == [0.0, 7.0]


def test_noise_and_cuts_change_what_is_said():
    clean = heard(in_trouble(), 100)

    assert heard(in_trouble("noise@0+100"), 100) != clean
    assert len(heard(in_trouble("cut@0+100"), 100)) < len(clean)


def test_a_drifting_clock_asks_the_patient_at_the_true_time():
    """1 ms/s fast for 2,000 s: the monitor's 1,001st second comes 1 s early, and is measured then."""
    monitor = in_trouble("drift@0+2000")
    monitor.due(0.0)

    assert monitor.due(1000.0).split()[-1] == b"1000"
    assert monitor.clock.told_s(1000.0) == pytest.approx(1001.0)


@pytest.mark.parametrize(
    ("order", "link"),
    [
        ("silence@5+5", Link.MUTE),
        ("refuse@5+5", Link.SHUT),
        ("reboot@5+5", Link.SHUT),
        ("half-open@5+5", Link.GONE),
        ("noise@5+5", Link.UP),
    ],
)
def test_the_line_is_told_what_becomes_of_it(order, link):
    monitor = in_trouble(order)

    assert [link_of(monitor, now_s) for now_s in (1000.0, 1006.0, 1010.0)] == [Link.UP, link, Link.UP]


def test_an_intellivue_aborts_refuses_and_takes_its_client_back():
    monitor = TroubledMonitor(
        lambda patient, _: VirtualIntelliVue(patient), TellTale(), [parse_order("refuse@5+5")]
    )
    request = mib_frame(build_pdu(Association(Act.REQUEST, Terms())))

    def acts(data):
        pdus = (parse(found.payload) for found in Deframer().feed(data))
        return [pdu.act for pdu in pdus if isinstance(pdu, Association)]

    assert acts(monitor.receive(request, 0.0)) == [Act.RESPONSE]
    assert acts(monitor.due(5.0)) == [Act.ABORT]
    assert acts(monitor.receive(request, 6.0)) == [Act.REFUSE]
    assert acts(monitor.receive(request, 10.0)) == [Act.RESPONSE]
    assert monitor.associated


def test_a_dri_monitor_forgets_requests_and_answers_none():
    monitor = TroubledMonitor(lambda patient, _: VirtualDri(patient), TellTale(), [parse_order("refuse@5+5")])
    request = frame(build(record_of(PhysiologyRequest(DISPLAYED, 5, 0))))
    said = []
    for now_s in range(14):
        asked = now_s in (0, 7, 10)
        said.append(bool(monitor.receive(request if asked else b"", now_s) + monitor.due(now_s)))

    assert [now_s for now_s, spoke in enumerate(said) if spoke] == [1, 10]


def test_a_monitor_without_a_demo_mode_is_ordered_none():
    with pytest.raises(SettingsError, match="VirtualDri has no such mode"):
        TroubledMonitor(lambda patient, _: VirtualDri(patient), TellTale(), [parse_order("demo@5+5")])


# The patient who tells the time.


@given(st.floats(0.0, 3600.0), st.floats(-30.0, 30.0))
@settings(max_examples=100, deadline=None)
def test_a_misplaced_pressure_tells_by_how_much(t_s, off_s):
    value = TellTale().numerics(t_s)["ABP_MEAN"]
    found = seconds_off("ABP_MEAN", np.array([value]), np.array([t_s + off_s]))

    assert found == pytest.approx([off_s], abs=1e-6)


def test_the_heart_rate_tells_which_ramp_it_is():
    rate = TellTale().numerics(2.5 * RAMP_S)["HR"]
    places = np.array([2.0, 2.9, 3.5, 1.5]) * RAMP_S

    assert seconds_off("HR", np.full(4, rate), places) == pytest.approx([0.0, 0.0, 37.5, -37.5])


def test_the_wave_tells_the_time_sample_by_sample():
    wave = TellTale().wave("ABP_WAVE", 70.0, 1000, 100.0)

    assert seconds_off("ABP_WAVE", wave, 70.0 + np.arange(1000) / 100.0) == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(TellTale().wave("PLETH_WAVE", 0.0, 3, 75.0)).all()
