"""A Philips IntelliVue monitor to talk to: the other side of runtime.intellivue_session, sans-IO.

It answers one association at a time, insists on the reply to its MDS create event, takes priority
lists, serves extended polls until they end, aborts a client that falls silent, and measures what its
source gives. As real ones do it sends everything in bursts of 1.024 s (numerics once, waves as four
arrays of 256 ms), describes a wave only in its first array, splits what exceeds the MTU into linked
results, shows only the pleth until a wave list is set, and counts time from an arbitrary start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.intellivue_objects import ARRAY_TICKS, MonitorObjects
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders import mib
from barocast.runtime.decoders.intellivue_association import Act, Association, Terms
from barocast.runtime.decoders.intellivue_builder import attribute_list, build
from barocast.runtime.decoders.intellivue_layout import LAST_LINK
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import (
    EventReply,
    EventReport,
    Observation,
    PollRequest,
    PollResult,
    SetRequest,
    SetResult,
)
from barocast.runtime.decoders.intellivue_sources import ARTERIAL_LINES
from barocast.runtime.decoders.intellivue_values import date_time_bytes, labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.virtual.source import Source
    from barocast.runtime.decoders.intellivue_pdu import Pdu

BURST_TICKS: Final = 8192
"""1.024 s: the period of numerics, and of everything's delivery."""
MAX_MTU: Final = 1000
"""Bytes of payload that a serial line takes at a time."""
CREATE_EVERY_S: Final = 3.0
CREATE_TIMES: Final = 3
"""MDS create events before a client that does not answer is aborted."""
_RESULT_HEAD: Final = 64
"""Bytes that a poll result needs around its observations, and some to spare."""


@dataclass(slots=True)
class _Poll:
    """A poll being served."""

    request: PollRequest
    ends_s: float
    sequence: int = 0
    described: set[int] = field(default_factory=set)
    """Codes of the waves whose description was sent."""


