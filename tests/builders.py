"""Small makers of what the tests speak of: samples, series, patients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.domain import Patient, Reason, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable


def sample(t_s: float, value: float, channel: str = "ABP_MEAN", code: str = "column") -> Sample:
    """One numeric; NaN is a value that the feed said is missing."""
    missing = math.isnan(value)
    return Sample(channel, code, t_s, value, "mmHg", not missing, Reason.MISSING if missing else None)


def series(values: Iterable[float], every_s: float = 10.0, start_s: float = 0.0, **more: str) -> list[Sample]:
    """Samples on an even cadence."""
    return [sample(start_s + i * every_s, value, **more) for i, value in enumerate(values)]


def elderly_patient() -> Patient:
    """A patient with something in every section."""
    return Patient(
        age_years=68,
        sex="M",
        height_cm=170,
        weight_kg=54.7,
        asa=3,
        emergency=False,
        department="Thoracic surgery",
        procedure="Lung lobectomy",
        diagnosis="Lung cancer",
        approach="Open",
        position="Right lateral decubitus",
        anaesthesia="General",
        history=("hypertension",),
        labs=(("hb_g_dl", 10.6), ("na_mmol_l", 138.0)),
        notes=(("assessment", "Frail, poor oral intake for two weeks."),),
    )


def abp_message(second: int) -> bytes:
    """ABP of one moment as an IHE PCD-01 gateway sends it; MAP falls by 0.5 mmHg a minute."""
    stamp = f"20260301{8 + second // 3600:02}{second // 60 % 60:02}{second % 60:02}+0000"
    mean = 85 - second / 120
    rows = [
        rf"MSH|^~\&|GW|OR|||{stamp}||ORU^R01^ORU_R01|{second}|P|2.6",
        f"OBR|1|||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||{stamp}",
        *(
            f"OBX|{i}|NM|{code}^x^MDC|1.1.1.{code}|{value:.1f}|266016^MDC_DIM_MMHG^MDC|||||R|||{stamp}"
            for i, (code, value) in enumerate(((150037, mean + 35), (150038, mean - 18), (150039, mean)), 1)
        ),
    ]
    return wrap("\r".join(rows).encode() + b"\r")
