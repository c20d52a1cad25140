"""What the alarm machine knows, learnt from one event at a time.

    learn(facts, event, now, rules) -> (facts, suppressed)

Risks that raise nothing (held back by the refractory, or over the hourly budget) come out as `suppressed`,
to be logged: none is dropped. What the facts make true is in truth.py.

A Risk of a patient who is hypotensive already proves that the forecast works and may end what stands,
but raises nothing: validation counts no alarm at such a moment. An activation that stands for a whole
horizon is raised again as a new occurrence if the risk is still above p_on, else it ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from barocast.calibration.trigger import Trigger, advance, restarted
from barocast.runtime.alarm.events import DecisionSummary, FeedBack, FeedLost, NewCase, PartFailed, PartWell
from barocast.runtime.domain import HORIZONS_MIN, Abstain, Fault, Risk

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import AlarmEvent
    from barocast.runtime.alarm.rules import AlarmRules

HOUR_S = 3600.0

FORECAST = "forecast hypotension"
FREQUENT = "frequent forecasts"

BELOW = "risk below p_off"


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything learnt so far that a condition may depend on."""

    risk_s: float
    """When the latest usable risk came; the start, before the first."""
    decision: DecisionSummary | None = None
    trigger: Trigger = field(default_factory=Trigger)
    escalation: Trigger = field(default_factory=Trigger)
    raised_s: float = -math.inf
    """When the running activation was raised, or raised again."""
    ended: str = ""
    """Why the latest activation ended."""
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
    failed: tuple[PartFailed, ...] = ()
    """Parts that do not work, by what and which they are."""


def learn(facts: Facts, event: AlarmEvent, now_s: float, rules: AlarmRules) -> tuple[Facts, list[str]]:
    """Take in one event; give why a risk raised nothing of its own, if one did."""
    if isinstance(event, Risk) and (why := why_unusable(event)):
        event = Fault(event.t_s, why)
    if isinstance(event, Risk):
        return _learn_risk(facts, event, now_s, rules)
    return _learn_other(facts, event, now_s), []


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


def _learn_other(facts: Facts, event: AlarmEvent, now_s: float) -> Facts:
    if isinstance(event, Abstain):
        return replace(facts, decision=DecisionSummary(event.t_s, "abstain", event.reason, None))
    if isinstance(event, Fault):
        said = DecisionSummary(event.t_s, "fault", event.reason, None)
        return replace(facts, decision=said, faults=facts.faults + 1)
    if isinstance(event, FeedLost | FeedBack):
        others = (feed for feed in facts.lost if feed.feed != event.feed)
        lost = (*others, event) if isinstance(event, FeedLost) else tuple(others)
        return replace(facts, lost=lost)
    if isinstance(event, PartFailed | PartWell):
        well = tuple(p for p in facts.failed if (p.part, p.source) != (event.part, event.source))
        return replace(facts, failed=(*well, event) if isinstance(event, PartFailed) else well)
    if isinstance(event, NewCase):
        kept = facts.decision if facts.faults else None
        return Facts(now_s, kept, faults=facts.faults, lost=facts.lost, failed=facts.failed)
    return facts


def _learn_risk(facts: Facts, risk: Risk, now_s: float, rules: AlarmRules) -> tuple[Facts, list[str]]:
    p = risk.p[rules.horizon]
    if expired(facts, now_s, rules):
        facts = _after_gap(facts, risk, now_s, rules)
    facts = replace(
        facts, risk_s=now_s, decision=DecisionSummary(risk.t_s, "forecast", None, risk.p), faults=0
    )
    if risk.hypotensive:
        return _clear_only(facts, p, now_s, rules), []
    return _advance(_after_horizon(facts, p, now_s, rules), p, now_s, rules)


def _after_gap(facts: Facts, risk: Risk, now_s: float, rules: AlarmRules) -> Facts:
    """Raise an activation again that is still met within its memory; any other ended with its last risk."""
    age_s = now_s - facts.risk_s
    still_met = risk.p[rules.horizon] >= rules.trigger.p_on and not risk.hypotensive
    if facts.trigger.active and still_met and age_s <= rules.trigger.memory_s:
        return replace(facts, raised_s=now_s)
    return _restart(facts, now_s, rules, f"no risk for {age_s:.0f} s")


def _after_horizon(facts: Facts, p: float, now_s: float, rules: AlarmRules) -> Facts:
    """Let no forecast outlive its horizon: it is made anew, unacknowledged, or it ends."""
    if not facts.trigger.active or now_s - facts.raised_s < rules.horizon_min * 60:
        return facts
    if p >= rules.trigger.p_on:
        return replace(facts, raised_s=now_s)
    return _restart(facts, now_s, rules, "horizon passed, risk below p_on")


def _restart(facts: Facts, now_s: float, rules: AlarmRules, why: str) -> Facts:
    ended = why if facts.trigger.active else facts.ended
    trigger = restarted(facts.trigger, now_s, rules.trigger)
    return replace(facts, trigger=trigger, escalation=Trigger(), ended=ended)


def _clear_only(facts: Facts, p: float, now_s: float, rules: AlarmRules) -> Facts:
    """Take a risk of a patient who is hypotensive already: it may end what stands, and begins nothing."""
    if facts.escalation.active and rules.escalation is not None and p < rules.escalation.p_off:
        facts = replace(facts, escalation=advance(facts.escalation, p, now_s, rules.escalation)[0])
    if facts.trigger.active and p < rules.trigger.p_off:
        facts = replace(facts, trigger=advance(facts.trigger, p, now_s, rules.trigger)[0], ended=BELOW)
    return facts


def _advance(facts: Facts, p: float, now_s: float, rules: AlarmRules) -> tuple[Facts, list[str]]:
    was, escalation, escalated = facts.trigger, facts.escalation, False
    if rules.escalation is not None:
        escalation, escalated = advance(escalation, p, now_s, rules.escalation)
    trigger, fired = advance(was, p, now_s, rules.trigger, urgent=escalation.active)
    ended = BELOW if was.active and not trigger.active else facts.ended
    facts = replace(facts, trigger=trigger, escalation=escalation, ended=ended)
    suppressed = []
    if trigger.held and not was.held:
        left_s = was.fired_s + rules.trigger.refractory_s - now_s
        suppressed.append(f"refractory: {left_s:.0f} s left")
    if fired or (escalated and facts.coalesced):
        facts = _activate(facts, now_s, rules)
        if facts.coalesced:
            suppressed.append(f"budget: {rules.budget_per_h} activations within the hour")
    return facts, suppressed


def _activate(facts: Facts, now_s: float, rules: AlarmRules) -> Facts:
    """Count an activation as its own, or as one more over the budget; an escalation is always its own."""
    own = _last_hour(facts.activations_s, now_s)
    excess = _last_hour(facts.excess_s, now_s)
    facts = replace(facts, raised_s=now_s)
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


def expired(facts: Facts, now_s: float, rules: AlarmRules) -> bool:
    """Whether the latest risk is too old to stand for the patient of now."""
    return now_s - facts.risk_s >= rules.unavailable_low_s
