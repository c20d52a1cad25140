"""Whether the arterial line that speaks can be believed beside the lines that do not.

    Events -> the same Events, ABP_SYS, ABP_DIA and ABP_MEAN refused with Reason.DISAGREE

One line speaks, by label order (decoders.arterial). Decoders keep what the others say: Samples without a
channel, whose `rival_of` names the one they would have had; of a line that is only a wave the mean is
derived (waves.lines). While the mean pressures of the speaker and of a rival are more than DISAGREE_MMHG
apart nobody can say which is wrong, and the speaker is refused: what the monitor told and what was derived
from its wave alike. For the speaker stands the mean that the monitor tells, while it tells one, else the
one of its wave. These two may be of two lines under one label: once they have been that far apart for
APART_S, the speaker is refused as well. A rival that is itself unusable (no transducer, out of range)
refuses nothing, nor does one that has said nothing for CURRENT_S.

Values of one time are held until time goes on and compared together, so that neither the order of two
lines in a message nor the cut of the feed matters. Samples without a time pass untouched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeGuard

from barocast.runtime.domain import DERIVED, Reason, Sample
from barocast.runtime.moments import Moment
from barocast.runtime.quality import TRIPLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.runtime.domain import Event

MEAN: Final = "ABP_MEAN"
DISAGREE_MMHG: Final = 20.0
"""Of mean pressure: more than level, damping and the site of the cannula explain."""
CURRENT_S: Final = 10.0
"""Longest that the last word of a line stands for it. Slower feeds tell both lines in one message."""
APART_S: Final = 30.0
"""Longer than the mean that a monitor tells lags behind its wave, however fast the pressure falls."""
MAX_RIVALS: Final = 8
"""Codes remembered: more lines than any patient has."""


@dataclass(slots=True)
class _Said:
    """Usable mean pressures of one time, mmHg."""

    told: float = math.nan
    derived: float = math.nan
    """Of the speaker, from its wave."""
    rivals: list[tuple[str, float]] = field(default_factory=list)
    """(code, value); two lines may share a code."""

    def hear(self, sample: Sample) -> None:
        """Keep a mean; systole and diastole only wait for theirs."""
        if sample.rival_of == MEAN:
            self.rivals.append((sample.code, sample.value))
        elif sample.channel == MEAN and sample.code == DERIVED:
            self.derived = sample.value
        elif sample.channel == MEAN:
            self.told = sample.value


class ArterialAgreement:
    """Compares the arterial lines of one feed."""

    def __init__(self) -> None:
        self._rivals: dict[str, tuple[float, list[float]]] = {}
        """Code -> device time of its last word, and the means then."""
        self._told = (-math.inf, math.nan)
        """Device time and value of the last mean that the monitor itself told of the speaker."""
        self._derived = (-math.inf, math.nan)
        """The same of the last one derived from its wave."""
        self._apart_s = math.inf
        """Device time since which these two have been too far apart."""
        self._refused_s = -math.inf
        """Device time of the speaker's last mean if that was refused."""
        self._moment = Moment()
        self._said = _Said()
        """Of the moment."""

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """Take the next events; give those that are judged, in order."""
        judged: list[Event] = []
        for event in events:
            if self._moment.ended_by(event, tells=_is_compared(event)):
                judged += self.flush()
            judged += self._take(event)
        return judged

    def flush(self) -> list[Event]:
        """Judge what is held on what is known: at the end of a recording, or in a silence."""
        if self._moment.t_s is not None:
            self._compare(self._moment.t_s, self._said)
        self._said = _Said()
        return [self._judged(event) for event in self._moment.release()]

    def _take(self, event: Event) -> list[Event]:
        if _is_compared(event):
            self._moment.hold(event, event.t_s)
            self._said.hear(event)
        elif self._moment:
            self._moment.hold(event, self._moment.t_s)
        else:
            return [self._judged(event)]
        return self.flush() if self._moment.full else []

    def _compare(self, t_s: float, said: _Said) -> None:
        for code in {code for code, _ in said.rivals}:
            self._rivals.pop(code, None)
            self._rivals[code] = (t_s, [value for rival, value in said.rivals if rival == code])
        while len(self._rivals) > MAX_RIVALS:
            del self._rivals[next(iter(self._rivals))]
        mean = self._mean(t_s, said)
        if not math.isnan(mean):
            refused = self._contradicted(t_s, mean) or t_s - self._apart_s >= APART_S
            self._refused_s = t_s if refused else -math.inf

    def _mean(self, t_s: float, said: _Said) -> float:
        """Give what stands for the speaker: the wave only where the monitor has told nothing of late."""
        if not math.isnan(said.told):
            self._told = (t_s, said.told)
        if not math.isnan(said.derived):
            self._derived = (t_s, said.derived)
        self._apart_s = min(self._apart_s, t_s) if self._apart(t_s) else math.inf
        return said.told if abs(t_s - self._told[0]) <= CURRENT_S else said.derived

    def _apart(self, t_s: float) -> bool:
        (told_s, told), (derived_s, derived) = self._told, self._derived
        current = max(abs(t_s - told_s), abs(t_s - derived_s)) <= CURRENT_S
        return current and abs(told - derived) > DISAGREE_MMHG

    def _contradicted(self, t_s: float, mean: float) -> bool:
        return any(
            abs(t_s - heard_s) <= CURRENT_S and any(abs(mean - value) > DISAGREE_MMHG for value in values)
            for heard_s, values in self._rivals.values()
        )

    def _judged(self, event: Event) -> Event:
        if not _is_pressure(event) or event.t_s is None or abs(event.t_s - self._refused_s) > CURRENT_S:
            return event
        return replace(event, valid=False, reason=Reason.DISAGREE)


def _is_compared(event: Event) -> TypeGuard[Sample]:
    if not isinstance(event, Sample) or event.t_s is None or not event.valid:
        return False
    return event.rival_of == MEAN or event.channel in TRIPLE


def _is_pressure(event: Event) -> TypeGuard[Sample]:
    return isinstance(event, Sample) and event.valid and event.channel in TRIPLE
