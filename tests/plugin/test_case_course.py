"""The journal of a case: what goes in comes out to the digit, and its memory is taken once."""

from __future__ import annotations

import gc
import math
import tracemalloc

import numpy as np
import pytest
from made_cases import abstention, forecast, row, silence, wall

from barocast.plugin.cases.course import MOST_MARKS, Journal
from barocast.plugin.sinks.jsonl import decision_line
from barocast.runtime.timeline import CASE_LIMIT_STEPS


def line(outcome, at_s=None):
    told = decision_line(outcome.decision, outcome.alarm, "toy-1", outcome.map_10s)
    return told if at_s is None else told | {"at_s": at_s}


def logged(number: int, **more):
    return {"log": vars_of(row(float(number), **more)) | {"wall": wall(number)}, "at_s": float(number)}


def vars_of(one):
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def journal(*lines) -> Journal:
    kept = Journal()
    for each in lines:
        kept.take(each)
    return kept


def test_a_decision_comes_back_as_it_was_told():
    course = journal(line(forecast(900.0, p=0.123457, alarm="medium")), line(abstention(930.0))).course()
    spoken, held = course.said

    assert (spoken.t_s, spoken.state, spoken.reason, spoken.alarm) == (900.0, "forecast", None, "medium")
    assert spoken.risk == (round(0.123457 / 2, 6), 0.123457, 0.123457)
    assert spoken.fan == ((60.0, 70.0, 80.0),) * 3
    assert (held.state, held.reason, held.risk) == ("abstain", "short history: 4.5 of 15 min", ())


def test_the_columns_lie_where_they_were_measured():
    course = journal(
        line(forecast(900.0, map_mmhg=(70.0, math.nan, 71.000001))), line(forecast(960.0, map_mmhg=(72.0,)))
    ).course()

    assert course.first == 88
    np.testing.assert_array_equal(course.map_mmhg, [70.0, math.nan, 71.000001, *[math.nan] * 5, 72.0])


def test_a_decision_takes_the_place_of_the_silence_told_in_it():
    course = journal(
        line(forecast(900.0)), line(silence(930.0)), line(silence(960.0)), line(forecast(930.0))
    ).course()

    assert [(said.t_s, said.silent) for said in course.said] == [(900.0, False), (930.0, False)]


def test_a_line_that_lies_far_behind_begins_what_was_said_anew():
    course = journal(line(forecast(9000.0)), line(forecast(30.0))).course()

    assert [said.t_s for said in course.said] == [30.0]


def test_a_mark_without_a_place_is_kept():
    unplaced = logged(1) | {"at_s": None}
    course = journal(line(forecast(900.0)), unplaced, logged(5, transition="cleared", reason="why")).course()

    assert [(mark.t_s, mark.transition, mark.reason) for mark in course.marks] == [
        (None, "raised", ""),
        (5.0, "cleared", "why"),
    ]


def test_the_newest_of_many_marks_are_kept():
    course = journal(*(logged(number) for number in range(MOST_MARKS + 500))).course()

    assert [mark.t_s for mark in course.marks] == [float(n) for n in range(500, MOST_MARKS + 500)]


@pytest.mark.req("RUN-06")
def test_a_live_case_takes_its_memory_when_it_begins():
    kept = journal(line(forecast(900.0)), logged(900))
    kept.reserve()
    lines = [
        line(forecast(900.0), at_s) for at_s in np.arange(930.0, 2 * CASE_LIMIT_STEPS * 10.0, 90.0).tolist()
    ]
    tracemalloc.start()
    for each in lines:
        kept.take(each)
    gc.collect()  # Python itself keeps 2,000 small tuples that nobody holds
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert grown < 2000
