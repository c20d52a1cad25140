"""Whether a stretch of arterial wave can be believed: a few seconds of pressure in, a Reason or None out.

    flush         300 mmHg pressure bag on the line   a plateau that no diastole reaches
    zeroing       transducer open to air              a still line near 0
    disconnected  line off or stopcock closed         pressures below any arterial one
    flat          damped, clamped, frozen, cuff       too little pulse for the level, or none
    missing       the monitor marked it               a quarter of the samples or more

Pure functions; what a stretch lasts is the caller's choice (beats.WINDOW_S).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.domain import Reason
from barocast.runtime.quality import ZEROED_MMHG, check_pressures

if TYPE_CHECKING:
    from barocast.runtime.domain import Floats

MISSING_SHARE = 0.25
PIECE_S = 0.5
"""Plateaus are sought in pieces of this length: longer than any systole."""
FLUSH_MMHG = 200.0
"""A piece that never falls below this is a flush: no diastole is that high."""
STILL_MMHG = 3.0
"""A range that noise alone explains."""
NO_PATIENT_MMHG = 20.0
"""A whole stretch below this is no arterial pressure (the evaluation's lower limit of MAP)."""
FROZEN_MMHG = 0.5
"""A range that not even noise explains: two steps of a monitor's resolution."""
FROZEN_S = 2.0
"""A wave that has not moved for this long has stopped."""
SLEW_MMHG_S = 3000.0
"""30 mmHg in 10 ms: no pulse falls faster, and hardly one rises so."""
SLEW_S = 0.01


def wave_reason(wave: Floats, rate_hz: float) -> Reason | None:
    """Give the reason not to use this stretch (n,) of mmHg at `rate_hz`, or None."""
    known = wave[~np.isnan(wave)]
    if len(known) < (1 - MISSING_SHARE) * len(wave) or not len(known):
        return Reason.MISSING
    return _plateau(known, rate_hz) or _pulseless(known, rate_hz)


def _plateau(wave: Floats, rate_hz: float) -> Reason | None:
    size = max(1, round(PIECE_S * rate_hz))
    pieces = wave[len(wave) % size :].reshape(-1, size)  # (piece, sample), the newest whole ones
    low, high = pieces.min(axis=1), pieces.max(axis=1)
    if (low > FLUSH_MMHG).any():
        return Reason.FLUSH
    if ((high - low < STILL_MMHG) & (np.abs(high + low) / 2 <= ZEROED_MMHG)).any():
        return Reason.ZEROING
    return None


def _pulseless(wave: Floats, rate_hz: float) -> Reason | None:
    low, high = np.quantile(wave, (0.02, 0.98))
    if high < NO_PATIENT_MMHG:
        return Reason.DISCONNECTED
    if np.ptp(wave[-round(FROZEN_S * rate_hz) :]) <= FROZEN_MMHG:
        return Reason.FLAT
    return check_pressures(float(high), float(low), float(wave.mean()))


def has_spike(wave: Floats, rate_hz: float) -> bool:
    """Say whether a stretch (n,) of mmHg both rises and falls faster than an artery can.

    One direction alone is not enough: an underdamped catheter of a stiff artery rises as fast (measured).
    """
    lag = max(1, round(SLEW_S * rate_hz))
    slew = (wave[lag:] - wave[:-lag]) * (rate_hz / lag)
    return len(slew) > 0 and bool(slew.max() > SLEW_MMHG_S and slew.min() < -SLEW_MMHG_S)
