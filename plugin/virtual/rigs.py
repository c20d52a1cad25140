"""Each client with the virtual monitor that it is put to the test against, and how exact it can be.

A rig knows how to start its monitor, which troubles its line can have, how its stamps tell when, and within
which distance a value is well placed: no closer than the device itself states value and time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Final

from barocast.plugin.monitors import DRI, HL7, INTELLIVUE_SERIAL, INTELLIVUE_UDP
from barocast.plugin.virtual.dri import VirtualDri
from barocast.plugin.virtual.hl7 import VirtualHl7
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.intellivue_lan import VirtualIntelliVueLan
from barocast.plugin.virtual.memory_line import MemoryConnection, MemoryDatagrams, MemorySerial
from barocast.plugin.virtual.tell_tale import MMHG_PER_S
from barocast.plugin.virtual.troubles import Trouble
from barocast.runtime.decoders.intellivue_codes import TICKS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from barocast.plugin.feeds import Feed
    from barocast.plugin.transports.transport import Transport
    from barocast.plugin.virtual.memory_line import HandClock
    from barocast.plugin.virtual.monitor import VirtualMonitor
    from barocast.plugin.virtual.source import Source
    from barocast.plugin.virtual.troubled import TroubledMonitor

ON_A_CABLE: Final = frozenset(
    (Trouble.NOISE, Trouble.CUT, Trouble.SILENCE, Trouble.REFUSE, Trouble.REBOOT, Trouble.DRIFT)
)
WITH_DEMO: Final = ON_A_CABLE | {Trouble.DEMO}
CONNECTED: Final = WITH_DEMO | {Trouble.HALF_OPEN}

WRAP_S: Final = (1 << 32) / TICKS_PER_S
"""After so long an IntelliVue's relative time begins anew."""
BEFORE_WRAP_S: Final = 600.0
"""At the first start of ours: the wrap falls into the test."""
STRIDE: Final = 1013.0
"""Relative clocks begin so many times the time between two starts apart, ahead or back."""
STARTED: Final = datetime(2026, 3, 2, 7, 30, tzinfo=timezone.utc)
"""First start of monitors that tell the date."""
ROUNDING_S: Final = 0.002
"""Between stamps of milliseconds, or ticks, and what they stand for."""


@dataclass(frozen=True, slots=True)
class Rig:
    """One client and its monitor."""

    feed: Feed
    build: Callable[[Source, float], VirtualMonitor]
    """As troubled.TroubledMonitor takes it."""
    told_s: Callable[[float, Sequence[float]], float]
    """(stamp, starts of the monitor) -> seconds that its clock told since the first start."""
    in_memory: Callable[[TroubledMonitor, HandClock], Callable[[], Transport]]
    """How its client opens a line to the monitor without a port (memory_line)."""
    troubles: frozenset[Trouble]
    every_s: float
    """Between two MAPs."""
    numeric_off_s: float
    """Largest distance of a well placed value from when it was measured."""
    wave_off_s: float
    """The same for a packet of waves."""
    checked: bool = True
    """Whether the wire format has a check sum (damage)."""
    weak_check: bool = False
    """Whether it lets some damage pass."""

    @property
    def connected(self) -> bool:
        """Whether its line is a connection that can be half open."""
        return Trouble.HALF_OPEN in self.troubles


def _intellivue(patient: Source, booted_s: float) -> VirtualIntelliVue:
    return VirtualIntelliVue(patient, start_ticks=int(_relative_s(booted_s) * TICKS_PER_S))


def _relative_s(booted_s: float) -> float:
    """Give the relative time with which an IntelliVue begins that is started then."""
    return round(WRAP_S - BEFORE_WRAP_S + STRIDE * booted_s) % int(WRAP_S)


def _since_start(t_s: float, booted_s: Sequence[float]) -> float:
    """Find the start that a relative time counts from: the one that it lies least after."""
    since, start_s = min(((t_s - _relative_s(start_s)) % WRAP_S, start_s) for start_s in booted_s)
    return start_s + since


def _since_first(t_s: float, _: Sequence[float]) -> float:
    """Read a date: it goes on through a reboot."""
    return t_s - STARTED.timestamp()


def _dri(patient: Source, booted_s: float) -> VirtualDri:
    return VirtualDri(patient, started_s=round(STARTED.timestamp() + booted_s))


def _hl7(patient: Source, booted_s: float) -> VirtualHl7:
    return VirtualHl7(patient, started=STARTED + timedelta(seconds=booted_s), waves=("ABP_WAVE",))


def _rounded_s(step_mmhg: float) -> float:
    """Give how far from its time a pressure may seem that is told in steps."""
    return step_mmhg / 2 / MMHG_PER_S + ROUNDING_S


def _cable(monitor: TroubledMonitor, clock: HandClock) -> Callable[[], Transport]:
    return partial(MemorySerial, monitor, clock)


def _lan(monitor: TroubledMonitor, clock: HandClock) -> Callable[[], Transport]:
    return partial(MemoryDatagrams, VirtualIntelliVueLan(monitor), clock)


def _connection(monitor: TroubledMonitor, clock: HandClock) -> Callable[[], Transport]:
    return partial(MemoryConnection, monitor, clock)


INTELLIVUE: Final = Rig(
    INTELLIVUE_SERIAL,
    _intellivue,
    _since_start,
    _cable,
    WITH_DEMO,
    every_s=1.024,
    numeric_off_s=_rounded_s(1.0),
    wave_off_s=_rounded_s(0.0625),
)
"""Numbers in whole mmHg, waves in sixteenths, times in 1/8000 s."""
INTELLIVUE_LAN: Final = replace(INTELLIVUE, feed=INTELLIVUE_UDP, in_memory=_lan)
DRI_SERIAL: Final = Rig(
    DRI,
    _dri,
    _since_first,
    _cable,
    ON_A_CABLE,
    every_s=5.0,
    numeric_off_s=1.0,
    wave_off_s=1.0,
    weak_check=True,
)
"""Its stamps are whole seconds, and its sum has 8 bits."""
HL7_PUSHED: Final = Rig(
    HL7,
    _hl7,
    _since_first,
    _connection,
    CONNECTED,
    every_s=1.0,
    numeric_off_s=_rounded_s(0.0),
    wave_off_s=_rounded_s(0.05),
    checked=False,
)
"""Times in milliseconds, pressures in six digits, waves in twentieths of a mmHg."""
RIGS: Final = (INTELLIVUE, INTELLIVUE_LAN, DRI_SERIAL, HL7_PUSHED)
