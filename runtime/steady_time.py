"""Keeps a device's clock believable: a jump in time must be confirmed before anything is dated by it.

    events -> the same events, in the order in which they can be believed

An event that is dated more than AHEAD_S after everything before it, or more than SET_BACK_S before its own
channel's newest, is held until a later one of the same neighbourhood confirms the jump; where the next one
falls back into line, what was held was a stray stamp, and is dropped and counted. A confirmed jump forward is
a gap. A confirmed one back is a clock that was set (daylight saving, a restart): the timeline begins the case
anew, since no honest grid can hold both times. A channel that is always told later than another is no jump.
One that is measured now and then, as a cuff's is, keeps no time: it is told with its own earlier time, and
confirms nothing.
"""

from __future__ import annotations

import math
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


INTERMITTENT: Final = frozenset({"NIBP_MEAN", "NIBP_SYS", "NIBP_DIA", "CO"})
"""Channels that are measured now and then: the time of the last measurement may be told for hours."""


class SteadyTime:
    """One feed's sense of time."""

    def __init__(self) -> None:
        self.strays = 0
        """Events dropped for a time that nothing confirmed."""
        self.set_backs = 0
        """How often the clock was set back."""
        self._newest_s: float | None = None
        self._newest_of: dict[tuple[str, str], float] = {}
        """The same by channel and code; the arterial line's channels are told together, and have one."""
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
        if t_s > newest_s + AHEAD_S or self._falls_back(event, t_s):
            return self._doubt(event, t_s)
        if t_s >= newest_s - SET_BACK_S and keeps_time(event):
            self._drop()
            self._newest_s = max(newest_s, t_s)
        self._note(event, t_s)
        return [event]

    def _falls_back(self, event: Sample | WaveChunk, t_s: float) -> bool:
        return t_s < self._newest_of.get(_told_with(event), -math.inf) - SET_BACK_S

    def _note(self, event: Sample | WaveChunk, t_s: float) -> None:
        """Remember a time that is believed. What has no channel may be a laboratory's, told in any order."""
        if event.channel is not None and keeps_time(event):
            key = _told_with(event)
            self._newest_of[key] = max(self._newest_of.get(key, t_s), t_s)

    def _doubt(self, event: Sample | WaveChunk, t_s: float) -> list[Event]:
        first_s = self._held[0].t_s if self._held else None
        if first_s is None or not first_s <= t_s <= first_s + AHEAD_S:
            self._drop()
            first_s = t_s
        if len(self._held) < MAX_HELD:
            self._held.append(event)
        else:
            self.strays += 1
        if not self._confirms(event, t_s - first_s):
            return []
        if self._newest_s is not None and t_s < self._newest_s:
            self.set_backs += 1
            self._newest_of.clear()
        self._newest_s = t_s
        self._note(event, t_s)
        return self.flush()

    def _confirms(self, event: Sample | WaveChunk, after_s: float) -> bool:
        """Whether an event that comes `after_s` the first in doubt ends the doubt.

        Of the arterial line the next one does. Another channel may have a slower source too: it must go on.
        """
        ahead = self._newest_s is not None and event.t_s is not None and event.t_s > self._newest_s
        return keeps_time(event) and after_s > (0.0 if ahead or is_arterial(event) else SET_BACK_S)

    def _drop(self) -> None:
        self.strays += len(self._held)
        self._held = []


def is_arterial(event: Sample | WaveChunk) -> bool:
    """Whether the event is of the arterial line, whose order in time is what the grid stands on."""
    return event.channel is not None and event.channel.startswith("ABP_")


def keeps_time(event: Sample | WaveChunk) -> bool:
    """Whether the event is measured all the time, so that its time tells what time it is."""
    return event.channel not in INTERMITTENT


def _told_with(event: Sample | WaveChunk) -> tuple[str, str]:
    """Give what is told at one time: the arterial line, or one code of a channel."""
    return ("ABP", "") if is_arterial(event) else (event.channel or "", event.code)
