"""Cases that lie in a folder: one read back whole, and the one that a restart goes on with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.cases.case import Case
from barocast.plugin.cases.case_file import MAX_LINE_BYTES, SUFFIX, CaseFile, parsed, read_case_file
from barocast.plugin.cases.course import Journal, moment
from barocast.plugin.cases.facts import About
from barocast.runtime.errors import InputError
from barocast.runtime.patient_file import parse_patient
from barocast.runtime.timeline import NEW_CASE_GAP_S

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

SET_BACK: Final = timedelta(minutes=1)
"""A wall clock may have been set back by this much while the service was away; more, and nobody knows."""
UNREADABLE: Final = (AttributeError, KeyError, OverflowError, TypeError, ValueError, InputError)
"""What a line raises that is JSON and yet not whole."""


@dataclass(slots=True)
class KeptCase:
    """One case file, read."""

    path: Path
    begins: dict[str, Any]
    """Its first line."""
    case: Case
    about: About
    journal: Journal = field(default_factory=Journal)
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Its alarm rows as they were logged."""
    notes_kept: bool = True
    last_s: float | None = None
    """Place of its last decision on the case's axis."""
    away_s: float = 0.0
    """Since its last line; set by whoever knows what time it is."""
    unread: int = 0
    """Lines that could not be read."""

    def take(self, line: dict[str, Any]) -> None:
        """Take one line after the first."""
        self.journal.take(line)
        if "log" in line:
            self.rows.append(line["log"])
        elif "state" in line and line.get("at_s") is not None:
            self.last_s = float(line["at_s"])
        elif "described" in line:
            patient = parse_patient(json.dumps(line["described"]), str(self.path))
            self.case = replace(self.case, patient=patient)
            self.notes_kept = bool(line["notes_kept"])
        elif "ended" in line:
            self.case = replace(self.case, discharged=line["wall"])


def read_kept_case(path: Path) -> KeptCase | None:
    """Read a case file; None where its first line does not begin a case. Raises OSError."""
    lines = read_case_file(path)
    found = _begun(path, next(lines, None))
    if found is None:
        return None
    for line in lines:
        found.unread += not _taken(found, line)
    return found


def _taken(found: KeptCase, line: dict[str, Any] | None) -> bool:
    try:
        found.take(line or {"state": None})
    except UNREADABLE:
        return False
    return True


def newest_open(folder: Path, now: datetime | None) -> tuple[KeptCase | None, list[Path]]:
    """Give the open case that a restart goes on with, and the files of all other open ones.

    Raises OSError.
    """
    open_ones = {path: told for path in folder.glob(f"*{SUFFIX}") if (told := _last_told(path)) is not None}
    if now is None or not open_ones:
        return None, sorted(open_ones)
    newest = max(open_ones, key=lambda path: open_ones[path])
    away = now - open_ones[newest]
    young = -SET_BACK <= away < timedelta(seconds=NEW_CASE_GAP_S)
    found = read_kept_case(newest) if young else None
    if found is not None:
        found.away_s = max(0.0, away.total_seconds())
        open_ones.pop(newest)
    return found, sorted(open_ones)


def interrupt(path: Path, wall: str) -> str:
    """End a case that nobody ended; give what failed, empty when nothing did."""
    file = CaseFile(path, {})
    trouble = file.append({"ended": "interrupted", "wall": wall})
    file.close()
    return trouble


def _begun(path: Path, line: dict[str, Any] | None) -> KeptCase | None:
    try:
        told = (line or {})["case"]
        patient = parse_patient(json.dumps((line or {})["patient"]), str(path))
        case = Case(str(told["id"]), str(told["admitted"]), patient)
        return KeptCase(
            path, line or {}, case, About(**told["about"]), notes_kept=bool((line or {})["notes_kept"])
        )
    except UNREADABLE:
        return None


def _last_told(path: Path) -> datetime | None:
    """Give the wall time of an open case's last sound line; None where it is closed, or no case at all."""
    with path.open("rb") as file:
        begun = _begun(path, parsed(file.readline(MAX_LINE_BYTES)))
        file.seek(max(0, file.seek(0, 2) - MAX_LINE_BYTES))
        tail = file.read(MAX_LINE_BYTES).splitlines()
    if begun is None:
        return None
    for line in filter(None, map(parsed, reversed(tail))):
        if "ended" in line:
            return None
        log = line.get("log")
        if wall := (log if isinstance(log, dict) else line).get("wall"):
            return moment(str(wall))
    return None
