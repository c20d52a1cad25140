from __future__ import annotations

from dataclasses import replace

from alarm_states import WALL_S, feed_lost, forecast, state

from barocast.runtime.alarm.events import Inactivation
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.encoders.alert_phases import AlertPhases


def phases(*snapshots):
    """(phase, alarm's number) of all that is told, a list for each snapshot."""
    told = AlertPhases()
    return [
        [(str(report.phase), report.alarm) for report in told.take(snapshot, WALL_S + snapshot.now_s)]
        for snapshot in snapshots
    ]


def test_an_alarm_starts_once_and_ends_once_however_often_its_state_is_applied():
    shown = [state(now_s, forecast()) for now_s in (60.0, 65.0, 70.0)]

    assert phases(*shown, state(75.0), state(80.0)) == [[("start", 1)], [], [], [("end", 1)], []]


def test_escalation_is_the_same_alarm_and_raising_again_is_another():
    low, medium = forecast(1), forecast(3, Priority.MEDIUM)
    again = forecast(4, Priority.MEDIUM, since_s=90.0)

    assert phases(
        state(60.0, low), state(70.0, medium), state(80.0, replace(medium, priority=Priority.LOW))
    ) == [
        [("start", 1)],
        [("escalate", 1)],
        [("de-escalate", 1)],
    ]
    assert phases(state(60.0, medium), state(90.0, again)) == [[("start", 3)], [("end", 3), ("start", 4)]]


def test_other_words_an_acknowledgement_and_a_cause_that_went_are_updates():
    shown = forecast(latching=True)
    news = [
        replace(shown, text="hypotension forecast: 40% within 10 min"),
        replace(shown, inactivation=Inactivation.ACKNOWLEDGED),
        replace(shown, active=False),
    ]

    told = [phases(state(60.0, shown), state(61.0, changed))[1] for changed in news]

    assert told == [[("update", 1)]] * 3


def test_two_feeds_that_are_lost_are_two_alarms():
    one, other = feed_lost(2, source="abp"), feed_lost(3, source="vent")

    assert phases(state(70.0, one, other), state(75.0, other)) == [[("start", 2), ("start", 3)], [("end", 2)]]


def test_the_start_is_dated_by_the_condition_though_the_sink_heard_late():
    told = AlertPhases()

    [report] = told.take(state(100.0, forecast(since_s=60.0)), WALL_S)
    [gone] = told.take(state(130.0), WALL_S + 30.0)

    assert (report.started_s, report.wall_s) == (WALL_S - 40.0, WALL_S)
    assert (gone.started_s, gone.wall_s, gone.condition.active) == (WALL_S - 40.0, WALL_S + 30.0, False)


def test_what_is_standing_goes_on_under_its_first_number():
    told = AlertPhases()
    told.take(state(60.0, forecast(1), feed_lost(2)), WALL_S)
    told.take(state(70.0, forecast(5, Priority.MEDIUM), feed_lost(2)), WALL_S)

    standing = told.standing(WALL_S + 1.0)

    assert [(str(r.phase), r.alarm, r.condition.priority) for r in standing] == [
        ("continue", 1, Priority.MEDIUM),
        ("continue", 2, Priority.LOW),
    ]
