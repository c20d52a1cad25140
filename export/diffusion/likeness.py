"""How like the real ones made windows are, in figures: an ugly one is printed like a fair one.

In: half hours (n, 180) mmHg of the patients learned from, of patients held out, and made ones; for `transfer`
rows. Out: a table with one column each. The held-out column is the yardstick: no made window need be more
like the learned ones than another patient's are, and one that is much nearer is a copy.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.comparators import LIGHTGBM, LIGHTGBM_TREES
from barocast.calibration.discrimination import auroc
from barocast.calibration.events import find_events
from barocast.calibration.folds import fold_of
from barocast.export.diffusion.half_hours import AHEAD_STEPS, filled, half_hours
from barocast.export.diffusion.windows import diffuse, learn, new_windows, residual_copies
from barocast.export.rows import join, make_rows
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.timeline import STEP_S, WINDOW_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.export.cohort import Case
    from barocast.export.diffusion.windows import DiffusionSettings
    from barocast.export.rows import Rows

LAGS_S: Final = (10, 30, 60, 300)
DIFFERENCE_STEPS: Final = 3
"""30 s."""
NADIRS: Final = MappingProxyType({"60-65": (60, 65), "55-60": (55, 60), "< 55": (20, 55)})
"""mmHg."""
DURATIONS: Final = MappingProxyType({"1-2": (1, 2), "2-5": (2, 5), "> 5": (5, np.inf)})
"""Minutes; the half hour's end cuts some."""
COMPARED: Final = 1000
"""Windows whose nearest neighbour is sought, of each kind."""
MADE: Final = 8000
"""Rows made to teach the trees of `measured`."""


def likeness(
    learned: NDArray[np.float32], held: NDArray[np.float32], made: NDArray[np.float32]
) -> dict[str, tuple[float, float, float]]:
    """Give each figure for the half hours (n, 180) learned from, those held out, and the made ones."""
    from scipy.stats import wasserstein_distance  # noqa: PLC0415 `validate` extra

    groups = (learned, held, made)
    values = [_finite(group) for group in groups]
    steps = [_finite(group[:, DIFFERENCE_STEPS:] - group[:, :-DIFFERENCE_STEPS]) for group in groups]
    singles = [_shape(group) for group in groups]
    near = [_nearest(group, learned) for group in groups[1:]]
    copied = float(np.quantile(near[0], 0.01))
    figures = {
        "MAP, Wasserstein to learned, mmHg": [wasserstein_distance(values[0], v) for v in values],
        "30 s differences, Wasserstein to learned, mmHg": [wasserstein_distance(steps[0], s) for s in steps],
        **{name: [single[name] for single in singles] for name in singles[0]},
        "nearest learned window, median, mmHg": [np.nan, *(np.median(n) for n in near)],
        "nearer than 99 % of held-out": [np.nan, *(np.mean(n < copied) for n in near)],
    }
    return {name: (float(a), float(b), float(c)) for name, (a, b, c) in figures.items()}


def prevalence(asked_minutes: NDArray[np.float32], mmhg: NDArray[np.float32]) -> dict[str, tuple[int, float]]:
    """Give for each kind of outcome asked for how many half hours (n, 180), and the share that fell."""
    fell = np.array([_falls(course) for course in mmhg])
    none = np.isnan(asked_minutes)
    kinds = {"none": none} | {
        f"in {low}-{low + 5} min": ~none & (asked_minutes > low) & (asked_minutes <= low + 5)
        for low in (0, 5, 10)
    }
    return {name: (int(kind.sum()), float(fell[kind].mean())) for name, kind in kinds.items() if kind.any()}


def transfer(rows: Rows, judged: Rows) -> tuple[float, ...]:
    """Give the AUROC at each horizon, on the judged rows, of LightGBM taught on the trend of `rows`."""
    import lightgbm  # noqa: PLC0415 `validate` extra

    seen, asked = (each.trend.reshape(len(each), -1) for each in (rows, judged))
    areas = []
    for column in range(len(HORIZONS_MIN)):
        known, told = np.isfinite(rows.labels[:, column]), np.isfinite(judged.labels[:, column])
        data = lightgbm.Dataset(seen[known], rows.labels[known, column])
        trees: Any = lightgbm.train(dict(LIGHTGBM), data, LIGHTGBM_TREES)
        scores = trees.predict(asked[told], num_threads=1)
        areas.append(auroc(judged.labels[told, column], scores))
    return tuple(areas)


