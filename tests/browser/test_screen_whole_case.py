"""A demo case in a real browser, from admission to the next patient, with nothing played but the patient."""

from __future__ import annotations

import re

from demo_bed import DemoBed
from looking import faults, keep

ALARM_S = 60
"""Wall seconds for half an hour of a case on a busy machine."""


def test_a_demo_case_from_admission_to_discharge(new_page, screens):
    """Admission, alarm, acknowledgement, pause, feed loss, recovery, review, discharge, a bed that hangs."""
    with DemoBed() as bed:
        page = new_page(bed.url)
        page.wait_for_selector("#clock >> text=no case")
        page.keyboard.press("c")
        page.fill("[name=age_years]", "67")
        page.fill("[name=assessment]", "Poor exercise tolerance.")
        page.click("text=Admit")
        page.wait_for_selector(".reading dd >> text=67 years")
        page.keyboard.press("Escape")
        assert page.locator("#simulated").is_visible()

        bed.cut = False
        page.wait_for_selector(
            "#banner[data-flash=true] .text >> text=/hypotension|MAP/i", timeout=1000 * ALARM_S
        )
        page.wait_for_selector("#trend .band")
        keep(page, screens, "demo-alarm-panel")
        assert faults(page) == []
        assert page.locator(".risk .row[data-raises=true]").count() == 1

        page.keyboard.press("a")
        page.wait_for_selector("#banner[data-quiet=true]")
        page.keyboard.press("p")
        page.wait_for_selector("#banner .state >> text=Audio paused")
        assert re.fullmatch(r"[12]:\d\d", page.inner_text("#banner .state b"))

        bed.cut = True
        page.wait_for_selector("#banner >> text=/feed lost|no data/i", timeout=15_000)
        page.wait_for_selector("#map-age[data-old=true]", timeout=15_000)
        bed.cut = False
        page.wait_for_selector("#map-age[data-old=false]", timeout=15_000)
        page.wait_for_selector("#banner >> text=/feed lost|no data/i", state="detached", timeout=15_000)

        page.keyboard.press("r")
        page.wait_for_selector(".review .alarm-mark")
        page.wait_for_selector(".review .band")
        keep(page, screens, "demo-review-panel")
        page.keyboard.press("c")
        page.click("text=Discharge …")
        page.click("#panel-content button >> text=/^Discharge$/")
        page.wait_for_selector("#clock >> text=/no case|case 0:00:/")

        bed.stuck = True
        page.wait_for_selector("#bed[data-stale=true]")
        bed.stuck = False
        page.wait_for_selector("#bed[data-stale=false]")
