"""The client's side of a Philips IntelliVue Data Export association, sans-IO, over a serial line or a LAN.

    waiting --request--> asked --response--> joined --MDS create, answered--> polling
       ^                   |                   |                                 |
       '---- back-off ---- refused, aborted, released, or silent too long -------'

In: what the monitor sends, and the time. Out: events, and what to send back. Once joined it sets the
priority lists so that the arterial line is among the waves, polls numerics, waves and alarms for a
minute at a time, renews before the minute ends, and says something before the monitor's own time-out: it
asks for the operating mode, for demo mode comes and goes within an association. There is no final failure:
it starts over for ever, at most the longest back-off apart.

What a monitor still sends to an association before ours is `unavailable`: its operating mode is not known
before the MDS create event of our own.

Over DATAGRAMS `receive` takes one datagram and replies with nothing; the reply is the first that `due`
gives, and each output of `due` and `release` is one datagram. A monitor that is on a LAN and has no client
calls for one (connect indication): whoever waits then asks at once.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Protocol Overview".
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue import IntelliVueDecoder
from barocast.runtime.decoders.intellivue_association import Act, Association, Terms
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_framing import SERIAL
from barocast.runtime.decoders.intellivue_pdu import (
    EventReply,
    EventReport,
    PollRequest,
    PollResult,
    SetRequest,
    SetResult,
    Unreadable,
)
from barocast.runtime.decoders.intellivue_sources import WANTED_NUMERICS, WANTED_WAVES
from barocast.runtime.decoders.intellivue_values import date_time, label_list, labels
from barocast.runtime.domain import Reason, Sample, WaveChunk

if TYPE_CHECKING:
    from datetime import datetime

    from barocast.runtime.decoders.intellivue_framing import Framing
    from barocast.runtime.decoders.intellivue_pdu import Pdu
    from barocast.runtime.domain import Event, FeedCounts

BACK_OFF_S: Final = (1.0, 2.0, 5.0)
"""Waits before each new try; the last one repeats. With the waits for an answer it stays below 20 s."""
ANSWER_S: Final = 3.0
"""Longest wait for an answer to an association request."""
CREATE_S: Final = 12.0
"""Longest wait for the MDS create event, which the monitor repeats every 3 s, three times."""
SILENCE_S: Final = 10.0
"""Longest silence while polling: ten numerics missed in a row."""
POLL_S: Final = 60.0
RENEW_S: Final = 45.0
"""A poll is renewed at three quarters of its life."""
REPEAT_S: Final = 5.0
"""A poll whose first result has not come by then was lost, and is asked for again."""
KEEP_ALIVE_SHARE: Final = 0.75
"""Of the monitor's time-out; then something is said. With the service's own step it stays below 0.8."""

POLLED: Final = (codes.NUMERIC, codes.WAVE, codes.ALERT_MONITOR)


class Phase(Enum):
    """Where the association stands; the value is what `status` says of it."""

    WAITING = "waiting"
    ASKED = "connecting"
    JOINED = "joined"
    POLLING = "associated"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Anchor:
    """One instant on both of the monitor's clocks."""

    t_s: float
    """Seconds of relative time."""
    wall: datetime
    """The monitor's local date and time, as its staff set it."""


