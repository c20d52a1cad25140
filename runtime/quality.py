"""Whether invasive pressure numbers can be believed: numbers in, a Reason or None out.

    check_pressures  one systolic, diastolic, mean  -> Reason | None    a table of published rules
    NumericsGate     Events -> the same Events, ABP numerics marked     that table, frozen values, jumps

Artefact is the first source of false hypotension, so a rule may only speak of how a pressure is
*measured* (pulse pressure for its level, zeroed, frozen, jumping): a true low is never taken out for
being low. Where ABP_MEAN stands alone only the plausible range, the frozen rule and jumps remain.

Reasons: `zeroing`, `disconnected` (no patient behind the transducer), `flush` (too little pulse at a
high level), `flat` (too little pulse for its level: damped, clamped, cuff; or frozen), `range`, `spike`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from barocast.runtime.domain import DERIVED, Reason, Sample
from barocast.runtime.moments import Moment
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias, TypeGuard

    from barocast.runtime.domain import Event

    Test: TypeAlias = Callable[[float, float, float], bool]

TRIPLE = ("ABP_SYS", "ABP_DIA", "ABP_MEAN")

NO_PRESSURE_MMHG = 10.0
"""Systolic or diastolic at or below this is no arterial pressure (PMC7015776, Table 1)."""
ZEROED_MMHG = 2.0
"""A systolic this near to 0 is a transducer open to air."""
FROZEN_S = 600.0
"""A pressure that has not moved by a digit for longer than this is not being measured."""
FROZEN_SAMPLES = 10
"""... and that this many reports in a row agree on: few whole mmHg of a slow feed may agree by chance."""
REPEAT_GAP_S = 90.0
"""Longest gap in a repetition: forecasts are made up to HOLD_LIMIT_S / MIN_VALID_SHARE, 86 s (timeline)."""
CADENCE_S = 15.0
"""Samples further apart are judged alone: a jump between them says nothing."""
JUMP_MMHG = 30.0
"""A step of MAP from one sample to the next that reverses is no pressure (Mulder 2024)."""
CONFIRM_S = 10.0
"""A step that has held this long is believed."""
ALONE_CONFIRM_S = 15.0
"""The same of a mean that stands alone: an average over 12 s, told every 10 s, may hold a share of one flush
twice, and no pulse tells it. Real means do not step so far: the tests mark the whole cohort's."""
ALONE_APART_S = 6.0
"""Half of an average over 12 s: told more often, a mean that stands alone slides into what it averages, and
makes no step."""


def _outside(systolic: float, diastolic: float, mean: float) -> bool:
    pairs = zip(TRIPLE, (systolic, diastolic, mean), strict=True)
    return any(value < CHANNELS[name].low or value > CHANNELS[name].high for name, value in pairs)


# Read from the top, the first that holds gives the reason; NaN makes every comparison false.
# The pulse pressure and 10 mmHg rows are PMC7015776, Table 1. Its SBP = DBP = MAP is a pulse pressure of
# nothing; its MAP >= 140 is left out: hypertension is no artefact, and the evaluation counts up to 200.
_RULES: tuple[tuple[Test, Reason], ...] = (
    (lambda s, _d, _m: abs(s) <= ZEROED_MMHG, Reason.ZEROING),
    (lambda s, d, _m: s <= NO_PRESSURE_MMHG or d <= NO_PRESSURE_MMHG, Reason.DISCONNECTED),
    (lambda s, d, _m: s > 200 and s - d < 50, Reason.FLUSH),  # noqa: PLR2004 - the table's own figures
    (lambda s, d, _m: 150 < s <= 200 and s - d < 30, Reason.FLUSH),  # noqa: PLR2004 - likewise
    (lambda s, d, _m: 100 <= s <= 150 and s - d < 15, Reason.FLAT),  # noqa: PLR2004 - likewise
    (lambda s, d, _m: s < 100 and s - d < 10, Reason.FLAT),  # noqa: PLR2004 - likewise
    (_outside, Reason.RANGE),
)


def check_pressures(systolic: float, diastolic: float, mean: float) -> Reason | None:
    """Give the reason not to use these three (mmHg, NaN for one not known), or None."""
    return next((reason for broken, reason in _RULES if broken(systolic, diastolic, mean)), None)


