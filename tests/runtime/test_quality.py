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
from barocast.runtime.quality import NumericsGate, check_pressures

NAN = math.nan


def triple(t_s: float | None, sys: float, dia: float, mean: float) -> list[Sample]:
    named = {"ABP_SYS": sys, "ABP_DIA": dia, "ABP_MEAN": mean}
    return [Sample(name, name, t_s, value, "mmHg") for name, value in named.items()]


def steady(seconds: int, start_s: float = 0.0) -> list[Sample]:
    """A triple a second that wanders as a pressure does."""
    return [s for i in range(seconds) for s in triple(start_s + i, 120 + i % 5, 70 + i % 3, 88 + i % 4)]


def reasons(events) -> set[Reason | None]:
    return {event.reason for event in events}


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


@given(
    st.floats(20, 60),
    st.floats(15, 60),
    st.floats(0.2, 0.6),
)
def test_no_low_with_a_pulse_is_ever_taken_out(dia, pulse, share):
    """Any pressure above 20/10 with a pulse of 15 mmHg or more passes, however low."""
    assert check_pressures(dia + pulse, dia, dia + share * pulse) is None


def test_all_three_of_a_broken_triple_are_marked():
    events = NumericsGate().feed(triple(1.0, 290, 288, 289))

    assert [(e.valid, e.reason) for e in events] == [(False, Reason.FLUSH)] * 3


def test_the_value_stays_readable_under_its_mark():
    assert NumericsGate().feed(triple(1.0, 0, 0, 0))[2].value == 0


def test_a_triple_split_over_two_calls_is_judged_with_what_is_known():
    gate = NumericsGate()
    sys, dia, mean = triple(1.0, 120, 112, 115)
    gate.feed([sys, dia])

    assert gate.feed([mean])[0].reason == Reason.FLAT


def test_everything_else_passes_untouched():
    others = [
        Corrupt(0, 3, "fcs"),
        sample(1.0, 300.0, "NIBP_MEAN"),
        sample(1.0, 0.0, "HR"),
        sample(1.0, 5.0, "ABP_MEAN", DERIVED),
        Sample(None, "4A17", 1.0, 5.0, "mmHg"),
        sample(1.0, NAN),
    ]

    assert NumericsGate().feed(others)[:5] == others[:5]
    assert NumericsGate().feed(others)[5].reason == Reason.MISSING


def test_a_mean_alone_is_judged_by_its_range_only():
    """The evaluation counts every MAP from 20 to 200, jumps and all."""
    values = [90.0, 21.0, 150.0, 60.0, 19.0, 201.0]

    marked = NumericsGate().feed(series(values))

    assert [s.reason for s in marked] == [None, None, None, None, Reason.RANGE, Reason.RANGE]


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


@pytest.mark.parametrize(("every_s", "reason"), [(1.0, Reason.FLAT), (10.0, Reason.FLAT), (60.0, None)])
def test_a_value_frozen_for_ten_minutes_is_flat(every_s, reason):
    """At a cadence of 15 s or less; a slow feed may well repeat itself."""
    events = NumericsGate().feed(series([84.0] * int(1200 / every_s), every_s))

    assert {e.reason for e in events if e.t_s is not None and e.t_s <= 600} == {None}
    assert {e.reason for e in events if e.t_s is not None and e.t_s > 600} == {reason}


def test_a_frozen_value_that_moves_again_is_good_at_once():
    gate = NumericsGate()
    gate.feed(series([84.0] * 100))

    assert gate.feed([sample(1000.0, 83.0)])[0].reason is None


def test_a_diastolic_that_holds_still_while_the_mean_moves_is_not_frozen():
    events = [s for i in range(1200) for s in triple(float(i), 120, 70, 88 + i % 2)]

    assert reasons(NumericsGate().feed(events)) == {None}


def test_without_a_clock_the_rules_still_hold():
    gate = NumericsGate()

    assert reasons(gate.feed(triple(None, 0, 0, 0))) == {Reason.ZEROING}
    assert reasons(gate.feed(triple(None, 120, 70, 88))) == {None}


def test_frames_one_by_one_or_together_give_the_same():
    events = [*steady(30), *triple(30.0, 0, 0, 0), *triple(31.0, 170, 120, 140), *steady(30, 32.0)]
    gate = NumericsGate()
    one_by_one = [e for i in range(0, len(events), 3) for e in gate.feed(events[i : i + 3])]

    assert one_by_one == NumericsGate().feed(events)


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

    assert [e.code for e in NumericsGate().feed(events)] == [e.code for e in events]


def test_a_real_operation_passes_whole():
    """Half an hour of a real monitor's own numbers, two true hypotensions among them."""
    gate = NumericsGate()
    with cohort("or_waveforms/sample_record_numerics_1hz.csv").open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["ABP_MEAN"]]
    names = ("ABP_SYS", "ABP_DIA", "ABP_MEAN")
    seen = [e for row in rows for e in gate.feed(triple(float(row["t_s"]), *(float(row[n]) for n in names)))]

    assert len(seen) > 5000
    assert reasons(seen) == {None}


def test_real_mean_pressures_are_hardly_ever_marked():
    """148 operations on a 10 s grid: within 20 to 200 mmHg fewer than 1 in 1,000 marked, all as frozen."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `validate`")
    rows = parquet.read_table(cohort("vitaldb_or/map_10s.parquet")).to_pydict()
    gates: dict[int, NumericsGate] = {}
    marked = total = 0
    for case, t_s, value in zip(rows["caseid"], rows["t_s"], rows["map"], strict=True):
        if value is not None and 20 <= value <= 200:
            event = gates.setdefault(case, NumericsGate()).feed([sample(float(t_s), value)])[0]
            marked += event.reason is not None
            total += 1

    assert total > 150_000
    assert marked / total < 0.001
