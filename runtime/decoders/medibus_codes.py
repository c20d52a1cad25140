"""What MEDIBUS codes mean: commands, measured data by codepage, realtime traces. Tables, not branches.

A measured item is identified by its codepage and a byte; each has one fixed unit. Those of a patient monitor
module (arterial pressure and such) stand beside the ventilation ones, as anaesthesia workstations send both.
Codes that are not listed keep their number and have no channel and no unit.

Source: Draeger, MEDIBUS and MEDIBUS.X Protocol Definition, "Code tables".
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

NAK: Final = 0x15
DATA_PAGE_1: Final = 0x24
DATA_PAGE_2: Final = 0x2B
NOP: Final = 0x30
REALTIME_CHANGED: Final = 0x56
ICC: Final = 0x51
DEVICE_ID: Final = 0x52
REALTIME_CONFIGURATION: Final = 0x53
CONFIGURE_REALTIME: Final = 0x54
STOP: Final = 0x55

PAGES: Final[Mapping[int, int]] = MappingProxyType({DATA_PAGE_1: 1, DATA_PAGE_2: 2})
"""Command that asks for measured data -> the codepage of its answer."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One measured item."""

    unit: str
    """As sent."""
    target: Target | None = None


_PRESSURES: Final = {
    0xC8: Target("ABP_DIA"),
    0xCD: Target("ABP_MEAN"),
    0xD2: Target("ABP_SYS"),
    0x8C: Target("NIBP_DIA"),
    0x91: Target("NIBP_MEAN"),
    0x96: Target("NIBP_SYS"),
    0xA1: Target("PAP_DIA"),
    0xA6: Target("PAP_MEAN"),
    0xAB: Target("PAP_SYS"),
    0xA5: Target("CVP_MEAN"),
}
_UNITS: Final = {
    "mbar": (
        *(0x05, 0x6B, 0x71, 0x72, 0x73, 0x74, 0x78, 0x79, 0x7D),  # airway: now, ambient, min, P0.1, mean ...
    ),  # ... plateau, PEEP, intrinsic PEEP, peak
    "kPa": (*range(0x50, 0x5E), 0xFF),  # agents, inspired and end-tidal in turn; inspired CO2
    "%": (
        *(0xAE, 0xAF, 0xB0, 0xB1, 0xE9, 0xEA, 0xED, 0xEE, *range(0xF4, 0xFA)),  # agents, likewise
        *(0xB3, 0xB6, 0xC4, 0xDA, 0xDB, 0xEF, 0xF0, 0xFB, 0xFC),  # leak, spontaneous share, CO2, O2, N2O
    ),
    "mL": (0x83, 0x84, 0x85, 0x88, 0x89, 0x8B),  # tidal volumes, dead space
    "L": (0x7E, 0x7F),
    "L/min": (0xB7, 0xB9),  # minute volume
    "mL/min": (0x09, 0xB2, 0xDD, 0xDE, 0xE2),  # CO2 production, leak, fresh gas
    "L/bar": (0x07,),  # compliance
    "mbar/(L/s)": (0x08,),  # resistance
    "1": (0xAC, 0xAD, 0xE7, 0xE8),  # MAC, I:E
    "1/min": (0x7B, 0xB5),  # mandatory and spontaneous rate: parts of the whole
    "mmHg": (0xE5,),  # inspired CO2
    "°C": (0xC1,),  # of the gas
    "s": (0xBD,),  # apnoea
}
_PAGE_1: Final = {
    **{code: Measured(unit) for unit, listed in _UNITS.items() for code in listed},
    **{code: Measured("mmHg", target) for code, target in _PRESSURES.items()},
    0xE6: Measured("mmHg", Target("ETCO2", 0)),
    0xE3: Measured("kPa", Target("ETCO2", 1)),
    0xD6: Measured("1/min", Target("RR", 0)),
    0xD5: Measured("1/min", Target("RR", 1)),  # counted in CO2
    0xD7: Measured("1/min", Target("RR", 2)),  # in flow
    0xB4: Measured("1/min", Target("RR", 3)),  # in airway pressure
    0xD9: Measured("1/min", Target("RR", 4)),  # derived
    0xDC: Measured("1/min", Target("HR")),
    0xE1: Measured("1/min", Target("PR", 0)),  # pulse oximetry
    0xDF: Measured("1/min", Target("PR", 1)),  # derived
    0xEB: Measured("%", Target("SPO2")),
    0xC3: Measured("°C", Target("TEMP", 0)),
    0xBE: Measured("°C", Target("TEMP", 1)),
    0x9B: Measured("L/min", Target("CO")),
}
_PAGE_2: Final = {
    0x13: Measured("1", Target("BIS")),
    0x14: Measured("dB"),  # EMG
    0x15: Measured("%"),  # signal quality index
    0x16: Measured("%"),  # burst suppression ratio
    0x17: Measured("Hz"),  # spectral edge
    0x21: Measured("mL"),  # expired tidal volume
    0x22: Measured("mL"),  # inspired
    0x23: Measured("mbar"),  # end-inspiratory pressure
}
MEASURED: Final[Mapping[tuple[int, int], Measured]] = MappingProxyType(
    {
        **{(1, code): measured for code, measured in _PAGE_1.items()},
        **{(2, code): measured for code, measured in _PAGE_2.items()},
    }
)
"""(codepage, code) -> what it measures."""

BIS: Final = "2/13"
SQI: Final = "2/15"

TRACES: Final[Mapping[int, tuple[str, str | None]]] = MappingProxyType(
    {
        0x00: ("mbar", None),  # airway pressure
        0x01: ("L/min", None),  # flow
        0x02: ("1", "PLETH_WAVE"),
        0x03: ("mL", None),  # volume since the breath began
        0x05: ("%", None),  # O2
        0x06: ("mmHg", "CO2_WAVE"),
        0x07: ("kPa", "CO2_WAVE"),
        0x08: ("%", None),  # CO2
    }
)
"""Realtime trace -> (unit, channel)."""
