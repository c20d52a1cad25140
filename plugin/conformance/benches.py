"""The benches of our own feeds, as values behind the entry points of `barocast.virtual_monitors`.

Behind all of them is one simulated patient, who does not change by being looked at.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Final

from barocast.plugin.conformance.bench import Bench
from barocast.plugin.conformance.cable import Cable
from barocast.plugin.virtual.bis import VirtualBis
from barocast.plugin.virtual.dri import VirtualDri
from barocast.plugin.virtual.hl7 import VirtualHl7
from barocast.plugin.virtual.hl7_queried import VirtualPds
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.intellivue_lan import VirtualIntelliVueLan
from barocast.plugin.virtual.masimo import VirtualMasimo
from barocast.plugin.virtual.medibus import VirtualMedibus
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.plugin.virtual.sdc import VirtualSdc
from barocast.plugin.virtual.vital_file import vital_file
from barocast.runtime.decoders.intellivue_framing import DATAGRAMS
from barocast.runtime.sessions.intellivue import IntelliVueSession

SEED: Final = 17
RECORD_S: Final = 60
STARTED: Final = datetime(2026, 3, 2, 7, 30)  # noqa: DTZ001 - a log's stamps state no zone
ADDRESS: Final = ("127.0.0.1", 24105)


@cache
def _patient() -> SimulatedPatient:
    return SimulatedPatient(SCENARIOS["drift"], SEED)


class LanBed:
    """A virtual IntelliVue on a LAN with one client: its datagrams, and its calls while it has none."""

    def __init__(self) -> None:
        self._lan = VirtualIntelliVueLan(VirtualIntelliVue(_patient()))

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Take one datagram; give the answers."""
        return self._lan.receive(data, ADDRESS, now_s)

    def due(self, now_s: float) -> list[bytes]:
        """Give what time makes due."""
        return [*self._lan.due(now_s), *self._lan.call(now_s)]


def _log() -> bytes:
    """Give what a host would log of a LAN: each datagram behind its stamp."""
    cable = Cable(IntelliVueSession(DATAGRAMS), LanBed())
    cable.run(RECORD_S)
    return b"".join(_stamp(at_s) + datagram for at_s, datagram in cable.said)


def _stamp(at_s: float) -> bytes:
    moment = STARTED + timedelta(seconds=at_s)
    return f"{moment:%Y/%m/%dT%H:%M:%S},{moment.microsecond // 1000:03}".encode("ascii")


INTELLIVUE_SERIAL_BENCH: Final = Bench(lambda: VirtualIntelliVue(_patient()))
INTELLIVUE_UDP_BENCH: Final = Bench(LanBed, _log)
DRI_BENCH: Final = Bench(lambda: VirtualDri(_patient()))
HL7_BENCH: Final = Bench(lambda: VirtualHl7(_patient(), waves=("ABP_WAVE",)))
MINDRAY_PDS_BENCH: Final = Bench(lambda: VirtualPds(_patient()))
BIS_BENCH: Final = Bench(lambda: VirtualBis(_patient()))
MEDIBUS_BENCH: Final = Bench(lambda: VirtualMedibus(_patient()))
MASIMO_BENCH: Final = Bench(lambda: VirtualMasimo(_patient()))
SDC_BENCH: Final = Bench(lambda: VirtualSdc(_patient()))
VITAL_BENCH: Final = Bench(recording=lambda: vital_file(_patient(), RECORD_S))
