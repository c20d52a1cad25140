"""Alarms on the screen: the standard's flash, acknowledgement, pauses with their countdown, sound off."""

from __future__ import annotations

import time

import pytest
from bed_states import HIGH, LOST, SINK, alarm, alarming, calm, condition, falling
from stage import Stage

from barocast.runtime.alarm.events import (
    Acknowledge,
    AudioOff,
    PauseAlarms,
    PauseAudio,
    ResumeAlarms,
    ResumeAudio,
)

FLASHES = """part => document.querySelector(part).getAnimations().map((flash) => {
  const element = document.querySelector(part);
  const period = flash.effect.getComputedTiming().duration, steps = 200;
  const colour = () => getComputedStyle(element)[part === "#frame" ? "borderTopColor" : "backgroundColor"];
  flash.pause();
  const seen = [...Array(steps).keys()].map((step) => {
    flash.currentTime = (step + 0.5) * period / steps;
    return colour();
  });
  flash.play();
  const lit = seen.filter((c) => c === seen[0]).length / steps;
  return {hz: 1000 / period, lit, colours: new Set(seen).size, colour: seen[0]};
})"""
"""Walks through one period of each animation of the element and looks at the colour that comes of it."""

YELLOW, RED, CYAN = "rgb(255, 214, 10)", "rgb(255, 59, 48)", "rgb(25, 211, 243)"


@pytest.fixture
def stage():
    with Stage({"or-3": calm()}) as playing:
        yield playing


def background(page) -> str:
    return page.evaluate("getComputedStyle(document.querySelector('#banner')).backgroundColor")


def heard(stage, act, within_s: float = 3.0) -> bool:
    """Whether the bed was asked for this."""
    until = time.monotonic() + within_s
    while act not in stage.acts and time.monotonic() < until:
        time.sleep(0.02)
    return act in stage.acts


@pytest.mark.req("ALM-03")
@pytest.mark.parametrize(
    ("first", "colour", "hz", "sign"),
    [(condition(), YELLOW, (0.4, 0.8), "!!"), (HIGH, RED, (1.4, 2.8), "!!!")],
    ids=["medium", "high"],
)
@pytest.mark.parametrize("part", ["#banner", "#frame"])
def test_flash_within_the_standards_ranges(stage, new_page, first, colour, hz, sign, part):
    """IEC 60601-1-8: medium yellow 0.4-0.8 Hz, high red 1.4-2.8 Hz, on for 20-60 %, each with its sign."""
    stage.tell(falling() | alarm(first))
    page = new_page(stage.url)
    page.wait_for_selector("#banner[data-flash=true]")
    [flash] = page.evaluate(FLASHES, part)

    assert hz[0] <= flash["hz"] <= hz[1]
    assert 0.2 <= flash["lit"] <= 0.6
    assert (flash["colours"], flash["colour"]) == (2, colour)
    assert page.inner_text("#banner .mark") == sign


@pytest.mark.req("ALM-03")
def test_the_flash_keeps_its_beat_through_new_states(stage, new_page):
    """States come ten times a second here; none of them may start the flash anew."""
    stage.tell(alarming())
    page = new_page(stage.url)
    page.wait_for_selector("#banner[data-flash=true]")
    started = "document.querySelector('#banner').getAnimations()[0].startTime"
    page.wait_for_function(f"() => {started} !== null")
    before = page.evaluate(started)
    page.wait_for_timeout(700)

    assert page.evaluate(started) == before


@pytest.mark.req("ALM-03")
def test_low_priority_is_constant_cyan(stage, new_page):
    stage.tell(calm() | alarm(SINK))
    page = new_page(stage.url)
    page.wait_for_selector("#banner[data-priority=low]")

    assert page.evaluate("document.getAnimations().length") == 0
    assert background(page) == CYAN
    assert page.inner_text("#banner .mark") == "!"


def test_an_alarm_is_announced_once(stage, new_page):
    """The live region changes with the conditions, not with every state or figure."""
    page = new_page(stage.url)
    page.wait_for_selector("#banner[data-priority=none]")
    page.evaluate("""() => { window.said = [];
      new MutationObserver(() => window.said.push(document.querySelector('#announce').textContent))
        .observe(document.querySelector('#announce'), {childList: true}); }""")
    stage.tell(alarming())
    page.wait_for_selector("#banner[data-priority=medium]")
    stage.tell(alarming(text="MAP below 65 mmHg forecast: 61 %"))
    page.wait_for_selector("#banner .text >> text=61 %")

    assert page.evaluate("window.said") == ["Medium priority alarm: MAP below 65 mmHg forecast within 10 min"]
    assert page.get_attribute("#announce", "aria-live") == "assertive"


