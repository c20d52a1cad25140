"""A simulated patient as a Source: numbers and waves, the same however often they are asked for.

The circulation (circulation.py) is integrated once a second in minutes of course, from one seeded
generator, and kept; beats follow from it, waves from the beats, and the monitor's numbers are the means
over the beats of the last AVERAGE_S, as a monitor's are. Asking never changes anything.

Everything from here is simulated, and whatever shows it has to say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from barocast.calibration.events import find_events
from barocast.plugin.virtual.arterial_wave import Beats, arterial, pleth
from barocast.plugin.virtual.circulation import STEP_S, act_on, advance, settled
from barocast.plugin.virtual.constitution import USUAL, WANDER_S
from barocast.plugin.virtual.line_faults import read_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.plugin.virtual.constitution import Constitution
    from barocast.plugin.virtual.scenario import Scenario
    from barocast.plugin.virtual.team import Team
    from barocast.runtime.domain import Floats

START_S = -20.0
"""The course begins this much before the case, so that the first numbers have beats behind them."""
SEGMENT_S = 60
"""The course grows by so much at a time."""
AHEAD_S = 5.0
"""Longer than any beat: what a wave needs of the future to finish the one it is in."""
AVERAGE_S = 8.0
"""Beats behind a number on the screen."""
PLETH_DELAY_S = 0.2
"""From the artery to the finger."""
BREATHS_PER_MIN = 12.0
NIBP_EVERY_S = 300.0
WAVE_NOISE_MMHG = 0.25
_NOISE_SIZE = 8192
MEAN, RATE, STROKE, PRELOAD, DEPTH = range(5)
"""Columns of the course."""
GRID_S = 10


class SimulatedPatient:
    """Play a scenario; the same seed gives the same patient, minute by minute.

    A team, where there is one, answers what it sees in a case that runs; it belongs to this patient alone.
    """

    def __init__(
        self, scenario: Scenario, seed: int = 0, body: Constitution = USUAL, team: Team | None = None
    ) -> None:
        self.scenario = scenario
        self._body = body
        self._team = team
        self._random = np.random.default_rng(seed)
        self._noise: Floats = self._random.standard_normal(_NOISE_SIZE)
        self._state = settled(scenario.happenings, body)
        self._waiting = [happening for happening in scenario.happenings if happening.at_s > 0]
        self._seconds: Floats = np.empty((0, DEPTH + 1))  # (second, field)
        self._cycles = 0.0  # heart cycles up to the end of the course
        self._beats = Beats(*(np.empty(0) for _ in range(4)))

    def numerics(self, t_s: float) -> dict[str, float]:
        """Give what the monitor shows at `t_s`: channel -> canonical unit, at a monitor's resolution."""
        self._reach(t_s)
        return {**self._arterial_numbers(t_s), **self._cuff_numbers(t_s), **self._other_numbers(t_s)}

    def wave(self, channel: str, t_s: float, n: int, rate_hz: float) -> Floats:
        """Give `n` samples from `t_s` on, (n,) canonical unit; NaN for a wave that is not simulated."""
        read = {"ABP_WAVE": self._arterial, "PLETH_WAVE": self._pleth}.get(channel)
        if read is None:
            return np.full(n, np.nan)
        index = round(t_s * rate_hz) + np.arange(n)  # so that a sample's value hangs on its place alone
        times = index / rate_hz
        self._reach(float(times[-1]) if n else t_s)
        return read(times, index)

    def mean_pressure(self, duration_s: float) -> Floats:
        """Give the true mean arterial pressure, once a second from 0 on, (second,) mmHg, without artefact."""
        self._reach(duration_s)
        first = round(-START_S)
        return self._seconds[first : first + int(duration_s), MEAN]

    def _reach(self, t_s: float) -> None:
        while self._until() < t_s + AHEAD_S:
            self._grow()

    def _until(self) -> float:
        return START_S + len(self._seconds) * STEP_S

    def _grow(self) -> None:
        noise = self._random.standard_normal((SEGMENT_S, len(WANDER_S) + 1))
        start_s = self._until()
        segment = np.array([self._second(start_s + i, noise[i]) for i in range(SEGMENT_S)])
        self._seconds = np.concatenate([self._seconds, segment])
        self._beats = self._beats.joined(self._beat_out(start_s, segment))

    def _second(self, t_s: float, noise: Floats) -> tuple[float, ...]:
        while self._waiting and self._waiting[0].at_s <= t_s:
            act_on(self._state, self._waiting.pop(0))
        second = advance(self._state, noise[:-1].tolist())
        if self._team is not None and t_s >= 0:
            for happening in self._team.answer(t_s, second.mean, self._state):
                act_on(self._state, happening)
        rate = second.rate * (1 + 0.012 * _breath(np.array(t_s)).item() + 0.01 * float(noise[-1]))
        return second.mean, rate, second.stroke_ml, second.preload, second.depth

    def _beat_out(self, start_s: float, segment: Floats) -> Beats:
        """Place a beat wherever the heart's cycles, counted through the segment, pass a whole number."""
        cycles = self._cycles + np.concatenate([[0.0], np.cumsum(segment[:, RATE] * STEP_S / 60)])
        edges = start_s + np.arange(len(cycles)) * STEP_S
        whole = np.arange(np.ceil(cycles[0]), np.ceil(cycles[-1]))
        onset = np.interp(whole, cycles, edges)
        self._cycles = float(cycles[-1])
        mean, rate, stroke, preload, _depth = segment[(onset - start_s).astype(int)].T
        breath = _breath(onset)
        variation = 0.03 + 0.12 * np.clip(1.1 - preload, 0, 1)  # grows as the heart runs empty
        pulse = stroke / (self._body.compliance_ml_mmhg - 0.006 * (mean - 85)) * (1 + variation * breath)
        return Beats(onset, 60 / rate, mean + 1.0 * breath, pulse)

    def _arterial_numbers(self, t_s: float) -> dict[str, float]:
        sys, dia, mean = self._average(t_s)
        level, gain = read_line(self.scenario.faults, np.array([t_s]), np.array([mean]))
        read = level + gain * (np.array([sys, dia, mean]) - mean)
        return dict(zip(("ABP_SYS", "ABP_DIA", "ABP_MEAN"), np.round(read).tolist(), strict=True))

    def _average(self, t_s: float) -> tuple[float, float, float]:
        beats = self._beats.between(t_s - AVERAGE_S, t_s)
        diastolic = beats.diastolic
        return float((diastolic + beats.pulse).mean()), float(diastolic.mean()), float(beats.mean.mean())

    def _cuff_numbers(self, t_s: float) -> dict[str, float]:
        """Give the last cuff pressure; it reads a little below the artery and far less exactly."""
        count = int(max(t_s, 0.0) // NIBP_EVERY_S)
        error = -3 + 5 * self._noise[count % _NOISE_SIZE]
        names = ("NIBP_SYS", "NIBP_DIA", "NIBP_MEAN")
        values = np.round(np.array(self._average(count * NIBP_EVERY_S)) + error)
        return dict(zip(names, values.tolist(), strict=True))

    def _other_numbers(self, t_s: float) -> dict[str, float]:
        second = self._seconds[int(t_s - START_S)]
        rate = 60 / float(self._beats.between(t_s - AVERAGE_S, t_s).interval_s.mean())
        output = second[RATE] * second[STROKE] / 1000
        slow = self._noise[int(t_s / 30) % _NOISE_SIZE]
        body = self._body
        lacking = max(0.0, body.ventilated_l_min - output)
        return {
            "HR": round(rate),
            "PR": round(rate),
            "SPO2": min(100.0, round(body.spo2 - body.spo2_fall * lacking + 0.4 * slow)),
            "ETCO2": round(body.etco2_mmhg * (output / body.ventilated_l_min) ** 0.35 + 0.3 * slow),
            "RR": BREATHS_PER_MIN,
            "TEMP": round(36.4 - 0.3 * t_s / 3600, 1),
            "BIS": round(float(np.clip(97 - 52 * second[DEPTH] + 2 * slow, 0, 97))),
        }

    def _arterial(self, t_s: Floats, index: NDArray[np.intp]) -> Floats:
        """Give what the transducer reads at times `t_s` (n,), sample numbers `index` (n,), in mmHg."""
        mean = np.interp(t_s, START_S + np.arange(len(self._seconds)) * STEP_S, self._seconds[:, MEAN])
        level, gain = read_line(self.scenario.faults, t_s, mean)
        noise = WAVE_NOISE_MMHG * self._noise[index % _NOISE_SIZE]
        return np.asarray(level + gain * (arterial(self._beats, t_s) - mean) + noise)

    def _pleth(self, t_s: Floats, index: NDArray[np.intp]) -> Floats:
        """Give the plethysmogram, (n,) without unit."""
        return pleth(self._beats, t_s - PLETH_DELAY_S) + 0.2 * self._noise[index % _NOISE_SIZE]


def _breath(t_s: Floats) -> Floats:
    return np.asarray(np.sin(2 * np.pi * BREATHS_PER_MIN / 60 * t_s))


def onset_s(scenario: Scenario, seed: int = 0) -> float | None:
    """Give the onset (s) of the first hypotensive event of the true MAP, or None.

    Judged as an event is everywhere: on means over 10 s, so the answer is a multiple of 10.
    """
    seconds = SimulatedPatient(scenario, seed).mean_pressure(scenario.duration_s)
    grid = seconds[: len(seconds) // GRID_S * GRID_S].reshape(-1, GRID_S).mean(axis=1)
    events = find_events(grid, GRID_S)
    return float(events[0].start * GRID_S) if events else None
