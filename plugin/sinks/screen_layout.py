"""The bedside screen: `render(view, width, height)` is pure and fits 80 by 24 and upwards.

title, what the line has lost, SIMULATED
alarm banner                     !! yellow, flashing while not acknowledged; ! cyan, steady
further conditions, audio pause
numerics | MAP trend and forecast fan
risk within 5, 10, 15 min
signal quality, feeds
bundle, what this is not
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group
from rich.text import Text

from barocast.plugin.losses import loss_words
from barocast.plugin.sinks.screen_chart import chart
from barocast.plugin.sinks.screen_digits import big
from barocast.plugin.sinks.view import SILENT_TRIAL, Numeric
from barocast.runtime.alarm.events import Inactivation
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.domain import HORIZONS_MIN, Abstain, Fault, Risk

if TYPE_CHECKING:
    from barocast.plugin.sinks.view import View
    from barocast.runtime.alarm.events import AlarmSnapshot, Condition

HYPOTENSIVE = "hypotension now or just past: no new onset to forecast"
NOT_A_DEVICE = "research software, not a medical device"

MARKS = {Priority.HIGH: "!!!", Priority.MEDIUM: "!!", Priority.LOW: "!"}
COLOURS = {Priority.HIGH: "bright_red", Priority.MEDIUM: "bright_yellow", Priority.LOW: "bright_cyan"}
FLASH_HZ = {Priority.HIGH: 2.0, Priority.MEDIUM: 0.6}
"""IEC 60601-1-8: 1.4-2.8 Hz and 0.4-0.8 Hz, on for half the time; low is steady."""

BASE = "white on black"
SIDE, WIDE_SIDE = 24, 30
"""Columns of the numerics: one big, or all of them big."""
AROUND_BODY = 8
"""Lines that are not numerics and chart."""
ROOMY_LINES, ROOMY_COLUMNS = 20, 100
"""Body lines and columns from which every numeric is big."""
STALE_S, EXPIRED_S = 10.0, 120.0
"""Ages from which a value's age is shown, and from which the value is not."""
NUMBER = 3
"""Digits kept free, so that a number stays in place when it gains one."""
RISK_LABEL = 22

NUMERICS = (
    ("MAP", ("ABP_MEAN",), "mmHg", "bright_red"),
    ("ABP", ("ABP_SYS", "ABP_DIA"), "mmHg", "bright_red"),
    ("HR", ("HR",), "/min", "bright_green"),
    ("SpO2", ("SPO2",), "%", "bright_cyan"),
    ("EtCO2", ("ETCO2",), "mmHg", "bright_yellow"),
)
"""Label, channels, unit and colour of each block, from the top."""

MISSING = Numeric(float("nan"), reason="missing")


def render(view: View, width: int, height: int) -> Group:
    """Draw the whole screen as exactly `height` lines of at most `width` columns."""
    view = view.shown()
    body = max(height - AROUND_BODY, 1)
    roomy = body >= ROOMY_LINES and width >= ROOMY_COLUMNS
    side = WIDE_SIDE if roomy else SIDE
    lines = [
        _spread(*_header(view, width), width),
        *_banner(view.alarm, width),
        *_beside(_numerics(view, roomy=roomy), side, _chart(view, width - side, body), body),
        *_risk(view, width),
        _spread(_state_words(view), Text(_feed_words(view), style="grey62"), width),
        _spread(Text(NOT_A_DEVICE, style="bold"), Text(f"bundle {view.bundle_id}", style="grey62"), width),
    ]
    return Group(*(_filled(line, width) for line in lines[:height]))


def _filled(line: Text, width: int) -> Text:
    """Fix the colours whatever the terminal's theme, and cut what would wrap."""
    line.truncate(width, pad=True)
    return Text.assemble(line, style=BASE, no_wrap=True, end="\n")


def _spread(left: Text, right: Text, width: int) -> Text:
    """Set one at either margin; the right one gives way."""
    room = width - left.cell_len - 2
    right.truncate(max(room, 0), overflow="ellipsis")
    return Text.assemble(left, " " * max(width - left.cell_len - right.cell_len, 0), right)


def _header(view: View, width: int) -> tuple[Text, Text]:
    """Give the title with the line's losses, which give way to what says that this is no person."""
    said = Text(" SIMULATED PATIENT ", style="black on white") if view.simulated else Text()
    losses = "  ".join(words for feed in view.feeds if (words := loss_words(feed.counts, feed.losses)))
    left = Text.assemble(("Barocast", "bold"), "  ", view.title, "  ", (losses, "yellow"))
    left.truncate(max(width - said.cell_len - 2, 0), overflow="ellipsis")
    return left, said


# --- alarm banner -------------------------------------------------------------------------------


def _banner(alarm: AlarmSnapshot, width: int) -> list[Text]:
    """Show the first condition across the screen, and the rest with the audio state under it."""
    if not alarm.conditions:
        return [Text("no alarm condition", style="grey62"), _spread(Text(), _audio(alarm), width)]
    others = (Text(_words(c), style=f"bold {COLOURS[c.priority]}") for c in alarm.conditions[1:])
    bar = _bar(alarm.conditions[0], alarm.now_s, width)
    return [bar, _spread(Text("   ").join(others), _audio(alarm), width)]


def _bar(condition: Condition, now_s: float, width: int) -> Text:
    colour = COLOURS[condition.priority]
    style = f"bold black on {colour}" if _lit(condition, now_s) else f"bold {colour}"
    return Text(f" {_words(condition)}".ljust(width), style=style)


