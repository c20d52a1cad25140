"""What a bundle's forecasts were worth at the bedside: decision logs -> the live report as plain values.

    read      export.validation.bedside_log: cases, what was said, and the MAP it was said of
    judge     export.validation.played, as a validation does; the last 15 min of a case have no label
    figures   of the whole, with intervals; of each block of cases
    floors    held against the newest block with enough events, answered or not: silence breaks them

A log tells no patient: every case counts as one of its own. Cases of another bundle are left out and counted.
Nothing here changes a threshold, a calibrator or a model.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.figures import alarms, forecast, inputs, risk, rolling
from barocast.calibration.gate import hold
from barocast.export.validation.bedside_log import read_logs
from barocast.export.validation.gather import judged
from barocast.export.validation.played import judge
from barocast.export.validation.study_case import Series, StudyCase
from barocast.runtime.domain import HORIZONS_MIN, Patient
from barocast.runtime.errors import InputError, SettingsError
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from barocast.calibration.gate import Finding, Floor
    from barocast.calibration.judged import Judged
    from barocast.export.validation.bedside_log import LoggedCase
    from barocast.export.validation.played import Played
    from barocast.runtime.bundle import Bundle

ENOUGH_ONSETS: Final = 20
"""Events of a block below which no floor is held against it: a figure would be chance."""
OK, DEGRADED, TOO_FEW = "ok", "degraded", "too few"


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What is asked of the logs."""

    bundle: Bundle
    draws: int
    reference: Mapping[str, Any] | None = None
    """The `inputs` section of a validation of this bundle."""
    floors: Sequence[Floor] = ()


def live_study(paths: Sequence[Path], plan: LivePlan) -> dict[str, Any]:
    """Give the report. Raises InputError, and SettingsError for a floor on a figure that no block has."""
    cases = read_logs(paths)
    ours = _of_bundle(cases, plan.bundle.manifest.id)
    steps = len(plan.bundle.manifest.forecast_minutes)
    played = [judge(case.said(steps)) for case in ours]
    long = [(case, one) for case, one in zip(ours, played, strict=True) if one.at.size]
    if not long:
        raise InputError(
            f"{paths[0]}: none of {len(ours)} cases is long enough to be judged: 15 min with MAP come first; "
            f"give longer logs"
        )
    rows = judged([_nobody(case) for case, _ in long], [one for _, one in long])
    blocks = rolling.blocks(rows)
    rolled = [_rolled(block, plan) for block in blocks]
    now = inputs.figures(rows, _column(plan.bundle))
    return {
        "about": {**_about(rows, [one for _, one in long], plan.bundle), **_left_out(cases, ours, long)},
        **_sections(rows, plan),
        "inputs": now,
        "drift": inputs.drift(plan.reference, now) if plan.reference else {},
        "rolling": rolled,
        **_status(blocks, rolled, plan),
    }


def _of_bundle(cases: Sequence[LoggedCase], bundle: str) -> list[LoggedCase]:
    ours = [case for case in cases if case.bundle == bundle]
    if not ours:
        met = ", ".join(sorted({case.bundle for case in cases})) or "no decision"
        raise InputError(f"--from-log: holds {met} and nothing of {bundle}; name the bundle with --bundle")
    return ours


def _nobody(case: LoggedCase) -> StudyCase:
    return StudyCase(case.case_id, case.case_id, "log", Patient(), Series.of_grid(np.empty(0)))


def _column(bundle: Bundle) -> int:
    return HORIZONS_MIN.index(bundle.manifest.alarm.horizon_min)


def _rolled(block: Judged, plan: LivePlan) -> dict[str, Any]:
    point = plan.bundle.manifest.alarm
    return rolling.figures(block, point.trigger, point.horizon_min, _column(plan.bundle), plan.reference)


def _sections(rows: Judged, plan: LivePlan) -> dict[str, Any]:
    """Give the sections that a validation has too, by its names; empty where the rows show no contrast."""
    point, manifest = plan.bundle.manifest.alarm, plan.bundle.manifest
    if not _telling(rows):
        return {"risk": {}, "forecast": {}, "alarm": {}}
    return {
        "risk": risk.figures(rows, HORIZONS_MIN, plan.draws),
        "forecast": forecast.figures(rows, manifest.forecast_minutes, plan.draws),
        "alarm": alarms.figures(rows, point.trigger, point.horizon_min, _column(plan.bundle), plan.draws),
    }


def _telling(rows: Judged) -> bool:
    """Whether each horizon has forecasts before an event and others before none."""
    labels = np.where(rows.answered[:, None], rows.labels, np.nan)
    return bool(((labels == 1).any(axis=0) & (labels == 0).any(axis=0)).all())


def _status(blocks: Sequence[Judged], rolled: Sequence[Mapping[str, Any]], plan: LivePlan) -> dict[str, Any]:
    """Hold the floors against the newest block with enough events."""
    if not plan.floors:
        return {"gate": [], "status": None}
    enough = [number for number, block in enumerate(rolled) if block["onsets"] >= ENOUGH_ONSETS]
    if not enough:
        reason = f"no block of {rolling.BLOCK} cases has {ENOUGH_ONSETS} events yet"
        return {"gate": [], "status": _said(TOO_FEW, [reason], plan, rolled[-1])}
    newest = enough[-1]
    findings = _held({**_sections(blocks[newest], plan), **rolled[newest]}, plan.floors)
    broken = [finding.reason for finding in findings if not finding.passed]
    return {
        "gate": [asdict(finding) for finding in findings],
        "status": _said(DEGRADED if broken else OK, broken, plan, rolled[newest]),
    }


def _held(figures: Mapping[str, Any], floors: Sequence[Floor]) -> list[Finding]:
    try:
        return hold(figures, floors)
    except ValueError as error:
        raise SettingsError(f"--gate: {error}") from error


def _said(status: str, reasons: list[str], plan: LivePlan, block: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": status,
        "reasons": reasons,
        "bundle": plan.bundle.manifest.id,
        "first": block["first"],
        "last": block["last"],
    }


def _about(rows: Judged, played: Sequence[Played], bundle: Bundle) -> dict[str, Any]:
    unanswered = sum((Counter(one.unanswered) for one in played), Counter[str]())
    return {
        "bundle": bundle.manifest.id,
        "model_sha256": bundle.graphs_sha256,
        "event": asdict(bundle.manifest.event),
        "cases": len(rows.cases),
        "hours": sum(case.map_mmhg.size for case in rows.cases) * STEP_S / 3600,
        "onsets": int(sum(case.onsets_s.size for case in rows.cases)),
        "landmarks": len(rows),
        "answered": float(rows.answered.mean()),
        "unanswered": dict(sorted(unanswered.items())),
    }


def _left_out(
    cases: Sequence[LoggedCase], ours: Sequence[LoggedCase], long: Sequence[object]
) -> dict[str, Any]:
    others = Counter(case.bundle for case in cases) - Counter(case.bundle for case in ours)
    return {
        "left_out": {"too short": len(ours) - len(long), "of other bundles": dict(sorted(others.items()))}
    }
