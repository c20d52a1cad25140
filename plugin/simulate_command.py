"""`barocast simulate`: cases of virtual populations, as `barocast train cohort --source csv` reads them.

    septic-7-0000.csv    Time,ABP_MEAN,...      a row every STEP_S
    septic-7-0000.json   the patient file
    cases.csv            case_id,subject_id     every case is another patient's
    cohort.json          {"source": "simulated ..."}, which every figure from these cases then shows
    map.json             the column map

The folder is written whole or not at all; one that an earlier run left is replaced, any other that is not
empty is refused (SettingsError). The same populations, number and seed give the same bytes.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.console import Console
from rich.progress import Progress

from barocast.calibration.events import find_events
from barocast.plugin.cases.case import patient_fields
from barocast.plugin.virtual.drawn import draw
from barocast.plugin.virtual.physiology import GRID_S
from barocast.plugin.virtual.populations import POPULATIONS
from barocast.runtime.errors import SettingsError
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator, Sequence

    from barocast.plugin.virtual.drawn import Drawn
    from barocast.plugin.virtual.physiology import SimulatedPatient
    from barocast.plugin.virtual.population import Population

HELP: Final = "Write simulated cases of virtual populations, to train beside real ones."
STEP_S: Final = 2
"""Between two rows: as often as VitalDB keeps a monitor's numbers."""
TIME: Final = "Time"
WRITTEN: Final = ("ABP_MEAN", "ABP_SYS", "ABP_DIA", "HR", "SPO2", "ETCO2", "RR", "TEMP", "BIS")
"""Columns, named as the channels are. No cuff: it rests where there is an arterial line."""
CASES, ABOUT, MAP = "cases.csv", "cohort.json", "map.json"
MOST_CASES: Final = 9999
"""Of a population: about an hour and a half of computing, and what the case numbers have room for."""
OURS: Final = re.compile(r"(cases\.csv|cohort\.json|map\.json|[a-z_]+-\d+-\d{4}\.(csv|json))")
"""Names that this command gives."""


@dataclass(frozen=True, slots=True)
class Course:
    """What became of one case's pressure."""

    hours: float
    lasting_s: tuple[float, ...]
    """Of each event, as all below."""
    lowest_mmhg: tuple[float, ...]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    told = "; ".join(f"{name}: {population.summary}" for name, population in POPULATIONS.items())
    parser.add_argument("--population", action="append", required=True, metavar="NAME", help=told)
    parser.add_argument("--cases", type=int, required=True, metavar="N", help="of each population")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="another seed, other patients")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the folder goes")


def run(args: Namespace) -> int:
    """Write the folder; raises SettingsError."""
    populations = [_population(name) for name in dict.fromkeys(args.population)]
    if not 1 <= args.cases <= MOST_CASES:
        raise SettingsError(f"--cases {args.cases}: must be 1 to {MOST_CASES}")
    if args.seed < 0:
        raise SettingsError(f"--seed {args.seed}: must be 0 or more")
    with _whole(args.out.resolve()) as folder:
        lines = list(_simulated(folder, populations, args.cases, args.seed))
    print(*lines, sep="\n")
    print(
        f"train with: barocast train cohort --source csv --from {args.out} --map {args.out / MAP} --out DIR"
    )
    return 0


def _population(name: str) -> Population:
    if name not in POPULATIONS:
        raise SettingsError(f"--population {name}: unknown; there are {', '.join(POPULATIONS)}")
    return POPULATIONS[name]


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """Give a draft folder that takes its place when the block ends well."""
    try:
        _refuse_other(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as temporary:
            draft = Path(temporary) / out.name
            draft.mkdir()
            yield draft
            shutil.rmtree(out, ignore_errors=True)
            draft.replace(out)
    except OSError as error:
        raise SettingsError(
            f"--out {out}: cannot be written ({error.strerror}); name another folder"
        ) from error


def _refuse_other(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise SettingsError(f"--out {out}: is a file; name a folder")
    names = sorted(path.name for path in out.iterdir()) if out.exists() else []
    if other := next((name for name in names if not OURS.fullmatch(name)), None):
        raise SettingsError(f"--out {out}: holds {other}, which would be lost; name a new folder")


def _simulated(folder: Path, populations: Sequence[Population], cases: int, seed: int) -> Iterator[str]:
    """Write all of it; give a line for each population."""
    names: list[str] = []
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        for population in populations:
            courses = []
            for number in bar.track(range(cases), description=population.name):
                names.append(f"{population.name}-{seed}-{number:04d}")
                courses.append(_write_case(folder / names[-1], draw(population, number, seed)))
            yield _summary(population, courses)
    _write_csv(folder / CASES, ("case_id", "subject_id"), ((name, name) for name in names))
    drawn = ", ".join(population.name for population in populations)
    _write_json(folder / ABOUT, {"source": f"simulated by barocast, seed {seed}: {drawn}"})
    columns = {name: {"channel": name, "unit": CHANNELS[name].unit} for name in WRITTEN}
    _write_json(folder / MAP, {"time": {"column": TIME, "unit": "s"}, "channels": columns})


def _write_case(path: Path, drawn: Drawn) -> Course:
    patient, duration_s = drawn.play(), drawn.scenario.duration_s
    _write_csv(path.with_suffix(".csv"), (TIME, *WRITTEN), _rows(patient, round(duration_s)))
    _write_json(path.with_suffix(".json"), patient_fields(drawn.scenario.patient))
    pressure = patient.mean_pressure(duration_s).reshape(-1, GRID_S).mean(axis=1)
    events = find_events(pressure, GRID_S)
    return Course(
        duration_s / 3600,
        tuple((event.stop - event.start) * float(GRID_S) for event in events),
        tuple(float(pressure[event.start : event.stop].min()) for event in events),
    )


def _rows(patient: SimulatedPatient, duration_s: int) -> Iterator[tuple[object, ...]]:
    for t_s in range(0, duration_s + 1, STEP_S):
        numbers = patient.numerics(float(t_s))
        yield t_s, *(f"{numbers[name]:g}" for name in WRITTEN)


def _summary(population: Population, courses: Sequence[Course]) -> str:
    hours = sum(course.hours for course in courses)
    lasting = [seconds for course in courses for seconds in course.lasting_s]
    lowest = [mmhg for course in courses for mmhg in course.lowest_mmhg]
    struck = sum(bool(course.lasting_s) for course in courses) / len(courses)
    begun = f"{population.name} (simulated): {len(courses)} cases, {hours:.1f} h"
    per_h = f"{len(lasting) / hours:.2f} events/h"
    if not lasting:
        return f"{begun}, {per_h}"
    middle = f"median {np.median(lasting):.0f} s, lowest {np.median(lowest):.0f} mmHg"
    return f"{begun}, {per_h}, {struck:.0%} of cases with one or more, {middle}"


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
