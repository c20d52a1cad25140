"""Small makers of alarm states for the tests of the ways out."""

from __future__ import annotations

from alarm_bed import Bed

from barocast.plugin.ways_out import WaysOut
from barocast.runtime.alarm.events import AlarmSnapshot, Condition, DecisionSummary, Part
from barocast.runtime.alarm.rules import Priority

WALL_S = 1_795_381_205.25
"""2026-11-22 21:00:05.250 UTC."""
RISK = DecisionSummary(1800.0, "forecast", None, (0.031, 0.34, 0.415))


def forecast(occurrence=1, priority=Priority.LOW, since_s=60.0, **more) -> Condition:
    """An alarm about the patient."""
    text = more.pop("text", "hypotension forecast: 34% within 10 min")
    return Condition(
        "forecast hypotension",
        priority,
        technical=False,
        text=text,
        since_s=since_s,
        occurrence=occurrence,
        **more,
    )


def feed_lost(occurrence=2, since_s=70.0, **more) -> Condition:
    """An alarm about the box."""
    return Condition(
        "feed lost",
        Priority.LOW,
        technical=True,
        text="feed lost: OR 3: silent",
        source=more.pop("source", "OR 3"),
        since_s=since_s,
        occurrence=occurrence,
        **more,
    )


def state(now_s, *conditions, **more) -> AlarmSnapshot:
    """The whole state at a moment."""
    return AlarmSnapshot(now_s, conditions, decision=more.pop("decision", RISK), **more)


def sink_faults(sink, snapshot) -> list[Condition]:
    """The alarms that a bed raises by what a sink answers to this state."""
    ways = WaysOut([sink])
    ways.apply(snapshot)
    shown = Bed().at(snapshot.now_s, *ways.failed()).shown()
    return [condition for name, condition in shown.items() if name == str(Part.SINK)]
