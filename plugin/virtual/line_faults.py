"""What an arterial line does to the pressure behind it: flush, zeroing, damping, disconnection, cuff.

Every fault is a level and a gain over time: the transducer reads `level + gain x (pressure - mean)`.
That serves the wave sample by sample and the monitor's numbers alike, so both always tell one story.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from barocast.plugin.virtual.scenario import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from barocast.plugin.virtual.scenario import LineFault
    from barocast.runtime.domain import Floats

    Reading: TypeAlias = tuple[Floats, Floats]  # level (n,) mmHg, gain (n,)
    Effect: TypeAlias = Callable[[Floats, Floats, float], Reading]  # seconds into it, mean, duration

FLUSH_MMHG = 290.0
"""A 300 mmHg pressure bag, less what the line costs."""
OPEN_LINE_MMHG = 6.0
"""A line hanging from the bed."""


def _flush(into_s: Floats, mean: Floats, _duration_s: float) -> Reading:
    opened = 1 - np.exp(-into_s / 0.05)
    return mean + (FLUSH_MMHG - mean) * opened, 1 - opened


def _zeroing(into_s: Floats, _mean: Floats, _duration_s: float) -> Reading:
    return np.zeros(len(into_s)), np.zeros(len(into_s))


def _damping(into_s: Floats, mean: Floats, _duration_s: float) -> Reading:
    return mean, 0.12 + 0.88 * np.exp(-into_s / 4)


def _disconnect(into_s: Floats, mean: Floats, _duration_s: float) -> Reading:
    left = np.exp(-into_s / 0.8)
    return OPEN_LINE_MMHG + (mean - OPEN_LINE_MMHG) * left, left


def _cuff(into_s: Floats, mean: Floats, duration_s: float) -> Reading:
    squeeze = np.clip(np.minimum(into_s / 6, (duration_s - into_s) / 12), 0, 1)
    return mean * (1 - 0.45 * squeeze), 1 - 0.92 * squeeze


_EFFECTS: Mapping[Fault, Effect] = MappingProxyType(
    {
        Fault.FLUSH: _flush,
        Fault.ZEROING: _zeroing,
        Fault.DAMPING: _damping,
        Fault.DISCONNECT: _disconnect,
        Fault.CUFF: _cuff,
    }
)


def read_line(faults: tuple[LineFault, ...], t_s: Floats, mean: Floats) -> Reading:
    """Give level (n,) mmHg and gain (n,) at times `t_s` (n,) for a patient of mean pressure (n,) mmHg."""
    level, gain = np.array(mean), np.ones(len(mean))
    for fault in faults:
        inside = (t_s >= fault.at_s) & (t_s < fault.at_s + fault.duration_s)
        if inside.any():
            effect = _EFFECTS[fault.fault]
            level[inside], gain[inside] = effect(t_s[inside] - fault.at_s, mean[inside], fault.duration_s)
    return level, gain
