"""The reporter's end of a PCD-04 connection, sans-IO: snapshots and acknowledgements in, messages out.

    take(snapshot, wall_s)          what has changed is queued
    connected()                     a new connection: what the receiver believes is put right
    due(now_s, wall_s) -> bytes     the next message, in its MLLP block; one at a time waits for its answer
    receive(data)                   answers
    trouble                         "" while the receiver takes what it is sent
    dead                            no answer came: hang up and call again

What the receiver believes is known: the alarms whose report it took and whose end it did not. It is put right
on each new connection, every REPEAT_S, and when the queue overflows (its changes are then given up): every
alarm that is shown is told again as `continue`, every one that is not and is still believed as `end`. So a
receiver that restarts, or was away, holds the active set again, whatever was lost.
A message that is refused is not sent again; the repetition tells the same.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.hl7_ack import read_answer
from barocast.runtime.decoders.mllp import Block, MllpDeframer, wrap
from barocast.runtime.encoders.alert_phases import AlertPhases, Phase, ended
from barocast.runtime.encoders.pcd04 import control_id, message

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import AlarmSnapshot
    from barocast.runtime.decoders.hl7_ack import Answer
    from barocast.runtime.encoders.alert_phases import Report
    from barocast.runtime.encoders.pcd04 import Sender

ACK_S: Final = 10.0
"""Seconds in which a message is acknowledged (requirement ALM-12)."""
REPEAT_S: Final = 30.0
"""Seconds after which the active set is told again."""
QUEUE: Final = 1000
"""Reports that may wait (requirement ALM-12)."""
NO_ANSWER: Final = f"no acknowledgement within {ACK_S:g} s"


@dataclass(frozen=True, slots=True)
class _Sent:
    """The message that waits for its answer."""

    report: Report
    control_id: str
    until_s: float


class Pcd04Session:
    """One receiver, over all its connections."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._phases = AlertPhases()
        self._queue: deque[Report] = deque()
        self._sent: _Sent | None = None
        self._believed: dict[int, Report] = {}
        """Alarm -> the last report that the receiver took."""
        self._deframer = MllpDeframer()
        self._serial = 0
        self._repeat_s = float("inf")
        self._wall_s = 0.0
        self._given_up = False
        """Changes were lost to an overflow, and not everything was told since."""
        self._refused = ""
        self.dead = False
        """No answer came in time."""
        self.answered = 0
        """Messages that were accepted or refused."""

    @property
    def trouble(self) -> str:
        """Say what is wrong with what was sent."""
        if self._given_up:
            return f"changes not sent: the queue of {QUEUE} overflowed"
        return self._refused

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be sent or answered."""
        return not self._queue and self._sent is None

    def take(self, snapshot: AlarmSnapshot, wall_s: float) -> None:
        """Queue what has changed; `wall_s`: when, seconds since 1970."""
        self._wall_s = wall_s
        self._push(self._phases.take(snapshot, wall_s))

    def end(self, wall_s: float) -> None:
        """Queue the end of all that the receiver believes: nobody will tell it afterwards."""
        told = self._believed | ({self._sent.report.alarm: self._sent.report} if self._sent else {})
        self._queue = deque(ended(r, wall_s) for r in told.values() if r.phase is not Phase.END)

    def connected(self) -> None:
        """Begin anew: what was not acknowledged waits first."""
        self._deframer, self.dead = MllpDeframer(), False
        if self._sent is not None:
            self._queue.appendleft(self._sent.report)
            self._sent = None
        self._put_right()

    def due(self, now_s: float, wall_s: float) -> bytes:
        """Give the next message where it is its turn. `now_s` is monotonic, `wall_s` seconds since 1970."""
        self._wall_s = wall_s
        if self._sent is not None:
            self.dead = now_s >= self._sent.until_s
            return b""
        if now_s >= self._repeat_s:
            self._put_right()
        if not self._queue:
            self._repeat_s = min(self._repeat_s, now_s + REPEAT_S)
            return b""
        return self._send(self._queue.popleft(), now_s)

    def receive(self, data: bytes) -> None:
        """Take what the receiver says; whatever answers no message of ours is passed over."""
        for found in self._deframer.feed(data):
            answer = read_answer(found.payload) if isinstance(found, Block) else None
            if answer is not None and self._sent is not None and _meant(answer, self._sent):
                self._settle(answer, self._sent.report)

    def _send(self, report: Report, now_s: float) -> bytes:
        self._serial += 1
        self._sent = _Sent(report, control_id(self._sender, self._serial), now_s + ACK_S)
        return wrap(message(report, self._sender, self._serial, self._wall_s))

    def _settle(self, answer: Answer, report: Report) -> None:
        self._sent = None
        self.answered += 1
        if answer.accepted:
            self._refused = ""
            self._believed[report.alarm] = report
            if report.phase is Phase.END:
                del self._believed[report.alarm]
        else:
            self._refused = f"refused with {answer.code}: {answer.words or 'no reason given'}"
        if not self._queue:
            self._given_up = False

    def _push(self, reports: list[Report]) -> None:
        if len(self._queue) + len(reports) > QUEUE:
            self._given_up = True
            self._queue.clear()
            self._put_right()
        else:
            self._queue.extend(reports)

    def _put_right(self) -> None:
        """Queue what makes the receiver believe what is shown, but for alarms of which a change waits."""
        self._repeat_s = float("inf")  # from when all of it was told
        standing = self._phases.standing(self._wall_s)
        shown = {report.alarm for report in standing}
        waiting = {report.alarm for report in self._queue}
        gone = [ended(r, self._wall_s) for alarm, r in self._believed.items() if alarm not in shown]
        self._queue.extend(report for report in [*gone, *standing] if report.alarm not in waiting)


def _meant(answer: Answer, sent: _Sent) -> bool:
    """Whether an answer is to this message; a refusal without an id can be to no other."""
    return answer.control_id == sent.control_id or not (answer.control_id or answer.accepted)
