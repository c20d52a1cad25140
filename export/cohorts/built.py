"""A built cohort -> the Case values that training takes, in place of the raw cohort.

In: the folder that `barocast train cohort` wrote. Out: Case, with MAP and whatever else there is on the 10 s
grid; Burden for the text branch. Raises InputError where the folder is none, or a patient has no frozen role.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.calibration.events import HYPOTENSION
from barocast.export.cohort import Burden, Case
from barocast.export.cohorts.form import RECORD, SPLITS
from barocast.export.cohorts.splits import read_splits
from barocast.export.validation.case_tables import find_layout, read_tables
from barocast.export.validation.study_case import Series
from barocast.runtime.errors import InputError
from barocast.runtime.timeline import STEP_S
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.validation.study_case import StudyCase


def is_built(folder: Path) -> bool:
    """Whether `barocast train cohort` wrote this folder."""
    return (folder / RECORD).is_file()


def read_built(folder: Path) -> list[Case]:
    """Give the cases in the order of cases.csv."""
    if not is_built(folder):
        raise InputError(f"{folder}: no {RECORD} in it; build it with barocast train cohort")
    subjects, layout = read_splits(folder / SPLITS).keys(), find_layout(folder)
    parts, others = _parts(folder / layout.cases), dict(_others(folder / layout.series))
    cases = [
        _case(folder, study, parts[study.case_id], others[study.case_id])
        for study in read_tables(folder, layout)
    ]
    astray = next((case for case in cases if case.subject_id not in subjects), None)
    if astray is not None:
        raise InputError(f"{folder / SPLITS}: no role for subject {astray.subject_id!r} ; build it again")
    return cases


def burdens_of(cases: Iterable[Case]) -> list[Burden]:
    """Give how hypotensive each case was, from its own series."""
    return [Burden(case.subject_id, case.patient, _share(case.map_mmhg), "samples") for case in cases]


def _share(map_mmhg: NDArray[np.float64]) -> float:
    valid = map_mmhg[np.isfinite(map_mmhg)]
    return float((valid < HYPOTENSION.below_mmhg).mean())


def _parts(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["case_id"]: row.get("part") or "" for row in csv.DictReader(file)}


def _others(path: Path) -> Iterator[tuple[str, dict[str, NDArray[np.float64]]]]:
    """Give each case's channels beside MAP, those alone that it has; the form has a row group a case."""
    from pyarrow import parquet  # noqa: PLC0415 `validate` extra

    file: Any = parquet.ParquetFile(path)
    channels = [name for name in file.schema_arrow.names if name in CHANNELS and name != "ABP_MEAN"]
    for number in range(file.num_row_groups):
        group = file.read_row_group(number, columns=["case_id", *channels])
        columns = {name: np.asarray(group[name].to_numpy(), dtype=np.float64) for name in channels}
        yield str(group["case_id"][0]), {n: v for n, v in columns.items() if np.isfinite(v).any()}


def _case(folder: Path, study: StudyCase, part: str, others: dict[str, NDArray[np.float64]]) -> Case:
    series = study.series
    if not isinstance(series, Series) or not np.array_equal(series.t_s, np.arange(series.t_s.size) * STEP_S):
        raise InputError(
            f"{folder}: case {study.case_id}: t_s is not every {STEP_S:g} s from 0 on; build it again"
        )
    return Case(
        case_id=study.case_id,
        subject_id=study.subject_id,
        folder=part,
        map_mmhg=series.map_mmhg,
        patient=study.patient,
        map_source=study.map_source,
        surgery_start_s=study.surgery_start_s,
        anaesthesia_start_s=study.anaesthesia_start_s,
        others=others,
    )
