"""The one-page summary: what it says, what it hides, and that it is one page that fetches nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from builders import elderly_patient
from made_cases import ABOUT, abstention, forecast, half_minutes, row, wall

from barocast.plugin.cases.book import CaseBook
from barocast.plugin.cases.summary import SUMMARY_CSP, summary_page
from barocast.runtime.domain import Patient


def operation(about=ABOUT, patient=None, minutes=60):
    """15 min without a forecast, then forecasts; one fall at 40 min with an alarm 5 min before it."""
    book = CaseBook(about, wall(0))
    book.admit(patient or elderly_patient(), wall(0))
    for t_s in half_minutes(2 * minutes):
        low = 2400 <= t_s < 2640
        mmhg = (55.0 if low else 80.0,) * 3
        outcome = abstention(t_s, map_mmhg=mmhg) if t_s < 900 else forecast(t_s, 0.2, mmhg)
        book.decided(outcome, t_s, wall(t_s))
        if t_s == 2070:
            book.logged(row(t_s), wall(t_s))
            book.logged(row(t_s, "suppressed", reason="budget"), wall(t_s))
        if t_s == 2100:
            book.logged(row(t_s, "acknowledged", reason="operator"), wall(t_s))
            book.logged(row(t_s, "raised", "feed lost", source="OR 3"), wall(t_s))
            book.logged(row(t_s + 20, "cleared", "feed lost", source="OR 3"), wall(t_s))
    return book.facts(wall(60 * minutes))


def words(page: str) -> str:
    """The page as a person reads it, on one line."""
    body = page[page.index("<body>") :]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_numbers_of_a_case_are_on_its_page():
    said = words(summary_page(operation()))

    assert "1:00 h:min of the case, 60 min with MAP" in said
    assert "4.0 min with MAP below 65 mmHg" in said
    assert "1 events (below 65 mmHg for 1 min or longer)" in said
    assert "1 alarms, 1 more held back" in said
    assert "75 % of 120 decisions gave a forecast" in said
    assert "0:40 4.0 55 mmHg 5.2 min" in said
    assert "followed by hypotension within 10 min 1" in said
    assert "none: short history 25.0 %" in said
    assert "feed lost once, 20 s in all" in said
    assert "0:35 acknowledged: forecast hypotension" in said
    assert "Bundle toy-1" in said


def test_the_page_says_what_it_is_and_what_it_is_not():
    said = words(summary_page(operation()))

    assert "Research software, not a medical device" in said
    assert "look alike" in said
    assert "simulated" not in said
    assert "SIMULATED" in words(summary_page(operation(replace(ABOUT, simulated=True)))).upper()


def test_a_silent_trials_page_tells_nothing_of_forecasts():
    page = summary_page(operation(replace(ABOUT, silent=True)))

    assert "silent trial" in words(page)
    assert "What became of the alarms" not in page
    assert 'class="risk"' not in page
    assert 'class="mark' not in page
    assert "4.0 min with MAP below 65 mmHg" in words(page)


def test_free_text_is_not_printed():
    said = words(summary_page(operation()))

    assert "Frail" not in said
    assert "assessment free text of 7 words, not printed" in said


def test_what_came_from_outside_is_escaped():
    patient = Patient(procedure="<script>alert(1)</script>")
    page = summary_page(operation(replace(ABOUT, title="OR <b>3</b>"), patient))

    assert "<script" not in page
    assert "OR &lt;b&gt;3&lt;/b&gt;" in page


@pytest.mark.req("SEC-06")
def test_the_page_fetches_nothing_and_needs_no_script():
    page = summary_page(operation())

    assert re.findall(r"(?:src|href|url)\s*[=(]", page) == []
    assert "<script" not in page
    assert " style=" not in page
    assert SUMMARY_CSP.startswith("default-src 'none'; style-src 'sha256-")


def test_the_picture_is_well_formed_and_leaves_gaps_open():
    book = CaseBook(ABOUT, wall(0))
    for t_s in half_minutes(40):
        mmhg = (np.nan,) * 3 if 300 <= t_s < 600 else (80.0,) * 3
        book.decided(forecast(t_s, map_mmhg=mmhg), t_s, wall(t_s))
    page = summary_page(book.facts(wall(1200)))
    picture = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])  # noqa: S314 - our own

    assert len(picture.findall("polyline[@class='map']")) == 2


@pytest.mark.parametrize("count", [0, 1])
def test_a_case_of_no_or_one_decision_has_a_page(count):
    book = CaseBook(ABOUT, wall(0))
    book.admit(Patient(), wall(0))
    for t_s in half_minutes(count):
        book.decided(abstention(t_s), t_s, wall(t_s))

    assert "Nothing is known." in words(summary_page(book.facts(wall(60))))


def crowded():
    """As much as a page can be asked to hold: 30 h, an event and an alarm every half hour, long texts."""
    long = "a procedure with a name that fills its line " * 4
    patient = replace(elderly_patient(), procedure=long, diagnosis=long, history=(long, "hypertension"))
    book = CaseBook(ABOUT, wall(0))
    book.admit(patient, wall(0))
    reasons = (
        "short history: 1",
        "no current MAP: 40 s",
        "too little MAP: 3 %",
        "no data yet: 1",
        "other: 1",
    )
    for number, t_s in enumerate(half_minutes(30 * 120)):
        mmhg = (55.0 if number % 60 < 6 else 80.0,) * 3
        quiet = number % 20 == 0
        outcome = (
            abstention(t_s, reasons[number % 5], mmhg) if quiet else forecast(t_s, 0.4, mmhg, "advisory")
        )
        book.decided(outcome, t_s, wall(t_s))
        if number % 60 == 50:
            for condition in ("forecast hypotension", "feed lost", "signal not usable", "sink fault"):
                book.logged(row(t_s, "raised", condition), wall(t_s))
            book.logged(row(t_s, "acknowledged", reason="operator"), wall(t_s))
    return summary_page(book.facts(wall(30 * 3600)))


def test_a_crowded_page_stays_small_and_says_what_it_leaves_out():
    page = crowded()

    assert len(page) < 200_000
    assert "picture, events and alarms are of the last 24 h" in page
    assert "more</p>" in page


def test_a_crowded_page_prints_on_one_sheet(tmp_path):
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("needs Debian's chromium")
    (tmp_path / "page.html").write_text(crowded(), "utf-8")
    printed = tmp_path / "page.pdf"
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    subprocess.run(
        [
            browser,
            *options,
            "--no-pdf-header-footer",
            f"--print-to-pdf={printed}",
            f"file://{tmp_path}/page.html",
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )

    assert len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes())) == 1
