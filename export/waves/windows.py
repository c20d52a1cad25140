"""The cohort's case-control windows -> arrays, and which of them a figure may rest on.

In: `vitaldb_windows/` (waves.npz, windows.parquet, cases.csv.gz); for pretraining also `icu_abp_2015/`.
Out: Windows, row for row, each with its verdict: JUDGED, or the reason why not. Every window may teach a
representation; only the judged ones carry a label that counts.

A window is 30 s, 5, 10 or 15 min before the onset of hypotension (MAP < 65), or mid-way in 20 min or more
without. Invalid ABP by itself tells the label here, and a quarter of the windows before an onset are
hypotensive already: both kinds are left out.

Raises InputError where a file is missing or its rows do not fit together.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FOLDER: Final = "vitaldb_windows"
ICU_FILE: Final = "icu_abp_2015/abp_125hz_int16_x50.npz"
LEADS_S: Final = (300, 600, 900)
WINDOW_S: Final = 30
ABP_HZ: Final = 50
PLETH_HZ: Final = 25
CO2_HZ: Final = 10
ABP_STEP_MMHG: Final = 0.25
PLETH_STEP: Final = 0.5
CO2_STEP_MMHG: Final = 0.5
HYPOTENSIVE_MMHG: Final = 65.0
ICU_HZ: Final = 125
ICU_COUNTS_PER_MMHG: Final = 50.0
MISSING_S: Final = 0.2
"""The archive writes a missing sample as 0; no true pressure is exactly 0 for this long."""

JUDGED: Final = "judged"
INVALID: Final = "arterial pressure not valid (abp_ok)"
HYPOTENSIVE: Final = "MAP below 65 mmHg already"
UNKNOWN: Final = "patient unknown"
UNLABELLED: Final = "of no case-control study"


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows and what is known of them; n rows."""

    subject: NDArray[np.str_]
    """(n,) subjectid: a patient may have several cases."""
    case: NDArray[np.int64]
    """(n,) caseid."""
    lead_s: NDArray[np.int64]
    """(n,) seconds to the onset; of a stretch without one, which of the leads it stands against."""
    label: NDArray[np.int64]
    """(n,) 1 before an onset, else 0."""
    verdict: NDArray[np.str_]
    """(n,) JUDGED, INVALID, HYPOTENSIVE, UNKNOWN or UNLABELLED."""
    abp: NDArray[np.int16]
    """(n, 1500) steps of ABP_STEP_MMHG at ABP_HZ."""
    pleth: NDArray[np.uint8]
    """(n, 750) steps of PLETH_STEP, arbitrary units, at PLETH_HZ."""
    co2: NDArray[np.uint8]
    """(n, 300) steps of CO2_STEP_MMHG at CO2_HZ."""
    table: NDArray[np.float32]
    """(n, len(TABLE)) the archive's own features of the arterial wave, for the comparator of that name."""

    def __len__(self) -> int:
        return len(self.label)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(n,) rows that a figure may rest on."""
        return np.asarray(self.verdict == JUDGED)

    def take(self, rows: NDArray[Any]) -> Windows:
        """Give some rows, by index or by mask."""
        return Windows(*(getattr(self, field.name)[rows] for field in fields(self)))


TABLE: Final = (
    *("abp_mean", "abp_min", "abp_max", "abp_flat", "n_beats", "SBP", "DBP", "MAP"),
    *("HR_ABP", "rr_iqr", "sbp_sd", "map_sd", "PP", "dpdt_max", "PPV"),
)
"""What windows.parquet tells of the arterial wave; `section_map` is the outcome itself and never read."""


def read_windows(cohort: Path) -> Windows:
    """Give every window of the cohort, judged or not."""
    from pyarrow import parquet  # noqa: PLC0415 `validate` extra; the bedside never comes here

    folder = cohort / FOLDER
    table: Any = parquet.read_table(_there(folder / "windows.parquet"))
    column = {name: table[name].to_numpy() for name in ("caseid", "hypo", "lead_s", "abp_ok", *TABLE)}
    subject = _subjects(folder / "cases.csv.gz", column["caseid"])
    with np.load(_there(folder / "waves.npz")) as archive:
        waves = [archive[name] for name in ("abp_50hz", "ple_25hz", "co2_10hz")]
    if any(len(wave) != len(subject) for wave in waves):
        raise InputError(f"{folder}: waves.npz and windows.parquet differ in rows; fetch both anew")
    return Windows(
        subject=subject,
        case=column["caseid"].astype(np.int64),
        lead_s=column["lead_s"].astype(np.int64),
        label=column["hypo"].astype(np.int64),
        verdict=_verdicts(subject, column["abp_ok"], column["MAP"]),
        abp=waves[0],
        pleth=waves[1],
        co2=waves[2],
        table=np.stack([column[name] for name in TABLE], axis=1).astype(np.float32),
    )


def counts(windows: Windows) -> dict[str, int]:
    """Give how many windows each verdict leaves, most first."""
    return dict(Counter(windows.verdict.tolist()).most_common())


def pressure(abp: NDArray[np.int16]) -> NDArray[np.float32]:
    """Give mmHg of one window's steps (1500,), NaN where missing."""
    return _blank(abp * np.float32(ABP_STEP_MMHG), ABP_HZ)


