"""What an OBX-3 means: (coding system, code) -> channel. By number, never by text.

Six systems arrive as one number each:
    MDC      147842^MDC_ECG_HEART_RATE^MDC    ISO/IEEE 11073-10101, partition << 16 | term
    MDIL     0002-4182^HR^MDIL                Philips: partition and term of the same nomenclature, hex
    LN       8867-4^Heart rate^LN             LOINC; an MDC alternate in components 4-6 comes first
    NK       001000^HR                        Nihon Kohden gateways: six digits, no coding system
    MINDRAY  101^HR                           Mindray PDS: up to four digits, no coding system, no units
A code without a system is MDC when its text is an MDC mnemonic, as some gateways leave the system out.
Where one channel has several sources, a smaller rank speaks (one message, one value for a channel).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType

from barocast.runtime.decoders.arterial import LABELS
from barocast.runtime.decoders.target import Target


@dataclass(frozen=True, slots=True)
class Coded:
    """An OBX-3 once read."""

    system: str
    """`MDC`, `MDIL`, `LN`, `NK`, `MINDRAY`, or the feed's own word."""
    code: str
    mnemonic: str


_PHYSIO = 2 << 16  # ISO/IEEE 11073-10101 partition 2: metrics
_ARTERIAL_BASES = {"ABP": 0x4A14, "ART": 0x4A10, "AORT": 0x4A0C, "FEM": 0xF0BC, "UAP": 0x4A28}
_PRESSURE = ((1, "SYS"), (2, "DIA"), (3, "MEAN"))

_NUMERIC_TERMS = {
    **{
        base + step: Target(f"ABP_{part}", LABELS.index(label))
        for label, base in _ARTERIAL_BASES.items()
        for step, part in _PRESSURE
    },
    **{0x4A04 + step: Target(f"NIBP_{part}") for step, part in _PRESSURE},
    **{0x4A1C + step: Target(f"PAP_{part}") for step, part in _PRESSURE},
    0x4A47: Target("CVP_MEAN"),
    0x4182: Target("HR"),
    0x481A: Target("PR", 0),  # pulse oximetry
    0x4822: Target("PR", 1),  # plethysmogram
    0x480A: Target("PR", 2),  # any pulse
    0x4812: Target("PR", 3),  # arterial line
    0x4BB8: Target("SPO2"),
    0x509C: Target("ETCO2", 0),
    0x50B0: Target("ETCO2", 1),
    0x502A: Target("RR", 0),  # counted in CO2
    0x5012: Target("RR", 1),
    0x500A: Target("RR", 2),
    0x501A: Target("RR", 3),  # impedance
    0x5000: Target("RR", 4),  # older Philips exports name the rate by its wave
    0x4B60: Target("TEMP", 0),  # core
    0x4B64: Target("TEMP", 1),  # oesophagus
    0x4B6C: Target("TEMP", 2),  # nasopharynx
    0x4B48: Target("TEMP", 3),  # site not said
    0xF04E: Target("BIS"),
    0x4BDC: Target("CO", 0),  # continuous
    0x4B04: Target("CO", 1),
}
_WAVE_TERMS = {
    **{base: Target("ABP_WAVE", LABELS.index(label)) for label, base in _ARTERIAL_BASES.items()},
    0x4A1C: Target("PAP_WAVE"),
    0x4A44: Target("CVP_WAVE"),
    0x4BB4: Target("PLETH_WAVE"),
    0x50AC: Target("CO2_WAVE"),
    0x5000: Target("RESP_WAVE", 0),
    0x50E4: Target("RESP_WAVE", 1),  # thoracic impedance
    0x0102: Target("ECG_WAVE", 0),  # lead II
    0x0100: Target("ECG_WAVE", 1),  # lead not said
    0x0101: Target("ECG_WAVE", 2),  # lead I
    0x013D: Target("ECG_WAVE", 3),  # lead III
}
_LOINC = {
    "76215-3": Target("ABP_SYS"),
    "76213-8": Target("ABP_DIA"),
    "76214-6": Target("ABP_MEAN"),
    "76534-7": Target("NIBP_SYS"),
    "76535-4": Target("NIBP_DIA"),
    "76536-2": Target("NIBP_MEAN"),
    "8867-4": Target("HR"),
    "8889-8": Target("PR"),
    "59408-5": Target("SPO2"),
    "2708-6": Target("SPO2", 1),
    "9279-1": Target("RR"),
    "19891-1": Target("ETCO2"),
    "8310-5": Target("TEMP"),
}
_ART = LABELS.index("ART")
_NK = {
    "001000": Target("HR"),
    "007000": Target("SPO2"),
    "007001": Target("PR", 0),
    "044006": Target("PR", 1),
    "044000": Target("ABP_SYS", _ART),
    "044001": Target("ABP_DIA", _ART),
    "044002": Target("ABP_MEAN", _ART),
    "009000": Target("NIBP_SYS"),
    "009001": Target("NIBP_DIA"),
    "009002": Target("NIBP_MEAN"),
    "073000": Target("RR", 0),
    "004073": Target("RR", 1),
    "073001": Target("ETCO2"),
}
_MINDRAY = {
    "101": Target("HR"),
    "151": Target("RR"),
    "160": Target("SPO2"),
    "161": Target("PR"),
    "170": Target("NIBP_SYS"),
    "171": Target("NIBP_DIA"),
    "172": Target("NIBP_MEAN"),
    "200": Target("TEMP"),
    "500": Target("ABP_SYS"),
    "501": Target("ABP_MEAN"),  # systolic, mean, diastolic: not the order of everyone else, nor of 170 to 172
    "502": Target("ABP_DIA"),
}
NUMERIC = MappingProxyType(
    {
        "MDC": {str(_PHYSIO + term): target for term, target in _NUMERIC_TERMS.items()},
        "MDIL": {f"0002-{term:04x}": target for term, target in _NUMERIC_TERMS.items()},
        "LN": _LOINC,
        "NK": _NK,
        "MINDRAY": _MINDRAY,
    }
)
WAVE = MappingProxyType(
    {
        "MDC": {str(_PHYSIO + term): target for term, target in _WAVE_TERMS.items()},
        "MDIL": {f"0002-{term:04x}": target for term, target in _WAVE_TERMS.items()},
    }
)
FACETS = MappingProxyType(
    {
        "MDC_ATTR_SAMP_RATE": "rate",
        "MDC_ATTR_NU_MSMT_RES": "resolution",
        "MDC_EVT_INOP": "marker",
        "MDC_ATTR_DATA_RANGE": "range",
        "2327": "resolution",
        "67917": "resolution",
        "262196": "marker",
        "196660": "marker",
    }
)
"""Mnemonic or number of a row that explains the wave above it -> what it tells."""
UNITLESS_SYSTEMS = frozenset({"MINDRAY"})
"""Their manuals fix the unit of each code, and the message carries none."""
ABSENT = MappingProxyType({"MINDRAY": -100.0})
"""System -> the number that it sends in place of a value that it does not have."""

