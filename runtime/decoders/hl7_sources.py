"""Which source of a channel speaks, asked only of those that a message holds more than one of.

The rules are those of `sources`. Most messages have one source a channel, and no other arterial line than the
one that spoke before: then there is nothing to settle. A gateway repeats the same rows in each message, so
who claims what is found out once for each such list of rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.sources import Candidate
from barocast.runtime.decoders.sources import settled as settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from barocast.runtime.decoders.arterial import Line, LineChoice
    from barocast.runtime.decoders.hl7_term import Term
    from barocast.runtime.domain import Event, Sample, WaveChunk

MAX_LISTS: Final = 16
"""Lists of rows whose claims are remembered: a gateway has a few for each kind of bed."""
MAX_ROWS: Final = 256
"""Of one that is remembered. Longer ones are rare, and would hold their terms in memory."""


@dataclass(frozen=True, slots=True)
class _Claims:
    """Who claims what among the rows of a message."""

    shared: frozenset[str]
    """Channels that more than one row claims."""
    arterial: tuple[int, ...]
    """Which rows are of an invasive arterial pressure."""
    pressures: frozenset[str]
    """Their channels."""
    lines: frozenset[Line]


def settled(terms: Sequence[Term], events: Sequence[Sample | WaveChunk], choice: LineChoice) -> list[Event]:
    """Give the events of rows of these terms in order, each channel left to one speaker."""
    given: list[Event] = list(events)
    claims = _known_claims(tuple(terms)) if len(terms) <= MAX_ROWS else _claims(terms)
    contested = _contested(claims, events, choice)
    if contested:
        places = [at for at, term in enumerate(terms) if term.channel in contested]
        candidates = [Candidate(terms[at].target, terms[at].place, events[at]) for at in places]
        for at, event in zip(places, settle(candidates, choice), strict=True):
            given[at] = event
    return given


def _contested(claims: _Claims, events: Sequence[Sample | WaveChunk], choice: LineChoice) -> frozenset[str]:
    """Give the channels that have to be settled; where the chosen line is alone, tell that it goes on."""
    if not claims.lines:
        return claims.shared
    if choice.chosen is None or claims.lines != {choice.chosen} or not choice.speaks(choice.chosen):
        return claims.shared | claims.pressures
    if any(events[at].valid for at in claims.arterial):
        choice.offer(choice.chosen)
    return claims.shared


@lru_cache(maxsize=MAX_LISTS)
def _known_claims(terms: tuple[Term, ...]) -> _Claims:
    return _claims(terms)


def _claims(terms: Sequence[Term]) -> _Claims:
    targets = {at: term.target for at, term in enumerate(terms) if term.target is not None}
    claimed = Counter(target.channel for target in targets.values())
    arterial = tuple(at for at, target in targets.items() if target.channel.startswith("ABP_"))
    return _Claims(
        shared=frozenset(channel for channel, rows in claimed.items() if rows > 1),
        arterial=arterial,
        pressures=frozenset(targets[at].channel for at in arterial),
        lines=frozenset((targets[at].rank, terms[at].place) for at in arterial),
    )
