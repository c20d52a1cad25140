"""`barocast case`: what it asks of the running service, what it makes of a log, and how it fails."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cases import ABOUT, forecast, half_minutes, row, wall

from barocast.plugin.cases.book import CaseBook
from barocast.plugin.cases.decision_log import read_decision_log
from barocast.plugin.cases.facts import CaseFacts
from barocast.plugin.cases.summary import summary_page
from barocast.plugin.cli import main
from barocast.plugin.desk import Desk
from barocast.plugin.sinks.jsonl import JsonLinesSink
from barocast.plugin.web.bed import Bed
from barocast.plugin.web.board import Board
from barocast.plugin.web.page import Page

PATIENT = {"age_years": 68.0, "sex": "F", "history": ["hypertension"], "notes": {"assessment": "word " * 90}}
STATE = {"case": {"id": "ab12", "admitted": wall(0), "sections": [{"name": "history", "text": "diabetes"}]}}


class Service:
    """A screen's HTTP interface in ten lines: answers by path, and remembers what it was asked."""

    def __init__(self, beds=("or-3",), refusal=None):
        self.asked = []
        self.answers = {
            "/api/beds": json.dumps([{"bed": bed, "title": bed} for bed in beds]),
            "/api/or-3/state": json.dumps(STATE),
            "/api/or-3/summary": "<p>the page</p>",
        }
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                service.asked.append((self.path, self.headers.get("Authorization")))
                self.answer(200, service.answers[self.path])

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.asked.append((self.path, body))
                self.answer(*(refusal or (200, '{"ok": true}')))

            def answer(self, status, text):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def serve():
    started = []

    def start(**more):
        started.append(Service(**more))
        return started[-1]

    yield start
    for service in started:
        service.server.shutdown()
        service.server.server_close()


@pytest.fixture
def patient(tmp_path):
    path = tmp_path / "patient.json"
    path.write_text(json.dumps(PATIENT))
    return str(path)


@pytest.mark.parametrize("action", ["admit", "describe"])
def test_a_patient_file_is_sent_to_the_only_bed(serve, patient, action):
    service = serve()

    assert main(["case", action, "--patient", patient, "--screen", service.address]) == 0
    path, body = service.asked[-1]
    assert path == f"/api/or-3/{action}"
    assert body["patient"]["history"] == ["hypertension"]


def test_the_real_page_takes_the_acts_and_gives_the_summary(patient, tmp_path):
    book, desk = CaseBook(ABOUT, wall(0)), Desk()
    bed = Bed("or-3", "OR 3", desk, lambda: book.trend(wall(0)), lambda: book.summary(wall(0)))
    page, stopped = Page(Board(), [bed]), threading.Event()

    def loop():
        while not stopped.wait(0.01):
            for asked in desk.take():
                book.admit(asked.act.patient, wall(0))
                asked.outcome.set_result("")

    threading.Thread(target=loop, daemon=True).start()
    service = ["--screen", page.start("127.0.0.1:0")]
    try:
        assert main(["case", "admit", "--patient", patient, *service]) == 0
        assert main(["case", "summary", "--out", str(tmp_path / "case.html"), *service]) == 0
    finally:
        stopped.set()
        page.close()

    assert book.case.patient.sex == "F"
    assert f"case {book.case.id}" in (tmp_path / "case.html").read_text()


def test_discharge_needs_no_patient(serve):
    service = serve()

    assert main(["case", "discharge", "--screen", service.address]) == 0
    assert service.asked[-1] == ("/api/or-3/discharge", {})


def test_show_tells_the_open_case(serve, capsys):
    assert main(["case", "show", "--screen", serve().address]) == 0
    assert capsys.readouterr().out == f"case ab12, admitted {wall(0)}\nhistory: diabetes\n"


def test_the_services_summary_is_written_to_a_file(serve, tmp_path):
    out = tmp_path / "case.html"

    assert main(["case", "summary", "--screen", serve().address, "--out", str(out)]) == 0
    assert out.read_text() == "<p>the page</p>"


def test_the_token_goes_along(serve, tmp_path):
    service = serve()
    (tmp_path / "token").write_text("s3cret\n")

    assert main(["case", "show", "--screen", service.address, "--token", str(tmp_path / "token")]) == 0
    assert service.asked[0] == ("/api/beds", "Bearer s3cret")


