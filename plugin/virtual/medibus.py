"""A Draeger anaesthesia workstation to talk to: the other side of runtime.sessions.medibus, sans-IO.

It answers ICC and then wants to know who called, offers airway pressure and a capnogram as realtime traces,
sends the one that is configured once it is enabled, answers polls, says NOP when it has nothing else to say,
and forgets a host that stays silent. It tells no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.virtual.uptime import Uptime
from barocast.runtime.decoders import medibus_codes as codes
from barocast.runtime.decoders.medibus_message import Deframer, Message, answer, command

if TYPE_CHECKING:
    from barocast.plugin.virtual.source import Source

OFFERED: Final = b"00   16000-  10  10037006   16000-  20  100460"
"""Trace, interval in us, value at 0, value at the last bin, last bin: airway pressure, CO2 in mmHg."""
CO2: Final = b"06"
LOW, HIGH, BINS = -20.0, 100.0, 0x460
RATE_HZ: Final = 62.5
"""Of the trace, before the multiplier."""
BREATH_S: Final = 5.0
EXPIRED_FROM: Final = 0.4
"""Share of the breath after which CO2 is seen."""
PATIENCE_S: Final = 3.0
"""A host that is silent for longer is forgotten."""
NOP_EVERY_S: Final = 2
_ENABLE: Final = b"\xd0\xc1\xc1"
_FREE: Final = frozenset({codes.ICC, codes.NOP})
"""What may be said before the line is open."""


class VirtualMedibus:
    """One machine with one patient."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._on = Uptime()
        self._hang_up()

    def _hang_up(self) -> None:
        self._deframer = Deframer()
        self._open = self._enabled = False
        self._multiplier = 0
        """Every how many-th value of the capnogram is wanted; 0: none."""
        self._heard_s = 0.0

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Take the host's commands and answers; give ours."""
        self._heard_s = now_s
        self._enabled |= _ENABLE in data
        plain = bytes(octet for octet in data if not octet & 0x80)
        found = self._deframer.feed(plain, 0)
        return b"".join(self._answer(one, now_s) for one in found if isinstance(one, Message) and one.command)

    def due(self, now_s: float) -> bytes:
        """Give the capnogram and the NOPs of the seconds that have passed."""
        if self._open and now_s - self._heard_s > PATIENCE_S:
            self._hang_up()
        return b"".join(self._second(second) for second in self._on.passed(now_s))

    def _answer(self, asked: Message, now_s: float) -> bytes:
        if asked.code == codes.ICC:
            self._open = True
            return answer(codes.ICC) + command(codes.DEVICE_ID)
        if not self._open and asked.code not in _FREE:
            return b""
        if asked.code == codes.STOP:
            self._hang_up()
            return answer(codes.STOP)
        if asked.code == codes.CONFIGURE_REALTIME and asked.data[:2] == CO2:
            self._multiplier = int(asked.data[2:4], 16)
        said = self._data(asked.code, now_s)
        return answer(codes.NAK) if said is None else answer(asked.code, said)

    def _data(self, code: int, now_s: float) -> bytes | None:
        """Give what is known under a code, None when nothing is."""
        if code in (codes.NOP, codes.CONFIGURE_REALTIME):
            return b""
        if code == codes.DEVICE_ID:
            return b"0001'Virtual'"
        if code == codes.REALTIME_CONFIGURATION:
            return OFFERED
        if code != codes.DATA_PAGE_1:
            return None
        shown = self._source.numerics(now_s)
        return f"E6{shown['ETCO2']:4.0f}D6{shown['RR']:4.0f}".encode("ascii")

    def _second(self, second: int) -> bytes:
        if not self._open:
            return b""
        nop = command(codes.NOP) if second % NOP_EVERY_S == 0 else b""
        return self._capnogram(second) + nop

    def _capnogram(self, second: int) -> bytes:
        """Give one second of the trace, a group a value."""
        if not (self._enabled and self._multiplier):
            return b""
        rate_hz = RATE_HZ / self._multiplier
        index = np.arange(np.ceil((second - 1) * rate_hz), np.ceil(second * rate_hz))
        expired = index / rate_hz % BREATH_S / BREATH_S > EXPIRED_FROM
        values = np.where(expired, self._source.numerics(second)["ETCO2"], 0.0)
        counts = np.round((values - LOW) / (HIGH - LOW) * BINS).astype(int).tolist()
        return b"".join(bytes((0xD1, 0x80 | count & 0x3F, 0x80 | count >> 6)) for count in counts)
