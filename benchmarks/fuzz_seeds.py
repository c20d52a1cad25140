"""Sound inputs of every feed, made by the virtual monitors and by small writers: what the fuzzer damages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from barocast.plugin.feeds import find_feed
from barocast.plugin.virtual.dri import VirtualDri
from barocast.plugin.virtual.hl7 import VirtualHl7
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.virtual.monitor import VirtualMonitor
    from barocast.plugin.virtual.source import Source

SPOKEN_S = 12.0


def seeds(name: str) -> list[bytes]:
    """Give sound inputs of a feed; for one without a virtual monitor, bytes that look like nothing."""
    if name in _MONITORS:
        return _spoken(name, _MONITORS[name](SimulatedPatient(SCENARIOS["stable"], 1)))
    return _WRITTEN.get(name, [bytes(range(256))])


def _spoken(name: str, monitor: VirtualMonitor) -> list[bytes]:
    make = find_feed(name).session
    if make is None:
        raise ValueError(f"{name} has a virtual monitor and no session")
    session, said, reply = make(), [], b""
    for tick in range(round(SPOKEN_S * 10)):
        now_s = tick / 10
        heard = monitor.receive(reply, now_s) + monitor.due(now_s)
        _, answer = session.receive(heard, now_s)
        reply = answer + session.due(now_s)
        said += [heard] if heard else []
    return said


_MONITORS: dict[str, Callable[[Source], VirtualMonitor]] = {
    "dri": lambda who: VirtualDri(who, started_s=0),
    "hl7": VirtualHl7,
    "intellivue-serial": VirtualIntelliVue,
}
_WRITTEN: dict[str, list[bytes]] = {
    "masimo": [
        b"03/19/16 13:37:12 SN=0000093112 SPO2=098% BPM=064 DESAT=-- PIDELTA=+-- ALARM=0000 EXC=000000\r\n"
    ],
}
