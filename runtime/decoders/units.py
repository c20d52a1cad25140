"""Units as feeds write them -> one name each, and the conversions between them. Tables, not branches.

Two kinds of writing enter here: ISO/IEEE 11073-10101 codes (dimension partition 4: 262144 + term; an
MDIL unit `0004-0f20` is the same number in hex) and text (UCUM, or what monitors print).
"""

from __future__ import annotations

import re
from types import MappingProxyType

from barocast.runtime.tracks import CHANNELS

_DIMENSION = 4 << 16  # ISO/IEEE 11073-10101 partition 4

_BY_TERM = {
    0x0200: "1",
    0x0220: "%",
    0x09E0: "1/min",
    0x0AA0: "1/min",  # beats
    0x0AE0: "1/min",  # breaths
    0x09A0: "1/s",
    0x09C0: "Hz",
    0x0C00: "L/min",
    0x0C12: "mL/min",
    0x0F00: "Pa",
    0x0F03: "kPa",
    0x0F20: "mmHg",
    0x0F40: "cmH2O",
    0x10B2: "mV",
    0x10B3: "uV",
    0x1140: "degF",
    0x17A0: "°C",
}
BY_MDC = MappingProxyType({_DIMENSION + term: unit for term, unit in _BY_TERM.items()})

_SPELLINGS = {
    "1": ("1", "{ratio}", "unitless"),
    "%": ("%", "percent"),
    "1/min": ("/min", "1/min", "bpm", "rpm", "brpm", "beats/min", "breaths/min"),
    "1/s": ("/s", "1/s"),
    "Hz": ("hz",),
    "L/min": ("l/min",),
    "mL/min": ("ml/min",),
    "Pa": ("pa",),
    "kPa": ("kpa",),
    "mmHg": ("mm[hg]", "mmhg"),
    "cmH2O": ("cm[h2o]", "cmh2o"),
    "mV": ("mv",),
    "uV": ("uv", "µv"),
    "degF": ("[degf]", "degf", "°f", "f", "fahr"),
    "°C": ("cel", "c", "°c", "degc"),
}
_BY_SPELLING = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_ANNOTATION = re.compile(r"\{[^}]*\}")  # UCUM: {beats}/min counts as /min

_CONVERSIONS: dict[tuple[str, str], tuple[float, float]] = {
    ("kPa", "mmHg"): (7.500617, 0.0),
    ("Pa", "mmHg"): (0.007500617, 0.0),
    ("cmH2O", "mmHg"): (0.7355592, 0.0),
    ("degF", "°C"): (5 / 9, -160 / 9),
    ("mL/min", "L/min"): (0.001, 0.0),
    ("uV", "mV"): (0.001, 0.0),
}
"""(from, to) -> (factor, offset): to = from * factor + offset."""

RELATIVE = frozenset({"PLETH_WAVE", "RESP_WAVE"})
"""Channels whose scale means nothing: any unit will do."""


def unit_of_text(text: str) -> str | None:
    """Name the unit that a text means, None when unknown or empty."""
    plain = text.strip().lower()
    return _BY_SPELLING.get(plain) or _BY_SPELLING.get(_ANNOTATION.sub("", plain))


def to_canonical(channel: str, unit: str | None) -> tuple[float, float] | None:
    """Give (factor, offset) from `unit` to the channel's own, None when there is no way."""
    wanted = CHANNELS[channel].unit
    if unit == wanted or channel in RELATIVE:
        return 1.0, 0.0
    return _CONVERSIONS.get((unit, wanted)) if unit else None
