"""A folder of recordings as a source: `.hea` (WFDB) or `.vital`, a patient file beside each.

    17.vital  17.json  18.vital ...  [cases.csv: case_id,subject_id,...]  [cohort.json: {"source": "..."}]

The folder is read as `barocast validate` reads it (export.validation.case_folder): without a cases.csv every
recording counts as another patient's. Raises InputError that names the file and the mend.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from barocast.export.cohorts.entry import Entry, Listing, Unreachable
from barocast.export.validation.case_folder import HEADER, read_folder
from barocast.runtime.errors import InputError
from barocast.runtime.recorded import KINDS, open_recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from barocast.export.cohorts.entry import Recording
    from barocast.runtime.domain import Event


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file that runtime.recorded opens."""

    path: Path
    """Every worker finds it there."""

    @property
    def identity(self) -> list[object]:
        """Name, size and time of change, of a WFDB record's signal files too."""
        whole = self.path.suffix.lower() == HEADER
        files = self.path.parent.glob(f"{self.path.stem}*") if whole else [self.path]
        return identity_of(*sorted(files))

    def events(self) -> Iterator[list[Event]]:
        """Decode it."""
        present(self.path)
        return open_recorded(self.path, KINDS[self.path.suffix.lower()]).batches


def present(path: Path) -> None:
    """Raise Unreachable where this process does not see a file that was listed: no fault of the case."""
    if not path.is_file():
        raise Unreachable(
            f"{path}: not there on {socket.gethostname()}; every worker needs the cases at that path"
        )


def identity_of(*paths: Path) -> list[object]:
    """Name files by name, size and time of change: hashing terabytes would cost more than it saves."""
    stats = [(path.name, path.stat()) for path in paths]
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]


def list_recordings(folder: Path, suffix: str, opened: Callable[[Path], Recording] = RecordedFile) -> Listing:
    """List the recordings of one suffix; `opened` says how a file is read."""
    found = read_folder(folder.resolve())  # a cluster's workers stand in another folder
    entries = [
        Entry(
            case.case_id,
            case.subject_id,
            case.patient,
            opened(case.series),
            map_source=case.map_source,
            surgery_start_s=case.surgery_start_s,
            anaesthesia_start_s=case.anaesthesia_start_s,
        )
        for case in found
        if isinstance(case.series, Path) and case.series.suffix.lower() == suffix
    ]
    if not entries:
        raise InputError(
            f"{folder}: no {suffix} recording in it; name the folder that holds them with --from"
        )
    return Listing(found[0].source, entries)
