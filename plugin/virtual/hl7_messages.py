"""What a virtual HL7 gateway writes: IHE PCD-01 messages (ORU^R01, MDC codes) of numerics and waves.

    MSH PID OBR-7                          when all of it was measured
    OBX  1.0.0.0  2.0.0  1.2.1.0  ...      monitor, module and channel: rows without a value, status X
    OBX  1.2.1.150037  NM                  a numeric; what cannot be measured is empty, status X
    OBR-7, OBR-8                           from when to when the waves go
    OBX  1.2.1.150036  NA  2001^2004^...   counts, 32767 where there is no sample; then the facet rows

Patient fields are empty: a virtual monitor has no name to leak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from barocast.runtime.domain import Floats

NO_SAMPLE: Final = 32767
"""The count that stands for an invalid sample."""
_MDS: Final = "69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC"
_WAVEFORM: Final = "69121^MDC_OBS_WAVE_CTS^MDC"
_UNITS: Final = MappingProxyType(
    {
        "1": "262656^MDC_DIM_DIMLESS^MDC",
        "mmHg": "266016^MDC_DIM_MMHG^MDC",
        "1/min": "264864^MDC_DIM_BEAT_PER_MIN^MDC",
        "%": "262688^MDC_DIM_PERCENT^MDC",
        "°C": "268192^MDC_DIM_DEGC^MDC",
    }
)


@dataclass(frozen=True, slots=True)
class _Module:
    """One channel of one plug-in module, as the containment rows tell it."""

    vmd: int
    channel: int
    terms: tuple[str, str] | None
    """OBX-3 of module and channel; None for a monitor that leaves these rows out."""
    metrics: Mapping[str, str]
    """Canonical channel -> mnemonic of its MDC code."""


_PRESSURE: Final = ("69854^MDC_DEV_METER_PRESS_BLD_VMD^MDC", "69855^MDC_DEV_METER_PRESS_BLD_CHAN^MDC")
_MODULES: Final = (
    _Module(
        1,
        1,
        ("69798^MDC_DEV_ECG_VMD^MDC", "69799^MDC_DEV_ECG_CHAN^MDC"),
        {"HR": "ECG_HEART_RATE", "RR": "RESP_RATE"},
    ),
    _Module(
        2,
        1,
        _PRESSURE,
        {
            "ABP_SYS": "PRESS_BLD_ART_ABP_SYS",
            "ABP_DIA": "PRESS_BLD_ART_ABP_DIA",
            "ABP_MEAN": "PRESS_BLD_ART_ABP_MEAN",
            "ABP_WAVE": "PRESS_BLD_ART_ABP",
        },
    ),
    _Module(
        2,
        2,
        _PRESSURE,
        {
            "PAP_SYS": "PRESS_BLD_ART_PULM_SYS",
            "PAP_DIA": "PRESS_BLD_ART_PULM_DIA",
            "PAP_MEAN": "PRESS_BLD_ART_PULM_MEAN",
        },
    ),
    _Module(2, 3, _PRESSURE, {"CVP_MEAN": "PRESS_BLD_VEN_CENT_MEAN"}),
    _Module(
        3,
        1,
        ("69642^MDC_DEV_ANALY_SAT_O2_VMD^MDC", "69643^MDC_DEV_ANALY_SAT_O2_CHAN^MDC"),
        {"SPO2": "PULS_OXIM_SAT_O2", "PR": "PULS_OXIM_PULS_RATE", "PLETH_WAVE": "PULS_OXIM_PLETH"},
    ),
    _Module(
        4,
        1,
        ("70686^MDC_DEV_PRESS_BLD_NONINV_VMD^MDC", "70675^MDC_DEV_PULS_CHAN^MDC"),
        {
            "NIBP_SYS": "PRESS_BLD_NONINV_SYS",
            "NIBP_DIA": "PRESS_BLD_NONINV_DIA",
            "NIBP_MEAN": "PRESS_BLD_NONINV_MEAN",
        },
    ),
    _Module(
        5, 1, ("69902^MDC_DEV_METER_TEMP_VMD^MDC", "69903^MDC_DEV_METER_TEMP_CHAN^MDC"), {"TEMP": "TEMP"}
    ),
    _Module(6, 1, None, {"ETCO2": "CONC_AWAY_CO2_ET"}),
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One wave for a while."""

    rate_hz: int
    resolution: float
    """Unit per count."""
    values: Floats
    """(n,) in the channel's unit; NaN where there is no sample."""


