"""The far end of the soak: virtual IntelliVue monitors behind ptys, in a process of their own.

run in a process   open a pty a bed and send their addresses; speak in real time until something is sent back;
                   then send when each wave array was written, seconds of the monotonic clock, which both
                   processes share
"""

from __future__ import annotations

import os
import select
import time
import tty
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.intellivue_polls import BURST_TICKS
from barocast.plugin.virtual.lines import CHUNK, PACE_S
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders import mib
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import PollResult

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SCENARIO: Final = SCENARIOS["stable"]


class Wired:
    """One monitor at the near end of its pty."""

    def __init__(self, seed: int, start_ticks: int, begins_s: float) -> None:
        self.line, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.address = f"serial://{os.ttyname(self._theirs)}"
        self.written: dict[int, float] = {}
        """Relative time of a wave array, ticks -> when it was written."""
        self._monitor = VirtualIntelliVue(SimulatedPatient(SCENARIO, seed), start_ticks=start_ticks)
        self._begins_s = begins_s

    def turn(self, now_s: float, *, heard: bool) -> None:
        """Hear what has come, say what is due."""
        if now_s < self._begins_s:
            return
        told = os.read(self.line, CHUNK) if heard else b""
        said = self._monitor.receive(told, now_s) + self._monitor.due(now_s)
        if not said:
            return
        self.written |= dict.fromkeys(_arrays(said), time.monotonic())
        while said:
            said = said[os.write(self.line, said) :]


def _arrays(said: bytes) -> list[int]:
    pdus = [parse(found.payload) for found in mib.Deframer().feed(said) if isinstance(found, mib.Frame)]
    results = [pdu for pdu in pdus if isinstance(pdu, PollResult) and pdu.object_class == codes.WAVE]
    return [result.time_ticks for result in results if result.observations]


def speak(link: Connection, beds: int, start_ticks: int) -> None:
    """Be all the monitors; their bursts spread evenly over the period."""
    apart_s, now_s = BURST_TICKS / codes.TICKS_PER_S / beds, time.monotonic()
    wired = [Wired(bed, start_ticks, now_s + bed * apart_s) for bed in range(beds)]
    link.send([each.address for each in wired])
    lines = [each.line for each in wired]
    while not link.poll():
        ready, _, _ = select.select(lines, [], [], PACE_S)
        for each in wired:
            each.turn(time.monotonic(), heard=each.line in ready)
    link.send([each.written for each in wired])
