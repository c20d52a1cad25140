"""The cohort's folders -> frozen cases: what a model may see of a patient, and nothing else.

In: the folder that holds `vitaldb_or/`, `vitaldb_or_more/` and `vitaldb_windows/` (given by the
caller, never guessed here). Out: Case values with MAP on the 10 s grid and the static description;
for the text branch, Burden values. Outcomes and intraoperative totals are never read.

A patient's role is a hash of the subject id, so that the same patient has the same role in every
folder and on every machine, and no list of patients is kept anywhere.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.learned_from import LearnedFrom
from barocast.runtime.domain import Patient
from barocast.runtime.errors import InputError
from barocast.runtime.timeline import STEP_S
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

SERIES: Final = MappingProxyType(
    {
        "vitaldb_or": ("map_10s.parquet", "map"),
        "vitaldb_or_more": ("series_10s.parquet", "ABP_MEAN"),
    }
)
"""Folder -> (series file, its MAP column). A column that is called as a channel is (runtime.tracks) is read
as that channel."""
MAIN: Final = "vitaldb_or"
"""The folder whose patients evaluation's comparator table was measured on."""
LEARNED_FROM: Final = LearnedFrom(
    source="VitalDB",
    salt="barocast roles 1",
    roles=(("train", 0.70), ("calibration", 0.80), ("selection", 0.90), ("test", 1.0)),
    uses=MappingProxyType(
        {"weights": ("train",), "calibrator": ("calibration",), "operating point": ("selection",)}
    ),
)
"""Who may teach what; what a bundle's manifest records."""
LABS: Final = MappingProxyType(
    {
        "albumin_g_dl": "preop_alb",
        "bun_mg_dl": "preop_bun",
        "creatinine_mg_dl": "preop_cr",
        "glucose_mg_dl": "preop_gluc",
        "hb_g_dl": "preop_hb",
        "k_mmol_l": "preop_k",
        "na_mmol_l": "preop_na",
        "platelets_10e9_l": "preop_plt",
    }
)
HISTORY: Final = MappingProxyType({"preop_htn": "hypertension", "preop_dm": "diabetes"})


@dataclass(frozen=True, slots=True)
class Case:
    """One operation."""

    case_id: str
    subject_id: str
    folder: str
    map_mmhg: NDArray[np.float64]
    """(n,) on the 10 s grid from 0 s; NaN where missing or outside 20-200 mmHg."""
    patient: Patient
    map_source: str
    """How the MAP was made, for the subgroups of the report."""
    surgery_start_s: float
    """Seconds of the series' clock; for comparators only, NaN where unknown."""
    anaesthesia_start_s: float
    """Likewise."""
    others: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Further channel -> (n,) on the grid of the MAP, in the channel's unit; NaN where missing."""

    @property
    def channels(self) -> dict[str, NDArray[np.float64]]:
        """Give every channel that there is, (n,) each, by name."""
        return {"ABP_MEAN": self.map_mmhg, **self.others}


@dataclass(frozen=True, slots=True)
class Burden:
    """How hypotensive a whole case was: what static text alone can be taught on."""

    subject_id: str
    patient: Patient
    share: float
    """Of the case's samples or windows that were hypotensive, 0 to 1."""
    source: str
    """Shares of different sources are not comparable in level."""


def read_cases(cohort: Path) -> list[Case]:
    """Give every case with a series. Raises InputError when the cohort is not there."""
    return [case for folder in SERIES for case in read_part(cohort / folder)]


def read_part(folder: Path) -> list[Case]:
    """Give the cases of one folder of SERIES alone. Raises InputError likewise."""
    return list(_cases(folder, *SERIES[folder.name]))


def read_burdens(cohort: Path) -> list[Burden]:
    """Give the cases whose hypotensive share is known though their series may not be."""
    by_case = _rows(cohort / MAIN / "ioh_burden_by_case.csv")
    windows = _rows(cohort / "vitaldb_windows" / "cases.csv.gz")
    return [
        *_burdens(by_case, "n_event", "n_valid", "samples"),
        *_burdens(windows, "n_hypo", "n_windows", "windows"),
    ]