def header(control: str, moment: datetime, processing: str, kind: str = "ORU^R01^ORU_R01") -> str:
    """Give MSH. `processing` is MSH-11: P production, T training, D debugging."""
    sender = "VIRTUAL^0000000000000001^EUI-64"
    return rf"MSH|^~\&|{sender}||||{stamp(moment)}||{kind}|{control}|{processing}|2.6|||NE|AL"


def stamp(moment: datetime) -> str:
    """Write a time of whole milliseconds, with its offset."""
    return f"{moment:%Y%m%d%H%M%S}.{moment.microsecond // 1000:03}{moment:%z}"


def numeric_group(values: Mapping[str, float], moment: datetime) -> list[str]:
    """Give the OBR and OBX of what is measured at one moment: channel -> value in its unit."""
    when = stamp(moment)
    rows = [f"OBR|1|||{_MDS}|||{when}", f"OBX||{_MDS}|1.0.0.0|||||||X"]
    known = 0
    for module in _MODULES:
        told = [name for name in module.metrics if name in values]
        if told and module.terms:
            place = f"1.{module.vmd}.{module.channel}.0"
            above = [f"|{module.terms[0]}|1.{module.vmd}.0.0"] if module.vmd != known else []
            rows += [f"OBX|{row}|||||||X" for row in (*above, f"|{module.terms[1]}|{place}")]
            known = module.vmd
        rows += [f"OBX|{_numeric_row(module, name, values[name])}|||{when}" for name in told]
    return _numbered(rows)


def wave_group(waves: Mapping[str, Stretch], started: datetime, ended: datetime) -> list[str]:
    """Give the OBR and OBX of waves: channel -> its stretch."""
    rows = [f"OBR|2|||{_WAVEFORM}|||{stamp(started)}|{stamp(ended)}"]
    for module in _MODULES:
        for name in module.metrics:
            if name in waves:
                rows += _wave_rows(_code(module, name), _path(module, name), name, waves[name])
    return _numbered(rows)


def _numbered(rows: list[str]) -> list[str]:
    """Write OBX-1 into the rows below an OBR."""
    return [row.replace("OBX|", f"OBX|{at}|", 1) for at, row in enumerate(rows)]


def _numeric_row(module: _Module, name: str, value: float) -> str:
    shown, status = ("", "X") if math.isnan(value) else (f"{value:g}", "R")
    unit = _UNITS[CHANNELS[name].unit]
    return f"NM|{_code(module, name)}|{_path(module, name)}|{shown}|{unit}|||||{status}"


def _wave_rows(code: str, path: str, name: str, wave: Stretch) -> Iterator[str]:
    counts = np.where(np.isnan(wave.values), NO_SAMPLE, np.round(wave.values / wave.resolution)).astype(int)
    yield f"OBX|NA|{code}|{path}|{'^'.join(map(str, counts.tolist()))}||||||R"
    yield f"OBX|NM|0^MDC_ATTR_SAMP_RATE^MDC|{path}.1|{wave.rate_hz}|264608^MDC_DIM_PER_SEC^MDC"
    unit = _UNITS[CHANNELS[name].unit]
    yield f"OBX|NM|2327^MDC_ATTR_NU_MSMT_RES^MDC|{path}.2|{wave.resolution:g}|{unit}"
    yield f"OBX|NM|262196^MDC_EVT_INOP^MDC|{path}.3|{NO_SAMPLE}"


def _code(module: _Module, name: str) -> str:
    return f"{CHANNELS[name].mdc}^MDC_{module.metrics[name]}^MDC"


def _path(module: _Module, name: str) -> str:
    return f"1.{module.vmd}.{module.channel}.{CHANNELS[name].mdc}"
