from __future__ import annotations

import re

import pytest
from alarm_states import WALL_S, feed_lost, forecast, state
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.alarm.rules import Priority
from barocast.runtime.encoders.alert_phases import AlertPhases
from barocast.runtime.encoders.notice import NOTICE
from barocast.runtime.encoders.syslog import Writer

RFC5424 = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00) "
    r"(?P<host>[!-~]{1,255}) barocast \d+ "
    r'(?P<kind>[A-Z]+) \[barocast@32473(?P<data>(?: [a-z]+="(?:[^"\\\]]|\\["\\\]])*")*)\] (?P<text>.*)'
)


def line(*conditions, bed="OR 3", host="box", local=False):
    [report] = AlertPhases().take(state(60.0, *conditions), WALL_S)
    return Writer(bed, host, 812, local).alarm(report).decode()


def test_one_line_byte_for_byte():
    assert line(forecast(priority=Priority.MEDIUM)) == (
        '<28>1 2026-11-22T21:00:05.250+00:00 box barocast 812 ALARM [barocast@32473 bed="OR 3" phase="start" '
        'condition="forecast hypotension" source="" priority="medium" type="physiological" active="true" '
        'inactivation="enabled" alarm="1"] hypotension forecast: 34% within 10 min'
    )


def test_a_local_socket_gets_the_form_that_names_the_program():
    assert line(feed_lost(), local=True).startswith(
        '<29>barocast[812]: [barocast@32473 bed="OR 3" phase="start" condition="feed lost" source="OR 3"'
    )


@pytest.mark.parametrize(
    ("priority", "pri"), [(Priority.LOW, 29), (Priority.MEDIUM, 28), (Priority.HIGH, 26)]
)
def test_severity_follows_priority(priority, pri):
    assert RFC5424.fullmatch(line(forecast(priority=priority)))["pri"] == str(pri)


def test_the_end_of_an_alarm_is_information():
    phases = AlertPhases()
    phases.take(state(60.0, forecast()), WALL_S)
    [end] = phases.take(state(70.0), WALL_S)

    said = RFC5424.fullmatch(Writer("OR 3", "", 812, local=False).alarm(end).decode())

    assert (said["pri"], said["host"]) == ("30", "-")
    assert 'phase="end"' in said["data"]


def test_the_heartbeat_says_how_many_are_shown_and_what_not_to_rely_on():
    said = RFC5424.fullmatch(Writer("OR 3", "box", 812, local=False).heartbeat(2, WALL_S).decode())

    assert (said["kind"], said["data"], said["text"]) == ("HEARTBEAT", ' bed="OR 3" shown="2"', NOTICE)


@settings(max_examples=200, deadline=None)
@given(st.text(), st.text(), st.text())
def test_whatever_is_written_a_line_is_one_line_of_the_format(bed, words, host):
    said = line(forecast(text=words), bed=bed, host=host)

    assert RFC5424.fullmatch(said)
    assert len(said.encode()) <= 2048
