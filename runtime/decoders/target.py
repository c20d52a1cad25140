"""Where a feed's code sends its values: a channel, and a rank among the sources that share it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One entry of a code table."""

    channel: str
    """Canonical channel (tracks.CHANNELS)."""
    rank: int = 0
    """The smallest with a valid value speaks; for invasive arterial pressure the index in arterial.LABELS."""
