"""A listing -> the built form: every case heard once, wherever there is a processor, and put down in order.

What one case becomes depends on that case and the code alone (heard), so the result is the same to the last
byte on one process, on many, or on a cluster. Finished cases wait in the work folder (kept): an interrupted
build goes on where it was. One bad case is a line of rejected.csv; what no case is to blame for raises
InputError or SettingsError.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.events import find_events
from barocast.export.cohorts.entry import Rejected, check
from barocast.export.cohorts.form import SPLITS, Accepted, Built, Onset, recover, write
from barocast.export.cohorts.heard import Heard, hear
from barocast.export.cohorts.kept import Kept, load
from barocast.export.cohorts.splits import read_splits, split
from barocast.export.provenance import source
from barocast.export.validation.played import MAP
from barocast.export.validation.workers import each
from barocast.runtime.errors import InputError
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.cohorts.entry import Entry, Listing
    from barocast.export.validation.workers import Workforce

STAGE: Final = "hearing cases"


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a build goes, and who does it."""

    out: Path
    work: Path
    """Finished cases."""
    workforce: Workforce
    splits: Path | None = None
    """Frozen splits of an earlier cohort; None: those of `out`, if it is there already."""


def build(listing: Listing, plan: Plan, stages: Callable[[str, int, int], None]) -> Built:
    """Build; `stages(stage, done, total)` is told of progress."""
    check(listing)
    recover(plan.out)
    earlier = plan.splits or plan.out / SPLITS
    frozen = read_splits(earlier) if plan.splits or earlier.is_file() else {}
    kept = Kept(plan.work)
    _hear_all(listing.entries, kept, plan.workforce, stages)
    cases, rejected = _sorted_out(listing, kept)
    if not cases:
        first = rejected[0]
        raise InputError(
            f"{listing.source}: none of {len(rejected)} cases is left; {first.case_id}: {first.reason}"
        )
    parts = split([case.entry.subject_id for case in cases], frozen)
    built = Built(listing.source, cases, rejected, parts, source("export.cohorts.build"))
    # The entries of `cases` differ from the listing's in their starts; what is kept goes by the listing's.
    given = {entry.case_id: entry for entry in listing.entries}
    write(plan.out, built, _series((given[case.entry.case_id] for case in cases), kept))
    return built


def _hear_all(
    entries: list[Entry], kept: Kept, workforce: Workforce, stages: Callable[[str, int, int], None]
) -> None:
    waiting = [entry for entry in entries if load(kept.path(entry)) is None]
    stages(STAGE, len(entries) - len(waiting), len(entries))
    for entry, found in zip(waiting, each(hear, waiting, workforce), strict=True):
        kept.put(entry, found)
        stages(STAGE, 1, len(entries))


def _sorted_out(listing: Listing, kept: Kept) -> tuple[list[Accepted], list[Rejected]]:
    accepted: list[Accepted] = []
    rejected = list(listing.rejected)
    first: dict[str, Entry] = {}
    for entry in listing.entries:
        found = _found(entry, kept)
        if isinstance(found, Rejected):
            rejected.append(found)
            continue
        twin = first.setdefault(hashlib.sha256(found.columns[MAP].tobytes()).hexdigest(), entry)
        if twin is entry:
            accepted.append(_accepted(entry, found))
        else:
            rejected.append(Rejected(entry.case_id, _double(entry, twin)))
    return accepted, rejected


def _found(entry: Entry, kept: Kept) -> Heard | Rejected:
    found = load(kept.path(entry))
    if found is None:
        raise InputError(f"{kept.path(entry)}: case {entry.case_id} changed while it was built; build again")
    return found


def _double(entry: Entry, twin: Entry) -> str:
    same = f"the very same series as case {twin.case_id}"
    if entry.subject_id == twin.subject_id:
        return f"{same}; take one away"
    return f"{same}, yet of patient {entry.subject_id}, not {twin.subject_id}; find out whose it is"


def _accepted(entry: Entry, heard: Heard) -> Accepted:
    pressure = heard.columns[MAP]
    shift = heard.started_s if entry.starts_on == "device clock" else 0.0
    return Accepted(
        replace(
            entry,
            map_source=heard.map_source,
            surgery_start_s=entry.surgery_start_s - shift,
            anaesthesia_start_s=entry.anaesthesia_start_s - shift,
        ),
        hours=pressure.size * STEP_S / 3600,
        valid_map_hours=float(np.isfinite(pressure).sum() * STEP_S / 3600),
        channels=tuple(heard.columns),
        onsets=tuple(_onsets(pressure)),
    )


def _onsets(pressure: NDArray[np.float64]) -> Iterator[Onset]:
    for event in find_events(pressure, STEP_S):
        lowest = float(np.nanmin(pressure[event.start : event.stop]))
        yield Onset(event.start * STEP_S, (event.stop - event.start) * STEP_S, lowest)


def _series(entries: Iterator[Entry], kept: Kept) -> Iterator[Mapping[str, NDArray[np.float64]]]:
    for entry in entries:
        found = _found(entry, kept)
        if isinstance(found, Heard):
            yield found.columns