class IntelliVueSession:
    """One association with one monitor (runtime.sessions.session.Session)."""

    def __init__(
        self, framing: Framing = SERIAL, *, allow_demo: bool = False, terms: Terms | None = None
    ) -> None:
        self.anchor: Anchor | None = None
        """From the last MDS create event; None before one."""
        self.waves: tuple[int, ...] = ()
        """Wave codes that the monitor accepted into its list."""
        self._framing = framing
        self._decoder = IntelliVueDecoder(framing.deframer(), allow_demo=allow_demo)
        self._asked = self._granted = terms or Terms(mtu=framing.mtu)
        self._phase = Phase.WAITING
        self._trouble = ""
        self._tries = 0
        self._deadline = float("-inf")
        """When to try again (waiting) or to give up (asked, joined, polling)."""
        self._poll_at = dict.fromkeys(POLLED, float("-inf"))
        """Object class -> when to ask for it again."""
        self._last_turn = self._next_ask = self._keep_at = float("-inf")
        self._out: deque[Pdu] = deque()
        self._number = 0

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._decoder.counts

    @property
    def status(self) -> str:
        """Say the phase in one word; while waiting, why: `silent`, `refused`, `aborted`, `released`."""
        return self._trouble or Phase.ASKED.value if self._phase is Phase.WAITING else self._phase.value

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take what the monitor sent; give the events and the replies that cannot wait."""
        events: list[Event] = []
        replies: list[Pdu] = []
        for pdu, seen in self._decoder.messages(data):
            events += seen if self._phase is Phase.POLLING else map(_unavailable, seen)
            replies += self._answer(pdu, now_s)
        if self._framing.per_turn == 1:  # two outputs of one step would run into one datagram
            self._out.extendleft(reversed(replies))
            return events, b""
        return events, self._sent(replies)

    def due(self, now_s: float) -> bytes:
        """Give what time makes due."""
        if self._phase is Phase.RELEASED:
            return b""
        if now_s >= self._deadline:
            self._request(now_s) if self._phase is Phase.WAITING else self._start_over("silent", now_s)
        if self._phase is Phase.POLLING:
            self._renew(now_s)
        return self._turn(now_s)

    def release(self) -> bytes:
        """Give the orderly farewell; nothing is due after it."""
        act = _FAREWELLS.get(self._phase)
        self._phase = Phase.RELEASED
        self._out.clear()
        return b"" if act is None else self._framing.wrap(build(Association(act)))

    def _request(self, now_s: float) -> None:
        if self._trouble:  # our former self may still be associated, and then a request is refused
            self._out.append(Association(Act.ABORT))
        self._out.append(Association(Act.REQUEST, self._asked))
        self._next_ask = now_s + ANSWER_S
        self._enter(Phase.ASKED, now_s + ANSWER_S)

    def _enter(self, phase: Phase, deadline_s: float) -> None:
        self._phase, self._deadline = phase, deadline_s

    def _start_over(self, trouble: str, now_s: float) -> None:
        wait_s = BACK_OFF_S[min(self._tries, len(BACK_OFF_S) - 1)]
        self._tries += 1
        self._trouble = trouble
        self._out.clear()
        self._enter(Phase.WAITING, now_s + wait_s)

    def _renew(self, now_s: float) -> None:
        ending = [kind for kind in POLLED if now_s >= self._poll_at[kind]]
        self._poll_at.update(dict.fromkeys(ending, now_s + REPEAT_S))
        self._out.extend(self._poll(kind) for kind in ending)
        if now_s >= self._keep_at:
            self._keep_at = now_s + KEEP_ALIVE_SHARE * self._granted.timeout_s
            number = self._next()
            self._out.append(PollRequest(number, number, codes.MDS, extended=False))

    def _poll(self, object_class: int) -> PollRequest:
        number = self._next()
        ticks = int(POLL_S * codes.TICKS_PER_S)
        return PollRequest(number, number, object_class, duration_ticks=ticks)

    def _next(self) -> int:
        self._number = self._number % 0xFFFF + 1
        return self._number

    def _turn(self, now_s: float) -> bytes:
        """Send what waits, as much as the monitor takes at a time."""
        if not self._out or now_s - self._last_turn < self._framing.turn_s:
            return b""
        self._last_turn = now_s
        count = min(self._framing.per_turn, len(self._out))
        return self._sent([self._out.popleft() for _ in range(count)])

    def _sent(self, pdus: list[Pdu]) -> bytes:
        return b"".join(self._framing.wrap(build(pdu)) for pdu in pdus)

    def _answer(self, pdu: Pdu, now_s: float) -> list[Pdu]:
        """Move on by what the monitor said; give the reply that cannot wait."""
        if self._phase in (Phase.WAITING, Phase.RELEASED) or isinstance(pdu, Unreadable):
            self._called(pdu, now_s)
            return []
        if isinstance(pdu, Association):
            return self._association(pdu, now_s)
        if self._phase is Phase.ASKED:  # still the stream of an association that we had before
            return []
        if isinstance(pdu, EventReport) and pdu.event == codes.MDS_CREATE:
            return self._created(pdu, now_s)
        if self._phase is Phase.POLLING:
            self._served(pdu, now_s)
        return []

    def _called(self, pdu: Pdu, now_s: float) -> None:
        """Wait no longer when the monitor calls for a client, unless it was asked only now."""
        if isinstance(pdu, EventReport) and pdu.event == codes.CONNECT_INDICATION:
            self._deadline = min(self._deadline, max(now_s, self._next_ask))

    def _served(self, pdu: Pdu, now_s: float) -> None:
        """Note what only a monitor sends that knows us; one that has started anew calls for a client."""
        if isinstance(pdu, PollResult):
            self._deadline = now_s + SILENCE_S
            self._tries, self._trouble = 0, ""
            if pdu.sequence == 0 and pdu.object_class in self._poll_at:
                self._poll_at[pdu.object_class] = now_s + RENEW_S
        elif isinstance(pdu, SetResult) and codes.WAVE_LIST in pdu.attributes:
            self.waves = labels(pdu.attributes[codes.WAVE_LIST])

    def _association(self, message: Association, now_s: float) -> list[Pdu]:
        if message.act is Act.RESPONSE and self._phase is Phase.ASKED:
            self._granted = message.terms or self._asked
            self._enter(Phase.JOINED, now_s + CREATE_S)
        elif message.act in _ENDINGS:
            self._start_over(_ENDINGS[message.act], now_s)
        return [Association(Act.RELEASED)] if message.act is Act.RELEASE else []

    def _created(self, event: EventReport, now_s: float) -> list[Pdu]:
        if self._phase is Phase.JOINED:
            self._enter(Phase.POLLING, now_s + SILENCE_S)
            self._out.append(SetRequest(self._next(), {codes.WAVE_LIST: label_list(WANTED_WAVES)}))
            self._out.append(SetRequest(self._next(), {codes.NUMERIC_LIST: label_list(WANTED_NUMERICS)}))
            self._poll_at = dict.fromkeys(POLLED, now_s)
            self._keep_at = now_s + KEEP_ALIVE_SHARE * self._granted.timeout_s
        wall = date_time(event.attributes.get(codes.DATE_TIME, b""))
        ticks = int.from_bytes(event.attributes.get(codes.RELATIVE_TIME, b""), "big")
        self.anchor = Anchor(ticks / codes.TICKS_PER_S, wall) if wall else None
        return [EventReply(event.invoke_id, event.time_ticks, event.event)]


def _unavailable(event: Event) -> Event:
    if not isinstance(event, Sample | WaveChunk) or not event.valid:
        return event
    return replace(event, valid=False, reason=Reason.UNAVAILABLE)


_FAREWELLS: Final = {Phase.ASKED: Act.ABORT, Phase.JOINED: Act.RELEASE, Phase.POLLING: Act.RELEASE}
"""A monitor that was only asked may have accepted just now."""
_ENDINGS: Final = {
    Act.REFUSE: "refused",
    Act.ABORT: "aborted",
    Act.RELEASE: "released",
    Act.RELEASED: "released",
}
