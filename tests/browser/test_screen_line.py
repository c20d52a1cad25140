"""The line to the service: staleness, recovery, tokens, several beds."""

from __future__ import annotations

import time

import pytest
from bed_states import LOST, alarm, alarming, calm, lost
from looking import SIZES, faults, keep, resized, shown
from stage import Stage

from barocast.runtime.alarm.events import Acknowledge

TOKEN = "a-token-of-the-test-room"  # noqa: S105 - opens nothing
NO_ANSWER = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE", "net::ERR")


@pytest.fixture
def stage():
    with Stage({"or-3": alarming()}) as playing:
        yield playing


def test_a_bed_that_hangs_makes_the_screen_stale(stage, new_page, screens):
    """The service repeats nothing; after 3 s the page says so over greyed numbers, and recovers by itself."""
    page = new_page(stage.url)
    page.wait_for_selector("#bed[data-stale=false]")
    stage.fall_silent()
    began = time.monotonic()
    page.wait_for_selector("#bed[data-stale=true]")

    assert 2.0 < time.monotonic() - began < 4.5
    assert page.inner_text("#stale-words") == "SCREEN IS STALE – not current"
    assert page.inner_text("#stale-since") == "nothing new for 3 s"
    assert page.locator("#stale-line").is_visible()
    assert "grayscale" in page.evaluate("getComputedStyle(document.querySelector('.left')).filter")
    assert page.evaluate("document.getAnimations().length") == 0
    for size in SIZES:
        resized(page, size)
        keep(page, screens, f"stale-{size}")
        assert faults(page) == []
    page.wait_for_function("() => document.querySelector('#stale-since').textContent.includes('5 s')")

    stage.speak()
    page.wait_for_selector("#bed[data-stale=false]")
    assert page.locator("#stale").is_hidden()


def test_a_service_that_comes_back_is_found_again(stage, new_page):
    page = new_page(stage.url, expect=NO_ANSWER)
    page.wait_for_selector("#bed[data-stale=false]")
    stage.stop()
    page.wait_for_selector("#bed[data-stale=true]")
    stage.start()
    page.wait_for_selector("#bed[data-stale=false]", timeout=10_000)

    assert page.inner_text("#map-value") == "71"


def test_an_act_on_a_dead_service_is_not_shown_as_done(stage, new_page):
    page = new_page(stage.url, expect=NO_ANSWER)
    page.wait_for_selector("#bed[data-stale=false]")
    stage.stop()
    page.click("[data-act=acknowledge]")
    page.wait_for_selector("#told >> text=Not done: no answer from the service")

    assert page.get_attribute("#banner", "data-quiet") == "false"


def test_feed_loss_and_recovery(stage, new_page):
    """A silent monitor: its technical alarm, old values, no forecast; all of it ends with the silence."""
    page = new_page(stage.url)
    page.wait_for_selector(".risk .p")
    stage.tell(lost())
    page.wait_for_selector("#banner .text >> text=No data from the monitor")

    assert page.inner_text("#map-age").startswith("OLD 3")
    assert page.locator(".risk .p, #trend .band").count() == 0
    assert "silent" in page.inner_text("#feeds")

    stage.tell(calm())
    page.wait_for_selector("#banner[data-priority=none]")
    assert page.locator("#trend .band").count() == 1


def test_acting_with_a_token(new_page, screens):
    """Looking on this box needs no token; the first act asks for it and is then done."""
    with Stage({"or-3": alarming()}, token=TOKEN) as stage:
        page = new_page(stage.url, expect=("401",))
        page.click("[data-act=acknowledge]")
        page.wait_for_selector("input[name=token]")
        assert page.evaluate("document.activeElement.name") == "token"
        keep(page, screens, "token-panel")
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        page.wait_for_selector("#told >> text=not the token")
        page.fill("input[name=token]", TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_selector("#banner[data-quiet=true]")

        assert stage.acts == [Acknowledge(None)]
        assert page.locator("#panel").is_hidden()


def test_no_token_no_act(new_page):
    with Stage({"or-3": alarming()}, token=TOKEN) as stage:
        page = new_page(stage.url, expect=("401",))
        page.click("[data-act=acknowledge]")
        page.wait_for_selector("input[name=token]")
        page.keyboard.press("Escape")
        page.wait_for_selector("#told >> text=Not done")

        assert stage.acts == []


def test_several_beds_are_tiles(new_page, screens):
    """Each tile leads to its bed; a bed that says nothing more is told as such."""
    beds = {
        "or-1": calm() | {"title": "OR 1"},
        "or-2": alarming() | {"title": "OR 2"},
        "or-3": calm() | alarm(LOST) | {"title": "OR 3", "decision": None},
        "or-4": calm() | {"title": "OR 4", "simulated": True},
    }
    with Stage(beds) as stage:
        page = new_page(stage.url)
        page.wait_for_selector(".tile[data-priority=medium] >> text=MAP below 65")
        page.wait_for_selector(".tile:has-text('OR 4') >> text=SIMULATED")
        for size in SIZES:
            resized(page, size)
            keep(page, screens, f"beds-{size}")
            assert faults(page) == []
        stage.fall_silent()
        page.wait_for_selector(".tile >> text=Not current")
        stage.speak()
        page.click(".tile:has-text('OR 2')")
        shown(page, beds["or-2"])

        assert page.url.endswith("/bed/or-2")
        assert page.inner_text("#title") == "OR 2"
        assert page.locator("#to-beds").is_visible()