_SYSTEMS = {"ISO11073": "MDC", "ISO11073-10101": "MDC", "11073_10101": "MDC", "LOINC": "LN"}
_PREFERENCE = ("MDC", "MDIL", "LN")
_NK_CODE = re.compile(r"\d{6}")
_MINDRAY_CODE = re.compile(r"\d{1,4}")


def identify(components: list[str], *, mindray: bool) -> Coded:
    """Read OBX-3's components (two triples at most); `mindray`: the sender may mean its own ids."""
    padded = [*components, "", "", "", "", "", ""]
    triples = [_coded(padded[at : at + 3], mindray=mindray) for at in (0, 3)]
    known = [coded for coded in triples if coded.code and coded.system in _PREFERENCE]
    return min(
        known, key=lambda coded: (not _mapped(coded), _PREFERENCE.index(coded.system)), default=triples[0]
    )


def _mapped(coded: Coded) -> bool:
    return any(coded.code in table.get(coded.system, {}) for table in (NUMERIC, WAVE))


def _coded(triple: list[str], *, mindray: bool) -> Coded:
    code, mnemonic, system = triple[0], triple[1], triple[2].upper()
    system = _SYSTEMS.get(system, system) or _unsaid_system(code, mnemonic, mindray=mindray)
    return Coded(system, code.lower() if system == "MDIL" else code, mnemonic)


def _unsaid_system(code: str, mnemonic: str, *, mindray: bool) -> str:
    if mnemonic.startswith(("MDC_", "MDCX_")):
        return "MDC"
    if _NK_CODE.fullmatch(code):
        return "NK"
    return "MINDRAY" if mindray and _MINDRAY_CODE.fullmatch(code) else ""
