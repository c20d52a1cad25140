"""What the gate lets through, what it marks, and with which word."""

from __future__ import annotations

import csv
import math

import pytest
from builders import sample, series
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import cohort

from barocast.runtime.domain import DERIVED, Corrupt, Reason, Sample
from barocast.runtime.moments import MAX_HELD
from barocast.runtime.quality import (
    FROZEN_S,
    FROZEN_SAMPLES,
    REPEAT_GAP_S,
    TRIPLE,
    NumericsGate,
    check_pressures,
)
from barocast.runtime.timeline import HOLD_LIMIT_S, MIN_VALID_SHARE

NAN = math.nan


def triple(t_s: float | None, sys: float, dia: float, mean: float) -> list[Sample]:
    named = {"ABP_SYS": sys, "ABP_DIA": dia, "ABP_MEAN": mean}
    return [Sample(name, name, t_s, value, "mmHg") for name, value in named.items()]


def steady(seconds: int, start_s: float = 0.0) -> list[Sample]:
    """A triple a second that wanders as a pressure does."""
    return [s for i in range(seconds) for s in triple(start_s + i, 120 + i % 5, 70 + i % 3, 88 + i % 4)]


def judged(*calls: list) -> list:
    """Play the calls through one gate, to the end."""
    gate = NumericsGate()
    return [event for call in calls for event in gate.feed(call)] + gate.flush()


def in_pieces(events: list, size: int) -> list:
    return judged(*(events[i : i + size] for i in range(0, len(events), size)))


def reasons(events) -> set[Reason | None]:
    return {event.reason for event in events}


@pytest.mark.req("ACQ-08")
@pytest.mark.parametrize(
    ("sys", "dia", "mean", "reason"),
    [
        (120, 70, 88, None),
        (48, 28, 35, None),  # a true low with a pulse
        (62, 50, 55, None),
        (240, 120, 160, None),  # a crisis with a pulse
        (230, 200, 215, Reason.FLUSH),
        (201, 152, 170, Reason.FLUSH),
        (201, 151, 170, None),
        (180, 151, 160, Reason.FLUSH),
        (180, 150, 160, None),
        (150, 136, 140, Reason.FLAT),
        (100, 86, 90, Reason.FLAT),
        (100, 85, 90, None),
        (99, 90, 93, Reason.FLAT),
        (99, 89, 93, None),
        (60, 60, 60, Reason.FLAT),
        (0, 0, 0, Reason.ZEROING),
        (-1, -2, -1, Reason.ZEROING),
        (9, 4, 6, Reason.DISCONNECTED),
        (70, 9, 30, Reason.DISCONNECTED),
        (NAN, NAN, 19, Reason.RANGE),
        (NAN, NAN, 201, Reason.RANGE),
        (NAN, NAN, 31, None),
        (NAN, NAN, 165, None),
        (NAN, NAN, NAN, None),
    ],
)
def test_the_published_rules(sys, dia, mean, reason):
    assert check_pressures(sys, dia, mean) == reason


@pytest.mark.req("ACQ-08")
@given(
    st.floats(20, 60),
    st.floats(15, 60),
    st.floats(0.2, 0.6),
)
def test_no_low_with_a_pulse_is_ever_taken_out(dia, pulse, share):
    """Any pressure above 20/10 with a pulse of 15 mmHg or more passes, however low."""
    assert check_pressures(dia + pulse, dia, dia + share * pulse) is None


def test_all_three_of_a_broken_triple_are_marked():
    events = judged(triple(1.0, 290, 288, 289))

    assert [(e.valid, e.reason) for e in events] == [(False, Reason.FLUSH)] * 3


def test_the_value_stays_readable_under_its_mark():
    assert judged(triple(1.0, 0, 0, 0))[2].value == 0


def test_a_triple_split_over_calls_is_held_and_judged_together():
    gate = NumericsGate()
    dia, mean, sys = sorted(triple(1.0, 80, 75, 78), key=lambda s: s.value)

    assert gate.feed([dia]) + gate.feed([mean]) == []
    assert [s.reason for s in gate.feed([sys])] == [Reason.FLAT] * 3


