"""The MAP forecast itself: error, pinball loss and the 80 % band, beside the last value, by minutes ahead.

In: Judged rows with a forecast. Out: plain values with intervals, paired where ours stands beside the last
value. `crps_mmhg` is twice the mean pinball loss at three quantiles (calibration.forecast_error), below the
CRPS of the whole distribution; of the last value, a single number, it is the absolute error and its very
CRPS. That comparison therefore favours ours: the mean absolute error is the one to lead with.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.calibration.bootstrap import draw_patients, interval, intervals
from barocast.calibration.figures.verdict import AIMS, verdict
from barocast.calibration.panel import forecast_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.calibration.bootstrap import Drawn, PatientDraws
    from barocast.calibration.judged import Judged


def figures(judged: Judged, minutes: tuple[float, ...], draws: int) -> dict[str, Any]:
    """Give the figures over all steps, and at each step ahead."""
    rows = judged.take(judged.answered)
    drawn = draw_patients(rows.subjects, draws)
    ours, last = _both(rows.future, rows, drawn)
    found = intervals(ours) | {
        f"last_value_{name}": interval(last[name]) for name in ("mae_mmhg", "crps_mmhg")
    }
    better = {
        f"last_value_minus_{name}": interval(last[name] - ours[name]) for name in ("mae_mmhg", "crps_mmhg")
    }
    return {
        **{name: asdict(one) for name, one in (found | better).items()},
        "verdicts": {"coverage_80": str(verdict(found["coverage_80"], AIMS["coverage_80"]))},
        "minutes": list(minutes),
        "by_minute": [_step(rows, step) for step in range(len(minutes))],
    }


def _both(
    observed: NDArray[np.float64], rows: Judged, drawn: PatientDraws
) -> tuple[dict[str, Drawn], dict[str, Drawn]]:
    """Give ours and the last value's, as Drawn values by name."""
    quantiles = np.moveaxis(rows.quantiles, 1, 0)
    last = np.broadcast_to(rows.now[None, :, None], quantiles.shape)
    return forecast_draws(observed, quantiles, drawn), forecast_draws(observed, last, drawn)


def _step(rows: Judged, step: int) -> dict[str, float]:
    """Give the plain figures of one step ahead."""
    observed = np.full_like(rows.future, np.nan)
    observed[:, step] = rows.future[:, step]
    ours, last = _both(observed, rows, draw_patients(rows.subjects, draws=0))
    plain = {name: float(values[0]) for name, values in ours.items()}
    return plain | {"last_value_mae_mmhg": float(last["mae_mmhg"][0])}