def _words(condition: Condition) -> str:
    state = "" if condition.active else " (latched)"
    if condition.inactivation is Inactivation.ACKNOWLEDGED:
        state += " (acknowledged)"
    return f"{MARKS[condition.priority]} {condition.text}{state}"


def _lit(condition: Condition, now_s: float) -> bool:
    hertz = FLASH_HZ.get(condition.priority, 0.0)
    if condition.inactivation is Inactivation.ACKNOWLEDGED:
        return True
    return (now_s * hertz) % 1.0 < 0.5  # noqa: PLR2004 - on for half of each period


def _audio(alarm: AlarmSnapshot) -> Text:
    left_s = int(np.ceil(alarm.audio_pause_left_s))
    if left_s == 0:
        return Text()
    return Text(f"audio paused {left_s // 60}:{left_s % 60:02d}", style="bold")


# --- numerics and chart -------------------------------------------------------------------------


def _beside(left: list[Text], side: int, right: list[Text], lines: int) -> list[Text]:
    blank = Text()
    pairs = (
        (left[i] if i < len(left) else blank, right[i] if i < len(right) else blank) for i in range(lines)
    )
    return [Text.assemble(a, " " * max(side - a.cell_len, 0), b) for a, b in pairs]


def _numerics(view: View, *, roomy: bool) -> list[Text]:
    """Draw each block; the first one big always, the others where there is room."""
    drawn: list[Text] = []
    for place, (label, channels, unit, colour) in enumerate(NUMERICS):
        values = [view.numerics.get(channel, MISSING) for channel in channels]
        block = _big_block if place == 0 or roomy else _line_block
        drawn += block(label, values, unit, colour)
    return drawn


def _big_block(label: str, values: list[Numeric], unit: str, colour: str) -> list[Text]:
    head = Text.assemble((f"{label} ", colour), (unit, "grey62"), "  ", _note(values))
    return [head, *(Text(f" {row}", style=f"bold {colour}") for row in big(_number(values)))]


def _line_block(label: str, values: list[Numeric], unit: str, colour: str) -> list[Text]:
    number = Text(f"{_number(values).strip():>7}", style=f"bold {colour}")
    return [Text(), Text.assemble((f"{label:<6}", colour), number, (f" {unit}", "grey62")), _indented(values)]


def _indented(values: list[Numeric]) -> Text:
    return Text.assemble(" " * 6, _note(values))


def _number(values: list[Numeric]) -> str:
    words = [f"{v.value:.0f}" if _usable(v) else "---" for v in values]
    return "/".join(words).rjust(NUMBER)


def _usable(numeric: Numeric) -> bool:
    return bool(np.isfinite(numeric.value)) and not numeric.reason and numeric.age_s < EXPIRED_S


def _note(values: list[Numeric]) -> Text:
    """Say why a value must not be used, else how old it is once that matters."""
    reason = next((v.reason for v in values if v.reason), None)
    if reason:
        return Text(reason, style="yellow")
    age_s = max(v.age_s for v in values)
    return Text(f"{age_s:.0f} s ago", style="grey62") if age_s >= STALE_S else Text()


def _chart(view: View, width: int, height: int) -> list[Text]:
    forecast = view.decision.forecast if isinstance(view.decision, Risk) else None
    return chart((view.trend_min, view.trend_map), forecast, width, height)


# --- risk, quality, feeds -----------------------------------------------------------------------


def _risk(view: View, width: int) -> list[Text]:
    if view.silent:
        return [Text(), Text(SILENT_TRIAL, style="bold black on white"), Text()]
    if isinstance(view.decision, Risk):
        return [_risk_line(h, p, width) for h, p in zip(HORIZONS_MIN, view.decision.p, strict=False)]
    words = {Abstain: "no forecast", Fault: "forecast fault"}.get(type(view.decision), "no decision yet")
    reason = f": {view.decision.reason}" if view.decision else ""
    return [Text(), Text(f"{words}{reason}", style="bold yellow"), Text()]


def _risk_line(horizon_min: int, p: float, width: int) -> Text:
    known = np.isfinite(p)
    label = f"MAP<65 in {horizon_min:>2} min {f'{p:.0%}' if known else '---':>4}"
    room = width - RISK_LABEL
    halves = round(min(max(p, 0.0), 1.0) * room * 2) if known else 0
    bar = "━" * (halves // 2) + "╸" * (halves % 2)
    rest = "─" * (room - len(bar))
    return Text.assemble((label.ljust(RISK_LABEL), "bold"), (bar, "bright_white"), (rest, "grey30"))


def _state_words(view: View) -> Text:
    """Say what is wrong with the box itself, else how good the signal is and whether MAP is low already."""
    if view.troubles:
        return Text("; ".join(view.troubles), style="black on yellow")
    if isinstance(view.decision, Risk) and view.decision.hypotensive:
        return Text(f"{quality_words(view)}; {HYPOTENSIVE}", style="bold")
    return Text(quality_words(view))


def quality_words(view: View) -> str:
    """Say how good the pressure signal is: its state now, and its valid share over the trend."""
    now = view.numerics.get("ABP_MEAN", MISSING)
    valid = np.isfinite(view.trend_map)
    share = f"{valid.mean():.0%} valid" if valid.size else "no MAP yet"
    state = f"not usable ({now.reason})" if now.reason else "good"
    return f"signal {state}, {share}"


def _feed_words(view: View) -> str:
    return "  ".join(f"{f.name} {f.status}, {f.counts.frames:,} frames" for f in view.feeds)
