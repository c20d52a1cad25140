"""The latest of each channel: what a screen shows of the patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from barocast.plugin.sinks.view import Numeric
from barocast.runtime.domain import DERIVED, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.runtime.domain import Event


class Vitals:
    """Newest sample by channel. A derived value stands only where the monitor gives none."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, bool], tuple[Sample, float]] = {}

    def take(self, events: Iterable[Event], now_s: float) -> None:
        """Remember the newest of each channel, and when it came."""
        for event in events:
            if isinstance(event, Sample) and event.channel:
                self._latest[event.channel, event.code == DERIVED] = (event, now_s)

    def numerics(self, now_s: float, within_s: float) -> dict[str, Numeric]:
        """Give channel -> newest, leaving out what is older than `within_s`."""
        shown: dict[str, Numeric] = {}
        # Derived ones first, so that what the monitor says itself takes their place.
        for (channel, _), (sample, heard_s) in sorted(self._latest.items(), key=lambda item: not item[0][1]):
            if now_s - heard_s <= within_s:
                reason = str(sample.reason) if sample.reason else None
                shown[channel] = Numeric(sample.value, now_s - heard_s, reason)
        return shown
