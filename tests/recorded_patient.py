"""A recorded case as the patient behind a virtual monitor: real waves through a virtual cable.

In: the events of one recording. Time 0 is its first sample. Beyond its end, and in its gaps, nothing is
measurable (NaN); a numeric stands until the next one of its channel, at most HOLD_S.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.domain import Sample, WaveChunk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from barocast.runtime.domain import Event, Floats

HOLD_S: Final = 10.0
"""Seconds after which a numeric that was not renewed is no longer shown."""


class RecordedPatient:
    """Implements source.Source. `only` keeps some channels and leaves the others unmeasured."""

    def __init__(self, events: Iterable[Event], only: Collection[str] | None = None) -> None:
        measured = (e for e in events if isinstance(e, Sample | WaveChunk))
        kept = [e for e in measured if e.t_s is not None and (only is None or e.channel in only)]
        self._start_s = min((e.t_s for e in kept if e.t_s is not None), default=0.0)
        self._waves: dict[str, list[WaveChunk]] = {}
        self._numerics: dict[str, list[tuple[float, float]]] = {}
        for event in kept:
            self._keep(event)

    def numerics(self, t_s: float) -> dict[str, float]:
        """Give what was shown at `t_s` seconds into the recording."""
        return {channel: _shown(course, t_s) for channel, course in self._numerics.items()}

    def wave(self, channel: str, t_s: float, n: int, rate_hz: float) -> Floats:
        """Give `n` samples from `t_s` on; the nearest recorded sample serves, NaN where there is none."""
        wanted = t_s + np.arange(n) / rate_hz
        found = np.full(n, np.nan)
        for chunk in self._waves.get(channel, ()):
            index = np.round((wanted - ((chunk.t_s or 0.0) - self._start_s)) * chunk.rate_hz).astype(int)
            inside = (index >= 0) & (index < len(chunk.values))
            found[inside] = chunk.values[index[inside]]
        return found

    def _keep(self, event: Sample | WaveChunk) -> None:
        if isinstance(event, WaveChunk) and event.channel:
            self._waves.setdefault(event.channel, []).append(event)
        elif isinstance(event, Sample) and event.channel and event.t_s is not None:
            value = event.value if event.valid else np.nan
            self._numerics.setdefault(event.channel, []).append((event.t_s - self._start_s, value))


def _shown(course: list[tuple[float, float]], t_s: float) -> float:
    at = bisect_right(course, t_s, key=lambda entry: entry[0]) - 1
    if at < 0 or t_s - course[at][0] > HOLD_S:
        return np.nan
    return course[at][1]
