"""Cases laid down as two tables, one row a case and one row a value -> StudyCase values.

    cases.csv        case_id,subject_id[,map_source,surgery_start_s,anaesthesia_start_s]
    series.parquet   case_id,t_s,ABP_MEAN     a value every 10 s, every minute, as it was told; or .csv
    patients/ID.json the patient file of each case (may be missing)
    cohort.json      {"source": "name of the hospital or database"}, and where the tables are called otherwise
                     {..., "cases": "records.csv", "series": "map_1min.parquet", "t_unit": "min",
                      "columns": {"case_id": "rec", "subject_id": "rec", "t_s": "t_min", "ABP_MEAN": "map"}}
Raises InputError that names the file, the row and the mend.
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.validation.study_case import Series, StudyCase
from barocast.runtime.domain import Patient
from barocast.runtime.errors import InputError
from barocast.runtime.patient_file import parse_patient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ABOUT: Final = "cohort.json"
SERIES_AS_TEXT: Final = "series.csv"
"""Read where there is no series.parquet."""
UNITS_S: Final = MappingProxyType({"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0})
"""Unit of time -> seconds."""
MAX_CASE_S: Final = 7 * 86_400.0
"""Longer than any operation; more means another unit of time."""
NEEDED: Final = ("case_id", "subject_id")
TOLD: Final = ("case_id", "t_s", "ABP_MEAN")
COLUMNS: Final = (*NEEDED, *TOLD[1:], "map_source", "surgery_start_s", "anaesthesia_start_s")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a folder calls its tables and their columns."""

    source: str
    cases: str = "cases.csv"
    series: str = "series.parquet"
    columns: Mapping[str, str] = field(default_factory=dict)
    """Our name of a column -> theirs; what is not in it is called as we call it."""
    t_unit: str = "s"
    """One of UNITS_S, of t_s and of both starts."""

    def column(self, name: str) -> str:
        """Give their name of one of COLUMNS."""
        return self.columns.get(name, name)


PHYSIONET_2009: Final = Layout(
    "MIMIC II (PhysioNet 2009)",
    "records.csv",
    "map_1min.parquet",
    MappingProxyType({"case_id": "rec", "subject_id": "rec", "t_s": "t_min", "ABP_MEAN": "map"}),
    "min",
)
"""The ICU set of the PhysioNet/CinC Challenge 2009 as the cohort holds it: 11 h a patient, no description."""


def find_layout(folder: Path) -> Layout:
    """Give the layout that cohort.json states, or that the files' names show."""
    path, known = folder / ABOUT, PHYSIONET_2009
    if not path.is_file() and (folder / known.cases).is_file() and (folder / known.series).is_file():
        return known
    layout = _stated(path) if path.is_file() else Layout(folder.resolve().name)
    as_text = (folder / SERIES_AS_TEXT).is_file() and not (folder / layout.series).is_file()
    return replace(layout, series=SERIES_AS_TEXT) if as_text else layout


def read_tables(folder: Path, layout: Layout) -> Iterator[StudyCase]:
    """Give the cases in the order of their table."""
    table, rows = folder / layout.cases, read_rows(folder, layout)
    series = _series(folder / layout.series, layout)
    for line, row in enumerate(rows, start=2):
        case_id = row["case_id"]
        if case_id not in series:
            raise InputError(
                f"{table}:{line}: case {case_id!r} has no row in {layout.series}; add its series"
            )
        patient = read_patient(folder / "patients" / f"{case_id}.json")
        yield to_case(layout, row, patient, series[case_id])
    unlisted = sorted(series.keys() - {row["case_id"] for row in rows})
    if unlisted:
        raise InputError(
            f"{folder / layout.series}: case {unlisted[0]!r} is not in {layout.cases}; say there whose it is"
        )


def read_rows(folder: Path, layout: Layout) -> list[dict[str, str]]:
    """Give the rows of the table of cases by our names of the columns."""
    path = folder / layout.cases
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            given = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); it needs case_id and subject_id") from error
    rows = [{name: (row.get(layout.column(name)) or "").strip() for name in COLUMNS} for row in given]
    for line, row in enumerate(rows, start=2):
        missing = [layout.column(name) for name in NEEDED if not row[name]]
        if missing:
            raise InputError(f"{path}:{line}: no {missing[0]}; every case needs its own id and its patient's")
    return rows


