"""A taught teacher on patients who taught nothing: its AUROC with all that they have, and with less to see.

In: a graduate, and cases. Out: plain values for a file. The test patients are never among them: their figures
belong to a release (`export bundle`). What is found on simulated patients stands apart and says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.calibration.discrimination import auroc
from barocast.export.cohort import role
from barocast.export.course.material import texts_of
from barocast.export.fusion.channels import seen_on
from barocast.export.fusion.forecasting import predict
from barocast.export.fusion.lesson import NOTHING, placed
from barocast.export.fusion.outcomes import OUTCOMES, outcomes_of
from barocast.export.rows import make_rows
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from barocast.export.cohort import Case
    from barocast.export.course.attend import Graduate
    from barocast.export.course.settings import Course
    from barocast.export.recipe import Material

MINUTES = [str(minutes) for minutes in HORIZONS_MIN]


def on_real(graduate: Graduate, material: Material, every: int) -> dict[str, Any]:
    """Give the figures on the calibration and selection patients, by whose text they were shown with."""
    judged = np.array([role(case.subject_id) in ("calibration", "selection") for case in material.cases])
    rows = material.rows.take(np.flatnonzero(judged[material.rows.case])[::every])
    rows = seen_on(rows, material.cases, graduate.teacher.settings.channels)
    own = graduate.texts[: len(material.cases)]
    shown = {
        "own text": own,
        "no text": np.full_like(own, NOTHING),
        "another patient's text": np.roll(own, 1, axis=0),
    }
    return {
        "rows": len(rows),
        "patients": len({case.subject_id for case, of in zip(material.cases, judged, strict=True) if of}),
        "auroc": {
            name: _aurocs(rows.labels, predict(graduate.teacher, rows, texts).logits, MINUTES)
            for name, texts in shown.items()
        },
    }


def on_simulated(graduate: Graduate, course: Course, cases: Sequence[Case], every: int) -> dict[str, Any]:
    """Give the figures on simulated patients, with all channels and with MAP alone.

    Raises InputError where none of them has a landmark to judge.
    """
    rows, texts = make_rows(cases, every=every), texts_of([case.patient for case in cases], course)[:, 0]
    if not len(rows):
        raise InputError(f"none of {len(cases)} simulated patients is left to judge; simulate more cases")
    others = outcomes_of(cases, rows)
    whole = seen_on(rows, cases, course.network.channels)
    alone = placed(np.ones_like(rows.mask), course.network.channels)
    shown = {
        "all channels": whole,
        "MAP alone": replace(whole, series=whole.series * alone, mask=whole.mask * alone),
    }
    said = {name: predict(graduate.teacher, given, texts) for name, given in shown.items()}
    return {
        "rows": len(rows),
        "patients": len({case.subject_id for case in cases}),
        "auroc": {name: _aurocs(rows.labels, of.logits, MINUTES) for name, of in said.items()},
        "others": {name: _aurocs(others, of.outcomes, OUTCOMES) for name, of in said.items()},
    }


def _aurocs(
    labels: NDArray[np.float32], scores: NDArray[np.float32], names: Sequence[str]
) -> dict[str, float]:
    """Give column -> AUROC; a column without both outcomes, or without an answer, has none."""
    known = np.isfinite(labels) & np.isfinite(scores)
    both = {name: labels[known[:, k], k] for k, name in enumerate(names)}
    return {
        name: float(auroc(of, scores[known[:, k], k]))
        for k, (name, of) in enumerate(both.items())
        if of.size and of.min() < of.max()
    }
