"""`barocast train teacher`: the language-model teacher, from the cohort to weights and learning curves."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.export.commands.cohort_folder import find_cohort, settle
from barocast.export.commands.courses import add_course_arguments, course_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from barocast.export.course.attend import Graduate
    from barocast.export.recipe import Material

HELP: Final = "the language-model teacher: two pretrainings, then fine-tuning"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--out", type=Path, required=True, help="folder of weights, figures and curves")
    add_course_arguments(parser)


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Teach on the training patients, judge on the calibration and selection ones; give the exit status.

    The test patients are not looked at: their figures belong to a release (`train bundle`).
    """
    cohort = find_cohort(args)
    settle(args)
    from safetensors.torch import save_file  # noqa: PLC0415 `train` extra

    from barocast.export.cohort import role  # noqa: PLC0415 with torch
    from barocast.export.course.attend import attend  # noqa: PLC0415
    from barocast.export.fusion.weights import own_weights  # noqa: PLC0415
    from barocast.export.recipe import read_material  # noqa: PLC0415
    from barocast.export.schooling.curves_plot import curves_svg  # noqa: PLC0415

    course, material = course_of(args), read_material(cohort, args.work)
    subjects = {case.subject_id for case in material.cases} | {b.subject_id for b in material.burdens}
    graduate = attend(course, material, {s for s in subjects if role(s) != "train"}, args.work, say)
    figures = _figures(graduate, material)
    args.out.mkdir(parents=True, exist_ok=True)
    told = {"course": json.dumps(asdict(course))}
    save_file(own_weights(graduate.teacher), args.out / "teacher.safetensors", told)
    (args.out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    (args.out / "curves.svg").write_text(curves_svg(graduate.curves), "utf-8")
    for minutes, auroc in figures["auroc"].items():
        say(f"AUROC {minutes} min: {auroc:.3f} ({figures['rows']} rows of {figures['patients']} patients)")
    return 0


def _figures(graduate: Graduate, material: Material) -> dict[str, Any]:
    """Judge on patients who taught nothing, the test patients left out."""
    import numpy as np  # noqa: PLC0415 with torch

    from barocast.calibration.discrimination import auroc  # noqa: PLC0415
    from barocast.export.cohort import role  # noqa: PLC0415
    from barocast.export.fusion.forecasting import predict  # noqa: PLC0415
    from barocast.runtime.domain import HORIZONS_MIN  # noqa: PLC0415

    judged = np.array([role(case.subject_id) in ("calibration", "selection") for case in material.cases])
    rows = material.rows.take(judged[material.rows.case])
    said = predict(graduate.teacher, rows, graduate.texts)
    known = np.isfinite(rows.labels)
    return {
        "rows": len(rows),
        "patients": len({case.subject_id for case, of in zip(material.cases, judged, strict=True) if of}),
        "auroc": {
            str(minutes): float(auroc(rows.labels[known[:, h], h], said.logits[known[:, h], h]))
            for h, minutes in enumerate(HORIZONS_MIN)
        },
    }
