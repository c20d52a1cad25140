"""The real series that artefacts are put into: a case of the cohort, as a feed of one of FORMS tells it.

    MAP alone, 10 s               the cases' own MAP
    three numbers, 1 s            the same between its points, with a pulse pressure of our making
    three numbers, 1 s, measured  the few cases with all three
    wave                          ICU records and one operation
    wave and three numbers        the same, and what a monitor shows beside it

ICU records last five minutes: they are told again and again, joined from foot to foot, until a forecast has
its history. The operation's patient is hypotensive, when no forecast may alarm: its pressure is raised.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.export.cohort import SERIES, read_part
from barocast.runtime.domain import Patient, Sample, WaveChunk
from barocast.runtime.quality import TRIPLE
from barocast.runtime.timeline import STEP_S
from barocast.runtime.waves.numerics import WaveNumerics
from benchmarks.insertions import AVERAGES_S, OF_NUMBERS, OF_WAVE, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from barocast.export.cohort import Case
    from barocast.runtime.domain import Event, Floats

MAP_ALONE: Final = "MAP alone, 10 s"
THREE: Final = "three numbers, 1 s"
MEASURED: Final = "three numbers, 1 s, measured"
WAVE: Final = "wave"
BOTH: Final = "wave and three numbers"

MEAN: Final = 2
"""Place of the mean in TRIPLE."""
PULSE: Final = (0.4, 0.8)
"""Pulse pressure of our making, as a share of the mean, by the case; never below LEAST_PULSE_MMHG."""
LEAST_PULSE_MMHG: Final = 18.0
UNSEEN: Final = frozenset({"damped", "clamped", "level"})
"""What a mean alone cannot tell."""
HIDDEN: Final = frozenset({"level"})
"""What nothing can tell from a true change of pressure."""
ICU_RATE_HZ: Final = 125.0
ICU_COUNTS: Final = 50.0
OR_COUNTS: Final = 16.0
"""Counts per mmHg of the operation's wave, by its numerics."""
OR_RAISED_MMHG: Final = 22.0
ICU_SECONDS: Final = 2400
ICU_GOOD: Final = 0.95
"""Least share of good seconds of a record that is used."""
ICU_MAP: Final = (68.0, 110.0)
ICU_RECORDS: Final = 40
"""Of those, evenly over the set."""
NUMBERS_STALE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One insertion."""

    kind: str
    start: int
    """Second of the case."""
    seconds: int
    average_s: int
    """Over which the monitor averages its numbers."""
    seed: int

    @property
    def stop(self) -> int:
        """First second after it."""
        return self.start + self.seconds


@dataclass(frozen=True)
class Told:
    """Numbers once a second, a wave, or both, as events."""

    numbers: Floats
    """(n, 3) as TRIPLE, mmHg; NaN: not told."""
    channels: tuple[int, ...]
    """Columns that are told."""
    every_s: int
    wave: Floats | None = None
    rate_hz: float = 0.0

    def at(self, second: int) -> list[Event]:
        """Give the events of one second."""
        events: list[Event] = []
        if self.wave is not None and second:
            # What arrives now was measured in the second before.
            values = self.wave[round((second - 1) * self.rate_hz) : round(second * self.rate_hz)]
            events.append(WaveChunk("ABP_WAVE", "ABP", second - 1.0, self.rate_hz, values, "mmHg"))
        if second % self.every_s == 0:
            told = ((TRIPLE[column], float(self.numbers[second, column])) for column in self.channels)
            events += [Sample(n, n, float(second), v, "mmHg") for n, v in told if not np.isnan(v)]
        return events


@dataclass(frozen=True)
class Host:
    """One case."""

    form: str
    series: Told
    patient: Patient | None
    each: int
    """Insertions of each kind."""

    @property
    def seconds(self) -> int:
        """Length of the case."""
        return len(self.series.numbers)

    @property
    def every_s(self) -> float:
        """Between two numbers."""
        return self.series.every_s

    @property
    def has_wave(self) -> bool:
        """Whether the wave is told."""
        return self.series.wave is not None

    @property
    def stale_s(self) -> float:
        """As a feed of this cadence would have it."""
        return max(NUMBERS_STALE_S, 2.5 * self.every_s)

    def places(self, history_s: int, seconds: int) -> Floats:
        """Give the seconds at which an artefact of this length can begin: measured, and history before."""
        known = ~np.isnan(self.series.numbers[:, MEAN])
        run = np.concatenate([[0], np.cumsum(known)])
        margin = AVERAGES_S[1]
        starts = np.arange(history_s, self.seconds - seconds - 2 * margin)
        whole = run[starts + seconds + margin] - run[starts - margin] == seconds + 2 * margin
        return np.asarray(starts[whole])

    def inserted(self, plan: Plan) -> Told:
        """Give what the feed tells with an artefact in it."""
        series, random = self.series, np.random.default_rng(plan.seed)
        told = OF_NUMBERS[plan.kind](series.numbers[plan.start : plan.stop], random)
        numbers = shown(series.numbers, told, plan.start, plan.average_s)
        if series.wave is None:
            return replace(series, numbers=numbers)
        span = slice(round(plan.start * series.rate_hz), round(plan.stop * series.rate_hz))
        wave = series.wave.copy()
        wave[span] = OF_WAVE[plan.kind](wave[span], series.rate_hz, np.random.default_rng(plan.seed))
        return replace(series, numbers=numbers, wave=wave)

    def missing(self, plan: Plan) -> Told:
        """Give what the feed tells where the stretch, and what a monitor averages into it, is missing."""
        series, numbers = self.series, self.series.numbers.copy()
        numbers[plan.start : plan.stop + plan.average_s] = np.nan
        if series.wave is None:
            return replace(series, numbers=numbers)
        wave = series.wave.copy()
        wave[round(plan.start * series.rate_hz) : round(plan.stop * series.rate_hz)] = np.nan
        return replace(series, numbers=numbers, wave=wave)

    def tells(self, plan: Plan) -> bool:
        """Whether a value is told of nothing but the artefact, and such a feed could recognise it."""
        if plan.kind in HIDDEN or (self.series.channels == (MEAN,) and plan.kind in UNSEEN):
            return False
        if self.has_wave:
            return True
        first = -(-(plan.start + plan.average_s - 1) // self.series.every_s) * self.series.every_s
        return first < plan.stop


# --- operations: numbers ------------------------------------------------------------------------


@cache
def _cases(cohort: Path) -> tuple[Case, ...]:
    return tuple(case for folder in SERIES for case in read_part(cohort / folder))


def _by_second(grid: Floats) -> Floats:
    """Give a value for every second from one for every 10, lines between neighbours, gaps kept."""
    at = np.arange((len(grid) - 1) * int(STEP_S) + 1) / STEP_S
    low, share = np.floor(at).astype(int), at - np.floor(at)
    high = np.minimum(low + 1, len(grid) - 1)
    between = grid[low] + np.where(share > 0, share * (grid[high] - grid[low]), 0.0)
    return np.asarray(between)


def _with_pulse(mean: Floats, number: int) -> Floats:
    pulse = np.maximum(np.random.default_rng(number).uniform(*PULSE) * mean, LEAST_PULSE_MMHG)
    return np.stack([mean + pulse * 2 / 3, mean - pulse / 3, mean], axis=1)


def _map_alone(cohort: Path, number: int) -> Host:
    case = _cases(cohort)[number]
    numbers = _with_pulse(_by_second(case.map_mmhg), number)
    return Host(MAP_ALONE, Told(numbers, (MEAN,), int(STEP_S)), case.patient, each=1)


def _three(cohort: Path, number: int) -> Host:
    case = _cases(cohort)[number]
    numbers = np.round(_with_pulse(_by_second(case.map_mmhg), number))
    return Host(THREE, Told(numbers, (0, 1, 2), 1), case.patient, each=1)


@cache
def _all_three(cohort: Path) -> tuple[tuple[Floats, Patient | None], ...]:
    """Give the cases of which all three were published, and the operation's monitor."""
    from pyarrow import parquet  # noqa: PLC0415 - `validate` extra, as in export.cohort

    table = parquet.read_table(cohort / "vitaldb_or_more" / "series_10s.parquet")
    case_ids, t_s = (table[name].to_numpy() for name in ("caseid", "t_s"))
    values = np.stack([table[name].to_numpy(zero_copy_only=False) for name in TRIPLE], axis=1)
    found = []
    for case in _cases(cohort):
        mine = case_ids == int(case.case_id)
        if case.folder == "vitaldb_or_more" and np.isfinite(values[mine]).all(axis=1).mean() > 0.5:  # noqa: PLR2004 - most
            grid = np.full((int(t_s[mine].max() // STEP_S) + 1, 3), np.nan)
            grid[np.round(t_s[mine] / STEP_S).astype(int)] = values[mine]
            found.append((np.stack([_by_second(column) for column in grid.T], axis=1), case.patient))
    return (*found, (_operation_numbers(cohort), None))


def _operation_numbers(cohort: Path) -> Floats:
    rows = list(csv.DictReader((cohort / "or_waveforms" / "sample_record_numerics_1hz.csv").open()))
    t_s = np.array([int(row["t_s"]) for row in rows])
    numbers = np.full((t_s.max() + 1, 3), np.nan)
    numbers[t_s] = [[float(row[name] or "nan") for name in TRIPLE] for row in rows]
    return numbers + OR_RAISED_MMHG


def _measured(cohort: Path, number: int) -> Host:
    numbers, patient = _all_three(cohort)[number]
    return Host(MEASURED, Told(numbers, (0, 1, 2), 1), patient, each=10)


# --- waves --------------------------------------------------------------------------------------


@cache
def _waves(cohort: Path) -> tuple[Floats, ...]:
    folder = cohort / "icu_abp_2015"
    rows = csv.DictReader((folder / "records.csv").open())
    good = [
        row["rec"]
        for row in rows
        if float(row["good_frac"]) >= ICU_GOOD and ICU_MAP[0] <= float(row["map_mean"]) <= ICU_MAP[1]
    ]
    kept = good[:: max(1, len(good) // ICU_RECORDS)][:ICU_RECORDS]
    with np.load(folder / "abp_125hz_int16_x50.npz") as records:
        icu = [_told_again(records[name] / ICU_COUNTS) for name in kept]
    with np.load(cohort / "or_waveforms" / "sample_record.npz") as record:
        operation = record["abp_125hz"] / OR_COUNTS + OR_RAISED_MMHG
    return (*icu, operation)


def _told_again(wave: Floats) -> Floats:
    """Repeat a record, cut at a foot near each end, until it is long enough."""
    reach = round(1.5 * ICU_RATE_HZ)
    first, last = int(wave[:reach].argmin()), len(wave) - reach + int(wave[-reach:].argmin())
    once = wave[first:last]
    times = int(np.ceil(ICU_SECONDS * ICU_RATE_HZ / len(once)))
    return np.tile(once, times)[: round(ICU_SECONDS * ICU_RATE_HZ)]


def _numbers_of(wave: Floats) -> Floats:
    """Give what a monitor shows beside a wave: ours, of the untouched wave."""
    seconds = int(len(wave) / ICU_RATE_HZ)
    numbers, derived = np.full((seconds, 3), np.nan), WaveNumerics()
    for second in range(seconds):
        part = wave[round(second * ICU_RATE_HZ) : round((second + 1) * ICU_RATE_HZ)]
        for sample in derived.feed(WaveChunk("ABP_WAVE", "ABP", float(second), ICU_RATE_HZ, part, "mmHg")):
            numbers[second, TRIPLE.index(str(sample.channel))] = (
                round(sample.value) if sample.valid else np.nan
            )
    return numbers


def _of_wave(form: str, channels: tuple[int, ...]) -> Callable[[Path, int], Host]:
    def host_of(cohort: Path, number: int) -> Host:
        wave = _waves(cohort)[number]
        told = Told(_numbers_of(wave), channels, 1, wave, ICU_RATE_HZ)
        return Host(form, told, None, each=2)

    return host_of


FORMS: Final[Mapping[str, tuple[Callable[[Path, int], Host], Callable[[Path], int]]]] = MappingProxyType(
    {
        MAP_ALONE: (_map_alone, lambda cohort: len(_cases(cohort))),
        THREE: (_three, lambda cohort: len(_cases(cohort))),
        MEASURED: (_measured, lambda cohort: len(_all_three(cohort))),
        WAVE: (_of_wave(WAVE, ()), lambda cohort: len(_waves(cohort))),
        BOTH: (_of_wave(BOTH, (0, 1, 2)), lambda cohort: len(_waves(cohort))),
    }
)
"""Name -> one host by its number, and how many there are."""


def count(cohort: Path, form: str) -> int:
    """Give how many hosts tell in this form."""
    return FORMS[form][1](cohort)


def host(cohort: Path, form: str, number: int) -> Host:
    """Give one."""
    return FORMS[form][0](cohort, number)
