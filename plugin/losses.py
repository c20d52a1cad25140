"""What was lost of a feed, in words: how many pieces, and of which kinds, the most frequent first.

    FeedCounts, losses outside the decoder -> "12 pieces lost (fcs 9, cut short 3), 47 bytes not recorded"

Empty where nothing was lost: what is not said did not happen.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.runtime.domain import FeedCounts

_NONE: Final[Mapping[str, int]] = MappingProxyType({})


def loss_words(counts: FeedCounts, elsewhere: Mapping[str, int] = _NONE) -> str:
    """Say what the decoder gave up, by its own words for it, and what else was lost (words -> how much)."""
    kinds = sorted(counts.corrupt_by_reason.items(), key=lambda kind: -kind[1])
    listed = ", ".join(f"{reason} {count:,}" for reason, count in kinds)
    noun = "piece" if counts.corrupt == 1 else "pieces"
    said = [f"{counts.corrupt:,} {noun} lost ({listed})"] if counts.corrupt else []
    return ", ".join(said + [f"{count:,} {words}" for words, count in elsewhere.items() if count])
