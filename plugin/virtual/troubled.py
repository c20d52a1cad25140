"""A virtual monitor in trouble: any of them, behind a line that goes wrong as ordered, sans-IO.

    TroubledMonitor(build, patient, orders)    `build` makes the monitor, at first and after each reboot

It is itself a VirtualMonitor, so that every line carries it. What a protocol has its own words for is asked
of the monitor (monitor.CanRefuse, monitor.HasDemo); one that cannot refuse has its connection closed, and
what closes or breaks a connection is told to the line (`link`). Noise and cuts hit both directions. A
drifting clock is the monitor's alone: its patient lives in true time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from barocast.plugin.virtual.damage import cut, noisy
from barocast.plugin.virtual.drift import DriftingClock
from barocast.plugin.virtual.monitor import CanRefuse, HasDemo, Link, link_of
from barocast.plugin.virtual.troubles import Trouble
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from barocast.plugin.virtual.monitor import VirtualMonitor
    from barocast.plugin.virtual.source import Source
    from barocast.plugin.virtual.troubles import Order
    from barocast.runtime.domain import Floats

    Build: TypeAlias = Callable[[Source, float], VirtualMonitor]
    """(patient, seconds told since the first start) -> a monitor that starts now."""

HIT_SHARE: Final = 0.5
"""Of deliveries, under noise and under cuts."""
_LINKS: Final = ((Trouble.HALF_OPEN, Link.GONE), (Trouble.REBOOT, Link.SHUT), (Trouble.SILENCE, Link.MUTE))
"""The worst first."""


class TroubledMonitor:
    """One monitor and its plan (monitor.VirtualMonitor, monitor.HasLink).

    `checked`: whether its wire format has a check sum (damage). Raises SettingsError for a demo mode that
    the monitor does not have.
    """

    def __init__(
        self, build: Build, patient: Source, orders: Iterable[Order], *, seed: int = 0, checked: bool = True
    ) -> None:
        self.orders = tuple(orders)
        self.clock = DriftingClock(self.orders)
        self.booted_s: list[float] = []
        """When the monitor was started: told seconds since the first start."""
        self._build, self._patient, self._checked = build, patient, checked
        self._dice = random.Random(seed)  # noqa: S311 - damage is no secret
        self._first_s: float | None = None
        self._said = b""
        """What the monitor has said that was not asked for yet."""
        self._fresh = True
        """Whether the monitor has not had a turn yet: its time begins with the first."""
        self._boot(0.0)
        if self._ordered(Trouble.DEMO) and not isinstance(self._monitor, HasDemo):
            raise SettingsError(f"fault demo: {type(self._monitor).__name__} has no such mode; order another")

    @property
    def associated(self) -> bool:
        """Whether the monitor has a client; never where its protocol knows no such thing."""
        return bool(getattr(self._monitor, "associated", False))

    def begin(self, now_s: float) -> float:
        """Let its time begin, unless it has; give when it did. Without this the first turn begins it."""
        if self._first_s is None:
            self._first_s = now_s
        return self._first_s

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Take what the client sent; give the answer."""
        t_s = self._turn(now_s)
        if self._link(t_s) is not Link.UP:
            return b""
        said = self._monitor.receive(self._hit(data, t_s), self.clock.told_s(t_s))
        return self._hit(self._pending() + said, t_s)

    def due(self, now_s: float) -> bytes:
        """Give what time alone makes due."""
        t_s = self._turn(now_s)
        link = self._link(t_s)
        if link not in (Link.UP, Link.MUTE):
            return b""
        said = self._pending() + self._monitor.due(self.clock.told_s(t_s))
        return self._hit(said, t_s) if link is Link.UP else b""

    def link(self, now_s: float) -> Link:
        """Give the state of the line."""
        return self._link(self._turn(now_s))

    def _turn(self, now_s: float) -> float:
        """Start anew when a reboot is over, enter and leave modes; give seconds since the first turn."""
        t_s = now_s - self.begin(now_s)
        if sum(order.ends_s <= t_s for order in self._ordered(Trouble.REBOOT)) >= len(self.booted_s):
            self._boot(self.clock.told_s(t_s))
        self._refuse(on=self._holds(Trouble.REFUSE, t_s))
        self._demonstrate(on=self._holds(Trouble.DEMO, t_s))
        if self._fresh:
            self._said += self._monitor.due(self.clock.told_s(t_s))
            self._fresh = False
        return t_s

    def _boot(self, told_s: float) -> None:
        self.booted_s.append(told_s)
        self._monitor = self._build(_Living(self._patient, self.clock, told_s), told_s)
        self._refusing = self._in_demo = False
        self._said, self._fresh = b"", True

    def _refuse(self, *, on: bool) -> None:
        if on is not self._refusing and isinstance(self._monitor, CanRefuse):
            self._said += self._monitor.refuse(on=on)
        self._refusing = on

    def _demonstrate(self, *, on: bool) -> None:
        if on is not self._in_demo and isinstance(self._monitor, HasDemo):
            self._monitor.demonstrate(on=on)
        self._in_demo = on

    def _link(self, t_s: float) -> Link:
        if self._refusing and not isinstance(self._monitor, CanRefuse):
            return Link.SHUT
        own = link_of(self._monitor, self.clock.told_s(t_s))
        return next((link for trouble, link in _LINKS if self._holds(trouble, t_s)), own)

    def _pending(self) -> bytes:
        said, self._said = self._said, b""
        return said

    def _hit(self, data: bytes, t_s: float) -> bytes:
        for trouble, damage in ((Trouble.NOISE, noisy), (Trouble.CUT, cut)):
            if self._holds(trouble, t_s) and self._dice.random() < HIT_SHARE:
                data = damage(data, self._dice, checked=self._checked)
        return data

    def _ordered(self, trouble: Trouble) -> list[Order]:
        return [order for order in self.orders if order.trouble is trouble]

    def _holds(self, trouble: Trouble, t_s: float) -> bool:
        return any(order.holds(t_s) for order in self.orders if order.trouble is trouble)


@dataclass(frozen=True, slots=True)
class _Living:
    """The patient as one start of the monitor sees it (source.Source): its time 0 is that start."""

    patient: Source
    clock: DriftingClock
    booted_s: float

    def numerics(self, t_s: float) -> dict[str, float]:
        """Give what is measured `t_s` told seconds after the start."""
        return self.patient.numerics(self.clock.true_s(self.booted_s + t_s))

    def wave(self, channel: str, t_s: float, n: int, rate_hz: float) -> Floats:
        """Give samples from then on; within one packet no drift is felt."""
        return self.patient.wave(channel, self.clock.true_s(self.booted_s + t_s), n, rate_hz)
