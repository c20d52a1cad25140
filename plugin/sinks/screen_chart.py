"""The MAP of the last 15 minutes and the forecast fan of the next 15, in braille characters.

    (minutes, mmHg), Forecast | None, width, height -> [Text, ...]  height lines of width columns

Each cell holds 2 by 4 dots. What lies on top wins: trend, median, the 65 mmHg line, fan, now. A gap
in the trend stays a gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.runtime.domain import Floats, Forecast

SPAN_MIN = 15.0
"""Minutes to either side of now."""
LIMIT_MMHG = 65.0
STEP_MMHG = 10
USUAL_MMHG = (50.0, 110.0)
"""The axis, unless a value lies outside: it then grows by steps."""
TICK_MMHG = 20
AXIS = 4
"""Columns for the labels of the axis."""
TICKS_MIN = (-15, -10, -5, 0, 5, 10, 15)

DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.int64)  # (row, column)
BRAILLE = 0x2800

TREND, MEDIAN, LIMIT, FAN, NOW = "bright_red", "bold bright_white", "red3", "grey39", "grey50"
FAN_GROUND = "on grey19"


def chart(trend: tuple[Floats, Floats], forecast: Forecast | None, width: int, height: int) -> list[Text]:
    """Draw (minutes, mmHg) up to now and the forecast from now on, the time axis in the last line."""
    columns, rows = max(width - AXIS, 8), max(height - 1, 2)
    low, high = _scale(trend[1], forecast)
    minutes = SPAN_MIN * (2 * (np.arange(2 * columns) + 0.5) / (2 * columns) - 1)  # (2 * columns,)
    past = _dots(np.where(minutes <= 0, _sampled(minutes, *trend), np.nan), rows, low, high)
    median = np.zeros_like(past)
    fan = np.zeros(past.shape, dtype=bool)
    if forecast is not None:
        median = _dots(_sampled(minutes, forecast.minutes, forecast.q50), rows, low, high)
        fan = _between(minutes, forecast, rows, low, high)
    limit_row = _row(LIMIT_MMHG, rows, low, high)
    lines = [
        _line(_label(row, rows, low, high), past[row], median[row], fan[row], at_limit=row == limit_row)
        for row in range(rows)
    ]
    return [*lines, _time_axis(columns)]


def _line(
    label: Text, past: NDArray[np.int64], median: NDArray[np.int64], fan: NDArray[np.bool_], *, at_limit: bool
) -> Text:
    """Lay the cells of one row over each other, the first that is there on top."""
    for column in range(past.size):
        layers = (
            (past[column], chr(BRAILLE + past[column]), TREND),
            (median[column], chr(BRAILLE + median[column]), MEDIAN),
            (at_limit, "┄", LIMIT),
            (fan[column], "░", FAN),
            (column == past.size // 2, "│", NOW),
        )
        mark, style = next(((mark, style) for there, mark, style in layers if there), (" ", ""))
        label.append(mark, f"{style} {FAN_GROUND}" if fan[column] else style)
    return label


def _scale(past: Floats, forecast: Forecast | None) -> tuple[float, float]:
    values = past if forecast is None else np.concatenate([past, forecast.q10, forecast.q90])
    seen = np.concatenate([values[np.isfinite(values)], USUAL_MMHG])
    return float(seen.min() // STEP_MMHG * STEP_MMHG), float(-(-seen.max() // STEP_MMHG) * STEP_MMHG)


def _sampled(at: Floats, x: Floats, y: Floats) -> Floats:
    """Sample y(x) at `at`: NaN outside, and NaN between two points of which either is NaN."""
    if x.size == 0:
        return np.full_like(at, np.nan)
    return np.interp(at, x, y, left=np.nan, right=np.nan)


def _dots(values: Floats, rows: int, low: float, high: float) -> NDArray[np.int64]:
    """Draw one value a dot column, each joined to the one before; (rows, columns) of braille bits."""
    heights = np.round((high - values) / (high - low) * (4 * rows - 1))
    bits = np.zeros((rows, values.size // 2), dtype=np.int64)
    before = np.nan
    for x, y in enumerate(heights):
        if np.isfinite(y):
            start = y if not np.isfinite(before) or before == y else before + np.sign(y - before)
            for dot in range(int(min(start, y)), int(max(start, y)) + 1):
                bits[dot // 4, x // 2] |= DOTS[dot % 4, x % 2]
        before = y
    return bits


def _between(minutes: Floats, forecast: Forecast, rows: int, low: float, high: float) -> NDArray[np.bool_]:
    """Mark the cells whose middle lies between q10 and q90; (rows, columns)."""
    middle = minutes.reshape(-1, 2).mean(axis=1)
    level = high - (np.arange(rows) + 0.5) / rows * (high - low)
    q10, q90 = (_sampled(middle, forecast.minutes, q) for q in (forecast.q10, forecast.q90))
    return (level[:, None] >= q10) & (level[:, None] <= q90)


def _row(mmhg: float, rows: int, low: float, high: float) -> int:
    return round((high - mmhg) / (high - low) * (4 * rows - 1)) // 4


def _label(row: int, rows: int, low: float, high: float) -> Text:
    if row == _row(LIMIT_MMHG, rows, low, high):
        return Text(f"{LIMIT_MMHG:3.0f} ", style="bold bright_red")
    ticks = range(-int(-low // TICK_MMHG) * TICK_MMHG, int(high) + 1, TICK_MMHG)
    here = next((str(t) for t in ticks if _row(t, rows, low, high) == row), "")
    return Text(f"{here:>3} ", style=NOW)


def _time_axis(columns: int) -> Text:
    marks = [" "] * (AXIS + columns)
    for tick in TICKS_MIN:
        words = "now" if tick == 0 else f"{tick:+d}"
        place = AXIS + round((tick / SPAN_MIN + 1) / 2 * (columns - 1)) - len(words) // 2
        place = min(place, len(marks) - len(words))
        marks[place : place + len(words)] = words
    return Text("".join(marks).replace("+15", "min", 1), style=NOW)
