"""`barocast train teacher`: the language-model teacher, from the cohort to weights and learning curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.commands.cohort_folder import find_cohort, settle
from barocast.export.commands.courses import add_course_arguments, course_of
from barocast.runtime.domain import HORIZONS_MIN

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from numpy.typing import NDArray

    from barocast.export.course.attend import Graduate
    from barocast.export.recipe import Material
    from barocast.export.rows import Rows

HELP: Final = "the language-model teacher: two pretrainings, then fine-tuning"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--out", type=Path, required=True, help="folder of weights, figures and curves")
    parser.add_argument("--every", type=int, default=1, help="judge every n-th landmark")
    add_course_arguments(parser)


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Teach on the training patients, judge on the calibration and selection ones; give the exit status.

    The test patients are not looked at: their figures belong to a release (`export bundle`).
    """
    cohort = find_cohort(args)
    settle(args)
    from barocast.export.cohort import role  # noqa: PLC0415 with torch
    from barocast.export.course.attend import attend  # noqa: PLC0415
    from barocast.export.course.teacher_file import save_teacher  # noqa: PLC0415
    from barocast.export.recipe import read_material  # noqa: PLC0415
    from barocast.export.schooling.curves_plot import curves_svg  # noqa: PLC0415

    course, material = course_of(args), read_material(cohort, args.work)
    subjects = {case.subject_id for case in material.cases} | {b.subject_id for b in material.burdens}
    graduate = attend(course, material, {s for s in subjects if role(s) != "train"}, args.work, say)
    figures = _figures(graduate, material, args.every)
    save_teacher(graduate.teacher, course, args.out)
    (args.out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    (args.out / "curves.svg").write_text(curves_svg(graduate.curves), "utf-8")
    say(f"{figures['rows']} rows of {figures['patients']} patients who taught nothing")
    for shown, aurocs in figures["auroc"].items():
        say(f"AUROC, {shown}: " + ", ".join(f"{value:.3f} at {h} min" for h, value in aurocs.items()))
    return 0


def _figures(graduate: Graduate, material: Material, every: int) -> dict[str, Any]:
    """Judge on patients who taught nothing, the test patients left out."""
    from barocast.export.cohort import role  # noqa: PLC0415 with torch
    from barocast.export.fusion.channels import seen_on  # noqa: PLC0415
    from barocast.export.fusion.forecasting import predict  # noqa: PLC0415
    from barocast.export.fusion.lesson import NOTHING  # noqa: PLC0415

    judged = np.array([role(case.subject_id) in ("calibration", "selection") for case in material.cases])
    rows = material.rows.take(np.flatnonzero(judged[material.rows.case])[::every])
    rows = seen_on(rows, material.cases, graduate.teacher.settings.channels)
    shown = {
        "own text": graduate.texts,
        "no text": np.full_like(graduate.texts, NOTHING),
        "another patient's text": np.roll(graduate.texts, 1, axis=0),
    }
    return {
        "rows": len(rows),
        "patients": len({case.subject_id for case, of in zip(material.cases, judged, strict=True) if of}),
        "auroc": {
            name: _aurocs(rows, predict(graduate.teacher, rows, texts).logits)
            for name, texts in shown.items()
        },
    }


def _aurocs(rows: Rows, logits: NDArray[np.float32]) -> dict[str, float]:
    from barocast.calibration.discrimination import auroc  # noqa: PLC0415 with torch

    known = np.isfinite(rows.labels)
    return {
        str(minutes): float(auroc(rows.labels[known[:, h], h], logits[known[:, h], h]))
        for h, minutes in enumerate(HORIZONS_MIN)
    }
