"""`barocast train crossval`: our figures beside every comparator's, on the same rows, 5 folds by patient."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.export.commands.cohort_folder import add_training_arguments, find_cohort, settle

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

HELP: Final = "cross-validated figures beside the comparators"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the figures")
    parser.add_argument(
        "--elsewhere",
        type=Path,
        metavar="DIR",
        help="another site's cases (validate's tables), which teach in every fold and are judged in none",
    )
    add_training_arguments(parser)


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Cross-validate; give the exit status."""
    cohort = find_cohort(args)
    settle(args)
    from barocast.export.cohorts.elsewhere import about_elsewhere, read_elsewhere, with_elsewhere  # noqa: PLC0415 with torch
    from barocast.export.crossval import cross_validate, figures  # noqa: PLC0415
    from barocast.export.crossval_page import save, table  # noqa: PLC0415
    from barocast.export.recipe import Recipe, read_material  # noqa: PLC0415

    recipe = Recipe()
    recipe = replace(recipe, training=replace(recipe.training, seed=args.seed))
    elsewhere = read_elsewhere(args.elsewhere) if args.elsewhere else []
    material = read_material(cohort, args.work)
    if elsewhere:
        material = with_elsewhere(material, elsewhere, args.work)
    report = figures(cross_validate(material, recipe, args.work, say))
    if elsewhere:
        report["elsewhere"] = about_elsewhere(material, elsewhere)
    save(report, args.out)
    print(table(report))
    return 0
