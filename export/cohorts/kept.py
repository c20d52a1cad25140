"""Finished cases in the work folder: what an interrupted build has done already is not done again.

    heard-KEY.npz    one a case; KEY names the recording's identity and the code that read and heard it

Each is written under another name and renamed, so that what is there is whole. Raises SettingsError where the
folder cannot be written.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.cohorts.entry import Rejected
from barocast.export.cohorts.heard import Heard
from barocast.export.provenance import NAME, digest, source
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.export.cohorts.entry import Entry

ABOUT: Final = ("case_id", "reason", "map_source", "started_s")
"""Members of a file that are no channel."""


class Kept:
    """The work folder."""

    def __init__(self, work: Path) -> None:
        self._work = work
        try:
            work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"--work {work}: cannot be made ({error.strerror}); name another") from error

    def path(self, entry: Entry) -> Path:
        """Give where a case is kept."""
        reader = type(entry.recording).__module__.removeprefix(f"{NAME}.")
        code = [source("export.cohorts.heard"), source(reader)]
        key = digest([entry.case_id, entry.map_source, entry.recording.identity, code])
        return self._work / f"heard-{key}.npz"

    def put(self, entry: Entry, found: Heard | Rejected) -> None:
        """Keep what was found."""
        path = self.path(entry)
        draft = path.with_suffix(".draft")
        try:
            with draft.open("wb") as file:
                np.savez(file, **_members(found))
            draft.replace(path)
        except OSError as error:
            raise SettingsError(f"{path}: cannot be written ({error.strerror}); free some space") from error


def load(path: Path) -> Heard | Rejected | None:
    """Give what is kept there; None where nothing is, or nothing that can be read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            members = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    if "reason" in members:
        return Rejected(str(members["case_id"]), str(members["reason"]))
    columns = {name: values for name, values in members.items() if name not in ABOUT}
    return Heard(columns, float(members["started_s"]), str(members["map_source"]))


def _members(found: Heard | Rejected) -> dict[str, Any]:
    if isinstance(found, Rejected):
        return {"case_id": np.array(found.case_id), "reason": np.array(found.reason)}
    about = {"started_s": np.array(found.started_s), "map_source": np.array(found.map_source)}
    return about | found.columns
