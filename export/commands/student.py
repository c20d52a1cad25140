"""`barocast train student`: from the cohort to a checkpoint that `barocast export bundle` packs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.export.commands.cohort_folder import add_training_arguments, find_cohort, settle
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from barocast.export.recipe import Material
    from barocast.export.soft_targets import SoftTargets

HELP: Final = "the student, on the training patients, to a checkpoint"
PAPER: Final = "paper"
ROLE: Final = "train"
"""Whose rows and descriptions teach it; no patient of another role is looked at."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument(
        "--language-model", metavar="PRESET", help="a teacher beside the trees: small or full (train teacher)"
    )
    add_training_arguments(parser)


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Train and keep; give the exit status."""
    cohort = find_cohort(args)
    settle(args)
    from barocast.export.checkpoint import Origin, save_student, versions  # noqa: PLC0415 with torch
    from barocast.export.cohort import role  # noqa: PLC0415
    from barocast.export.recipe import Recipe, read_material, teach, without_subjects  # noqa: PLC0415

    recipe, material = Recipe(), read_material(cohort, args.work)
    recipe = replace(recipe, training=replace(recipe.training, seed=args.seed))
    say(f"{len(material.cases)} cases, {len(material.rows)} rows, {len(material.augmented)} stretched")
    subjects = {case.subject_id for case in material.cases} | {b.subject_id for b in material.burdens}
    unseen = {subject for subject in subjects if role(subject) != ROLE}
    others = _language_model(args.language_model, material, unseen, args, say)
    taught = teach(material, unseen, recipe, args.work, say, others)
    origin = Origin(recipe, material.key, _taught_by(without_subjects(material, unseen)), versions())
    sha256 = save_student(taught, origin, args.out)
    say(f"{args.out}: checkpoint {sha256}")
    return 0


def _language_model(
    preset: str | None, material: Material, unseen: set[str], args: Namespace, say: Callable[[str], None]
) -> list[SoftTargets]:
    """Give what language-model teachers say, each row by one that never saw its patient."""
    if preset is None:
        return []
    from barocast.export.course.cross_taught import cross_taught  # noqa: PLC0415 `train` extra
    from barocast.export.course.settings import COURSES  # noqa: PLC0415 likewise

    if preset not in COURSES or preset == PAPER:
        raise SettingsError(f"--language-model {preset}: name small or full; the paper's has no probability")
    return [cross_taught(replace(COURSES[preset], seed=args.seed), material, unseen, args.work, say)]


def _taught_by(seen: Material) -> dict[str, Any]:
    from barocast.export.cohort import LEARNED_FROM  # noqa: PLC0415 with torch, above

    cases = [seen.cases[number] for number in sorted({*seen.rows.case.tolist()})]
    return {
        "source": LEARNED_FROM.source,
        "roles": [ROLE],
        "patients": len({case.subject_id for case in cases}),
        "cases": len(cases),
        "rows": len(seen.rows),
        "stretched_rows": len(seen.augmented),
        "descriptions": len(seen.burdens),
    }
