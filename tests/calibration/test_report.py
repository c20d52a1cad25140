"""The page that people read: it stands alone, says its cautions first, and prints no figure of its own."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from toy_report import RULES, report_of, theatre

from barocast.calibration.figures import quantized
from barocast.calibration.report.card import card, markdown
from barocast.calibration.report.gallery import PICTURES, hang
from barocast.calibration.report.page import page
from barocast.calibration.report.printed import estimate, listed, number, share
from barocast.calibration.report.tripod import ITEMS

PROSE = {"256"}
"""Numbers of the page's own words in a cell: SHA-256."""
NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"


class Page(HTMLParser):
    """What a test asks of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.cells, self._open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append((tag, given))
        self.ids += [given["id"]] if "id" in given else []
        if tag in {"td", "b"}:
            self._open.append("")

    def handle_endtag(self, tag):
        if tag in {"td", "b"} and self._open:
            self.cells.append(self._open.pop())

    def handle_data(self, text):
        if self._open:
            self._open[-1] += f" {text}"

    def all(self, name):
        return [given for tag, given in self.tags if tag == name]


@pytest.fixture(scope="module")
def report():
    rows = theatre()
    parent = np.clip(rows.p + 0.001, 0, 1)
    against = quantized.figures(rows, parent, RULES, 1, (5, 10, 15), 20)
    gate = [{"passed": True, "reason": "a floor"}, {"passed": False, "reason": "another"}]
    return report_of(rows) | {"quantized": against, "gate": gate}


@pytest.fixture(scope="module")
def text(report):
    return page(report)


def test_it_stands_alone(text):
    found = Page(text)
    named = [
        value
        for _, given in found.tags
        for name, value in given.items()
        if name in {"src", "href", "xlink:href", "data", "srcset", "poster"}
    ]

    assert {tag for tag, _ in found.tags} & {"script", "link", "img", "iframe", "object", "embed"} == set()
    assert [value for value in named if not value.startswith("#")] == []
    assert re.findall(r"@import|url\((?!#)", text) == []


def test_every_link_leads_somewhere(text):
    found = Page(text)
    targets = {given["href"][1:] for given in found.all("a")}

    assert len(found.ids) == len(set(found.ids))
    assert targets <= set(found.ids)


def test_every_picture_is_told_to_those_who_cannot_see_it(text):
    pictures = [given for given in Page(text).all("svg") if given.get("role") == "img"]
    titles = {given["aria-labelledby"] for given in pictures}

    assert len(pictures) == text.count("<svg") == len(PICTURES)
    assert titles == {f"{name}-title" for name in PICTURES}
    assert all(f'<title id="{name}">' in text for name in titles)


def test_every_table_has_headers(text):
    tables = re.findall(r"<table>.*?</table>", text, re.DOTALL)

    assert len(tables) > 8
    assert [table for table in tables if 'th scope="col"' not in table or 'th scope="row"' not in table] == []


def test_who_stops_early_has_read_the_cautions(text):
    assert text.index("Read this first") < text.index("<svg")
    assert text.index("Read this first") < text.index("AUROC at")
    assert text.index("What this does not show</h2>") < text.index("<table")


def test_every_number_in_a_table_is_one_of_report_json(text, report):
    printed = {found for cell in Page(text).cells for found in re.findall(NUMBER, cell)}

    assert printed - _printable(json.loads(json.dumps(report))) - PROSE == set()


def _printable(value):
    """Give every way in which the page may print a number of the report."""
    if isinstance(value, dict):
        return set().union(*map(_printable, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(_printable, value)) if value else set()
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        return set(re.findall(NUMBER, value)) if isinstance(value, str) else set()
    return {f"{abs(value):,.{digits}f}" for digits in range(5)} | {f"{100 * abs(value):.1f}"}


def test_what_is_alarmed_is_counted_in_events_that_could_be_foreseen(text, report):
    shipped, onsets = report["alarm"]["shipped"], report["alarm"]["all_onsets"]
    counted = f"{shipped['detected']} of the {shipped['events']} events that could be foreseen"
    hours = f"alarms per eligible hour ({number(shipped['hours'], 1)} h)"

    for said in (text, markdown(report)):
        assert f"{counted} ({onsets} onsets in all)" in said
        assert hours in said


def test_what_was_left_unjudged_is_told(text, report):
    judged = report["about"]["judged"] | {"cases_without_landmarks": 3, "hours_before_a_gap": 1.5}
    undrawn = dict.fromkeys(PICTURES, "")
    some = page(report | {"about": report["about"] | {"judged": judged}}, undrawn)

    assert "cases without a landmark</th><td>3<" in some
    assert "began a case anew: not judged</th><td>1.5<" in some
    assert "cases without a landmark" not in text


def test_scores_are_compared_at_one_specificity_without_a_p_of_rows(text, report):
    one = report["comparison"]["10"]["matched"]["-MAP"]
    table = text.partition("Row by row at 10 min")[2].partition("</table>")[0]

    for found in (one["second"]["cost"], one["second"]["sensitivity"], one["difference"]):
        assert f"{number(found['low'], 3)} to {number(found['high'], 3)}" in table
    assert "McNemar" not in table


def test_the_gate_is_told_above_the_figures(text):
    assert "Gate: FAIL" in text
    assert text.index("Gate: FAIL") < text.index("<svg")


def _silent(rows):
    return replace(rows, p=np.full_like(rows.p, np.nan), quantiles=np.full_like(rows.quantiles, np.nan))


EXTREMES = {
    "one patient": (lambda: theatre(patients=1), set()),
    "no event": (
        lambda: theatre(level_mmhg=100),
        {"discrimination", "alarm_burden", "net_benefit", "comparators", "subgroups", "damage"},
    ),
    "no comparator": (lambda: replace(theatre(), others={}), {"comparators"}),
    "no forecast": (lambda: _silent(theatre()), set(PICTURES)),
    "nothing known of anybody": (
        lambda: replace((rows := theatre()), cases=tuple(replace(case, groups={}) for case in rows.cases)),
        {"subgroups"},
    ),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_what_cannot_be_drawn_is_said(name):
    rows, absent = EXTREMES[name][0](), EXTREMES[name][1]
    found = report_of(rows, unanswered={"quality": len(rows)})
    text = page(found)

    assert {picture for picture, drawn in hang(found).items() if not drawn} == absent
    assert all(PICTURES[picture].otherwise in text for picture in absent)
    assert (
        re.findall(r"\b(nan|inf|None|NaN)\b", re.sub(r"<(style|svg).*?</\1>", "", text, flags=re.DOTALL))
        == []
    )
    assert "nan" not in markdown(found)


def test_a_drawing_is_the_same_every_time(report):
    assert hang(report)["reliability"] == hang(report)["reliability"]


def test_no_patient_is_in_a_picture_that_may_leave_the_house():
    assert [name for name, picture in PICTURES.items() if not picture.aggregate] == ["worst"]


def test_the_card_says_the_runs_figures(report):
    text = markdown(report)

    assert report["about"]["intended_use"] in text
    assert estimate(report["risk"]["10"]["auroc"]) in text
    assert estimate(report["alarm"]["shipped"]["alarms_per_hour_interval"], 2) in text
    assert [heading for heading, _ in card(report)][-1] == "Limits"


def test_the_checklist_answers_every_item():
    assert len(ITEMS) > 40
    assert all(item and topic and answer for item, topic, answer in ITEMS)


def test_figures_are_printed_alike():
    assert estimate({"value": 0.8714, "low": 0.84, "high": 0.9}) == "0.871 (0.840 to 0.900)"
    assert estimate({"value": 0.5, "low": float("nan"), "high": float("nan")}) == "0.500 (no interval)"
    assert estimate(None) == estimate({"value": float("nan"), "low": 0, "high": 0}) == "not computed"
    assert (number(-0.004), number(-1.5, 1), number(12345, 0)) == ("0.00", "\N{MINUS SIGN}1.5", "12,345")
    assert share(0.5) == "50.0\N{NO-BREAK SPACE}%"
    assert listed(["5", "10", "15"]) == "5, 10 and 15"
