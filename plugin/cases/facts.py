"""What a summary page and the screen's trend are made of, as frozen values, and the figures that follow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.events import HYPOTENSION
from barocast.plugin.cases.course import PATIENT_ALARMS
from barocast.plugin.cases.verdicts import judge
from barocast.runtime.alarm.pauses import OPERATOR
from barocast.runtime.alarm.truth import FEED_LOST
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from barocast.plugin.cases.case import Case
    from barocast.plugin.cases.course import Course, Mark
    from barocast.plugin.cases.verdicts import Judgement

RAISED: Final = frozenset({"raised", "raised again"})
"""Transitions that make an alarm; an escalation is one more stage of the same."""
ENDED: Final = frozenset({"cleared", "expired", "latched"})
HELD_BACK: Final = "suppressed"


@dataclass(frozen=True, slots=True)
class About:
    """What every picture of a case says of the bed."""

    title: str
    """Of the bed, without anything that identifies a person."""
    bundle_id: str = ""
    horizon_min: int = 10
    """Of the risk that raises the alarm."""
    p_on: float | None = None
    """Its threshold; None where nobody told."""
    simulated: bool = False
    silent: bool = False
    """A silent trial: forecasts and alarms about the patient are not shown."""


@dataclass(frozen=True, slots=True)
class FeedLosses:
    """How often and for how long nothing came."""

    count: int
    seconds: float
    """Of those that have ended or run on."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case at one moment."""

    case: Case | None
    """None of a bare decision log, where nobody was admitted, and before a bed's first case."""
    course: Course
    about: About
    made: str
    """Wall time, ISO 8601."""
    unread: int = 0
    """Lines of the file that could not be read."""

    def shown(self) -> CaseFacts:
        """Give what may be seen: in a silent trial no forecast and no alarm about the patient."""
        if not self.about.silent:
            return self
        return CaseFacts(self.case, self.course.without_forecasts(), self.about, self.made, self.unread)

    def since(self, at_s: float) -> float:
        """Give the seconds from the first column of the case to a place on its axis."""
        return at_s - self.course.start_s

    @property
    def minutes(self) -> float:
        """Length of the case as it is kept."""
        return self.course.map_mmhg.size * STEP_S / 60

    @property
    def measured_min(self) -> float:
        """Minutes with MAP."""
        return float(np.isfinite(self.course.map_mmhg).sum()) * STEP_S / 60

    @property
    def minutes_below(self) -> float:
        """Minutes with MAP below the event's limit, events or not."""
        return float((self.course.map_mmhg < HYPOTENSION.below_mmhg).sum()) * STEP_S / 60

    @property
    def alarms(self) -> tuple[Mark, ...]:
        """Alarms about the patient that were raised within what is kept of the case."""
        raised = self._of_patient(RAISED)
        return tuple(mark for mark in raised if mark.t_s is not None and self.since(mark.t_s) >= 0)

    @property
    def alarms_s(self) -> list[float]:
        """Seconds of the case at which an alarm about the patient was raised.

        Where no alarm log lies beside the decisions, their own alarm word tells.
        """
        if any(mark.condition in PATIENT_ALARMS for mark in self.course.marks):
            return [self.since(mark.t_s) for mark in self.alarms if mark.t_s is not None]
        words = ["none", *(said.alarm for said in self.course.said)]
        pairs = zip(words, words[1:], self.course.said, strict=False)
        return [self.since(said.t_s) for was, now, said in pairs if was == "none" != now]

    @property
    def alarm_log(self) -> bool:
        """Whether alarm rows were told: a decision log by itself knows no act and no technical alarm."""
        return self.case is not None or bool(self.course.marks)

    @property
    def held_back(self) -> int:
        """Alarms that the refractory or the budget held back."""
        return len(self._of_patient(frozenset({HELD_BACK})))

    @property
    def acts(self) -> tuple[Mark, ...]:
        """What operators did at the alarm."""
        return tuple(mark for mark in self.course.marks if mark.reason.startswith(OPERATOR))

    @property
    def technical(self) -> Counter[str]:
        """Technical alarm conditions -> how often each was raised."""
        raised = (mark for mark in self.course.marks if mark.transition in RAISED)
        return Counter(mark.condition for mark in raised if mark.condition not in PATIENT_ALARMS)

    @property
    def feed_losses(self) -> FeedLosses:
        """Count and length of the feed's losses."""
        begun: dict[str, float] = {}
        count, seconds = 0, 0.0
        for mark in self.course.marks:
            if mark.condition != FEED_LOST or mark.t_s is None:
                continue
            if mark.transition in RAISED:
                count += 1
                begun.setdefault(mark.source, mark.t_s)
            elif mark.transition in ENDED and mark.source in begun:
                seconds += mark.t_s - begun.pop(mark.source)
        last_s = self.course.said[-1].t_s if self.course.said else 0.0
        return FeedLosses(count, seconds + sum(max(0.0, last_s - since) for since in begun.values()))

    def judged(self) -> Judgement:
        """Judge alarms and events as a validation does, by what has been measured until now."""
        return judge(self.course.map_mmhg, STEP_S, self.alarms_s, self.about.horizon_min * 60.0)

    def unforeseeable(self) -> int:
        """Count events before which nobody forecast: no decision of the horizon before them was one."""
        horizon_s = self.about.horizon_min * 60.0
        spoken = [self.since(said.t_s) for said in self.course.said if said.risk]
        return sum(
            fall.lead_s is None and not any(fall.start_s - horizon_s <= t_s < fall.start_s for t_s in spoken)
            for fall in self.judged().falls
        )

    def _of_patient(self, transitions: frozenset[str]) -> tuple[Mark, ...]:
        return tuple(
            mark
            for mark in self.course.marks
            if mark.condition in PATIENT_ALARMS and mark.transition in transitions
        )
