"""`barocast validate`: what a bundle's forecasts are worth on cases that it never saw.

    --cases DIR --bundle DIR --out DIR       play, judge, and write the report (export.validation.written)
    --from-log FILE ... --out DIR            judge what the bedside logged (export.live)

Patients who taught the bundle anything are left out and counted (calibration.learned_from); nothing is
written until everything is computed. Needs the `validate` extra.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from barocast.calibration.bootstrap import DRAWS
from barocast.calibration.gate import hold
from barocast.runtime.bundle import default_bundle
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from rich.progress import TaskID
    from typing_extensions import Self

    from barocast.calibration.gate import Finding, Floor

HELP: Final = "Judge a bundle on held-out cases: figures with intervals, comparators, report, gate."
STUDY_ONLY: Final = ("cases", "scores", "record", "scheduler", "parent", "undamaged", "jobs")
"""Options that mean nothing beside --from-log."""
GATE_CLOSED: Final = 1
"""Exit status when a floor is broken."""
MIN_DRAWS: Final = 200
"""Below it a 95 % interval rests on too few draws in its tails."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what `barocast validate` takes."""
    parser.add_argument("--cases", type=Path, help="folder of cases (docs/validation.md has its forms)")
    parser.add_argument(
        "--from-log",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="decision logs of a bedside, in order, instead",
    )
    parser.add_argument(
        "--reference", type=Path, metavar="REPORT", help="report.json of the validation, for input drift"
    )
    parser.add_argument("--bundle", type=Path, help="bundle directory (default: the embedded one)")
    parser.add_argument("--trust", type=Path, help="JSON file of further public keys to trust")
    parser.add_argument("--out", type=Path, help="folder for the report")
    parser.add_argument("--jobs", type=int, help="local processes (default: one a processor)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler instead of local processes")
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"bootstrap draws (default {DRAWS})")
    parser.add_argument(
        "--scores", type=Path, help="CSV of another score on the same cases: case_id,t_s,NAME..."
    )
    parser.add_argument("--parent", type=Path, help="float ONNX graph that the bundle's was quantized from")
    parser.add_argument(
        "--undamaged", action="store_true", help="leave out the plays with damaged input: most of the time"
    )
    parser.add_argument("--gate", type=Path, help="TOML file of floors; status 1 when one is broken")
    parser.add_argument(
        "--record", type=Path, help="change-control file: what --gate found of this bundle is added"
    )


def run(args: Namespace) -> int:
    """Validate; give the exit status."""
    _check(args)
    if args.from_log:
        from barocast.export.live import run_live  # noqa: PLC0415 `validate` extra

        return run_live(args)
    return _run_on_cases(args)


def _run_on_cases(args: Namespace) -> int:
    from barocast.export.validation.case_folder import read_folder  # noqa: PLC0415 `validate` extra
    from barocast.export.validation.gate_file import read_floors, read_record, record  # noqa: PLC0415 likewise
    from barocast.export.validation.gather import Source  # noqa: PLC0415 likewise
    from barocast.export.validation.study import Plan, study  # noqa: PLC0415 likewise
    from barocast.export.validation.workers import Workforce  # noqa: PLC0415 likewise
    from barocast.export.validation.written import write  # noqa: PLC0415 likewise

    floors = read_floors(args.gate) if args.gate else []
    if args.record is not None:
        read_record(args.record)  # what is wrong with it must not come out after minutes of work
    cases = read_folder(args.cases.resolve())  # a cluster's workers stand in another folder
    bundle, trust, parent = (
        path and path.resolve() for path in (args.bundle or default_bundle(), args.trust, args.parent)
    )
    source = Source(bundle, trust, parent=parent)
    workforce = Workforce(args.jobs or os.cpu_count() or 1, args.scheduler)
    plan = Plan(source, workforce, args.draws, args.scores, not args.undamaged)
    with Stages() as stages:
        report = study(cases, plan, stages)
    findings, trouble = _held(report, floors)
    text = write(args.out, report | {"gate": [asdict(finding) for finding in findings]})
    if trouble:
        raise SettingsError(f"--gate {args.gate}: {trouble}")
    for finding in findings:
        print(f"{'pass' if finding.passed else 'FAIL'}  {finding.reason}")
    if args.record is not None:
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        newest = record(args.record, now, text, report, findings)
        print(f"{args.record}: the hash of the newest line is {newest}; keep it elsewhere")
    return 0 if all(finding.passed for finding in findings) else GATE_CLOSED


class Stages:
    """A progress bar a stage, on stderr; a stage appears when it is first told of."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._shown = Progress(*columns, console=Console(stderr=True))
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Note that `done` more of `total` pieces of a stage are done."""
        if stage not in self._tasks:
            self._tasks[stage] = self._shown.add_task(stage, total=total)
        self._shown.advance(self._tasks[stage], done)

    def __enter__(self) -> Self:
        self._shown.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.stop()


def _check(args: Namespace) -> None:
    wanted, given = ("--from-log FILE", "from_log") if args.from_log else ("--cases DIR", "cases")
    missing = [name for name in (given, "out") if getattr(args, name) is None]
    if missing:
        raise SettingsError(f"--{missing[0]}: missing; barocast validate {wanted} --out DIR")
    for name in STUDY_ONLY if args.from_log else ("reference",):
        if getattr(args, name) not in {None, False}:
            raise SettingsError(f"--{name}: means nothing with {wanted}; leave it out")
    if args.record is not None and args.gate is None:
        raise SettingsError("--record: records what a gate found; give its floors with --gate")
    if args.draws < MIN_DRAWS:
        raise SettingsError(f"--draws {args.draws}: must be at least {MIN_DRAWS}")
    if args.jobs is not None and args.jobs < 1:
        raise SettingsError(f"--jobs {args.jobs}: must be at least 1")
    if args.out.exists() and not args.out.is_dir():
        raise SettingsError(f"--out {args.out}: is no folder; name another")


def _held(report: dict[str, Any], floors: Sequence[Floor]) -> tuple[list[Finding], str]:
    """Give the findings, or what is wrong with the floors: the work of minutes is written all the same."""
    try:
        return hold(report, floors), ""
    except ValueError as error:
        return [], str(error)
