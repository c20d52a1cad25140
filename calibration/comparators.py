"""What anybody gets in an afternoon, on the very same rows: the forecasts that a model has to beat.

In: rows of features (one per landmark) for training and for scoring. Out: scores (n,), higher means
riskier. `-MAP`, `MAP < 72` and `LepMAP` learn nothing; the others are fitted on the training rows.
Needs the `validate` extra (scikit-learn, LightGBM), imported only where a comparator is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.events import find_events

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

SCALES_MIN: Final = (1, 2, 3, 5, 10, 15)
_STATISTICS: Final = ("mean", "sd", "min", "max", "slope")
NUMERIC: Final = (
    *(f"{name}_{minutes}min" for minutes in SCALES_MIN for name in _STATISTICS),
    "case_mean",
    "case_min",
    "past_events",
    "minutes",
    "samples_below_65",
    "samples_below_70",
    "current",
    "below_72",
)
"""Columns of numeric_features; pressures in mmHg, slopes in mmHg per minute."""
STATIC: Final = (
    "age_years",
    "male",
    "bmi",
    "asa",
    "emergency",
    "hypertension",
    "diabetes",
    "hb_g_dl",
    "albumin_g_dl",
    "creatinine_mg_dl",
    "minutes_since_surgery",
    "minutes_since_anaesthesia",
)
"""Columns that the caller appends to NUMERIC; NaN where unknown."""
ALARM_MMHG: Final = 72.0
LEPMAP_MIN: Final = 3
LOGISTIC_C: Final = 0.1
LIGHTGBM_TREES: Final = 200
LIGHTGBM: Final = MappingProxyType(
    {
        "objective": "binary",
        "learning_rate": 0.03,
        "num_leaves": 15,
        "min_child_samples": 200,
        "subsample": 0.8,
        "subsample_freq": 1,
        "colsample_bytree": 0.6,
        "reg_lambda": 5.0,
        "n_jobs": 1,
        "random_state": 0,
        "verbose": -1,
    }
)


@dataclass(frozen=True, slots=True)
class Comparator:
    """One way to score rows, and the columns that it may see."""

    columns: tuple[str, ...]
    fit: Callable[[NDArray[np.float64], NDArray[np.float64], int], Callable[[NDArray[np.float64]], Any]]
    """(training columns, labels, horizon in min) -> scorer of columns."""


def numeric_features(
    map_mmhg: NDArray[np.floating[Any]], at: NDArray[np.intp], step_s: float
) -> NDArray[np.float64]:
    """Give (n, NUMERIC) for the columns `at` of one case; each row sees the case up to its column only."""
    if not at.size:
        return np.empty((0, len(NUMERIC)))
    per_min = 60 / step_s
    windows = np.lib.stride_tricks.sliding_window_view(map_mmhg, round(SCALES_MIN[-1] * per_min))
    recent = windows[at + 1 - windows.shape[1]]  # (n, time)
    scales = [_scale(recent[:, -round(minutes * per_min) :], per_min) for minutes in SCALES_MIN]
    return np.concatenate([*scales, _so_far(map_mmhg, at, step_s), _now(recent, step_s)], axis=1)


def score(
    name: str,
    train: tuple[NDArray[np.float64], NDArray[np.float64]],
    rows: NDArray[np.float64],
    horizon_min: int,
) -> NDArray[np.float64]:
    """Fit comparator `name` on (rows, labels) of (NUMERIC + STATIC) columns; score other rows."""
    comparator = COMPARATORS[name]
    columns = [(NUMERIC + STATIC).index(column) for column in comparator.columns]
    known = np.isfinite(train[1])
    scorer = comparator.fit(train[0][known][:, columns], train[1][known], horizon_min)
    return np.asarray(scorer(rows[:, columns]), dtype=np.float64)


def _scale(values: NDArray[np.floating[Any]], per_min: float) -> NDArray[np.float64]:
    """Give (n, _STATISTICS) over the valid samples of (n, time); NaN without any."""
    seen = np.isfinite(values)
    count = seen.sum(axis=1)
    minutes = np.arange(values.shape[1]) / per_min
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(seen, values, 0).sum(axis=1) / count
        gap = np.where(seen, values - mean[:, None], 0)
        ahead = np.where(seen, minutes - ((seen @ minutes) / count)[:, None], 0)
        slope = (ahead * gap).sum(axis=1) / (ahead**2).sum(axis=1)
        sd = np.sqrt((gap**2).sum(axis=1) / count)
    low, high = (np.where(seen, values, edge) for edge in (np.inf, -np.inf))
    features = np.stack([mean, sd, low.min(axis=1), high.max(axis=1), slope], axis=1)
    return np.where(np.isfinite(features), features, np.nan)


def _so_far(map_mmhg: NDArray[np.floating[Any]], at: NDArray[np.intp], step_s: float) -> NDArray[np.float64]:
    seen = np.isfinite(map_mmhg)
    mean = np.cumsum(np.where(seen, map_mmhg, 0))[at] / np.cumsum(seen)[at]
    low = np.minimum.accumulate(np.where(seen, map_mmhg, np.inf))[at]
    stops = np.array([event.stop for event in find_events(map_mmhg, step_s)])
    events = np.searchsorted(stops, at, side="right")
    below = [np.cumsum(map_mmhg < limit)[at] for limit in (65, 70)]
    return np.stack([mean, low, events, at * step_s / 60, *below], axis=1)


def _now(recent: NDArray[np.floating[Any]], step_s: float) -> NDArray[np.float64]:
    """Give current MAP (last 30 s), and whether the whole last minute was below ALARM_MMHG."""
    last, minute = (recent[:, -round(seconds / step_s) :] for seconds in (30, 60))
    seen = np.isfinite(last)
    current = np.where(seen, last, 0).sum(axis=1) / seen.sum(axis=1)
    alarmed = np.all((minute < ALARM_MMHG) | np.isnan(minute), axis=1)
    return np.stack([current, alarmed.astype(np.float64)], axis=1)


def _negative(
    _train: NDArray[np.float64], _labels: NDArray[np.float64], _minutes: int
) -> Callable[[NDArray[np.float64]], Any]:
    return lambda rows: -rows[:, 0]


def _as_it_is(
    _train: NDArray[np.float64], _labels: NDArray[np.float64], _minutes: int
) -> Callable[[NDArray[np.float64]], Any]:
    return lambda rows: rows[:, 0]


def _lepmap(
    _train: NDArray[np.float64], _labels: NDArray[np.float64], minutes: int
) -> Callable[[NDArray[np.float64]], Any]:
    """Linear extrapolation: current MAP plus the slope of the last 3 min, carried on."""
    return lambda rows: -(rows[:, 0] + minutes * np.nan_to_num(rows[:, 1]))


def _logistic(
    train: NDArray[np.float64], labels: NDArray[np.float64], _minutes: int
) -> Callable[[NDArray[np.float64]], Any]:
    from sklearn.impute import SimpleImputer  # noqa: PLC0415 `validate` extra
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 likewise
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 likewise
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 likewise

    regression = LogisticRegression(C=LOGISTIC_C, max_iter=1000)
    model = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), regression).fit(
        train, labels
    )
    return lambda rows: model.predict_proba(rows)[:, 1]


def _lightgbm(
    train: NDArray[np.float64], labels: NDArray[np.float64], _minutes: int
) -> Callable[[NDArray[np.float64]], Any]:
    import lightgbm  # noqa: PLC0415 `validate` extra

    model = lightgbm.train(dict(LIGHTGBM), lightgbm.Dataset(train, labels), LIGHTGBM_TREES)
    return lambda rows: model.predict(rows, num_threads=1)


_TREND: Final = NUMERIC[: NUMERIC.index("current")]
COMPARATORS: Final[Mapping[str, Comparator]] = MappingProxyType(
    {
        "-MAP": Comparator(("current",), _negative),
        "MAP < 72 for 1 min": Comparator(("below_72",), _as_it_is),
        "LepMAP": Comparator(("current", f"slope_{LEPMAP_MIN}min"), _lepmap),
        "logistic, MAP + slope + sd": Comparator(("current", "slope_2min", "sd_2min"), _logistic),
        "logistic, numeric": Comparator(_TREND, _logistic),
        "logistic, all": Comparator(_TREND + STATIC, _logistic),
        "LightGBM, numeric": Comparator(_TREND, _lightgbm),
        "LightGBM, all": Comparator(_TREND + STATIC, _lightgbm),
    }
)
"""Evaluation's table, by name."""
UNFITTED: Final = ("-MAP", "MAP < 72 for 1 min", "LepMAP")
"""Those that learn nothing: they score one patient's rows as well as a thousand's."""
