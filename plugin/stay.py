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
from barocast.runtime.decoders.demographics import completed
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
        written: Patient,
    ) -> None:
        """`note` writes into the audit log, if there is one; `written` is what people say of the patient."""
        self._watch, self._book, self._wall, self._note = watch, book, wall, note
        self._written = written
        self._heard: Patient | None = None
        """What the feed said last, word for word."""
        self._told = Patient()
        """What the feed has told of this patient so far."""

    def do(self, act: Admit | Describe | Discharge, now_s: float) -> tuple[str, list[Effect]]:
        """Do what was asked."""
        if isinstance(act, Admit):
            self._written, self._told = act.patient, Patient()
            return "", self._admit(act.patient, now_s, "operator")
        if self._book is not None and self._book.case is None:
            return NOBODY, []
        if isinstance(act, Describe):
            self._written = act.patient
            self._describe("operator")
            return "", []
        self._written, self._told = Patient(), Patient()
        return "", self._discharge(now_s, "operator")

    def told(self, patient: Patient, now_s: float) -> list[Effect]:
        """Take what the feed tells of the patient: more of the same one, or another."""
        if patient == self._heard:
            return []
        self._heard = patient
        if another_patient(self._told, patient):
            self._written, self._told = Patient(), patient
            return self._admit(patient, now_s, "feed")
        self._told = completed(patient, self._told)
        self._describe("feed")
        return []

    def _admit(self, patient: Patient, now_s: float, who: str) -> list[Effect]:
        if self._book is not None:
            if self._book.case is not None:
                self._book.discharge(self._wall())
            self._book.admit(patient, self._wall())
        self._note("admit", self._fields(who), self._wall())
        return self._watch.admit(patient, now_s)

    def _describe(self, who: str) -> None:
        """Let stand what people wrote, and fill what they left open with what the feed told."""
        patient = completed(self._written, self._told)
        self._watch.pipeline.admit(patient)
        if self._book is not None:
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
