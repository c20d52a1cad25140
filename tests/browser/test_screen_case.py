"""The case on the screen, and the whole page by keyboard alone."""

from __future__ import annotations

import json

import pytest
from bed_states import PATIENT, alarming, calm, nothing
from looking import SIZES, faults, keep, shown
from stage import Stage

from barocast.plugin.cases.case import patient_fields
from barocast.plugin.desk import Admit, Describe, Discharge

STOPS = """() => {
  const here = document.activeElement;
  return here === document.body ? "page" : here.id || here.dataset.act || here.dataset.panel;
}"""


@pytest.fixture
def stage():
    with Stage({"or-3": calm()}) as playing:
        yield playing


def told(act) -> dict[str, object]:
    """Give what the act says of the patient, as the patient file has it."""
    fields = json.loads(json.dumps(patient_fields(act.patient)))
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def test_admit(stage, new_page, screens):
    """What is typed becomes the patient file, what is empty is left out, and the model's text is shown."""
    stage.tell(nothing())
    page = new_page(stage.url)
    page.wait_for_selector("#clock >> text=no case")
    page.keyboard.press("c")
    keep(page, screens, "admit-panel")
    page.fill("[name=age_years]", "67")
    page.select_option("[name=sex]", "F")
    page.select_option("[name=emergency]", "true")
    page.fill("[name=history]", "hypertension, , diabetes")
    page.fill("[name='labs.hb_g_dl']", "10.9")
    page.fill("[name=assessment]", "Poor exercise tolerance.")
    page.click("text=Admit")
    page.wait_for_selector(".reading dd >> text=Poor exercise tolerance.")

    [act] = stage.acts
    assert isinstance(act, Admit)
    assert told(act) == {
        "age_years": 67,
        "sex": "F",
        "emergency": True,
        "history": ["hypertension", "diabetes"],
        "labs": {"hb_g_dl": 10.9},
        "notes": {"assessment": "Poor exercise tolerance."},
    }


def test_describe_keeps_what_the_form_does_not_show(stage, new_page):
    """One field changes; laboratory values and notes that have no field stay."""
    page = new_page(stage.url)
    shown(page, calm())
    page.keyboard.press("c")
    page.fill("[name=weight_kg]", "74.5")
    page.click("text=Save the description")
    page.wait_for_function("() => document.querySelector('[name=weight_kg]').value === '74.5'")
    page.wait_for_timeout(300)

    [act] = stage.acts
    assert isinstance(act, Describe)
    assert told(act) == PATIENT | {"weight_kg": 74.5}


def test_the_next_patient(stage, new_page):
    """A new patient begins with an empty form; nothing of the former one is carried over."""
    page = new_page(stage.url)
    shown(page, calm())
    page.keyboard.press("c")
    page.click("text=New patient …")
    assert page.input_value("[name=assessment]") == ""
    page.fill("[name=age_years]", "41")
    page.click("#panel-content button >> text=/^Admit$/")
    page.wait_for_selector("text=Save the description")

    [act] = stage.acts
    assert isinstance(act, Admit)
    assert told(act) == {"age_years": 41}


def test_what_cannot_be_is_not_sent(stage, new_page):
    page = new_page(stage.url)
    shown(page, calm())
    page.keyboard.press("c")
    page.fill("[name=age_years]", "670")
    page.click("text=Save the description")

    assert page.evaluate("document.activeElement.name") == "age_years"
    assert page.get_attribute("[name=age_years]", "aria-invalid") == "true"
    assert stage.acts == []


def test_what_is_typed_survives_new_states(stage, new_page):
    """States come ten times a second here; a form that is being filled is left alone."""
    page = new_page(stage.url)
    shown(page, calm())
    page.keyboard.press("c")
    page.fill("[name=assessment]", "half a sen")
    page.wait_for_timeout(500)
    page.keyboard.type("tence")

    assert page.input_value("[name=assessment]") == "half a sentence"


@pytest.mark.parametrize("size", SIZES)
def test_discharge_is_asked_twice(stage, new_page, screens, size):
    page = new_page(stage.url, size)
    shown(page, calm())
    page.keyboard.press("c")
    page.click("text=Discharge …")
    keep(page, screens, f"discharge-{size}")
    assert faults(page) == []
    page.keyboard.press("Escape")
    assert stage.acts == []

    page.keyboard.press("c")
    page.click("text=Discharge …")
    page.click("#panel-content button >> text=/^Discharge$/")
    page.wait_for_selector("#clock >> text=no case")
    assert stage.acts == [Discharge()]


def test_review_zooms_moves_and_reads(stage, new_page):
    """By keyboard: plus zooms, arrows move, Shift with arrows reads a moment with what was forecast of it."""
    page = new_page(stage.url)
    shown(page, calm())
    page.keyboard.press("r")
    page.wait_for_selector(".review .map-line")
    ticks = "[...document.querySelectorAll('.review .plot text')].map((t) => t.textContent).join(' ')"
    whole = page.evaluate(ticks)
    page.focus(".review .plot")
    page.keyboard.press("+")
    zoomed = page.evaluate(ticks)
    page.keyboard.press("ArrowRight")
    moved = page.evaluate(ticks)
    page.keyboard.press("Shift+ArrowLeft")

    assert len({whole, zoomed, moved}) == 3
    assert "was forecast" in page.inner_text(".review .read")


def test_every_control_is_reached_by_tab_and_shows_its_focus(stage, new_page):
    """Tab walks through all controls and out at the end, in the order of the page."""
    page = new_page(stage.url)
    shown(page, calm())
    stops = []
    for _ in range(12):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOPS)
        if stop in {"page", *stops}:
            break
        stops.append(stop)
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"

    assert stops == [
        "theme",
        "open-keys",
        "acknowledge",
        "pause-audio",
        "audio-off",
        "pause-alarms",
        "history",
        "review",
        "case",
    ]


def test_panels_trap_nobody(stage, new_page):
    """A panel takes the focus, Tab leads out of it, Escape closes it and gives the focus back."""
    page = new_page(stage.url)
    shown(page, calm())
    page.focus("[data-panel=history]")
    page.keyboard.press("Enter")
    assert page.evaluate(STOPS) == "panel"
    page.keyboard.press("Tab")
    assert page.evaluate(STOPS) == "close-panel"
    page.keyboard.press("Tab")
    assert page.evaluate(STOPS) == "acknowledge"
    page.keyboard.press("Escape")

    assert page.locator("#panel").is_hidden()
    assert page.evaluate(STOPS) == "history"


def test_letters_that_are_typed_are_no_commands(stage, new_page):
    stage.tell(alarming())
    page = new_page(stage.url)
    shown(page, alarming())
    page.keyboard.press("c")
    page.focus("[name=assessment]")
    page.keyboard.type(" apl?")

    assert page.input_value("[name=assessment]").endswith(" apl?")
    assert stage.acts == []


def test_everything_by_keyboard_alone(stage, new_page):
    """From alarm to acknowledgement, pause and discharge without a pointer."""
    stage.tell(alarming())
    page = new_page(stage.url)
    shown(page, alarming())
    page.keyboard.press("a")
    page.wait_for_selector("#banner[data-quiet=true]")
    page.keyboard.press("p")
    page.wait_for_selector("#banner .state >> text=Audio paused")
    page.keyboard.press("l")
    page.wait_for_selector("#banner .state >> text=Alarms paused")
    page.keyboard.press("c")
    page.focus("text=Discharge …")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#clock >> text=no case")

    assert [type(act).__name__ for act in stage.acts] == [
        "Acknowledge",
        "PauseAudio",
        "PauseAlarms",
        "Discharge",
    ]
