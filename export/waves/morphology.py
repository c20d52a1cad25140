"""What a physiologist sees in thirty seconds of waves: pulses, breaths, and how they vary. Pure functions.

In: one window's ABP (1500,) mmHg, pleth (750,) and CO2 (300,) mmHg, NaN where missing. Out: (len(NAMES),)
float32, NaN for what cannot be known: a flat, clipped or missing wave gives NaN, never an exception.

Each quantity of a beat (pulses.BEAT) is given as its median over the good beats, its spread (half the
distance between the 10 and 90 % quantiles) and its drift (median of the last third minus that of the first).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.waves.pulses import BEAT, BEAT_SAMPLES, LEAST_BEATS, find_pulses, row_mean, side_by_side
from barocast.export.waves.windows import ABP_HZ, CO2_HZ, PLETH_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.export.waves.pulses import Pulses

    Floats = NDArray[np.floating[Any]]

SHAPE_POINTS: Final = 12
PLETH_LEAST: Final = 1.0
"""Range, in the archive's units, below which a pleth is no pulse."""
CO2_LEAST_MMHG: Final = 12.0
"""Range of CO2 below which nobody breathes into the line."""
CO2_SLOPE: Final = round(0.5 * CO2_HZ)
LEAST_BREATHS: Final = 2


AGGREGATES: Final = ("", "_spread", "_drift")
WHOLE: Final = (
    *("beats", "ppv", "spv", "baroreflex", "sbp_memory", "resistance_index"),
    *("map_slope", "map_sd_1s", "map_min_5s", "map_last_5s"),
)
SHAPE: Final = tuple(f"shape_{place}" for place in range(SHAPE_POINTS))
PLETH: Final = (
    *("pleth_amplitude", "pleth_amplitude_spread", "pleth_amplitude_drift", "pleth_mean", "pleth_variation"),
    *("pleth_foot_s", "pleth_peak_s", "pleth_width", "pleth_skew", "pleth_sd_1s"),
)
CO2: Final = (
    *("etco2", "etco2_spread", "etco2_drift", "respiratory_rate", "co2_mean", "co2_low"),
    *("co2_expired_share", "co2_plateau_slope"),
)
ABP: Final = (*(name + part for name in BEAT for part in AGGREGATES), *WHOLE, *SHAPE)
NAMES: Final = (*ABP, *PLETH, *CO2)
TREND: Final = ("MAP", "MAP_spread", "MAP_drift", "map_slope", "map_sd_1s", "map_min_5s", "map_last_5s")
"""What mean pressure alone tells of the same thirty seconds: the trend's features."""


def morphology(abp: Floats, pleth: Floats, co2: Floats) -> NDArray[np.float32]:
    """Give the features (len(NAMES),) of one window, in the order of NAMES."""
    pulses = find_pulses(abp)
    found = of_breaths(co2)
    if pulses is not None:
        found |= of_beats(pulses) | of_whole(abp, pulses) | of_pleth(pleth, pulses)
    return np.array([found.get(name, np.nan) for name in NAMES], dtype=np.float32)


def of_beats(pulses: Pulses) -> dict[str, float]:
    """Give every quantity of BEAT by its aggregates, and the mean beat's shape."""
    found: dict[str, float] = {}
    for name, measure in BEAT.items():
        found |= _aggregated(name, measure(pulses))
    return found | dict(zip(SHAPE, _shape(pulses).tolist(), strict=True))


def of_whole(abp: Floats, pulses: Pulses) -> dict[str, float]:
    """Give what is of the window as a whole: slow movement, breathing, reflexes."""
    seconds = _by_second(abp, ABP_HZ)
    sbp, interval = pulses.high, pulses.length / ABP_HZ
    flow = float(np.median(pulses.pulse / (pulses.high + pulses.low) / interval))
    return {
        "beats": float(len(sbp)),
        "ppv": _swing(pulses.pulse, pulses.onset),
        "spv": _swing(sbp, pulses.onset),
        "baroreflex": _slope(sbp[:-1], interval[1:]),
        "sbp_memory": _correlation(sbp[:-1], sbp[1:]),
        "resistance_index": float(np.median(pulses.mean)) / max(flow, 1e-3),
        "map_slope": _slope(np.arange(float(len(seconds))), seconds),
        "map_sd_1s": float(np.nanstd(seconds)),
        "map_min_5s": float(np.nanmin(_fives(seconds))),
        "map_last_5s": float(row_mean(seconds[None, -5:])[0]),
    }


