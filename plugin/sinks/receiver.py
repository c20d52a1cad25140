"""The address of whoever is told, in [sinks.NAME]: the forms of transports.addresses that call somebody.

A message that names [feed.tls] is said of [sinks.NAME.tls], where these files stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.plugin.transports.addresses import check_address, check_files, open_transport
from barocast.plugin.transports.credentials import Credentials
from barocast.plugin.transports.transport import TransportLost
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from barocast.plugin.transports.transport import Transport

CALLED: Final = ("tcp", "tls")
NO_CREDENTIALS: Final = Credentials()


def check_receiver(
    name: str, address: str, credentials: Credentials = NO_CREDENTIALS, schemes: tuple[str, ...] = CALLED
) -> None:
    """Raise SettingsError unless `address` can be meant, is one of `schemes`, and has the files it needs."""
    if address.split("://", maxsplit=1)[0] not in schemes:
        raise SettingsError(f"address: {address!r}: write {' or '.join(f'{s}://host:port' for s in schemes)}")
    try:
        check_address(address, credentials)
        check_files(address, credentials)
    except SettingsError as error:
        raise SettingsError(_of_sink(name, str(error))) from error


def open_receiver(name: str, address: str, credentials: Credentials = NO_CREDENTIALS) -> Transport:
    """Call whoever is told. Raises TransportLost."""
    try:
        return open_transport(address, credentials)
    except (SettingsError, TransportLost) as error:
        raise TransportLost(_of_sink(name, str(error))) from error


def _of_sink(name: str, said: str) -> str:
    return said.replace("[feed.tls]", f"[sinks.{name}.tls]")
