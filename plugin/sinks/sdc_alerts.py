"""The alarm state as an SDC device that others may subscribe to (IEEE 11073-10207, -20701), `[sinks.sdc]`.

    address       own IP address on which consumers find us; anything but loopback needs a certificate
    certificate   PEM file that we show, with key and the ca whose consumers may subscribe
    discover      true: answer WS-Discovery probes; false: consumers know the address
    epr           lasting identity, a UUID; empty: a new one at each start

Each condition is an AlertCondition with an audible and a visible AlertSignal; the AlertSystem checks itself
every CHECK_S while the bed goes on telling, and stops when it does not: a consumer that misses the check
knows that nothing here is true any more. For information only (a distributed information system, no
delegation): nothing that a consumer does silences the box. A thread of its own tells; needs the extra `sdc`.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from barocast.plugin.clock import Clock, wall_s
from barocast.plugin.sinks.beat import Beat
from barocast.plugin.sinks.sink import Guarantee, SelfTest
from barocast.plugin.sinks.way_out import Origin, WayOut
from barocast.plugin.transports.credentials import Credentials, check_complete, check_dates
from barocast.runtime.alarm.events import AlarmSnapshot
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.sinks.sink import Receipt

CHECK_S: Final = 4.0
"""Between two self-checks; the described period is 5 s, and a check that is due is never late."""
UNTOLD_S: Final = 8.0
"""Snapshots come every 5 s: a bed that is quiet for so long is wedged."""
RETRY_S: Final = 10.0
"""After a provider that could not be started, or broke."""
PATIENCE_S: Final = 15.0
"""A consumer that takes no notification is dropped within 5 s; more of them may be in the way."""


@dataclass(frozen=True, slots=True)
class SdcAlertSettings:
    """The table [sinks.sdc]."""

    address: str = "127.0.0.1"
    """Own IP address, no name."""
    certificate: str = ""
    key: str = ""
    ca: str = ""
    discover: bool = True
    epr: str = ""
    """UUID."""

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be meant."""
        try:
            loopback = ipaddress.ip_address(self.address).is_loopback
        except ValueError as error:
            raise SettingsError(f"sdc: address: {self.address!r} is no IP address of this box") from error
        if not loopback and not self.certificate:
            raise SettingsError("sdc: certificate: is needed on a network; only loopback does without")
        if self.certificate:
            check_complete(self.credentials, called=True)
        if self.epr and not _is_uuid(self.epr):
            raise SettingsError(f"sdc: epr: {self.epr!r} is no UUID; `uuidgen` makes one")

    @property
    def credentials(self) -> Credentials:
        """What TLS needs of both ends."""
        return Credentials(self.certificate, self.key, self.ca)


class Provider(Protocol):
    """The SDC device. Whatever a method raises, it is to be started anew."""

    address: str

    def tell(self, snapshot: AlarmSnapshot, wall_s: float, *, checked: bool) -> None:
        """Make the MDIB agree with the snapshot; `checked`: count a self-check."""

    def close(self) -> None:
        """Take leave of the consumers."""


class SdcAlertSink:
    """Tells consumers, from a thread of its own."""

    guarantee: Guarantee = "best_effort"

    def __init__(self, opener: Callable[[], Provider], clock: Callable[[], float] | None = None) -> None:
        """Open nothing yet."""
        self._opener, self._clock = opener, clock or Clock()
        self._beat = Beat("sdc-alerts", self.turn, self._clock)
        self._provider: Provider | None = None
        self._snapshot = AlarmSnapshot(0.0)
        self._told_s = float("-inf")
        self._checked_s = float("-inf")
        self._trouble = ""

    def self_test(self) -> SelfTest:
        """Start the device."""
        if not self._beat.running:
            self._attempt(self._start)
        where = self._provider.address if self._provider else "not started"
        return SelfTest(not self._trouble, f"sdc: {self._trouble or f'alerts at {where}, for information'}")

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Hand the state over; tell what the thread met last."""
        self._snapshot, self._told_s = snapshot, self._clock()
        self._beat.wake()
        return self._beat.receipt("sdc", self._trouble, PATIENCE_S)

    def turn(self, now_s: float) -> float:
        """Tell; give the seconds until the next self-check or try."""
        if now_s - self._told_s > UNTOLD_S:
            return CHECK_S
        due = now_s - self._checked_s >= CHECK_S
        if not self._attempt(lambda: self._start().tell(self._snapshot, wall_s(), checked=due)):
            return RETRY_S
        self._checked_s = now_s if due else self._checked_s
        return max(0.0, self._checked_s + CHECK_S - now_s)

    def close(self) -> None:
        """Take leave."""
        if self._beat.close():
            self._drop()

    def _start(self) -> Provider:
        if self._provider is None:
            self._provider = self._opener()
        return self._provider

    def _attempt(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever the library raises, the device is not there
            self._trouble = str(error) or type(error).__name__
            self._drop()
            return False
        self._trouble = ""
        return True

    def _drop(self) -> None:
        provider, self._provider = self._provider, None
        if provider is not None:
            try:
                provider.close()
            except Exception as error:  # noqa: BLE001 - as above
                self._trouble = self._trouble or str(error)


def open_sdc(settings: SdcAlertSettings, origin: Origin) -> SdcAlertSink:
    """Make the sink of [sinks.sdc]. Raises SettingsError."""
    if importlib.util.find_spec("sdc11073") is None:
        raise SettingsError("sdc: needs the library sdc11073, an extra; run: pip install 'barocast[sdc]'")
    if settings.certificate:
        check_dates(settings.credentials, wall_s())
    from barocast.plugin.sinks.sdc_alert_provider import AlertProvider  # noqa: PLC0415 - needs the extra

    return SdcAlertSink(lambda: AlertProvider(settings, origin))


SDC = WayOut(SdcAlertSettings, open_sdc)


def _is_uuid(word: str) -> bool:
    try:
        uuid.UUID(word)
    except ValueError:
        return False
    return True
