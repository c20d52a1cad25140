"""People at a bed: their acts reach the alarms, the case and the logs, and each is answered."""

from __future__ import annotations

import pytest
from builders import elderly_patient, sample
from made_bed import Sink, bed, played
from toy_bundle import toy_bundle

from barocast.plugin.alarm_memory import AlarmMemory
from barocast.plugin.cases.case import new_case
from barocast.plugin.desk import Admit, Describe, Desk, Discharge
from barocast.plugin.sinks.sink import Receipt
from barocast.runtime.alarm.events import Acknowledge, AudioOff, PauseAlarms, PauseAudio
from barocast.runtime.domain import Patient


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "b").read()


class Book:
    """A case book on a table: keeps what it is told."""

    def __init__(self) -> None:
        self.case, self.trouble, self.said, self.rows, self.outcomes = None, "", [], [], []

    def admit(self, patient, wall):
        self.case = new_case(patient, wall)
        self.said.append(("admit", patient))

    def describe(self, patient, wall):
        self.said.append(("describe", patient))

    def discharge(self, wall):
        self.case = None
        self.said.append(("discharge", None))

    def decided(self, outcome, now_s, wall):
        self.outcomes.append(outcome)

    def logged(self, row, wall):
        self.rows.append(row)


class Audit:
    """An audit log that can be full."""

    def __init__(self) -> None:
        self.rows, self.notes, self.receipt = [], [], Receipt()

    def write(self, row, wall):
        self.rows.append(row)
        return self.receipt

    def note(self, kind, fields, wall):
        self.notes.append((kind, fields))
        return self.receipt


def asked(bedside, desk, now_s, act) -> str:
    outcome = desk.put(act)
    played(bedside, [now_s])
    return outcome.result(timeout=0)


@pytest.mark.req("ALM-11")
def test_what_an_operator_does_is_done_in_the_next_turn_and_logged_as_theirs(bundle):
    desk, audit, sink = Desk(), Audit(), Sink()
    bedside = played(bed(bundle, sinks=[sink], desk=desk, audit=audit, book=(book := Book())), [0, 6])

    assert asked(bedside, desk, 7, Acknowledge()) == ""
    assert asked(bedside, desk, 8, PauseAudio(60.0)) == ""

    said = [(row.transition, row.condition, row.who) for row in audit.rows]
    assert said == [
        ("raised", "feed lost", ""),
        ("acknowledged", "feed lost", "operator"),
        ("audio paused", "", "operator"),
    ]
    assert book.rows == audit.rows
    assert sink.snapshots[-1].audio_pause_left_s == 60.0


def test_an_alarm_that_has_gone_cannot_be_acknowledged(bundle):
    desk = Desk()

    assert asked(bed(bundle, desk=desk), desk, 0, Acknowledge(7)) == "that alarm is no longer shown"


def test_an_act_whose_asker_has_given_up_is_not_done(bundle):
    desk, sink = Desk(), Sink()
    bedside = bed(bundle, desk=desk, sinks=[sink])
    desk.put(AudioOff()).cancel()
    played(bedside, [0])

    assert not sink.snapshots[-1].audio_off


def test_an_admission_opens_a_case_discharges_the_open_one_and_begins_with_nothing(bundle):
    desk, book, audit = Desk(), Book(), Audit()
    steps = [[sample(10.0 * i, 80.0 + i % 3)] for i in range(20)]
    bedside = played(bed(bundle, *steps, desk=desk, book=book, audit=audit, stale_s=60.0), range(0, 200, 10))
    assert bedside.watch.pipeline.case_s > 100.0

    assert asked(bedside, desk, 200, Admit(elderly_patient())) == ""
    assert (bedside.watch.pipeline.case_s, bedside.decision) == (0.0, None)
    first = book.case.id
    assert asked(bedside, desk, 201, Admit(Patient(age_years=40))) == ""

    assert [kind for kind, _ in book.said] == ["admit", "discharge", "admit"]
    assert audit.notes[0] == ("admit", {"who": "operator", "case": first})


def test_an_open_case_is_described_and_discharged_and_no_other(bundle):
    desk, book = Desk(), Book()
    bedside = bed(bundle, desk=desk, book=book)
    refused = "no case is open; admit a patient first"
    assert [asked(bedside, desk, 0, act) for act in (Describe(Patient()), Discharge())] == [refused] * 2

    acts = (Admit(Patient()), Describe(elderly_patient()), Discharge())
    assert [asked(bedside, desk, 1, act) for act in acts] == [""] * 3
    assert [kind for kind, _ in book.said] == ["admit", "describe", "discharge"]
    assert book.said[1][1] == elderly_patient()


