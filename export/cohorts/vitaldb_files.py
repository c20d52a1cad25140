"""Downloaded VitalDB as a source: a folder of `.vital` files named by case id, and the clinical table.

0017.vital  0018.vital  ...  clinical_data.csv
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.export.cohort import LEARNED_FROM
from barocast.export.cohorts.entry import Listing, Rejected
from barocast.export.cohorts.recordings import RecordedFile
from barocast.export.cohorts.vitaldb_table import read_table, to_entry
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

TABLES: Final = ("clinical_data.csv", "clinical_data.csv.gz", "clinical_table.csv.gz")
"""What the clinical table is called by those who give it out."""


def list_cases(folder: Path) -> Listing:
    """List the folder's files. Raises InputError where there is no table or no file."""
    table = next((folder / name for name in TABLES if (folder / name).is_file()), None)
    if table is None:
        raise InputError(
            f"{folder}: no {TABLES[0]} in it, so nobody knows whose the cases are; download it from "
            "vitaldb.net, or take --source vital: every recording then counts as another patient's"
        )
    files = [(path.stem.lstrip("0"), path.resolve()) for path in sorted(folder.glob("*.vital"))]
    rows = read_table(table)
    known = [to_entry(rows[case_id], RecordedFile(path)) for case_id, path in files if case_id in rows]
    unknown = [
        Rejected(path.stem, f"{path.name}: not in {table.name}; name it by its case id")
        for case_id, path in files
        if case_id not in rows
    ]
    return Listing(LEARNED_FROM.source, known, unknown)
