"""`barocast train bundle|crossval`: from the cohort to a signed bundle, or to the table of comparators."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.calibrators import KINDS
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Mapping

HELP: Final = "Train on a cohort: a signed bundle, or cross-validated figures beside the comparators."
COHORT_VARIABLE: Final = "BAROCAST_COHORT"
WORK: Final = Path("runs")
"""Rows, soft targets and finished folds of earlier runs; nothing in it is ever committed."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what `barocast train` takes."""
    parser.add_argument("what", choices=sorted(_ACTIONS), help="what to make")
    parser.add_argument("--cohort", type=Path, help=f"the cohort's folder (default: ${COHORT_VARIABLE})")
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle or of the figures")
    parser.add_argument("--work", type=Path, default=WORK, help="folder for what a later run can reuse")
    parser.add_argument("--id", default="barocast-map-1", help="the bundle's id")
    parser.add_argument("--key", type=Path, help="Ed25519 private key (PEM), made there when missing")
    parser.add_argument("--trust", type=Path, help="JSON file of trusted keys to add the public key to")
    parser.add_argument("--crossval", type=Path, help="folder of `train crossval` figures for the card")
    parser.add_argument(
        "--calibrator",
        choices=(*KINDS, "choose"),
        default="temperature-bias",
        help="bundle: kind of calibrator, or `choose`: the one that patients left out are best served by",
    )
    parser.add_argument("--by-pattern", action="store_true", help="bundle: one more for rows without text")
    parser.add_argument("--band", action="store_true", help="bundle: widen the MAP band until it holds 80 %%")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")


def run(args: Namespace) -> int:
    """Train; give the exit status."""
    import torch  # noqa: PLC0415 only this command may pay for it

    torch.set_num_threads(args.threads)
    cohort = _cohort(args.cohort)
    status: int = _ACTIONS[args.what](args, cohort, _progress())
    return status


def _bundle(args: Namespace, cohort: Path, say: Callable[[str], None]) -> int:
    from barocast.export.calibrated import CalibrationPlan  # noqa: PLC0415 with torch, below
    from barocast.export.cohort import role  # noqa: PLC0415
    from barocast.export.pack import Release, pack, read_or_make_key, save_record  # noqa: PLC0415
    from barocast.export.recipe import read_material, teach  # noqa: PLC0415

    recipe, material = _recipe(args.seed), read_material(cohort, args.work)
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


def _crossval(args: Namespace, cohort: Path, say: Callable[[str], None]) -> int:
    from barocast.export.crossval import cross_validate, figures, save, table  # noqa: PLC0415
    from barocast.export.recipe import read_material  # noqa: PLC0415

    pooled = cross_validate(read_material(cohort, args.work), _recipe(args.seed), args.work, say)
    report = figures(pooled)
    save(report, args.out)
    print(table(report))
    return 0


_ACTIONS: Final[Mapping[str, Callable[[Namespace, Path, Callable[[str], None]], int]]] = {
    "bundle": _bundle,
    "crossval": _crossval,
}


def _recipe(seed: int) -> Any:  # noqa: ANN401 - its type would import torch here
    from dataclasses import replace  # noqa: PLC0415

    from barocast.export.recipe import Recipe  # noqa: PLC0415

    recipe = Recipe()
    return replace(recipe, training=replace(recipe.training, seed=seed))


def _cohort(given: Path | None) -> Path:
    """Give the cohort's folder: the option, the environment, or a checkout's neighbour."""
    named = given or (Path(os.environ[COHORT_VARIABLE]) if COHORT_VARIABLE in os.environ else None)
    found = named or Path("..") / "shared" / "cohort"
    if not found.is_dir():
        raise SettingsError(f"{found}: no cohort there; name its folder with --cohort or ${COHORT_VARIABLE}")
    return found


def _crossval_figures(folder: Path | None) -> dict[str, Any] | None:
    if folder is None:
        return None
    from barocast.export.crossval import table  # noqa: PLC0415 with torch, below

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


def _progress() -> Callable[[str], None]:
    started = time.monotonic()
    return lambda text: print(f"[{time.monotonic() - started:6.0f} s] {text}", flush=True)
