"""What the alarm machine knows, and which conditions that makes true.

    learn(facts, event, now, rules) -> (facts, suppressed)    an event in
    true_conditions(facts, now, rules) -> [Condition, ...]    derived afresh at every step

Conditions follow from the facts of now, never from an edge: one that is already true at start is
raised, and a missed event cannot leave one hanging. Risks that raise nothing (held back by the
refractory, or over the hourly budget) come out as `suppressed`, to be logged: none is dropped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from barocast.calibration.trigger import Trigger, advance
from barocast.runtime.alarm_events import AlarmEvent, Condition, DecisionSummary, FeedBack, FeedLost
from barocast.runtime.alarm_rules import AlarmRules, Priority
from barocast.runtime.domain import HORIZONS_MIN, Abstain, Fault, Risk
from barocast.runtime.timeline import SHORT_HISTORY

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR_S = 3600.0

FORECAST = "forecast hypotension"
FREQUENT = "frequent forecasts"
UNAVAILABLE = "forecast not available"
FAULT = "forecast fault"
FEED_LOST = "feed lost"


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything learnt so far that a condition may depend on."""

    risk_s: float
    """When the latest usable risk came; the start, before the first."""
    decision: DecisionSummary | None = None
    trigger: Trigger = field(default_factory=Trigger)
    escalation: Trigger = field(default_factory=Trigger)
    coalesced: bool = False
    """The running activation is over the budget."""
    activations_s: tuple[float, ...] = ()
    """Activations within the budget, of the last hour."""
    excess_s: tuple[float, ...] = ()
    """Activations over the budget, of the last hour."""
    faults: int = 0
    """Faults since the latest usable risk: only a risk proves the model well."""
    lost: tuple[FeedLost, ...] = ()
    """Feeds that are quiet, by name."""


def learn(facts: Facts, event: AlarmEvent, now_s: float, rules: AlarmRules) -> tuple[Facts, list[str]]:
    """Take in one event; give why a risk raised nothing of its own, if one did."""
    if isinstance(event, Risk) and (why := why_unusable(event)):
        event = Fault(event.t_s, why)
    if isinstance(event, Risk):
        return _learn_risk(facts, event, now_s, rules)
    return _learn_other(facts, event), []


def why_unusable(risk: Risk) -> str | None:
    """Say what in a Risk cannot be meant (NaN, out of 0 to 1, wrong length); None when it is sound."""
    if len(risk.p) != len(HORIZONS_MIN) or not all(0.0 <= p <= 1.0 for p in risk.p):
        return f"risk is no probability: {', '.join(f'{p:g}' for p in risk.p)}"
    curves = (risk.forecast.minutes, risk.forecast.q10, risk.forecast.q50, risk.forecast.q90)
    if not all(math.isfinite(v) for curve in curves for v in curve):
        return "forecast is not finite"
    if not all(math.isfinite(share) for share in risk.forecast.gates.values()):
        return "gates are not finite"
    return None


def _learn_other(facts: Facts, event: AlarmEvent) -> Facts:
    if isinstance(event, Abstain):
        return replace(facts, decision=DecisionSummary(event.t_s, "abstain", event.reason, None))
    if isinstance(event, Fault):
        said = DecisionSummary(event.t_s, "fault", event.reason, None)
        return replace(facts, decision=said, faults=facts.faults + 1)
    if isinstance(event, FeedLost | FeedBack):
        others = (feed for feed in facts.lost if feed.feed != event.feed)
        lost = (*others, event) if isinstance(event, FeedLost) else tuple(others)
        return replace(facts, lost=lost)
    return facts


def _learn_risk(facts: Facts, risk: Risk, now_s: float, rules: AlarmRules) -> tuple[Facts, list[str]]:
    p = risk.p[rules.horizon]
    escalation, escalated = facts.escalation, False
    if rules.escalation is not None:
        escalation, escalated = advance(escalation, p, now_s, rules.escalation)
    trigger, fired = advance(facts.trigger, p, now_s, rules.trigger, urgent=escalation.active)
    suppressed = []
    if trigger.held and not facts.trigger.held:
        left_s = facts.trigger.fired_s + rules.trigger.refractory_s - now_s
        suppressed.append(f"refractory: {left_s:.0f} s left")
    facts = replace(
        facts,
        risk_s=now_s,
        decision=DecisionSummary(risk.t_s, "forecast", None, risk.p),
        trigger=trigger,
        escalation=escalation,
        faults=0,
    )
    if fired or (escalated and facts.coalesced):
        facts = _activate(facts, now_s, rules)
        if facts.coalesced:
            suppressed.append(f"budget: {rules.budget_per_h} activations within the hour")
    return facts, suppressed


def _activate(facts: Facts, now_s: float, rules: AlarmRules) -> Facts:
    """Count an activation as its own, or as one more over the budget; an escalation is always its own."""
    own = _last_hour(facts.activations_s, now_s)
    excess = _last_hour(facts.excess_s, now_s)
    coalesced = len(own) >= rules.budget_per_h and not facts.escalation.active
    if coalesced:
        return replace(facts, coalesced=True, activations_s=own, excess_s=(*excess, now_s))
    return replace(facts, coalesced=False, activations_s=(*own, now_s), excess_s=excess)


def _last_hour(times_s: tuple[float, ...], now_s: float) -> tuple[float, ...]:
    return tuple(t for t in times_s if now_s - t < HOUR_S)


def score(facts: Facts, rules: AlarmRules) -> float | None:
    """Raw risk of the latest decision at the raising horizon; None when it was not a forecast."""
    if facts.decision is None or facts.decision.risk is None:
        return None
    return facts.decision.risk[rules.horizon]


def true_conditions(facts: Facts, now_s: float, rules: AlarmRules) -> list[Condition]:
    """List what is true now. No hole between the two: an expired forecast is `not available`."""
    return [
        *_forecast(facts, now_s, rules),
        *_unavailable(facts, now_s, rules),
        *_fault(facts),
        *_feeds_lost(facts),
    ]


def expired(facts: Facts, now_s: float, rules: AlarmRules) -> bool:
    """Whether the latest risk is too old to stand for the patient of now."""
    return now_s - facts.risk_s >= rules.unavailable_low_s


def _forecast(facts: Facts, now_s: float, rules: AlarmRules) -> Iterator[Condition]:
    if not facts.trigger.active or expired(facts, now_s, rules):
        return
    if facts.coalesced:
        text = f"frequent forecasts: {len(facts.excess_s)} beyond {rules.budget_per_h} in the last hour"
        yield Condition(FREQUENT, Priority.LOW, technical=False, text=text, latching=True)
        return
    priority = Priority.MEDIUM if facts.escalation.active else rules.forecast_priority
    p = facts.trigger.recent[-1][1]
    text = f"hypotension forecast: {p:.0%} within {rules.horizon_min} min"
    yield Condition(FORECAST, priority, technical=False, text=text)


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
