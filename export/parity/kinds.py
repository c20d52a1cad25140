"""Windows of every kind that a bedside may send, and some that it never should.

In: the channels that a network reads and how a text becomes ids; a cohort's rows where there are some. Out:
Kind values. Made windows come from drawn courses of pressure, played through the bedside's own timeline and
then damaged in the window, so that the trend is always that of the damaged window. No patient is in them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.export.known_answers import INVENTED
from barocast.export.rows import FUTURE_STEPS, Rows, join
from barocast.runtime.domain import HORIZONS_MIN, Abstain, Sample
from barocast.runtime.timeline import STEP_S, WINDOW_STEPS, Timeline
from barocast.runtime.tokens import TREND_CHANNEL, to_model_input
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.runtime.domain import Floats, Patient, Window

    Damage = Callable[[Floats, np.random.Generator], Floats]
    """Window (channel, time), its MAP first, NaN where missing -> the damaged one."""

COURSES: Final = 48
MINUTES: Final = 30
MINUTE: Final = round(60 / STEP_S)
PATCH: Final = 3
"""Columns that a student reads as one."""
USUAL: Final[Mapping[str, float]] = {
    "HR": 70.0,
    "SPO2": 98.0,
    "ETCO2": 36.0,
    "ABP_SYS": 120.0,
    "ABP_DIA": 62.0,
}
"""What channels beside MAP hold; of others, the middle of what is plausible."""
FLUSHED, OPEN, OFF = 250.0, 0.0, 8.0
"""What a transducer reads while the line is flushed, open to air, or off the patient; mmHg."""
TOLD: Final[Mapping[str, Patient]] = {
    "none": INVENTED[0],
    "short": INVENTED[1],
    "long": INVENTED[2],
    "cut off": replace(INVENTED[2], notes=(("assessment", "frail, poor intake for a week, " * 30),)),
}
"""What is known of a patient, by how much of a text that makes; the last has more words than a text holds."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Windows of one kind."""

    name: str
    rows: Rows
    """Made windows have no labels (NaN)."""
    texts: NDArray[np.int64]
    """(case, token) as the rows number them."""
    of_cohort: bool = False


def made_kinds(
    channels: Sequence[str], ids: Callable[[Patient], NDArray[np.int64]], seed: int = 0
) -> list[Kind]:
    """Give every made kind: each text, then each missing pattern, artefact and extreme, half with a text."""
    random = np.random.default_rng(seed)
    windows = [_window(channels, random) for _ in range(COURSES)]
    texts = np.stack([ids(patient) for patient in TOLD.values()])
    spoken = [
        Kind(f"text: {name}", _rows(windows, np.full(COURSES, number)), texts)
        for number, name in enumerate(TOLD)
    ]
    cases = np.arange(COURSES) % 2
    damaged = [
        Kind(name, _rows([_damaged(window, damage, random) for window in windows], cases), texts)
        for name, damage in damages(channels).items()
    ]
    return [*spoken, *damaged, _not_numbers(windows, texts)]


def cohort_kinds(rows: Rows, texts: NDArray[np.int64]) -> list[Kind]:
    """Give every row as it came, and once more without a text."""
    return [
        Kind("cohort: as it came", rows, texts, of_cohort=True),
        Kind("cohort: without text", rows, np.zeros_like(texts), of_cohort=True),
    ]


def damages(channels: Sequence[str]) -> dict[str, Damage]:
    """Give what is done to a window, by the kind's name."""
    dropped: dict[str, Damage] = {
        f"missing: {channels[place]}": _only(row, np.nan, 0, WINDOW_STEPS)
        for row, place in enumerate(_pressure_first(channels))
    }
    return dropped | {
        "missing: everything": lambda values, _: np.full_like(values, np.nan),
        "missing: all but the last 5 min": lambda values, _: _blank(values, 0, WINDOW_STEPS - 5 * MINUTE),
        "missing: all but the last minute": lambda values, _: _blank(values, 0, WINDOW_STEPS - MINUTE),
        "missing: the last minute": lambda values, _: _blank(values, WINDOW_STEPS - MINUTE, WINDOW_STEPS),
        "missing: every other patch": lambda values, _: np.where(_patches() % 2, np.nan, values),
        "missing: patches at random": _random_patches,
        "missing: columns at random": lambda values, random: _hit(values, random, 0.3, np.nan),
        "artefact: flush": lambda values, random: _stretch(values, random, FLUSHED),
        "artefact: flush now": _only(0, FLUSHED, WINDOW_STEPS - 4, WINDOW_STEPS),
        "artefact: open to air": lambda values, random: _stretch(values, random, OPEN),
        "artefact: disconnected": _only(0, OFF, WINDOW_STEPS - 3 * MINUTE, WINDOW_STEPS),
        "artefact: damped": lambda values, _: _damped(values),
        "artefact: spikes": lambda values, random: _hit(values, random, 0.05, 200.0),
        "extreme: 20 mmHg": _only(0, 20.0, 0, WINDOW_STEPS),
        "extreme: 250 mmHg": _only(0, 250.0, 0, WINDOW_STEPS),
        "extreme: from 250 to 20 mmHg": lambda values, _: _falling(values),
        "extreme: 20 and 250 mmHg in turn": lambda values, _: _in_turn(values),
        "extreme: constant": _only(0, 65.0, 0, WINDOW_STEPS),
    }


