"""What lies around an IntelliVue payload: MIB frames on a serial line, nothing in a datagram.

    SERIAL     C0 ... C1 as in `mib`; several frames may be sent at once
    DATAGRAMS  each piece of input is one payload, and each piece of output one datagram of one payload

A datagram arrives whole or not at all, so it needs no checksum of ours and leaves nothing unfinished.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Transport Protocols".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from barocast.runtime.decoders import mib
from barocast.runtime.domain import Corrupt

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.runtime.decoders.mib import Found


class Deframer(Protocol):
    """Input to payloads."""

    def feed(self, data: bytes) -> list[Found]:
        """Take the next input; give what it completes."""

    def close(self) -> list[Found]:
        """Tell what the end of the input leaves unfinished."""


class Datagrams:
    """Each piece of input is one payload; an empty one is none."""

    def __init__(self) -> None:
        self._at = 0

    def feed(self, data: bytes) -> list[Found]:
        """Take one datagram."""
        offset = self._at
        self._at += len(data)
        return [payload(offset, data)] if data else []

    def close(self) -> list[Found]:
        """Tell nothing: a datagram is never unfinished."""
        return []


def payload(offset: int, data: bytes, around: int = 0) -> Found:
    """Judge a bare payload that `around` other bytes precede; one longer than a monitor sends is corrupt."""
    length = around + len(data)
    if len(data) > mib.MAX_PAYLOAD:
        return Corrupt(offset, length, "oversize")
    return mib.Frame(offset, length, data)


@dataclass(frozen=True, slots=True)
class Framing:
    """How the two ends of an association wrap what they say."""

    deframer: Callable[[], Deframer]
    wrap: Callable[[bytes], bytes]
    """One payload as the line carries it."""
    mtu: int
    """Largest payload to ask for, bytes."""
    per_turn: int
    """Messages sent at a time. Outputs of one message keep their boundaries on any transport."""
    turn_s: float
    """Seconds between turns."""


FRAMES_PER_TURN: Final = 3
TURN_S: Final = 0.128
"""The monitor takes 4 frames in 128 ms and drops a client that sends more; one is kept for replies."""

SERIAL: Final = Framing(mib.Deframer, mib.frame, 1000, FRAMES_PER_TURN, TURN_S)
DATAGRAMS: Final = Framing(Datagrams, bytes, 1364, 1, TURN_S / FRAMES_PER_TURN)
"""1364 bytes is the interface's limit on a LAN: with IP and UDP headers it still fits one Ethernet frame."""
