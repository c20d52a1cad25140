"""`barocast train bundle`: from the cohort to a signed bundle of the student."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.calibrators import KINDS
from barocast.export.commands.cohort_folder import add_training_arguments, find_cohort, settle
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

HELP: Final = "the student, quantized, calibrated and signed"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    add_training_arguments(parser)
    parser.add_argument("--id", default="barocast-map-1", help="the bundle's id")
    parser.add_argument("--key", type=Path, help="Ed25519 private key (PEM), made there when missing")
    parser.add_argument("--trust", type=Path, help="JSON file of trusted keys to add the public key to")
    parser.add_argument("--crossval", type=Path, help="folder of `train crossval` figures for the card")
    parser.add_argument(
        "--calibrator",
        choices=(*KINDS, "choose"),
        default="temperature-bias",
        help="kind of calibrator, or `choose`: the one that patients left out are best served by",
    )
    parser.add_argument("--by-pattern", action="store_true", help="one more for rows without text")
    parser.add_argument("--band", action="store_true", help="widen the MAP band until it holds 80 %%")


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Train and pack; give the exit status."""
    cohort = find_cohort(args)
    settle(args)
    from barocast.export.calibrated import CalibrationPlan  # noqa: PLC0415 with torch, below
    from barocast.export.cohort import role  # noqa: PLC0415
    from barocast.export.pack import Release, pack, read_or_make_key, save_record  # noqa: PLC0415
    from barocast.export.recipe import Recipe, read_material, teach  # noqa: PLC0415

    recipe, material = Recipe(), read_material(cohort, args.work)
    recipe = replace(recipe, training=replace(recipe.training, seed=args.seed))
    say(f"{len(material.cases)} cases, {len(material.rows)} rows, {len(material.augmented)} stretched")
    plan = CalibrationPlan(args.calibrator, args.by_pattern, args.band)
    plan.check(len({case.subject_id for case in material.cases if role(case.subject_id) == "calibration"}))
    subjects = {case.subject_id for case in material.cases} | {b.subject_id for b in material.burdens}
    unseen = {subject for subject in subjects if role(subject) != "train"}
    taught = teach(material, unseen, recipe, args.work, say)
    release = Release(args.id, read_or_make_key(args.key), plan, _crossval_figures(args.crossval))
    record = pack(taught, material, recipe, release, args.out, say)
    save_record(record, args.work / "record.json")
    _trust(args.trust, args.id, record["public_key"])
    say(f"{args.out}: signed; public key {record['public_key']}")
    for minutes, figures in record["test"]["risk"].items():
        auroc = figures["auroc"]
        say(f"test AUROC {minutes} min: {auroc['value']:.3f} [{auroc['low']:.3f}, {auroc['high']:.3f}]")
    return 0


def _crossval_figures(folder: Path | None) -> dict[str, Any] | None:
    if folder is None:
        return None
    from barocast.export.crossval import table  # noqa: PLC0415 with torch, above

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
