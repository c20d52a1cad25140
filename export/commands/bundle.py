"""`barocast export bundle`: from a trained network to a signed bundle that a box runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.calibrators import KINDS
from barocast.export.commands.cohort_folder import add_cohort_arguments, find_cohort, settle
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from barocast.export.packing.parent import Parent
    from barocast.export.packing.release import Release

HELP: Final = "a trained network, quantized, calibrated, judged and signed"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        required=True,
        help="folder that `barocast train student` or `train teacher` left",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    parser.add_argument(
        "--adapter", metavar="PACKAGE.MODULE:FUNCTION", help="reads --from as a network of your own"
    )
    add_cohort_arguments(parser)
    parser.add_argument("--precision", default="int8", help="of the graphs: int8, int8w, fp16 or float")
    _add_release(parser)
    _add_calibration(parser)


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Pack; give the exit status."""
    cohort = find_cohort(args)
    settle(args)
    from barocast.export.cohort import role  # noqa: PLC0415 with torch, below
    from barocast.export.packing.pack import pack  # noqa: PLC0415
    from barocast.export.quantization.precisions import precision  # noqa: PLC0415
    from barocast.export.recipe import read_material  # noqa: PLC0415

    precision(args.precision)
    release, parent = _release(args), _parent(args, cohort)
    material = read_material(cohort, args.work, stretched=False)
    say(f"{len(material.cases)} cases, {len(material.rows)} rows")
    release.plan.check(len({c.subject_id for c in material.cases if role(c.subject_id) == "calibration"}))
    record = pack(parent, material, release, args.out, say)
    _keep(record, args.work / "record.json")
    _trust(args.trust, args.id, record["public_key"])
    say(f"{args.out}: signed; public key {record['public_key']}")
    for minutes, figures in record["test"]["risk"].items():
        auroc = figures["auroc"]
        say(f"test AUROC {minutes} min: {auroc['value']:.3f} [{auroc['low']:.3f}, {auroc['high']:.3f}]")
    return 0


def _add_release(parser: ArgumentParser) -> None:
    parser.add_argument("--id", default="barocast-map-1", help="the bundle's id")
    parser.add_argument("--sequence", type=int, default=1, help="rises with every release of an id")
    parser.add_argument("--key", type=Path, help="Ed25519 private key (PEM), made there when missing")
    parser.add_argument("--trust", type=Path, help="JSON file of trusted keys to add the public key to")
    parser.add_argument("--crossval", type=Path, help="folder of `train crossval` figures for the card")


def _add_calibration(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--calibrator",
        choices=(*KINDS, "choose"),
        default="temperature-bias",
        help="kind of calibrator, or `choose`: the one that patients left out are best served by",
    )
    parser.add_argument("--by-pattern", action="store_true", help="one more for rows without text")
    parser.add_argument("--band", action="store_true", help="widen the MAP band until it holds 80 %%")


def _release(args: Namespace) -> Release:
    from barocast.export.calibrated import CalibrationPlan  # noqa: PLC0415 with torch, above
    from barocast.export.packing.release import Release, read_or_make_key  # noqa: PLC0415

    return Release(
        id=args.id,
        sequence=args.sequence,
        precision=args.precision,
        plan=CalibrationPlan(args.calibrator, args.by_pattern, args.band),
        crossval=_crossval_figures(args.crossval),
        key_pem=read_or_make_key(args.key),
    )


def _parent(args: Namespace, cohort: Path) -> Parent:
    from barocast.export.checkpoint import read_student  # noqa: PLC0415 with torch, above
    from barocast.export.course.teacher_file import FILE as TEACHER  # noqa: PLC0415
    from barocast.export.packing.parent import of_adapter, of_student, of_teacher  # noqa: PLC0415
    from barocast.export.recipe import burdens_in  # noqa: PLC0415
    from barocast.runtime.prompt import describe  # noqa: PLC0415

    if args.adapter:
        return of_adapter(args.adapter, args.source)
    if (args.source / TEACHER).is_file():
        return of_teacher(args.source, [describe(burden.patient) for burden in burdens_in(cohort)])
    return of_student(read_student(args.source))


def _keep(record: dict[str, Any], path: Path) -> None:
    try:
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be written ({error.strerror}); the bundle itself is whole and in its place"
        ) from error


def _crossval_figures(folder: Path | None) -> dict[str, Any] | None:
    if folder is None:
        return None
    from barocast.export.crossval_page import table  # noqa: PLC0415 with torch, above

    try:
        report: dict[str, Any] = json.loads((folder / "crossval.json").read_text("utf-8"))
        return report | {"table": table(report)}
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise SettingsError(f"{folder}: no figures of `train crossval` ({error})") from error


def _trust(path: Path | None, name: str, public_key: str) -> None:
    if path is None:
        return
    from barocast.runtime.trust import write_keys  # noqa: PLC0415

    keys = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    write_keys(path, {n: bytes.fromhex(k) for n, k in (keys | {name: public_key}).items()})
