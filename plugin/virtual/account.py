"""The account of a client's time with a troubled monitor: what it believed, where, and what it missed.

    Witness    a watch that keeps whatever enters its timeline, with the time of its arrival
    Account    Witness, the monitor's orders and its clock -> the figures

The patient is a TellTale, so every value says when it was measured; the monitor's clock is known through
its drifts and starts (`told_s` below), so every stamp says where the value was placed. A MAP that should be
there and is not is explained by the trouble in which it fell, or fell at most BACK_S after; else by none.
Times are seconds since the monitor was first asked for anything.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeGuard

import numpy as np

from barocast.plugin.virtual.tell_tale import seconds_off
from barocast.plugin.virtual.troubles import Trouble
from barocast.plugin.watch import Watch
from barocast.runtime.domain import Sample, WaveChunk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from barocast.plugin.virtual.rigs import Rig
    from barocast.plugin.virtual.troubled import TroubledMonitor
    from barocast.plugin.virtual.troubles import Order
    from barocast.plugin.watch import Outcome
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Event
    from barocast.runtime.engines import Engine

BACK_S: Final = 20.0
"""A client is back by then, counted from the end of a trouble."""
MEAN: Final = "ABP_MEAN"
WATCHED: Final = (MEAN, "HR", "ABP_WAVE")
"""Channels whose values tell the time."""
DELAY_S: Final = 2.0
"""Between a measurement and its arrival: a burst of 1.024 s, and the way."""


class Witness(Watch):
    """A watch that remembers what it believed. `start_s`: when the monitor's time began."""

    def __init__(self, bundle: Bundle, engine: Engine, start_s: float) -> None:
        super().__init__(bundle, engine)
        self.seen: list[tuple[float, Sample | WaveChunk]] = []
        """(arrival, event) of each valid one that tells the time, as the timeline got it."""
        self._start_s = start_s

    def take(self, judged: Iterable[Event], now_s: float | None = None) -> list[Outcome]:
        """Keep the events; give the decisions that they made due."""
        events = list(judged)
        heard_s = (now_s or 0.0) - self._start_s
        self.seen += [(heard_s, event) for event in events if _counts(event)]
        return super().take(events, now_s)


@dataclass(frozen=True, slots=True)
class Placed:
    """One believed event."""

    heard_s: float
    """When it came."""
    place_s: float
    """Where it was put, in the patient's own time."""
    off_s: float
    """By how much that is not when it was measured."""
    channel: str
    is_wave: bool


@dataclass(slots=True)
class Account:
    """The figures of one client."""

    received: int = 0
    """Different MAPs."""
    explained: Counter[str] = field(default_factory=Counter)
    """Trouble -> MAPs missed for it."""
    unexplained: list[float] = field(default_factory=list)
    """Where a MAP is missed for no reason."""
    misplaced: list[Placed] = field(default_factory=list)
    altered: list[Placed] = field(default_factory=list)
    """Values that damage changed and the format's check let pass."""
    worst_off_s: dict[str, float] = field(default_factory=dict)
    """`numeric`, `wave` -> largest distance of a value that is well placed."""
    back_s: list[tuple[Order, float]] = field(default_factory=list)
    """Trouble and how long after its end the first MAP came; infinite if none did."""
    demo_believed: int = 0

    @property
    def expected(self) -> int:
        """MAPs that an untroubled monitor would have told."""
        return self.received + self.explained.total() + len(self.unexplained)


def account(witness: Witness, monitor: TroubledMonitor, rig: Rig, seconds: float) -> Account:
    """Judge what was seen of the first `seconds`."""
    placed = [_placed(heard_s, event, monitor, rig) for heard_s, event in witness.seen]
    orders = [order for order in monitor.orders if order.trouble is not Trouble.DRIFT]
    told = Account()
    for one in placed:
        _weigh(one, told, rig, orders)
    means = [one for one in placed if one.channel == MEAN]
    places_s = sorted({one.place_s for one in means})
    told.received = len(places_s)
    for at_s in _missed(places_s, rig.every_s, seconds):
        _explain(at_s, told, orders)
    heard_s = [one.heard_s for one in means]
    told.back_s = [(order, _back_s(order, heard_s)) for order in orders if order.ends_s + BACK_S <= seconds]
    return told


def _counts(event: Event) -> TypeGuard[Sample | WaveChunk]:
    return isinstance(event, Sample | WaveChunk) and event.valid and event.channel in WATCHED


def _placed(heard_s: float, event: Sample | WaveChunk, monitor: TroubledMonitor, rig: Rig) -> Placed:
    told_s = rig.told_s(event.t_s or 0.0, monitor.booted_s)
    place_s, channel = monitor.clock.true_s(told_s), str(event.channel)
    if isinstance(event, Sample):
        off_s = seconds_off(channel, np.array([event.value]), np.array([place_s]))
    else:
        off_s = seconds_off(channel, event.values, place_s + np.arange(len(event.values)) / event.rate_hz)
    return Placed(heard_s, place_s, float(np.nanmedian(off_s)), channel, isinstance(event, WaveChunk))


def _weigh(one: Placed, told: Account, rig: Rig, orders: list[Order]) -> None:
    """Note a value that stands in the wrong place, or that nobody should have believed."""
    kind, limit_s = ("wave", rig.wave_off_s) if one.is_wave else ("numeric", rig.numeric_off_s)
    if abs(one.off_s) <= limit_s:
        told.worst_off_s[kind] = max(told.worst_off_s.get(kind, 0.0), abs(one.off_s))
    elif rig.weak_check and _during(orders, one.heard_s, (Trouble.NOISE, Trouble.CUT)):
        told.altered.append(one)
    else:
        told.misplaced.append(one)
    told.demo_believed += any(_in_demo(one, order, rig) for order in orders if order.trouble is Trouble.DEMO)


def _in_demo(one: Placed, order: Order, rig: Rig) -> bool:
    """Whether it was measured and heard in demo mode; a period at either end is in doubt.

    What a gateway stored then and sends afterwards it sends in the mode of afterwards.
    """
    inside = order.at_s + rig.every_s < one.place_s < order.ends_s - rig.every_s
    return inside and one.heard_s < order.ends_s


def _during(orders: list[Order], t_s: float, troubles: tuple[Trouble, ...]) -> bool:
    return any(order.at_s <= t_s < order.ends_s + DELAY_S for order in orders if order.trouble in troubles)


def _missed(places_s: list[float], every_s: float, seconds: float) -> Iterator[float]:
    for before_s, after_s in pairwise([-every_s, *places_s, seconds - DELAY_S]):
        for n in range(1, round((after_s - before_s) / every_s)):
            yield before_s + n * every_s


def _explain(at_s: float, told: Account, orders: list[Order]) -> None:
    """Find what a missed MAP was missed for: the last trouble that began before it."""
    begun = [order for order in orders if order.at_s - DELAY_S <= at_s < order.ends_s + BACK_S]
    if begun:
        told.explained[begun[-1].trouble.value] += 1
    elif at_s < BACK_S:
        told.explained["start"] += 1
    else:
        told.unexplained.append(at_s)


def _back_s(order: Order, heard_s: list[float]) -> float:
    return min((at_s - order.ends_s for at_s in heard_s if at_s >= order.ends_s), default=math.inf)
