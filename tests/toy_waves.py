"""Made-up waves in the cohort's form: pulses of known pressure and rate, breaths, invented patients."""

from __future__ import annotations

import csv
import gzip
import io
from typing import TYPE_CHECKING

import numpy as np

from barocast.export.waves.windows import TABLE

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 30


def pulses(rate=75.0, low=70.0, high=120.0, hz=50, swing=0.0, fall=0.0):
    """Give mmHg (SECONDS * hz,): `swing` of the pulse with 12 breaths a minute, `fall` over the window."""
    t = np.arange(SECONDS * hz) / hz
    phase = (t * rate / 60) % 1 * 60 / rate
    shape = np.where(phase < 0.12, np.sin(np.pi / 2 * phase / 0.12) ** 2, np.exp(-(phase - 0.12) / 0.25))
    size = (high - low) * (1 + swing / 2 * np.sin(2 * np.pi * t / 5))
    return low + size * shape - fall * t / SECONDS


def breaths(rate=12.0, top=40.0, hz=10):
    """Give mmHg of CO2: half of each breath is expired at `top`."""
    t = np.arange(SECONDS * hz) / hz
    return np.where((t * rate / 60) % 1 < 0.5, top, 0.0)


def rows(patients=12, windows=6, seed=0):
    """Give rows of windows.parquet: each patient has two cases and windows of every lead and label."""
    random = np.random.default_rng(seed)
    return [
        {
            "caseid": 2 * patient + number % 2,
            "hypo": (patient + number // 3) % 2,
            "lead_s": (300, 600, 900)[number % 3],
            "abp_ok": True,
            **{name: float(random.normal(80, 5)) for name in TABLE},
        }
        for patient in range(patients)
        for number in range(windows)
    ]


def write_windows(cohort: Path, table: list[dict], seed: int = 0) -> Path:
    """Write the two folders that export.waves reads; cases 2k and 2k + 1 are of subject 100 + k."""
    import pyarrow as pa  # noqa: PLC0415 only where a test needs it
    from pyarrow import parquet  # noqa: PLC0415 likewise

    random = np.random.default_rng(seed)
    folder = cohort / "vitaldb_windows"
    folder.mkdir(parents=True)
    parquet.write_table(pa.Table.from_pylist(table), folder / "windows.parquet")
    abp = [
        pulses(random.uniform(60, 90), low=random.uniform(60, 80), high=120 - 20 * row["hypo"])
        for row in table
    ]
    pleth = [pulses(random.uniform(60, 90), low=20, high=60, hz=25) for _ in table]
    np.savez(
        folder / "waves.npz",
        abp_50hz=np.round(np.array(abp) * 4).astype(np.int16),
        ple_25hz=np.round(np.array(pleth) * 2).astype(np.uint8),
        co2_10hz=np.round(np.array([breaths() for _ in table]) * 2).astype(np.uint8),
    )
    _write_cases(folder / "cases.csv.gz", sorted({row["caseid"] for row in table}))
    icu = cohort / "icu_abp_2015"
    icu.mkdir()
    np.savez(icu / "abp_125hz_int16_x50.npz", a=np.round(pulses(hz=125) * 50).astype(np.int16))
    return cohort


def _write_cases(path: Path, cases: list[int]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["caseid", "subjectid"])
    writer.writerows([case, 100 + case // 2] for case in cases if case < 900)  # from 900 on: unknown
    path.write_bytes(gzip.compress(text.getvalue().encode()))
