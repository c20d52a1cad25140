"""Which physiological code feeds which canonical channel, and which one wins where several can.

Codes are the 16-bit terms of partition 2 of ISO/IEEE 11073-10101. Where several objects can feed one
channel they stand in order of preference; the first that the stream shows working is the one used,
so that one channel never mixes two sensors.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.arterial import LineChoice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from barocast.runtime.decoders.arterial import Line

ARTERIAL_LINES: Final = (0x4A14, 0x4A10, 0x4A0C, 0xF0BC, 0x4A28)
"""ABP, ART, AORT, FEM, UAP: wave codes; systolic, diastolic and mean follow as +1, +2, +3."""

# TEMP: core, blood, oesophageal, nasopharyngeal, rectal, tympanic, site unsaid.
_NUMERICS: Final = (
    ("NIBP_SYS", (0x4A05,)),
    ("NIBP_DIA", (0x4A06,)),
    ("NIBP_MEAN", (0x4A07,)),
    ("HR", (0x4182,)),
    ("PR", (0x480A, 0x4822)),  # from the leading source, from the pleth
    ("SPO2", (0x4BB8,)),
    ("ETCO2", (0x50B0,)),
    ("RR", (0x500A, 0x5012)),  # leading source, airway
    ("CVP_MEAN", (0x4A47,)),
    ("PAP_SYS", (0x4A1D,)),
    ("PAP_DIA", (0x4A1E,)),
    ("PAP_MEAN", (0x4A1F,)),
    ("TEMP", (0x4B60, 0xE014, 0x4B64, 0x4B6C, 0xE004, 0x4B78, 0x4B48)),
    ("BIS", (0xF04E,)),
    ("CO", (0x4BDC, 0x4B04)),  # continuous, thermodilution
)
_WAVES: Final = (
    ("PLETH_WAVE", (0x4BB4,)),
    ("ECG_WAVE", (0x0102, 0x0100, 0x0101, 0x013D)),  # II, unsaid, I, III
    ("CO2_WAVE", (0x50AC,)),
    ("PAP_WAVE", (0x4A1C,)),
    ("CVP_WAVE", (0x4A44,)),
    ("RESP_WAVE", (0x5000,)),
)
ARTERIAL: Final = "ABP"
"""What the wave and the numbers of an arterial line compete for."""
_PARTS: Final = (("ABP_WAVE", 0), ("ABP_SYS", 1), ("ABP_DIA", 2), ("ABP_MEAN", 3))


def _sources() -> Iterator[tuple[int, tuple[str, str, int]]]:
    for channel, codes in _NUMERICS + _WAVES:
        for rank, code in enumerate(codes):
            yield code, (channel, channel, rank)
    for rank, line in enumerate(ARTERIAL_LINES):
        for channel, step in _PARTS:
            yield line + step, (channel, ARTERIAL, rank)


SOURCES: Final[Mapping[int, tuple[str, str, int]]] = MappingProxyType(dict(_sources()))
"""Physiological code -> (channel, what it competes for, rank). The wave and the numbers of an
arterial line compete together, so that they never come from two lines."""

WANTED_WAVES: Final = (0x4A14, 0x4A10, 0x4BB4, 0x4A0C, 0xF0BC, 0x4A28)
"""ABP, ART, pleth, AORT, FEM, UAP: the line that the hospital's label names must be among the first."""
WANTED_NUMERICS: Final = (
    *ARTERIAL_LINES,
    *(0x4A04, 0x4182, 0x480A, 0x4BB8, 0x50B0, 0x500A, 0x4A44, 0x4A1C),  # NBP HR pulse SpO2 etCO2 RR CVP PAP
    *(0x4B48, 0x4B60, 0x4B64, 0xF04E, 0x4BDC),  # temperatures, BIS, cardiac output
)


class Claims:
    """Which of several sources feeds a channel: the best ranked that has shown a value.

    Arterial lines go by arterial.LineChoice, where a line that is pulled gives way to the next.
    """

    def __init__(self) -> None:
        self._best: dict[str, int] = {}
        self._line = LineChoice()

    def claim(self, code: int, *, shows: bool) -> tuple[str | None, str | None]:
        """Give the channel that `code` feeds now, and the one that it would if a better line did not."""
        source = SOURCES.get(code)
        if source is None:
            return None, None
        channel, contest, rank = source
        if contest == ARTERIAL:
            return (channel, None) if self._line_speaks((rank, ""), shows=shows) else (None, channel)
        best = self._best.get(contest, rank)
        if shows and rank <= best:
            self._best[contest] = best = rank
        return (channel, None) if rank == best else (None, None)

    def _line_speaks(self, line: Line, *, shows: bool) -> bool:
        if shows:
            self._line.offer(line)
        return self._line.speaks(line)
