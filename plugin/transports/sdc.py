"""An SDC device (IEEE 11073-20701) as a port: what it tells comes out as records (decoders.sdc_record).

    sdc://10.0.0.7:6464/a1b2c3                         the device's own address, as its discovery tells it
    sdc://?interface=10.0.0.5&epr=urn:uuid:...         found through our network interface of that address;
                                                       without epr the one device that answers there
    sdc://...?mds=HANDLE                               of a device that stands for several, this one
    sdcs://...                                         the same over TLS, with the files of [feed.tls]

sdc11073 owns discovery, subscriptions, sockets and their threads; one thread of ours starts and watches it,
and nobody waits for a device longer than OPEN_S. What was heard waits in a queue of at most MAX_QUEUED bytes;
what does not fit is counted, and the record that says so stands where it is missing. A device that is not
found, ends a subscription, does not renew one within seconds, or starts anew is TransportLost.
"""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from barocast.plugin.transports.transport import CHUNK, TransportLost
from barocast.runtime.decoders.sdc_record import record
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from barocast.plugin.transports.credentials import Credentials
    from barocast.plugin.transports.sdc_consumer import Subscription
    from barocast.runtime.decoders.sdc_record import Fields

SCHEMES: Final = ("sdc", "sdcs")
TLS_SCHEMES: Final = ("sdcs",)
MAX_QUEUED: Final = 4 << 20
"""Bytes: minutes of a device with ten waves, and to spare for its description."""
OPEN_S: Final = 6.0
"""Seconds in which a device must be found, subscribed to and described: CONNECT_S, and time to say so."""
WATCH_S: Final = 0.5
"""Pause between two looks at the connection."""
CLOSE_S: Final = 1.0
"""Longest wait for an orderly end; a device that does not answer ends the subscription by itself."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """How to come by a device: its address, or how to discover it."""

    address: str = ""
    """host:port/path; empty: discover."""
    interface: str = ""
    """IP address of our network interface, to discover through."""
    epr: str = ""
    """The device's endpoint reference, `urn:uuid:...`; empty: the only one."""
    mds: str = ""
    """Handle of the MDS that is heard; empty: the only one."""

    def __str__(self) -> str:
        """Name it in an error."""
        return self.address or f"{self.epr or 'a device'} on {self.interface}"


class Queue:
    """Records on their way from the library's threads to ours; bounded by bytes."""

    def __init__(self, most: int = MAX_QUEUED) -> None:
        self._most = most
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._missed = 0
        """Records that did not fit, and are not told yet."""
        self._changed = threading.Condition()

    def put(self, fields: Fields) -> None:
        """Add a record, or count it where there is no room. Raises ValueError for what no record can hold."""
        data = record(fields)
        with self._changed:
            if self._size + len(data) > self._most:
                self._missed += 1
            else:
                self._tell_missed()
                self._append(data)
            self._changed.notify()

    def take(self, timeout_s: float) -> bytes:
        """Give whole records of about CHUNK, waiting at most `timeout_s` for one."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout_s)
            taken = bytearray()
            while self._waiting and len(taken) < CHUNK:
                taken += self._waiting.popleft()
            self._size -= len(taken)
            if not self._waiting:
                self._tell_missed()
            return bytes(taken)

    def wake(self) -> None:
        """End a wait."""
        with self._changed:
            self._changed.notify()

    def _tell_missed(self) -> None:
        if self._missed:
            self._append(record({"is": "lost", "why": "overrun", "count": self._missed}))
            self._missed = 0

    def _append(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)


class SdcTransport:
    """A subscription to one device, when it stands: read only, by construction. Raises TransportLost."""

    connected = True
    """The device that was found, until it is lost."""

    def __init__(self, where: Whereabouts, credentials: Credentials | None = None) -> None:
        # Here and not above: the extra may be absent, and then every other feed must still work.
        from barocast.plugin.transports import sdc_consumer  # noqa: PLC0415

        self._queue = Queue()
        self._settled, self._ended = threading.Event(), threading.Event()
        self._why = ""
        """Why there is no connection any more; empty while there may be one."""
        self._where = where
        subscription = sdc_consumer.Subscription(where, credentials, self._queue.put)
        self._watch = threading.Thread(target=self._run, args=[subscription], name="sdc", daemon=True)
        self._watch.start()
        if not self._settled.wait(OPEN_S):
            self._ended.set()
            raise TransportLost(f"{where}: no answer within {OPEN_S:g} s")
        if self._why:
            raise TransportLost(self._why)

    def read(self, timeout_s: float) -> bytes:
        """Give what has come, waiting at most `timeout_s`; all that came before a loss comes first."""
        why = self._why
        data = self._queue.take(0.0 if why else timeout_s)
        if why and not data:
            raise TransportLost(why)
        return data

    def write(self, data: bytes) -> None:
        """Send nothing: a subscription is all that a device hears of us."""

    def close(self) -> None:
        """End the subscription."""
        self._ended.set()
        self._watch.join(CLOSE_S)

    def _run(self, subscription: Subscription) -> None:
        why = ""
        try:
            subscription.start()
            self._settled.set()
            while not self._ended.wait(WATCH_S):
                subscription.check()
        except Exception as error:  # noqa: BLE001 - whatever the library raises, there is no connection
            why = f"{self._where}: {error or type(error).__name__}"
        with contextlib.suppress(Exception):  # nothing is left to be done about it
            subscription.close(orderly=not why)
        self._why = why or "closed"
        self._settled.set()
        self._queue.wake()


def connect(parts: SplitResult, options: Mapping[str, str], credentials: Credentials | None) -> SdcTransport:
    """Open an address that is complete."""
    where = Whereabouts(parts.netloc and f"{parts.netloc}{parts.path}", **options)
    return SdcTransport(where, credentials if parts.scheme in TLS_SCHEMES else None)


def complete(parts: SplitResult) -> bool:
    """Say whether an address names a device or a way to find one, and not both. Raises ValueError."""
    options = dict(parse_qsl(parts.query))
    if "interface" in options:
        return not parts.netloc
    return bool(parts.hostname) and parts.port is not None and "epr" not in options


def check_usable(credentials: Credentials) -> None:
    """Raise SettingsError when the library is not there, or the credentials ask what SDC cannot give."""
    if importlib.util.find_spec("sdc11073") is None:
        raise SettingsError("sdc:// needs the library sdc11073, an extra; run: pip install 'barocast[sdc]'")
    if credentials.peer or not credentials.mutual:
        raise SettingsError(
            "[feed.tls]: SDC wants certificates of both ends, and a device is known by its CA; "
            "leave out peer and mutual"
        )
