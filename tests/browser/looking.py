"""Looking at the page: wait for a state, keep a picture of it, and hold what has to hold of every state."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZES = {"panel": (1024, 600), "desktop": (1920, 1080)}
"""The 7-inch panel, and a desktop or wall screen."""
SPOILT = re.compile(r"\b(NaN|null|undefined|Infinity)\b")
FAULTS = (Path(__file__).parent / "page_faults.js").read_text("utf-8").partition("\n")[2]
MOST_BYTES, COLOURS = 200_000, 128
"""Of a picture: a repository keeps each for good, and the page has few colours."""
SHOWS = """bundle => document.querySelector('#bed').dataset.stale === 'false'
  && document.querySelector('#bundle').textContent === `bundle ${bundle}`"""


def shown(page: Page, state: dict[str, Any]) -> None:
    """Wait until the page shows the state with this bundle, and hold it in the lit half of its flash."""
    page.wait_for_function(SHOWS, arg=state["bundle"])
    page.evaluate("for (const flash of document.getAnimations()) { flash.pause(); flash.currentTime = 0; }")


def resized(page: Page, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})


def keep(page: Page, screens: Path | None, name: str) -> None:
    """Keep a picture if pictures are wanted."""
    if screens is None:
        return
    image = pytest.importorskip("PIL.Image", reason="pictures are made small with Pillow (extra validate)")
    screens.mkdir(parents=True, exist_ok=True)
    path = screens / f"{name}.png"
    image.open(BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS).save(path, optimize=True)
    assert path.stat().st_size < MOST_BYTES


def faults(page: Page) -> list[str]:
    """Give what scrolls or is cut off, text of a contrast < 4.5, targets under 44 px, and a printed NaN."""
    found = [f"{kind}: {which}" for kind, which in page.evaluate(FAULTS).items() if which]
    return found + SPOILT.findall(page.inner_text("body"))
