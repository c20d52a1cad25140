"""The feeds that Barocast itself can read, as values behind the entry points of `barocast.monitors`."""

from __future__ import annotations

from typing import Final

from barocast.plugin.feeds import Feed
from barocast.runtime.decoders.hl7 import Hl7Decoder
from barocast.runtime.decoders.hl7_file import FileDeframer
from barocast.runtime.decoders.intellivue import IntelliVueDecoder
from barocast.runtime.decoders.vital import VitalDecoder
from barocast.runtime.hl7_session import Hl7Session
from barocast.runtime.intellivue_session import IntelliVueSession

INTELLIVUE_SERIAL: Final = Feed("intellivue-serial", IntelliVueDecoder, IntelliVueSession, stale_s=5.0)
"""Numerics every 1.024 s, waves every 0.256 s, delivered about once a second."""

HL7: Final = Feed("hl7", lambda: Hl7Decoder(FileDeframer()), Hl7Session, stale_s=90.0)
"""Gateways send every 1 to 60 s."""

VITAL: Final = Feed("vital", VitalDecoder, session=None, stale_s=0.0)
"""Vital Recorder's files."""
