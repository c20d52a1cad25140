"""Scores of somebody else, a commercial index or a clinician's call, on the rows of a validation.

    case_id,t_s,HPI,call            one line a moment; every further column is a score, higher is riskier
    17,1830,62,0                    an empty cell is no value; t_s is in seconds of the case
A landmark takes the last value told at most HOLD_S before it, and none from after it. Raises InputError that
names the line and the mend: of a case that nobody gave, a name that the report uses itself, a row cut short.
"""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.comparators import COMPARATORS
from barocast.calibration.figures.comparison import OURS
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.calibration.judged import Judged

KEYS: Final = ("case_id", "t_s")
HOLD_S: Final = 60.0
"""Longest that a value stands: an index told every 20 s is current, one of two minutes ago is not."""

Told = dict[str, list[tuple[float, dict[str, float]]]]


def read_scores(path: Path, judged: Judged, case_ids: Collection[str]) -> dict[str, NDArray[np.float64]]:
    """Give score -> (n, horizon) on the rows of `judged`: the same value for every horizon.

    `case_ids` are those of all cases, judged or not: a score may be told of any of them.
    """
    names, told = _read(path, case_ids)
    if not told.keys() & {case.case_id for case in judged.cases}:
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


def _read(path: Path, case_ids: Collection[str]) -> tuple[list[str], Told]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = _names(path, list(reader.fieldnames or ()))
            told: Told = {}
            for row in reader:
                line = reader.line_num
                if row["case_id"] not in case_ids:
                    raise InputError(f"{path}:{line}: no case {row['case_id']!r}; use the ids of --cases")
                told.setdefault(row["case_id"], []).append(_line(path, line, row, names))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a CSV file in UTF-8") from error
    return names, told


def _names(path: Path, columns: list[str]) -> list[str]:
    """Give the names of the scores."""
    names = [name for name in columns if name not in KEYS]
    if not names or not set(KEYS) <= set(columns):
        raise InputError(f"{path}:1: needs the columns case_id, t_s and at least one score")
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path}:1: two columns are called {twice!r}; give each its own name")
    taken = next((name for name in names if name in {"", OURS, *COMPARATORS}), None)
    if taken is not None:
        raise InputError(
            f"{path}:1: a score cannot be called {taken!r}, as the report calls others; rename it"
        )
    return names


def _line(path: Path, line: int, row: dict[str, str], names: list[str]) -> tuple[float, dict[str, float]]:
    if len(row) > len(KEYS) + len(names) or None in row.values():
        raise InputError(f"{path}:{line}: not as many cells as columns; mend the row (a decimal comma?)")
    try:
        t_s, scores = float(row["t_s"]), {name: float(row[name] or "nan") for name in names}
    except ValueError as error:
        raise InputError(
            f"{path}:{line}: {error}; write numbers, and leave a cell without value empty"
        ) from error
    if not math.isfinite(t_s):
        raise InputError(f"{path}:{line}: t_s is {row['t_s']!r}; write the seconds of the case")
    return t_s, scores


def _held(told: list[tuple[float, float]], t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the last finite value at or before each time (n,), at most HOLD_S old."""
    given = sorted((at, value) for at, value in told if np.isfinite(value))
    if not given:
        return np.full(t_s.size, np.nan)
    at, values = np.array(given).T
    place = np.searchsorted(at, t_s, side="right") - 1
    fresh = (place >= 0) & (t_s - at[np.maximum(place, 0)] <= HOLD_S)
    return np.where(fresh, values[np.maximum(place, 0)], np.nan)
