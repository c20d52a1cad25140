"""Scores of somebody else, a commercial index or a clinician's call, on the rows of a validation.

    case_id,t_s,HPI,call            one line a moment; every further column is a score, higher is riskier
    17,1830,62,0                    an empty cell is no value; t_s is in seconds of the case
A landmark takes the last value told at most HOLD_S before it, and none from after it. Raises InputError that
names the line and the mend.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.calibration.judged import Judged

KEYS: Final = ("case_id", "t_s")
HOLD_S: Final = 60.0
"""Longest that a value stands: an index told every 20 s is current, one of two minutes ago is not."""

Told = dict[str, list[tuple[float, dict[str, float]]]]


def read_scores(path: Path, judged: Judged) -> dict[str, NDArray[np.float64]]:
    """Give score -> (n, horizon) on the rows of `judged`: the same value for every horizon."""
    names, told = _read(path)
    known = {case.case_id for case in judged.cases}
    if not known & told.keys():
        raise InputError(
            f"{path}: none of its {len(told)} case_ids is a case that is judged; use the ids of --cases"
        )
    columns = {name: np.full(len(judged), np.nan) for name in names}
    t_s = judged.t_s
    for number, case in enumerate(judged.cases):
        rows = np.flatnonzero(judged.case == number)
        for name in names:
            columns[name][rows] = _held(
                [(at, row[name]) for at, row in told.get(case.case_id, ())], t_s[rows]
            )
    return {name: np.repeat(values[:, None], len(HORIZONS_MIN), axis=1) for name, values in columns.items()}


def _read(path: Path) -> tuple[list[str], Told]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = [name for name in reader.fieldnames or () if name not in KEYS]
            if not names or not set(KEYS) <= set(reader.fieldnames or ()):
                raise InputError(f"{path}:1: needs the columns case_id, t_s and at least one score")
            told: Told = {}
            for line, row in enumerate(reader, start=2):
                told.setdefault(row["case_id"], []).append(_line(path, line, row, names))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a CSV file in UTF-8") from error
    return names, told


def _line(path: Path, line: int, row: dict[str, str], names: list[str]) -> tuple[float, dict[str, float]]:
    try:
        return float(row["t_s"]), {name: float(row[name] or "nan") for name in names}
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path}:{line}: {error}; write numbers, and leave a cell without value empty"
        ) from error


def _held(told: list[tuple[float, float]], t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the last finite value at or before each time (n,), at most HOLD_S old."""
    given = sorted((at, value) for at, value in told if np.isfinite(value))
    if not given:
        return np.full(t_s.size, np.nan)
    at, values = np.array(given).T
    place = np.searchsorted(at, t_s, side="right") - 1
    fresh = (place >= 0) & (t_s - at[np.maximum(place, 0)] <= HOLD_S)
    return np.where(fresh, values[np.maximum(place, 0)], np.nan)
