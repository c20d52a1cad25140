"""States of a bed as the page is sent them, built by hand: one calm one, and what differs from it.

    state = calm()                                   nothing happens
    state = calm() | alarm(condition(...))           dictionaries: the right one wins, key by key

The patient is made up; every figure of the course comes from a seeded generator.
"""

from __future__ import annotations

import copy
import math
import random
from typing import Any

State = dict[str, Any]

MINUTES = [round(-30 + step / 6, 3) for step in range(181)]
HOSTILE = "<img src=x onerror=alert(1)>"
"""Text that must be shown as text."""

PATIENT = {
    "age_years": 67,
    "sex": "F",
    "height_cm": 164,
    "weight_kg": 71,
    "asa": 3,
    "emergency": False,
    "department": "General surgery",
    "procedure": "Laparoscopic hemicolectomy",
    "diagnosis": "Colon cancer",
    "approach": "Laparoscopic",
    "position": "Lithotomy",
    "anaesthesia": "General, propofol and remifentanil",
    "history": ["hypertension", "diabetes"],
    "labs": {"hb_g_dl": 10.9, "creatinine_mg_dl": 1.3, "lactate_mmol_l": 1.1},
    "notes": {
        "assessment": "Poor exercise tolerance. Took her ACE inhibitor this morning.",
        "ward": "fasted",
    },
}
SECTIONS = [
    {"name": "demographics", "text": "67 years, aged 60 to 69, woman, bmi 26 overweight"},
    {"name": "physical status", "text": "asa 3, elective"},
    {"name": "history", "text": "hypertension, diabetes"},
    {"name": "labs", "text": "creatinine 1.3 high, haemoglobin 10.9 low"},
    {
        "name": "surgery",
        "text": "general surgery, laparoscopic hemicolectomy, colon cancer, laparoscopic, lithotomy",
    },
    {"name": "anaesthesia", "text": "general, propofol and remifentanil"},
    {"name": "assessment", "text": "Poor exercise tolerance. Took her ACE inhibitor this morning. fasted"},
]


def course(
    end: float = 84.0, fall_min: float = 7.0, gap: tuple[float, float] | None = (-19.0, -17.8)
) -> list[float | None]:
    """Give 30 minutes of MAP that end at `end`, with a gap where the line was flushed."""
    noise = random.Random(7)
    start, drift, told = 88.0, 0.0, []
    for minute in MINUTES:
        drift = 0.9 * drift + noise.gauss(0, 0.9)
        fallen = max(0.0, (minute + fall_min) / fall_min)
        mmhg = (
            start
            + 4 * math.sin(minute / 3.1) * (1 - fallen)
            + drift * (1 - 0.5 * fallen)
            + (end - start) * fallen**1.4
        )
        told.append(None if gap and gap[0] <= minute <= gap[1] else round(mmhg, 1))
    return told


def fan(now: float, in_15: float, spread: float) -> dict[str, list[float]]:
    """Give a forecast from `now` to `in_15` mmHg whose 80 % band grows to `spread` mmHg on either side."""
    minutes = [0.5 * step for step in range(1, 31)]
    median = [
        now + (in_15 - now) * (1 - math.exp(-minute / 6)) / (1 - math.exp(-15 / 6)) for minute in minutes
    ]
    wide = [spread * math.sqrt(minute / 15) for minute in minutes]
    return {
        "minutes": minutes,
        "q10": [round(m - 1.15 * w, 1) for m, w in zip(median, wide, strict=True)],
        "q50": [round(m, 1) for m in median],
        "q90": [round(m + 0.85 * w, 1) for m, w in zip(median, wide, strict=True)],
    }


def numeric(value: float | None, unit: str, age_s: float = 0.8, reason: str | None = None) -> dict[str, Any]:
    return {"value": value, "unit": unit, "age_s": age_s, "reason": reason}


def numerics(map_mmhg: float) -> dict[str, Any]:
    return {
        "ABP_MEAN": numeric(map_mmhg, "mmHg"),
        "ABP_SYS": numeric(map_mmhg * 1.48, "mmHg"),
        "ABP_DIA": numeric(map_mmhg * 0.73, "mmHg"),
        "HR": numeric(68.0, "1/min"),
        "SPO2": numeric(98.0, "%"),
        "ETCO2": numeric(34.0, "mmHg", age_s=2.0),
        "BIS": numeric(43.0, ""),
        "NIBP_SYS": numeric(127.0, "mmHg", age_s=190.0),
        "NIBP_DIA": numeric(66.0, "mmHg", age_s=190.0),
        "RR": numeric(12.0, "1/min"),
        "TEMP": numeric(36.2, "°C"),
    }


