"""VitalDB's clinical table -> whose case it is and how the patient is described. Outcomes are never read.

In: rows with the columns of the open data set (`caseid`, `subjectid`, `age`, ..., `opstart`, `anestart` in
seconds of the case). Out: Entry values. Raises InputError that names the file.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from typing import TYPE_CHECKING, Final

from barocast.export.cohort import to_patient
from barocast.export.cohorts.entry import Entry
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from barocast.export.cohorts.entry import Recording

NEEDED: Final = ("caseid", "subjectid")


def read_table(path: Path) -> dict[str, dict[str, str]]:
    """Give the rows of a table by case id, gzipped or not."""
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); fetch VitalDB's clinical table again") from error
    for line, row in enumerate(rows, start=2):
        lacking = [name for name in NEEDED if not row.get(name)]
        if lacking:
            raise InputError(f"{path}:{line}: no {lacking[0]}; fetch VitalDB's clinical table again")
    return {row["caseid"]: row for row in rows}


def to_entry(row: Mapping[str, str], recording: Recording) -> Entry:
    """Give the case of a row."""
    return Entry(
        row["caseid"],
        row["subjectid"],
        to_patient(row),
        recording,
        surgery_start_s=_seconds(row.get("opstart")),
        anaesthesia_start_s=_seconds(row.get("anestart")),
        starts_on="recording",
    )


def _seconds(cell: str | None) -> float:
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        return math.nan
