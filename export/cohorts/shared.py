"""The project's own cohort folder (export.cohort) as a source: its MAP, and other channels where it has them.

In: the folder that holds `vitaldb_or/` and `vitaldb_or_more/`. Out: a Listing. Raises InputError as
export.cohort does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.export.cohort import LEARNED_FROM, SERIES, read_cases
from barocast.export.cohorts.entry import Entry, Listing
from barocast.export.cohorts.grid_events import told
from barocast.export.provenance import digest
from barocast.runtime.timeline import STEP_S
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.runtime.domain import Event


@dataclass(frozen=True, slots=True)
class GridRecording:
    """Values at hand, on the 10 s grid from 0 s on."""

    columns: dict[str, NDArray[np.float64]]
    """Channel -> (n,), canonical unit; NaN where missing."""

    @property
    def identity(self) -> list[object]:
        """The values themselves."""
        return [[channel, digest(column.tobytes().hex())] for channel, column in self.columns.items()]

    def events(self) -> Iterator[list[Event]]:
        """Tell every cell, the empty ones as missing."""
        return told(self.columns, STEP_S, missing=True)


def list_cases(cohort: Path) -> Listing:
    """List every case with a series."""
    others = {folder: _others(cohort / folder / file) for folder, (file, _) in SERIES.items()}
    entries = [
        Entry(
            case.case_id,
            case.subject_id,
            case.patient,
            GridRecording(
                {"ABP_MEAN": case.map_mmhg}
                | _beside(others[case.folder].get(int(case.case_id), {}), case.map_mmhg.size)
            ),
            part=case.folder,
            map_source=case.map_source,
            surgery_start_s=case.surgery_start_s,
            anaesthesia_start_s=case.anaesthesia_start_s,
        )
        for case in read_cases(cohort)
    ]
    return Listing(LEARNED_FROM.source, entries)


def _others(path: Path) -> dict[int, dict[str, tuple[NDArray[np.intp], NDArray[np.float64]]]]:
    """Give case -> channel -> (rows of the grid, values) of what is not MAP."""
    from pyarrow import parquet  # noqa: PLC0415 `validate` extra

    table: Any = parquet.read_table(path)
    channels = [name for name in table.schema.names if name in CHANNELS and name != "ABP_MEAN"]
    if not channels:
        return {}
    case_ids, t_s = (table[name].to_numpy() for name in ("caseid", "t_s"))
    rows = np.round(t_s / STEP_S).astype(np.intp)
    values = {name: np.asarray(table[name].to_numpy(), dtype=np.float64) for name in channels}
    return {
        int(case_id): {name: (rows[of], column[of]) for name, column in values.items()}
        for case_id in np.unique(case_ids)
        for of in (case_ids == case_id,)
    }


def _beside(
    found: dict[str, tuple[NDArray[np.intp], NDArray[np.float64]]], size: int
) -> dict[str, NDArray[np.float64]]:
    """Put the channels that have a value on the MAP's grid (size,)."""
    columns = {}
    for name, (rows, values) in found.items():
        if np.isfinite(values).any():
            columns[name] = np.full(size, np.nan)
            columns[name][rows] = values
    return columns