def calm() -> State:
    """Give a patient who is well, 1 h 12 min into the case."""
    return {
        "bed": "or-3",
        "title": "OR 3",
        "bundle": "barocast-map-1",
        "simulated": False,
        "silent": False,
        "serial": 0,
        "wall": "2026-11-22T09:41:07.120+00:00",
        "case_s": 4327.0,
        "alarm": quiet(),
        "numerics": numerics(84.0),
        "signal": {"usable": True, "reason": None, "words": ""},
        "decision": {
            "state": "forecast",
            "age_s": 4.0,
            "reason": None,
            "risk": {"5": 0.008, "10": 0.03, "15": 0.06},
            "map": fan(84.0, 82.0, 11.0),
            "gates": {"text": 0.18, "series": 0.91},
            "influence": None,
        },
        "rules": {"map_mmhg": 65.0, "horizon_min": 10, "p_on": 0.31, "p_off": 0.2},
        "trend": {"step_s": 10.0, "minutes": MINUTES, "map_mmhg": course()},
        "feeds": [
            {"name": "intellivue-serial", "status": "associated", "frames": 51204, "corrupt": 0, "losses": {}}
        ],
        "troubles": [],
        "case": {
            "id": "c-8f21",
            "admitted": "2026-11-22T08:29:00+00:00",
            "sections": SECTIONS,
            "patient": copy.deepcopy(PATIENT),
        },
        "history": [row("08:29:00", "audio enabled", "", "", "start")],
    }


def quiet() -> dict[str, Any]:
    return {
        "priority": None,
        "sounding": None,
        "audio_pause_left_s": 0.0,
        "audio_off": False,
        "alarm_pause_left_s": 0.0,
        "conditions": [],
    }


def condition(priority: str = "medium", **changes: Any) -> dict[str, Any]:
    """Give a condition; by default the forecast's."""
    forecast = {
        "name": "forecast hypotension",
        "priority": priority,
        "technical": False,
        "text": "MAP below 65 mmHg forecast within 10 min",
        "source": "",
        "active": True,
        "latching": False,
        "age_s": 34.0,
        "occurrence": 7,
        "inactivation": "enabled",
    }
    return forecast | changes


LOST = condition(
    "medium",
    name="feed lost",
    technical=True,
    text="No data from the monitor",
    source="intellivue-serial",
    occurrence=8,
    age_s=12.0,
)
SINK = condition(
    "low",
    name="sink fault",
    technical=True,
    text="Sound not played: device hw:0 is busy",
    source="sound",
    occurrence=9,
    age_s=610.0,
)
HIGH = condition(
    "high", name="engine fault", technical=True, text="Forecast process does not start", occurrence=10
)


