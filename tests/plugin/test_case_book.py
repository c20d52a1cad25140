"""The case book: what it keeps, when a case begins and ends, and what a restart finds again."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import elderly_patient
from made_cases import ABOUT, abstention, forecast, half_minutes, row, silence, wall

from barocast.plugin.cases.book import HISTORY, NOTES_LOST, CaseBook
from barocast.plugin.cases.case import patient_fields
from barocast.plugin.cases.course import MOST_MARKS
from barocast.runtime.domain import Patient
from barocast.runtime.patient_file import parse_patient
from barocast.runtime.timeline import CASE_LIMIT_STEPS


def book(folder=None, at_s=0.0, **more):
    return CaseBook(ABOUT, wall(at_s), folder, **more)


def played(found, times, now_from=0.0, **more):
    for t_s in times:
        now_s = t_s - times[0] + now_from
        found.decided(forecast(t_s, **more), now_s, wall(now_s))
    return found


def lines(folder):
    (path,) = folder.glob("*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_data_open_a_case_when_nobody_was_admitted():
    found = played(book(), half_minutes(2))

    assert found.case.patient == Patient()
    assert found.case.admitted == wall(0)


def test_silence_opens_no_case():
    found = book()
    found.decided(silence(0.0), 0.0, wall(0))

    assert found.case is None
    assert found.trend(wall(0))["decisions"] == []
    assert "no case yet" in found.summary(wall(0))


def test_the_file_of_the_open_case_must_not_be_deleted(tmp_path):
    found = book(tmp_path)
    assert found.open_files == ()

    found.admit(Patient(), wall(0))
    assert found.open_files == tuple(tmp_path.glob("*.jsonl"))


def test_whoever_is_not_admitted_has_the_sites_own_description():
    found = played(book(usual=elderly_patient()), half_minutes(1))

    assert found.case.patient == elderly_patient()


def test_admission_ends_the_case_that_was_open():
    found = played(book(), half_minutes(2))
    first = found.case.id
    found.admit(elderly_patient(), wall(60))

    assert found.case.id != first
    assert found.trend(wall(60))["map_mmhg"] == []


def test_a_description_changes_the_patient_and_not_the_case():
    found = played(book(), half_minutes(2))
    before = found.case
    found.describe(elderly_patient(), wall(60))

    assert found.case == replace(before, patient=elderly_patient())


def test_after_discharge_the_summary_is_still_of_the_case_that_ended():
    found = played(book(), half_minutes(3))
    found.discharge(wall(90))

    assert found.case is None
    assert found.facts(wall(95)).case.discharged == wall(90)
    assert found.facts(wall(95)).minutes == 1.5


def test_an_hour_without_data_ends_the_case():
    found = played(book(), half_minutes(2))
    first = found.case.id
    found.decided(silence(3000.0), 3000.0, wall(3000))
    assert found.case.id == first

    found.decided(silence(3700.0), 3700.0, wall(3700))
    assert found.case is None


def test_the_trend_counts_from_the_first_column():
    found = played(book(), half_minutes(4, first_s=7230.0), map_mmhg=(80.0, np.nan, 60.0))
    trend = found.trend(wall(120))

    assert trend["map_mmhg"] == [80.0, None, 60.0] * 4
    assert [said["t_s"] for said in trend["decisions"]] == [20.0, 50.0, 80.0, 110.0]
    assert trend["decisions"][0]["risk10"] == 0.1
    assert trend["decisions"][0]["q50_5"] == 70.0
    assert trend["start_wall"] == "2026-03-01T07:59:40+00:00"


def test_the_trends_events_are_those_of_the_evaluation():
    found = book()
    for number, t_s in enumerate(half_minutes(12)):
        low = 4 <= number < 8
        found.decided(forecast(t_s, map_mmhg=(60.0 if low else 80.0,) * 3), t_s, wall(t_s))

    assert found.trend(wall(360))["events"] == [{"start_s": 120.0, "end_s": 240.0}]


def test_an_alarm_row_lies_at_the_decision_that_raised_it_whatever_the_devices_clock():
    found = played(book(), half_minutes(3, first_s=86_400.0), now_from=5.0)
    found.logged(row(65.0), wall(65))
    found.logged(row(67.5, "acknowledged", reason="operator"), wall(68))

    assert [mark["t_s"] for mark in found.trend(wall(70))["alarms"]] == [80.0, 82.5]


def test_a_silence_is_replaced_by_the_decision_that_comes_in_its_place():
    found = played(book(), half_minutes(2))
    found.decided(silence(65.0), 65.0, wall(65))
    found.decided(forecast(60.0), 70.0, wall(70))

    assert [said["state"] for said in found.trend(wall(70))["decisions"]] == ["forecast"] * 3


@pytest.mark.parametrize("leap_s", [-7200.0, 7200.0, -40.0])
def test_a_leap_of_the_devices_clock_leaves_the_case_on_one_axis(leap_s):
    found = played(book(), half_minutes(2))
    found.decided(forecast(60.0 + leap_s), 60.0, wall(60))
    trend = found.trend(wall(60))

    assert [said["t_s"] for said in trend["decisions"]] == [20.0, 50.0, 80.0]
    assert trend["map_mmhg"] == [80.0] * 9


def test_the_history_is_the_newest_rows_of_this_patient():
    found = played(book(), half_minutes(1))
    for number in range(HISTORY + 10):
        found.logged(row(float(number), reason=str(number)), wall(number))
    assert [told["reason"] for told in found.history()] == [str(n) for n in range(10, HISTORY + 10)]

    found.admit(elderly_patient(), wall(100))
    assert found.history() == []


def test_days_of_data_are_kept_in_bounded_memory():
    found = book()
    for number in range(2 * CASE_LIMIT_STEPS):
        found.decided(forecast(10.0 * number, map_mmhg=(80.0,)), 10.0 * number, wall(0))
    for number in range(MOST_MARKS + 100):
        found.logged(row(float(number)), wall(0))
    course = found.facts(wall(0)).course

    assert course.map_mmhg.size == len(course.said) == CASE_LIMIT_STEPS
    assert len(course.marks) == MOST_MARKS
    assert course.tally.decisions == 2 * CASE_LIMIT_STEPS


def test_what_is_older_than_a_day_is_neither_drawn_nor_judged():
    found = book()
    found.decided(forecast(0.0), 0.0, wall(0))
    found.logged(row(0.0), wall(0))
    for hour in range(1, 31):
        found.decided(forecast(3600.0 * hour), 3600.0 * hour - 1, wall(3600 * hour))
    found.logged(row(30 * 3600.0), wall(0))
    trend = found.trend(wall(0))

    assert [mark["t_s"] >= 0 for mark in trend["alarms"]] == [True]
    assert all(said["t_s"] > 0 for said in trend["decisions"])


def test_decisions_every_second_take_no_more_room_than_one_a_column():
    found = book()
    for second in range(600):
        found.decided(forecast(float(second), map_mmhg=()), float(second), wall(second))

    assert len(found.facts(wall(600)).course.said) == 60


def test_a_restart_goes_on_with_the_open_case(tmp_path):
    first = played(book(tmp_path), half_minutes(4))
    first.logged(row(90.0), wall(90))
    first.close()
    second = book(tmp_path, at_s=120.0)

    assert second.case == first.case
    assert second.trend(wall(120)) == first.trend(wall(120))
    assert second.history() == first.history()


def test_after_a_restart_the_same_device_clock_goes_on_where_it_is(tmp_path):
    played(book(tmp_path), half_minutes(2)).close()
    second = book(tmp_path, at_s=90.0)
    second.decided(forecast(120.0), 3.0, wall(93))

    assert [said["t_s"] for said in second.trend(wall(93))["decisions"]] == [20.0, 50.0, 140.0]


def test_a_clock_that_began_anew_with_the_service_is_placed_by_the_wall(tmp_path):
    played(book(tmp_path), half_minutes(2)).close()
    second = book(tmp_path, at_s=630.0)
    second.decided(forecast(0.0), 30.0, wall(660))

    assert [said["t_s"] for said in second.trend(wall(660))["decisions"]] == [20.0, 50.0, 680.0]


@pytest.mark.parametrize("away_s", [3700.0, -300.0])
def test_a_case_that_nobody_knows_to_be_young_is_closed_as_interrupted(tmp_path, away_s):
    played(book(tmp_path), half_minutes(2)).close()
    second = book(tmp_path, at_s=30.0 + away_s)

    assert second.case is None
    assert lines(tmp_path)[-1]["ended"] == "interrupted"


def test_a_discharged_case_stays_ended(tmp_path):
    first = played(book(tmp_path), half_minutes(2))
    first.discharge(wall(60))

    assert book(tmp_path, at_s=61.0).case is None
    assert lines(tmp_path)[-1] == {"ended": "discharged", "wall": wall(60)}


def test_a_torn_last_line_is_cut_off_and_the_case_goes_on(tmp_path):
    first = played(book(tmp_path), half_minutes(2))
    first.close()
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes() + b'{"t_s": 60.0, "sta')
    second = book(tmp_path, at_s=70.0)
    second.decided(forecast(60.0), 1.0, wall(71))

    assert second.case == first.case
    assert [line["t_s"] for line in lines(tmp_path)[1:]] == [0.0, 30.0, 60.0]


def test_a_line_of_rubbish_costs_itself_alone(tmp_path):
    first = played(book(tmp_path), half_minutes(3))
    first.close()
    (path,) = tmp_path.glob("*.jsonl")
    whole = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*whole[:2], b"\x00\xff{", b'{"state": "forecast"}', *whole[2:], b""]))

    assert book(tmp_path, at_s=70.0).trend(wall(70)) == first.trend(wall(70))


def test_notes_stay_in_memory_unless_the_site_keeps_them(tmp_path):
    for keep in (False, True):
        folder = tmp_path / str(keep)
        found = book(folder, keep_notes=keep)
        found.admit(elderly_patient(), wall(0))
        found.describe(elderly_patient(), wall(1))
        found.close()

        assert found.case.patient.notes == elderly_patient().notes
        assert ("Frail" in (folder / f"{found.case.id}.jsonl").read_text()) is keep


def test_notes_that_a_restart_lost_are_a_trouble_until_somebody_describes_the_patient(tmp_path):
    first = book(tmp_path)
    first.admit(elderly_patient(), wall(0))
    first.close()
    second = book(tmp_path, at_s=10.0)
    assert second.case.patient == replace(elderly_patient(), notes=())
    assert second.trouble == NOTES_LOST

    second.describe(elderly_patient(), wall(20))
    assert second.trouble == ""


def test_only_the_owner_can_read_what_is_kept(tmp_path):
    played(book(tmp_path / "cases"), half_minutes(1)).close()
    (path,) = (tmp_path / "cases").glob("*.jsonl")

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_disk_that_fails_is_a_trouble_and_the_case_goes_on_in_memory(tmp_path):
    folder = tmp_path / "cases"
    folder.write_text("a file where the folder should be")
    found = played(book(folder), half_minutes(2))
    assert str(folder) in found.trouble
    assert len(found.trend(wall(60))["decisions"]) == 2

    folder.unlink()
    found.decided(forecast(60.0), 60.0, wall(60))
    assert found.trouble == ""
    assert lines(folder)[0]["case"]["id"] == found.case.id


def test_a_folder_that_cannot_be_listed_is_a_trouble(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("barocast.plugin.cases.book.newest_open", refused)

    assert book(tmp_path).trouble == f"{tmp_path}: Permission denied"


def test_the_screen_may_ask_while_the_bed_writes():
    found, wrong = book(), []

    def ask():
        for _ in range(60):
            trend = found.trend(wall(0))
            if len(trend["map_mmhg"]) != 3 * len(trend["decisions"]):
                wrong.append(trend)

    asking = threading.Thread(target=ask)
    asking.start()
    for t_s in half_minutes(400):
        found.decided(forecast(t_s), t_s, wall(t_s))
    asking.join()

    assert wrong == []


def test_a_patient_is_written_as_the_file_it_was_read_from():
    assert parse_patient(json.dumps(patient_fields(elderly_patient())), "again") == elderly_patient()
    assert patient_fields(Patient()) == {}


def test_abstentions_are_tallied_by_their_kind():
    found = book()
    for number in range(3):
        found.decided(abstention(30.0 * number, f"short history: {number} of 15 min"), 30.0 * number, wall(0))

    assert found.facts(wall(0)).course.tally.states == {"short history": 3}


def test_no_descriptor_is_left_open(tmp_path):
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("needs /proc")
    before = len(list(descriptors.iterdir()))
    for number in range(5):
        played(book(tmp_path / str(number)), half_minutes(1)).discharge(wall(1))

    assert len(list(descriptors.iterdir())) == before


def test_a_description_before_any_data_is_of_whoever_the_data_come_from():
    found = book()
    found.describe(elderly_patient(), wall(0))
    assert found.case is None

    played(found, half_minutes(1))
    assert found.case.patient == elderly_patient()
    found.discharge(wall(1))
    played(found, half_minutes(1, first_s=60.0))
    assert found.case.patient == Patient()
