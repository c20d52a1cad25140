"""The cases of a validation: `--cases DIR` in one of three forms -> StudyCase values.

    tables          cases.csv and series.parquet, or as cohort.json calls them (case_tables)
    recordings      ID.csv, ID.vital, ID.hea ... with ID.json beside it; cases.csv and cohort.json as above,
                    where there is none, every recording is another patient's
    VitalDB cohort  vitaldb_or/ and vitaldb_or_more/ (export.cohort)
Raises InputError that names the file, the row and the mend: nothing is skipped in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.export.cohort import LEARNED_FROM, MAIN, SERIES, read_cases, read_part
from barocast.export.validation.case_tables import find_layout, read_patient, read_rows, read_tables, to_case
from barocast.export.validation.study_case import Series, StudyCase
from barocast.runtime.errors import InputError
from barocast.runtime.recorded import KINDS, segment_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from barocast.export.cohort import Case
    from barocast.export.validation.case_tables import Layout

HEADER: Final = ".hea"


def read_folder(folder: Path) -> list[StudyCase]:
    """Give every case, in the order of the folder's own table."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name the one that holds the cases with --cases")
    cases = list(_laid_down(folder) if (known := _cohort(folder)) is None else _vitaldb(known))
    if not cases:
        raise InputError(
            f"{folder}: no case in it; it needs series.parquet, recordings ({', '.join(KINDS)}), or a "
            "cohort.json that says what its tables are called"
        )
    _refuse_doubles(folder, cases)
    return cases


def _laid_down(folder: Path) -> Iterator[StudyCase]:
    layout = find_layout(folder)
    is_table = (folder / layout.series).is_file()
    return read_tables(folder, layout) if is_table else _recordings(folder, layout)


def _cohort(folder: Path) -> list[Case] | None:
    """Give the cases of the VitalDB cohort, or of one of its folders alone; None where it is neither."""
    if (folder / MAIN).is_dir():
        return read_cases(folder)
    if folder.name in SERIES and (folder / SERIES[folder.name][0]).is_file():
        return read_part(folder)
    return None


def _vitaldb(cases: Iterable[Case]) -> Iterator[StudyCase]:
    for case in cases:
        yield StudyCase(
            case_id=case.case_id,
            subject_id=case.subject_id,
            source=LEARNED_FROM.source,
            patient=case.patient,
            series=Series.of_grid(case.map_mmhg),
            map_source=case.map_source,
            surgery_start_s=case.surgery_start_s,
            anaesthesia_start_s=case.anaesthesia_start_s,
        )


def _recordings(folder: Path, layout: Layout) -> Iterator[StudyCase]:
    files = _files(folder, layout)
    table, listed = folder / layout.cases, (folder / layout.cases).is_file()
    alone = [{"case_id": name, "subject_id": name} for name in files]
    rows = read_rows(folder, layout) if listed else alone
    for line, row in enumerate(rows, start=2):
        path = files.get(row["case_id"])
        if path is None:
            raise InputError(f"{table}:{line}: no recording {row['case_id']}{'|'.join(KINDS)}; add it")
        yield to_case(layout, row, read_patient(path.with_suffix(".json")), path)
    unlisted = [path for name, path in files.items() if name not in {row["case_id"] for row in rows}]
    if unlisted:
        raise InputError(f"{unlisted[0]}: not in {layout.cases}; say there whose it is, or take it away")


def _files(folder: Path, layout: Layout) -> dict[str, Path]:
    """Give the recordings by name; a record's segments are part of it, not cases of their own."""
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in KINDS]
    segments = {name for path in paths if path.suffix.lower() == HEADER for name in segment_names(path)}
    files: dict[str, Path] = {}
    for path in paths:
        if path.name == layout.cases or (path.suffix.lower() == HEADER and path.stem in segments):
            continue
        if path.stem in files:
            raise InputError(
                f"{path}: {files[path.stem].name} has the same name; which of the two is the case? "
                "take the other away"
            )
        files[path.stem] = path
    return files


def _refuse_doubles(folder: Path, cases: list[StudyCase]) -> None:
    seen: set[str] = set()
    for case in cases:
        if case.case_id in seen:
            raise InputError(
                f"{folder}: case {case.case_id!r} is there twice; give each operation its own id"
            )
        seen.add(case.case_id)
