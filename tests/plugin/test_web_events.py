"""The events of a bed over real HTTP: framing, many clients, slow ones, and the end."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from functools import partial

import pytest
from eventually import eventually
from web_ends import TOKEN, Following, Served

from barocast.plugin.web import access, events
from barocast.plugin.web.board import MOST_WATCHERS


@pytest.fixture
def served():
    end = Served()
    yield end
    end.page.close()


@pytest.fixture
def follow(served):
    with contextlib.ExitStack() as stack:
        yield lambda **headers: stack.enter_context(contextlib.closing(Following(served, **headers)))


def test_a_state_is_one_event_of_one_line_and_comes_to_a_newcomer_at_once(served, follow):
    served.board.publish("or-3", {"words": "line\nline\u2028 é"})
    client = follow()

    assert client.answer.headers["content-type"].startswith("text/event-stream")
    assert client.next() == ["retry: 1000"]
    kind, data = client.next()
    assert kind == "event: state"
    assert json.loads(data.removeprefix("data: ")) == {"words": "line\nline\u2028 é", "may_act": True}


def test_a_new_state_comes_to_everybody_who_follows(served, follow):
    clients = [follow(), follow()]
    served.board.publish("or-3", {"serial": 1})
    first = [client.state()["serial"] for client in clients]
    served.board.publish("or-3", {"serial": 2})

    assert (first, [client.state()["serial"] for client in clients]) == ([1, 1], [2, 2])


def test_another_beds_state_is_not_told(served, follow):
    client = follow()
    served.board.publish("or-4", {"serial": 4})
    served.board.publish("or-3", {"serial": 3})

    assert client.state()["serial"] == 3


def test_a_bed_that_says_nothing_still_shows_that_the_line_lives(served, follow, monkeypatch):
    monkeypatch.setattr(events, "BEAT_S", 0.01)
    client = follow()
    client.next()

    assert [client.next(), client.next()] == [[": no news"], [": no news"]]


def test_a_slow_client_is_given_the_newest_state_and_keeps_nobody_waiting(served, follow):
    published, much = 300, "x" * 50_000
    slow, quick, seen = following_without_reading(served), follow(), []
    reading = threading.Thread(target=lambda: seen.extend(_states_until(quick, published)))
    reading.start()
    eventually(lambda: len(served.board._watchers) == 2)
    for serial in range(1, published + 1):
        served.board.publish("or-3", {"serial": serial, "much": much})
        time.sleep(0.001)
    reading.join(5)

    with slow:
        told = last = slow.recv(1 << 16)
        while last and b'"serial":%d,' % published not in told[-100_000:]:
            last = slow.recv(1 << 16)
            told += last

    assert seen[-1] == published
    assert b'"serial":%d,' % published in told
    assert told.count(b"event: state") < published / 2


def following_without_reading(served):
    client = socket.create_connection(("127.0.0.1", served.port), 5)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    client.sendall(b"GET /api/or-3/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client


def _states_until(client, serial):
    states = []
    while not states or states[-1] < serial:
        states.append(client.state()["serial"])
    return states


@pytest.mark.req("SEC-12")
def test_a_client_that_takes_nothing_is_given_up(served, follow, monkeypatch):
    monkeypatch.setattr(events, "STALLED_S", 0.05)
    with following_without_reading(served):
        eventually(lambda: served.board._watchers)
        served.board.publish("or-3", {"much": "x" * 10_000_000})
        eventually(lambda: not served.board._watchers)

    assert served.told("GET", "/api/beds")[0] == 200


def test_one_more_than_may_follow_is_told_so_and_a_place_that_is_free_is_given_again(served, follow):
    clients = [follow() for _ in range(MOST_WATCHERS)]
    status, told = served.told("GET", "/api/or-3/events")
    clients.pop().close()
    eventually(lambda: len(served.board._watchers) < MOST_WATCHERS)
    served.board.publish("or-3", {"serial": 1})

    assert (status, str(MOST_WATCHERS) in told["error"]) == (503, True)
    assert follow().state()["serial"] == 1


def test_closing_the_page_sends_everybody_home(served, follow):
    client = follow()
    served.board.publish("or-3", {"serial": 1})
    client.state()
    served.page.close()

    assert list(iter(client.next, [])) in ([], [[": no news"]])
    assert not served.page._thread.is_alive()


def test_a_publish_after_the_end_disturbs_no_bed(served, follow):
    follow()
    served.page.close()
    served.board.publish("or-3", {"serial": 2})

    assert json.loads(served.board.newest("or-3").text) == {"serial": 2}


def test_a_login_that_ends_ends_acting_while_one_follows(monkeypatch):
    served, now_s = Served(token=TOKEN), [1_000_000.0]
    monkeypatch.setattr("barocast.plugin.web.server.wall_s", lambda: now_s[0])
    _, headers, _ = served.ask("POST", "/api/login", {"token": TOKEN})
    with contextlib.closing(Following(served, Cookie=headers["set-cookie"].partition(";")[0])) as client:
        publish = partial(served.board.publish, "or-3")
        publish({"serial": 1})
        before = client.state()["may_act"]
        now_s[0] += access.SESSION_S
        publish({"serial": 2})
        after = client.state()["may_act"]
    served.page.close()

    assert (before, after) == (True, False)
