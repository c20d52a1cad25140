"""`barocast discover`: what could be connected to this box, each with the address to write into [feed].

Serial ports, the box's own addresses for a gateway that pushes HL7, and IntelliVue monitors that call for a
client on the networks of this box, printed as they are heard. Nothing is sent: a monitor that has a client
already does not call, and cannot be found.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from serial.tools import list_ports

from barocast.plugin.clock import Clock
from barocast.plugin.serve import say
from barocast.plugin.transports.broadcasts import datagrams, own_addresses
from barocast.plugin.transports.transport import TransportLost
from barocast.runtime.decoders.intellivue_calls import CALL_GROUP, CALL_PORT, read_call
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from barocast.runtime.decoders.intellivue_calls import MonitorCall

HELP: Final = "List monitors that call on the network, and the serial ports, with the address of each."
SECONDS: Final = 70.0
"""A monitor without a client calls every 64 s at the least."""
MLLP_PORT: Final = 6661
"""As in docs/configuration.md; MLLP has no port of its own."""
MAX_MONITORS: Final = 256
"""More than a network has beds: whatever else calls is noise."""
BY_ID: Final = Path("/dev/serial/by-id")


@dataclass(frozen=True, slots=True)
class Found:
    """One thing to connect to; also a JSON line."""

    kind: str
    """`intellivue-udp` or `hl7` as in [feed]; `serial`: the feed of whatever is at the cable's other end."""
    address: str
    """As [feed] takes it."""
    about: str
    """For a person."""
    system_id: str = ""
    """EUI-64 of a monitor, hexadecimal."""
    bed: str = ""
    """Label of a monitor."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help=f"how long to listen for monitors (default {SECONDS:g})",
    )
    parser.add_argument(
        "--hear", type=int, default=CALL_PORT, help=f"UDP port on which they call (default {CALL_PORT})"
    )
    parser.add_argument("--json", action="store_true", help="print JSON lines")


def run(args: Namespace) -> int:
    """Print what is found as it is found; give 0."""
    for found in (*serial_ports(BY_ID), *ways_in()):
        _tell(found, as_json=args.json)
    say(f"listening for monitors on UDP port {args.hear} for {args.seconds:g} s; Ctrl-C ends it")
    count = 0
    try:
        for found in monitors(args.hear, args.seconds):
            _tell(found, as_json=args.json)
            count += 1
    except TransportLost as lost:
        raise SettingsError(f"{lost}; name another port with --hear, from 1 to 65535") from lost
    say(f"{count or 'no'} monitor{'' if count == 1 else 's'} called; one that has a client does not call")
    return 0


def serial_ports(by_id: Path) -> list[Found]:
    """Give the serial ports, each by the name in the folder `by_id` that stays the same after a restart."""
    lasting = {str(link.resolve()): str(link) for link in sorted(by_id.glob("*"))}
    return [
        Found("serial", f"serial://{lasting.get(port.device, port.device)}?baud=115200", _cable(port))
        for port in sorted(list_ports.comports(), key=lambda port: str(port.device))
    ]


def ways_in() -> list[Found]:
    """Give the addresses of this box at which a gateway can push HL7."""
    return [
        Found("hl7", f"tcp-listen://{own}:{MLLP_PORT}", f"a gateway may push to this box on {name}")
        for name, own in own_addresses().items()
        if not own.startswith("127.")
    ]


def monitors(hear: int, seconds: float) -> Iterator[Found]:
    """Give each monitor that calls on port `hear`, once. Raises TransportLost."""
    seen: set[MonitorCall] = set()
    for datagram, host in datagrams(hear, CALL_GROUP, seconds, Clock()):
        call = read_call(datagram, host)
        if call is not None and call not in seen and len(seen) < MAX_MONITORS:
            seen.add(call)
            yield _monitor(call, hear)


def _monitor(call: MonitorCall, hear: int) -> Found:
    said = (
        call.model,
        f"bed {call.bed}" if call.bed else "",
        f"id {call.system_id}" if call.system_id else "",
    )
    about = ", ".join(filter(None, said)) or "tells nothing of itself"
    address = f"udp://{call.host}:{call.port}?hear={hear}&group={CALL_GROUP}"
    return Found("intellivue-udp", address, about, call.system_id, call.bed)


def _cable(port: list_ports.ListPortInfo) -> str:
    named = port.description not in {None, "", "n/a"}
    return f"{port.device}, {port.description}" if named else str(port.device)


def _tell(found: Found, *, as_json: bool) -> None:
    line = json.dumps(asdict(found)) if as_json else f"{found.kind:<15} {found.address}   {found.about}"
    print(line, flush=True)
