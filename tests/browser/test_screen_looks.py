"""Every state of the screen at both sizes: it fits, can be read, and nothing missing looks like a value."""

from __future__ import annotations

import re
from types import MappingProxyType

import pytest
from bed_states import (
    HOSTILE,
    SINK,
    alarm,
    alarming,
    calm,
    condition,
    falling,
    flushed,
    lost,
    nothing,
    without_forecast,
)
from looking import SIZES, faults, keep, shown
from stage import Stage

FALLING_TWO = alarm(
    condition(),
    SINK,
    condition(
        "low",
        name="frequent forecasts",
        text="Frequent forecasts: 3 in the last hour",
        latching=True,
        active=False,
        occurrence=4,
    ),
)
PAUSED = alarm(condition(), audio_pause_left_s=103.0)
ALARMS_PAUSED = alarm(condition(inactivation="alarm-paused"), alarm_pause_left_s=252.0)
BROKEN = condition(
    name="engine fault", technical=True, text="The forecast's engine does not answer", occurrence=10
)
FAULT = without_forecast("fault", "the engine does not answer; it is being started again")

STATES = MappingProxyType(
    {
        "calm": calm(),
        "alarm": alarming(),
        "several-alarms": falling() | FALLING_TWO,
        "acknowledged": alarming(inactivation="acknowledged"),
        "audio-paused": falling() | PAUSED,
        "alarms-paused": falling() | ALARMS_PAUSED,
        "audio-off": falling() | alarm(condition(), audio_off=True),
        "flush": flushed(),
        "feed-lost": lost(),
        "engine-fault": calm() | FAULT | alarm(BROKEN, SINK),
        "starting": nothing(),
        "simulated": alarming() | {"simulated": True},
        "silent-trial": calm() | {"silent": True, "decision": None},
    }
)
PANELS = MappingProxyType({"history": "h", "review": "r", "case": "c", "keys": "?"})
COVERED = """part => {
  const element = document.querySelector(part), box = element.getBoundingClientRect();
  const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return !element.contains(there) && !there.contains(element);
}"""


@pytest.fixture(scope="module")
def stage():
    with Stage({"or-3": calm()}) as playing:
        yield playing


@pytest.mark.parametrize("size", SIZES)
def test_every_state_fits_and_can_be_read(stage, new_page, screens, size):
    page = new_page(stage.url, size)
    for name, state in STATES.items():
        stage.tell(state | {"bundle": name})
        shown(page, {"bundle": name})
        keep(page, screens, f"{name}-{size}")
        assert faults(page) == []


@pytest.mark.parametrize("size", SIZES)
def test_daylight_can_be_read_too(stage, new_page, screens, size):
    stage.tell(calm())
    page = new_page(stage.url, size)
    shown(page, calm())
    page.keyboard.press("t")
    assert page.get_attribute("html", "data-theme") == "daylight"
    for name in ("alarm", "several-alarms", "flush"):
        stage.tell(STATES[name] | {"bundle": name})
        shown(page, {"bundle": name})
        keep(page, screens, f"daylight-{name}-{size}")
        assert faults(page) == []


@pytest.mark.parametrize("size", SIZES)
def test_panels_leave_alarm_and_pressure_in_sight(stage, new_page, screens, size):
    """Whatever is open, the alarm banner, MAP and the acts stay uncovered."""
    stage.tell(alarming() | {"bundle": "panels"})
    page = new_page(stage.url, size)
    shown(page, {"bundle": "panels"})
    for name, key in PANELS.items():
        page.keyboard.press(key)
        page.wait_for_selector("#panel:not([hidden])")
        if name == "review":
            page.wait_for_selector(".review .map-line")
        keep(page, screens, f"{name}-{size}")
        assert faults(page) == []
        for part in ("#banner .text", "#map-value", "[data-act=acknowledge]"):
            assert not page.evaluate(COVERED, part)
        page.keyboard.press("Escape")
        assert page.locator("#panel").is_hidden()


def test_missing_values_are_dashes(stage, new_page):
    """Null is never 0, never the last value, and there is neither a line nor a fan."""
    stage.tell(nothing() | {"bundle": "nothing"})
    page = new_page(stage.url)
    shown(page, {"bundle": "nothing"})

    assert page.inner_text("#map-value") == "– –"
    assert {value.inner_text() for value in page.locator(".numeric:visible .value").all()} == {"– –"}
    assert page.locator("#trend .map-line, #trend .band, #trend .median, .risk .p").count() == 0


def test_an_old_value_says_so_and_an_expired_one_goes(stage, new_page):
    state = calm()
    state["numerics"]["ABP_MEAN"]["age_s"] = 14.0
    state["numerics"]["HR"]["age_s"] = 130.0
    stage.tell(state | {"bundle": "old"})
    page = new_page(stage.url)
    shown(page, {"bundle": "old"})

    assert page.inner_text("#map-value") == "84"
    assert re.fullmatch(r"OLD 1\d s", page.inner_text("#map-age"))
    assert page.inner_text("[data-channel=HR] .value") == "– –"
    assert page.inner_text("[data-channel=HR] .note") == "too old"


def test_an_old_forecast_is_taken_away(stage, new_page):
    """A risk that no longer speaks for now is not shown as one."""
    state = falling()
    state["decision"]["age_s"] = 75.0
    stage.tell(state | {"bundle": "old forecast"})
    page = new_page(stage.url)
    shown(page, {"bundle": "old forecast"})

    assert page.locator(".risk .p, #trend .band").count() == 0
    assert "older than 60 s" in page.inner_text("#risk")


def test_text_of_others_is_shown_as_text(stage, new_page):
    """Nothing that comes over a wire or from a person becomes markup."""
    state = alarming(text=HOSTILE, source=HOSTILE) | {
        "title": HOSTILE,
        "troubles": [HOSTILE],
        "bundle": "hostile",
    }
    state["case"]["sections"] = [{"name": HOSTILE, "text": HOSTILE}]
    stage.tell(state)
    page = new_page(stage.url)
    shown(page, {"bundle": "hostile"})
    page.keyboard.press("c")

    assert page.inner_text("#title") == HOSTILE
    assert page.locator("img").count() == 0


def test_the_pressure_can_be_read_from_4_metres(stage, new_page):
    """On a 7-inch panel MAP's digits span 10 minutes of arc at 4 m, twice what sharp eyes need."""
    millimetres_a_pixel, cap_height = 154.1 / 1024, 0.72
    stage.tell(alarming() | {"bundle": "far"})
    page = new_page(stage.url)
    shown(page, {"bundle": "far"})

    def arc_minutes(part):
        pixels = float(
            page.evaluate("p => parseFloat(getComputedStyle(document.querySelector(p)).fontSize)", part)
        )
        return pixels * cap_height * millimetres_a_pixel / 4000 * 3438

    assert arc_minutes("#map-value") >= 10
    assert arc_minutes("[data-raises=true] .p") >= 5


def test_what_it_is_not_is_always_said(stage, new_page):
    stage.tell(calm() | {"simulated": True, "silent": True, "decision": None, "bundle": "said"})
    page = new_page(stage.url)
    shown(page, {"bundle": "said"})

    assert (
        "Research software, not a medical device. Does not replace the monitor's own alarms."
        in page.inner_text("footer")
    )
    assert page.locator("#simulated").is_visible()
    assert page.locator("#silent").is_visible()
    assert "No alarm condition" not in page.inner_text("#banner")
