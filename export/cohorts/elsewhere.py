"""Another site's cases: they teach beside the cohort's in every fold, and are judged in none.

In: a folder of tables as `barocast validate --cases` reads it. Out: Case values with MAP on the 10 s grid,
readings no further apart than LONGEST_GAP_S joined by straight lines; the material with their rows. Raises
SettingsError for the cohort's own source, whose patients could be those who are judged, and what reading the
tables raises.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.cohort import LEARNED_FROM, Case
from barocast.export.provenance import digest
from barocast.export.rows import join, load_or_make, rows_key
from barocast.export.validation.case_tables import find_layout, read_tables
from barocast.export.validation.study_case import Series
from barocast.runtime.errors import InputError, SettingsError
from barocast.runtime.timeline import STEP_S
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.recipe import Material
    from barocast.export.rows import Rows

LONGEST_GAP_S: Final = 180.0
"""Between two readings that a line may join: a reading a minute, of which two may be lost."""
EVERY: Final = 2
"""Of their landmarks, each second one teaches: a site of longer cases is not to outweigh the cohort."""


def read_elsewhere(folder: Path) -> list[Case]:
    """Give the cases in the order of their table."""
    if not folder.is_dir():
        raise SettingsError(f"--elsewhere {folder}: no such folder; name the one that holds the site's cases")
    layout = find_layout(folder)
    if layout.source == LEARNED_FROM.source:
        raise SettingsError(
            f"--elsewhere {folder}: its source is {layout.source!r}, the cohort's own; its patients could be "
            "those who are judged"
        )
    site = layout.source
    cases = []
    for study in read_tables(folder, layout):
        if not isinstance(study.series, Series):
            raise InputError(f"{folder}: case {study.case_id}: a recording; build it with train cohort first")
        cases.append(
            Case(
                case_id=f"{site}: {study.case_id}",
                subject_id=f"{site}: {study.subject_id}",
                folder=site,
                map_mmhg=_on_grid(study.series),
                patient=study.patient,
                map_source=study.map_source,
                surgery_start_s=np.nan,
                anaesthesia_start_s=np.nan,
            )
        )
    return cases


def with_elsewhere(material: Material, cases: Sequence[Case], work: Path) -> Material:
    """Give the material with these cases' rows behind its own; none of theirs is stretched."""
    rows = _thinned(load_or_make(work, cases, augmented=False))
    rows = replace(rows, case=rows.case + np.int32(len(material.cases)))
    return replace(
        material,
        cases=[*material.cases, *cases],
        rows=join([material.rows, rows]),
        key=digest([material.key, rows_key(cases), EVERY]),
    )


def about_elsewhere(material: Material, cases: Sequence[Case]) -> dict[str, Any]:
    """Give what a report says of these cases, the last ones of the material: source, patients, rows."""
    first = len(material.cases) - len(cases)
    return {
        "source": cases[0].folder,
        "patients": len({case.subject_id for case in cases}),
        "rows": int((material.rows.case >= first).sum()),
    }


def _on_grid(series: Series) -> NDArray[np.float64]:
    track = CHANNELS["ABP_MEAN"]
    seen = (series.map_mmhg >= track.low) & (series.map_mmhg <= track.high)
    at = series.t_s - series.t_s[0]
    grid = np.arange(0, at[-1] + 1, STEP_S)
    if not seen.any():
        return np.full(grid.size, np.nan)
    told_s, told = at[seen], series.map_mmhg[seen]
    before = told_s[(np.searchsorted(told_s, grid, side="right") - 1).clip(min=0)]
    after = told_s[np.searchsorted(told_s, grid).clip(max=told_s.size - 1)]
    between = np.interp(grid, told_s, told, left=np.nan, right=np.nan)
    return np.where(after - before <= LONGEST_GAP_S, between, np.nan)


def _thinned(rows: Rows) -> Rows:
    """Give each EVERY-th row of each case; rows lie case by case."""
    first = np.searchsorted(rows.case, rows.case)
    return rows.take((np.arange(len(rows)) - first) % EVERY == 0)
