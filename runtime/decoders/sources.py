"""One channel, one value per time: which of a message's sources speaks for it.

Arterial pressure goes by line (arterial.py) over the whole stream. Everything else goes by message: the
best ranked source with a valid value, the first among equals. Who does not speak keeps code, value and
unit, and loses the channel; what comes of another arterial line says whose rival it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from barocast.runtime.stored import stored

if TYPE_CHECKING:
    from barocast.runtime.decoders.arterial import LineChoice
    from barocast.runtime.decoders.target import Target
    from barocast.runtime.domain import Event, Sample, WaveChunk


@stored
@dataclass(frozen=True, slots=True)
class Candidate:
    """A value and the channel that its code claims."""

    target: Target | None
    place: str
    """The module channel it was measured at."""
    event: Sample | WaveChunk

    @property
    def arterial(self) -> bool:
        """Whether the value is an invasive arterial pressure."""
        return self.target is not None and self.target.channel.startswith("ABP_")

    @property
    def line(self) -> tuple[int, str]:
        """Its place in the queue of arterial lines."""
        return (self.target.rank if self.target is not None else 0, self.place)


def settled(candidates: list[Candidate], choice: LineChoice) -> list[Event]:
    """Give every candidate's event in order, the channel left to the speakers."""
    claims = {at: candidate for at, candidate in enumerate(candidates) if candidate.target is not None}
    for candidate in claims.values():
        if candidate.arterial and candidate.event.valid:
            choice.offer(candidate.line, candidate.event.t_s)
    speakers = _speakers(claims, choice)
    return [
        candidate.event if at in speakers or candidate.event.channel is None else _silenced(candidate, choice)
        for at, candidate in enumerate(candidates)
    ]


def _silenced(candidate: Candidate, choice: LineChoice) -> Event:
    event = candidate.event
    if candidate.arterial and not choice.speaks(candidate.line):
        return replace(event, channel=None, rival_of=event.channel)
    return replace(event, channel=None)


def _speakers(claims: dict[int, Candidate], choice: LineChoice) -> set[int]:
    """Give the index of the speaker of each (channel, time)."""
    best: dict[tuple[str, float | None], tuple[bool, int, int]] = {}
    for at, candidate in claims.items():
        target = candidate.target
        if target is None or (candidate.arterial and not choice.speaks(candidate.line)):
            continue
        key = (target.channel, candidate.event.t_s)
        mine = (not candidate.event.valid, target.rank, at)
        best[key] = min(best.get(key, mine), mine)
    return {at for _, _, at in best.values()}
