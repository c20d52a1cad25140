"""A subscription to one SDC device through sdc11073: the only importer of that library.

    start()    finds the device, subscribes, reads its MDIB; hands on an `mdib` record, then its states
    check()    looks whether the subscription holds; reads a changed MDIB anew
    close()    ends it

Subscribed are metric, waveform, alert and component reports and changes of the description. Clients for the
services that set something are not even made. What comes while the MDIB is being read waits for it, and what
the MDIB already holds is left out. Every DESCRIBE_S the description is handed on again, so that a recording
can be read from any segment on. `start` and `check` raise TransportLost, SettingsError for files of
[feed.tls] that have gone bad, and whatever the library raises.
"""

from __future__ import annotations

import logging
import ssl
import threading
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from sdc11073 import observableproperties
from sdc11073.certloader import SSLContextContainer
from sdc11073.consumer import DescriptionEventClient, GetServiceClient, StateEventClient, WaveformClient
from sdc11073.consumer.consumerimpl import SdcConsumer, default_components_factory
from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.dispatch import RequestDispatcher
from sdc11073.wsdiscovery import WSDiscovery

from barocast.plugin.clock import wall_s
from barocast.plugin.transports.credentials import check_dates, tls_context
from barocast.plugin.transports.sdc_described import Described
from barocast.plugin.transports.sdc_reports import states
from barocast.plugin.transports.transport import CONNECT_S, TransportLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.transports.credentials import Credentials
    from barocast.plugin.transports.sdc import Whereabouts
    from barocast.runtime.decoders.sdc_record import Fields

RENEW_S: Final = 4
"""Seconds between renewals, the heartbeat; with CONNECT_S for the answer a dead device is lost in 10 s."""
SEARCH_S: Final = 1.0
"""Of one probe; the device that was asked for ends the search."""
SEARCHES: Final = 3
DESCRIBE_S: Final = 60.0
"""Between two descriptions of a device that goes on telling."""
MAX_HELD: Final = 1000
"""Reports that wait for the MDIB: seconds of the fastest device."""

_REPORTS: Final = {
    "waveform_report": "WaveformStream",
    "episodic_metric_report": "EpisodicMetricReport",
    "episodic_alert_report": "EpisodicAlertReport",
    "episodic_component_report": "EpisodicComponentReport",
}
"""What the library calls a notification -> its message."""
_CHANGED: Final = "description_modification_report"
_SUBSCRIBED: Final = frozenset({*_REPORTS.values(), "DescriptionModificationReport"})

# A bed's screen is no place for a library's warnings; a host that configures logging still gets them.
logging.getLogger("sdc").addHandler(logging.NullHandler())


