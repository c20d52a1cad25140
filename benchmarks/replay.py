"""`barocast replay` over every cohort case, text included: its speed, and what its forecasts are worth.

Each case is written to a temporary CSV and patient file and goes through the command itself, one after
the other on one core. The shipped bundle is then judged on the patients whose role is `test`: no part of
it ever saw them. Comparators are fitted on all the other patients, on the same rows.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from barocast.calibration import reliability
from barocast.calibration.bootstrap import estimate
from barocast.calibration.comparators import COMPARATORS, score
from barocast.calibration.discrimination import rank
from barocast.export.cohort import MAIN, read_cases, role
from barocast.export.crossval import comparator_features
from barocast.export.rows import make_rows
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.timeline import STEP_S
from benchmarks import machine

if TYPE_CHECKING:
    from barocast.export.cohort import Case

COHORT = Path(os.environ.get("BAROCAST_COHORT", Path(__file__).resolve().parents[2] / "shared" / "cohort"))
OURS = "Barocast, through `replay`"


def measure() -> str:
    """Replay, judge, and give the report; nothing where there is no cohort."""
    if not COHORT.is_dir():
        print(f"replay: no cohort at {COHORT}; set BAROCAST_COHORT to its folder", file=sys.stderr)
        return ""
    cases = [case for case in read_cases(COHORT) if case.folder == MAIN]
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    started = time.monotonic()
    decisions = [_replayed(case) for case in cases]
    wall_s = time.monotonic() - started
    case_s = sum(case.map_mmhg.size * STEP_S for case in cases)
    return "\n".join([_head(cases, decisions, case_s, wall_s), *_worth(cases, decisions), ""])


def _replayed(case: Case) -> dict[float, dict]:
    """Run the command on one case; give its lines by time."""
    with tempfile.TemporaryDirectory() as folder:
        series, patient, out = (Path(folder) / name for name in ("case.csv", "patient.json", "out.jsonl"))
        rows = (f"{i * STEP_S:g},{'' if math.isnan(v) else f'{v:.2f}'}" for i, v in enumerate(case.map_mmhg))
        series.write_text("t_s,ABP_MEAN\n" + "\n".join(rows) + "\n")
        fields = {k: dict(v) if k in {"labs", "notes"} else v for k, v in asdict(case.patient).items()}
        patient.write_text(json.dumps(fields))
        command = [
            Path(sys.executable).with_name("barocast"),
            "replay",
            series,
            "--patient",
            patient,
            "--out",
            out,
        ]
        subprocess.run(command, check=True, capture_output=True)
        lines = [json.loads(line) for line in out.read_text().splitlines()]
    return {line["t_s"]: line for line in lines}


def _head(cases: list[Case], decisions: list[dict], case_s: float, wall_s: float) -> str:
    states = [line["state"] for lines in decisions for line in lines.values()]
    shares = ", ".join(f"{states.count(s):,} {s}" for s in ("forecast", "abstain", "fault"))
    return f"""# Replay of the whole cohort

`make bench ARGS=replay` on {machine.described()}, pinned to one core, one process a case.

{len(cases)} cases, {case_s / 3600:.0f} h, {len(states):,} decisions
({shares})
in {wall_s:.0f} s: **{case_s / wall_s:,.0f} times real time** (goal: >= 500), start of each process included.
"""


def _worth(cases: list[Case], decisions: list[dict]) -> list[str]:
    test = np.array([role(case.subject_id) == "test" for case in cases])
    rows = make_rows(cases)
    features = comparator_features(cases, rows)
    judged = test[rows.case]
    ours = np.array([_risks(decisions[c].get(at * STEP_S)) for c, at in zip(rows.case, rows.at, strict=True)])
    answered = np.isfinite(ours[:, 0])
    judged_answered = judged & answered
    lines = [
        f"## Shipped bundle on its {test.sum()} test patients",
        "",
        f"{judged.sum():,} eligible landmarks, {answered[judged].mean():.1%} answered with a forecast.",
        "A small test part of one hospital: read the intervals (patient bootstrap, 95 %), and the",
        "cross-validated figures in `crossval.md`, which rest on all 148 patients.",
        "",
        "| AUROC | " + " | ".join(f"{h} min" for h in HORIZONS_MIN) + " |",
        "|---|---|---|---|",
        "| prevalence | " + " | ".join(f"{p:.1%}" for p in np.nanmean(rows.labels[judged], axis=0)) + " |",
    ]
    subjects = np.array([case.subject_id for case in cases])[rows.case]
    scores = {OURS: ours} | {n: _comparator(n, features, rows.labels, judged) for n in COMPARATORS}
    for name, values in scores.items():
        cells = [
            _auroc(rows.labels[:, h], values[:, h], subjects, judged_answered)
            for h in range(len(HORIZONS_MIN))
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines + _calibration(rows.labels[judged_answered], ours[judged_answered])


def _risks(line: dict | None) -> list[float]:
    return [line["risk"][str(h)] if line and "risk" in line else math.nan for h in HORIZONS_MIN]


def _comparator(name: str, features: np.ndarray, labels: np.ndarray, judged: np.ndarray) -> np.ndarray:
    scores = np.full((len(labels), len(HORIZONS_MIN)), np.nan)
    for column, minutes in enumerate(HORIZONS_MIN):
        learned = (features[~judged], labels[~judged, column])
        scores[judged, column] = score(name, learned, features[judged], minutes)
    return scores


def _auroc(labels: np.ndarray, scores: np.ndarray, subjects: np.ndarray, which: np.ndarray) -> str:
    which = which & np.isfinite(labels)
    ranking = rank(labels[which], scores[which])
    return str(estimate(ranking.auroc, subjects[which])[0])


def _calibration(labels: np.ndarray, p: np.ndarray) -> list[str]:
    lines = ["", "| calibration of ours | slope | O/E | ICI | Brier (scaled) |", "|---|---|---|---|---|"]
    for column, minutes in enumerate(HORIZONS_MIN):
        known = np.isfinite(labels[:, column])
        y, x = labels[known, column], p[known, column]
        slope, _ = reliability.calibration_line(y, x)
        cells = (slope, reliability.observed_expected(y, x), reliability.ici(y, x))
        brier = f"{reliability.brier(y, x):.4f} ({reliability.scaled_brier(y, x):.3f})"
        lines.append(f"| {minutes} min | " + " | ".join(f"{c:.3f}" for c in cells) + f" | {brier} |")
    return lines
