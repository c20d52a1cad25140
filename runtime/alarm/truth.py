"""Which alarm conditions the facts make true, derived afresh at every step.

    true_conditions(facts, now, rules) -> [Condition, ...]

Conditions follow from the facts of now, never from an edge: one that is already true at start is raised, and
a missed event cannot leave one hanging. No hole lies between two: an expired forecast is `not available`.

Priorities follow IEC 60601-1-8's onset and severity. What leaves the forecast without a basis is low: the
monitor's own alarms go on. It becomes medium with time, once, as `forecast not available`; the conditions
that only say why (feed, signal, clock) stay low beside it. What may leave an alarm unheard is medium at
once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.runtime.alarm.events import Condition, Part
from barocast.runtime.alarm.facts import FORECAST, FREQUENT, expired
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.timeline import SHORT_HISTORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from barocast.runtime.alarm.facts import Facts
    from barocast.runtime.alarm.rules import AlarmRules

UNAVAILABLE: Final = "forecast not available"
FAULT: Final = "forecast fault"
FEED_LOST: Final = "feed lost"

PART_PRIORITIES: Final[Mapping[Part, Priority]] = {
    Part.SIGNAL: Priority.LOW,
    Part.SINK: Priority.LOW,
    Part.LOG: Priority.LOW,
    Part.CLOCK: Priority.LOW,
    Part.ENGINE: Priority.MEDIUM,
}
"""Of a part that is not primary; one that is, as a loudspeaker, is of medium priority."""


def true_conditions(facts: Facts, now_s: float, rules: AlarmRules) -> list[Condition]:
    """List what is true now."""
    return [
        *_forecast(facts, now_s, rules),
        *_unavailable(facts, now_s, rules),
        *_fault(facts),
        *_feeds_lost(facts),
        *_parts_failed(facts),
    ]


def _forecast(facts: Facts, now_s: float, rules: AlarmRules) -> Iterator[Condition]:
    if not facts.trigger.active or expired(facts, now_s, rules):
        return
    if facts.coalesced:
        text = f"frequent forecasts: {len(facts.excess_s)} beyond {rules.budget_per_h} in the last hour"
        yield Condition(
            FREQUENT, Priority.LOW, technical=False, text=text, latching=True, since_s=facts.raised_s
        )
        return
    priority = Priority.MEDIUM if facts.escalation.active else rules.forecast_priority
    p = facts.trigger.recent[-1][1]
    text = f"hypotension forecast: {p:.0%} within {rules.horizon_min} min"
    yield Condition(FORECAST, priority, technical=False, text=text, since_s=facts.raised_s)


def _unavailable(facts: Facts, now_s: float, rules: AlarmRules) -> Iterator[Condition]:
    if facts.faults or not expired(facts, now_s, rules):
        return
    why = facts.decision.reason if facts.decision else None
    # A case's first minutes lack nothing but time: said, and not escalated, or every case would begin so.
    warming_up = why is not None and why.startswith(SHORT_HISTORY)
    long = now_s - facts.risk_s >= rules.unavailable_medium_s and not warming_up
    yield Condition(
        UNAVAILABLE,
        Priority.MEDIUM if long else Priority.LOW,
        technical=True,
        text=f"{UNAVAILABLE}: {why or 'no decision'}",
    )


def _fault(facts: Facts) -> Iterator[Condition]:
    if facts.faults and facts.decision:
        why = facts.decision.reason if facts.decision.state == "fault" else f"{facts.faults} in a row"
        yield Condition(FAULT, Priority.MEDIUM, technical=True, text=f"{FAULT}: {why}")


def _feeds_lost(facts: Facts) -> Iterator[Condition]:
    for feed in facts.lost:
        text = f"{FEED_LOST}: {feed.feed}: {feed.reason}, quiet for {feed.silent_s:.0f} s"
        yield Condition(FEED_LOST, Priority.LOW, technical=True, text=text, source=feed.feed)


def _parts_failed(facts: Facts) -> Iterator[Condition]:
    for failed in facts.failed:
        priority = Priority.MEDIUM if failed.primary else PART_PRIORITIES[failed.part]
        text = f"{failed.part}: {failed.source}: {failed.reason}"
        yield Condition(str(failed.part), priority, technical=True, text=text, source=failed.source)
