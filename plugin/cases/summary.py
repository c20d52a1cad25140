"""A case on one printed page: CaseFacts -> HTML that stands alone, with no script and nothing to fetch.

Everything that came from outside (a title, a reason, a patient's fields) is escaped by the template. A server
that forbids inline styles sends SUMMARY_CSP with it. In a silent trial the page tells nothing of forecasts.
Free text is not printed: a page leaves the room, and a name may stand in it.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from barocast.calibration.events import HYPOTENSION
from barocast.plugin.cases.summary_chart import chart
from barocast.plugin.cases.verdicts import Fate
from barocast.runtime.prompt import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from barocast.plugin.cases.facts import CaseFacts
    from barocast.plugin.cases.verdicts import Judgement

MOST_LINES: Final = 7
"""Of a table, so that a long case stays on one page; how many more there are is said."""
MOST_TEXT: Final = 140
"""Characters of a section of the patient's text, likewise."""
SHORT_S: Final = 120.0
"""Below this a length is told in seconds."""
FREE_TEXT: Final = "assessment"
"""The section of the prompt that holds the notes."""


def summary_page(facts: CaseFacts) -> str:
    """Give the page."""
    facts = facts.shown()
    judgement = facts.judged()
    return _TEMPLATE.render(
        facts=facts,
        about=facts.about,
        judgement=judgement,
        limit=HYPOTENSION.below_mmhg,
        fates=_fates(judgement),
        unforeseen=_unforeseen(facts, judgement),
        shares=_shares(facts.course.tally.states),
        patient=_patient(facts),
        picture=Markup(chart(facts, judgement)),  # noqa: S704 - our own SVG, numbers and fixed words
        most=MOST_LINES,
    )


def _fates(judgement: Judgement) -> list[tuple[Fate, int]]:
    """Count each fate, those of a validation always."""
    met = Counter(verdict.fate for verdict in judgement.verdicts)
    always = (Fate.FOLLOWED, Fate.NOT_FOLLOWED)
    return [(fate, met[fate]) for fate in Fate if met[fate] or fate in always]


def _unforeseen(facts: CaseFacts, judgement: Judgement) -> tuple[int, int]:
    """Count the events that no alarm preceded, and those of them before which nobody forecast."""
    return sum(fall.lead_s is None for fall in judgement.falls), facts.unforeseeable()


def _shares(states: Mapping[str, int]) -> list[tuple[str, float]]:
    """Give each state's share of the decisions, the forecasts first, then the most frequent."""
    total = sum(states.values())
    ordered = sorted(states.items(), key=lambda item: (item[0] != "forecast", -item[1]))
    return [(state, count / total) for state, count in ordered]


def _patient(facts: CaseFacts) -> list[tuple[str, str]]:
    """Give what the model reads of the patient, section by section."""
    if facts.case is None:
        return []
    told = ((name, write(facts.case.patient)) for name, write in SECTIONS.items())
    return [(name, _printed(name, text)) for name, text in told if text]


def _printed(name: str, text: str) -> str:
    if name == FREE_TEXT:
        return f"free text of {len(text.split())} words, not printed"
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"


def _clock(seconds: float) -> str:
    """Print seconds of the case as h:mm."""
    minutes = int(max(seconds, 0.0)) // 60
    return f"{minutes // 60}:{minutes % 60:02}"


def _day(wall: str | None) -> str:
    """Print a wall time to the minute."""
    return f"{wall[:16].replace('T', ' ')} UTC" if wall else "not told"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < SHORT_S else f"{seconds / 60:.0f} min"


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")


def _few(lines: Sequence[Any]) -> Sequence[Any]:
    return lines[:MOST_LINES]


def _template() -> str:
    return files("barocast.plugin.cases").joinpath("summary.html").read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"clock": _clock, "day": _day, "few": _few, "span": _span, "times": _times}
    return environment


def _style_hash(page: str) -> str:
    """Give the CSP source of the page's one <style>."""
    style = page[page.index("<style>") + len("<style>") : page.index("</style>")]
    return f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


_PAGE: Final = _template()
_TEMPLATE: Final = _environment().from_string(_PAGE)
SUMMARY_CSP: Final = f"default-src 'none'; style-src {_style_hash(_PAGE)}"
"""Content-Security-Policy under which the page looks as it should: its own style, and nothing else."""