def of_pleth(pleth: Floats, pulses: Pulses) -> dict[str, float]:
    """Give what the pleth does in each arterial beat; nothing where it has no pulse."""
    width = BEAT_SAMPLES * PLETH_HZ // ABP_HZ
    onset, length = pulses.onset * PLETH_HZ // ABP_HZ, pulses.length * PLETH_HZ // ABP_HZ
    wave = side_by_side(np.asarray(pleth, dtype=np.float64), onset, length, width)
    wave = wave[np.isfinite(wave).sum(axis=1) == np.minimum(length, width)]
    if len(wave) < LEAST_BEATS:
        return {}
    low, high = np.nanmin(wave, axis=1), np.nanmax(wave, axis=1)
    amplitude, middle = high - low, (high + low)[:, None] / 2
    if np.median(amplitude) < PLETH_LEAST:
        return {}
    level = (np.nanmean(wave, axis=1) - low) / np.maximum(amplitude, PLETH_LEAST)
    return _aggregated("pleth_amplitude", amplitude) | {
        "pleth_mean": float(np.nanmean(wave)),
        "pleth_variation": float(np.ptp(np.quantile(amplitude, (0.1, 0.9))) / np.median(amplitude)),
        "pleth_foot_s": float(np.median(np.nanargmin(wave, axis=1))) / PLETH_HZ,
        "pleth_peak_s": float(np.median(np.nanargmax(wave, axis=1))) / PLETH_HZ,
        "pleth_width": float(np.median(np.sum(wave > middle, axis=1) / np.isfinite(wave).sum(axis=1))),
        "pleth_skew": float(np.median(level)),
        "pleth_sd_1s": float(np.nanstd(_by_second(pleth, PLETH_HZ))),
    }


def of_breaths(co2: Floats) -> dict[str, float]:
    """Give what each expiration reaches, and how often; nothing where nobody breathes into the line."""
    known = np.asarray(co2, dtype=np.float64)
    if not np.isfinite(known).all() or np.ptp(known) < CO2_LEAST_MMHG:
        return {}
    expired = known > (known.max() + known.min()) / 2
    edges = np.flatnonzero(np.diff(expired.astype(np.int8)))
    starts = [edge + 1 for edge in edges if not expired[edge]]
    if len(starts) < LEAST_BREATHS:
        return {}
    ends = [int(edges[edges >= start].min(initial=len(known))) for start in starts]
    whole = [known[start:end] for start, end in zip(starts, ends, strict=True) if start < end]
    plateau = [float(breath[-1] - breath[max(0, len(breath) - 1 - CO2_SLOPE)]) for breath in whole]
    return _aggregated("etco2", np.array([breath.max() for breath in whole])) | {
        "respiratory_rate": 60 * CO2_HZ * (len(starts) - 1) / (starts[-1] - starts[0]),
        "co2_mean": float(known.mean()),
        "co2_low": float(np.quantile(known, 0.05)),
        "co2_expired_share": float(expired.mean()),
        "co2_plateau_slope": float(np.median(plateau)),
    }


def _aggregated(name: str, values: Floats) -> dict[str, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return {}
    third = max(1, len(known) // 3)
    low, high = np.quantile(known, (0.1, 0.9))
    drift = np.median(known[-third:]) - np.median(known[:third])
    given = (float(np.median(known)), float(high - low) / 2, float(drift))
    return {name + part: value for part, value in zip(AGGREGATES, given, strict=True)}


def _shape(pulses: Pulses) -> Floats:
    """Give the median beat at SHAPE_POINTS even places from foot to foot, 0 at diastole, 1 at systole."""
    places = (np.linspace(0, 1, SHAPE_POINTS, endpoint=False) + 0.5 / SHAPE_POINTS) * (
        pulses.length[:, None] - 1
    )
    beats = pulses.wave[np.arange(len(pulses.length))[:, None], np.round(places).astype(int)]
    return np.asarray(np.median((beats - pulses.low[:, None]) / pulses.pulse[:, None], axis=0))


def _swing(values: Floats, onset: NDArray[np.intp]) -> float:
    """Give (largest - smallest) / middle of five-second pieces (a breath each), the median of them."""
    piece = onset // (5 * ABP_HZ)
    swings = [
        2 * np.ptp(of) / (of.max() + of.min())
        for of in (values[piece == number] for number in np.unique(piece))
        if len(of) > 2  # noqa: PLR2004 - a swing needs an up and a down
    ]
    return float(np.median(swings)) if swings else float("nan")


def _by_second(wave: Floats, rate_hz: int) -> Floats:
    return row_mean(np.asarray(wave, dtype=np.float64).reshape(-1, rate_hz))


def _fives(seconds: Floats) -> Floats:
    return row_mean(seconds.reshape(-1, 5))


def _slope(x: Floats, y: Floats) -> float:
    """Give the least-squares slope of y on x, NaN where x does not move."""
    known = np.isfinite(x) & np.isfinite(y)
    dx, dy = x[known] - np.mean(x[known]), y[known] - np.mean(y[known])
    moved = float(np.sum(dx * dx))
    return float(np.sum(dx * dy)) / moved if moved > 0 else float("nan")


def _correlation(x: Floats, y: Floats) -> float:
    dx, dy = x - np.mean(x), y - np.mean(y)
    size = float(np.sqrt(np.sum(dx * dx) * np.sum(dy * dy)))
    return float(np.sum(dx * dy)) / size if size > 0 else float("nan")
