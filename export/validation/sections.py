"""The sections of a report, each made of the same evidence, on as many processors as there are.

In: Evidence. Out: section -> plain values (calibration.figures), in the report's order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.figures import (
    alarms,
    all_windows,
    comparison,
    damage,
    forecast,
    inputs,
    paradox,
    quantized,
    risk,
    subgroups,
    worst,
)
from barocast.export.validation.workers import each
from barocast.runtime.domain import HORIZONS_MIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from barocast.calibration.figures.all_windows import Windows
    from barocast.calibration.judged import Judged
    from barocast.export.validation.workers import Workforce
    from barocast.runtime.manifest import AlarmPoint

ALARMS_PER_HOUR: Final = 1.0
"""Budget within which alarm layers are compared."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the sections of the report are made of."""

    ours: Judged
    """The rows that are judged."""
    theirs: Mapping[str, NDArray[np.float64]]
    """Somebody else's score -> (n, horizon) on the rows of `ours`, NaN where it was not told."""
    everyone: Judged
    """All patients' rows with the comparators' scores, and no forecast."""
    variants: Mapping[str, NDArray[np.float64]]
    """Variant -> (n, horizon) risks on the rows of `ours`."""
    parent: NDArray[np.float64] | None
    """(n, horizon) likewise, of the float parent's graph, where it was given."""
    windows: Windows
    """Every moment of the judged cases, hypotensive ones included."""
    alarm: AlarmPoint
    forecast_minutes: tuple[float, ...]
    draws: int
    column: int = field(init=False)
    """Of the horizon that raises the alarm."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "column", HORIZONS_MIN.index(self.alarm.horizon_min))

    @property
    def horizon_s(self) -> float:
        """Of the alarm."""
        return self.alarm.horizon_min * 60.0


def make_sections(evidence: Evidence, workforce: Workforce, done: Callable[[int], None]) -> dict[str, Any]:
    """Give every section; `done(total)` is called as each is made."""
    names = (*_LONGEST_FIRST, *(name for name in _SECTIONS if name not in _LONGEST_FIRST))
    found = {}
    answers = each(partial(_section, evidence=evidence), names, workforce)
    for name, section in zip(names, answers, strict=True):
        found[name] = section
        done(len(names))
    return {name: found[name] for name in _SECTIONS}


def _section(name: str, evidence: Evidence) -> Any:  # noqa: ANN401 - plain values of any shape
    return _SECTIONS[name](evidence)


def _quantized(e: Evidence) -> dict[str, Any] | None:
    if e.parent is None:
        return None
    return quantized.figures(e.ours, e.parent, e.alarm.trigger, e.column, HORIZONS_MIN, e.draws)


_SECTIONS: Final[Mapping[str, Callable[[Evidence], Any]]] = MappingProxyType(
    {
        "risk": lambda e: risk.figures(e.ours, HORIZONS_MIN, e.draws),
        "all_windows": lambda e: all_windows.figures(e.windows, HORIZONS_MIN, e.draws),
        "forecast": lambda e: forecast.figures(e.ours, e.forecast_minutes, e.draws),
        "alarm": lambda e: alarms.figures(e.ours, e.alarm.trigger, e.alarm.horizon_min, e.column, e.draws),
        "comparison": lambda e: comparison.figures(e.ours, HORIZONS_MIN, e.draws),
        "matched_alarms": lambda e: comparison.at_alarms_per_hour(
            e.ours, e.column, e.horizon_s, ALARMS_PER_HOUR, e.draws
        ),
        "their_scores": lambda e: comparison.apart(
            e.ours, e.theirs, HORIZONS_MIN, e.column, ALARMS_PER_HOUR, e.draws
        ),
        "subgroups": lambda e: subgroups.figures(e.ours, e.column, e.draws),
        "damage": lambda e: damage.figures(e.ours, e.variants, HORIZONS_MIN, e.draws),
        "quantized": _quantized,
        "paradox": lambda e: paradox.figures(e.ours, e.alarm.trigger, e.column, e.horizon_s),
        "inputs": lambda e: inputs.figures(e.ours, e.column),
        "worst": lambda e: worst.figures(e.ours, e.alarm.trigger, e.column),
        "comparators_on_all_patients": lambda e: comparison.alone(e.everyone, HORIZONS_MIN, e.draws),
    }
)
"""Section -> how it is made."""
_LONGEST_FIRST: Final = ("comparators_on_all_patients", "subgroups", "damage", "risk")
"""So that no worker begins a long one when the others are done."""
