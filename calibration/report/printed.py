"""How figures are printed: the same on the page, on the card and on the command line.

A figure that does not exist is printed in words: never as a number, never as "nan".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NONE = "not computed"
MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"


def estimate(found: Mapping[str, float] | None, digits: int = 3) -> str:
    """Print `0.871 (0.845 to 0.893)`."""
    if found is None or not math.isfinite(found["value"]):
        return NONE
    return f"{number(found['value'], digits)} ({interval(found, digits)})"


def interval(found: Mapping[str, float], digits: int = 3) -> str:
    """Print `0.845 to 0.893`, or say that there is none."""
    if not math.isfinite(found["low"]):
        return "no interval"
    return f"{number(found['low'], digits)} to {number(found['high'], digits)}"


def number(value: float | None, digits: int = 2) -> str:
    """Print a number, or say that there is none; what rounds to 0 has no sign."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", MINUS)


def share(value: float | None) -> str:
    """Print a share as a percentage."""
    return NONE if value is None or not math.isfinite(value) else f"{number(100 * value, 1)}{NO_BREAK}%"


def alarmed(shipped: Mapping[str, float], onsets: int) -> str:
    """Print event sensitivity as counts: `16 of the 30 events that could be foreseen (39 onsets in all)`."""
    found, events = number(shipped["detected"], 0), number(shipped["events"], 0)
    return f"{found} of the {events} events that could be foreseen ({number(onsets, 0)} onsets in all)"


def listed(words: Sequence[str]) -> str:
    """Print `5, 10 and 15`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
