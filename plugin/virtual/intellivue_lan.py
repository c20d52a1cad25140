"""A virtual IntelliVue on a LAN: the same monitor, each payload a datagram of its own, sans-IO.

It serves one client at one address and port, refuses others, and calls for a client while it has none:
at once, then after 4 s, and each time after twice as long, up to 64 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders import mib
from barocast.runtime.decoders.intellivue_association import Act, Association
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_layout import HEADS
from barocast.runtime.decoders.intellivue_pdu import EventReport

if TYPE_CHECKING:
    from barocast.plugin.virtual.intellivue import VirtualIntelliVue

Address: TypeAlias = "tuple[str, int]"

FIRST_PAUSE_S: Final = 4.0
LONGEST_PAUSE_S: Final = 64.0
_CALL: Final = build(EventReport(0, False, 0, codes.CONNECT_INDICATION, {}))  # noqa: FBT003 - a field, not a switch


class VirtualIntelliVueLan:
    """A virtual monitor behind datagrams; `client` is whoever it serves."""

    def __init__(self, monitor: VirtualIntelliVue) -> None:
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

    def call(self, now_s: float) -> list[bytes]:
        """Give the connect indication when one is due, to whom it may concern."""
        if self._monitor.associated:
            self._call_s, self._pause_s = now_s, FIRST_PAUSE_S
            return []
        if now_s < self._call_s:
            return []
        self._call_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return [HEADS[1] + _CALL[len(HEADS[1]) :]]

    def _payloads(self, wire: bytes) -> list[bytes]:
        return [found.payload for found in self._deframer.feed(wire) if isinstance(found, mib.Frame)]
