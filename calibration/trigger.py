"""When a run of risks becomes one activation: k of n, hysteresis, refractory.

    advance(trigger, p, t_s, rules) -> (trigger, fired)

The bedside alarm and the validation report call this very function, so that the alarm burden that
was measured is the alarm burden that will be met. It looks only at raw risks: a suppressor that
reads its own output back can silence itself for ever (openWakeWord#118).

      k of the last n risks >= p_on, this one too, refractory over
    armed ------------------------------------------------> active (fired)
      ^                                                       |
      +----------------------- p < p_off ---------------------+

A risk that the refractory holds back is not lost: `held` says so, and it fires when the refractory
is over if it still stands. An evaluation without a risk (an abstention) is simply not passed in.

    restarted(trigger, t_s, rules) -> trigger    armed anew: the refractory and fresh exceedances stay
"""

from __future__ import annotations

from dataclasses import dataclass

HYSTERESIS_MIN = 0.05
"""Least p_on - p_off (requirement ALM-08): below it a steady risk rings by its noise alone."""

ROUNDING = 1e-9
"""Slack for thresholds that went through decimal text: 0.35 - 0.30 < 0.05 in binary."""


@dataclass(frozen=True, slots=True)
class TriggerRules:
    """The numbers that the bundle carries. Raises ValueError where they cannot be meant."""

    p_on: float
    """Risk that counts as an exceedance, 0 to 1."""
    p_off: float
    """Risk below which an activation ends and the trigger is armed again."""
    k: int = 2
    """Exceedances needed ..."""
    n: int = 2
    """... among this many latest evaluations."""
    memory_s: float = 600.0
    """Seconds for which an exceedance counts: as long as its forecast reaches, by default 10 min."""
    refractory_s: float = 300.0
    """Seconds from one activation to the next at the soonest."""

    def __post_init__(self) -> None:
        if not 0.0 < self.p_off < self.p_on <= 1.0:
            raise ValueError(f"p_off {self.p_off} and p_on {self.p_on} must satisfy 0 < p_off < p_on <= 1")
        if self.p_on - self.p_off < HYSTERESIS_MIN - ROUNDING:
            raise ValueError(
                f"p_on - p_off must be at least {HYSTERESIS_MIN}, not {self.p_on - self.p_off:g}"
            )
        if not 1 <= self.k <= self.n:
            raise ValueError(f"k {self.k} and n {self.n} must satisfy 1 <= k <= n")
        if not (self.memory_s > 0.0 and self.refractory_s >= 0.0):
            raise ValueError("memory_s must be above 0 and refractory_s not below 0")


@dataclass(frozen=True, slots=True)
class Trigger:
    """What has to be remembered between two risks."""

    recent: tuple[tuple[float, float], ...] = ()
    """(seconds, raw risk) of the latest n evaluations, oldest first."""
    active: bool = False
    """Fired, and not below p_off since."""
    held: bool = False
    """Would fire but for the refractory."""
    fired_s: float = float("-inf")
    """Seconds at which it fired last."""


def advance(
    trigger: Trigger, p: float, t_s: float, rules: TriggerRules, *, urgent: bool = False
) -> tuple[Trigger, bool]:
    """Take one raw risk at `t_s` (seconds, never falling); say whether an activation begins now.

    `urgent` breaks the refractory (an escalation). Raises ValueError for a `p` outside 0 to 1 or
    NaN: what cannot be compared with a threshold must never pass for a low risk.
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"risk {p} at {t_s} s is no probability")
    recent = (*trigger.recent, (t_s, p))[-rules.n :]
    if trigger.active:
        stays = p >= rules.p_off
        return Trigger(recent if stays else (), stays, trigger.held, trigger.fired_s), False
    due = p >= rules.p_on and _exceedances(recent, t_s, rules) >= rules.k
    free = urgent or t_s - trigger.fired_s >= rules.refractory_s
    if due and free:
        return Trigger(recent, active=True, fired_s=t_s), True
    return Trigger(recent, held=due, fired_s=trigger.fired_s), False


def restarted(trigger: Trigger, t_s: float, rules: TriggerRules) -> Trigger:
    """Arm anew at `t_s`, seconds, what nothing vouches for any more; when it fired last is kept."""
    recent = tuple(seen for seen in trigger.recent if t_s - seen[0] <= rules.memory_s)
    return Trigger(recent, fired_s=trigger.fired_s)


def _exceedances(recent: tuple[tuple[float, float], ...], t_s: float, rules: TriggerRules) -> int:
    return sum(p >= rules.p_on and t_s - at_s <= rules.memory_s for at_s, p in recent)
