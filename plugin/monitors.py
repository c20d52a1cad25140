"""The feeds that Barocast itself can read, as values behind the entry points of `barocast.monitors`."""

from __future__ import annotations

from typing import Final

from barocast.plugin.feeds import Feed
from barocast.runtime.decoders.bis import BisDecoder
from barocast.runtime.decoders.dri import DriDecoder
from barocast.runtime.decoders.hl7 import Hl7Decoder
from barocast.runtime.decoders.hl7_demographics import Hl7Demographics
from barocast.runtime.decoders.hl7_file import FileDeframer
from barocast.runtime.decoders.intellivue import IntelliVueDecoder
from barocast.runtime.decoders.intellivue_demographics import IntelliVueDemographics
from barocast.runtime.decoders.intellivue_framing import DATAGRAMS, SERIAL
from barocast.runtime.decoders.intellivue_log import StampedLog
from barocast.runtime.decoders.masimo import MasimoDecoder
from barocast.runtime.decoders.medibus import MedibusDecoder
from barocast.runtime.decoders.sdc import SdcDecoder
from barocast.runtime.decoders.vital import VitalDecoder
from barocast.runtime.sessions.bis import BisSession
from barocast.runtime.sessions.dri import DriSession
from barocast.runtime.sessions.hl7 import SILENT_AFTER_S, Hl7Session
from barocast.runtime.sessions.intellivue import IntelliVueSession
from barocast.runtime.sessions.medibus import MedibusSession
from barocast.runtime.sessions.mindray_pds import MindrayPdsSession
from barocast.runtime.sessions.passive import PassiveSession

SERIAL_LINE: Final = ("serial", "tcp")
"""A serial port, or the TCP port of a serial server that stands for one."""

INTELLIVUE_SERIAL: Final = Feed(
    "intellivue-serial",
    IntelliVueDecoder,
    IntelliVueSession,
    SERIAL_LINE,
    stale_s=5.0,
    describer=lambda: IntelliVueDemographics(SERIAL),
)
"""Numerics every 1.024 s, waves every 0.256 s, delivered about once a second."""

INTELLIVUE_UDP: Final = Feed(
    "intellivue-udp",
    lambda: IntelliVueDecoder(StampedLog()),
    lambda: IntelliVueSession(DATAGRAMS),
    ("udp",),
    stale_s=5.0,
    describer=lambda: IntelliVueDemographics(DATAGRAMS),
)
"""The same over a LAN; recorded, a host's log of the datagrams."""

DRI: Final = Feed("dri", DriDecoder, DriSession, SERIAL_LINE, stale_s=12.5)
"""Displayed values every 5 s, the arterial wave every second; stale after two and a half intervals."""

HL7: Final = Feed(
    "hl7",
    lambda: Hl7Decoder(FileDeframer()),
    Hl7Session,
    ("tcp", "tcp-listen", "tls", "tls-listen"),
    stale_s=SILENT_AFTER_S,
    describer=Hl7Demographics,
)
"""Gateways send every 1 to 60 s, and none says which: lost after 2.5 periods of the slowest, as the session
counts it silent."""

MINDRAY_PDS: Final = Feed(
    "mindray-pds", lambda: Hl7Decoder(FileDeframer()), MindrayPdsSession, ("tcp",), stale_s=10.0
)
"""A Mindray monitor that is queried (port 4601), every second."""

BIS: Final = Feed("bis", BisDecoder, BisSession, SERIAL_LINE, stale_s=5.0)
"""Depth of anaesthesia, every second."""

MEDIBUS: Final = Feed("medibus", MedibusDecoder, MedibusSession, SERIAL_LINE, stale_s=12.5)
"""Ventilation and gases, asked for every 5 s."""

MASIMO: Final = Feed(
    "masimo", MasimoDecoder, lambda: PassiveSession(MasimoDecoder()), SERIAL_LINE, stale_s=5.0
)
"""Pulse oximetry, a line a second."""

SDC: Final = Feed("sdc", SdcDecoder, lambda: PassiveSession(SdcDecoder()), ("sdc", "sdcs"), stale_s=5.0)
"""Waves several times a second, numerics as they change; needs the extra `sdc`."""

VITAL: Final = Feed("vital", VitalDecoder, session=None, schemes=(), stale_s=0.0)
"""Vital Recorder's files."""