def test_several_beds_want_a_name(serve, capsys):
    service = serve(beds=("or-3", "or-4"))

    assert main(["case", "discharge", "--screen", service.address]) == 2
    assert "the beds here are or-3, or-4; name one" in capsys.readouterr().err
    assert main(["case", "discharge", "--screen", service.address, "--bed", "or-4"]) == 0
    assert service.asked[-1][0] == "/api/or-4/discharge"


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ((401, "{}"), "name the file of the screen's token with --token"),
        ((409, '{"error": "the bed does not answer"}'), "the bed does not answer"),
        ((500, "<html>"), "HTTP 500"),
    ],
)
def test_a_refusal_is_one_line_with_the_mend(serve, capsys, refusal, said):
    assert main(["case", "discharge", "--screen", serve(refusal=refusal).address]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_no_service_is_one_line_with_the_mend(capsys):
    assert main(["case", "discharge", "--screen", "http://127.0.0.1:1"]) == 2
    assert "no service answers (Connection refused); start `barocast run`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["admit"], "name the patient's file with --patient"),
        (["discharge", "--screen", "ftp://bed"], "must begin with http:// or https://"),
        (["discharge", "--token", "/nowhere/token"], "cannot be read"),
        (["discharge", "--ca", "/nowhere/ca.pem"], "name a PEM file"),
        (["summary", "--log", "/nowhere/log.jsonl"], "name a decision log"),
    ],
)
def test_a_slip_on_the_command_line_is_one_line(capsys, arguments, said):
    assert main(["case", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_the_text_is_shown_with_its_tokens_and_what_is_cut(patient, capsys):
    assert main(["case", "show", "--text", "--patient", patient]) == 0
    said = capsys.readouterr().out

    assert "history: hypertension\n" in said
    assert "of 128 tokens read" in said
    assert "of the notes, 30 words beyond the first 60 are not read" in said


def logged(path, times, bundle="toy-1", alarms=(), shift_s=0.0):
    log = JsonLinesSink(path, bundle_id=bundle)
    for number, t_s in enumerate(times):
        outcome = forecast(t_s, 0.1 + number / 1000)
        log.write_decision(outcome.decision, outcome.alarm, outcome.map_10s)
    for t_s in alarms:
        score = 0.1 + times.index(t_s) / 1000
        log.write_log(row(t_s + shift_s, score=score), wall(t_s))
        log.write_log(row(t_s + shift_s + 7.0, "acknowledged", reason="operator"), wall(t_s + 7))
    log.close()
    return path


def test_a_decision_log_becomes_a_page(tmp_path, capsys):
    log = logged(tmp_path / "log.jsonl", half_minutes(60), "barocast-map-1", alarms=[600.0], shift_s=-1234.5)

    assert main(["case", "summary", "--log", str(log), "--title", "OR 9", "--simulated"]) == 0
    page = capsys.readouterr().out
    assert "OR 9" in page
    assert "<b>1</b>alarms" in page
    assert "0:10</td><td>acknowledged: forecast hypotension" in page


def test_a_log_without_its_alarm_log_says_what_it_cannot_know(tmp_path, capsys):
    log = logged(tmp_path / "log.jsonl", half_minutes(10))

    assert main(["case", "summary", "--log", str(log)]) == 0
    page = capsys.readouterr().out
    assert "Not told: no alarm log lies beside the decisions" in page
    assert "feed lost" not in page


def test_each_case_of_a_log_has_its_page(tmp_path, capsys):
    log = logged(tmp_path / "log.jsonl", [*half_minutes(60), *half_minutes(20)])

    assert main(["case", "summary", "--log", str(log)]) == 0
    told = capsys.readouterr()
    assert "case 2 of 2" in told.err
    assert "decided by toy-1; name it with --bundle" in told.err
    assert "of 20 decisions" in told.out
    assert main(["case", "summary", "--log", str(log), "--case", "1"]) == 0
    assert "of 60 decisions" in capsys.readouterr().out
    assert main(["case", "summary", "--log", str(log), "--case", "3"]) == 2


def test_a_kept_case_becomes_the_page_that_its_service_shows(tmp_path, capsys):
    book = CaseBook(ABOUT, wall(0), tmp_path)
    for t_s in half_minutes(40):
        book.decided(forecast(t_s), t_s, wall(t_s))
    book.logged(row(1170.0), wall(1170))
    book.discharge(wall(1200))
    (kept,) = tmp_path.glob("*.jsonl")

    assert main(["case", "summary", "--log", str(kept)]) == 0
    page = capsys.readouterr().out
    assert f"case {kept.stem}" in page
    assert "threshold 30 %" in page
    assert "<b>1</b>alarms" in page


def test_lines_that_are_none_are_counted_and_passed_by(tmp_path, capsys):
    log = logged(tmp_path / "log.jsonl", half_minutes(10))
    log.write_bytes(b'{"t_s": 1\n[]\n' + log.read_bytes() + b'{"t_s": 300.0, "state": "fore')

    assert main(["case", "summary", "--log", str(log)]) == 0
    assert "3 lines of the file could not be read" in capsys.readouterr().out


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SLIPPED = st.sampled_from(
    ["t_s", "state", "reason", "risk", "map", "alarm", "bundle", "map_10s", "log", "at_s"]
)


@given(
    st.lists(st.dictionaries(SLIPPED, JSON), max_size=4), st.lists(JSON, max_size=3), st.binary(max_size=40)
)
@settings(max_examples=80, deadline=None)
def test_whatever_a_log_holds_is_a_page_or_one_refusal(tmp_path_factory, slips, rows, tail):
    """Sound lines with anything put in place of any of their fields, rows of anything, and a torn end."""
    log = logged(tmp_path_factory.mktemp("log") / "log.jsonl", half_minutes(3), alarms=[30.0])
    whole = [json.loads(line) for line in log.read_text().splitlines()]
    lines = [json.dumps({**whole[at % 3], **slip}) for at, slip in enumerate(slips)]
    log.write_bytes(log.read_bytes() + "\n".join(lines).encode() + b"\n" + tail)
    beside = log.with_suffix(".alarms.jsonl")
    beside.write_text(beside.read_text() + "".join(json.dumps({"log": entry}) + "\n" for entry in rows))

    for found in read_decision_log(log):
        page = summary_page(CaseFacts(found.case, found.journal.course(), ABOUT, wall(0), found.unread))
        assert page.endswith("</html>")


def test_a_file_without_a_decision_is_refused(tmp_path, capsys):
    (tmp_path / "log.jsonl").write_text("not a log\n")

    assert main(["case", "summary", "--log", str(tmp_path / "log.jsonl")]) == 2
    assert "holds no decision" in capsys.readouterr().err