def alarm(*conditions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Give the `alarm` part with these conditions."""
    highest = conditions[0]["priority"] if conditions else None
    return {
        "alarm": quiet()
        | {"priority": highest, "sounding": highest, "conditions": list(conditions)}
        | changes
    }


def row(
    at: str, transition: str, name: str, priority: str, reason: str, score: float | None = None
) -> dict[str, Any]:
    return {
        "wall": f"2026-11-22T{at}.000+00:00",
        "transition": transition,
        "condition": name,
        "priority": priority,
        "occurrence": 7 if name else 0,
        "reason": reason,
        "score": score,
        "threshold": 0.31 if score else None,
    }


HISTORY = [
    row("08:29:00", "audio enabled", "", "", "start"),
    row("08:51:10", "raised", "signal not usable", "low", "flush"),
    row("08:51:50", "cleared", "signal not usable", "low", "signal usable again"),
    row("09:12:30", "suppressed", "forecast hypotension", "medium", "refractory: 212 of 300 s", 0.36),
    row("09:18:00", "raised", "forecast hypotension", "medium", "risk 0.42 twice in a row", 0.42),
    row("09:18:22", "acknowledged", "forecast hypotension", "medium", "operator"),
    row("09:25:30", "cleared", "forecast hypotension", "medium", "risk below 0.20", 0.17),
    row("09:40:33", "raised", "forecast hypotension", "medium", "risk 0.58 twice in a row", 0.58),
]


def falling() -> State:
    """Give a patient whose pressure falls, without the alarm yet said."""
    state = calm()
    influence = {
        "from_min": -5.0,
        "to_min": -2.5,
        "change": 0.21,
        "without_text": 0.49,
        "words": "Without the stretch from 5 to 2.5 min ago the 10-min risk would be 21 points lower. "
        "This is an association, not a cause.",
    }
    return state | {
        "numerics": numerics(71.0),
        "trend": state["trend"] | {"map_mmhg": course(end=71.0)},
        "history": HISTORY,
        "decision": state["decision"]
        | {
            "risk": {"5": 0.27, "10": 0.58, "15": 0.71},
            "map": fan(71.0, 59.0, 9.0),
            "gates": {"text": 0.44, "series": 0.87},
            "influence": influence,
        },
    }


def alarming(**changes: Any) -> State:
    """Give the same with its medium-priority alarm."""
    return falling() | alarm(condition(**changes))


def without_forecast(state: str = "abstain", reason: str = "short history: 4.5 of 15 min") -> dict[str, Any]:
    return {"decision": {"state": state, "age_s": 3.0, "reason": reason, "influence": None}}


def flushed() -> State:
    """Give a bed whose arterial line is being flushed."""
    state = calm()
    measured = numerics(84.0)
    for channel in ("ABP_MEAN", "ABP_SYS", "ABP_DIA"):
        measured[channel] = numeric(None, "mmHg", reason="flush")
    words = "The line is being flushed: no forecast until the pressure is back."
    return (
        state
        | {
            "numerics": measured,
            "signal": {"usable": False, "reason": "flush", "words": words},
            "trend": state["trend"] | {"map_mmhg": [*course()[:-4], None, None, None, None]},
        }
        | without_forecast(reason="signal not usable: flush")
        | alarm(condition("low", name="signal not usable", technical=True, text=words, occurrence=11))
    )


def lost() -> State:
    """Give a bed whose monitor has fallen silent 34 s ago."""
    state = falling()
    old = {channel: reading | {"age_s": 34.0} for channel, reading in state["numerics"].items()}
    return (
        state
        | {
            "numerics": old,
            "signal": {
                "usable": False,
                "reason": "stale",
                "words": "The last arterial pressure is 34 s old: no forecast until the pressure is back.",
            },
            "trend": state["trend"] | {"map_mmhg": [*course(end=71.0)[:-3], None, None, None]},
            "feeds": [
                {
                    "name": "intellivue-serial",
                    "status": "silent",
                    "frames": 51204,
                    "corrupt": 3,
                    "losses": {"retries": 2},
                }
            ],
        }
        | without_forecast(reason="stale: the newest MAP is 34 s old")
        | alarm(LOST, condition(inactivation="acknowledged"), SINK)
    )


def nothing() -> State:
    """Give a bed where nothing is known: every value null, nothing admitted."""
    state = calm()
    return state | {
        "numerics": {name: numeric(None, "", age_s=0.0, reason="missing") for name in state["numerics"]},
        "trend": {"step_s": 10.0, "minutes": [], "map_mmhg": []},
        "decision": None,
        "case": None,
        "case_s": 0.0,
        "feeds": [
            {"name": "intellivue-serial", "status": "connecting", "frames": 0, "corrupt": 0, "losses": {}}
        ],
        "history": [],
        "signal": {
            "usable": False,
            "reason": "missing",
            "words": "No arterial pressure comes from the monitor: no forecast until the pressure is back.",
        },
    }


def whole_case() -> dict[str, Any]:
    """Give 72 minutes as /trend tells them: one event, two alarms, one flush."""
    noise = random.Random(3)
    mmhg: list[float | None] = []
    drift = 0.0
    for second in range(0, 4320, 10):
        minute = second / 60
        drift = 0.9 * drift + noise.gauss(0, 1.0)
        dip = 28 * math.exp(-(((minute - 54) / 4.5) ** 2)) + 19 * max(0.0, (minute - 66) / 6) ** 1.3
        mmhg.append(None if 22 < minute < 23 else round(90 + 5 * math.sin(minute / 6) + drift - dip, 1))
    decisions = []
    for second in range(900, 4320, 30):
        if 1320 <= second < 1440:
            decisions.append({"t_s": second, "state": "abstain", "reason": "signal not usable: flush"})
            continue
        now = next(value for value in reversed(mmhg[: second // 10]) if value is not None)
        later = mmhg[min(second // 10 + 30, len(mmhg) - 1)] or now
        guess = 0.45 * now + 0.55 * later + noise.gauss(0, 1.5)
        risk = 1 / (1 + math.exp((guess - 70) / 3.5))
        decisions.append(
            {
                "t_s": second,
                "state": "forecast",
                "reason": None,
                "risk5": round(risk * 0.7, 3),
                "risk10": round(risk, 3),
                "risk15": round(min(1.0, risk * 1.1), 3),
                "q10_5": round(guess - 7, 1),
                "q50_5": round(guess, 1),
                "q90_5": round(guess + 6, 1),
            }
        )
    return {
        "step_s": 10.0,
        "start_wall": "2026-11-22T08:29:00+00:00",
        "map_mmhg": mmhg,
        "decisions": decisions,
        "alarms": [
            {"t_s": 1330.0, "transition": "raised", "condition": "signal not usable", "priority": "low"},
            {"t_s": 1380.0, "transition": "cleared", "condition": "signal not usable", "priority": "low"},
            {
                "t_s": 2940.0,
                "transition": "raised",
                "condition": "forecast hypotension",
                "priority": "medium",
            },
            {
                "t_s": 4293.0,
                "transition": "raised",
                "condition": "forecast hypotension",
                "priority": "medium",
            },
        ],
        "events": [{"start_s": 3030, "end_s": 3430}],
    }
