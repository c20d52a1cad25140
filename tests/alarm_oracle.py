"""What the alarm system must show and silence, said a second time: books of its own, from the events alone.

It does not say when a forecast is raised, for which test_alarm_forecast and test_alarm_budget stand.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from barocast.runtime.alarm.events import (
    Acknowledge,
    AudioOff,
    FeedBack,
    FeedLost,
    NewCase,
    Part,
    PartFailed,
    PartWell,
    PauseAlarms,
    PauseAudio,
    ResumeAlarms,
    ResumeAudio,
)
from barocast.runtime.domain import Fault, Risk

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import AlarmSnapshot
    from barocast.runtime.alarm.rules import Priority

AUDIO_CAP_S, ALARM_CAP_S, STALE_S = 120.0, 300.0, 60.0


class Oracle:
    """What must be shown and silenced, from the events alone."""

    def __init__(self, forecast: Priority) -> None:
        self.forecast = forecast
        self.lost: set[str] = set()
        self.failed: dict[tuple[str, str], int] = {}
        self.faulty, self.risk_s = False, 0.0
        self.audio: tuple[float, int] | None = None
        """Until when, and the priority that it covers."""
        self.alarms: tuple[float, int] | None = None
        self.acknowledged: set[int] = set()

    def hear(self, event, now_s: float, before: AlarmSnapshot) -> None:
        """Take an event; what it means for what is new is told by `raised`."""
        if self.audio and now_s >= self.audio[0]:
            self.audio = None
        if self.alarms and now_s >= self.alarms[0]:
            self.alarms = None
        stood = max((c.priority for c in before.conditions), default=0)
        patients = max((c.priority for c in before.conditions if not c.technical), default=0)
        self._hear_box(event, now_s)
        self._hear_operator(event, now_s, stood, max(patients, self.forecast))
        if isinstance(event, Acknowledge):
            meant = {c.occurrence for c in before.conditions if event.occurrence in (None, c.occurrence)}
            self.acknowledged |= meant

    def _hear_box(self, event, now_s: float) -> None:
        match event:
            case Risk():
                sound = all(0 <= p <= 1 for p in event.p)
                self.faulty, self.risk_s = not sound, now_s if sound else self.risk_s
            case Fault():
                self.faulty = True
            case FeedLost():
                self.lost.add(event.feed)
            case FeedBack():
                self.lost.discard(event.feed)
            case PartFailed():
                grave = event.primary or event.part is Part.ENGINE
                self.failed[str(event.part), event.source] = 2 if grave else 1
            case PartWell():
                self.failed.pop((str(event.part), event.source), None)
            case NewCase():
                self.risk_s = now_s

    def _hear_operator(self, event, now_s: float, stood: int, forecast: int) -> None:
        match event:
            case PauseAudio():
                self.audio = (now_s + min(event.seconds, AUDIO_CAP_S), stood)
            case AudioOff():
                self.audio = (math.inf, stood)
            case PauseAlarms():
                self.alarms = (now_s + min(event.seconds, ALARM_CAP_S), forecast)
            case ResumeAudio():
                self.audio = None
            case ResumeAlarms():
                self.alarms = None
            case NewCase():
                self.audio = self.alarms = None

    def restart(self, now_s: float) -> None:
        """Forget what a process that begins anew has to find out by itself, and what has run out."""
        self.lost, self.failed, self.faulty = set(), {}, False
        self.audio = self.audio if self.audio and now_s < self.audio[0] < math.inf else None
        self.alarms = self.alarms if self.alarms and now_s < self.alarms[0] else None

    def left_s(self, now_s: float) -> tuple[float, float]:
        """Give the countdowns of the audio and of the alarm pause."""
        timed = self.audio is not None and math.isfinite(self.audio[0])
        return (self.audio[0] - now_s if timed else 0.0, self.alarms[0] - now_s if self.alarms else 0.0)

    def raised(self, condition, *, escalated: bool) -> None:
        """Tell of a new occurrence: what it breaks."""
        urgent = condition.technical or (escalated and condition.name == "forecast hypotension")
        if self.audio and (urgent or condition.priority > self.audio[1]):
            self.audio = None
        if self.alarms and (urgent or condition.priority > self.alarms[1]):
            self.alarms = None

    def technical(self, now_s: float) -> dict[tuple[str, str], int | None]:
        """Give what must be shown of the box, and its priority where the oracle knows it."""
        said: dict[tuple[str, str], int | None] = {("feed lost", feed): 1 for feed in self.lost}
        if self.faulty:
            said["forecast fault", ""] = 2
        elif now_s - self.risk_s >= STALE_S:
            said["forecast not available", ""] = None
        return said | self.failed

    def inactivation(self, condition) -> str:
        """Give what a condition's signals must be."""
        if self.alarms and not condition.technical:
            return "alarm-paused"
        if condition.occurrence in self.acknowledged:
            return "acknowledged"
        if self.audio:
            return "audio-off" if math.isinf(self.audio[0]) else "audio-paused"
        return "enabled"
