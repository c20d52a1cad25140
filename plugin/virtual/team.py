"""The team at a simulated table: a rule that sees the pressure and the blood lost, and answers as teams do.

    pressure low for a while    a bolus of phenylephrine; fluid; lighter anaesthesia when it was not enough
    pressure high for a while   deeper anaesthesia
    blood lost                  fluid after it, late and not all of it

It answers what has happened, never what will: a fall is treated minutes after it began, and a bolus wears
off. The rule has no chance in it; how patient a team is lies in its Habits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.scenario import Act, Happening

if TYPE_CHECKING:
    from barocast.plugin.virtual.circulation import State

SMOOTHED_S: Final = 10.0
"""Over which the eye takes the pressure."""
ROUND_S: Final = 60
"""Between two looks at the bottles."""
NOTICED_S: Final = 480.0
"""Time constant of what the team knows of a bleeding's rate."""
HASTE_MMHG: Final = 10.0
"""So far below, patience runs out twice as fast."""
AGAIN_S: Final = 600.0
"""A fall so soon after a bolus is not treated by a bolus alone."""
RESCUE_S: Final = 300.0
"""For so long after a bolus fluid runs fast."""
HIGH_S: Final = 150.0
"""Pressure is high for so long before anything is done."""
DEEPER_PAUSE_S: Final = 420.0
LIGHTER: Final = ((0, Act.PROPOFOL, 0.85), (1, Act.REMIFENTANIL, 0.75))
DEEPER: Final = ((0, Act.PROPOFOL, 1.10), (1, Act.REMIFENTANIL, 1.30))
"""Place in State.target, what is set, and by how much."""
HIGHEST: Final = (5.0, 8.0)
"""Targets that no team passes, ug/mL and ng/mL."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How one team works."""

    low_mmhg: float
    """Mean pressure below which it acts."""
    patience_s: float
    """Below it for so long, before a hand moves."""
    high_mmhg: float
    """Mean pressure above which it deepens."""
    bolus_ug: float
    """Of phenylephrine."""
    pause_s: float
    """Between two boluses."""
    fluid_ml_min: float
    """Always running."""
    rescue_ml_min: float
    """Besides, after a bolus."""
    replaced: float
    """Share of the blood lost."""


class Team:
    """Watches one patient, once a second, in order of time."""

    def __init__(self, habits: Habits) -> None:
        self._habits = habits
        self._seen_mmhg: float | None = None
        self._low_s = 0.0
        self._high_s = 0.0
        self._bolus_at_s = -1e9
        self._deepened_at_s = -1e9
        self._bleeding_ml_min = 0.0

    def answer(self, t_s: float, mean_mmhg: float, state: State) -> list[Happening]:
        """Give what is done in this second; `state` is looked at, never changed."""
        self._look(mean_mmhg, state.bleed_ml_min)
        done = []
        if round(t_s) % ROUND_S == 0:
            done.append(Happening(t_s, Act.FLUID, self._fluid(t_s)))
        if self._low_s >= self._habits.patience_s and t_s - self._bolus_at_s >= self._habits.pause_s:
            done += self._lift(t_s, state)
        elif self._high_s >= HIGH_S and t_s - self._deepened_at_s >= DEEPER_PAUSE_S:
            self._deepened_at_s = t_s
            done += _turned(t_s, DEEPER, state)
        return done

    def _look(self, mean_mmhg: float, bleeding_ml_min: float) -> None:
        before = mean_mmhg if self._seen_mmhg is None else self._seen_mmhg
        seen = before + (mean_mmhg - before) / SMOOTHED_S
        self._seen_mmhg = seen
        below_mmhg = self._habits.low_mmhg - seen
        self._low_s = self._low_s + 1 + below_mmhg / HASTE_MMHG if below_mmhg > 0 else 0.0
        self._high_s = self._high_s + 1 if seen > self._habits.high_mmhg else 0.0
        self._bleeding_ml_min += (bleeding_ml_min - self._bleeding_ml_min) / NOTICED_S

    def _fluid(self, t_s: float) -> float:
        rescue = self._habits.rescue_ml_min if t_s - self._bolus_at_s < RESCUE_S else 0.0
        return self._habits.fluid_ml_min + self._habits.replaced * self._bleeding_ml_min + rescue

    def _lift(self, t_s: float, state: State) -> list[Happening]:
        again = t_s - self._bolus_at_s < AGAIN_S
        self._bolus_at_s = t_s
        bolus = Happening(t_s, Act.PHENYLEPHRINE, self._habits.bolus_ug * (1.5 if again else 1.0))
        return [bolus, *(_turned(t_s, LIGHTER, state) if again else [])]


def _turned(t_s: float, turns: tuple[tuple[int, Act, float], ...], state: State) -> list[Happening]:
    return [Happening(t_s, act, min(factor * state.target[at], HIGHEST[at])) for at, act, factor in turns]
