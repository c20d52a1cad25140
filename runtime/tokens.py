"""Window + text -> ModelInput: the one path from a window to a graph, in training and at the bedside.

    series, mask  (1, channel, 90)   the window itself, 0 where nothing was measured
    trend         (1, 7, 6)          mean, sd, min, max, slope, valid share of MAP over the last
                                     1, 2, 3, 5, 10 and 15 min; then the case so far
    text          (1, 128)           ids of the patient's text, padded with 0; a bundle may say another length

Trend features are tokens of their own because a small network does not find slow slopes in noisy
patches by itself, and because the comparators that it must beat are built on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.calibrators import pattern_of
from barocast.runtime.domain import ModelInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.runtime.domain import CaseSoFar, Floats, Window
    from barocast.runtime.text_tokens import Tokenizer

TREND_CHANNEL: Final = "ABP_MEAN"
TREND_MINUTES: Final = (1, 2, 3, 5, 10, 15)
TREND_FEATURES: Final = ("mean", "sd", "min", "max", "slope_per_min", "valid_share")
CASE_FEATURES: Final = ("minutes", "map_mean", "map_min", "events", "minutes_below_65", "minutes_below_70")
TEXT_TOKENS: Final = 128
"""Where the bundle says no other number. Longer texts are cut at their end, where the free text stands."""


def to_model_input(window: Window, text_ids: NDArray[np.int64]) -> ModelInput:
    """Lay out one window and a patient's padded ids (token,) for the graph."""
    return ModelInput(
        series=np.where(window.mask, window.values, 0.0).astype(np.float32)[None],
        mask=window.mask.astype(np.float32)[None],
        trend=trend(window)[None],
        text=text_ids[None],
    )


def text_ids(text: str, tokenizer: Tokenizer, tokens: int = TEXT_TOKENS) -> NDArray[np.int64]:
    """Give a text's ids, (tokens,), padded with 0. Once a patient, not once a decision."""
    ids = tokenizer.encode(text)[:tokens]
    return np.array(ids + [0] * (tokens - len(ids)), dtype=np.int64)


def pattern(text_ids: NDArray[np.int64]) -> str:
    """Name what a decision rests on (calibration.calibrators): the series, and a text where there is one."""
    return pattern_of(("series", "text") if text_ids.any() else ("series",))


def trend(window: Window) -> NDArray[np.float32]:
    """Give (len(TREND_MINUTES) + 1, 6): MAP over each scale, then the case so far."""
    series = window.values[window.channels.index(TREND_CHANNEL)]
    rows = [_scale(series[-round(60 * m / window.step_s) :], window.step_s) for m in TREND_MINUTES]
    return np.array([*rows, _case(window.case)], dtype=np.float32)


def _scale(values: Floats, step_s: float) -> tuple[float, ...]:
    at = np.flatnonzero(~np.isnan(values))
    if not at.size:
        return (0.0,) * len(TREND_FEATURES)
    seen = values[at]
    mean = float(seen.mean())
    centred = (at - at.mean()) * (step_s / 60)
    spread = float(centred @ centred)
    slope = float(centred @ (seen - mean)) / spread if spread else 0.0
    return mean, float(seen.std()), float(seen.min()), float(seen.max()), slope, at.size / values.size


def _case(case: CaseSoFar) -> tuple[float, ...]:
    return tuple(float(getattr(case, name)) for name in CASE_FEATURES)
