"""The same happenings in our circulation and in AnaSim, side by side: both simulated, neither the truth.

`python -m benchmarks.anasim` writes benchmarks/anasim.md. AnaSim is a program of its own, in an environment
of its own: BAROCAST_ANASIM_PYTHON names its interpreter (`pip install anasim-simulator==1.5` there). None of
its code is ours, and nothing of ours depends on it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.plugin.virtual.constitution import USUAL
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import Act, Happening, Scenario
from barocast.runtime.domain import Patient
from barocast.runtime.errors import BarocastError, SettingsError
from benchmarks import machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Channels = Mapping[str, NDArray[np.float64]]
    """Channel -> one value a second."""

PAGE: Final = Path(__file__).with_name("anasim.md")
COURSE: Final = Path(__file__).with_name("anasim_course.py")
PYTHON_VARIABLE: Final = "BAROCAST_ANASIM_PYTHON"
PATIENT: Final = {"age": 45, "weight": 75, "height": 172, "sex": "male"}
PROPOFOL: Final = 2.5
"""Plasma target until something happens, ug/mL."""
REMIFENTANIL: Final = 2.0
"""Plasma target, ng/mL."""
SETTLE_S: Final = 1200
"""At those targets, before the clock starts."""
AT_S: Final = 120
"""When it happens."""
UNTIL_S: Final = 1800
SMOOTHED_S: Final = 10
UNITS: Final = {"ABP_MEAN": "mmHg", "HR": "/min", "ETCO2": "mmHg", "SPO2": "%"}
SAME: Final = "same"
NEITHER: Final = "neither changes"
NOTHING: Final = 1.0
"""Smallest change that counts, in each unit: monitors show whole numbers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one channel answers one happening."""

    before: float
    """Mean over the two minutes before, in the channel's unit, as the next."""
    change: float
    """The largest change against the same patient left alone."""
    half_s: float
    """From the happening to half of it."""

    @property
    def counts(self) -> bool:
        """Whether it is a change at all."""
        return abs(self.change) >= NOTHING

    def cell(self) -> str:
        """Give the table's words."""
        if not self.counts:
            return f"{self.before:.0f} | none | -"
        return f"{self.before:.0f} | {self.change:+.0f} | {self.half_s:.0f}"


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that is done."""

    title: str
    happenings: tuple[Happening, ...]


TRIALS: Final = (
    Trial(
        "Bleeding, 60 mL/min for 15 min",
        (Happening(AT_S, Act.BLEED, 60.0), Happening(AT_S + 900, Act.BLEED, 0.0)),
    ),
    Trial("Propofol target from 2.5 to 5 ug/mL", (Happening(AT_S, Act.PROPOFOL, 5.0),)),
    Trial("Phenylephrine, 100 ug at once", (Happening(AT_S, Act.PHENYLEPHRINE, 100.0),)),
)


def main() -> int:
    """Run both and write the page; 2 with one line where AnaSim cannot be run."""
    try:
        page = measure()
    except BarocastError as error:
        print(f"anasim: {error}", file=sys.stderr)
        return 2
    PAGE.write_text(page, encoding="utf-8")
    print(page)
    return 0


def measure() -> str:
    """Give the page. Raises SettingsError."""
    alone, said = _ours(()), _theirs(())
    rows, verdicts = [], []
    for trial in TRIALS:
        ours, theirs = _ours(trial.happenings), _channels(_theirs(trial.happenings))
        for channel, unit in UNITS.items():
            one = answer(ours[channel], alone[channel])
            other = answer(theirs[channel], _channels(said)[channel])
            verdicts.append(verdict_on(one, other))
            cells = (trial.title, f"{channel}, {unit}", one.cell(), other.cell(), verdicts[-1])
            rows.append(f"| {' | '.join(cells)} |")
    changed = [verdict for verdict in verdicts if verdict != NEITHER]
    return f"""# Beside AnaSim