def test_a_pause_ends_with_the_patient(bundle):
    desk, sink = Desk(), Sink()
    bedside = bed(bundle, desk=desk, sinks=[sink])
    asked(bedside, desk, 0, PauseAlarms(300.0))
    assert sink.snapshots[-1].alarm_pause_left_s == 300.0

    asked(bedside, desk, 1, Admit(Patient()))
    assert sink.snapshots[-1].alarm_pause_left_s == 0.0


def test_another_patient_that_the_feed_tells_is_admitted_and_more_of_the_same_one_is_described(bundle):
    book = Book()
    bedside = bed(bundle, book=book)
    bedside.describe = lambda: told[-1]
    told = [Patient(sex="F")]
    played(bedside, [0])
    book.case = new_case(Patient(), "")
    told.append(Patient(sex="F", age_years=60))
    played(bedside, [1, 2])
    told.append(Patient(sex="M"))
    played(bedside, [3])

    assert [kind for kind, _ in book.said] == ["describe", "describe", "discharge", "admit"]


def test_what_people_wrote_stands_and_the_feed_fills_its_gaps(bundle):
    book = Book()
    bedside = bed(bundle, book=book, patient=Patient(sex="F", department="Surgery"))
    bedside.describe = lambda: Patient(sex="F", age_years=60)
    played(bedside, [0])

    assert book.said == [("describe", Patient(sex="F", age_years=60, department="Surgery"))]


def test_every_decision_goes_into_the_book(bundle):
    book = Book()
    steps = [[sample(10.0 * i, 80.0 + i % 3)] for i in range(13)]
    played(bed(bundle, *steps, book=book, stale_s=60.0), range(0, 130, 10))

    assert [outcome.decision.t_s for outcome in book.outcomes] == [0.0, 30.0, 60.0, 90.0]


@pytest.mark.parametrize("which", ["audit", "cases"])
def test_what_cannot_be_written_is_a_log_fault(bundle, which):
    book, audit, sink = Book(), Audit(), Sink()
    bedside = bed(bundle, book=book, audit=audit, sinks=[sink])
    if which == "audit":
        audit.receipt = Receipt(ok=False, text="disk full")
    else:
        book.trouble = "disk full"
    played(bedside, [0, 6, 7])

    assert f"log fault: {which}: disk full" in sink.shown()


@pytest.mark.req("ALM-09")
def test_an_alarm_pause_outlives_a_crash_with_its_deadline_and_no_reboot(bundle, tmp_path):
    boot, booted_s = ["a"], [1000.0]

    def memory():
        return AlarmMemory(tmp_path / "run" / "bed.json", "toy-1", lambda: booted_s[0], lambda: boot[0])

    def restarted() -> float:
        bedside = played(bed(bundle, sinks=[sink := Sink()], memory=memory()), [0])
        assert bedside.troubles == {}
        return sink.snapshots[-1].alarm_pause_left_s

    desk = Desk()
    asked(bed(bundle, desk=desk, memory=memory()), desk, 0, PauseAlarms(300.0))
    booted_s[0] = 1010.0
    assert restarted() == pytest.approx(290.0)
    boot[0] = "b"
    assert restarted() == 0.0


def test_a_memory_that_cannot_be_written_is_a_log_fault(bundle, tmp_path):
    (tmp_path / "file").write_text("")
    sink = Sink()
    played(bed(bundle, sinks=[sink], memory=AlarmMemory(tmp_path / "file" / "m.json", "toy-1")), [0, 1])

    assert sink.shown()[0].startswith("log fault: alarm memory: ")


def test_what_a_turn_takes_lengthens_no_pause(tmp_path):
    """The state is of the turn's beginning; written later, it must not look younger."""
    booted_s = [100.0]
    memory = AlarmMemory(tmp_path / "bed.json", "toy-1", lambda: booted_s[0], lambda: "boot")
    memory.turn()
    booted_s[0] = 103.0
    memory.keep({"pause": 60.0})
    booted_s[0] = 104.0

    assert memory.recall() == ({"pause": 60.0}, 4.0)
