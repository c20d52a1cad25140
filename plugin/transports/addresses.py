"""Addresses of monitors: text to an open port.

    serial:///dev/ttyUSB0?baud=115200&parity=N&rtscts=0
                                         RS-232; parity N, E or O; GE DRI wants 19200, E and rtscts=1
    tcp://host:port                      we connect
    tcp-listen://host:port               the gateway connects to us, one at a time
    udp://host:port?hear=24005           datagrams, all from one port of ours; `hear`: a second port of ours,
                                         on which the host calls (an IntelliVue that wants a client)
Raises SettingsError for an address that cannot be meant, TransportLost where nobody answers.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from barocast.plugin.transports.serial_port import PARITIES, SerialTransport
from barocast.plugin.transports.tcp import ListeningTransport, connect
from barocast.plugin.transports.udp import DatagramTransport
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

    from barocast.plugin.transports.transport import Transport

    Options = dict[str, str]

MAX_PORT: Final = 65535
MAX_BAUD: Final = 4_000_000
_HOST: Final = "tcp://host:port, tcp-listen://host:port or udp://host:port?hear=24005"
_EXAMPLE: Final = f"serial:///dev/ttyUSB0?baud=115200, {_HOST}"


def check_address(address: str) -> None:
    """Raise SettingsError unless `address` can be meant."""
    parts = urlsplit(address)
    if parts.scheme not in _OPENERS:
        schemes = ", ".join(f"{scheme}://" for scheme in _OPENERS)
        raise SettingsError(f"address {address!r}: must begin with one of {schemes}")
    if not _complete(parts):
        raise SettingsError(f"address {address!r}: write {_EXAMPLE}")
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if not _OPTIONS[parts.scheme].get(name, _never)(value):
            known = ", ".join(_OPTIONS[parts.scheme]) or "none"
            raise SettingsError(f"address {address!r}: {name}={value} cannot be; options are {known}")


def open_transport(address: str) -> Transport:
    """Open an address."""
    check_address(address)
    parts = urlsplit(address)
    return _OPENERS[parts.scheme](parts, dict(parse_qsl(parts.query)))


def _complete(parts: SplitResult) -> bool:
    try:
        return (
            bool(parts.path) if parts.scheme == "serial" else bool(parts.hostname) and parts.port is not None
        )
    except ValueError:
        return False


def _never(_: str) -> bool:
    return False


def _up_to(most: int) -> Callable[[str], bool]:
    return lambda value: value.isdecimal() and 0 < int(value) <= most


def _serial(parts: SplitResult, options: Options) -> Transport:
    baud, parity = int(options.get("baud", "115200")), options.get("parity", "N")
    return SerialTransport(parts.path, baud, parity, rtscts=options.get("rtscts") == "1")


def _udp(parts: SplitResult, options: Options) -> Transport:
    return DatagramTransport(str(parts.hostname), int(parts.port or 0), int(options.get("hear", "0")))


_OPENERS: Final[Mapping[str, Callable[[SplitResult, Options], Transport]]] = MappingProxyType(
    {
        "serial": _serial,
        "tcp": lambda parts, _: connect(str(parts.hostname), int(parts.port or 0)),
        "tcp-listen": lambda parts, _: ListeningTransport(str(parts.hostname), int(parts.port or 0)),
        "udp": _udp,
    }
)
_OPTIONS: Final[Mapping[str, Mapping[str, Callable[[str], bool]]]] = MappingProxyType(
    {
        "serial": {
            "baud": _up_to(MAX_BAUD),
            "parity": PARITIES.__contains__,
            "rtscts": ("0", "1").__contains__,
        },
        "tcp": {},
        "tcp-listen": {},
        "udp": {"hear": _up_to(MAX_PORT)},
    }
)
"""Scheme -> option -> whether a value of it can be meant."""