def test_what_follows_a_held_value_waits_behind_it():
    """The order of events stays, and whatever tells a later time ends the wait."""
    held = [sample(1.0, 80.0), sample(1.0, 60.0, "HR"), Corrupt(0, 3, "fcs"), sample(0.5, 70.0, "NIBP_MEAN")]
    gate = NumericsGate()

    assert [e for event in held for e in gate.feed([event])] == []
    assert gate.feed([sample(2.0, 61.0, "HR")]) == [*held, sample(2.0, 61.0, "HR")]
    assert gate.flush() == []


def test_flush_judges_what_is_held_on_what_is_known():
    gate = NumericsGate()
    held = gate.feed(triple(1.0, 80, 75, 78)[:2])

    assert held == []
    assert reasons(gate.flush()) == {Reason.FLAT}


def test_a_clock_that_is_set_back_does_not_hold_the_feed_up():
    gate = NumericsGate()
    gate.feed([sample(5000.0, 80.0)])

    assert gate.feed([sample(1.0, 81.0)]) == [sample(5000.0, 80.0)]


def test_what_is_held_is_bounded():
    gate = NumericsGate()
    given = gate.feed([sample(1.0, 80.0)] + [Corrupt(i, 1, "fcs") for i in range(10 * MAX_HELD)])

    assert len(given) > 9 * MAX_HELD


def test_everything_else_passes_untouched():
    others = [
        Corrupt(0, 3, "fcs"),
        sample(1.0, 300.0, "NIBP_MEAN"),
        sample(1.0, 0.0, "HR"),
        sample(1.0, 5.0, "ABP_MEAN", DERIVED),
        Sample(None, "4A17", 1.0, 5.0, "mmHg"),
        sample(1.0, NAN),
    ]

    assert judged(others) == others


@pytest.mark.req("ACQ-08")
def test_a_mean_alone_that_is_told_rarely_is_judged_by_its_range_only():
    """The evaluation counts every MAP from 20 to 200; half a minute apart a step says nothing."""
    values = [90.0, 21.0, 150.0, 60.0, 19.0, 201.0]

    marked = judged([sample(30.0 * n, value) for n, value in enumerate(values)])

    assert [s.reason for s in marked] == [None, None, None, None, Reason.RANGE, Reason.RANGE]


@pytest.mark.req("ACQ-08")
def test_two_reports_of_a_mean_alone_that_hold_shares_of_one_flush_are_spikes():
    marked = judged([sample(10.0 * n, value) for n, value in enumerate([80.0, 132.0, 140.0, 81.0, 80.0])])

    assert [s.reason for s in marked] == [None, Reason.SPIKE, Reason.SPIKE, None, None]


@pytest.mark.req("ACQ-08")
def test_a_step_of_a_mean_alone_that_holds_is_believed_at_its_third_report():
    marked = judged([sample(10.0 * n, value) for n, value in enumerate([95.0, 60.0, 58.0, 57.0, 55.0])])

    assert [s.reason for s in marked] == [None, Reason.SPIKE, Reason.SPIKE, None, None]


@pytest.mark.req("ACQ-08")
def test_a_jump_that_reverses_is_a_spike():
    gate = NumericsGate()
    gate.feed(steady(20))

    spike = gate.feed(triple(20.0, 190, 120, 145))
    after = gate.feed(triple(21.0, 121, 71, 89))

    assert reasons(spike) == {Reason.SPIKE}
    assert reasons(after) == {None}


def test_a_jump_that_holds_is_believed_after_ten_seconds():
    gate = NumericsGate()
    gate.feed(steady(20))

    held = [gate.feed(triple(20.0 + i, 70 + i % 2, 38, 50))[2].reason for i in range(15)]

    assert held == [Reason.SPIKE] * 10 + [None] * 5


def test_a_jump_across_a_pause_is_believed_at_once():
    gate = NumericsGate()
    gate.feed(steady(20))

    assert reasons(gate.feed(triple(60.0, 70, 38, 50))) == {None}


@pytest.mark.req("ACQ-08")
@pytest.mark.parametrize("every_s", [1.0, 10.0, 16.0, 30.0, 60.0, HOLD_LIMIT_S / MIN_VALID_SHARE])
def test_a_value_frozen_for_ten_minutes_is_flat_at_any_cadence_that_gives_a_forecast(every_s):
    """Two hours of the same digit; only the tenth report of a very slow feed comes after ten minutes."""
    events = judged(series([80.0] * int(7200 / every_s), every_s))
    frozen_s = max(FROZEN_S, (FROZEN_SAMPLES - 2) * every_s)

    assert {e.reason for e in events if e.t_s <= frozen_s} == {None}
    assert {e.reason for e in events if e.t_s > frozen_s} == {Reason.FLAT}


