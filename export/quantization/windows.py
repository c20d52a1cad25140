"""Rows of the training patients -> the windows that activations are measured on.

A model's activations are largest where the pressure falls, and hypotension is rare: half of the windows
(where there are so many) precede it or lie in it. Some are shown without text, some with a gap, so that
every pattern of the bedside is inside the ranges. No patient of the training rows had a flushed line while
it was asked: what a network may meet beyond them (`strange` rows) is shown too. One seed, one draw.

InputError: too few rows, or a value that is no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.events import HYPOTENSION
from barocast.runtime.errors import InputError
from barocast.runtime.tokens import TREND_FEATURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.export.rows import Rows

LEAST: Final = 100
"""Windows; of fewer a range says more about these patients than about the network."""


@dataclass(frozen=True, slots=True)
class Draw:
    """How windows are drawn."""

    windows: int = 2000
    """Fewer where there are fewer rows."""
    hypotensive: float = 0.5
    """Share that precedes or lies in hypotension, where there are so many."""
    without_text: float = 0.25
    """Share that is shown no text."""
    gaps: float = 0.25
    """Share in which a stretch of a channel is taken out."""


@dataclass(frozen=True, slots=True)
class Windows:
    """What a network is shown, n windows in all."""

    series: NDArray[np.float32]
    """(n, channel, time)"""
    mask: NDArray[np.float32]
    """(n, channel, time)"""
    trend: NDArray[np.float32]
    """(n, scale, feature)"""
    text: NDArray[np.int64]
    """(n, token), 0 where none is shown."""
    labels: NDArray[np.float32]
    """(n, horizon) 1, 0 or NaN."""
    hypotensive: NDArray[np.bool_]
    """(n,)"""

    def __len__(self) -> int:
        return len(self.series)

    def to_dict(self) -> dict[str, float]:
        """Give what the card says of them: how many, and the shares that came out."""
        return {
            "windows": len(self),
            "hypotensive": float(self.hypotensive.mean()),
            "without_text": float((~self.text.any(axis=1)).mean()),
            "with_gaps": float((self.mask.min(axis=(1, 2)) == 0).mean()),
        }


def draw_windows(rows: Rows, texts: NDArray[np.int64], how: Draw, seed: int) -> Windows:
    """Draw without replacement, in the order of the rows; `texts` is (case, token)."""
    if len(rows) < LEAST:
        raise InputError(f"ranges: {len(rows)} windows, needs {LEAST}; give rows of more patients")
    random = np.random.default_rng(seed)
    low = _hypotensive(rows)
    at = _chosen(low, how, random)
    _check(rows, at)
    text = texts[rows.case[at]].copy()
    text[random.random(len(at)) < how.without_text] = 0
    series, mask = rows.series[at].copy(), rows.mask[at].copy()
    for window in np.flatnonzero(random.random(len(at)) < how.gaps):
        _take_out(series[window], mask[window], random)
    return Windows(series, mask, rows.trend[at], text, rows.labels[at], low[at])


def with_strange(
    windows: Windows, strange: Rows, texts: NDArray[np.int64], random: np.random.Generator
) -> Windows:
    """Put rows of no patient behind the drawn ones, each with a drawn case's text or none."""
    text = texts[random.integers(len(texts), size=len(strange))] * (np.arange(len(strange)) % 2)[:, None]
    parts = (
        (windows.series, strange.series),
        (windows.mask, strange.mask),
        (windows.trend, strange.trend),
        (windows.text, text),
        (windows.labels, strange.labels),
        (windows.hypotensive, np.zeros(len(strange), dtype=np.bool_)),
    )
    return Windows(*(np.concatenate(part) for part in parts))


def _hypotensive(rows: Rows) -> NDArray[np.bool_]:
    """Say of each row whether hypotension follows inside the horizons or the last minute touches it."""
    now = rows.trend[:, 0, TREND_FEATURES.index("min")]
    measured = rows.trend[:, 0, TREND_FEATURES.index("valid_share")] > 0
    follows = (rows.labels == 1).any(axis=1)
    return np.asarray(follows | (measured & (now < HYPOTENSION.below_mmhg)))


def _chosen(low: NDArray[np.bool_], how: Draw, random: np.random.Generator) -> NDArray[np.intp]:
    """Give row numbers, `how.hypotensive` of them low; where either kind is short, the other fills up."""
    wanted = min(how.windows, low.size)
    lows = min(round(wanted * how.hypotensive), int(low.sum()))
    lows = max(lows, wanted - int((~low).sum()))
    parts = [(np.flatnonzero(low), lows), (np.flatnonzero(~low), wanted - lows)]
    return np.sort(np.concatenate([random.choice(rows, n, replace=False) for rows, n in parts]))


def _check(rows: Rows, at: NDArray[np.intp]) -> None:
    for name in ("series", "mask", "trend"):
        values = getattr(rows, name)[at].reshape(len(at), -1)
        odd = ~np.isfinite(values).all(axis=1)
        if odd.any():
            raise InputError(
                f"ranges: `{name}` of row {at[odd.argmax()]} holds a NaN or an infinity ({odd.sum()} of "
                f"{len(at)} windows do); what was not measured is 0 with a mask of 0: make the rows again"
            )


def _take_out(series: NDArray[np.float32], mask: NDArray[np.float32], random: np.random.Generator) -> None:
    """Make a stretch of one channel, at most half of it, as if it had not been measured."""
    channels, steps = series.shape
    length = int(random.integers(1, steps // 2 + 1))
    start = int(random.integers(0, steps - length + 1))
    channel = int(random.integers(channels))
    series[channel, start : start + length] = 0
    mask[channel, start : start + length] = 0
