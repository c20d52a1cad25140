"""A built cohort of simulated patients: they may teach beside real ones, and never stand for them.

In: the folder that `barocast train cohort` wrote of simulated cases. Out: those who teach, and those who are
judged, by the role that every subject has. Raises SettingsError where the cohort does not say that it is
simulated: real patients in this place could be the very ones on whom the teacher is judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.export.cohort import role
from barocast.export.cohorts.built import is_built, read_built
from barocast.export.validation.case_tables import ABOUT, find_layout
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.export.cohort import Case

MARK: Final = "simulated"
"""What the source of such a cohort begins with."""


def read_simulated(folder: Path) -> tuple[list[Case], list[Case]]:
    """Give the cases that teach and those that are judged, in the order of cases.csv."""
    if not is_built(folder):
        raise SettingsError(f"--simulated {folder}: no built cohort; make one with barocast train cohort")
    source = find_layout(folder).source
    if not source.lower().startswith(MARK):
        raise SettingsError(
            f"--simulated {folder / ABOUT}: its source is {source!r}, which does not begin with {MARK!r}; "
            "real patients go into --cohort"
        )
    cases = read_built(folder)
    teach = [role(case.subject_id) == "train" for case in cases]
    return (
        [case for case, of in zip(cases, teach, strict=True) if of],
        [case for case, of in zip(cases, teach, strict=True) if not of],
    )
