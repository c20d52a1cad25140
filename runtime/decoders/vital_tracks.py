"""Vital Recorder track names -> channel, unit and rank among the sources of one channel.

Names come from the monitor (`Intellivue/ABP_MEAN`, `Solar8000/ART_MBP`, `SNUADC/ART`); the device part
tells invasive from non-invasive nowhere, so the name alone decides. Ranks as in arterial.LABELS.
"""

from __future__ import annotations

from types import MappingProxyType

from barocast.runtime.decoders.arterial import LABELS
from barocast.runtime.decoders.target import Target

_PARTS = {
    "SYS": ("SYS", "SBP"),
    "DIA": ("DIA", "DBP"),
    "MEAN": ("MEAN", "MBP"),
}
_ARTERIAL_NAMES = {
    "ABP": ("ABP", "IABP", "INVP1"),
    "ART": ("ART",),
    "AORT": ("AORT", "AO"),
    "FEM": ("FEM", "FAP"),
    "UAP": ("UAP",),
}


def _pressures() -> dict[str, Target]:
    families = [
        (f"{name}_", "ABP", LABELS.index(label)) for label, names in _ARTERIAL_NAMES.items() for name in names
    ]
    families += [("NIBP_", "NIBP", 0), ("NBP_", "NIBP", 1), ("PAP_", "PAP", 0), ("PA_", "PAP", 1)]
    return {
        prefix + spelling: Target(f"{channel}_{part}", rank)
        for prefix, channel, rank in families
        for part, spellings in _PARTS.items()
        for spelling in spellings
    }


NUMERIC = MappingProxyType(
    {
        **_pressures(),
        "CVP_MEAN": Target("CVP_MEAN"),
        "CVP_MBP": Target("CVP_MEAN"),
        "CVP": Target("CVP_MEAN", 1),
        "HR": Target("HR"),
        "ECG_HR": Target("HR", 1),
        "PLETH_HR": Target("PR", 0),
        "PR": Target("PR", 1),
        "PLETH_SAT_O2": Target("SPO2"),
        "PLETH_SPO2": Target("SPO2"),
        "SPO2": Target("SPO2", 1),
        "ETCO2": Target("ETCO2"),
        "CO2_ET": Target("ETCO2", 1),
        "RR_CO2": Target("RR", 0),
        "CO2_RR": Target("RR", 0),
        "RR": Target("RR", 1),
        "BT_CORE": Target("TEMP", 0),
        "BT_NASO": Target("TEMP", 1),
        "TEMP": Target("TEMP", 2),
        "BT": Target("TEMP", 3),
        "BIS": Target("BIS"),
        "CCO": Target("CO", 0),
        "CO": Target("CO", 1),
    }
)
WAVE = MappingProxyType(
    {
        **{
            name: Target("ABP_WAVE", LABELS.index(label))
            for label, names in _ARTERIAL_NAMES.items()
            for name in names
        },
        "PAP": Target("PAP_WAVE"),
        "CVP": Target("CVP_WAVE"),
        "PLETH": Target("PLETH_WAVE"),
        "CO2": Target("CO2_WAVE"),
        "RESP": Target("RESP_WAVE"),
        "ECG_II": Target("ECG_WAVE", 0),
        "ECG": Target("ECG_WAVE", 1),
        "ECG_I": Target("ECG_WAVE", 2),
        "ECG_V5": Target("ECG_WAVE", 3),
    }
)
