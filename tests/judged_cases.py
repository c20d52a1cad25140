"""Judged rows whose truth is known: what every section of a validation is asked about."""

from __future__ import annotations

import numpy as np

from barocast.calibration.judged import Judged, JudgedCase

STEP_S = 10.0
STEPS = 30


def judged(p, labels, *, patients=20, others=None, groups=None, map_mmhg=None):
    """Give Judged rows with the same risk at every horizon; rows lie patient by patient."""
    p = np.repeat(np.asarray(p, dtype=np.float64)[:, None], 3, axis=1)
    labels = np.repeat(np.asarray(labels, dtype=np.float64)[:, None], 3, axis=1)
    case = np.sort(np.arange(len(p)) % patients)
    at = 90 + 3 * np.concatenate([np.arange((case == number).sum()) for number in range(patients)])
    series = np.full(int(at.max()) + 200, 80.0) if map_mmhg is None else map_mmhg
    cases = tuple(
        JudgedCase(f"c{i}", f"s{i}", series, STEP_S, {} if groups is None else groups(i))
        for i in range(patients)
    )
    return Judged(
        cases=cases,
        case=case,
        at=at,
        labels=labels,
        p=p,
        quantiles=np.broadcast_to(np.array([70.0, 80.0, 90.0])[None, :, None], (len(p), 3, STEPS)).copy(),
        future=np.full((len(p), STEPS), 80.0),
        now=np.full(len(p), 80.0),
        others=others or {},
    )


def perfect(rows=20_000, seed=0, patients=20, **more):
    """Give rows whose events happen exactly as often as their risks say."""
    random = np.random.default_rng(seed)
    p = random.beta(1.2, 8.0, rows)
    return judged(p, random.random(rows) < p, patients=patients, **more)
