"""Dates what a feed gave no time of its own, on the device's clock as it looks from here.

    events that came at one arrival -> the same events, every Sample and WaveChunk with a time

Times that the device told stay as they are; those of channels that keep time anchor its clock (clock_anchor),
for a cuff's may be of an hour ago. What has none is dated by
that clock at its arrival, but no later than the newest time that came with it, for what was held up was held
up together; by the arrival itself while the device has told none. The answer depends on what came and when,
on nothing else: a bed and the recording of a bed date alike.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from barocast.runtime.clock_anchor import ClockAnchor
from barocast.runtime.domain import Sample, WaveChunk
from barocast.runtime.steady_time import keeps_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.runtime.domain import Event


class DeviceTime:
    """One device's clock, as far as its events tell."""

    def __init__(self) -> None:
        self._anchor = ClockAnchor()

    def dated(self, events: Iterable[Event], arrival_s: float) -> list[Event]:
        """Take what came at `arrival_s`, monotonic seconds that never fall; give it dated."""
        came = list(events)
        measured = [event for event in came if isinstance(event, Sample | WaveChunk)]
        told = [event.t_s for event in measured if event.t_s is not None and keeps_time(event)]
        if told:
            self._anchor.heard(max(told), arrival_s)
        if all(event.t_s is not None for event in measured):  # nothing is asked of the clock: asking moves it
            return came
        device_s = self._anchor.device_s(arrival_s)
        t_s = min(arrival_s if device_s is None else device_s, max(told, default=math.inf))
        return [_dated(event, t_s) for event in came]

    def set_back(self) -> None:
        """Tell that the device's clock was set back: what it told before is of no use."""
        self._anchor = ClockAnchor()

    def at(self, arrival_s: float) -> float | None:
        """Give the device's time at an instant of ours, None while none was told. Looking changes nothing."""
        offset_s = self._anchor.offset_s
        return None if offset_s is None else arrival_s - offset_s


def _dated(event: Event, t_s: float) -> Event:
    if isinstance(event, Sample | WaveChunk) and event.t_s is None:
        return replace(event, t_s=t_s)
    return event
