"""The case book of one bed: which case is open, what its screen needs of it, and its file on disk.

    admit, describe, discharge          what people or the feed say of the patient
    decided, logged                     every decision and every alarm row, from the bed's own loop
    case, history(), trend(), summary() from any thread

Data that come while nobody is admitted open a case by themselves, so that nothing is lost; an hour without
data ends one. After a restart the case that was open goes on if its last line is less than an hour old. Where
there is no folder, nothing is kept beyond this process. A disk that fails is `trouble`, and the bed goes on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.cases.axis import CaseAxis
from barocast.plugin.cases.case import Case, kept, new_case, patient_fields
from barocast.plugin.cases.case_file import SUFFIX, CaseFile
from barocast.plugin.cases.course import Journal, moment
from barocast.plugin.cases.facts import About, CaseFacts
from barocast.plugin.cases.kept_case import interrupt, newest_open
from barocast.plugin.cases.summary import summary_page
from barocast.plugin.cases.trend import trend
from barocast.plugin.sinks.jsonl import decision_line
from barocast.runtime.domain import Abstain, Patient
from barocast.runtime.pipeline import NO_DATA
from barocast.runtime.timeline import NEW_CASE_GAP_S

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.plugin.watch import Outcome
    from barocast.runtime.alarm.events import LogRow

HISTORY: Final = 50
"""Alarm rows that a screen lists."""
NOTES_LOST: Final = "the notes were not kept over the restart; describe the patient again"


@dataclass(slots=True)
class _Open:
    """The case that is open."""

    case: Case
    journal: Journal = field(default_factory=Journal)
    axis: CaseAxis = field(default_factory=CaseAxis)
    file: CaseFile | None = None
    heard_s: float | None = None
    """Our time of its last data; None before any of this process."""

    def __post_init__(self) -> None:
        """Take the memory of its whole day now."""
        self.journal.reserve()


class CaseBook:
    """One bed's cases. What asks may be called from any thread; what tells belongs to the bed's loop."""

    def __init__(
        self,
        about: About,
        wall: str,
        folder: Path | None = None,
        usual: Patient | None = None,
        *,
        keep_notes: bool = False,
    ) -> None:
        """Go on with the case that was open. `usual` describes whoever lies there and was not admitted."""
        self._about = about
        self._folder = folder
        self._usual = self._expected = usual or Patient()
        """Who lies there when data open a case: as the site says, until somebody tells more."""
        self._keep_notes = keep_notes
        self._lock = Lock()
        self._history: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        self._closed: _Open | None = None
        """The case that ended last, for its summary."""
        self._disk = self._notes = ""
        self._open = self._resumed(folder, wall) if folder is not None else None

    @property
    def case(self) -> Case | None:
        """The open case."""
        found = self._open
        return found.case if found else None

    @property
    def trouble(self) -> str:
        """What cannot be kept, and why; empty when all is."""
        return "; ".join(text for text in (self._disk, self._notes) if text)

    def history(self) -> list[dict[str, Any]]:
        """Give the newest alarm rows of the patient who lies there, oldest first."""
        with self._lock:
            return list(self._history)

    def admit(self, patient: Patient, wall: str) -> None:
        """Begin a case; one that is open is discharged first."""
        self._end("discharged", wall)
        with self._lock:
            self._history.clear()
        self._begin(patient, wall)

    def describe(self, patient: Patient, wall: str) -> None:
        """Say what is known of the patient; where no case is open, of whoever the next data come from."""
        if self._open is None:
            self._expected = patient
            return
        with self._lock:
            self._open.case = replace(self._open.case, patient=patient)
        self._notes = ""
        self._write({"described": self._kept(patient), "notes_kept": self._keeps(patient), "wall": wall})

    def discharge(self, wall: str) -> None:
        """End the open case, if there is one."""
        self._end("discharged", wall)

    def decided(self, outcome: Outcome, now_s: float, wall: str) -> None:
        """Take a decision with its columns; `now_s` is the bed's monotonic time."""
        decision = outcome.decision
        silent = isinstance(decision, Abstain) and decision.reason.startswith(NO_DATA)
        found = self._in_time(now_s, wall)
        if found is None and silent:
            return
        found = found or self._begin(self._expected, wall)
        at_s = found.axis.decided(decision.t_s, now_s, silent=silent)
        line = decision_line(decision, outcome.alarm, self._about.bundle_id, outcome.map_10s)
        line |= {"at_s": at_s, "wall": wall}
        if not silent:
            found.heard_s = now_s
        with self._lock:
            found.journal.take(line)
        self._write(line)

    def logged(self, row: LogRow, wall: str) -> None:
        """Take an alarm transition or an operator's act."""
        told = asdict(row) | {"wall": wall}
        found = self._open
        line = {"log": told, "at_s": found.axis.row_s(row.now_s) if found else None}
        with self._lock:
            self._history.append(told)
            if found:
                found.journal.take(line)
        self._write(line)

    @property
    def open_files(self) -> tuple[Path, ...]:
        """What is being written, and must not be deleted."""
        found = self._open
        return (found.file.path,) if found and found.file else ()

    def facts(self, wall: str) -> CaseFacts:
        """Give the open case, else the one that ended last; nothing of anybody before the first."""
        with self._lock:
            found = self._open or self._closed
            case, journal = (found.case, found.journal) if found else (None, Journal())
            course = journal.course()
        return CaseFacts(case, course, self._about, wall)

    def trend(self, wall: str) -> dict[str, Any]:
        """Give the whole case as the screen's JSON; empty lists before any."""
        return trend(self.facts(wall))

    def summary(self, wall: str) -> str:
        """Give the page of the case."""
        return summary_page(self.facts(wall))

    def close(self) -> None:
        """Let go of the file; the case stays open, for the next start."""
        if self._open and self._open.file:
            self._open.file.close()

    def _in_time(self, now_s: float, wall: str) -> _Open | None:
        """Give the open case, unless it has waited for data for too long: then it ends here."""
        found = self._open
        if found is None or found.journal.empty:
            return found
        if found.heard_s is None:
            found.heard_s = now_s
        if now_s - found.heard_s >= NEW_CASE_GAP_S:
            self._end("no data", wall)
        return self._open

    def _begin(self, patient: Patient, wall: str) -> _Open:
        case = new_case(patient, wall)
        self._notes = ""
        begun = _Open(case, file=self._file(case))
        if begun.file:
            self._disk = begun.file.append()
        with self._lock:
            self._open = begun
        return begun

    def _end(self, why: str, wall: str) -> None:
        if self._open is None:
            return
        self._write({"ended": why, "wall": wall})
        self.close()
        with self._lock:
            self._open.case = replace(self._open.case, discharged=wall)
            self._open, self._closed = None, self._open
        self._notes, self._expected = "", self._usual

    def _file(self, case: Case) -> CaseFile | None:
        if self._folder is None:
            return None
        begins = {
            "case": {"id": case.id, "admitted": case.admitted, "about": asdict(self._about)},
            "patient": self._kept(case.patient),
            "notes_kept": self._keeps(case.patient),
            "wall": case.admitted,
        }
        return CaseFile(self._folder / f"{case.id}{SUFFIX}", begins)

    def _kept(self, patient: Patient) -> dict[str, Any]:
        return patient_fields(kept(patient, keep_notes=self._keep_notes))

    def _keeps(self, patient: Patient) -> bool:
        """Whether a restart will know all that is known now."""
        return self._keep_notes or not patient.notes

    def _write(self, line: dict[str, Any]) -> None:
        if self._open and self._open.file:
            self._disk = self._open.file.append(line)

    def _resumed(self, folder: Path, wall: str) -> _Open | None:
        """Go on with the newest open case if it is young enough; every other open one was interrupted."""
        try:
            found, others = newest_open(folder, moment(wall))
        except OSError as error:
            self._disk = f"{folder}: {error.strerror}"
            return None
        for other in others:
            self._disk = interrupt(other, wall) or self._disk
        if found is None:
            return None
        self._history.extend(found.rows)
        self._notes = "" if found.notes_kept else NOTES_LOST
        axis = CaseAxis(found.last_s, found.away_s)
        return _Open(found.case, found.journal, axis, CaseFile(found.path, found.begins))