class Subscription:
    """One connection to one device; `put` takes the fields of records, from any thread."""

    def __init__(
        self, where: Whereabouts, credentials: Credentials | None, put: Callable[[Fields], None]
    ) -> None:
        self._where, self._credentials, self._put = where, credentials, put
        self._consumer: SdcConsumer | None = None
        self._lock = threading.Lock()
        self._held: list[tuple[int, Fields]] | None = []
        """Reports with their MDIB version while the MDIB is being read; None while they go straight on."""
        self._missed = 0
        """Reports that could not wait."""
        self._sequence = ""
        self._started_anew = False
        self._changed = threading.Event()
        self._described = Described(where.mds)
        self._described_s = 0.0
        self._heard = False
        """Anything since the last description."""

    def start(self) -> None:
        """Connect, subscribe and describe."""
        tls = contexts(self._credentials) if self._credentials else None
        consumer = SdcConsumer(
            self._found(),
            SdcV1Definitions,
            tls,
            components=_components(),
            validate=False,  # what a device words otherwise is for us to count, not for the library to refuse
            socket_timeout=int(CONNECT_S),
            force_ssl_connect=tls is not None,  # never fall back to plain HTTP
        )
        self._consumer = consumer
        for name, message in _REPORTS.items():
            observableproperties.strongbind(consumer, **{name: partial(self._on_report, message)})
        observableproperties.strongbind(consumer, **{_CHANGED: lambda _: self._changed.set()})
        actions = SdcV1Definitions.Actions
        unwanted = [action.value for action in actions if action.value.split("/")[-1] not in _SUBSCRIBED]
        consumer.start_all(not_subscribed_actions=unwanted, fixed_renew_interval=RENEW_S)
        self._describe(first=True)

    def check(self) -> None:
        """Raise TransportLost when the subscription has ended; describe what has changed."""
        if self._consumer is None or not self._consumer.is_connected:
            raise TransportLost("the subscription has ended")
        if self._started_anew:
            raise TransportLost("the device has started anew")
        if self._changed.is_set():
            self._changed.clear()
            self._describe(first=False)
        elif self._heard and monotonic() - self._described_s >= DESCRIBE_S:
            with self._lock:
                self._tell_description()

    def close(self, *, orderly: bool) -> None:
        """End the subscription; `orderly`: tell the device."""
        if self._consumer is not None:
            self._consumer.stop_all(unsubscribe=orderly)
        self._consumer = None

    def _found(self) -> str:
        scheme = "https" if self._credentials else "http"
        return f"{scheme}://{self._where.address}" if self._where.address else _discovered(self._where)

    def _describe(self, *, first: bool) -> None:
        """Read the MDIB and hand it on; its numerics only at first, for they would be told twice."""
        if self._consumer is None:
            return
        with self._lock:
            self._held = [] if self._held is None else self._held
        answer = self._consumer.get_service_client.get_mdib()
        descriptors, containers = answer.result
        with self._lock:
            self._sequence = answer.mdib_version_group.sequence_id
            now = self._described.read(descriptors, containers)
            self._tell_description()
            if first and "metrics" in now:
                self._put({"is": "report", "metrics": now["metrics"]})
            self._release(answer.mdib_version_group.mdib_version)

    def _release(self, version: int) -> None:
        held, self._held = self._held or [], None
        for told, fields in held:
            if told > version:
                self._hand_on(fields)
        if self._missed:
            self._put(_lost("overrun", self._missed))
            self._missed = 0

    def _tell_description(self) -> None:
        for fields in self._described.records():
            self._put(fields)
        self._described_s = monotonic()
        self._heard = False

    def _on_report(self, name: str, message: Any) -> None:  # noqa: ANN401 - the library's own message
        """Take a notification, in a thread of the library, which must see no exception of ours."""
        group = message.mdib_version_group
        try:
            parsed = getattr(SdcV1Definitions.data_model.msg_types, name).from_node(message.p_msg.msg_node)
            fields = {"is": "report", **states(_containers(parsed))}
        except Exception:  # noqa: BLE001 - what the library takes and does not parse is lost, and counted
            fields = _lost("unreadable")
        with self._lock:
            if self._held is None and group.sequence_id != self._sequence:
                self._started_anew = True
            elif self._held is None:
                self._hand_on(fields)
            elif len(self._held) < MAX_HELD:
                self._held.append((group.mdib_version, fields))
            else:
                self._missed += 1

    def _hand_on(self, told: Fields) -> None:
        fields = self._described.ours(told)
        self._described.follow(fields)
        self._heard = True
        try:
            self._put(fields)
        except ValueError:  # an infinity, or beyond what a record holds
            self._put(_lost("unreadable"))


def contexts(credentials: Credentials) -> SSLContextContainer:
    """Give both ends' TLS: we call the device, and it calls us back with each notification."""
    check_dates(credentials, wall_s())
    client, server = tls_context(credentials, called=False), tls_context(credentials, called=True)
    client.check_hostname = False  # a device's certificate is for the device, wherever it stands
    client.verify_mode = ssl.CERT_REQUIRED
    return SSLContextContainer(client_context=client, server_context=server)


def _lost(why: str, count: int = 1) -> Fields:
    return {"is": "lost", "why": why, "count": count}


def _components() -> Any:  # noqa: ANN401 - the library's own
    components = default_components_factory()
    components.service_handlers = {GetServiceClient, StateEventClient, WaveformClient, DescriptionEventClient}
    # The library's default keeps a thread for ever, one more with every connection.
    components.action_dispatcher_class = RequestDispatcher
    return components


def _containers(report: Any) -> list[Any]:  # noqa: ANN401 - the library's own
    parts = getattr(report, "ReportPart", None)
    return report.State if parts is None else [one for part in parts for one in part.values_list]


def _discovered(where: Whereabouts) -> str:
    """Give the address of the device that is meant. Raises TransportLost."""
    with WSDiscovery(where.interface) as discovery:
        for _ in range(SEARCHES):
            found = {one.epr: one for one in discovery.search_sdc_services(timeout=SEARCH_S)}
            if where.epr in found:
                break
    meant = [found[where.epr]] if where.epr in found else [] if where.epr else list(found.values())
    if len(meant) > 1:
        raise TransportLost(f"{len(meant)} answer, name one with epr=: {', '.join(sorted(found))}")
    addresses = [address for one in meant for address in one.x_addrs]
    if not addresses:
        raise TransportLost(f"no answer; {len(found)} other SDC devices were seen")
    return str(addresses[0])
