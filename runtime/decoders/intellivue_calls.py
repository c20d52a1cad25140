"""What an IntelliVue on a LAN says of itself when it calls for a client: a datagram to a MonitorCall.

The connect indication is an event report whose attributes tell, each as far as the monitor's software does:

    0984  system id       length u16 | EUI-64
    0928  model           maker and model number, each length u16 | 8-bit text, padded with NUL
    F135  bed label       length u16 | UTF-16BE, padded with NUL; 091E is the same
    F101  protocols       count u16 | length u16 | {application, transport, port, options: u16 each}

Any bytes give a MonitorCall or None, never an exception; an attribute that does not fit counts as not told.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Connect Indication Event"; a recorded
call of an MX800 (software L.01), in which F135 stands and 091E does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import EventReport

CALL_PORT: Final = 24005
"""UDP port of ours on which monitors call."""
CALL_GROUP: Final = "224.0.23.63"
"""Multicast group to which newer software calls as well."""
EXPORT_PORT: Final = 24105
"""UDP port of the monitor that a client asks, unless its call tells another."""
LONGEST_TEXT: Final = 64
"""Characters of a text that are shown; the monitor's own screen has room for 17."""

SYSTEM_ID: Final = 0x0984
BED_LABEL: Final = 0xF135
PROTOCOLS: Final = 0xF101
PROTOCOL: Final = Struct(">4H")
DATA_EXPORT: Final = (5, 1)
"""Application and transport: data export over UDP."""

_BED_LABELS: Final = (BED_LABEL, 0x091E)
_LENGTH: Final = 2
_LIST_HEAD: Final = 4


@dataclass(frozen=True, slots=True)
class MonitorCall:
    """A monitor that has no client and calls for one."""

    host: str
    """IPv4 address that it calls from."""
    port: int
    """UDP, where it wants to be asked."""
    system_id: str
    """EUI-64 in hexadecimal; empty where it is not told, like the others."""
    model: str
    bed: str
    """The label that its staff gave it."""


def read_call(datagram: bytes, host: str) -> MonitorCall | None:
    """Read one datagram from `host`; None when it is no call."""
    report = parse(datagram)
    if not isinstance(report, EventReport) or report.event != codes.CONNECT_INDICATION:
        return None
    told = report.attributes
    labels = (_text(_pieces(told.get(key, b""))[:1], "utf-16-be") for key in _BED_LABELS)
    return MonitorCall(
        host,
        _export_port(told.get(PROTOCOLS, b"")),
        b"".join(_pieces(told.get(SYSTEM_ID, b""))[:1]).hex()[:LONGEST_TEXT],
        _text(_pieces(told.get(codes.MODEL, b""))[:2], "latin-1"),
        next(filter(None, labels), ""),
    )


def _pieces(value: bytes) -> list[bytes]:
    """Take apart what stands there with a length u16 before each piece; the last one may be cut short."""
    found = []
    while len(value) >= _LENGTH:
        stop = _LENGTH + int.from_bytes(value[:_LENGTH], "big")
        found.append(value[_LENGTH:stop])
        value = value[stop:]
    return found


def _text(pieces: list[bytes], encoding: str) -> str:
    """Join texts, without what a terminal would take for a command."""
    texts = (piece.decode(encoding, "replace").partition("\0")[0].strip() for piece in pieces)
    shown = "".join(character for character in " ".join(filter(None, texts)) if character.isprintable())
    return shown[:LONGEST_TEXT]


def _export_port(protocols: bytes) -> int:
    entries = protocols[_LIST_HEAD:]
    whole = len(entries) // PROTOCOL.size * PROTOCOL.size
    for application, transport, port, _ in PROTOCOL.iter_unpack(entries[:whole]):
        if (application, transport) == DATA_EXPORT and port:
            return int(port)
    return EXPORT_PORT
