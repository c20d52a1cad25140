"""The screen as text and colours: what is there, what fits, and that old or unusable values go."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console

from barocast.plugin.losses import loss_words
from barocast.plugin.sinks.screen_chart import chart
from barocast.plugin.sinks.screen_digits import big
from barocast.plugin.sinks.screen_layout import NOT_A_DEVICE, quality_words, render
from barocast.plugin.sinks.terminal import TerminalSink, status_line
from barocast.plugin.sinks.view import Feed, Numeric, View
from barocast.runtime.alarm.events import AlarmSnapshot, Condition, Inactivation
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.domain import Abstain, Fault, FeedCounts, Forecast, Risk

if TYPE_CHECKING:
    from rich.segment import Segment

MINUTES = np.arange(1.0, 16.0)
MEDIAN = 72.0 - MINUTES
FORECAST = Forecast(np.zeros(3), MINUTES, MEDIAN - 8, MEDIAN, MEDIAN + 8, {})
TREND_MIN = np.arange(-15.0, 0.01, 0.25)
ALARM = Condition("forecast hypotension", Priority.MEDIUM, technical=False, text="hypotension forecast: 62%")
LOST = Condition("feed lost", Priority.LOW, technical=True, text="feed lost: hl7", source="hl7")
COUNTS = FeedCounts(frames=12_345, corrupt=12, corrupt_by_reason={"cut short": 3, "fcs": 9})
VIEW = View(
    title="bed 3",
    bundle_id="b-1",
    alarm=AlarmSnapshot(0.0, (ALARM, LOST), audio_pause_left_s=91.2),
    numerics={
        "ABP_MEAN": Numeric(72.4),
        "ABP_SYS": Numeric(108.0),
        "ABP_DIA": Numeric(54.0),
        "HR": Numeric(88.0),
    },
    trend_min=TREND_MIN,
    trend_map=np.full(TREND_MIN.size, 80.0),
    decision=Risk(1830.0, (0.21, 0.62, 0.74), FORECAST),
    feeds=(Feed("intellivue", "associated", COUNTS, {"stray times": 2}),),
    simulated=True,
)
BARE = View("bed 3", "b-1", AlarmSnapshot(0.0), {}, np.array([]), np.array([]))


def segments(view: View, width: int = 80, height: int = 24) -> list[list[Segment]]:
    console = Console(
        width=width, height=height, force_terminal=True, color_system="truecolor", file=io.StringIO()
    )
    return console.render_lines(render(view, width, height), pad=False)


def lines(view: View, width: int = 80, height: int = 24) -> list[str]:
    return ["".join(s.text for s in line) for line in segments(view, width, height)]


def style_of(view: View, words: str) -> str:
    return next(str(s.style) for line in segments(view) for s in line if words in s.text)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (100, 30), (200, 60), (60, 20)])
@pytest.mark.parametrize("view", [VIEW, BARE])
def test_every_line_has_exactly_the_width_and_the_last_says_what_this_is_not(
    view: View, width: int, height: int
):
    drawn = lines(view, width, height)

    assert [len(line) for line in drawn] == [width] * height
    assert drawn[-1].startswith(NOT_A_DEVICE)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (10, 5), (30, 9)])
def test_a_terminal_that_is_too_small_is_cropped_and_not_an_error(width: int, height: int):
    assert len(lines(VIEW, width, height)) <= height


def test_the_screen_names_patient_alarm_feed_bundle_and_that_it_is_simulated():
    text = "\n".join(lines(VIEW))

    for words in (
        "bed 3",
        "SIMULATED PATIENT",
        "!! hypotension forecast: 62%",
        "! feed lost: hl7",
        "audio paused 1:32",
        "intellivue associated, 12,345 frames",
        "12 pieces lost (fcs 9, cut",
        "signal good, 100% valid",
        "bundle b-1",
    ):
        assert words in text


def test_the_risk_stands_as_number_and_bar_for_each_horizon():
    five, ten, fifteen = (line for line in lines(VIEW) if line.startswith("MAP<65"))

    assert five.startswith("MAP<65 in  5 min  21%")
    assert ten.startswith("MAP<65 in 10 min  62%")
    assert fifteen.startswith("MAP<65 in 15 min  74%")
    assert [line.count("━") for line in (five, ten, fifteen)] == [12, 36, 43]  # of 58 columns


def test_the_banner_wears_the_colour_of_its_priority():
    low = replace(VIEW, alarm=AlarmSnapshot(0.0, (LOST,)))

    assert "on bright_yellow" in style_of(VIEW, "!! hypotension")
    assert "on bright_cyan" in style_of(low, "! feed lost")


def lit(condition: Condition) -> list[bool]:
    """Whether the banner is filled, sampled a hundred times over ten seconds."""
    snapshots = (AlarmSnapshot(i / 10, (condition,)) for i in range(100))
    return ["black on" in style_of(replace(VIEW, alarm=s), condition.text) for s in snapshots]


def test_medium_flashes_between_0_4_and_0_8_hz_and_low_is_steady():
    medium = lit(ALARM)
    rises = sum(b and not a for a, b in pairwise(medium))

    assert 4 <= rises <= 8
    assert 0.2 <= np.mean(medium) <= 0.6
    assert all(lit(LOST))


def test_an_acknowledged_condition_stays_steadily_shown_and_says_so():
    acknowledged = replace(ALARM, inactivation=Inactivation.ACKNOWLEDGED)

    assert all(lit(acknowledged))
    assert "(acknowledged)" in lines(replace(VIEW, alarm=AlarmSnapshot(0.0, (acknowledged,))))[1]


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (None, "no decision yet"),
        (Abstain(5.0, "short history: 4.5 of 15 min"), "no forecast: short history: 4.5 of 15 min"),
        (Fault(5.0, "engine"), "forecast fault: engine"),
    ],
)
def test_without_a_forecast_there_is_no_risk_and_no_fan(decision: Abstain | Fault | None, words: str):
    text = "\n".join(lines(replace(VIEW, decision=decision)))

    assert words in text
    assert ("MAP<65" in text, "░" in text) == (False, False)


@pytest.mark.parametrize(
    ("numeric", "note"),
    [
        (Numeric(88.0, reason="flush"), "flush"),
        (Numeric(float("nan"), reason="disconnected"), "disconnected"),
        (Numeric(88.0, age_s=600.0), "600 s ago"),
    ],
)
def test_a_value_that_must_not_be_used_is_not_shown_and_its_reason_is(numeric: Numeric, note: str):
    drawn = lines(replace(VIEW, numerics={"HR": numeric}))
    at = next(i for i, line in enumerate(drawn) if line.startswith("HR"))

    assert "---" in drawn[at]
    assert "88" not in drawn[at]
    assert note in drawn[at + 1][:24]


def test_a_value_of_ten_seconds_shows_its_age():
    drawn = "\n".join(lines(replace(VIEW, numerics={"HR": Numeric(88.0, age_s=14.0)})))

    assert "88 /min" in drawn
    assert "14 s ago" in drawn


@pytest.mark.parametrize(
    ("numerics", "trend", "words"),
    [
        ({"ABP_MEAN": Numeric(72.0)}, [80.0, np.nan], "signal good, 50% valid"),
        ({"ABP_MEAN": Numeric(72.0, reason="flush")}, [80.0, 80.0], "signal not usable (flush), 100% valid"),
        ({}, [], "signal not usable (missing), no MAP yet"),
    ],
)
def test_signal_quality_in_words(numerics: dict[str, Numeric], trend: list[float], words: str):
    trend_map = np.array(trend)

    assert quality_words(replace(VIEW, numerics=numerics, trend_map=trend_map)) == words


# --- chart and digits ---------------------------------------------------------------------------


def braille_rows(drawn: list[str], columns: slice) -> set[int]:
    return {i for i, line in enumerate(drawn) if any("\u2801" <= c <= "\u28ff" for c in line[columns])}


def test_a_flat_trend_is_one_level_left_of_now_and_a_gap_stays_a_gap():
    trend = np.full(TREND_MIN.size, 80.0)
    trend[20:41] = np.nan  # from -10 to -5 min
    drawn = [line.plain for line in chart((TREND_MIN, trend), None, 64, 13)]

    (level,) = braille_rows(drawn, slice(4, 64))
    dotted = [i for i, c in enumerate(drawn[level][4:]) if c >= "\u2801"]
    assert dotted == [*range(10), *range(20, 30)]


def test_the_fan_opens_right_of_now_and_the_limit_is_labelled():
    drawn = [line.plain for line in chart((TREND_MIN, np.full(TREND_MIN.size, 80.0)), FORECAST, 64, 25)]

    widths = [sum(line[c] == "░" for line in drawn) for c in range(4, 64)]
    assert sum(widths[:31]) == 0
    assert sum(widths[31:]) > 100
    assert sum(line.startswith(" 65 ") for line in drawn) == 1


def test_the_axis_grows_for_what_lies_outside_the_usual_range():
    spike = np.where(np.arange(TREND_MIN.size) == 30, 178.0, 80.0)
    labels = [line.plain[:3].strip() for line in chart((TREND_MIN, spike), None, 64, 25)]

    assert [label for label in labels if label.isdigit()] == [
        "180",
        "160",
        "140",
        "120",
        "100",
        "80",
        "65",
        "60",
    ]


def test_big_digits_are_three_rows_of_four_columns_each():
    assert big("07-") == (
        "█▀█ ▀▀█    ",
        "█ █  ▄▀ ▀▀▀",
        "▀▀▀  ▀     ",
    )


# --- the sink -----------------------------------------------------------------------------------


def plain() -> tuple[TerminalSink, io.StringIO]:
    out = io.StringIO()
    return TerminalSink(Console(file=out, width=80)), out


def test_off_a_terminal_each_decision_is_one_line():
    sink, out = plain()
    for view in (
        BARE,
        VIEW,
        replace(VIEW, title="again"),
        replace(VIEW, decision=Abstain(1860.0, "flush: 3 s")),
    ):
        sink.show(view)
    sink.apply(AlarmSnapshot(1.0))

    alarm = "hypotension forecast: 62%; feed lost: hl7"
    assert out.getvalue().splitlines() == [
        f"1830 s forecast: MAP<65 21% in 5 min, 62% in 10 min, 74% in 15 min | {alarm}",
        f"1860 s abstain: flush: 3 s | {alarm}",
    ]


def test_a_fault_has_its_status_line_too():
    assert (
        status_line(replace(BARE, decision=Fault(9.0, "engine"))) == "9 s fault: engine | no alarm condition"
    )


def test_a_snapshot_between_two_views_is_shown_with_the_latest_view():
    sink, _ = plain()
    sink.show(VIEW)

    receipt = sink.apply(AlarmSnapshot(7.0))

    assert receipt.ok
    assert sink._view.alarm == AlarmSnapshot(7.0)
    assert sink._view.trend_map is VIEW.trend_map


def test_on_a_terminal_it_takes_the_alternate_screen_and_gives_it_back():
    out = io.StringIO()
    sink = TerminalSink(Console(file=out, width=80, height=24, force_terminal=True, legacy_windows=False))
    assert sink.self_test().text == "screen: terminal 80 by 24"

    sink.show(VIEW)
    sink.close()

    assert "\x1b[?1049h" in out.getvalue()
    assert "\x1b[?1049l" in out.getvalue()
    assert "bed 3" in out.getvalue()


def test_values_are_taken_away_when_nothing_has_come_for_ten_seconds():
    """A frozen service must not leave a normal pressure on the screen."""
    now_s = [0.0]
    sink = TerminalSink(Console(file=io.StringIO(), width=80), clock=lambda: now_s[0])
    sink.show(VIEW)
    now_s[0] = 11.0

    assert sink._draw().plain == "!! no update for 11 s: values removed"


def test_a_screen_that_cannot_be_written_is_a_receipt():
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    receipt = TerminalSink(Console(file=Gone(), width=80)).show(VIEW)

    assert receipt.text == "screen: Broken pipe"


def test_the_screen_says_why_a_low_pressure_raises_no_forecast_alarm():
    low = replace(VIEW.decision, hypotensive=True)

    assert "no new onset to forecast" in "\n".join(lines(replace(VIEW, decision=low), width=120))
    assert "no new onset to forecast" not in "\n".join(lines(VIEW, width=120))


def test_the_screen_says_what_is_wrong_with_the_box():
    assert "log: No space left" in "\n".join(lines(replace(VIEW, troubles=("log: No space left",))))


def test_what_was_lost_is_told_by_kind_the_most_frequent_first():
    lost = {"bytes not recorded": 4711, "stray times": 0}

    assert loss_words(COUNTS, lost) == "12 pieces lost (fcs 9, cut short 3), 4,711 bytes not recorded"
    assert loss_words(FeedCounts(frames=9), {"stray times": 2}) == "2 stray times"


def test_a_line_that_has_lost_nothing_is_not_spoken_of():
    whole = replace(VIEW, feeds=(Feed("intellivue", "associated", FeedCounts(frames=9)),), simulated=False)

    assert lines(whole)[0].rstrip() == "Barocast  bed 3"
