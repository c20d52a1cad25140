"""Whether the arterial pressure can be used now, and if not, why: what a clinician is told of the signal.

    hear(judged events)      what quality, waves and agreement said of the pressure
    reason                   why it must not be used; None where it may, or where there is none

The monitor's own numbers and those of its wave are judged apart; the signal is unusable while either is. A
reason stands from its first sample on, and until CLEAR_S of the device's time have passed without one, so
that a line that is flushed in spurts is one stretch. What merely is not there is no signal that could be bad:
that is `feed lost` or `forecast not available`. A jump that is still to be confirmed, and a wave that shows
too few beats yet, say nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from barocast.runtime.domain import DERIVED, Reason, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from barocast.runtime.domain import Event

CLEAR_S: Final = 4.0
"""As long as the stretch of wave that a number is made of (waves.numerics.WINDOW_S)."""
CURRENT_S: Final = 90.0
"""Longest that the last word stands: one and a half periods of the slowest gateway."""
PRESSURES: Final = frozenset({"ABP_MEAN", "ABP_SYS", "ABP_DIA"})
FOLLOWS: Final = "forecasts wait until the pressure is back"

WORDS: Final[Mapping[Reason, str]] = {
    Reason.FLUSH: "the arterial line is being flushed",
    Reason.ZEROING: "the transducer is being zeroed, or open to air",
    Reason.DISCONNECTED: "no patient is measured: the line or its transducer is disconnected",
    Reason.FLAT: "too little pulse: the line is damped, clamped or kinked, or the value is frozen",
    Reason.RANGE: "the pressure is outside what can be measured",
    Reason.DISAGREE: "two arterial pressures contradict each other",
    Reason.CALIBRATING: "the monitor is calibrating the pressure",
    Reason.INVALID: "the monitor marks the pressure as invalid",
    Reason.DEMO: "the monitor shows a demonstration, not a patient",
    Reason.TEST: "the monitor is testing itself",
    Reason.UNIT: "the pressure comes in a unit that is not understood",
}
"""What each reason means at the bedside. Those that are missing here are no fault of the signal."""


def words_of(reason: Reason) -> str:
    """Say what is wrong and what follows, as one line."""
    return f"{WORDS.get(reason, str(reason))}; {FOLLOWS}"


class SignalStatus:
    """Of one bed's arterial pressure."""

    def __init__(self) -> None:
        self._bad: dict[bool, tuple[float, Reason]] = {}
        """Derived from the wave, or told -> device time of the latest unusable sample, and why."""
        self._newest_s = -math.inf

    @property
    def reason(self) -> Reason | None:
        """Why the pressure must not be used: the latest of what is wrong."""
        return max(self._bad.values(), key=lambda bad: bad[0])[1] if self._bad else None

    def hear(self, judged: Iterable[Event], device_s: float | None = None) -> None:
        """Take judged events; `device_s` is the device's time now, where it is known."""
        for event in judged:
            if isinstance(event, Sample) and event.channel in PRESSURES and event.t_s is not None:
                self._hear(event, event.t_s)
        now_s = self._newest_s if device_s is None else device_s
        self._bad = {source: bad for source, bad in self._bad.items() if now_s - bad[0] <= CURRENT_S}

    def _hear(self, sample: Sample, t_s: float) -> None:
        if (
            t_s < self._newest_s - CURRENT_S
        ):  # its clock was set back: what was heard before is of another time
            self._bad.clear()
            self._newest_s = t_s
        self._newest_s = max(self._newest_s, t_s)
        derived = sample.code == DERIVED
        if sample.reason is not None and sample.reason in WORDS:
            self._bad[derived] = (t_s, sample.reason)
        elif sample.valid and derived in self._bad and t_s - self._bad[derived][0] >= CLEAR_S:
            del self._bad[derived]
