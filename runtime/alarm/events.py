"""What goes into the alarm machine and what comes out, in the words of IEC 60601-1-8.

    in   a decision (Risk, Abstain, Fault), an operator's act, a feed lost or back, a part failed or well,
         another patient, the passing of time
    out  Apply(snapshot): the whole state for every sink, on each change and every few seconds
         Log(row): one transition, with its reason

A snapshot is complete in itself: a sink that restarts or misses one is right again after the next.
All times are seconds on the caller's monotonic clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from barocast.runtime.alarm.rules import Priority
    from barocast.runtime.domain import Abstain, Fault, Risk


class Inactivation(str, Enum):
    """The state of an alarm signal. Alarm off is not offered: nothing here may silence itself for good."""

    ENABLED = "enabled"
    AUDIO_PAUSED = "audio-paused"
    AUDIO_OFF = "audio-off"
    ALARM_PAUSED = "alarm-paused"
    ACKNOWLEDGED = "acknowledged"

    def __str__(self) -> str:
        """Print the word that IHE PCD-04 puts on the wire, on every Python alike."""
        return self.value


class Part(str, Enum):
    """What can fail beside the feed and the forecast; each has its technical alarm condition."""

    SIGNAL = "signal not usable"
    """The arterial pressure: flush, zeroing, damping, disconnection, frozen."""
    SINK = "sink fault"
    """A way out of the alarm: a loudspeaker, a relay, a broker."""
    LOG = "log fault"
    """What happens is not written down: disk full, read-only."""
    CLOCK = "clock not usable"
    """The monitor's time or the box's own."""
    ENGINE = "engine fault"
    """The process that computes forecasts."""

    def __str__(self) -> str:
        """Print the condition's name, on every Python alike."""
        return self.value


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The operator has seen a condition: its sound stops, its sign stays while its cause lasts."""

    occurrence: int | None = None
    """The one that was seen; None: every one shown at that moment. Later ones are not covered."""


@dataclass(frozen=True, slots=True)
class PauseAudio:
    """Silence all sounds for a while; a condition of higher priority breaks it."""

    seconds: float
    """Cut to AlarmRules.audio_pause_max_s."""

    def __post_init__(self) -> None:
        if not 0.0 < self.seconds < math.inf:
            raise ValueError(f"an audio pause of {self.seconds} s cannot be meant")


@dataclass(frozen=True, slots=True)
class ResumeAudio:
    """End the audio pause."""


@dataclass(frozen=True, slots=True)
class AudioOff:
    """Silence all sounds until somebody resumes them; a reminder sounds meanwhile."""


@dataclass(frozen=True, slots=True)
class PauseAlarms:
    """Take the signals about the patient away for a while; technical conditions and escalation break it."""

    seconds: float
    """Cut to AlarmRules.alarm_pause_max_s."""

    def __post_init__(self) -> None:
        if not 0.0 < self.seconds < math.inf:
            raise ValueError(f"an alarm pause of {self.seconds} s cannot be meant")


@dataclass(frozen=True, slots=True)
class ResumeAlarms:
    """End the alarm pause."""


@dataclass(frozen=True, slots=True)
class PartFailed:
    """Something that the alarm system stands on does not work; may be sent again while that lasts."""

    part: Part
    source: str
    """Which one: a sink's name, a channel."""
    reason: str
    primary: bool = False
    """Whether the bedside relies on it: a loudspeaker is, a broker is not."""


@dataclass(frozen=True, slots=True)
class PartWell:
    """It works again."""

    part: Part
    source: str


@dataclass(frozen=True, slots=True)
class FeedLost:
    """A feed has gone quiet or refuses; may be sent again while that lasts."""

    feed: str
    silent_s: float
    """Seconds since its last sound frame."""
    reason: str
    """Session.status, such as `silent`."""


@dataclass(frozen=True, slots=True)
class FeedBack:
    """A lost feed speaks again."""

    feed: str
    silent_s: float
    """Seconds that the silence lasted."""