def test_a_dropout_does_not_thaw_a_frozen_value():
    """Every 2 s, and 20 s without data every nine minutes."""
    events = [sample(float(t_s), 80.0) for t_s in range(0, 7200, 2) if t_s % 540 >= 20]

    assert {e.reason for e in judged(events) if e.t_s > 20 + FROZEN_S} == {Reason.FLAT}


def test_a_repetition_across_a_long_gap_begins_anew():
    events = judged(series([80.0] * 60) + series([80.0] * 60, start_s=590.0 + REPEAT_GAP_S + 1))

    assert reasons(events) == {None}


def test_the_same_time_told_over_and_over_is_one_report():
    """Nine reports of 70 s, each sent three times: too few that agree by themselves."""
    events = [sample(70.0 * i, 80.0) for i in range(FROZEN_SAMPLES - 1) for _ in range(3)]

    assert reasons(judged(events)) == {None}


def test_a_frozen_value_that_moves_again_is_good_at_once():
    events = judged(series([84.0] * 100), [sample(1000.0, 83.0)])

    assert [e.reason for e in events[-2:]] == [Reason.FLAT, None]


def test_a_diastolic_that_holds_still_while_the_mean_moves_is_not_frozen():
    events = [s for i in range(1200) for s in triple(float(i), 120, 70, 88 + i % 2)]

    assert reasons(judged(events)) == {None}


def test_without_a_clock_the_rules_still_hold():
    gate = NumericsGate()

    assert reasons(gate.feed(triple(None, 0, 0, 0))) == {Reason.ZEROING}
    assert reasons(gate.feed(triple(None, 120, 70, 88))) == {None}


TOLD = st.sampled_from(
    [*((name, value) for name in TRIPLE for value in (0.0, 75.0, 78.0, 80.0, 120.0)), ("HR", 60.0)]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), TOLD), max_size=80))
def test_the_verdict_never_depends_on_how_the_feed_was_cut(told):
    """Triples in any order, parts missing or told twice, seconds apart or at one time."""
    t_s, events = 0, []
    for wait, (channel, value) in told:
        t_s += wait
        events.append(sample(float(t_s), value, channel))
    whole = in_pieces(events, 1000)

    assert [in_pieces(events, size) for size in (1, 7)] == [whole, whole]
    assert [(e.t_s, e.channel, e.value) for e in whole] == [(e.t_s, e.channel, e.value) for e in events]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ABP_MEAN", "ABP_SYS", "ABP_DIA", "HR"]),
            st.floats() | st.none(),
            st.floats(),
        ),
        max_size=30,
    )
)
def test_no_sample_raises_and_none_is_lost(rows):
    events = [Sample(channel, channel, t_s, value, "mmHg") for channel, t_s, value in rows]

    assert [e.code for e in judged(events)] == [e.code for e in events]


def test_a_real_operation_passes_whole():
    """Half an hour of a real monitor's own numbers, two true hypotensions among them."""
    with cohort("or_waveforms/sample_record_numerics_1hz.csv").open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["ABP_MEAN"]]
    seen = judged(*(triple(float(row["t_s"]), *(float(row[name]) for name in TRIPLE)) for row in rows))

    assert len(seen) > 5000
    assert reasons(seen) == {None}


@pytest.mark.parametrize("every_s", [10, 30, 60])
def test_real_mean_pressures_are_hardly_ever_marked(every_s):
    """148 operations, as a gateway sends them in whole mmHg: fewer than 1 in 1,000 marked, all as frozen."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `validate`")
    rows = parquet.read_table(cohort("vitaldb_or/map_10s.parquet")).to_pydict()
    cases: dict[int, list[Sample]] = {}
    for case, t_s, value in zip(rows["caseid"], rows["t_s"], rows["map"], strict=True):
        if value is not None and 20 <= value <= 200 and t_s % every_s == 0:
            cases.setdefault(case, []).append(sample(float(t_s), float(round(value))))
    seen = [event for case in cases.values() for event in judged(case)]

    assert len(seen) > 1_500_000 / every_s
    assert reasons(seen) == {None, Reason.FLAT}
    assert sum(not event.valid for event in seen) / len(seen) < 0.001
