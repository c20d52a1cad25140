"""The latest of each channel: what a screen shows of the patient, with its age on the device's own clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from barocast.plugin.sinks.view import Numeric
from barocast.runtime.clock_anchor import SET_BACK_S
from barocast.runtime.domain import DERIVED, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.runtime.domain import Event


class Vitals:
    """Newest sample by channel. A derived value stands only where the monitor gives none."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, bool], Sample] = {}

    def take(self, events: Iterable[Event]) -> None:
        """Remember what came last of each channel; each has its time."""
        for event in events:
            if isinstance(event, Sample) and event.channel:
                self._latest[event.channel, event.code == DERIVED] = event

    def numerics(self, device_s: float, within_s: float) -> dict[str, Numeric]:
        """Give channel -> newest at `device_s`, leaving out what was measured more than `within_s` before.

        What lies in the device's future was told before its clock was set back: nobody knows how old it is.
        """
        shown: dict[str, Numeric] = {}
        # Derived ones first, so that what the monitor says itself takes their place.
        for (channel, _), sample in sorted(self._latest.items(), key=lambda item: not item[0][1]):
            age_s = device_s - (device_s if sample.t_s is None else sample.t_s)
            if -SET_BACK_S <= age_s <= within_s:
                reason = str(sample.reason) if sample.reason else None
                shown[channel] = Numeric(sample.value, max(age_s, 0.0), reason)
        return shown
