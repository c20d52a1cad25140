"""What a decoder has seen so far, counted as the events leave it.

`took` counts bytes, `framed` sound frames, `gave` samples and corruptions of the events it passes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from barocast.runtime.domain import Corrupt, FeedCounts, Sample, WaveChunk

if TYPE_CHECKING:
    from barocast.runtime.domain import Event


class Tally:
    """A running FeedCounts."""

    def __init__(self) -> None:
        self._bytes = 0
        self._frames = 0
        self._samples = 0
        self._corrupt: dict[str, int] = {}

    def took(self, data: bytes) -> None:
        """Count input."""
        self._bytes += len(data)

    def framed(self, frames: int = 1) -> None:
        """Count sound frames."""
        self._frames += frames

    def gave(self, events: list[Event]) -> list[Event]:
        """Count what leaves the decoder, and pass it on."""
        numbers = 0
        for event in events:
            if isinstance(event, Sample):
                numbers += 1
            elif isinstance(event, WaveChunk):
                self._samples += len(event.values)
            elif isinstance(event, Corrupt):
                self._corrupt[event.reason] = self._corrupt.get(event.reason, 0) + 1
        self._samples += numbers
        return events

    @property
    def counts(self) -> FeedCounts:
        """The counts as a value that later input does not change."""
        return FeedCounts(
            bytes=self._bytes,
            frames=self._frames,
            corrupt=sum(self._corrupt.values()),
            samples=self._samples,
            corrupt_by_reason=dict(self._corrupt),
        )
