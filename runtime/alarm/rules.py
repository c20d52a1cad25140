"""The numbers of the alarm system: what the bundle fixes and what the site may choose.

    bundle manifest  -> trigger (thresholds, k of n, refractory), horizon, budget
    site settings    -> forecast_priority: advisory or medium, never high

A forecast looks 5 to 15 minutes ahead at harm that can still be turned: by IEC 60601-1-8 (onset
against severity) it is of low or medium priority. The monitor's own pressure alarm is the high one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from barocast.calibration.trigger import HYSTERESIS_MIN, TriggerRules
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.errors import SettingsError


class Priority(IntEnum):
    """IEC 60601-1-8 priority of an alarm condition; a greater one comes first."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    def __str__(self) -> str:
        """Print the standard's word: `low`, `medium` or `high`."""
        return self.name.lower()


FORECAST_PRIORITIES = {"advisory": Priority.LOW, "medium": Priority.MEDIUM}
"""The words that settings may use for the priority of a forecast."""

AUDIO_PAUSE_CAP_S = 120.0
"""Longest audio pause that any rule set may allow (requirement ALM-05)."""
ALARM_PAUSE_S = 300.0
"""Longest alarm pause unless the site sets another (requirement ALM-05)."""
ALARM_PAUSE_CAP_S = 600.0
"""Longest alarm pause that any rule set may allow (requirement ALM-05)."""
REMINDER_CAP_S = 300.0
"""Longest that audio may be off without a reminder."""
REMINDER_LASTS_S = 5.0
"""How long a reminder is due: a sink that is told every REASSERT_CAP_S cannot miss it."""
REASSERT_CAP_S = 5.0
"""Longest that an unchanged state may go untold (requirement ALM-10)."""

UNAVAILABLE_LOW_S = 60.0
UNAVAILABLE_MEDIUM_S = 300.0
"""Seconds without a risk at the cadence of 30 s; slower decisions need longer ones."""


def forecast_priority(word: str) -> Priority:
    """Read the setting; raises SettingsError for `high` and for what is no priority."""
    if word == "high":
        raise SettingsError(
            "alarm priority: a forecast is never a high-priority alarm; use advisory or medium"
        )
    if word not in FORECAST_PRIORITIES:
        raise SettingsError(f"alarm priority: {word!r} is not one of {', '.join(FORECAST_PRIORITIES)}")
    return FORECAST_PRIORITIES[word]


@dataclass(frozen=True, slots=True)
class AlarmRules:
    """One rule set, the same at the bedside and in validation. Raises SettingsError."""

    trigger: TriggerRules
    """Thresholds, k of n and refractory on the raw risk of `horizon_min`."""
    horizon_min: int = 10
    """Minutes ahead of the one risk that raises; all three are shown."""
    forecast_priority: Priority = Priority.LOW
    escalate_at: float | None = None
    """Risk from which a low-priority forecast becomes medium, breaking the refractory; None: never."""
    budget_per_h: int = 2
    """Activations an hour; those above it coalesce into one latched advisory."""
    unavailable_low_s: float = UNAVAILABLE_LOW_S
    """Seconds without a risk until `forecast not available`; until then the last activation stands."""
    unavailable_medium_s: float = UNAVAILABLE_MEDIUM_S
    """Seconds without a risk until that condition is of medium priority."""
    audio_pause_max_s: float = AUDIO_PAUSE_CAP_S
    alarm_pause_max_s: float = ALARM_PAUSE_S
    reminder_s: float = 120.0
    """Seconds between two reminders while audio is off: no silence is longer than an audio pause may be."""
    reassert_s: float = REASSERT_CAP_S
    """Seconds after which an unchanged state is applied again."""

    def __post_init__(self) -> None:
        for wrong, said in (
            (
                self.horizon_min not in HORIZONS_MIN,
                f"horizon_min {self.horizon_min} is not one of {HORIZONS_MIN}",
            ),
            (self.forecast_priority > Priority.MEDIUM, "a forecast is never a high-priority alarm"),
            (self.budget_per_h < 1, f"budget_per_h {self.budget_per_h} is below 1"),
            (
                not 0.0 < self.unavailable_low_s < self.unavailable_medium_s,
                "unavailable_low_s must be above 0 and below unavailable_medium_s",
            ),
            (
                not 0.0 < self.audio_pause_max_s <= AUDIO_PAUSE_CAP_S,
                f"audio_pause_max_s must be above 0 and at most {AUDIO_PAUSE_CAP_S:g}",
            ),
            (
                not 0.0 < self.alarm_pause_max_s <= ALARM_PAUSE_CAP_S,
                f"alarm_pause_max_s must be above 0 and at most {ALARM_PAUSE_CAP_S:g}",
            ),
            (
                not REMINDER_LASTS_S < self.reminder_s <= REMINDER_CAP_S,
                f"reminder_s must be above {REMINDER_LASTS_S:g} and at most {REMINDER_CAP_S:g}",
            ),
            (
                not 0.0 < self.reassert_s <= REASSERT_CAP_S,
                f"reassert_s must be above 0 and at most {REASSERT_CAP_S:g}",
            ),
            (not self._can_escalate(), f"escalate_at must be at least p_on + {HYSTERESIS_MIN} and at most 1"),
        ):
            if wrong:
                raise SettingsError(f"alarm rules: {said}")

    @property
    def horizon(self) -> int:
        """Place of the raising horizon in Risk.p."""
        return HORIZONS_MIN.index(self.horizon_min)

    @property
    def escalation(self) -> TriggerRules | None:
        """The escalation's own trigger: no refractory, and down again below the activation's p_on."""
        if self.escalate_at is None:
            return None
        rules = self.trigger
        return TriggerRules(self.escalate_at, rules.p_on, rules.k, rules.n, rules.memory_s, refractory_s=0.0)

    def _can_escalate(self) -> bool:
        try:
            _ = self.escalation
        except ValueError:
            return False
        return True
