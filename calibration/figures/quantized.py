"""The quantized graph beside its float parent, on the same landmarks.

In: Judged rows of the quantized graph and the parent's risks (n, horizon), both through the same calibrator.
Out: plain values. Evaluation's limits: change of AUROC .002 either way, largest change of a risk .02, and
99.5 % of the landmarks on the same side of the alarm threshold.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.calibration.bootstrap import draw_patients, interval
from barocast.calibration.panel import score_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.calibration.judged import Judged
    from barocast.calibration.trigger import TriggerRules


def figures(
    judged: Judged,
    parent: NDArray[np.float64],
    rules: TriggerRules,
    column: int,
    horizons_min: tuple[int, ...],
    draws: int,
) -> dict[str, Any]:
    """Give the figures; `column` is the horizon that raises the alarm."""
    of_parent = np.isfinite(parent[:, 0])
    both = judged.answered & of_parent
    same = (judged.p[both, column] >= rules.p_on) == (parent[both, column] >= rules.p_on)
    return {
        "landmarks": int(both.sum()),
        "answered_by_one_only": int((judged.answered != of_parent).sum()),
        "decisions_changed": int((~same).sum()),
        "same_decisions": float(same.mean()) if same.size else float("nan"),
        "horizons": {
            str(minutes): _horizon(judged.take(both), parent[both, at], at, draws)
            for at, minutes in enumerate(horizons_min)
        },
    }


def _horizon(judged: Judged, parent: NDArray[np.float64], column: int, draws: int) -> dict[str, Any]:
    labels, ours = judged.labels[:, column], judged.p[:, column]
    known = np.isfinite(labels)
    drawn = draw_patients(judged.subjects[known], draws)
    int8, exact = (score_draws(labels[known], p[known], drawn)["auroc"] for p in (ours, parent))
    return {
        "rows": int(known.sum()),
        "auroc_change": asdict(interval(int8 - exact)),
        "max_risk_change": float(np.abs(ours - parent).max()) if ours.size else float("nan"),
    }
