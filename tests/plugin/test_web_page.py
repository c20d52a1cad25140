"""The local page over real HTTP: who may see, who may act, and what a request may cost."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from concurrent.futures import Future

import pytest
from certificates import Authority
from eventually import eventually
from web_ends import TOKEN, Served

from barocast.plugin.desk import Admit, Discharge
from barocast.plugin.web import attempts, connections, door, server
from barocast.plugin.web.bed import Bed
from barocast.plugin.web.board import Board
from barocast.plugin.web.page import Page
from barocast.runtime.alarm.events import (
    Acknowledge,
    AudioOff,
    PauseAlarms,
    PauseAudio,
    ResumeAlarms,
    ResumeAudio,
)
from barocast.runtime.domain import Patient
from barocast.runtime.errors import SettingsError


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """No test waits for what is answered late."""
    monkeypatch.setattr(attempts, "LATE_S", 0.0)


@pytest.fixture(scope="module")
def served():
    """On this box, without a token."""
    end = Served()
    end.board.publish("or-3", {"serial": 1})
    yield end
    end.page.close()


@pytest.fixture(scope="module")
def locked():
    """On this box, with a token."""
    end = Served(token=TOKEN)
    end.board.publish("or-3", {"serial": 1})
    yield end
    end.page.close()


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    """For a whole network."""
    authority = Authority(tmp_path_factory.mktemp("hospital"))
    own = authority.issue("or3")
    end = Served("0.0.0.0:0", TOKEN, own.certificate, own.key)
    end.trust = authority.file
    end.board.publish("or-3", {"serial": 1})
    yield end
    end.page.close()


def test_the_beds_and_the_newest_state_are_told(served):
    assert served.told("GET", "/api/beds") == (200, [{"bed": "or-3", "title": "OR 3"}])
    assert served.told("GET", "/api/or-3/state") == (200, {"serial": 1, "may_act": True})


def test_the_page_and_its_parts_come_with_types_that_a_browser_need_not_guess(served, tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text("<p>page")
    (tmp_path / "main.js").write_text("0")
    monkeypatch.setattr(server, "STATIC", tmp_path)

    found = [served.ask("GET", path) for path in ("/", "/bed/or-3", "/static/main.js")]

    assert [status for status, _, _ in found] == [200, 200, 200]
    assert [headers["content-type"].partition(";")[0] for _, headers, _ in found] == [
        "text/html",
        "text/html",
        "text/javascript",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/static/none.js",
        "/static/..%2fserver.py",
        "/static/%00.js",
        "/nothing",
        "/api/or-4/state",
        "/static/",
    ],
)
def test_what_is_not_there_is_404_with_a_reason(served, path):
    status, told = served.told("GET", path)

    assert (status, list(told)) == (404, ["error"])


def test_a_page_that_is_not_installed_is_404(served, tmp_path, monkeypatch):
    monkeypatch.setattr(server, "STATIC", tmp_path / "none")

    assert served.ask("GET", "/")[0] == 404


@pytest.mark.req("SEC-10")
@pytest.mark.parametrize("path", ["/", "/api/beds", "/nothing", "/api/or-3/events"])
def test_every_answer_ties_the_browser_down(served, path):
    with contextlib.closing(served.line()) as line:
        line.request("GET", path)
        headers = line.getresponse().headers

    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    assert headers["server"] is None


@pytest.mark.req("SEC-10")
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8520", "127.0.0.1.evil.example", "", "[::"])
def test_a_name_that_was_pointed_at_this_box_is_refused(served, host):
    assert served.ask("GET", "/api/beds", Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost:8520", "127.0.0.1", "[::1]:9000", "LOCALHOST"])
def test_this_box_is_known_by_its_own_names(served, host):
    assert served.ask("GET", "/api/beds", Host=host)[0] == 200


@pytest.mark.parametrize(
    ("act", "body", "meant"),
    [
        ("acknowledge", {"occurrence": 7}, Acknowledge(7)),
        ("acknowledge", {"occurrence": None}, Acknowledge()),
        ("pause-audio", {"seconds": 120}, PauseAudio(120.0)),
        ("resume-audio", {}, ResumeAudio()),
        ("audio-off", {}, AudioOff()),
        ("pause-alarms", {"seconds": 300}, PauseAlarms(300.0)),
        ("resume-alarms", {}, ResumeAlarms()),
        ("admit", {"patient": {"age_years": 67}}, Admit(Patient(age_years=67.0))),
        ("discharge", {}, Discharge()),
    ],
)
def test_an_act_reaches_the_bed_and_its_outcome_comes_back(served, act, body, meant):
    assert served.acted(act, body) == (meant, (200, {"ok": True}))


def test_an_act_that_the_bed_refuses_says_why(served):
    _, answer = served.acted("discharge", {}, "no case is open")

    assert answer == (409, {"error": "no case is open"})


def test_an_act_that_nobody_takes_up_in_time_is_withdrawn_and_not_done_later(served, monkeypatch):
    monkeypatch.setattr(server, "ANSWER_S", 0.01)

    status, told = served.told("POST", "/api/or-3/audio-off", {})

    (late,) = served.desk.take()
    assert status == 504
    assert "nothing was done" in told["error"]
    assert not late.outcome.set_running_or_notify_cancel()


def test_an_act_that_was_begun_in_time_is_answered_when_it_is_done(monkeypatch):
    monkeypatch.setattr(server, "ANSWER_S", 0.01)
    begun = Future()
    begun.set_running_or_notify_cancel()
    threading.Timer(0.05, begun.set_result, ("no case is open",)).start()

    assert asyncio.run(server._outcome(begun)) == "no case is open"


@pytest.mark.parametrize(
    ("act", "body", "said"),
    [
        ("pause-audio", b"", "seconds"),
        ("pause-audio", b'{"seconds": true}', "must be a number"),
        ("pause-audio", b'{"seconds": -1}', "cannot be meant"),
        ("pause-audio", b'{"seconds": NaN}', "not a number"),
        ("pause-audio", b'{"seconds": 1' + b"0" * 400 + b"}", "too large"),
        ("pause-audio", b'{"seconds": 60, "minutes": 1}', "unknown field 'minutes'"),
        ("pause-audio", b'{"seconds": 60, "seconds": 90}', "twice"),
        ("audio-off", b'{"for": 1}', "takes none"),
        ("acknowledge", b'{"occurrence": "7"}', "occurrence"),
        ("acknowledge", b"[7]", "must be an object"),
        ("acknowledge", b"{", "not JSON"),
        ("acknowledge", b"\xff", "not JSON"),
        ("acknowledge", b"[" * 100_000, "not JSON"),
        ("admit", b"{}", "patient"),
        ("admit", b'{"patient": {"age_years": 670}}', "between 0 and 120"),
        ("describe", b'{"patient": {"name": "Doe"}}', "unknown field"),
    ],
)
def test_an_act_with_a_slip_in_it_is_no_act(served, act, body, said):
    status, told = served.told("POST", f"/api/or-3/{act}", body, Content_Type="application/json")

    assert (status, served.desk.take()) == (400, [])
    assert said in told["error"]


@pytest.mark.req("SEC-10")
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/or-3/dance", {}, 404),
        ("/api/or-4/audio-off", {}, 404),
        ("/api/or-3/audio-off", {"Origin": "http://evil.example"}, 403),
        ("/api/or-3/audio-off", {"Origin": "null"}, 403),
        ("/api/or-3/audio-off", {"Origin": "http://[::"}, 403),
        ("/api/or-3/audio-off", {"Sec_Fetch_Site": "cross-site"}, 403),
        ("/api/or-3/audio-off", {"Sec_Fetch_Site": "same-site"}, 403),
        ("/api/or-3/audio-off", {"Content_Type": "text/plain"}, 415),
    ],
)
def test_an_act_from_elsewhere_or_of_no_kind_is_refused(served, path, headers, status):
    answered, told = served.told("POST", path, b"{}", **{"Content_Type": "application/json", **headers})

    assert (answered, list(told), served.desk.take()) == (status, ["error"], [])


def test_an_act_of_the_page_itself_is_let_in(served):
    own = {"Origin": f"http://127.0.0.1:{served.port}", "Sec_Fetch_Site": "same-origin"}

    assert served.acted("audio-off", {}, **own)[1] == (200, {"ok": True})


def test_reading_an_act_is_not_acting(served):
    assert served.ask("GET", "/api/or-3/audio-off")[0] == 405
    assert served.desk.take() == []


def test_a_body_without_end_is_cut_off(served):
    body = b'{"patient": "' + b"x" * server.MOST_BODY + b'"}'

    assert served.told("POST", "/api/or-3/admit", body, Content_Type="application/json")[0] == 413


def test_a_body_that_does_not_come_is_not_awaited_for_ever(served, monkeypatch):
    monkeypatch.setattr(server, "BODY_S", 0.01)
    with contextlib.closing(served.line()) as line:
        line.putrequest("POST", "/api/or-3/audio-off")
        line.putheader("Content-Type", "application/json")
        line.putheader("Content-Length", "10")
        line.endheaders()

        assert line.getresponse().status == 408


def test_the_whole_case_is_asked_of_the_bed(served):
    status, headers, text = served.ask("GET", "/api/or-3/summary")

    assert served.told("GET", "/api/or-3/trend") == (200, {"map_mmhg": [71.0, None]})
    assert (status, text) == (200, b"<p>case</p>")
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in headers["content-security-policy"]


def test_a_case_that_cannot_be_read_costs_the_answer_only():
    def broken():
        raise OSError("disk")

    served = Served(trend=broken)
    answers = [served.told("GET", path) for path in ("/api/or-3/trend", "/api/beds")]
    served.page.close()

    assert [status for status, _ in answers] == [500, 200]
    assert "disk" not in answers[0][1]["error"]


def test_before_the_bed_has_spoken_its_state_is_not_made_up():
    served = Served()
    status, told = served.told("GET", "/api/or-3/state")
    served.page.close()

    assert (status, list(told)) == (503, ["error"])


@pytest.mark.req("SEC-10")
def test_with_a_token_everybody_here_may_see_and_nobody_act(locked):
    assert locked.told("GET", "/api/or-3/state") == (200, {"serial": 1, "may_act": False})
    assert locked.told("POST", "/api/or-3/audio-off", {})[0] == 401
    assert locked.desk.take() == []


@pytest.mark.req("SEC-10")
@pytest.mark.parametrize(
    "given", ["Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer é"]
)
def test_a_wrong_token_is_refused(locked, given):
    assert locked.told("POST", "/api/or-3/audio-off", {}, Authorization=given)[0] == 401


def test_the_token_in_the_header_lets_act(locked):
    _, answer = locked.acted("audio-off", {}, Authorization=f"Bearer {TOKEN}")

    assert answer == (200, {"ok": True})


def test_a_login_gives_a_cookie_that_lets_act_and_does_not_hold_the_token(locked):
    status, headers, _ = locked.ask("POST", "/api/login", {"token": TOKEN})
    given = headers["set-cookie"]
    cookie = given.partition(";")[0]

    assert status == 200
    assert TOKEN not in given
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(given.split("; "))
    assert locked.told("GET", "/api/or-3/state", Cookie=cookie)[1]["may_act"] is True
    assert locked.acted("audio-off", {}, Cookie=cookie)[1] == (200, {"ok": True})


@pytest.mark.parametrize("body", [{"token": "wrong"}, {"token": ""}, {"token": 7}, {"token": "\ud800"}, {}])
def test_a_login_with_a_wrong_token_gives_nothing(locked, body):
    status, headers, _ = locked.ask("POST", "/api/login", body)

    assert (status, headers["set-cookie"]) == (401, None)


@pytest.mark.req("SEC-10")
def test_wrong_tokens_are_told_of_and_the_right_one_is_let_in_all_the_same():
    served = Served(token=TOKEN)
    tries = [served.ask("POST", "/api/login", {"token": f"try {n}"})[0] for n in range(attempts.MANY - 1)]
    before = served.page.trouble
    tries += [served.ask("GET", "/api/beds", Authorization="Bearer another")[0]]
    after = served.page.trouble
    right = served.ask("POST", "/api/login", {"token": TOKEN})[0]
    served.page.close()

    assert (tries, before, right) == ([401] * attempts.MANY, "", 200)
    assert "wrong tokens came to the screen" in after


def test_without_a_token_of_its_own_no_box_can_be_logged_in_to(served):
    assert served.told("POST", "/api/login", {"token": ""})[0] == 401


@pytest.mark.req("SEC-10")
@pytest.mark.parametrize(
    "path", ["beds", "or-3/state", "or-3/events", "or-3/trend", "or-3/summary", "or-4/state"]
)
def test_beyond_this_box_seeing_needs_the_token_too(remote, path):
    assert remote.ask("GET", f"/api/{path}")[0] == 401


def test_beyond_this_box_a_login_opens_all_over_tls(remote):
    _, headers, _ = remote.ask("POST", "/api/login", {"token": TOKEN})
    cookie = headers["set-cookie"]

    assert "Secure" in cookie.split("; ")
    assert remote.told("GET", "/api/or-3/state", Cookie=cookie.partition(";")[0]) == (
        200,
        {"serial": 1, "may_act": True},
    )
    assert remote.acted("audio-off", {}, Authorization=f"Bearer {TOKEN}")[1] == (200, {"ok": True})


def refused(*start) -> str:
    page = Page(Board(), [])
    with pytest.raises(SettingsError) as error:
        page.start(*start)
    return str(error.value)


@pytest.mark.req("SEC-10")
@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.168.1.7:8520", "monitor.example:8520"])
def test_no_page_is_served_to_a_network_without_token_and_certificate(address):
    assert "needs a token and a certificate" in refused(address)
    assert "needs a token and a certificate" in refused(address, TOKEN)
    assert "needs a token and a certificate" in refused(address, "", "box.pem")


@pytest.mark.parametrize(
    "address", ["8520", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", "http://a:1", "", "u@h:1"]
)
def test_what_is_no_address_is_refused_with_an_example(address):
    assert "127.0.0.1:8520" in refused(address)


def test_a_port_that_is_taken_is_refused_with_the_mend(served):
    assert "another program has this port" in refused(f"127.0.0.1:{served.port}")


def test_two_beds_that_share_an_address_are_refused(served):
    twice = [Bed("or-3", title, served.desk, dict, str) for title in ("OR 3", "or_3")]

    with pytest.raises(SettingsError, match="two beds are called 'or-3'"):
        Page(Board(), twice).start("127.0.0.1:0")


def test_a_certificate_that_is_none_is_refused_by_the_name_of_its_table(tmp_path):
    (tmp_path / "box.pem").write_text("no certificate")

    said = refused("127.0.0.1:0", "", str(tmp_path / "box.pem"))

    assert "[screen] certificate" in said


@pytest.mark.req("SEC-12")
def test_connections_without_end_are_hung_up_and_do_not_keep_others_out(monkeypatch):
    monkeypatch.setattr(door, "MOST_CONNECTIONS", 5)
    served = Served()
    lines = [socket.create_connection(("127.0.0.1", served.port), 5) for _ in range(5)]
    eventually(lambda: len(served.page._server.server_state.connections) == 5)
    with (
        socket.create_connection(("127.0.0.1", served.port), 5) as sixth,
        contextlib.suppress(ConnectionResetError),
    ):
        assert sixth.recv(1) == b""
    lines.pop().close()
    eventually(lambda: len(served.page._server.server_state.connections) == 4)

    assert served.ask("GET", "/api/beds")[0] == 200
    for line in lines:
        line.close()
    served.page.close()


@pytest.mark.req("SEC-12")
def test_whoever_connects_and_says_nothing_is_hung_up(monkeypatch):
    monkeypatch.setattr(connections, "REQUEST_S", 0.01)
    served = Served()
    with (
        socket.create_connection(("127.0.0.1", served.port), 5) as line,
        contextlib.suppress(ConnectionResetError),
    ):
        line.sendall(b"GET / HT")
        assert line.recv(1) == b""
    served.page.close()

    assert served.page.trouble != ""


def test_a_page_that_runs_has_no_trouble(served):
    assert served.page.trouble == ""


@pytest.mark.req("SEC-12")
def test_whoever_begins_a_second_request_and_says_no_more_is_hung_up(monkeypatch):
    monkeypatch.setattr(connections, "REQUEST_S", 0.5)
    served = Served()
    with socket.create_connection(("127.0.0.1", served.port), 5) as line:
        line.sendall(b"GET /api/beds HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first = line.recv(65536)
        line.sendall(b"GET / HTTP/1.1\r\nHo")
        with contextlib.suppress(ConnectionResetError):
            while line.recv(65536):
                pass
    served.page.close()

    assert first.startswith(b"HTTP/1.1 200")


@pytest.mark.req("SEC-12")
def test_whoever_does_not_begin_a_handshake_is_counted(remote, monkeypatch):
    monkeypatch.setattr(door, "MOST_CONNECTIONS", 2)
    eventually(lambda: not remote.page._server.server_state.connections)
    silent = [socket.create_connection(("127.0.0.1", remote.port), 5) for _ in range(2)]
    with (
        socket.create_connection(("127.0.0.1", remote.port), 5) as third,
        contextlib.suppress(ConnectionResetError),
    ):
        assert third.recv(1) == b""
    for line in silent:
        line.close()

    assert eventually(lambda: let_in(remote)) == 200


def let_in(served):
    with contextlib.suppress(OSError):
        return served.ask("GET", "/")[0]
    return None
