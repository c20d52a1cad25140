"""Keeps a device's clock believable: a jump in time must be confirmed before anything is dated by it.

    events -> the same events, in the order in which they can be believed

An event that is dated more than AHEAD_S after everything before it, or an arterial one more than SET_BACK_S
before it, is held until a later one of the same neighbourhood confirms the jump; where the next one falls
back into line, what was held was a stray stamp, and is dropped and counted. A confirmed jump forward is a
gap. A confirmed one back is a clock that was set (daylight saving, a restart): the timeline begins the case
anew, since no honest grid can hold both times. A cuff reading that is told with its own earlier time is not a
jump.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.runtime.clock_anchor import SET_BACK_S
from barocast.runtime.domain import Sample, WaveChunk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.runtime.domain import Event

AHEAD_S: Final = 150.0
"""A gap up to here needs no confirmation: two and a half periods of the slowest gateway."""
MAX_HELD: Final = 256
"""Events kept while a jump is in doubt: a burst of every channel, and to spare."""


class SteadyTime:
    """One feed's sense of time."""

    def __init__(self) -> None:
        self.strays = 0
        """Events dropped for a time that nothing confirmed."""
        self._newest_s: float | None = None
        self._held: list[Sample | WaveChunk] = []

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """Take events; give those whose time can be believed, oldest doubt first."""
        believed: list[Event] = []
        for event in events:
            if isinstance(event, Sample | WaveChunk) and event.t_s is not None:
                believed += self._weigh(event, event.t_s)
            else:
                believed.append(event)
        return believed

    def flush(self) -> list[Event]:
        """Give what is still in doubt: at the end of a recording nothing can contradict it."""
        held, self._held = self._held, []
        return list(held)

    def _weigh(self, event: Sample | WaveChunk, t_s: float) -> list[Event]:
        newest_s = t_s if self._newest_s is None else self._newest_s
        if newest_s - SET_BACK_S <= t_s <= newest_s + AHEAD_S:
            self._drop()
            self._newest_s = max(newest_s, t_s)
            return [event]
        if t_s < newest_s and not is_arterial(event):
            return [event]
        return self._doubt(event, t_s)

    def _doubt(self, event: Sample | WaveChunk, t_s: float) -> list[Event]:
        first_s = self._held[0].t_s if self._held else None
        if first_s is None or not first_s <= t_s <= first_s + AHEAD_S:
            self._drop()
            first_s = t_s
        if len(self._held) < MAX_HELD:
            self._held.append(event)
        if t_s <= first_s:
            return []
        self._newest_s = t_s
        return self.flush()

    def _drop(self) -> None:
        self.strays += len(self._held)
        self._held = []


def is_arterial(event: Sample | WaveChunk) -> bool:
    """Whether the event is of the arterial line, whose order in time is what the grid stands on."""
    return event.channel is not None and event.channel.startswith("ABP_")
