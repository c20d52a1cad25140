"""Whether the arterial line that speaks can be believed beside the lines that do not.

    Events -> the same Events, ABP_SYS, ABP_DIA and ABP_MEAN refused with Reason.DISAGREE

One line speaks, by label order (decoders.arterial). Decoders keep what the others say: Samples without a
channel, whose `rival_of` names the one they would have had. While the mean pressures of the speaker and
of a rival are more than DISAGREE_MMHG apart nobody can say which is wrong, and the speaker is refused:
what the monitor told and what was derived from its wave alike. A rival that is itself unusable (no
transducer, out of range) refuses nothing, nor does one that has said nothing for CURRENT_S.

Values of one time are compared together, so that the order of two lines in a message does not matter.
Samples without a time pass untouched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeGuard

from barocast.runtime.domain import DERIVED, Reason, Sample
from barocast.runtime.quality import TRIPLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.runtime.domain import Event

MEAN: Final = "ABP_MEAN"
DISAGREE_MMHG: Final = 20.0
"""Of mean pressure: more than level, damping and the site of the cannula explain."""
CURRENT_S: Final = 10.0
"""Longest that the last word of a line stands for it. Slower feeds tell both lines in one message."""
MAX_RIVALS: Final = 8
"""Codes remembered: more lines than any patient has."""


@dataclass(slots=True)
class _Said:
    """Usable mean pressures of one time, mmHg."""

    speaker: float = math.nan
    rivals: list[tuple[str, float]] = field(default_factory=list)
    """(code, value); two lines may share a code."""


class ArterialAgreement:
    """Compares the arterial lines of one feed."""

    def __init__(self) -> None:
        self._rivals: dict[str, tuple[float, list[float]]] = {}
        """Code -> device time of its last word, and the means then."""
        self._refused_s = -math.inf
        """Device time of the speaker's last mean if that was refused."""

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """Take the next events; give them back in order."""
        events = list(events)
        refused = {t_s: self._refuses(t_s, said) for t_s, said in _by_time(events).items()}
        return [self._judged(event, refused) if _is_pressure(event) else event for event in events]

    def _refuses(self, t_s: float, said: _Said) -> bool | None:
        """Compare what was said at one time; None when the speaker said nothing."""
        for code in {code for code, _ in said.rivals}:
            self._rivals.pop(code, None)
            self._rivals[code] = (t_s, [value for rival, value in said.rivals if rival == code])
        while len(self._rivals) > MAX_RIVALS:
            del self._rivals[next(iter(self._rivals))]
        return None if math.isnan(said.speaker) else self._contradicted(t_s, said.speaker)

    def _contradicted(self, t_s: float, mean: float) -> bool:
        return any(
            abs(t_s - heard_s) <= CURRENT_S and any(abs(mean - value) > DISAGREE_MMHG for value in values)
            for heard_s, values in self._rivals.values()
        )

    def _judged(self, sample: Sample, refused: dict[float, bool | None]) -> Sample:
        if sample.t_s is None:
            return sample
        verdict = refused.get(sample.t_s)
        if verdict is not None:
            self._refused_s = sample.t_s if verdict else -math.inf
        if abs(sample.t_s - self._refused_s) > CURRENT_S:
            return sample
        return replace(sample, valid=False, reason=Reason.DISAGREE)


def _by_time(events: Iterable[Event]) -> dict[float, _Said]:
    found: dict[float, _Said] = {}
    for event in events:
        if not isinstance(event, Sample) or event.t_s is None or not event.valid:
            continue
        if event.rival_of == MEAN:
            found.setdefault(event.t_s, _Said()).rivals.append((event.code, event.value))
        elif event.channel == MEAN and event.code != DERIVED:
            found.setdefault(event.t_s, _Said()).speaker = event.value
    return found


def _is_pressure(event: Event) -> TypeGuard[Sample]:
    return isinstance(event, Sample) and event.valid and event.channel in TRIPLE
