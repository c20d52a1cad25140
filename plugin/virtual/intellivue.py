"""A Philips IntelliVue monitor to talk to: the other side of runtime.sessions.intellivue, sans-IO.

It answers one association at a time, insists on the reply to its MDS create event, takes priority lists,
serves polls (intellivue_polls) of what its source gives, aborts a client that falls silent, and counts time
from an arbitrary start, as real ones do. It can be told to refuse clients and to show an invented patient
(monitor.CanRefuse, monitor.HasDemo).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.intellivue_objects import MonitorObjects
from barocast.plugin.virtual.intellivue_polls import BURST_TICKS, Clocks, Polls
from barocast.plugin.virtual.uptime import Uptime
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders import mib
from barocast.runtime.decoders.intellivue_association import Act, Association, Terms
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import (
    EventReply,
    EventReport,
    Observation,
    PollRequest,
    SetRequest,
    SetResult,
)
from barocast.runtime.decoders.intellivue_sources import ARTERIAL_LINES
from barocast.runtime.decoders.intellivue_values import date_time_bytes, labels

if TYPE_CHECKING:
    from barocast.plugin.virtual.source import Source
    from barocast.runtime.decoders.intellivue_pdu import Pdu

MAX_MTU: Final = 1000
"""Bytes of payload that a serial line takes at a time."""
CREATE_EVERY_S: Final = 3.0
CREATE_TIMES: Final = 3
"""MDS create events before a client that does not answer is aborted."""


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
        self._refusing = False
        self._clocks = Clocks(start_ticks, started)
        self._deframer = mib.Deframer()
        self._on = Uptime()
        self._burst = 0
        """Bursts gone by since the monitor was switched on."""
        self._dissociate()

    def _dissociate(self) -> None:
        self._terms: Terms | None = None
        self._confirmed = False
        self._creates = 0
        self._create_at_s = self._heard_s = 0.0
        self._polls = Polls(self._objects, self._clocks, MAX_MTU)

    @property
    def associated(self) -> bool:
        """Whether it has a client."""
        return self._terms is not None

    def refuse(self, *, on: bool) -> bytes:
        """Begin or cease to refuse clients (monitor.CanRefuse); the one of now is aborted."""
        self._refusing = on
        return _framed(self._abort()) if on and self.associated else b""

    def demonstrate(self, *, on: bool) -> None:
        """Enter or leave demo mode (monitor.HasDemo): every value and the operating mode say so."""
        self._objects.demo = on

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Take what the client sent; give the answers."""
        answers: list[Pdu] = []
        for found in self._deframer.feed(data):
            if isinstance(found, mib.Frame):
                self._heard_s = self._on.at(now_s)
                answers += self._answer(parse(found.payload))
        return _framed(answers)

    def due(self, now_s: float) -> bytes:
        """Give what time makes due: create events, bursts, the abort of a silent client."""
        t_s = self._on.at(now_s)
        out: list[Pdu] = []
        while (self._burst + 1) * BURST_TICKS <= t_s * codes.TICKS_PER_S:
            self._burst += 1
            out += self._polls.burst(self._burst * BURST_TICKS)
        if self._terms is None:
            return _framed(out)
        if t_s - self._heard_s > self._terms.timeout_s:
            return _framed([*out, *self._abort()])
        return _framed([*out, *self._create(t_s)])

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
        if self._terms is not None or self._refusing:
            return [Association(Act.REFUSE)]
        heard_s = self._heard_s
        self._dissociate()
        self._terms = Terms(asked.min_poll_ticks, min(asked.mtu, MAX_MTU), asked.extensions)
        self._polls = Polls(self._objects, self._clocks, self._terms.mtu)
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
        ticks = self._relative(t_s)
        return [EventReport(1, True, ticks, codes.MDS_CREATE, self._system(t_s))]  # noqa: FBT003 - a field, not a switch

    def _system(self, t_s: float) -> dict[int, bytes]:
        """Give the attributes of the monitor itself."""
        mode = codes.OPERATING_DEMO if self._objects.demo else codes.OPERATING_MONITORING
        return {
            codes.OPERATING_MODE: mode.to_bytes(2, "big"),
            codes.DATE_TIME: date_time_bytes(self._clocks.wall(t_s)),
            codes.RELATIVE_TIME: self._relative(t_s).to_bytes(4, "big"),
        }

    def _relative(self, t_s: float) -> int:
        return self._clocks.relative(int(t_s * codes.TICKS_PER_S))

    def _set(self, asked: SetRequest) -> list[Pdu]:
        if wanted := asked.attributes.get(codes.WAVE_LIST):
            self._polls.waves = labels(wanted)
        return [SetResult(asked.invoke_id, asked.attributes)]

    def _poll(self, asked: PollRequest) -> list[Pdu]:
        """Answer a poll; only of itself the monitor tells something at once."""
        t_s = self._heard_s
        seen = (Observation(0, 0, self._system(t_s)),) if asked.object_class == codes.MDS else ()
        return [self._polls.answer(asked, t_s, seen)]


def _framed(pdus: list[Pdu]) -> bytes:
    return b"".join(mib.frame(build(pdu)) for pdu in pdus)