def plethysm(pleth: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the pleth (750,) in its arbitrary units, NaN where missing."""
    return _blank(pleth * np.float32(PLETH_STEP), PLETH_HZ)


def capnogram(co2: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give mmHg of CO2 (300,); inspired gas has 0, so that only a wave of nothing is missing."""
    mmhg = co2 * np.float32(CO2_STEP_MMHG)
    return mmhg if mmhg.any() else np.full_like(mmhg, np.nan)


def icu_windows(cohort: Path) -> Windows:
    """Give the ICU records' arterial waves, resampled like the others; without label, pleth or CO2."""
    with np.load(_there(cohort / ICU_FILE)) as archive:
        abp = np.concatenate([_cut(archive[name]) for name in archive.files])
    zeros = np.zeros(len(abp), dtype=np.int64)
    return Windows(
        subject=np.full(len(abp), ""),
        case=zeros,
        lead_s=zeros,
        label=zeros,
        verdict=np.full(len(abp), UNLABELLED),
        abp=abp,
        pleth=np.zeros((len(abp), WINDOW_S * PLETH_HZ), dtype=np.uint8),
        co2=np.zeros((len(abp), WINDOW_S * CO2_HZ), dtype=np.uint8),
        table=np.full((len(abp), len(TABLE)), np.nan, dtype=np.float32),
    )


def _cut(record: NDArray[np.int16]) -> NDArray[np.int16]:
    mmhg = record / ICU_COUNTS_PER_MMHG
    at = np.arange(0, len(mmhg), ICU_HZ / ABP_HZ)
    # Two and a half samples a step: the mean of the nearest three keeps what 50 Hz can hold.
    smooth = np.convolve(np.pad(mmhg, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")
    steps = np.round(np.interp(at, np.arange(len(smooth)), smooth) / ABP_STEP_MMHG)
    size = WINDOW_S * ABP_HZ
    cut: NDArray[np.int16] = steps[: len(steps) // size * size].reshape(-1, size).astype(np.int16)
    return cut


def _blank(wave: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Write NaN over every run of zeros that lasts MISSING_S."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wave == 0, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2):
        if end - start >= MISSING_S * rate_hz:
            wave[start:end] = np.nan
    return wave


def _verdicts(subject: NDArray[np.str_], valid: NDArray[np.bool_], mmhg: NDArray[Any]) -> NDArray[np.str_]:
    """Give each row the first reason that holds; a MAP that is not known is not below 65, but not valid."""
    known = valid.astype(np.bool_) & np.isfinite(mmhg)
    reasons = [(subject == "", UNKNOWN), (~known, INVALID), (mmhg < HYPOTENSIVE_MMHG, HYPOTENSIVE)]
    return np.select([holds for holds, _ in reasons], [name for _, name in reasons], JUDGED)


def _subjects(path: Path, cases: NDArray[Any]) -> NDArray[np.str_]:
    from pyarrow import csv  # noqa: PLC0415 with parquet, above

    table: Any = csv.read_csv(_there(path))
    subject = dict(zip(*(table[name].to_pylist() for name in ("caseid", "subjectid")), strict=True))
    return np.array([str(subject.get(case, "")) for case in cases.tolist()])


def _there(path: Path) -> Path:
    if path.is_file():
        return path
    raise InputError(
        f"{path}: no such file; set BAROCAST_COHORT to the folder that holds {path.parent.name}/"
    )
