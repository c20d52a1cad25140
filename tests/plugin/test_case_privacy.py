"""Nothing that names a patient gets into a case: neither its file nor its trend nor its page."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from builders import abp_message, elderly_patient
from made_cases import ABOUT, wall
from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.cases.book import CaseBook
from barocast.plugin.desk import Admit, Desk
from barocast.plugin.feeds import find_feed
from barocast.plugin.watch import Watch
from barocast.runtime.decoders.demographics import completed
from barocast.runtime.domain import Patient
from barocast.runtime.engines import OrtEngine
from barocast.runtime.sessions.described import DescribedSession

CANARIES = ("Beeblebrox", "MRN4711042", "19520311", "Magrathea", "VISIT8815")
NAMED = (
    b"\rPID|1||MRN4711042^^^H^MR||Beeblebrox^Zaphod||19520311|M|||1 Main St^^Magrathea"
    b"\rPV1|1|I|OR^3|||||||||||||||||VISIT8815\rOBR|1|"
)


def named_message(second: int) -> bytes:
    return abp_message(second).replace(b"\rOBR|1|", NAMED, 1)


@pytest.mark.req("SEC-06")
def test_names_and_numbers_of_the_feed_never_reach_disk_trend_or_page(tmp_path):
    bundle = toy_bundle(tmp_path / "bundle").read()
    session = DescribedSession(find_feed("hl7").session(), find_feed("hl7").describer())
    book, desk = CaseBook(ABOUT, wall(0), tmp_path / "cases"), Desk()
    watch = Watch(bundle, OrtEngine(bundle))
    bedside = Bedside(
        name="OR 3", session=session, watch=watch, sinks=[], desk=desk, book=book, wall=lambda: wall(0)
    )
    bedside.describe = lambda: completed(Patient(), session.patient)
    with closing(bedside):
        for second in range(1, 200):
            bedside.step((named_message if second > 60 else abp_message)(second), float(second))
    book.close()
    written = b"".join(path.read_bytes() for path in (tmp_path / "cases").iterdir()).decode()
    told = json.dumps(book.trend(wall(0))) + book.summary(wall(0)) + repr(book.facts(wall(0)))

    assert '"sex": "M"' in written
    assert [name for name in CANARIES if name in written + told] == []


@pytest.mark.req("SEC-06")
def test_what_was_typed_into_notes_reaches_neither_disk_nor_page(tmp_path):
    patient = Patient(notes=(("assessment", f"Mr {CANARIES[0]}, {CANARIES[1]}, seems frail"),), sex="M")
    bundle = toy_bundle(tmp_path / "bundle").read()
    book, desk = CaseBook(ABOUT, wall(0), tmp_path / "cases"), Desk()
    bedside = Bedside(
        name="OR 3",
        session=find_feed("hl7").session(),
        watch=Watch(bundle, OrtEngine(bundle)),
        sinks=[],
        desk=desk,
        book=book,
        wall=lambda: wall(0),
    )
    with closing(bedside):
        asked = desk.put(Admit(patient))
        bedside.step(b"", 0.0)
    written = b"".join(path.read_bytes() for path in (tmp_path / "cases").iterdir()).decode()

    assert asked.result(timeout=1) == ""
    assert book.case.patient == patient
    assert [name for name in CANARIES if name in written + book.summary(wall(0))] == []


def test_a_case_is_called_by_chance_and_not_by_its_patient():
    names = set()
    for _ in range(100):
        book = CaseBook(ABOUT, wall(0))
        book.admit(elderly_patient(), wall(0))
        names.add(book.case.id)

    assert len(names) == 100