class VirtualIntelliVue:
    """One monitor with one patient; `receive` and `due` give what it sends."""

    def __init__(
        self,
        source: Source,
        *,
        waves: tuple[str, ...] = ("ABP_WAVE",),
        arterial: int = ARTERIAL_LINES[0],
        demo: bool = False,
        start_ticks: int = 0x2F3A1C00,
        started: datetime = datetime(2026, 3, 2, 7, 30),  # noqa: DTZ001 - a monitor states no zone
    ) -> None:
        self._objects = MonitorObjects(source, waves=waves, arterial=arterial, demo=demo)
        self._demo = demo
        self._start_ticks = start_ticks
        self._started = started
        self._deframer = mib.Deframer()
        self._origin_s: float | None = None
        self._burst = 0
        """Bursts gone by since the monitor was switched on."""
        self._dissociate()

    def _dissociate(self) -> None:
        self._terms: Terms | None = None
        self._confirmed = False
        self._creates = 0
        self._create_at_s = self._heard_s = 0.0
        self._polls: dict[int, _Poll] = {}
        self._wave_list: tuple[int, ...] = (0x4BB4,)

    @property
    def associated(self) -> bool:
        """Whether it has a client."""
        return self._terms is not None

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Take what the client sent; give the answers."""
        answers: list[Pdu] = []
        for found in self._deframer.feed(data):
            if isinstance(found, mib.Frame):
                self._heard_s = self._time(now_s)
                answers += self._answer(parse(found.payload))
        return _framed(answers)

    def due(self, now_s: float) -> bytes:
        """Give what time makes due: create events, bursts, the abort of a silent client."""
        t_s = self._time(now_s)
        out: list[Pdu] = []
        while (self._burst + 1) * BURST_TICKS <= t_s * codes.TICKS_PER_S:
            self._burst += 1
            out += self._delivered(self._burst * BURST_TICKS)
        if self._terms is None:
            return _framed(out)
        if t_s - self._heard_s > self._terms.timeout_s:
            return _framed([*out, *self._abort()])
        return _framed([*out, *self._create(t_s)])

    def _time(self, now_s: float) -> float:
        """Give seconds since the monitor was switched on: since it was first asked for anything."""
        if self._origin_s is None:
            self._origin_s = now_s
        return now_s - self._origin_s

    def _ticks(self, ticks: int) -> int:
        return (self._start_ticks + ticks) % (1 << 32)

    def _abort(self) -> list[Pdu]:
        self._dissociate()
        return [Association(Act.ABORT)]

    # What the client says.

    def _answer(self, pdu: Pdu) -> list[Pdu]:
        if isinstance(pdu, Association):
            return self._association(pdu)
        if self._terms is None:
            return []
        if isinstance(pdu, EventReply):
            self._confirmed = True
        elif isinstance(pdu, SetRequest) and self._confirmed:
            return self._set(pdu)
        elif isinstance(pdu, PollRequest) and self._confirmed:
            return self._poll(pdu)
        return []

    def _association(self, message: Association) -> list[Pdu]:
        if message.act is Act.REQUEST:
            return self._associate(message.terms or Terms())
        associated = self._terms is not None
        if message.act in (Act.ABORT, Act.RELEASE):
            self._dissociate()
        return [Association(Act.RELEASED)] if message.act is Act.RELEASE and associated else []

    def _associate(self, asked: Terms) -> list[Pdu]:
        if self._terms is not None:
            return [Association(Act.REFUSE)]
        heard_s = self._heard_s
        self._dissociate()
        self._terms = Terms(asked.min_poll_ticks, min(asked.mtu, MAX_MTU), asked.extensions)
        self._heard_s = self._create_at_s = heard_s
        return [Association(Act.RESPONSE, self._terms), *self._create(heard_s)]

    def _create(self, t_s: float) -> list[Pdu]:
        """Send the MDS create event until it is answered, or abort after the last one."""
        if self._confirmed or t_s < self._create_at_s:
            return []
        if self._creates == CREATE_TIMES:
            return self._abort()
        self._creates += 1
        self._create_at_s = t_s + CREATE_EVERY_S
        ticks = self._ticks(int(t_s * codes.TICKS_PER_S))
        mode = codes.OPERATING_DEMO if self._demo else codes.OPERATING_MONITORING
        attributes = {
            codes.OPERATING_MODE: mode.to_bytes(2, "big"),
            codes.DATE_TIME: date_time_bytes(self._wall(t_s)),
            codes.RELATIVE_TIME: ticks.to_bytes(4, "big"),
        }
        return [EventReport(1, True, ticks, codes.MDS_CREATE, attributes)]  # noqa: FBT003 - a field, not a switch

    def _wall(self, t_s: float) -> datetime:
        return self._started + timedelta(seconds=t_s)

    def _set(self, asked: SetRequest) -> list[Pdu]:
        if wanted := asked.attributes.get(codes.WAVE_LIST):
            self._wave_list = labels(wanted)
        return [SetResult(asked.invoke_id, asked.attributes)]

    def _poll(self, asked: PollRequest) -> list[Pdu]:
        """Start serving an extended poll, or answer a single one; the first answer is empty."""
        t_s = self._heard_s
        if asked.extended:
            lasts_s = (asked.duration_ticks or 0) / codes.TICKS_PER_S
            self._polls[asked.object_class] = _Poll(asked, t_s + lasts_s)
        ticks = int(t_s * codes.TICKS_PER_S)
        return [self._result(asked, 0 if asked.extended else None, ticks, ())]

    # What the monitor says by itself.

    def _delivered(self, ticks: int) -> list[Pdu]:
        """Give the burst that ends at `ticks` since the start."""
        t_s = ticks / codes.TICKS_PER_S
        ended = [kind for kind, poll in self._polls.items() if poll.ends_s < t_s]
        for kind in ended:
            del self._polls[kind]
        return [pdu for kind, read in _MEASURED if kind in self._polls for pdu in read(self, ticks)]

    def _waves(self, ticks: int) -> list[Pdu]:
        poll = self._polls[codes.WAVE]
        out: list[Pdu] = []
        for start in range(ticks - BURST_TICKS, ticks, ARRAY_TICKS):
            seen = self._objects.waves(start / codes.TICKS_PER_S, self._wave_list, poll.described)
            out += self._results(poll, start, seen)
        return out

    def _numerics(self, ticks: int) -> list[Pdu]:
        t_s = ticks / codes.TICKS_PER_S
        seen = self._objects.numerics(t_s, self._wall(t_s))
        return self._results(self._polls[codes.NUMERIC], ticks, seen)

    def _alarms(self, ticks: int) -> list[Pdu]:
        seen = self._objects.alarms(ticks / codes.TICKS_PER_S)
        return self._results(self._polls[codes.ALERT_MONITOR], ticks, seen)

    def _results(self, poll: _Poll, ticks: int, seen: list[Observation]) -> list[Pdu]:
        """Give one poll result, in linked parts where the MTU demands it."""
        poll.sequence = poll.sequence % 0xFFFF + 1
        parts = _parts(seen, (self._terms or Terms()).mtu - _RESULT_HEAD)
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
        time = self._ticks(ticks)
        invoke_id, number, kind, group = asked.invoke_id, asked.number, asked.object_class, asked.group
        return PollResult(invoke_id, number, sequence, time, kind, group, seen, link)


_MEASURED: Final[tuple[tuple[int, Callable[[VirtualIntelliVue, int], list[Pdu]]], ...]] = (
    (codes.WAVE, VirtualIntelliVue._waves),  # noqa: SLF001 - the class's own table
    (codes.NUMERIC, VirtualIntelliVue._numerics),  # noqa: SLF001
    (codes.ALERT_MONITOR, VirtualIntelliVue._alarms),  # noqa: SLF001
)


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


def _framed(pdus: list[Pdu]) -> bytes:
    return b"".join(mib.frame(build(pdu)) for pdu in pdus)