def to_case(layout: Layout, row: Mapping[str, str], patient: Patient, series: Series | Path) -> StudyCase:
    """Give the case of a row of `read_rows`."""
    return StudyCase(
        case_id=row["case_id"],
        subject_id=row["subject_id"],
        source=layout.source,
        patient=patient,
        series=series,
        map_source=row.get("map_source", ""),
        surgery_start_s=_seconds(layout, row, "surgery_start_s"),
        anaesthesia_start_s=_seconds(layout, row, "anaesthesia_start_s"),
    )


def read_patient(path: Path) -> Patient:
    """Give the patient of a file; nothing is known where there is none."""
    if not path.is_file():
        return Patient()
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is no UTF-8; save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); allow it, or take it away") from error
    return parse_patient(text, str(path))


def _stated(path: Path) -> Layout:
    try:
        given = json.loads(path.read_text("utf-8"))
        layout = Layout(**given | {"columns": dict(given.get("columns", {}))})
    except (AttributeError, OSError, TypeError, ValueError) as error:
        raise InputError(
            f'{path}: cannot be read ({error}); write {{"source": "name of the hospital"}}, and cases, '
            "series, columns, t_unit where they differ from ours"
        ) from error
    unknown = layout.columns.keys() - set(COLUMNS)
    if unknown:
        raise InputError(f"{path}: columns: {min(unknown)!r} is none of {', '.join(COLUMNS)}")
    if layout.t_unit not in UNITS_S:
        raise InputError(f"{path}: t_unit: {layout.t_unit!r} is none of {', '.join(UNITS_S)}")
    return layout


def _seconds(layout: Layout, row: Mapping[str, str], name: str) -> float:
    text = row.get(name) or "nan"
    start = _number(text)
    if start is None or math.isinf(start):
        raise InputError(
            f"{layout.cases}: case {row['case_id']}: {name} is {text!r}; write {layout.t_unit} of the series"
        )
    return start * UNITS_S[layout.t_unit]


def _series(path: Path, layout: Layout) -> dict[str, Series]:
    """Give each case's values in order of time."""
    told = [layout.column(name) for name in TOLD]
    table = _columns(path, told)
    if not table.num_rows:
        raise InputError(f"{path}: has no row; add the values of the cases")
    names = table[told[0]].to_pylist()
    case_ids, of_case = np.unique(np.array([str(name) for name in names]), return_inverse=True)
    t, values = (_numbers(path, column, table[column]) for column in told[1:])
    t_s = t * UNITS_S[layout.t_unit]
    order = np.lexsort((t_s, of_case))
    starts = np.searchsorted(of_case[order], np.arange(1, case_ids.size))
    return {
        case_id: _checked(path, case_id, t_s[rows], values[rows])
        for case_id, rows in zip(case_ids.tolist(), np.split(order, starts), strict=True)
    }


def _numbers(path: Path, name: str, column: Any) -> NDArray[np.float64]:  # noqa: ANN401 - pyarrow has no types
    """Give a column (n,), NaN where it is empty."""
    try:
        return np.asarray(column.to_numpy(), dtype=np.float64)
    except (TypeError, ValueError) as error:
        given = enumerate(column.to_pylist(), start=1)
        row, odd = next(((row, value) for row, value in given if value and _number(value) is None), (1, ""))
        raise InputError(
            f"{path}: row {row}: {name} is {str(odd)!r}; write numbers, and leave a cell without value empty"
        ) from error


def _number(value: Any) -> float | None:  # noqa: ANN401 - whatever a table can hold
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _columns(path: Path, names: list[str]) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 `validate` extra
    from pyarrow import csv as arrow_csv  # noqa: PLC0415 likewise

    try:
        if path.suffix.lower() == ".csv":
            # An id may begin with 0: it is text, whatever it looks like.
            wanted = arrow_csv.ConvertOptions(include_columns=names, column_types={names[0]: "string"})
            return arrow_csv.read_csv(path, convert_options=wanted)
        return parquet.read_table(path, columns=names)
    except (ArrowException, KeyError, OSError) as error:
        raise InputError(f"{path}: cannot be read ({error}); it needs {', '.join(names)}") from error


def _checked(path: Path, case_id: str, t_s: NDArray[np.float64], mmhg: NDArray[np.float64]) -> Series:
    if not np.isfinite(t_s).all() or t_s[0] < 0 or t_s[-1] > MAX_CASE_S:
        raise InputError(
            f"{path}: case {case_id}: t_s must be 0 to {MAX_CASE_S:g} seconds; convert it, or say t_unit"
        )
    again = np.flatnonzero(np.diff(t_s) == 0)
    if again.size:
        raise InputError(
            f"{path}: case {case_id}: two values at {t_s[again[0]]:g} s; keep one, or give each its own case"
        )
    return Series(t_s, mmhg)
