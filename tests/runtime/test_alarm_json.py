from __future__ import annotations

import json

from alarm_states import WALL_S, feed_lost, forecast, state

from barocast.runtime.alarm.events import Inactivation
from barocast.runtime.encoders.alarm_json import offline, online
from barocast.runtime.encoders.notice import NOTICE


def test_the_whole_state_in_one_object():
    shown = forecast(inactivation=Inactivation.AUDIO_PAUSED)
    said = json.loads(online(state(90.0, shown, audio_pause_left_s=61.04), "OR 3", "map-1", WALL_S))

    assert said == {
        "bed": "OR 3",
        "state": "online",
        "wall": "2026-11-22T21:00:05.250+00:00",
        "bundle": "map-1",
        "notice": NOTICE,
        "priority": "low",
        "sounding": None,
        "audio_pause_left_s": 61.0,
        "audio_off": False,
        "alarm_pause_left_s": 0.0,
        "conditions": [
            {
                "name": "forecast hypotension",
                "technical": False,
                "text": "hypotension forecast: 34% within 10 min",
                "source": "",
                "active": True,
                "latching": False,
                "occurrence": 1,
                "priority": "low",
                "age_s": 30.0,
                "inactivation": "audio-paused",
            }
        ],
        "decision": {"state": "forecast", "reason": None, "risk": {"5": 0.031, "10": 0.34, "15": 0.415}},
    }


def test_nothing_is_known_before_the_first_decision():
    said = json.loads(online(state(0.0, feed_lost(), decision=None), "OR 3", "map-1", WALL_S))

    assert (said["decision"], said["sounding"], said["conditions"][0]["technical"]) == (None, "low", True)


def test_a_bed_that_is_gone_has_no_state():
    assert json.loads(offline("OR 3")) == {"bed": "OR 3", "state": "offline", "notice": NOTICE}
