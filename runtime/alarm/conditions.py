"""What is shown follows what is true: one pure function, and the table of transitions it makes.

    reconcile(shown, true_now, now, serial) -> (shown, serial, changes)

    shown     true now              transition      occurrence
    -         yes                   raised          new
    latched   yes                   raised again    new
    active    yes, since later      raised again    new
    active    yes, higher           escalated       new
    active    yes, lower            de-escalated    same
    active    no, latching          latched         same
    any       no, otherwise         cleared         -

A new occurrence is never covered by an acknowledgement of the former one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from barocast.runtime.alarm.events import Condition, Inactivation

if TYPE_CHECKING:
    from collections.abc import Iterable

NEW_OCCURRENCE = frozenset({"raised", "raised again", "escalated"})
"""Transitions that sound anew, whatever was acknowledged before."""

LEAVING = frozenset({"cleared", "expired", "latched"})
"""Transitions by which a cause has gone; `expired` is the log's name for one that outlived its risk."""


@dataclass(frozen=True, slots=True)
class Change:
    """One transition of a condition."""

    transition: str
    condition: Condition
    """As it is shown from now on; as it was last shown when it has gone."""


def reconcile(
    shown: Iterable[Condition], true_now: Iterable[Condition], now_s: float, serial: int
) -> tuple[tuple[Condition, ...], int, list[Change]]:
    """Give what is shown from now on, highest priority and oldest first, and how it came to be."""
    was = {c.key: c for c in shown}
    true = {c.key: c for c in true_now}
    conditions: list[Condition] = []
    changes: list[Change] = []
    for key in was | true:
        transition, kept = _follow(was.get(key), true.get(key), now_s)
        if kept is not None:
            if transition in NEW_OCCURRENCE:
                serial += 1
                kept = replace(kept, occurrence=serial, inactivation=Inactivation.ENABLED)
            conditions.append(kept)
        if transition:
            changes.append(Change(transition, kept or was[key]))
    conditions.sort(key=lambda c: (-c.priority, c.since_s, c.occurrence))
    return tuple(conditions), serial, changes


def _follow(was: Condition | None, true: Condition | None, now_s: float) -> tuple[str, Condition | None]:
    """Give the transition's name, empty for none, and what is shown from now on."""
    if true is None:
        return _let_go(was)
    if was is None:
        return "raised", replace(true, since_s=now_s)
    if not was.active or true.since_s > was.since_s:
        return "raised again", replace(true, since_s=now_s)
    kept = was if true.text == was.text else replace(was, text=true.text)
    if true.priority == was.priority:
        return "", kept
    kept = replace(kept, priority=true.priority)
    return ("escalated" if true.priority > was.priority else "de-escalated"), kept


def _let_go(was: Condition | None) -> tuple[str, Condition | None]:
    if was is not None and was.latching and was.inactivation is not Inactivation.ACKNOWLEDGED:
        return ("latched" if was.active else ""), replace(was, active=False)
    return "cleared", None
