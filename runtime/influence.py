"""What a forecast leans on, by occlusion: rerun it without one part of its input, and see what changes.

    influence_of(risk, window, text_ids, ask, place) -> Influence

`ask(window, text_ids)` is engine and calibrator (`asker`): the calibrated risks, or None for a fault. The
window is cut into STRETCHES equal parts; each in turn is masked in every channel, as a gap would be, and once
the text is left out: STRETCHES + 1 runs of the engine. The newest NEWEST_S stay in place, or nothing current
would be left. What the case so far has told (Window.case) stays too: only the window is occluded.

The stretch whose absence moves the risk most is what the forecast *leans on*. That is an association within
the model: a gap is something that it can read around, parts that say the same hide each other, and no
part is thereby a cause of anything. The words say so.

Source: occlusion after Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from barocast.runtime.domain import HORIZONS_MIN, Fault, Window
from barocast.runtime.tokens import pattern, to_model_input

if TYPE_CHECKING:
    from barocast.calibration.calibrators import Calibrators
    from barocast.runtime.domain import Risk
    from barocast.runtime.engines import Engine

STRETCHES: Final = 6
"""Parts of the window: 2.5 min each, about as long as a fall in pressure takes to show."""
NEWEST_S: Final = 30.0
"""Left in place: what makes MAP current (timeline.CURRENT_S)."""
LEAST: Final = 0.01
"""Change of the risk below which no stretch is named: the screen shows whole per cents."""
NO_CAUSE: Final = "This is an association, not a cause."

Risks: TypeAlias = "tuple[float, float, float]"
Ask: TypeAlias = Callable[[Window, NDArray[np.int64]], "Risks | None"]


@dataclass(frozen=True, slots=True)
class Influence:
    """What one forecast leans on."""

    from_min: float
    """Begin of the stretch, minutes from the window's end: negative."""
    to_min: float
    """Its end, likewise; at most 0."""
    change: float
    """Risk as it was less the risk without the stretch: above 0 where the stretch speaks for hypotension."""
    without_text: float | None
    """The risk without the patient's text; None where there is none, or the engine failed."""
    words: str
    """One or two sentences for the screen, worded as association."""


def asker(engine: Engine, calibrators: Calibrators) -> Ask:
    """Join an engine and a bundle's calibrators."""

    def ask(window: Window, text_ids: NDArray[np.int64]) -> Risks | None:
        forecast = engine.run(to_model_input(window, text_ids), window.t_end_s)
        if isinstance(forecast, Fault):
            return None
        p5, p10, p15 = (float(p) for p in calibrators.of(pattern(text_ids))(forecast.logits))
        return p5, p10, p15

    return ask


def influence_of(
    risk: Risk, window: Window, text_ids: NDArray[np.int64], ask: Ask, place: int
) -> Influence | None:
    """Say what `risk`, made of this window and text, leans on at HORIZONS_MIN[place]; None after a fault."""
    changes: dict[tuple[float, float], float] = {}
    for part in _stretches(window):
        without = ask(_occluded(window, part), text_ids)
        if without is None:  # an engine that fails once is not asked six times
            return None
        changes[_minutes(window, part.start), _minutes(window, part.stop)] = risk.p[place] - without[place]
    (from_min, to_min), change = max(changes.items(), key=lambda item: abs(item[1]))
    textless = ask(window, np.zeros_like(text_ids)) if text_ids.any() else None
    return Influence(
        from_min,
        to_min,
        change,
        None if textless is None else textless[place],
        _words(from_min, to_min, change, HORIZONS_MIN[place]),
    )


def _stretches(window: Window) -> list[slice]:
    """Cut the window's columns into equal parts, the newest of them without the newest columns."""
    columns = window.mask.shape[1]
    bounds = np.linspace(0, columns, STRETCHES + 1).round().astype(int).tolist()
    last = columns - round(NEWEST_S / window.step_s)
    return [slice(start, min(stop, last)) for start, stop in pairwise(bounds)]


def _occluded(window: Window, part: slice) -> Window:
    values, mask = window.values.copy(), window.mask.copy()
    values[:, part], mask[:, part] = np.nan, False
    return replace(window, values=values, mask=mask)


def _minutes(window: Window, column: int) -> float:
    columns: int = window.mask.shape[1]
    return (column - columns) * window.step_s / 60


def _words(from_min: float, to_min: float, change: float, horizon_min: int) -> str:
    points = round(abs(change) * 100)
    if abs(change) < LEAST:
        return f"No single stretch moves the {horizon_min}-min risk by a per cent or more."
    stretch = f"the stretch from {-from_min:.3g} to {-to_min:.3g} min ago"
    return (
        f"The forecast leans most on {stretch}: without it the {horizon_min}-min risk would be "
        f"{points} {'point' if points == 1 else 'points'} {'lower' if change > 0 else 'higher'}. {NO_CAUSE}"
    )
