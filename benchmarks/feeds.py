"""Bytes to events on one core: IntelliVue and DRI against their lines, HL7 against two packages.

The bytes are real captures where there are any (captures.py), and what our own virtual monitors say, which
anyone can make. Each row is the best of REPEATS runs of a fresh decoder, fed as the line would give them.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.dri import VirtualDri
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.runtime.decoders import mib
from barocast.runtime.decoders.dri import DriDecoder
from barocast.runtime.decoders.intellivue import IntelliVueDecoder
from barocast.runtime.decoders.intellivue_framing import Datagrams
from benchmarks import hl7_speed, machine
from benchmarks.captures import captured, logged
from benchmarks.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.runtime.sessions.session import Decoder

REPEATS: Final = 7
PIECE: Final = 512
"""Bytes that a serial port gives at once: 44 ms at 115,200 baud."""
SPOKEN_S: Final = 300.0
"""Seconds of a virtual monitor's day."""
INTELLIVUE_LINE: Final = 11_520.0
"""Bytes a second at 115,200 baud, 8N1."""
DRI_LINE: Final = 19_200 / 11
"""Bytes a second at 19,200 baud, 8E1."""

TEXT: Final = """# Feeds

`make bench ARGS=feeds` on {machine}, one core, CPU time, best of {repeats}; load average {load:.2f}.

## From bytes to events

Aim: 1,000 times a line of 115,200 baud (11,520 bytes/s). A DRI line has 19,200 baud with parity
(1,745 bytes/s). Frames cost more than bytes: a virtual IntelliVue's have 220 bytes, for it is asked for two
waves; the captured ones have 440 to 590.

| feed | bytes | MB | frames | samples | MB/s | times 115,200 baud | times its own line |
|---|---|---|---|---|---|---|---|
{rows}

# HL7, side by side

{hl7}"""


@dataclass(frozen=True, slots=True)
class Stream:
    """The bytes of one row, as they come."""

    feed: str
    origin: str
    line: float
    """Bytes a second of the feed's own line."""
    decoder: Callable[[], Decoder]
    pieces: list[bytes]


def measure() -> str:
    """Measure every stream that there is, and give the report."""
    streams = [stream for stream in (*_captured(), *_virtual()) if stream.pieces]
    load = os.getloadavg()[0]
    with machine.one_core():
        rows = [_row(stream) for stream in streams]
        hl7 = hl7_speed.measure()
    return TEXT.format(machine=machine.described(), repeats=REPEATS, load=load, rows="\n".join(rows), hl7=hl7)


def _captured() -> list[Stream]:
    mp70 = "intellivue/dd_intellivue_mp70_response.log"
    return [
        Stream("IntelliVue, serial", "capture of 370 s", INTELLIVUE_LINE, IntelliVueDecoder,
               _pieces(captured("intellivue/jvscapture_MPRawoutput1.raw"))),
        Stream("IntelliVue, serial", "capture, demo mode", INTELLIVUE_LINE, IntelliVueDecoder,
               logged(f"{mp70}.serial_05192014_demo_data")),
        Stream("IntelliVue, UDP", "capture, demo mode", INTELLIVUE_LINE, _datagrams,
               logged(f"{mp70}.UDP_05192014_demo_data")),
        Stream("IntelliVue, UDP", "capture, no transducer", INTELLIVUE_LINE, _datagrams,
               logged(f"{mp70}.sim_1module_presss_nbp_ecg_press")),
        Stream("DRI", "capture of 30 min", DRI_LINE, DriDecoder,
               _pieces(captured("ge_dri/pycollect_db00.raw"))),
        Stream("DRI", "capture of 2 min", DRI_LINE, DriDecoder,
               _pieces(captured("ge_dri/pycollect_db02.raw"))),
    ]  # fmt: skip


def _virtual() -> list[Stream]:
    waves = ("ABP_WAVE", "PLETH_WAVE")
    serial = spoken("intellivue-serial", VirtualIntelliVue(_patient(), waves=waves), SPOKEN_S)
    payloads = [found.payload for found in mib.Deframer().feed(serial) if isinstance(found, mib.Frame)]
    dri = spoken("dri", VirtualDri(_patient()), SPOKEN_S)
    return [
        Stream("IntelliVue, serial", "virtual monitor", INTELLIVUE_LINE, IntelliVueDecoder, _pieces(serial)),
        Stream("IntelliVue, UDP", "virtual monitor", INTELLIVUE_LINE, _datagrams, payloads),
        Stream("DRI", "virtual monitor", DRI_LINE, DriDecoder, _pieces(dri)),
    ]


def _patient() -> SimulatedPatient:
    return SimulatedPatient(SCENARIOS["stable"], 1)


def _datagrams() -> IntelliVueDecoder:
    return IntelliVueDecoder(Datagrams())


def _pieces(stream: bytes) -> list[bytes]:
    return [stream[at : at + PIECE] for at in range(0, len(stream), PIECE)]


def _row(stream: Stream) -> str:
    size = sum(map(len, stream.pieces))
    cpu_s, decoder = min((_decoded(stream) for _ in range(REPEATS)), key=lambda run: run[0])
    counts, rate = decoder.counts, size / cpu_s
    cells = (
        f"{size / 1e6:.2f}", f"{counts.frames:,}", f"{counts.samples:,}", f"{rate / 1e6:.1f}",
        f"{rate / INTELLIVUE_LINE:,.0f}", f"{rate / stream.line:,.0f}",
    )  # fmt: skip
    return f"| {stream.feed} | {stream.origin} | {' | '.join(cells)} |"


def _decoded(stream: Stream) -> tuple[float, Decoder]:
    """Decode it all; give the seconds of CPU time that it took."""
    decoder = stream.decoder()
    started = time.process_time()
    for piece in stream.pieces:
        decoder.feed(piece)
    return time.process_time() - started, decoder
