"""A monitor with an arterial line: sdc11073's own provider on real sockets. Needs the extra `sdc`."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.mdib.descriptorcontainers import NumericMetricDescriptorContainer
from sdc11073.mdib.providermdib import ProviderMdib
from sdc11073.provider import SdcProvider
from sdc11073.provider.providerimpl import provider_components_sync_factory
from sdc11073.xml_types import pm_types
from sdc11073.xml_types.dpws_types import ThisDeviceType, ThisModelType

if TYPE_CHECKING:
    from sdc11073.certloader import SSLContextContainer

PATIENT = "Mustermann"
_SPACE = "http://standards.ieee.org/downloads/11073/11073-10207-2017"


def _numeric(handle: str, code: int) -> str:
    return f"""
      <pm:Metric xsi:type="pm:NumericMetricDescriptor" Handle="{handle}" MetricCategory="Msrmt"
        MetricAvailability="Cont" Resolution="0.1"><pm:Type Code="{code}"/><pm:Unit Code="266016"/>
      </pm:Metric>"""


MDIB = f"""<?xml version="1.0" encoding="UTF-8"?>
<msg:GetMdibResponse xmlns:msg="{_SPACE}/message" xmlns:pm="{_SPACE}/participant"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" SequenceId="urn:uuid:1" MdibVersion="0">
  <msg:Mdib SequenceId="urn:uuid:1" MdibVersion="0">
    <pm:MdDescription><pm:Mds Handle="mds"><pm:Type Code="70001"/>
      <pm:AlertSystem Handle="alerts">
        <pm:AlertCondition Handle="low" Kind="Phy" Priority="Hi">
          <pm:Type Code="196670"><pm:ConceptDescription Lang="en">ABP low</pm:ConceptDescription></pm:Type>
          <pm:Source>map</pm:Source>
        </pm:AlertCondition>
        <pm:AlertSignal Handle="low.lamp" ConditionSignaled="low" Manifestation="Vis" Latching="false"/>
      </pm:AlertSystem>
      <pm:SystemContext Handle="context"><pm:PatientContext Handle="patient"/></pm:SystemContext>
      <pm:Clock Handle="clock"/>
      <pm:Vmd Handle="vmd"><pm:Channel Handle="abp">{_numeric("sys", 150037)}{_numeric("dia", 150038)}
        {_numeric("map", 150039)}
        <pm:Metric xsi:type="pm:RealTimeSampleArrayMetricDescriptor" Handle="wave" MetricCategory="Msrmt"
          MetricAvailability="Cont" Resolution="0.1" SamplePeriod="PT0.008S">
          <pm:Type Code="150036"/><pm:Unit Code="266016"/></pm:Metric>
      </pm:Channel></pm:Vmd>
    </pm:Mds></pm:MdDescription>
    <pm:MdState><pm:State xsi:type="pm:PatientContextState" DescriptorHandle="patient" Handle="patient.1"
      ContextAssociation="Assoc"><pm:CoreData><pm:Familyname>{PATIENT}</pm:Familyname></pm:CoreData></pm:State>
    </pm:MdState>
  </msg:Mdib>
</msg:GetMdibResponse>"""
TWO_BEDS = MDIB.replace(
    "</pm:MdDescription>",
    f"""<pm:Mds Handle="other"><pm:Vmd Handle="other.vmd"><pm:Channel Handle="other.abp">
    {_numeric("other.map", 150039)}</pm:Channel></pm:Vmd></pm:Mds></pm:MdDescription>""",
)
"""The same, and beside it a second MDS with a line of its own."""


class NoDiscovery:
    """Announces nothing: the test knows the address."""

    active_address = "127.0.0.1"

    def publish_service(self, *_: object) -> None:
        """Say nothing."""

    def clear_service(self, *_: object) -> None:
        """Say nothing."""


class SdcDevice:
    """One provider, started."""

    def __init__(
        self, discovery: object = None, tls: SSLContextContainer | None = None, mdib: str = MDIB
    ) -> None:
        self.mdib = ProviderMdib.from_string(mdib.encode(), SdcV1Definitions)
        self.mdib.instance_id = 1
        self._provider = SdcProvider(
            discovery or NoDiscovery(),
            ThisModelType(manufacturer="Barocast", model_name="test"),
            ThisDeviceType(friendly_name="test"),
            self.mdib,
            epr=uuid.uuid4(),
            ssl_context_container=tls,
            components=provider_components_sync_factory(),  # the other ones never close their event loop
        )
        self._provider.start_all(start_rtsample_loop=False)
        self._provider.publish()
        self.epr = self._provider.epr_urn
        self.address = self._provider.get_xaddrs()[0].split("://")[1]

    def tell(self, t_s: float, validity: str = "Vld", **values: float) -> None:
        """Report numerics by handle."""
        with self.mdib.metric_state_transaction(set_determination_time=False) as transaction:
            for handle, value in values.items():
                self._determine(transaction.get_state(handle), t_s, validity).Value = Decimal(f"{value:.1f}")

    def draw(self, t_s: float, samples: list[float]) -> None:
        """Report a stretch of the wave."""
        with self.mdib.rt_sample_state_transaction() as transaction:
            value = self._determine(transaction.get_state("wave"), t_s, "Vld")
            value.Samples = [Decimal(f"{sample:.1f}") for sample in samples]

    def alarm(self, t_s: float, *, present: bool) -> None:
        """Raise or end the one alert."""
        with self.mdib.alert_state_transaction(set_determination_time=False) as transaction:
            state = transaction.get_state("low")
            state.Presence, state.DeterminationTime = present, t_s
            state.ActivationState = pm_types.AlertActivation.ON

    def turn(self, mode: str) -> None:
        """Set the operating mode."""
        with self.mdib.component_state_transaction() as transaction:
            transaction.get_state("mds").OperatingMode = pm_types.MdsOperatingMode(mode)

    def plug_in(self, handle: str, code: str) -> None:
        """Add a numeric that was not described before."""
        with self.mdib.descriptor_transaction() as transaction:
            added = NumericMetricDescriptorContainer(handle=handle, parent_handle="abp")
            added.Type, added.Unit = pm_types.CodedValue(code), pm_types.CodedValue("266016")
            added.Resolution, added.MetricCategory = Decimal("0.1"), pm_types.MetricCategory.MEASUREMENT
            transaction.add_descriptor(added)
            state = self.mdib.data_model.mk_state_container(added)
            transaction.add_state(state)

    def restart_sequence(self) -> None:
        """Begin a new MDIB sequence, as a device that has started anew."""
        self.mdib.sequence_id = uuid.uuid4().urn

    def stop(self) -> None:
        """Switch it off in good order."""
        self._provider.stop_all()

    @staticmethod
    def _determine(state, t_s: float, validity: str):
        state.ActivationState = pm_types.ComponentActivation.ON
        if state.MetricValue is None:
            state.mk_metric_value()
        state.MetricValue.DeterminationTime = t_s
        state.MetricValue.MetricQuality.Validity = pm_types.MeasurementValidity(validity)
        return state.MetricValue
