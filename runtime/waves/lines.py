"""The waves of all arterial lines to their numbers, each line by itself.

    WaveChunk -> Samples    of the line that speaks: ABP_SYS, ABP_DIA, ABP_MEAN, code `derived`
                            of another line: its mean, the chunk's code, rival of ABP_MEAN

A line is a code and whether it speaks: two lines may share a code, and one that takes over begins anew, so
that no number averages two lines.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from barocast.runtime.waves.numerics import WaveNumerics

if TYPE_CHECKING:
    from barocast.runtime.domain import Sample, WaveChunk

ARTERIAL_WAVE: Final = "ABP_WAVE"
_COMPARED: Final = "ABP_MEAN"
MAX_LINES: Final = 8
"""Lines remembered: more than any patient has; the one that began first is forgotten."""


class LineNumerics:
    """WaveNumerics of each line."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, bool], WaveNumerics] = {}

    def feed(self, chunk: WaveChunk) -> list[Sample]:
        """Take any wave; give the numbers that are due, none for a wave of no arterial line."""
        if ARTERIAL_WAVE not in (chunk.channel, chunk.rival_of):
            return []
        numbers = self._line(chunk.code, speaks=chunk.channel is not None).feed(chunk)
        if chunk.channel is not None:
            return numbers
        means = (number for number in numbers if number.channel == _COMPARED)
        return [replace(mean, channel=None, code=chunk.code, rival_of=_COMPARED) for mean in means]

    def _line(self, code: str, *, speaks: bool) -> WaveNumerics:
        key = (code, speaks)
        if key not in self._lines and len(self._lines) >= MAX_LINES:
            del self._lines[next(iter(self._lines))]
        return self._lines.setdefault(key, WaveNumerics())