def measured(
    cases: Sequence[Case], settings: DiffusionSettings, say: Callable[[str], None], *, fold: int = 0
) -> str:
    """Learn without one fold of the patients, and give every figure as a Markdown page."""
    out = fold_of(np.array([case.subject_id for case in cases])) == fold
    learned = [case for case, held in zip(cases, out, strict=True) if not held]
    held = [case for case, held in zip(cases, out, strict=True) if held]
    diffusion = learn(learned, settings, say)
    real, others = half_hours(learned), half_hours(held)
    made = diffuse(diffusion, real, MADE, np.random.default_rng(0), float(real.falls.mean()))
    say("windows made")
    rows, judged = make_rows(learned), make_rows(held)
    new = new_windows(diffusion, learned, MADE, seed=1)
    copies = residual_copies(diffusion, rows, learned)
    taught = {
        "real": rows,
        "made": new,
        "real and made": join([rows, new]),
        "real and copies": join([rows, copies]),
    }
    return "\n".join(
        [
            _table(("", "learned", "held out", "made"), likeness(real.mmhg, others.mmhg, made.mmhg)),
            _table(("asked for", "n", "fell"), prevalence(made.asked.minutes, made.mmhg)),
            _table(
                ("LightGBM taught on", *(f"AUROC {m} min" for m in HORIZONS_MIN)),
                {name: transfer(part, judged) for name, part in taught.items()},
            ),
        ]
    )


def _shape(mmhg: NDArray[np.float32]) -> dict[str, float]:
    """Give how half hours move, and how often, how deep and how long they fall."""
    falls = [_depths(course) for course in mmhg]
    nadirs, minutes = np.concatenate([np.empty((0, 2)), *falls]).T
    return {
        "SD within a half hour, median, mmHg": float(np.median(np.nanstd(mmhg, axis=1))),
        **{f"autocorrelation at {lag} s": _autocorrelation(mmhg, round(lag / STEP_S)) for lag in LAGS_S},
        "half hours with an event": float(np.mean([len(fall) > 0 for fall in falls])),
        **{f"events with nadir {name} mmHg": _share(nadirs, *edge) for name, edge in NADIRS.items()},
        **{f"events of {name} min": _share(minutes, *edge) for name, edge in DURATIONS.items()},
    }


def _depths(course: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give (events, 2): nadir in mmHg, minutes."""
    events = find_events(course, STEP_S)
    found = [(np.nanmin(course[e.start : e.stop]), (e.stop - e.start) * STEP_S / 60) for e in events]
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _falls(course: NDArray[np.float32]) -> bool:
    return any(WINDOW_STEPS <= e.start < WINDOW_STEPS + AHEAD_STEPS for e in find_events(course, STEP_S))


def _share(values: NDArray[np.float64], low: float, high: float) -> float:
    return float(np.mean((values >= low) & (values < high))) if values.size else float("nan")


def _autocorrelation(mmhg: NDArray[np.float32], lag: int) -> float:
    """Give the pooled autocorrelation about each half hour's own mean."""
    moved = mmhg - np.nanmean(mmhg, axis=1, keepdims=True)
    return float(np.nanmean(moved[:, lag:] * moved[:, :-lag]) / np.nanmean(moved**2))


def _nearest(mmhg: NDArray[np.float32], learned: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give the root mean square distance, mmHg, of some windows to the nearest learned one."""
    random = np.random.default_rng(0)
    some = mmhg[random.permutation(len(mmhg))[:COMPARED], :WINDOW_STEPS]
    sought, known = (filled(part).astype(np.float64) for part in (some, learned[:, :WINDOW_STEPS]))
    square = (sought**2).sum(1)[:, None] + (known**2).sum(1) - 2 * sought @ known.T
    return np.asarray(np.sqrt(np.maximum(square.min(axis=1), 0) / WINDOW_STEPS))


def _finite(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values[np.isfinite(values)]


def _table(heads: Sequence[str], rows: Mapping[str, Sequence[float]]) -> str:
    lines = [heads, ["---"] * len(heads), *([name, *(f"{v:.4g}" for v in row)] for name, row in rows.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
