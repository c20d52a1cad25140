"""Our SDC device, through sdc11073: the only importer of that library among the sinks.

Only states that have changed are told, and the AlertSystem with each self-check. Clock and library threads
are the library's; a consumer that takes no notification for SEND_S loses its subscription.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.mdib.providermdib import ProviderMdib
from sdc11073.provider import SdcProvider
from sdc11073.provider.providerimpl import provider_components_sync_factory
from sdc11073.wsdiscovery import WSDiscovery
from sdc11073.xml_types import pm_types
from sdc11073.xml_types.dpws_types import ThisDeviceType, ThisModelType

from barocast.plugin.sinks.sdc_alert_mdib import ALERTS, CONDITIONS, MANIFESTATIONS, OTHER, mdib
from barocast.plugin.transports.sdc_consumer import contexts
from barocast.runtime.alarm.events import Condition, Inactivation
from barocast.runtime.alarm.rules import Priority

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.plugin.sinks.sdc_alerts import SdcAlertSettings
    from barocast.plugin.sinks.way_out import Origin
    from barocast.runtime.alarm.events import AlarmSnapshot

SEND_S: Final = 5
_PRIORITIES: Final = {Priority.LOW: "Lo", Priority.MEDIUM: "Me", Priority.HIGH: "Hi"}
_SILENT: Final = {
    Inactivation.AUDIO_PAUSED: "Psd",
    Inactivation.AUDIO_OFF: "Off",
    Inactivation.ALARM_PAUSED: "Psd",
}
"""Activation of the audible signal; On otherwise. An alarm pause takes the visible one with it."""


class Signal(NamedTuple):
    """State of an AlertSignal in the participant model's words."""

    presence: str
    activation: str


State: TypeAlias = "Priority | Signal | None"
"""Of a condition its priority, None while it is absent; of a signal a Signal."""


class AlertProvider:
    """One device, started."""

    def __init__(self, settings: SdcAlertSettings, origin: Origin) -> None:
        self._mdib = ProviderMdib.from_string(mdib(origin.bed, origin.bundle), SdcV1Definitions)
        self._mdib.sequence_id = uuid.uuid4().urn
        self._mdib.instance_id = 1
        self._discovery = _discovery(settings)
        self._told: dict[str, State] = {}
        self._provider = SdcProvider(
            self._discovery,
            ThisModelType(manufacturer="Barocast", model_name="Barocast"),
            ThisDeviceType(friendly_name=f"Barocast {origin.bed}"),
            self._mdib,
            epr=uuid.UUID(settings.epr) if settings.epr else uuid.uuid4(),
            validate=False,
            ssl_context_container=contexts(settings.credentials) if settings.certificate else None,
            socket_timeout=SEND_S,
            components=provider_components_sync_factory(),  # the other ones never close their event loop
        )
        self._provider.start_all(start_rtsample_loop=False)
        self._provider.publish()
        self.address = str(self._provider.get_xaddrs()[0])

    def tell(self, snapshot: AlarmSnapshot, wall_s: float, *, checked: bool) -> None:
        """Make the MDIB agree with the snapshot."""
        wanted = _wanted(snapshot.conditions)
        changed = {handle: state for handle, state in wanted.items() if self._told.get(handle) != state}
        if not changed and not checked:
            return
        with self._mdib.alert_state_transaction(set_determination_time=False) as transaction:
            for handle, state in changed.items():
                _write(transaction.get_state(handle), state, wall_s)
            _write_system(transaction.get_state(ALERTS), snapshot, wall_s, checked=checked)
        self._told |= changed

    def close(self) -> None:
        """Tell the consumers and stop."""
        self._provider.stop_all()
        self._discovery.stop()


class Unannounced:
    """Stands where the library wants a discovery: consumers know the address."""

    def __init__(self, settings: SdcAlertSettings) -> None:
        self.active_address = settings.address

    def publish_service(self, *_: object) -> None:
        """Say nothing."""

    def clear_service(self, *_: object) -> None:
        """Say nothing."""

    def stop(self) -> None:
        """Do nothing."""


def _discovery(settings: SdcAlertSettings) -> Any:  # noqa: ANN401 - the library's own, or what stands for it
    if not settings.discover:
        return Unannounced(settings)
    discovery = WSDiscovery(settings.address)
    discovery.start()
    return discovery


def handle_of(condition: Condition) -> str:
    """Give the handle under which a condition is described."""
    return CONDITIONS.get(condition.name, CONDITIONS[OTHER]).handle


def _wanted(conditions: Iterable[Condition]) -> dict[str, State]:
    """Give the state of every condition (its priority, None when it is absent) and of every signal."""
    highest: dict[str, Condition] = {}
    for condition in conditions:  # highest priority first; one of them stands for its handle
        highest.setdefault(handle_of(condition), condition)
    states: dict[str, State] = {}
    for described in CONDITIONS.values():
        shown = highest.get(described.handle)
        states[described.handle] = shown.priority if shown is not None and shown.active else None
        for how in MANIFESTATIONS:
            states[f"{described.handle}.{how}"] = _signal(shown, how)
    return states


def _signal(shown: Condition | None, how: str) -> Signal:
    if shown is None:
        return Signal("Off", "On")
    silent = how == "Aud" or shown.inactivation is Inactivation.ALARM_PAUSED
    activation = _SILENT.get(shown.inactivation, "On") if silent else "On"
    if shown.inactivation is Inactivation.ACKNOWLEDGED:
        return Signal("Ack", activation)
    return Signal("On" if shown.active else "Latch", activation)


def _write(state: Any, wanted: State, wall_s: float) -> None:  # noqa: ANN401 - the library's own
    state.ActivationState = pm_types.AlertActivation.ON
    if isinstance(wanted, Signal):
        state.Presence = pm_types.AlertSignalPresence(wanted.presence)
        state.ActivationState = pm_types.AlertActivation(wanted.activation)
        return
    state.Presence = wanted is not None
    state.ActualPriority = None if wanted is None else pm_types.AlertConditionPriority(_PRIORITIES[wanted])
    state.DeterminationTime = wall_s


def _write_system(state: Any, snapshot: AlarmSnapshot, wall_s: float, *, checked: bool) -> None:  # noqa: ANN401
    present = {(handle_of(c), c.technical) for c in snapshot.conditions if c.active}
    state.ActivationState = pm_types.AlertActivation.ON
    state.PresentPhysiologicalAlarmConditions = sorted(
        handle for handle, technical in present if not technical
    )
    state.PresentTechnicalAlarmConditions = sorted(handle for handle, technical in present if technical)
    audible = "Off" if snapshot.audio_off else "Psd" if snapshot.audio_pause_left_s > 0 else "On"
    state.SystemSignalActivation = [
        pm_types.SystemSignalActivation(
            pm_types.AlertSignalManifestation("Aud"), pm_types.AlertActivation(audible)
        )
    ]
    if checked:
        state.LastSelfCheck = wall_s
        state.SelfCheckCount = (state.SelfCheckCount or 0) + 1