@dataclass(frozen=True, slots=True)
class NewCase:
    """Another patient, or none: nothing that was learnt or silenced about the former one holds."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing but time has passed; due at least once a second."""


Operated: TypeAlias = "Acknowledge | PauseAudio | ResumeAudio | AudioOff | PauseAlarms | ResumeAlarms"
"""What a person can do to the alarm system."""

AlarmEvent: TypeAlias = (
    "Risk | Abstain | Fault | Operated | FeedLost | FeedBack | PartFailed | PartWell | NewCase | Tick"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One alarm condition that is shown."""

    name: str
    """`forecast hypotension`, `forecast not available`, ..."""
    priority: Priority
    technical: bool
    """True: about the equipment; False: about the patient (physiological)."""
    text: str
    """What to show, one line."""
    source: str = ""
    """The feed or the part, where there may be one condition for each."""
    latching: bool = False
    """Stays shown after its cause has gone, until acknowledged."""
    active: bool = True
    """False: latched, its cause has gone."""
    since_s: float = 0.0
    """When it was raised."""
    occurrence: int = 0
    """Serial number; raising again and escalation take a new one, unacknowledged."""
    inactivation: Inactivation = Inactivation.ENABLED

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one condition over time."""
        return self.name, self.source


@dataclass(frozen=True, slots=True)
class DecisionSummary:
    """The latest decision without its curves, so that snapshots compare."""

    t_s: float
    """Seconds on the device's clock."""
    state: str
    """`forecast`, `abstain` or `fault`."""
    reason: str | None
    risk: tuple[float, ...] | None
    """At 5, 10 and 15 min; None unless `state` is `forecast`."""


@dataclass(frozen=True, slots=True)
class AlarmSnapshot:
    """The whole alarm state at one moment."""

    now_s: float
    conditions: tuple[Condition, ...] = ()
    """Highest priority first, then oldest first."""
    audio_pause_left_s: float = 0.0
    """Countdown; 0 when audio is enabled."""
    audio_off: bool = False
    """Silenced until somebody resumes."""
    alarm_pause_left_s: float = 0.0
    """Countdown; 0 when alarm signals are enabled."""
    decision: DecisionSummary | None = None
    """None before the first one."""
    reminder_due: bool = False
    """True for a few seconds, again and again, while audio is off: one short sound says that it is."""

    @property
    def priority(self) -> Priority | None:
        """The highest whose sign is due: an alarm pause takes the signs of the patient's conditions away."""
        signs = (c.priority for c in self.conditions if c.inactivation is not Inactivation.ALARM_PAUSED)
        return max(signs, default=None)

    @property
    def sounding(self) -> Priority | None:
        """The highest whose sound is due: neither acknowledged nor paused nor off."""
        enabled = (c.priority for c in self.conditions if c.inactivation is Inactivation.ENABLED)
        return max(enabled, default=None)


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line of the alarm log. The shell adds the wall clock and the bundle's identity."""

    now_s: float
    transition: str
    """Of a condition: conditions.reconcile's words, `expired`, `acknowledged`, `suppressed`; else of all
    signals: `audio paused`, `audio off`, `audio enabled`, `alarm paused`, `alarms enabled`."""
    condition: str
    """Empty for what concerns all signals."""
    source: str
    priority: str
    """`low`, `medium`, `high`, or empty."""
    occurrence: int
    """0 where nothing was raised."""
    reason: str
    score: float | None
    """Raw risk at the raising horizon, None while there is none."""
    threshold: float | None
    """The threshold that it met; None for a technical condition."""
    who: str = ""
    """`operator` for what a person did; empty for what the machine did by itself."""


@dataclass(frozen=True, slots=True)
class Apply:
    """Show and sound exactly this."""

    snapshot: AlarmSnapshot


@dataclass(frozen=True, slots=True)
class Log:
    """Write this down."""

    row: LogRow


Effect: TypeAlias = "Apply | Log"
