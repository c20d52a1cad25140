"""What a network and its packed graphs say of the cohort's rows, asked row by row as the bedside does.

In: both networks' graphs, the rows, every case's text. Out: Answers, and of them what a calibrator is fitted
on (calibrated.Heard).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from barocast.calibration.fitting import CalibrationRows
from barocast.export.calibrated import WITHOUT_TEXT, Heard
from barocast.export.cohort import role
from barocast.export.graphs.running import run_rows
from barocast.runtime.tokens import pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from barocast.export.graphs.to_onnx import Graphs
    from barocast.export.recipe import Material


@dataclass(frozen=True, slots=True)
class Answers:
    """What both say of every row, n in all."""

    exact: NDArray[np.float64]
    """(n, 3) logits of the float graphs."""
    logits: NDArray[np.float64]
    """(n, 3) logits of the packed graphs."""
    quantiles: NDArray[np.float64]
    """(n, 3, step) of the packed graphs, mmHg."""
    patterns: NDArray[np.str_]
    """(n,) modalities of each row."""
    bare: NDArray[np.float64]
    """(n, 3) logits of the packed graphs without text, NaN where that was not asked."""

    def heard(self, material: Material) -> Heard:
        """Give the calibration patients' rows, and behind them those that were run without text once more."""
        rows, as_they_came = material.rows, np.flatnonzero(of_role(material, "calibration"))
        again = np.flatnonzero(np.isfinite(self.bare).all(axis=1))
        both = np.concatenate([as_they_came, again])
        subjects = np.array([case.subject_id for case in material.cases])[rows.case]
        logits = np.concatenate([self.logits[as_they_came], self.bare[again]])
        return Heard(
            CalibrationRows(logits, rows.labels[both].astype(np.float64), subjects[both]),
            np.concatenate([self.patterns[as_they_came], np.repeat(WITHOUT_TEXT, again.size)]),
            self.quantiles[as_they_came],
            rows.future[as_they_came],
        )


def ask(
    graphs: tuple[Graphs, Graphs],
    material: Material,
    texts: NDArray[np.int64],
    say: Callable[[str], None],
    *,
    bare: bool,
) -> Answers:
    """Run every row through (float, packed); `bare`: calibration rows with a text once more without it."""
    (exact, packed), rows = graphs, material.rows
    float_logits, _, _ = run_rows(exact, rows, texts, lambda text: say(f"float: {text}"))
    logits, quantiles, _ = run_rows(packed, rows, texts, lambda text: say(f"packed: {text}"))
    patterns = np.array([pattern(text) for text in texts])[rows.case]
    without = np.full(logits.shape, np.nan)
    again = of_role(material, "calibration") & (patterns != WITHOUT_TEXT)
    if bare and again.any():
        without[again], _, _ = run_rows(packed, rows.take(again), np.zeros_like(texts))
    return Answers(float_logits, logits, quantiles, patterns, without)


def of_role(material: Material, name: str) -> NDArray[np.bool_]:
    """Give a mask (n rows,) of the role's rows."""
    return np.array([role(case.subject_id) == name for case in material.cases])[material.rows.case]
