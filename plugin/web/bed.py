"""One bed as the page knows it: its name in URLs, where acts go, and whom to ask for what takes longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from barocast.plugin.desk import Desk


@dataclass(frozen=True, slots=True)
class Bed:
    """Registered with the page before it starts.

    `trend` and `summary` are called from a thread of the page while the bed goes on: they may read only what
    is safe to read beside the bed's loop - rows of a database through a connection of their own, a frozen
    value that the loop replaces whole (as CaseBook.trend and .facts). They may raise; the client is told that
    it did not work. In a silent trial they tell nothing of forecasts: CaseFacts.shown sees to that.
    """

    slug: str
    """For URLs: small letters, digits and hyphens."""
    title: str
    desk: Desk
    trend: Callable[[], Mapping[str, Any]]
    """The whole case, as the page's contract has it; NaN is not allowed in it."""
    summary: Callable[[], str]
    """The case as an HTML page (plugin/cases/summary.py, whose style alone the browser is let use)."""