def _window(channels: Sequence[str], random: np.random.Generator) -> Window:
    steps = MINUTES * MINUTE
    course = random.uniform(62, 100) + np.cumsum(random.normal(0, random.uniform(0.2, 1.5), steps))
    timeline = Timeline(tuple(channels))
    for column, mmhg in enumerate(np.clip(course, 40, 160).tolist()):
        timeline.take(_told(channel, column * STEP_S, mmhg) for channel in channels)
    window = timeline.window((steps - 1) * STEP_S)
    if isinstance(window, Abstain):
        raise RuntimeError(f"made window: {window.reason}")  # noqa: TRY004 - the drawing is at fault
    return window


def _told(channel: str, t_s: float, mmhg: float) -> Sample:
    track = CHANNELS[channel]
    value = mmhg if channel == TREND_CHANNEL else USUAL.get(channel, (track.low + track.high) / 2)
    return Sample(channel, "made", t_s, value, track.unit)


def _damaged(window: Window, damage: Damage, random: np.random.Generator) -> Window:
    """Damage the window; its MAP lies first meanwhile."""
    order = _pressure_first(window.channels)
    values = np.empty_like(window.values)
    values[order] = damage(window.values[order].copy(), random)
    return replace(window, values=values, mask=~np.isnan(values))


def _pressure_first(channels: Sequence[str]) -> list[int]:
    """Give the channels' places, MAP's in front."""
    return sorted(range(len(channels)), key=lambda place: channels[place] != TREND_CHANNEL)


def _rows(windows: Sequence[Window], cases: NDArray[np.int64]) -> Rows:
    return join([_row(window, int(case)) for window, case in zip(windows, cases, strict=True)])


def _row(window: Window, case: int) -> Rows:
    given = to_model_input(window, np.zeros(1, dtype=np.int64))
    unknown = np.full((1, max(len(HORIZONS_MIN), FUTURE_STEPS)), np.nan, dtype=np.float32)
    at = np.full(1, WINDOW_STEPS - 1, dtype=np.int32)
    return Rows(
        series=given.series,
        mask=given.mask,
        trend=given.trend,
        labels=unknown[:, : len(HORIZONS_MIN)],
        future=unknown[:, :FUTURE_STEPS],
        case=np.full(1, case, dtype=np.int32),
        at=at,
    )


def _not_numbers(windows: Sequence[Window], texts: NDArray[np.int64]) -> Kind:
    """Give windows with NaN where a measurement is claimed: what tokens never send must not look sound."""
    rows = _rows(windows, np.arange(len(windows)) % 2)
    series, trend = rows.series.copy(), rows.trend.copy()
    series[:, :, -2 * MINUTE :] = np.nan
    trend[:, 0] = np.nan
    return Kind("never sent: NaN", replace(rows, series=series, trend=trend), texts)


def _only(channel: int, value: float, start: int, stop: int) -> Damage:
    def damage(values: Floats, _: np.random.Generator) -> Floats:
        values[channel, start:stop] = value
        return values

    return damage


def _blank(values: Floats, start: int, stop: int) -> Floats:
    values[:, start:stop] = np.nan
    return values


def _patches() -> NDArray[np.int64]:
    """Give (time,): the number of each column's patch."""
    return np.arange(WINDOW_STEPS) // PATCH


def _random_patches(values: Floats, random: np.random.Generator) -> Floats:
    lost = random.random(WINDOW_STEPS // PATCH) < 0.5  # noqa: PLR2004 - a fair coin
    return np.where(lost[_patches()], np.nan, values)


def _hit(values: Floats, random: np.random.Generator, share: float, value: float) -> Floats:
    values[0, random.random(WINDOW_STEPS) < share] = value
    return values


def _stretch(values: Floats, random: np.random.Generator, value: float) -> Floats:
    start = int(random.integers(WINDOW_STEPS - MINUTE))
    values[0, start : start + MINUTE] = value
    return values


def _damped(values: Floats) -> Floats:
    values[0] = np.nanmean(values[0]) + 0.1 * (values[0] - np.nanmean(values[0]))
    return values


def _falling(values: Floats) -> Floats:
    values[0] = np.linspace(250.0, 20.0, WINDOW_STEPS)
    return values


def _in_turn(values: Floats) -> Floats:
    values[0] = np.where(np.arange(WINDOW_STEPS) % 2, 20.0, 250.0)
    return values
