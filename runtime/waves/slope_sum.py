"""The slope sum function of a pressure wave: large on an upstroke, small on run-off and dicrotic notch.

Zong, Heldt, Moody, Mark: "An open-source algorithm to detect onset of arterial blood pressure pulses",
Computers in Cardiology 2003;30:259-262.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from barocast.runtime.domain import Floats


def smoothed(wave: Floats, width: int) -> Floats:
    """Bridge missing samples with the last known one and average over `width`, centred, (n,) -> (n,)."""
    known = ~np.isnan(wave)
    if not known.any():
        return np.zeros(len(wave))
    last = np.maximum.accumulate(np.where(known, np.arange(len(wave)), 0))
    bridged = wave[last] if known[0] else wave[np.where(last, last, known.argmax())]
    left = width // 2
    padded = np.pad(bridged, (left, width - 1 - left), mode="edge")
    return np.asarray(np.convolve(padded, np.full(width, 1 / width), mode="valid"))


def slope_sum(smooth: Floats, width: int) -> Floats:
    """Sum the rises of the last `width` samples at each sample, (n,) mmHg -> (n,) mmHg (Zong 2003)."""
    rises = np.maximum(np.diff(smooth, prepend=smooth[:1]), 0.0)
    total = np.concatenate([np.zeros(width), np.cumsum(rises)])
    summed: Floats = total[width:] - total[:-width]
    return summed
