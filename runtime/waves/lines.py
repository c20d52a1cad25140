"""The waves of all arterial lines to their numbers, each line by itself.

    WaveChunk -> Samples    of the line that speaks: ABP_SYS, ABP_DIA, ABP_MEAN, code `derived`
                            of another line: its mean, the chunk's code, rival of ABP_MEAN

A line is a code and whether it speaks, so that one that takes over begins anew; of rivals under one code,
whose chunks are of the same time, also its place in their order. No number averages two lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from barocast.runtime.waves.numerics import WaveNumerics

if TYPE_CHECKING:
    from barocast.runtime.domain import Sample, WaveChunk

ARTERIAL_WAVE: Final = "ABP_WAVE"
_COMPARED: Final = "ABP_MEAN"
MAX_LINES: Final = 8
"""Lines remembered: more than any patient has; the one that began first is forgotten."""


@dataclass(slots=True)
class _Line:
    t_s: float | None = None
    """Of its last chunk."""
    numerics: WaveNumerics = field(default_factory=WaveNumerics)

    def is_beside(self, chunk: WaveChunk) -> bool:
        """Say whether a chunk is of the same time as the last one, give or take half its length."""
        if self.t_s is None or chunk.t_s is None:
            return False
        return abs(chunk.t_s - self.t_s) * chunk.rate_hz < 0.5 * len(chunk.values)


class LineNumerics:
    """WaveNumerics of each line."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, bool, int], _Line] = {}

    def feed(self, chunk: WaveChunk) -> list[Sample]:
        """Take any wave; give the numbers that are due, none for a wave of no arterial line."""
        if ARTERIAL_WAVE not in (chunk.channel, chunk.rival_of):
            return []
        line = self._line(chunk)
        line.t_s = chunk.t_s
        numbers = line.numerics.feed(chunk)
        if chunk.channel is not None:
            return numbers
        means = (number for number in numbers if number.channel == _COMPARED)
        return [replace(mean, channel=None, code=chunk.code, rival_of=_COMPARED) for mean in means]

    def _line(self, chunk: WaveChunk) -> _Line:
        speaks, nth = chunk.channel is not None, 0
        while not speaks and (rival := self._lines.get((chunk.code, False, nth))) and rival.is_beside(chunk):
            nth += 1
        key = (chunk.code, speaks, nth)
        if key not in self._lines and len(self._lines) >= MAX_LINES:
            del self._lines[next(iter(self._lines))]
        return self._lines.setdefault(key, _Line())
