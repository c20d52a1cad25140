"""The server's end of one HL7 connection, sans-IO: messages in; events and acknowledgements out.

A gateway connects and pushes; Nihon Kohden's stops for good without an acknowledgement, so the answer is
returned with the very bytes that complete a message. Answers (HL7 2.6 chapter 2.9):

    original mode   MSH-15 and MSH-16 empty     MSA|AA         always
    enhanced mode   MSH-15 asks                 MSA|CA         the message has arrived
                    MSH-16 asks                 MSA|AA         the message was read
    AE / CE: a header without a message type
    AR: no usable header, or longer than mllp.MAX_MESSAGE; there is no MSH-10 to name then
`asks`: AL always, NE never, ER on error, SU on success; any other word counts as none. What itself
acknowledges (an ACK, MCF or ORA, or anything with an MSA) is not answered: two that answer each other's
answers never stop. The answer's MSH-7 repeats the sender's: a session reads no clock. A reported alarm
(ORU^R40) is answered AA by an ORA^R41. A message of a type that holds no measurement is accepted and
ignored: a gateway that is refused repeats it for ever. So is one of another bed (decoders.hl7_bed), and the
status tells of it for as long as it comes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.hl7 import Hl7Decoder
from barocast.runtime.decoders.hl7_bed import ANOTHER_BED
from barocast.runtime.decoders.mllp import TOO_LONG, Block, wrap
from barocast.runtime.domain import Corrupt

if TYPE_CHECKING:
    from barocast.runtime.decoders.hl7_message import Message
    from barocast.runtime.domain import Event, FeedCounts

SILENT_AFTER_S = 150.0
"""Seconds: 2.5 periods of the slowest gateways (one message a minute)."""
MAX_REPEATED = 250
"""Characters of a sender's field that an answer repeats; MSH-10 may hold 199."""

_ANSWERS: Final = frozenset({"ACK", "MCF", "ORA"})
"""MSH-9.1 of what acknowledges."""
_CONDITIONS: Final = frozenset({"AL", "NE", "ER", "SU"})
"""HL7 table 0155."""
_REJECTED = wrap(b"MSH|^~\\&|BAROCAST|||||||||2.4\rMSA|AR|\r")


class Hl7Session:
    """One gateway's connection. `valued_x` as for Hl7Decoder."""

    def __init__(self, *, valued_x: bool | None = None) -> None:
        self._decoder = Hl7Decoder(valued_x=valued_x)
        self._heard_s: float | None = None
        self._stranger_s = -math.inf
        """When a message of another bed came last."""
        self._now_s = 0.0

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._decoder.counts

    @property
    def status(self) -> str:
        """`listening` before the first message, then `receiving` or `silent`, or `another bed`."""
        if self._heard_s is None:
            return "listening"
        if self._now_s - self._stranger_s <= SILENT_AFTER_S:
            return ANOTHER_BED
        return "silent" if self._now_s - self._heard_s > SILENT_AFTER_S else "receiving"

    def forget_patient(self) -> None:
        """Hear another patient at the same bed (decoders.hl7_bed)."""
        self._decoder.forget_patient()
        self._stranger_s = -math.inf

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take the gateway's bytes; give the events and the acknowledgements, in order."""
        self._now_s = now_s
        events: list[Event] = []
        answers = b""
        for found in self._decoder.unwrap(data):
            message, read = self._decoder.read(found)
            events += read
            if any(isinstance(event, Corrupt) and event.reason == ANOTHER_BED for event in read):
                self._stranger_s = now_s
            if isinstance(found, Block):
                self._heard_s = now_s
                answers += _REJECTED if message is None else answer(message)
            elif isinstance(found, Corrupt) and found.reason == TOO_LONG:
                answers += _REJECTED
        return events, answers

    def due(self, now_s: float) -> bytes:
        """Send nothing: a server only answers."""
        self._now_s = now_s
        return b""

    def release(self) -> bytes:
        """Send nothing: closing the connection says it."""
        return b""


def answer(message: Message) -> bytes:
    """Give the MLLP blocks that acknowledge a message, none where it asks for none."""
    sound = bool(message.kind()[0])
    if message.kind()[0] in _ANSWERS or message.acknowledges:
        return b""
    accept, application = (_condition(message.header.field(number)) for number in (15, 16))
    codes = []
    if _asks(accept, sound=sound):
        codes.append("CA" if sound else "CE")
    if _asks(application, sound=sound) or not (accept or application):
        codes.append("AA" if sound else "AE")
    return b"".join(wrap(_acknowledgement(message, code)) for code in codes)


def _answers_as(kind: tuple[str, str], code: str) -> tuple[str, ...]:
    """Give MSH-9 of the answer: a reported alarm is answered ORA^R41, once it was read."""
    if kind == ("ORU", "R40") and code in ("AA", "AE"):
        return "ORA", "R41", "ORA_R41"
    return ("ACK", kind[1], "ACK") if kind[1] else ("ACK",)


def _condition(text: str) -> str:
    word = text.upper()
    return word if word in _CONDITIONS else ""


def _asks(condition: str, *, sound: bool) -> bool:
    return {"AL": True, "ER": not sound, "SU": sound}.get(condition, False)


def _acknowledgement(message: Message, code: str) -> bytes:
    """Write the reply in the sender's own separators and charset, sender and receiver exchanged."""
    separators = message.separators
    bar = separators.field
    signs = separators.component + separators.repetition + separators.escape + separators.subcomponent
    said = [message.header.field(number)[:MAX_REPEATED] for number in range(13)]
    kind = separators.component.join(_answers_as(message.kind(), code))
    header = ["MSH", signs, said[5] or "BAROCAST", said[6], said[3], said[4], said[7], "", kind]
    header += [f"BAROCAST-{said[10]}"[:MAX_REPEATED], said[11] or "P", said[12] or "2.4"]
    lines = [bar.join(header), bar.join(["MSA", code, said[10]])]
    return "".join(line + "\r" for line in lines).encode(message.charset, errors="replace")