def test_acknowledge_all(stage, new_page):
    """The flash ends, the sign of acknowledgement and the words stay."""
    stage.tell(alarming())
    page = new_page(stage.url)
    page.click("[data-act=acknowledge]")
    page.wait_for_selector("#banner[data-quiet=true]")

    assert heard(stage, Acknowledge(None))
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.get_attribute("#banner .mark use", "href") == "#icon-acknowledged"
    assert "acknowledged" in page.inner_text("#banner .detail")
    assert page.get_attribute("[data-act=acknowledge]", "aria-disabled") == "true"


def test_acknowledge_one(stage, new_page):
    stage.tell(falling() | alarm(condition(), SINK))
    page = new_page(stage.url)
    page.wait_for_selector("#banner[data-priority=medium]")
    page.keyboard.press("h")
    page.click(f"[data-occurrence='{SINK['occurrence']}']")
    page.wait_for_selector("#banner .other .icon")

    assert heard(stage, Acknowledge(SINK["occurrence"]))
    assert page.get_attribute("#banner", "data-flash") == "true"


def test_a_new_condition_breaks_through_an_acknowledged_one(stage, new_page):
    stage.tell(alarming(inactivation="acknowledged"))
    page = new_page(stage.url)
    page.wait_for_selector("#banner[data-quiet=true]")
    stage.tell(falling() | alarm(condition(inactivation="acknowledged"), LOST))
    page.wait_for_selector("#banner[data-flash=true]")

    assert page.inner_text("#banner .text") == "No data from the monitor"


@pytest.mark.req("ALM-05")
@pytest.mark.parametrize(
    ("button", "asked", "ended", "words", "first"),
    [
        ("pause-audio", PauseAudio(120), ResumeAudio(), "Audio paused", "2:00"),
        ("pause-alarms", PauseAlarms(300), ResumeAlarms(), "Alarms paused", "5:00"),
    ],
    ids=["audio", "alarms"],
)
def test_a_pause_counts_down_and_can_be_ended(stage, new_page, button, asked, ended, words, first):
    """At most 120 s of audio and 300 s of alarms are asked for; the time left is shown and runs."""
    stage.tell(alarming())
    page = new_page(stage.url)
    page.click(f"[data-act={button}]")
    page.wait_for_selector(f"#banner .state >> text={words}")
    assert heard(stage, asked)
    assert page.inner_text("#banner .state b") == first

    stage.fall_silent()  # the page counts on by its own clock between two states
    page.wait_for_function(
        "first => document.querySelector('#banner .state b').textContent < first", arg=first
    )
    stage.speak()
    page.click(f"[data-act={button}]")
    page.wait_for_selector("#banner .state", state="detached")
    assert heard(stage, ended)


@pytest.mark.req("ALM-05")
def test_paused_alarms_do_not_flash(stage, new_page):
    stage.tell(falling() | alarm(condition(inactivation="alarm-paused"), alarm_pause_left_s=200.0))
    page = new_page(stage.url)
    page.wait_for_selector("#banner .state >> text=Alarms paused")

    assert page.evaluate("document.getAnimations().length") == 0


def test_audio_off_is_asked_twice_and_stays_in_sight(stage, new_page):
    """The first answer, where the focus stands, changes nothing."""
    stage.tell(alarming())
    page = new_page(stage.url)
    page.click("[data-act=audio-off]")
    assert page.evaluate("document.activeElement.textContent") == "Keep the audio"
    page.keyboard.press("Enter")
    assert stage.acts == []

    page.click("[data-act=audio-off]")
    page.click("text=Turn the audio off")
    page.wait_for_selector("#banner .state >> text=Audio off")
    assert heard(stage, AudioOff())
    assert page.get_attribute("#banner .state use", "href") == "#icon-audio-off"
    assert page.get_attribute("#banner", "data-flash") == "true"

    page.click("[data-act=audio-off]")
    page.wait_for_selector("#banner .state", state="detached")
    assert heard(stage, ResumeAudio())


def test_a_refusal_is_told(new_page):
    with Stage({"or-3": alarming()}, refusal="nothing to acknowledge") as stage:
        page = new_page(stage.url, expect=("409",))
        page.click("[data-act=acknowledge]")
        page.wait_for_selector("#told >> text=Not done: nothing to acknowledge")

        assert page.get_attribute("#banner", "data-quiet") == "false"
