"""A patient as a dictionary, with ramps for waves: all that a virtual monitor should tell is known."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

EVERYTHING = {
    "ABP_SYS": 118.0, "ABP_DIA": 62.0, "ABP_MEAN": 81.0,
    "NIBP_SYS": 120.0, "NIBP_DIA": 64.0, "NIBP_MEAN": 83.0,
    "PAP_SYS": 28.0, "PAP_DIA": 15.0, "PAP_MEAN": 21.0, "CVP_MEAN": 9.0, "HR": 61.0, "PR": 62.0, "SPO2": 97.0,
    "ETCO2": 35.0, "RR": 12.0, "TEMP": 36.4, "BIS": 44.0, "CO": 4.6,
}  # fmt: skip


class RampPatient:
    ranges: ClassVar = {}
    """Wave -> lowest and highest value of its ramp, for those that are no pressures."""

    def __init__(self, **values):
        self.values = values or EVERYTHING
        self.times = []

    def numerics(self, t_s):
        self.times.append(t_s)
        return self.values

    def wave(self, channel, t_s, n, rate_hz):
        self.times.append(t_s)
        low, high = self.ranges.get(channel, (60.0, 120.0))
        return low + (high - low) * ((t_s + np.arange(n) / rate_hz) % 1.0)
