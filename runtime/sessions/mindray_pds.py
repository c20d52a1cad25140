r"""The client's side of a Mindray Patient Data Share connection (HL7 2.3.1 over MLLP), sans-IO.

    asking --values--> receiving --nothing but echoes for SILENCE_S--> asking

    we   QRY^R02, MSH-10 1203     QRF|MON||||0&0^what^every s^all^id&id&id&id      asked for once
    it   ORF^R04, or ORU^R01      MSH-10 says of what: 204 periodic, 503 aperiodic, 54 and 56 alarms
    both ORU^R01, MSH-10 106      the echo: who does not send it is hung up on

The monitor forgets the query with the connection, and tells nobody; so the query is sent again whenever
values stay out, for ever. Nothing is acknowledged. Invasive pressures come as 500 systolic, 501 mean,
502 diastolic, and -100 stands for a value that there is not (hl7_codes).

Periodic values carry no time, a cuff reading that of its measurement (OBX-14), which is repeated as long as
there is no newer one. So while the monitor tells no time of its own (OBR-7, MSH-7), a reading counts when
its stamp has changed, as of its arrival; how old the first one is nobody can know, and it is dropped.

Source: Mindray, Patient Data Share Protocol Programmer's Guide, "Real-time data query".
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.hl7 import Hl7Decoder
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.domain import Sample, WaveChunk

if TYPE_CHECKING:
    from barocast.runtime.decoders.hl7_message import Message
    from barocast.runtime.domain import Event, FeedCounts

ECHO_S: Final = 1.0
"""Between two echoes, either way."""
SILENCE_S: Final = 5.0
"""Without a value, seconds after which the query is taken for lost: five of its periods."""
ECHO: Final = wrap(b"MSH|^~\\&|||||||ORU^R01|106|P|2.3.1|\r")
QUERY: Final = "1203"
APERIODIC: Final = "503"
IDS_A_LINE: Final = 4
"""Most that published queries name in one QRF; nothing says that a longer list is taken."""
WANTED: Final = (101, 151, 160, 161, 170, 171, 172, 200, 500, 501, 502)
"""Ids of hl7_codes: rates, saturation, cuff, temperature, invasive pressure."""
_ALARMS: Final = (3, 4)
"""What: physiological, technical. Values are 1."""


class MindrayPdsSession:
    """One monitor's connection (runtime.sessions.session.Session)."""

    def __init__(self) -> None:
        self._decoder = Hl7Decoder()
        self._status = "connecting"
        self._ask_at_s = -inf
        self._echo_at_s = -inf
        self._asked = 0
        self._tells_time = False
        self._readings: dict[str, float] = {}
        """Channel of an aperiodic value -> its time."""

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._decoder.counts

    @property
    def status(self) -> str:
        """`connecting`, `receiving`, `silent` or `released`."""
        return self._status

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take what the monitor sent; give the events. Nothing is acknowledged."""
        events: list[Event] = []
        for found in self._decoder.unwrap(data):
            message, read = self._decoder.read(found)
            if message is not None and any(isinstance(event, Sample | WaveChunk) for event in read):
                self._heard(now_s)
                read = self._dated(message, read)
            events += read
        return events, b""

    def due(self, now_s: float) -> bytes:
        """Give the echo, and the query whenever values are missing."""
        if self._status == "released":
            return b""
        return self._query_due(now_s) + self._echo_due(now_s)

    def release(self) -> bytes:
        """Send nothing: closing the connection says it."""
        self._status = "released"
        return b""

    def _heard(self, now_s: float) -> None:
        self._ask_at_s = now_s + SILENCE_S
        if self._status != "released":
            self._status = "receiving"

    def _query_due(self, now_s: float) -> bytes:
        if now_s < self._ask_at_s:
            return b""
        if self._status == "receiving":
            self._status = "silent"
        self._ask_at_s = now_s + SILENCE_S
        self._asked += 1
        return query(self._asked)

    def _echo_due(self, now_s: float) -> bytes:
        if now_s < self._echo_at_s:
            return b""
        self._echo_at_s = now_s + ECHO_S
        return ECHO

    def _dated(self, message: Message, events: list[Event]) -> list[Event]:
        """Take the times of aperiodic values for what they are while the monitor tells no other."""
        if message.header.field(10) != APERIODIC:
            self._tells_time |= any(isinstance(event, Sample) and event.t_s is not None for event in events)
            return events
        return events if self._tells_time else [event for event in map(self._newly, events) if event]

    def _newly(self, event: Event) -> Event | None:
        """Give a reading without its time, and only when that has changed."""
        if not isinstance(event, Sample) or event.t_s is None:
            return event
        if event.channel is not None:
            before = self._readings.get(event.channel)
            self._readings[event.channel] = event.t_s
            if before in (None, event.t_s):
                return None
        return replace(event, t_s=None)


def query(number: int) -> bytes:
    """Ask for the WANTED values once a second, and for alarms; `number` tells queries apart."""
    lists = [WANTED[at : at + IDS_A_LINE] for at in range(0, len(WANTED), IDS_A_LINE)]
    asked = ["0&0^1^1^0^" + "&".join(map(str, ids)) for ids in lists]
    asked += [f"0&0^{what}^1^1^" for what in _ALARMS]
    lines = [
        rf"MSH|^~\&|||||||QRY^R02|{QUERY}|P|2.3.1",
        f"QRD|20000101000000|R|I|Q{number}|||||RES",  # the time is not read, and a session has no clock
        *(f"QRF|MON||||{what}" for what in asked),
    ]
    return wrap("".join(line + "\r" for line in lines).encode())
