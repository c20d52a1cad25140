"""What an operator has silenced, for how long, and what breaks it.

                    takes away                               ends by itself after
    audio paused    every sound                              120 s at most
    audio off       every sound; a reminder is due meanwhile -
    alarm paused    sound and sign of the patient's          600 s at most
                    conditions

The first two are one thing with two ends: the later act takes the place of the earlier. A pause covers what
stood when it began, and later what is no worse than that. A new occurrence that is technical, or an
escalation, or of a higher priority, ends every pause that would cover it (decision 0009): it is never hidden.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from barocast.runtime.alarm.events import (
    AudioOff,
    Inactivation,
    NewCase,
    PauseAlarms,
    PauseAudio,
    ResumeAlarms,
    ResumeAudio,
)
from barocast.runtime.alarm.rules import REMINDER_LASTS_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from barocast.runtime.alarm.events import AlarmEvent, Condition
    from barocast.runtime.alarm.rules import AlarmRules

BEGUN: Final[Mapping[Inactivation, str]] = {
    Inactivation.AUDIO_PAUSED: "audio paused",
    Inactivation.AUDIO_OFF: "audio off",
    Inactivation.ALARM_PAUSED: "alarm paused",
}
"""The log's words, as a pause begins."""
ENDED: Final[Mapping[Inactivation, str]] = {
    Inactivation.AUDIO_PAUSED: "audio enabled",
    Inactivation.AUDIO_OFF: "audio enabled",
    Inactivation.ALARM_PAUSED: "alarms enabled",
}
"""The log's words, as it ends."""
OPERATOR: Final = "operator"


@dataclass(frozen=True, slots=True)
class Pause:
    """Signals are away until a time."""

    kind: Inactivation
    since_s: float
    until_s: float
    """Infinite: until somebody resumes them."""
    floor: int
    """Priority that it covers, 0 for none; anything above breaks it."""

    def left_s(self, now_s: float) -> float:
        """Give the countdown, 0 at its end; infinite for audio off."""
        return max(0.0, self.until_s - now_s)


@dataclass(frozen=True, slots=True)
class Pauses:
    """At most one of the sounds, and one of the patient's conditions."""

    audio: Pause | None = None
    alarms: Pause | None = None

    def audio_left_s(self, now_s: float) -> float:
        """Give the countdown of an audio pause; 0 where there is none, or audio is off."""
        paused = self.audio is not None and self.audio.kind is Inactivation.AUDIO_PAUSED
        return self.audio.left_s(now_s) if self.audio is not None and paused else 0.0

    def alarms_left_s(self, now_s: float) -> float:
        """Give the countdown of the alarm pause; 0 where there is none."""
        return 0.0 if self.alarms is None else self.alarms.left_s(now_s)

    @property
    def audio_off(self) -> bool:
        """Whether sounds are away until somebody resumes them."""
        return self.audio is not None and self.audio.kind is Inactivation.AUDIO_OFF

    def covering(self, condition: Condition, now_s: float) -> Inactivation:
        """Give what a condition's signals are; of several states the one that takes most away.

        Alarm paused (sound and sign) before acknowledged (its sound) before audio off before audio paused.
        """
        if not condition.technical and self.alarms_left_s(now_s):
            return Inactivation.ALARM_PAUSED
        if condition.inactivation is Inactivation.ACKNOWLEDGED:
            return Inactivation.ACKNOWLEDGED
        if self.audio is not None and self.audio.left_s(now_s):
            return self.audio.kind
        return Inactivation.ENABLED

    def reminder_due(self, now_s: float, rules: AlarmRules) -> bool:
        """Whether it is time to say that audio is off."""
        if self.audio is None or not self.audio_off:
            return False
        rounds, into_s = divmod(now_s - self.audio.since_s, rules.reminder_s)
        return rounds > 0 and into_s < REMINDER_LASTS_S


