"""The same bundle week after week: calibration, alarm burden and input of each run of cases, in their order.

In: Judged rows in the order in which the cases were met, and the inputs of the validation that let the
bundle in. Out: the figures of a block of cases. They are reported and nothing else: no figure in here ever
moves a threshold or a calibrator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.alarm_burden import burden
from barocast.calibration.figures import inputs
from barocast.calibration.reliability import calibration_line, observed_expected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.calibration.judged import Judged
    from barocast.calibration.trigger import TriggerRules

BLOCK: Final = 20
"""Cases in a block: some days of one theatre."""


def blocks(judged: Judged, size: int = BLOCK) -> list[Judged]:
    """Cut the rows after every `size` cases; the newest block may be shorter."""
    numbers = np.arange(len(judged.cases))
    starts = range(0, len(judged.cases), size)
    return [judged.of_cases((numbers >= start) & (numbers < start + size)) for start in starts]


def figures(
    block: Judged, rules: TriggerRules, horizon_min: int, column: int, reference: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Give a block's figures; `reference` is the `inputs` section of a validation."""
    labels = block.labels[:, column]
    counted = np.isfinite(labels) & block.answered
    y, p = labels[counted], block.p[counted, column]
    both = 0 < y.sum() < y.size
    now = inputs.figures(block, column)
    return {
        "first": block.cases[0].case_id,
        "last": block.cases[-1].case_id,
        "cases": len(block.cases),
        "landmarks": len(block),
        "answered": float(block.answered.mean()) if len(block) else float("nan"),
        "onsets": int(sum(case.onsets_s.size for case in block.cases)),
        "observed_expected": observed_expected(y, p) if y.size else float("nan"),
        "slope": calibration_line(y, p)[0] if both else float("nan"),
        **_alarms(block, rules, horizon_min, column),
        "drift": inputs.drift(reference, now) if reference else {},
    }


def _alarms(judged: Judged, rules: TriggerRules, horizon_min: int, column: int) -> dict[str, float]:
    found = burden(judged.tracks(judged.p, column), rules, horizon_min * 60).to_dict()
    return {name: found[name] for name in ("event_sensitivity", "alarms_per_hour", "ppv", "time_in_alarm")}
