"""A patient whose pressure tells the time, so that a sample that is misplaced in time gives itself away.

    ABP_MEAN and ABP_WAVE   from LOW_MMHG up by MMHG_PER_S, and down again at once every RAMP_S
    HR                      LOW_BPM and one more with each ramp: which ramp it is

No such patient lives; nothing here resembles a pulse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from barocast.runtime.domain import Floats

LOW_MMHG: Final = 40.0
MMHG_PER_S: Final = 2.0
RAMP_S: Final = 75.0
"""The ramp ends at 190 mmHg: every value is plausible, and none is refused for its height."""
LOW_BPM: Final = 40.0
PRESSURES: Final = ("ABP_MEAN", "ABP_WAVE")


class TellTale:
    """Implements source.Source."""

    def numerics(self, t_s: float) -> dict[str, float]:
        """Give the numbers of `t_s`."""
        return {"ABP_MEAN": float(_pressure(np.array(t_s))), "HR": LOW_BPM + t_s // RAMP_S}

    def wave(self, channel: str, t_s: float, n: int, rate_hz: float) -> Floats:
        """Give the pressure from `t_s` on; other waves are not measurable."""
        return _pressure(t_s + np.arange(n) / rate_hz) if channel in PRESSURES else np.full(n, np.nan)


def seconds_off(channel: str, values: Floats, t_s: Floats) -> Floats:
    """Give by how many seconds (n,) values (n,) of a channel lie behind their place `t_s` (n,).

    A pressure tells the place within its ramp, so half a ramp is the most that it can show; HR how far the
    nearest end of its ramp is.
    """
    if channel in PRESSURES:
        late = t_s - (values - LOW_MMHG) / MMHG_PER_S
        return np.asarray(late - RAMP_S * np.round(late / RAMP_S))
    begin_s = RAMP_S * (values - LOW_BPM)
    return np.asarray(np.maximum(t_s - begin_s - RAMP_S, 0.0) + np.minimum(t_s - begin_s, 0.0))


def _pressure(t_s: Floats) -> Floats:
    return np.asarray(LOW_MMHG + MMHG_PER_S * np.fmod(t_s, RAMP_S))
