"""A virtual IntelliVue on a LAN: the same monitor, each payload a datagram of its own, sans-IO.

It serves one client at one address and port, refuses others, and calls for a client while it has none:
at once, then after 4 s, and each time after twice as long, up to 64 s. Its call tells who it is and where to
ask.
"""

from __future__ import annotations

from itertools import starmap
from typing import Final, Protocol, TypeAlias

from barocast.plugin.virtual.monitor import Link, VirtualMonitor, link_of
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders import mib
from barocast.runtime.decoders.intellivue_association import Act, Association
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_calls import (
    BED_LABEL,
    DATA_EXPORT,
    EXPORT_PORT,
    PROTOCOL,
    PROTOCOLS,
    SYSTEM_ID,
)
from barocast.runtime.decoders.intellivue_layout import HEADS
from barocast.runtime.decoders.intellivue_pdu import EventReport

Address: TypeAlias = "tuple[str, int]"

FIRST_PAUSE_S: Final = 4.0
LONGEST_PAUSE_S: Final = 64.0
IDENTITY: Final = bytes.fromhex("020000fffe000001")
"""EUI-64, of those that anybody may give to a device of his own."""
MODEL: Final = ("Virtual", "IntelliVue")
BED: Final = "Bed 1"
LABEL_ROOM: Final = 32
"""Bytes of a bed label."""
_ALARMS: Final = (1, 3, 24000, 0x4000)
"""The other protocol that a monitor offers in a call; nobody here wants it."""


class Associating(VirtualMonitor, Protocol):
    """An IntelliVue that frames what it says, in trouble or not."""

    @property
    def associated(self) -> bool:
        """Whether it has a client."""


class VirtualIntelliVueLan:
    """A virtual monitor behind datagrams; `client` is whoever it serves."""

    def __init__(self, monitor: Associating) -> None:
        self.client: Address | None = None
        """Address and port that spoke last; None before anyone did."""
        self._monitor = monitor
        self._deframer = mib.Deframer()
        self._call_s = float("-inf")
        self._pause_s = FIRST_PAUSE_S

    def receive(self, data: bytes, sender: Address, now_s: float) -> list[bytes]:
        """Take one datagram; give the answers to its sender."""
        if self._monitor.associated and sender != self.client:
            return [build(Association(Act.REFUSE))] if data[:1] == bytes((Act.REQUEST,)) else []
        self.client = sender
        return self._payloads(self._monitor.receive(mib.frame(data[: mib.MAX_PAYLOAD]), now_s))

    def due(self, now_s: float) -> list[bytes]:
        """Give what time makes due to the client."""
        return self._payloads(self._monitor.due(now_s))

    def call(self, now_s: float, port: int = EXPORT_PORT) -> list[bytes]:
        """Give the connect indication when one is due, to whom it may concern; `port`: where to ask."""
        if self._monitor.associated:
            self._call_s, self._pause_s = now_s, FIRST_PAUSE_S
            return []
        if now_s < self._call_s or link_of(self._monitor, now_s) is not Link.UP:
            return []
        self._call_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return [_indication(port)]

    def _payloads(self, wire: bytes) -> list[bytes]:
        return [found.payload for found in self._deframer.feed(wire) if isinstance(found, mib.Frame)]


def _indication(port: int) -> bytes:
    """Give the call, laid out as runtime.decoders.intellivue_calls draws it."""
    told = {
        SYSTEM_ID: _counted(IDENTITY),
        codes.MODEL: b"".join(_counted(_even(text.encode("latin-1") + b"\0")) for text in MODEL),
        BED_LABEL: _counted(BED.encode("utf-16-be").ljust(LABEL_ROOM, b"\0")),
        PROTOCOLS: _listed([_ALARMS, (*DATA_EXPORT, port, 0)]),
    }
    made = build(
        EventReport(0, confirmed=False, time_ticks=0, event=codes.CONNECT_INDICATION, attributes=told)
    )
    return HEADS[1] + made[len(HEADS[1]) :]


def _counted(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def _even(text: bytes) -> bytes:
    return text + bytes(len(text) % 2)


def _listed(protocols: list[tuple[int, int, int, int]]) -> bytes:
    return len(protocols).to_bytes(2, "big") + _counted(b"".join(starmap(PROTOCOL.pack, protocols)))
