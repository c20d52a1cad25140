"""Names of WFDB signals -> channel and rank among the sources of one channel.

Names come from whoever wrote the record (`ABP`, `ABP Mean`, `NBPSys`, `II`); case, blanks and signs do not
count. A fast signal is a wave, one at SLOW_HZ and below a number. Ranks of arterial names as in
arterial.LABELS.
"""

from __future__ import annotations

import re

from barocast.runtime.decoders import vital_tracks
from barocast.runtime.decoders.arterial import LABELS
from barocast.runtime.decoders.target import Target

SLOW_HZ = 2.0
"""At this rate and below a signal is a numeric."""
_NAMES = re.compile(r"[^A-Z0-9]+")

_ARTERIAL_NAMES = {
    "ABP": "ABP", "ART": "ART", "AORT": "AORT", "AO": "AORT", "AOBP": "AORT", "FEM": "FEM", "FAP": "FEM",
    "UAP": "UAP",
}  # fmt: skip
_NUMERIC = {
    **{f"{name}{spelling}": Target(f"ABP_{part}", LABELS.index(label))
       for name, label in _ARTERIAL_NAMES.items()
       for part, spellings in {"SYS": ("SYS",), "DIA": ("DIA", "DIAS"), "MEAN": ("MEAN", "")}.items()
       for spelling in spellings},
    **{f"{name}{spelling}": Target(f"{channel}_{part}")
       for name, channel in {"NBP": "NIBP", "NIBP": "NIBP", "PAP": "PAP"}.items()
       for part, spellings in {"SYS": ("SYS",), "DIA": ("DIA", "DIAS"), "MEAN": ("MEAN",)}.items()
       for spelling in spellings},
    "MAP": Target("ABP_MEAN", len(LABELS)),
    "CVP": Target("CVP_MEAN"),
    "CVPMEAN": Target("CVP_MEAN"),
    "HR": Target("HR"),
    "PULSE": Target("PR"),
    "PR": Target("PR"),
    "SPO2": Target("SPO2"),
    "ETCO2": Target("ETCO2"),
    "RESP": Target("RR"),
    "RR": Target("RR"),
    "TEMP": Target("TEMP"),
    "BIS": Target("BIS"),
    "CO": Target("CO"),
}  # fmt: skip
_WAVE = {
    "".join(_NAMES.split(name)): target
    for name, target in {
        **vital_tracks.WAVE,
        **{name: Target("ABP_WAVE", LABELS.index(label)) for name, label in _ARTERIAL_NAMES.items()},
        "II": Target("ECG_WAVE", 0),
        "I": Target("ECG_WAVE", 2),
        "V": Target("ECG_WAVE", 3),
        "PPG": Target("PLETH_WAVE", 1),
    }.items()
}


def target_of(name: str, rate_hz: float) -> Target | None:
    """Give what a signal feeds, None when it feeds nothing."""
    return (_NUMERIC if rate_hz <= SLOW_HZ else _WAVE).get("".join(_NAMES.split(name.upper())))