@dataclass(slots=True)
class _Repeat:
    """How long one channel has said the same."""

    value: float = float("nan")
    since_s: float = float("nan")
    last_s: float = float("nan")
    times: int = 0
    """Different times at which it was said."""

    def frozen(self, value: float, t_s: float) -> bool:
        if value != self.value or not abs(t_s - self.last_s) <= REPEAT_GAP_S:
            self.value, self.since_s, self.last_s, self.times = value, t_s, t_s, 1
        if t_s > self.last_s:
            self.last_s, self.times = t_s, self.times + 1
        return t_s - self.since_s > FROZEN_S and self.times >= FROZEN_SAMPLES


@dataclass(slots=True)
class _Level:
    """The last MAP that was believed, and a step away from it that still has to hold."""

    value: float = float("nan")
    t_s: float = float("-inf")
    step_value: float = float("nan")
    step_s: float = float("-inf")
    heard_s: float = float("-inf")
    """Of the last MAP, believed or not."""

    def jumped(self, value: float, t_s: float, *, alone: bool) -> bool:
        confirm_s, least_s = (ALONE_CONFIRM_S, ALONE_APART_S) if alone else (CONFIRM_S, 0.0)
        apart_s, self.heard_s = t_s - self.heard_s, t_s
        near = least_s <= apart_s <= CADENCE_S and 0 <= t_s - self.t_s <= CADENCE_S + confirm_s
        if abs(value - self.value) <= JUMP_MMHG or not near:
            return self._believe(value, t_s)
        if not abs(value - self.step_value) <= JUMP_MMHG:
            self.step_value, self.step_s = value, t_s
        return t_s - self.step_s < confirm_s or self._believe(value, t_s)

    def _believe(self, value: float, t_s: float) -> bool:
        self.value, self.t_s, self.step_value = value, t_s, float("nan")
        return False


class NumericsGate:
    """Mark ABP_SYS, ABP_DIA and ABP_MEAN that cannot be believed; everything else passes untouched.

    Values of one time are one triple and judged together, however the feed was cut: they are held until
    the third is there, one of them is told again, time goes on, or `flush` says that nothing follows. A
    step of more than JUMP_MMHG has to hold, longer where the mean came alone; without times (`t_s` None)
    only the table applies. Numbers that wave_numerics.WaveNumerics derived were judged on
    their wave.
    """

    def __init__(self) -> None:
        self._repeats = {name: _Repeat() for name in TRIPLE}
        self._level = _Level()
        self._moment = Moment()
        self._triple: dict[str, float] = {}
        """Of the moment: channel -> mmHg."""

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """Take the next events; give those that are judged, in order, the unusable marked with the reason."""
        judged: list[Event] = []
        for event in events:
            if self._ended_by(event):
                judged += self.flush()
            judged += self._take(event)
        return judged

    def flush(self) -> list[Event]:
        """Judge what is held on what is known: at the end of a recording, or in a silence."""
        held = self._moment.release()
        if not self._triple:
            return held
        reason = self._judge(self._moment.t_s, self._triple)
        self._triple = {}
        return [_marked(event, reason) if _is_pressure(event) else event for event in held]

    def _ended_by(self, event: Event) -> bool:
        if _is_pressure(event) and event.channel in self._triple:
            return True
        return self._moment.ended_by(event, tells=_is_pressure(event))

    def _take(self, event: Event) -> list[Event]:
        if _is_pressure(event):
            self._moment.hold(event, event.t_s)
            self._triple[str(event.channel)] = event.value
        elif self._moment:
            self._moment.hold(event, self._moment.t_s)
        else:
            return [event]
        return self.flush() if len(self._triple) == len(TRIPLE) or self._moment.full else []

    def _judge(self, t_s: float | None, triple: dict[str, float]) -> Reason | None:
        reason = check_pressures(*(triple.get(name, float("nan")) for name in TRIPLE))
        if t_s is None:
            return reason
        frozen = [self._repeats[name].frozen(value, t_s) for name, value in triple.items()]
        if reason is None and all(frozen):
            return Reason.FLAT
        if reason is None and "ABP_MEAN" in triple:
            alone = len(triple) == 1
            return Reason.SPIKE if self._level.jumped(triple["ABP_MEAN"], t_s, alone=alone) else None
        return reason


def _is_pressure(event: Event) -> TypeGuard[Sample]:
    return isinstance(event, Sample) and event.valid and event.channel in TRIPLE and event.code != DERIVED


def _marked(sample: Sample, reason: Reason | None) -> Sample:
    return sample if reason is None else replace(sample, valid=False, reason=reason)
