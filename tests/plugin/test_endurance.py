"""Every client through its virtual monitor's troubles, minutes at a time, on a clock moved by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from toy_bundle import toy_bundle

from barocast.plugin.virtual.account import BACK_S
from barocast.plugin.virtual.endurance import endure_in_memory
from barocast.plugin.virtual.rigs import DRI_SERIAL, INTELLIVUE, RIGS
from barocast.plugin.virtual.troubles import Order, Trouble, drawn
from barocast.runtime.domain import Sample
from barocast.runtime.sessions.dri import DriSession
from barocast.runtime.sessions.intellivue import IntelliVueSession

SECONDS = 300.0
NAMES = [rig.feed.name for rig in RIGS]
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Shrinking a plan would take minutes; a plan is short enough to read."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "b").read()


def played(bundle, rig, orders, seconds=SECONDS, seed=0):
    return endure_in_memory(rig, orders, bundle, seconds, seed)


def faults(endured):
    """Everything that must not be."""
    told = endured.account
    return {
        "misplaced": told.misplaced,
        "unexplained": told.unexplained,
        "demo believed": told.demo_believed,
        "late": [(order, back_s) for order, back_s in told.back_s if back_s > BACK_S],
    }


NOTHING = {"misplaced": [], "unexplained": [], "demo believed": 0, "late": []}


@pytest.mark.req("ACQ-04")
@pytest.mark.parametrize("rig", RIGS, ids=NAMES)
def test_without_trouble_nothing_is_missed_and_nothing_is_corrupt(bundle, rig):
    endured = played(bundle, rig, [], 120.0)

    assert faults(endured) == NOTHING
    assert endured.counts.corrupt == 0
    assert endured.account.received >= endured.account.expected - 2
    assert endured.account.expected == pytest.approx(120.0 / rig.every_s, abs=3)


@pytest.mark.req("ACQ-02")
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("rig", RIGS, ids=NAMES)
def test_every_trouble_is_endured(bundle, rig, seed):
    """No value misplaced, none of a demo believed, every gap explained, back within 20 s."""
    endured = played(bundle, rig, drawn(seed, sorted(rig.troubles), SECONDS), seed=seed)

    assert faults(endured) == NOTHING
    assert endured.account.back_s
    assert endured.account.received > endured.account.expected / 2


@pytest.mark.parametrize(
    ("rig", "trouble"),
    [
        pytest.param(rig, trouble, id=f"{rig.feed.name}-{trouble.value}")
        for rig in RIGS
        for trouble in sorted(rig.troubles)
    ],
)
def test_each_trouble_alone_is_endured(bundle, rig, trouble):
    endured = played(bundle, rig, [Order(trouble, 31.0, 33.0)], 110.0)

    assert faults(endured) == NOTHING


def overlapping(rig):
    """Plans as nobody would draw them: troubles inside troubles, none after 75 s."""
    order = st.builds(
        Order,
        st.sampled_from(sorted(rig.troubles)),
        st.floats(0.0, 50.0),
        st.floats(0.0, 25.0),
        st.floats(-1.0, 1.0),
    )
    return st.lists(order, min_size=2, max_size=6)


@pytest.mark.parametrize("rig", RIGS, ids=NAMES)
def test_troubles_within_troubles_are_endured(bundle, rig):
    """Whatever comes together: nothing misplaced, no demo believed, and 20 s after the last all is well."""

    @given(overlapping(rig), st.integers(0, 99))
    @settings(max_examples=4, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
    def endures(orders, seed):
        told = played(bundle, rig, orders, 120.0, seed).account
        over_s = max(order.ends_s for order in orders) + BACK_S
        assert (told.misplaced, told.demo_believed) == ([], 0)
        assert [at_s for at_s in told.unexplained if at_s > over_s] == []
        assert told.received > 0

    endures()


# What the account would not let pass.


class Altered:
    """A session that does one thing wrong."""

    def __init__(self, session, change, now_and_then=lambda now_s: True) -> None:
        self.session, self.change, self.when = session, change, now_and_then
        self.counts, self.status = session.counts, session.status

    def receive(self, data, now_s):
        events, reply = self.session.receive(data, now_s)
        return [self.change(event) for event in events] if self.when(now_s) else events, reply

    def due(self, now_s):
        return self.session.due(now_s)

    def release(self):
        return self.session.release()


def with_session(rig, session):
    return replace(rig, feed=replace(rig.feed, session=session))


def test_a_client_that_dates_by_a_second_too_late_is_found_out(bundle):
    def late(event):
        return replace(event, t_s=event.t_s + 1.0) if isinstance(event, Sample) else event

    told = played(
        bundle, with_session(INTELLIVUE, lambda: Altered(IntelliVueSession(), late)), [], 60.0
    ).account

    assert len(told.misplaced) > 40
    assert {round(one.off_s) for one in told.misplaced} == {1}


def test_a_client_that_loses_values_for_no_reason_is_found_out(bundle):
    def lost(event):
        return replace(event, channel=None) if isinstance(event, Sample) else event

    def session():
        return Altered(IntelliVueSession(), lost, lambda now_s: 40 <= now_s < 45)

    told = played(
        bundle, with_session(INTELLIVUE, session), [Order(Trouble.SILENCE, 60.0, 5.0)], 100.0
    ).account

    assert len(told.unexplained) == pytest.approx(5, abs=1)
    assert set(told.explained) >= {"silence"}


def test_a_client_that_takes_demo_for_real_is_found_out(bundle):
    rig = with_session(INTELLIVUE, lambda: IntelliVueSession(allow_demo=True))

    assert played(bundle, rig, [Order(Trouble.DEMO, 20.0, 30.0)], 60.0).account.demo_believed > 25


def test_a_client_that_never_asks_again_is_found_out(bundle):
    class Once(DriSession):
        def due(self, now_s):
            return super().due(now_s) if now_s < 40 else b""

    told = played(bundle, with_session(DRI_SERIAL, Once), [Order(Trouble.REBOOT, 50.0, 10.0)], 150.0).account

    assert [back_s for _, back_s in told.back_s] == [math.inf]
    assert len(told.unexplained) > 5
