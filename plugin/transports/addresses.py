"""Addresses of monitors: text to an open port.

    serial:///dev/ttyUSB0?baud=115200&parity=N&rtscts=0
                                         RS-232; parity N, E or O; GE DRI wants 19200, E and rtscts=1
    tcp://host:port                      we connect
    tcp-listen://host:port               the gateway connects to us, one at a time
    tls://host:port                      the same two with TLS around them; the files stand in [feed.tls],
    tls-listen://host:port               for a path in an address would want escapes
    udp://host:port?hear=24005&group=224.0.23.63
                                         datagrams, all from one port of ours; `hear`: a second port of ours,
                                         on which the host calls (an IntelliVue that wants a client), by
                                         broadcast and, with `group`, by multicast
    sdc://host:port/path                 an SDC device, or one that is found: sdc://?interface=10.0.0.5&epr=...
    sdcs://...                           the same over TLS
Raises SettingsError for an address that cannot be meant, TransportLost where nobody answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from barocast.plugin.transports import sdc, tls
from barocast.plugin.transports.credentials import Credentials, check_complete, check_dates, tls_context
from barocast.plugin.transports.serial_port import PARITIES, SerialTransport
from barocast.plugin.transports.tcp import ListeningTransport, connect
from barocast.plugin.transports.udp import DatagramTransport
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

    from barocast.plugin.transports.transport import Transport

MAX_PORT: Final = 65535
MAX_BAUD: Final = 4_000_000
_HOST: Final = "tcp://host:port, tcp-listen://host:port, tls:// and tls-listen:// likewise, udp://host:port"
_EXAMPLE: Final = f"serial:///dev/ttyUSB0?baud=115200, {_HOST}"
_NO_CREDENTIALS: Final = Credentials()


def check_address(address: str, credentials: Credentials = _NO_CREDENTIALS) -> None:
    """Raise SettingsError unless `address` can be meant, with just the credentials that it needs."""
    parts = _split(address)
    if parts.scheme not in _OPENERS:
        schemes = ", ".join(f"{scheme}://" for scheme in _OPENERS)
        raise SettingsError(f"address {address!r}: must begin with one of {schemes}")
    if not _complete(parts):
        raise SettingsError(f"address {address!r}: write {_EXAMPLE}")
    _check_options(address, parts)
    if parts.scheme in _TLS:
        check_complete(credentials, called=_TLS[parts.scheme])
    elif credentials != _NO_CREDENTIALS:
        raise SettingsError(f"[feed.tls]: {parts.scheme}:// is not encrypted; write {'://, '.join(_TLS)}://")


def check_files(address: str, credentials: Credentials, now_s: float | None = None) -> None:
    """Raise SettingsError unless the files that an address needs can be used, at `now_s` if that is given."""
    scheme = _split(address).scheme
    if scheme in sdc.SCHEMES:
        sdc.check_usable(credentials)
    if scheme in _TLS:
        tls_context(credentials, called=_TLS[scheme])
        if now_s is not None:
            check_dates(credentials, now_s)


def open_transport(
    address: str,
    credentials: Credentials = _NO_CREDENTIALS,
    report: Callable[[str], None] = lambda _: None,
) -> Transport:
    """Open an address.

    `report` hears why the last caller of a port of ours was refused, and "" when all is well again.
    """
    check_address(address, credentials)
    parts = _split(address)
    return _OPENERS[parts.scheme](_Asked(parts, dict(parse_qsl(parts.query)), credentials, report))


@dataclass(frozen=True, slots=True)
class _Asked:
    """An address in its parts, and what goes with it."""

    parts: SplitResult
    options: dict[str, str]
    credentials: Credentials
    report: Callable[[str], None]

    @property
    def host(self) -> str:
        return str(self.parts.hostname)

    @property
    def port(self) -> int:
        return int(self.parts.port or 0)


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError as error:  # a bracket without its fellow
        raise SettingsError(f"address {address!r}: {error}; write {_EXAMPLE}") from error


def _complete(parts: SplitResult) -> bool:
    try:
        if parts.scheme in sdc.SCHEMES:
            return sdc.complete(parts)
        if parts.scheme == "serial":
            return bool(parts.path)
        # No resolver takes a name with an empty label, or one beyond 63 characters: a UnicodeError.
        return bool((parts.hostname or "").encode("idna")) and parts.port is not None
    except ValueError:
        return False


def _check_options(address: str, parts: SplitResult) -> None:
    given = parse_qsl(parts.query, keep_blank_values=True)
    for name, value in given:
        if not _OPTIONS[parts.scheme].get(name, _never)(value):
            known = ", ".join(_OPTIONS[parts.scheme]) or "none"
            raise SettingsError(f"address {address!r}: {name}={value} cannot be; options are {known}")
    if "group" in dict(given) and "hear" not in dict(given):
        raise SettingsError(f"address {address!r}: group needs the port too, as hear=24005&group=...")


def _never(_: str) -> bool:
    return False


def _up_to(most: int) -> Callable[[str], bool]:
    return lambda value: value.isdecimal() and 0 < int(value) <= most


def _multicast(value: str) -> bool:
    try:
        return IPv4Address(value).is_multicast
    except AddressValueError:
        return False


def _serial(asked: _Asked) -> Transport:
    baud, parity = int(asked.options.get("baud", "115200")), asked.options.get("parity", "N")
    return SerialTransport(asked.parts.path, baud, parity, rtscts=asked.options.get("rtscts") == "1")


def _udp(asked: _Asked) -> Transport:
    hear, group = int(asked.options.get("hear", "0")), asked.options.get("group", "")
    return DatagramTransport(asked.host, asked.port, hear, group)


def _tls_listen(asked: _Asked) -> Transport:
    return ListeningTransport(asked.host, asked.port, tls.answering(asked.credentials), report=asked.report)


def _address(value: str) -> bool:
    try:
        return bool(IPv4Address(value))
    except AddressValueError:
        return False


def _sdc(asked: _Asked) -> Transport:
    return sdc.connect(asked.parts, asked.options, asked.credentials)


_SDC_OPTIONS: Final[Mapping[str, Callable[[str], bool]]] = MappingProxyType(
    {"interface": _address, "epr": lambda epr: epr.startswith("urn:"), "mds": bool}
)
_TLS: Final = MappingProxyType({"tls": False, "tls-listen": True, "sdcs": False})
"""Schemes with TLS -> whether the other end calls us."""
_OPENERS: Final[Mapping[str, Callable[[_Asked], Transport]]] = MappingProxyType(
    {
        "serial": _serial,
        "tcp": lambda asked: connect(asked.host, asked.port),
        "tcp-listen": lambda asked: ListeningTransport(asked.host, asked.port, report=asked.report),
        "tls": lambda asked: tls.call(asked.host, asked.port, asked.credentials),
        "tls-listen": _tls_listen,
        "udp": _udp,
        "sdc": _sdc,
        "sdcs": _sdc,
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
        "tls": {},
        "tls-listen": {},
        "udp": {"hear": _up_to(MAX_PORT), "group": _multicast},
        "sdc": _SDC_OPTIONS,
        "sdcs": _SDC_OPTIONS,
    }
)
"""Scheme -> option -> whether a value of it can be meant."""
SCHEMES: Final = frozenset(_OPENERS)
"""What an address may begin with."""
