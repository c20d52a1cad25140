"""The built form on disk, file by file; docs/cohorts.md has it with columns and units.

    cohort.json       {"source": "VitalDB"}                       as export.validation.case_tables reads it
    cases.csv         CASE_COLUMNS, a row a case
    series.parquet    case_id,t_s,ABP_MEAN[,ABP_SYS,...]          10 s grid from 0 s on, a row group a case
    patients/ID.json  the patient file
    splits.json       whose role and fold (splits)
    events.csv        EVENT_COLUMNS, a row an event
    rejected.csv      case_id,reason
    build.json        version of the form, channels with units, what there is per role

The same content gives the same bytes: no clock is read. All of it is written to a draft folder beside `out`,
which then takes its place. Raises SettingsError where that cannot be done.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.cohorts.patients import patient_fields
from barocast.export.cohorts.splits import write_splits
from barocast.export.validation.case_tables import ABOUT, Layout
from barocast.export.whole_folder import beside, exchange, take_back
from barocast.runtime.errors import SettingsError
from barocast.runtime.timeline import STEP_S
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.cohorts.entry import Entry, Rejected
    from barocast.export.cohorts.splits import Part

VERSION: Final = 1
PATIENTS: Final = "patients"
SPLITS: Final = "splits.json"
EVENTS: Final = "events.csv"
REJECTED: Final = "rejected.csv"
RECORD: Final = "build.json"
"""What tells a built cohort from any other folder."""
NAMES: Final = Layout("")
"""What validation calls its tables where cohort.json says nothing else."""
CASE_COLUMNS: Final = (
    "case_id",
    "subject_id",
    "map_source",
    "surgery_start_s",
    "anaesthesia_start_s",
    "part",
    "hours",
    "valid_map_hours",
)
EVENT_COLUMNS: Final = ("case_id", "subject_id", "role", "onset_s", "lasting_s", "lowest_mmhg")


@dataclass(frozen=True, slots=True)
class Onset:
    """One hypotensive event."""

    onset_s: float
    """Of the case's grid."""
    lasting_s: float
    lowest_mmhg: float


@dataclass(frozen=True, slots=True)
class Accepted:
    """A case of the built cohort, without its series."""

    entry: Entry
    """Its starts on the case's grid."""
    hours: float
    valid_map_hours: float
    channels: tuple[str, ...]
    onsets: tuple[Onset, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """All that is written but the series."""

    source: str
    cases: list[Accepted]
    rejected: list[Rejected]
    parts: Mapping[str, Part]
    """By subject id."""
    code: str
    """Short name of the code that made it."""

    @property
    def channels(self) -> list[str]:
        """Those that any case has, in the order of runtime.tracks."""
        return [channel for channel in CHANNELS if any(channel in case.channels for case in self.cases)]

    def record(self) -> dict[str, Any]:
        """Give build.json."""
        return {
            "form": VERSION,
            "source": self.source,
            "step_s": STEP_S,
            "channels": {channel: self._channel(channel) for channel in self.channels},
            "roles": {role: self._role(role) for role in sorted({part.role for part in self.parts.values()})},
            "rejected": len(self.rejected),
            "code": self.code,
        }

    def _channel(self, channel: str) -> dict[str, Any]:
        cases = sum(channel in case.channels for case in self.cases)
        return {"unit": CHANNELS[channel].unit, "cases": cases}

    def _role(self, role: str) -> dict[str, Any]:
        cases = [case for case in self.cases if self.parts[case.entry.subject_id].role == role]
        return {
            "patients": len({case.entry.subject_id for case in cases}),
            "cases": len(cases),
            "hours": round(sum(case.hours for case in cases), 2),
            "events": sum(len(case.onsets) for case in cases),
        }


def recover(out: Path) -> None:
    """Put back what a replacement that was cut short had set aside; refuse a folder that is not ours."""
    take_back(beside(out, "old"), out)
    if out.exists() and not (out / RECORD).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"--out {out}: holds something else; name a new folder")


def write(out: Path, built: Built, series: Iterable[Mapping[str, NDArray[np.float64]]]) -> None:
    """Write the form; `series` gives each case's columns in the cases' order."""
    draft = beside(out, "draft")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        (draft / PATIENTS).mkdir(parents=True)
        _write_tables(draft, built)
        _write_series(draft / NAMES.series, built, series)
        exchange(draft, out, beside(out, "old"))
    except OSError as error:
        raise SettingsError(
            f"--out {out}: cannot be written ({error.strerror}); name another folder"
        ) from error


def _write_tables(folder: Path, built: Built) -> None:
    (folder / ABOUT).write_text(json.dumps({"source": built.source}, ensure_ascii=False) + "\n", "utf-8")
    (folder / RECORD).write_text(json.dumps(built.record(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    write_splits(folder / SPLITS, built.parts)
    _write_csv(folder / NAMES.cases, CASE_COLUMNS, (_case_row(case) for case in built.cases))
    _write_csv(folder / EVENTS, EVENT_COLUMNS, _event_rows(built))
    _write_csv(
        folder / REJECTED, ("case_id", "reason"), ((one.case_id, one.reason) for one in built.rejected)
    )
    for case in built.cases:
        text = json.dumps(patient_fields(case.entry.patient), indent=1, ensure_ascii=False)
        (folder / PATIENTS / f"{case.entry.case_id}.json").write_text(text + "\n", "utf-8")


def _case_row(case: Accepted) -> tuple[object, ...]:
    entry = case.entry
    starts = (_cell(entry.surgery_start_s), _cell(entry.anaesthesia_start_s))
    hours = (f"{case.hours:.3f}", f"{case.valid_map_hours:.3f}")
    return entry.case_id, entry.subject_id, entry.map_source, *starts, entry.part, *hours


def _event_rows(built: Built) -> Iterator[tuple[object, ...]]:
    for case in built.cases:
        subject = case.entry.subject_id
        for onset in case.onsets:
            figures = (onset.onset_s, onset.lasting_s, round(onset.lowest_mmhg, 2))
            yield case.entry.case_id, subject, built.parts[subject].role, *map(_cell, figures)


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_series(path: Path, built: Built, series: Iterable[Mapping[str, NDArray[np.float64]]]) -> None:
    import pyarrow as pa  # noqa: PLC0415 `validate` extra
    from pyarrow import parquet  # noqa: PLC0415 likewise

    channels = built.channels
    fields = [("case_id", pa.string()), ("t_s", pa.float64()), *((name, pa.float64()) for name in channels)]
    with parquet.ParquetWriter(path, pa.schema(fields)) as writer:
        for case, columns in zip(built.cases, series, strict=True):
            size = len(next(iter(columns.values())))
            table = {"case_id": [case.entry.case_id] * size, "t_s": np.arange(size) * STEP_S}
            # What is not there is null, in any tool; NaN would be a number to some.
            absent = pa.nulls(size, pa.float64())
            values = {
                name: pa.array(columns[name], from_pandas=True) if name in columns else absent
                for name in channels
            }
            writer.write_table(pa.table(table | values, schema=pa.schema(fields)))


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.15g}"