@dataclass(frozen=True, slots=True)
class Turn:
    """A pause that began or ended."""

    transition: str
    reason: str
    who: str = ""


def heed(
    pauses: Pauses, event: AlarmEvent, now_s: float, shown: Iterable[Condition], rules: AlarmRules
) -> tuple[Pauses, list[Turn]]:
    """Let what has run out end, then do what the operator asked; `shown` is what stood until now."""
    pauses, turns = _run_out(pauses, now_s)
    if isinstance(event, ResumeAudio):
        pauses, ended = _end(pauses, OPERATOR, OPERATOR, alarms=False)
        return pauses, turns + ended
    if isinstance(event, ResumeAlarms):
        pauses, ended = _end(pauses, OPERATOR, OPERATOR, audio=False)
        return pauses, turns + ended
    if isinstance(event, NewCase):
        pauses, ended = _end(pauses, "new case")
        return pauses, turns + ended
    pause = _asked(event, now_s, tuple(shown), rules)
    if pause is None:
        return pauses, turns
    seconds = "" if math.isinf(pause.until_s) else f": {pause.until_s - now_s:g} s"
    turns.append(Turn(BEGUN[pause.kind], f"{OPERATOR}{seconds}", OPERATOR))
    if pause.kind is Inactivation.ALARM_PAUSED:
        return replace(pauses, alarms=pause), turns
    return replace(pauses, audio=pause), turns


def break_for(pauses: Pauses, new: Iterable[Condition], escalated: str) -> tuple[Pauses, list[Turn]]:
    """End whatever would cover one of these new occurrences and must not.

    `escalated` names the condition that stands escalated; empty for none.
    """
    turns: list[Turn] = []
    for condition in new:
        why = "technical" if condition.technical else "escalated" if condition.name == escalated else ""
        audio, alarms = (_breaks(pause, condition, why) for pause in (pauses.audio, pauses.alarms))
        said = f"{why or 'higher priority'}: {condition.name}"
        pauses, ended = _end(pauses, said, audio=audio, alarms=alarms)
        turns += ended
    return pauses, turns


def _breaks(pause: Pause | None, condition: Condition, why: str) -> bool:
    return pause is not None and (bool(why) or condition.priority > pause.floor)


def _run_out(pauses: Pauses, now_s: float) -> tuple[Pauses, list[Turn]]:
    audio, alarms = (pause is not None and now_s >= pause.until_s for pause in (pauses.audio, pauses.alarms))
    return _end(pauses, "expired", audio=audio, alarms=alarms)


def _end(
    pauses: Pauses, reason: str, who: str = "", *, audio: bool = True, alarms: bool = True
) -> tuple[Pauses, list[Turn]]:
    ending = [pause for pause, ends in ((pauses.audio, audio), (pauses.alarms, alarms)) if pause and ends]
    left = Pauses(None if audio else pauses.audio, None if alarms else pauses.alarms)
    return left, [Turn(ENDED[pause.kind], reason, who) for pause in ending]


def _asked(event: AlarmEvent, now_s: float, shown: tuple[Condition, ...], rules: AlarmRules) -> Pause | None:
    stood = max((int(c.priority) for c in shown), default=0)
    if isinstance(event, PauseAudio):
        seconds = min(event.seconds, rules.audio_pause_max_s)
        return Pause(Inactivation.AUDIO_PAUSED, now_s, now_s + seconds, stood)
    if isinstance(event, AudioOff):
        return Pause(Inactivation.AUDIO_OFF, now_s, math.inf, stood)
    if isinstance(event, PauseAlarms):
        seconds = min(event.seconds, rules.alarm_pause_max_s)
        # It is meant for the forecasts to come: one of the ordinary priority does not break it.
        floor = max(int(rules.forecast_priority), *(int(c.priority) for c in shown if not c.technical), 0)
        return Pause(Inactivation.ALARM_PAUSED, now_s, now_s + seconds, floor)
    return None
