"""`barocast train cohort`: cases from wherever they lie -> the one form that training and validation read.

    --source shared  [--from DIR]             the project's own cohort (default: $BAROCAST_COHORT)
    --source vitaldb [--from DIR]             VitalDB's downloaded files, or over the network
    --source vital|wfdb --from DIR            a folder of recordings
    --source csv     --from DIR --map FILE    a folder of CSV files, and what their columns mean

Torch is never imported. Needs the `validate` extra; `--scheduler` the `cluster` extra.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Mapping

    from barocast.export.cohorts.entry import Listing
    from barocast.export.cohorts.form import Built

HELP: Final = "cases of VitalDB, WFDB, CSV or the shared cohort in one form on disk"
WORK: Final = Path("runs") / "cohorts"
"""Finished cases, so that an interrupted build goes on."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--source", choices=sorted(_SOURCES), required=True, help="where the cases lie")
    parser.add_argument("--from", dest="folder", type=Path, metavar="DIR", help="folder of the cases")
    parser.add_argument("--map", type=Path, metavar="FILE", help="csv: JSON file, column -> channel and unit")
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="these cases alone")
    parser.add_argument("--out", type=Path, required=True, help="folder of the built cohort")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of finished cases, for a later run")
    parser.add_argument(
        "--splits",
        type=Path,
        metavar="FILE",
        help="splits.json of an earlier cohort, to keep its patients' roles",
    )
    parser.add_argument("--jobs", type=int, help="local processes (default: one a processor)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler instead of local processes")


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Build; give the exit status."""
    from barocast.export.cohorts.build import Plan, build  # noqa: PLC0415 `validate` extra
    from barocast.export.validate import Stages  # noqa: PLC0415 likewise
    from barocast.export.validation.workers import Workforce  # noqa: PLC0415 likewise

    _check(args)
    listing = _only(_SOURCES[args.source](args), args.only)
    say(f"{listing.source}: {len(listing.entries)} cases listed")
    workforce = Workforce(args.jobs or os.cpu_count() or 1, args.scheduler)
    with Stages() as stages:
        built = build(listing, Plan(args.out, args.work, workforce, args.splits), stages)
    _tell(built, args.out, say)
    return 0


def _tell(built: Built, out: Path, say: Callable[[str], None]) -> None:
    for role, figures in built.record()["roles"].items():
        say(f"{role}: " + ", ".join(f"{value:g} {name}" for name, value in figures.items()))
    for one in built.rejected:
        say(f"rejected {one.case_id}: {one.reason}")
    counts = f"{len(built.cases)} cases, {len(built.rejected)} rejected"
    say(f"{out}: {counts}, channels {', '.join(built.channels)}")


def _check(args: Namespace) -> None:
    if args.jobs is not None and args.jobs < 1:
        raise SettingsError(f"--jobs {args.jobs}: must be at least 1")
    if (args.map is None) == (args.source == "csv"):
        mend = "name the column map" if args.map is None else "leave it out"
        raise SettingsError(f"--map: goes with --source csv, and with that alone; {mend}")
    if args.folder is not None and not args.folder.is_dir():
        raise SettingsError(f"--from {args.folder}: no such folder; name the one that holds the cases")


def _only(listing: Listing, case_ids: list[str]) -> Listing:
    if not case_ids:
        return listing
    there = {entry.case_id for entry in listing.entries} | {one.case_id for one in listing.rejected}
    absent = next((case_id for case_id in case_ids if case_id not in there), None)
    if absent is not None:
        raise SettingsError(f"--only {absent}: no such case in {listing.source}")
    return replace(
        listing,
        entries=[entry for entry in listing.entries if entry.case_id in case_ids],
        rejected=[one for one in listing.rejected if one.case_id in case_ids],
    )


def _shared(args: Namespace) -> Listing:
    from barocast.export.cohorts.shared import list_cases  # noqa: PLC0415 `validate` extra
    from barocast.export.commands.cohort_folder import find_cohort  # noqa: PLC0415 likewise

    args.cohort = args.folder
    return list_cases(find_cohort(args))


def _vitaldb(args: Namespace) -> Listing:
    from barocast.export.cohorts import vitaldb_files, vitaldb_net  # noqa: PLC0415 `validate` extra

    return vitaldb_net.list_cases(args.only) if args.folder is None else vitaldb_files.list_cases(args.folder)


def _csv(args: Namespace) -> Listing:
    from barocast.export.cohorts.csv_folder import list_cases  # noqa: PLC0415 `validate` extra

    return list_cases(_folder(args), args.map)


def _recordings(suffix: str) -> Callable[[Namespace], Listing]:
    def listed(args: Namespace) -> Listing:
        from barocast.export.cohorts.recordings import list_recordings  # noqa: PLC0415 `validate` extra

        return list_recordings(_folder(args), suffix)

    return listed


def _folder(args: Namespace) -> Path:
    if args.folder is None:
        raise SettingsError(f"--from: missing; --source {args.source} needs the folder that holds the cases")
    folder: Path = args.folder
    return folder


_SOURCES: Final[Mapping[str, Callable[[Namespace], Listing]]] = {
    "csv": _csv,
    "shared": _shared,
    "vital": _recordings(".vital"),
    "vitaldb": _vitaldb,
    "wfdb": _recordings(".hea"),
}
