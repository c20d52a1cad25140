"""`barocast train teacher`: the language-model teacher, from the cohort to weights and learning curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.export.commands.cohort_folder import find_cohort, settle
from barocast.export.commands.courses import add_course_arguments, course_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Mapping

HELP: Final = "the language-model teacher: two pretrainings, then fine-tuning"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--out", type=Path, required=True, help="folder of weights, figures and curves")
    parser.add_argument("--every", type=int, default=1, help="judge every n-th landmark")
    parser.add_argument(
        "--simulated",
        type=Path,
        metavar="DIR",
        help="built cohort of simulated patients, who teach beside the real ones",
    )
    add_course_arguments(parser)


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Teach on the training patients, judge on the calibration and selection ones; give the exit status."""
    cohort = find_cohort(args)
    settle(args)
    from barocast.export.cohort import role  # noqa: PLC0415 with torch
    from barocast.export.cohorts.simulated import read_simulated  # noqa: PLC0415
    from barocast.export.course.attend import attend  # noqa: PLC0415
    from barocast.export.course.judged import on_real, on_simulated  # noqa: PLC0415
    from barocast.export.course.teacher_file import save_teacher  # noqa: PLC0415
    from barocast.export.recipe import read_material  # noqa: PLC0415
    from barocast.export.schooling.curves_plot import curves_svg  # noqa: PLC0415

    course = course_of(args)
    teach, judge = read_simulated(args.simulated) if args.simulated else ([], [])
    material = read_material(cohort, args.work)
    subjects = {case.subject_id for case in material.cases} | {b.subject_id for b in material.burdens}
    without = {subject for subject in subjects if role(subject) != "train"}
    graduate = attend(course, material, without, args.work, say, teach)
    figures = on_real(graduate, material, args.every)
    if args.simulated:
        figures["simulated"] = on_simulated(graduate, course, judge, args.every)
    save_teacher(graduate.teacher, course, args.out, len({case.subject_id for case in teach}))
    (args.out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    (args.out / "curves.svg").write_text(curves_svg(graduate.curves), "utf-8")
    _tell(figures, "", say)
    if args.simulated:
        _tell(figures["simulated"], "simulated ", say)
    return 0


def _tell(figures: Mapping[str, Any], kind: str, say: Callable[[str], None]) -> None:
    say(f"{figures['rows']} rows of {figures['patients']} {kind}patients who taught nothing")
    for shown, aurocs in figures["auroc"].items():
        told = [f"{value:.3f} at {minutes} min" for minutes, value in aurocs.items()]
        told += [f"{value:.3f} {name}" for name, value in figures.get("others", {}).get(shown, {}).items()]
        say(f"{kind}AUROC, {shown}: {', '.join(told)}")
