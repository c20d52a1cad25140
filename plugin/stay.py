"""The patient's stay: admitted, described, discharged, by people at the desk or by what the feed tells.

    do(act, now_s)         -> why it was refused, effects of the alarm machine
    told(patient, now_s)   -> effects

Another patient begins with nothing: history, alarms and pauses of the former one are gone (Watch.admit), and
an open case is discharged first. Whoever asks for what cannot be done is told why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.plugin.cases.another_patient import another_patient
from barocast.plugin.desk import Admit, Describe, Discharge
from barocast.runtime.domain import Patient

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.bedside_book import CaseBook
    from barocast.plugin.watch import Watch
    from barocast.runtime.alarm.events import Effect

NOBODY: Final = "no case is open; admit a patient first"


class Stay:
    """Of one bed."""

    def __init__(
        self,
        watch: Watch,
        book: CaseBook | None,
        wall: Callable[[], str],
        note: Callable[[str, dict[str, object], str], None],
    ) -> None:
        """`note` writes into the audit log, where there is one."""
        self._watch, self._book, self._wall, self._note = watch, book, wall, note
        self._told: Patient | None = None
        """As the feed told last."""

    def do(self, act: Admit | Describe | Discharge, now_s: float) -> tuple[str, list[Effect]]:
        """Do what was asked."""
        if isinstance(act, Admit):
            return "", self._admit(act.patient, now_s, "operator")
        if self._book is not None and self._book.case is None:
            return NOBODY, []
        if isinstance(act, Describe):
            self._describe(act.patient, "operator")
            return "", []
        return "", self._discharge(now_s, "operator")

    def told(self, patient: Patient, now_s: float) -> list[Effect]:
        """Take what the feed tells of the patient: more of the same one, or another."""
        earlier, self._told = self._told, patient
        if patient == earlier:
            return []
        if earlier is not None and another_patient(earlier, patient):
            return self._admit(patient, now_s, "feed")
        self._describe(patient, "feed")
        return []

    def _admit(self, patient: Patient, now_s: float, who: str) -> list[Effect]:
        if self._book is not None:
            if self._book.case is not None:
                self._book.discharge(self._wall())
            self._book.admit(patient, self._wall())
        self._note("admit", self._fields(who), self._wall())
        return self._watch.admit(patient, now_s)

    def _describe(self, patient: Patient, who: str) -> None:
        self._watch.pipeline.admit(patient)
        if self._book is not None and self._book.case is not None:
            self._book.describe(patient, self._wall())
        self._note("describe", self._fields(who), self._wall())

    def _discharge(self, now_s: float, who: str) -> list[Effect]:
        self._note("discharge", self._fields(who), self._wall())
        if self._book is not None:
            self._book.discharge(self._wall())
        return self._watch.admit(Patient(), now_s)

    def _fields(self, who: str) -> dict[str, object]:
        """Say who and which case; nothing of the patient goes into the log."""
        case = self._book.case if self._book is not None else None
        return {"who": who, "case": case.id if case else None}