def role(subject_id: str) -> str:
    """Give train, calibration, selection or test: always the same for the same patient."""
    return LEARNED_FROM.role_of(subject_id)


def to_patient(row: Mapping[str, str]) -> Patient:
    """Read VitalDB's static fields; what is empty or impossible stays unknown."""
    labs = ((name, _number(row.get(column))) for name, column in LABS.items())
    asa, emergency = _number(row.get("asa")), _number(row.get("emop"))
    return Patient(
        age_years=_known(row.get("age")),
        sex=row.get("sex") or None,
        height_cm=_known(row.get("height")),
        weight_kg=_known(row.get("weight")),
        asa=None if math.isnan(asa) else int(asa),
        emergency=None if math.isnan(emergency) else bool(emergency),
        department=row.get("department") or None,
        procedure=row.get("opname") or None,
        diagnosis=row.get("dx") or None,
        approach=row.get("approach") or None,
        position=row.get("position") or None,
        anaesthesia=row.get("ane_type") or None,
        history=tuple(word for column, word in HISTORY.items() if _number(row.get(column)) == 1),
        labs=tuple((name, value) for name, value in labs if not math.isnan(value)),
    )


def _cases(folder: Path, series_file: str, column: str) -> Iterator[Case]:
    series = _series(folder / series_file, column)
    for row in _rows(folder / "cases.csv"):
        channels = series[int(row["caseid"])]
        yield Case(
            case_id=row["caseid"],
            subject_id=row["subjectid"],
            folder=folder.name,
            map_mmhg=channels.pop("ABP_MEAN"),
            patient=to_patient(row),
            map_source="waveform mean" if row["kind"] == "art" else "monitor numeric",
            surgery_start_s=_number(row.get("opstart")),
            anaesthesia_start_s=_number(row.get("anestart")),
            others=channels,
        )


def _series(path: Path, column: str) -> dict[int, dict[str, NDArray[np.float64]]]:
    """Give case -> channel -> (n,) on the grid of the case."""
    from pyarrow import parquet  # noqa: PLC0415 `validate` extra; the bedside never comes here

    if not path.is_file():
        raise InputError(
            f"{path}: no such file; set BAROCAST_COHORT to the folder that holds {path.parent.name}/"
        )
    table: Any = parquet.read_table(path)
    named = {"ABP_MEAN": column} | {name: name for name in table.column_names if name in CHANNELS}
    case_ids, t_s = (table[name].to_numpy() for name in ("caseid", "t_s"))
    columns = {channel: table[name].to_numpy() for channel, name in named.items()}
    return {int(i): _on_grid(t_s[case_ids == i], _of(columns, case_ids == i)) for i in np.unique(case_ids)}


def _of(columns: Mapping[str, NDArray[Any]], case: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Give one case's columns; a channel that it never had is left out."""
    own = {channel: values[case] for channel, values in columns.items()}
    return {c: values for c, values in own.items() if c == "ABP_MEAN" or np.isfinite(values).any()}


def _on_grid(t_s: NDArray[Any], columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    at = np.round(t_s / STEP_S).astype(int)
    grids = {}
    for channel, values in columns.items():
        track, grid = CHANNELS[channel], np.full(int(at.max()) + 1, np.nan)
        grid[at] = values
        grids[channel] = np.where((grid >= track.low) & (grid <= track.high), grid, np.nan)
    return grids


def _burdens(rows: list[dict[str, str]], part: str, whole: str, source: str) -> list[Burden]:
    shares = ((row, _number(row[part]), _number(row[whole])) for row in rows)
    return [Burden(row["subjectid"], to_patient(row), p / w, source) for row, p, w in shares if w > 0]


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; set BAROCAST_COHORT to the folder that holds {path.parent.name}/"
        )
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _number(text: str | None) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        return math.nan


def _known(text: str | None) -> float | None:
    number = _number(text)
    return None if math.isnan(number) else number
