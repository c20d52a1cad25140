"""What a device has described, kept so that it can be told again: one MDS and its states of now.

read(descriptors, containers)    a whole MDIB, as sdc11073 has parsed it; gives its states
ours(report)                     the report without the states of another MDS, which may be another patient's
follow(report)                   what the report changes
records()                        the `mdib` record, and a `report` of the alerts
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from barocast.plugin.transports.sdc_reports import description, devices, states
from barocast.plugin.transports.transport import TransportLost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from barocast.runtime.decoders.sdc_record import Fields


class Described:
    """One MDS; `named`: the one that the site wants, empty for the only one."""

    def __init__(self, named: str = "") -> None:
        self._named = named
        self._lists: Fields = {}
        self._handles: frozenset[str] = frozenset()
        self._devices: dict[str, Fields] = {}
        self._alerts: dict[str, Fields] = {}

    def read(self, descriptors: Sequence[Any], containers: Sequence[Any]) -> Fields:
        """Take a whole MDIB. Raises TransportLost when it does not hold the one MDS that is wanted."""
        mds = self._chosen(devices(descriptors))
        self._lists = {
            name: [one for one in listed if one["device"] == mds]
            for name, listed in description(descriptors).items()
        }
        self._handles = frozenset({mds, *(one["handle"] for told in self._lists.values() for one in told)})
        self._devices, self._alerts = {}, {}
        now = self.ours({"is": "report", **states(containers)})
        self.follow(now)
        return now

    def ours(self, report: Fields) -> Fields:
        """Leave out what belongs to another MDS; without another there is nothing to leave out."""
        if not self._named:
            return report
        return {
            name: [one for one in told if one["handle"] in self._handles] if isinstance(told, list) else told
            for name, told in report.items()
        }

    def follow(self, report: Fields) -> None:
        """Note the modes and alerts of now."""
        self._devices |= {one["handle"]: one for one in report.get("devices", [])}
        self._alerts |= {one["handle"]: one for one in report.get("alerts", [])}

    def records(self) -> list[Fields]:
        """Give what a reader who comes in here needs to know."""
        alerts = [{"is": "report", "alerts": list(self._alerts.values())}] if self._alerts else []
        return [{"is": "mdib", "devices": list(self._devices.values()), **self._lists}, *alerts]

    def _chosen(self, found: list[str]) -> str:
        mds = self._named or (found[0] if len(found) == 1 else "")
        if mds not in found:
            raise TransportLost(f"MDS {', '.join(found) or 'none'}; name the patient's with mds=")
        return mds