Both simulated: neither column is a patient. `python -m benchmarks.anasim` on {machine.described()};
AnaSim {said["version"]} (licence {said["licence"]}), run as a program through its own interpreter; none of
its code is in this project. AnaSim 1.6 and later has a licence of its own, for noncommercial use: read it.

A man of {PATIENT["age"]}, {PATIENT["weight"]} kg, {PATIENT["height"]} cm, asleep on propofol
{PROPOFOL:g} ug/mL and remifentanil {REMIFENTANIL:g} ng/mL (plasma targets) for {SETTLE_S // 60} min,
ventilated, not stimulated. Ours is the circulation of the shipped scenarios without its wander. Change: the
largest within {(UNTIL_S - AT_S) // 60} min, against the same patient left alone, on means over
{SMOOTHED_S} s; under {NOTHING:g} is none. Half: seconds until half of it.

| happening | channel | ours before | change | half s | AnaSim before | change | half s | direction |
|---|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

The direction is the same in {changed.count(SAME)} of the {len(changed)} rows in which either changes.
"""


def answer(course: NDArray[np.float64], alone: NDArray[np.float64]) -> Answer:
    """Compare a channel (second,) with that of the patient left alone."""
    off = _smoothed(course - alone)[AT_S // SMOOTHED_S :]
    largest = float(off[np.argmax(np.abs(off))])
    half = int(np.argmax(off * np.sign(largest) >= abs(largest) / 2))
    return Answer(float(course[:AT_S].mean()), largest, float((half + 1) * SMOOTHED_S))


def verdict_on(one: Answer, other: Answer) -> str:
    """Say whether two answers go the same way."""
    if one.counts and other.counts:
        return SAME if one.change * other.change > 0 else "**opposite**"
    if one.counts or other.counts:
        return f"**{'ours' if one.counts else 'AnaSim'} alone**"
    return NEITHER


def _smoothed(course: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(course.reshape(-1, SMOOTHED_S).mean(axis=1))


def _ours(happenings: tuple[Happening, ...]) -> Channels:
    start = (Happening(0, Act.PROPOFOL, PROPOFOL), Happening(0, Act.REMIFENTANIL, REMIFENTANIL))
    scenario = Scenario("beside AnaSim", float(UNTIL_S), Patient(), (*start, *happenings))
    still = replace(USUAL, wander=(0.0,) * len(USUAL.wander))
    patient = SimulatedPatient(scenario, body=still)
    shown = [patient.numerics(float(t_s)) for t_s in range(UNTIL_S)]
    return {channel: np.array([numbers[channel] for numbers in shown]) for channel in UNITS}


def _theirs(happenings: tuple[Happening, ...]) -> dict[str, Any]:
    asked = {
        "patient": PATIENT,
        "settle_s": SETTLE_S,
        "until_s": UNTIL_S,
        "targets": {"propofol": PROPOFOL, "remifentanil": REMIFENTANIL},
        "acts": [(happening.at_s, happening.act.value, happening.value) for happening in happenings],
    }
    # -I: with this folder on its path, `import anasim` would find this very module.
    command = [_python(), "-I", str(COURSE)]
    try:
        done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False)
    except OSError as error:
        raise SettingsError(f"{PYTHON_VARIABLE}={command[0]}: {error.strerror}") from error
    if done.returncode:
        raise SettingsError(f"{PYTHON_VARIABLE}={command[0]}: {done.stderr.strip().splitlines()[-1]}")
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered


def _python() -> str:
    if given := os.environ.get(PYTHON_VARIABLE):
        return given
    raise SettingsError(
        f"{PYTHON_VARIABLE}: name the interpreter of an environment with anasim-simulator; "
        "none is made, since its licence is yours to read"
    )


def _channels(said: Mapping[str, Any]) -> Channels:
    return {channel: np.array(values) for channel, values in said["channels"].items()}


if __name__ == "__main__":
    sys.exit(main())
