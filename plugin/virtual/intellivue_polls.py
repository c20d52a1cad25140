"""The polls that a virtual IntelliVue serves for one client, answered in bursts as real monitors do.

Every 1.024 s it sends numerics and alarms once and waves as four arrays of 256 ms, describes a wave only in
its first array, splits what exceeds the MTU into linked results, and shows only the pleth until a wave list
is set. An extended poll is served until it ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.intellivue_objects import ARRAY_TICKS
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_builder import attribute_list
from barocast.runtime.decoders.intellivue_layout import LAST_LINK
from barocast.runtime.decoders.intellivue_pdu import Observation, PollRequest, PollResult

if TYPE_CHECKING:
    from barocast.plugin.virtual.intellivue_objects import MonitorObjects

BURST_TICKS: Final = 8192
"""1.024 s: the period of numerics, and of everything's delivery."""
FIRST_WAVES: Final = (0x4BB4,)
"""The pleth."""
_RESULT_HEAD: Final = 64
"""Bytes that a poll result needs around its observations, and some to spare."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Both clocks of a monitor, by how long it has been on."""

    start_ticks: int
    """Relative time when it was switched on, 1/8000 s."""
    started: datetime
    """Its local date and time then."""

    def relative(self, ticks: int) -> int:
        """Give the relative time after so many ticks."""
        return (self.start_ticks + ticks) % (1 << 32)

    def wall(self, t_s: float) -> datetime:
        """Give date and time after so many seconds."""
        return self.started + timedelta(seconds=t_s)


@dataclass(slots=True)
class _Poll:
    """A poll being served."""

    request: PollRequest
    ends_s: float
    sequence: int = 0
    described: set[int] = field(default_factory=set)
    """Codes of the waves whose description was sent."""


class Polls:
    """What one client has asked for; times are seconds that the monitor has been on."""

    def __init__(self, objects: MonitorObjects, clocks: Clocks, mtu: int) -> None:
        self._objects, self._clocks = objects, clocks
        self._room = mtu - _RESULT_HEAD
        self._served: dict[int, _Poll] = {}
        self.waves: tuple[int, ...] = FIRST_WAVES
        """Codes of the waves that are sent."""

    def answer(self, asked: PollRequest, t_s: float, seen: tuple[Observation, ...]) -> PollResult:
        """Answer a poll with what is seen now; serve an extended one from now on."""
        if asked.extended:
            lasts_s = (asked.duration_ticks or 0) / codes.TICKS_PER_S
            self._served[asked.object_class] = _Poll(asked, t_s + lasts_s)
        sequence = 0 if asked.extended else None
        return self._result(asked, sequence, int(t_s * codes.TICKS_PER_S), seen)

    def burst(self, ticks: int) -> list[PollResult]:
        """Give what is delivered `ticks` after the monitor was switched on."""
        t_s = ticks / codes.TICKS_PER_S
        self._served = {kind: poll for kind, poll in self._served.items() if poll.ends_s >= t_s}
        read = {
            codes.WAVE: self._read_waves,
            codes.NUMERIC: self._read_numerics,
            codes.ALERT_MONITOR: self._read_alarms,
        }
        return [result for kind in read if kind in self._served for result in read[kind](ticks)]

    def _read_waves(self, ticks: int) -> list[PollResult]:
        poll = self._served[codes.WAVE]
        out: list[PollResult] = []
        for start in range(ticks - BURST_TICKS, ticks, ARRAY_TICKS):
            seen = self._objects.waves(start / codes.TICKS_PER_S, self.waves, poll.described)
            out += self._results(poll, start, seen)
        return out

    def _read_numerics(self, ticks: int) -> list[PollResult]:
        t_s = ticks / codes.TICKS_PER_S
        seen = self._objects.numerics(t_s, self._clocks.wall(t_s))
        return self._results(self._served[codes.NUMERIC], ticks, seen)

    def _read_alarms(self, ticks: int) -> list[PollResult]:
        seen = self._objects.alarms(ticks / codes.TICKS_PER_S)
        return self._results(self._served[codes.ALERT_MONITOR], ticks, seen)

    def _results(self, poll: _Poll, ticks: int, seen: list[Observation]) -> list[PollResult]:
        """Give one poll result, in linked parts where the MTU demands it."""
        poll.sequence = poll.sequence % 0xFFFF + 1
        parts = _parts(seen, self._room)
        whole = len(parts) == 1
        return [
            self._result(poll.request, poll.sequence, ticks, part, None if whole else _link(i, len(parts)))
            for i, part in enumerate(parts, 1)
        ]

    def _result(
        self,
        asked: PollRequest,
        sequence: int | None,
        ticks: int,
        seen: tuple[Observation, ...],
        link: tuple[int, int] | None = None,
    ) -> PollResult:
        time = self._clocks.relative(ticks)
        invoke_id, number, kind, group = asked.invoke_id, asked.number, asked.object_class, asked.group
        return PollResult(invoke_id, number, sequence, time, kind, group, seen, link)


def _parts(seen: list[Observation], room: int) -> list[tuple[Observation, ...]]:
    """Cut observations into runs of at most `room` bytes; one that is longer stands alone."""
    parts: list[tuple[Observation, ...]] = [()]
    used = 0
    for observation in seen:
        size = 2 + len(attribute_list(observation.attributes))
        if used + size > room and parts[-1]:
            parts.append(())
            used = 0
        parts[-1] += (observation,)
        used += size
    return parts


def _link(part: int, parts: int) -> tuple[int, int]:
    """Give the state (first, middle, last) and number of a linked part."""
    return (1 if part == 1 else LAST_LINK if part == parts else 2), part
