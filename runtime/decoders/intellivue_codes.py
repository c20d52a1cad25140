"""Codes of the IntelliVue Data Export interface: classes, attributes, states, units.

Physiological codes stand in intellivue_sources, beside the channels that they feed.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Attribute Data Types and
Constants"; each code in use was met in recorded streams or is the term's number in 11073-10101.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Object classes
MDS: Final = 0x21
NUMERIC: Final = 6
WAVE: Final = 9
DEMOGRAPHICS: Final = 0x2A
ALERT_MONITOR: Final = 0x36

# Actions and events
POLL: Final = 0x0C16
EXTENDED_POLL: Final = 0xF13B
MDS_CREATE: Final = 0x0D06
CONNECT_INDICATION: Final = 0x0D17

# Attributes
TECHNICAL_ALARMS: Final = 0x0902
PATIENT_ALARMS: Final = 0x0904
HANDLE: Final = 0x0921
LABEL: Final = 0x0924
MODEL: Final = 0x0928
OPERATING_MODE: Final = 0x0946
COMPOUND_NUMERIC: Final = 0x094B
NUMERIC_VALUE: Final = 0x0950
COMPOUND_WAVE: Final = 0x0967
WAVE_FORMAT: Final = 0x096D
WAVE_SAMPLES: Final = 0x096E
SCALE: Final = 0x096F
DATE_TIME: Final = 0x0987
SAMPLE_PERIOD: Final = 0x098D
RELATIVE_TIME: Final = 0x098F
MEASURED_AT: Final = 0x0990
UNIT: Final = 0x0996
FIXED_VALUES: Final = 0x0A16
NUMERIC_LIST: Final = 0xF239
WAVE_LIST: Final = 0xF23A
POLL_DURATION: Final = 0xF13E

PARTITION_OF_LABELS: Final = 2
GROUP_ALL: Final = 0

OPERATING_MONITORING: Final = 0x4000
OPERATING_DEMO: Final = 0x2000
"""Bit of OPERATING_MODE: the monitor shows an invented patient."""

TICKS_PER_S: Final = 8000
"""Of relative time, sample periods and poll durations."""

# Measurement state
STATE_INVALID: Final = 0x8000
STATE_QUESTIONABLE: Final = 0x4000
STATE_UNAVAILABLE: Final = 0x2000
STATE_CALIBRATION: Final = 0x1000
STATE_TEST: Final = 0x0800
STATE_DEMO: Final = 0x0400
STATE_UNUSABLE: Final = 0xFF00 & ~STATE_QUESTIONABLE
"""Any of these and the value must not be used; a questionable one may still be shown."""

# Units
MMHG: Final = 0x0F20
KPA: Final = 0x0F03
CMH2O: Final = 0x0F40
BPM: Final = 0x0AA0
RPM: Final = 0x0AE0
PERCENT: Final = 0x0220
CELSIUS: Final = 0x17A0
FAHRENHEIT: Final = 0x1140
LITRES_PER_MIN: Final = 0x0C00
MILLILITRES_PER_MIN: Final = 0x0C12
MILLIVOLT: Final = 0x10B2
OHM: Final = 0x10C0
DIMENSIONLESS: Final = 0x0200

UNIT_TEXT: Final[Mapping[int, str]] = MappingProxyType(
    {
        MMHG: "mmHg",
        KPA: "kPa",
        CMH2O: "cmH2O",
        BPM: "1/min",
        RPM: "1/min",
        PERCENT: "%",
        CELSIUS: "°C",
        FAHRENHEIT: "°F",
        LITRES_PER_MIN: "L/min",
        MILLILITRES_PER_MIN: "mL/min",
        MILLIVOLT: "mV",
        OHM: "ohm",
        DIMENSIONLESS: "1",
    }
)

CONVERSIONS: Final[Mapping[tuple[int, str], tuple[float, float]]] = MappingProxyType(
    {
        (MMHG, "mmHg"): (1.0, 0.0),
        (KPA, "mmHg"): (7.500617, 0.0),
        (CMH2O, "mmHg"): (0.7355592, 0.0),
        (BPM, "1/min"): (1.0, 0.0),
        (RPM, "1/min"): (1.0, 0.0),
        (PERCENT, "%"): (1.0, 0.0),
        (CELSIUS, "°C"): (1.0, 0.0),
        (FAHRENHEIT, "°C"): (5 / 9, -160 / 9),
        (LITRES_PER_MIN, "L/min"): (1.0, 0.0),
        (MILLILITRES_PER_MIN, "L/min"): (0.001, 0.0),
        (MILLIVOLT, "mV"): (1.0, 0.0),
        (DIMENSIONLESS, "1"): (1.0, 0.0),
        (OHM, "1"): (1.0, 0.0),  # breathing by impedance: its swing has no absolute meaning
    }
)
"""(unit code, canonical unit) -> gain and offset of the conversion; a pair not here is refused."""


def label_id(code: int) -> int:
    """Give the 32-bit label id of a physiological code."""
    return PARTITION_OF_LABELS << 16 | code
